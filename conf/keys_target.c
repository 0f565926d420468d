#include "conf/keys_table.h"

#include <stddef.h>

#include "conf/conf.h"
#include "conf/multiple.h"

/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define TARGET(field) CONF_FIELD(CONF_SCOPE_TARGET, struct conf_target, field)
#define TARGET_BLOCK(field)                                                    \
	CONF_BLOCK(CONF_SCOPE_TARGET, struct conf_target, field)
#define HEADER(field)                                                          \
	CONF_FIELD(CONF_SCOPE_HEADER, struct conf_http_header, field)
/* NOLINTEND(bugprone-macro-parentheses) */

static const char *const redirects[] = { "false", "same_origin", "true", NULL };

/* In the order of enum conf_validate. */
static const char *const validations[] = { "off", "report", "refuse", NULL };

/* Prometheus' own names. */
static const char *const protocols[] = { "PrometheusProto",
	"OpenMetricsText0.0.1", "OpenMetricsText1.0.0", "PrometheusText0.0.4",
	"PrometheusText1.0.0", NULL };

const struct conf_key conf_keys_target[] = {
	{ TARGET(name), .name = "name", .type = CONF_TYPE_STRING,
	    .is_reloadable = true,
	    .help = "Unique; letters, digits, `_`, `.` and `-`, at most 63. "
		    "Required." },
	{ TARGET(url), .name = "url", .type = CONF_TYPE_URL,
	    .is_reloadable = true,
	    .help = "The exporter: http://HOST:PORT/PATH, https://..., "
		    "unix:/run/NAME.sock:/PATH or file:/PATH. Without a path: "
		    "/metrics. Required." },
	{ TARGET(path), .name = "path", .type = CONF_TYPE_STRING,
	    .is_reloadable = true,
	    .help = "Where the gate serves it. If not set: /metrics/NAME; the "
		    "first target is served at /metrics too." },
	{ TARGET(scrape_timeout), .name = "scrape_timeout",
	    .type = CONF_TYPE_DURATION, .def = "10s", .min = 1,
	    .max = CONF_DAY_MS, .is_reloadable = true,
	    .help = "Time for a scrape whose scraper sends no "
		    "X-Prometheus-Scrape-Timeout-Seconds." },
	{ TARGET(max_scrape_timeout), .name = "max_scrape_timeout",
	    .type = CONF_TYPE_DURATION, .def = "2m", .min = 1,
	    .max = CONF_DAY_MS, .is_reloadable = true,
	    .help = "The most a scraper's timeout is believed." },
	{ TARGET(timeout_offset), .name = "timeout_offset",
	    .type = CONF_TYPE_DURATION, .def = "500ms", .min = 0,
	    .max = INT64_C(3600) * 1000, .is_reloadable = true,
	    .help = "How long before the scraper gives up the answer is out; "
		    "at most a tenth of the timeout." },
	{ TARGET(cache_ttl), .name = "cache", .type = CONF_TYPE_GROUP,
	    .help = "Sharing one answer." },
	{ TARGET(cache_ttl), .name = "cache.ttl", .type = CONF_TYPE_DURATION,
	    .def = "0s", .min = 0, .max = CONF_DAY_MS, .is_reloadable = true,
	    .help = "How long an answer may be served again. 0: only scrapes "
		    "at the same time share one." },
	{ TARGET(cache_once_per_scraper), .name = "cache.once_per_scraper",
	    .type = CONF_TYPE_BOOL, .def = "true", .is_reloadable = true,
	    .help = "Never give one scraper the same answer twice." },
	{ TARGET(late_finish), .name = "late_finish",
	    .type = CONF_TYPE_MULTIPLE, .def = "2x", .min = CONF_MULTIPLE_ONE,
	    .max = 10 * CONF_MULTIPLE_ONE, .is_reloadable = true,
	    .help = "How long the first attempt that runs out of time may go "
		    "on unheard, as a multiple of the scraper's timeout, to "
		    "learn how long the exporter needs; the next scrape ends "
		    "it. 0: off." },
	{ TARGET(body_size_limit), .name = "body_size_limit",
	    .type = CONF_TYPE_SIZE, .def = "0", .min = 0,
	    .max = INT64_C(1) << 50, .is_reloadable = true,
	    .help = "A larger answer fails the scrape, as in Prometheus. 0: no "
		    "limit." },
	{ TARGET(sample_limit), .name = "sample_limit", .type = CONF_TYPE_UINT,
	    .def = "0", .min = 0, .max = UINT32_MAX, .is_reloadable = true,
	    .help = "An answer with more samples fails the scrape, as in "
		    "Prometheus. 0: no limit." },
	{ TARGET(label_limit), .name = "label_limit", .type = CONF_TYPE_UINT,
	    .def = "0", .min = 0, .max = UINT32_MAX, .is_reloadable = true,
	    .help = "Likewise a series with more labels, its name counted; "
		    "labels that Prometheus adds are not. 0: no limit." },
	{ TARGET(label_name_length_limit), .name = "label_name_length_limit",
	    .type = CONF_TYPE_UINT, .def = "0", .min = 0, .max = UINT32_MAX,
	    .is_reloadable = true,
	    .help = "Likewise a label with a longer name, in bytes. 0: no "
		    "limit." },
	{ TARGET(label_value_length_limit), .name = "label_value_length_limit",
	    .type = CONF_TYPE_UINT, .def = "0", .min = 0, .max = UINT32_MAX,
	    .is_reloadable = true,
	    .help = "Likewise a label with a longer value, or a longer metric "
		    "name. 0: no limit." },
	{ TARGET(stream_above), .name = "stream_above", .type = CONF_TYPE_SIZE,
	    .def = "8MB", .min = 0, .max = INT64_C(1) << 50,
	    .is_reloadable = true,
	    .help = "A longer answer is passed on as it comes, and kept for "
		    "nobody; up to that it is judged whole first. 0: always "
		    "judged whole." },
	{ TARGET(params), .name = "params", .type = CONF_TYPE_PARAMS,
	    .is_reloadable = true,
	    .help = "Sent to the exporter, as in Prometheus: {NAME: "
		    "[VALUE, ...]}." },
	{ TARGET(query_allow), .name = "query", .type = CONF_TYPE_GROUP,
	    .help = "What a scraper may add to the query." },
	{ TARGET(query_allow), .name = "query.allow", .type = CONF_TYPE_STRINGS,
	    .def = "[\"collect[]\", \"name[]\"]", .is_reloadable = true,
	    .help = "Names of parameters a scraper may add. A `target` that is "
		    "loopback, link-local or the Kubernetes API has to be "
		    "listed in query.values." },
	{ TARGET(query_rules), .name = "query.values",
	    .type = CONF_TYPE_QUERY_VALUES, .is_reloadable = true,
	    .help = "Per name the values it may have: a list, or one POSIX "
		    "extended regex that must match the whole value." },
	{ TARGET(validate), .name = "validate", .type = CONF_TYPE_CHOICE,
	    .def = "refuse", .choices = validations, .is_reloadable = true,
	    .help = "`refuse`: a body that no released Prometheus takes, or "
		    "that breaks a limit above, fails the scrape with line and "
		    "column; what only some refuse is delivered with a "
		    "warning. `report`: always delivered, and recorded. `off`: "
		    "nobody looks, and only body_size_limit holds. A body "
		    "longer than stream_above is only reported." },
	{ TARGET(fallback_scrape_protocol), .name = "fallback_scrape_protocol",
	    .type = CONF_TYPE_WORD, .choices = protocols,
	    .unknown = "unknown scrape protocol", .is_reloadable = true,
	    .help = "What the exporter speaks if its Content-Type is missing, "
		    "malformed or foreign, as in Prometheus 3: the header that "
		    "goes out says so. If not set: passed on as it came." },
	{ TARGET(follow_redirects), .name = "follow_redirects",
	    .type = CONF_TYPE_CHOICE, .def = "same_origin",
	    .choices = redirects, .is_reloadable = true,
	    .help = "Whether redirects of the exporter are followed." },
	{ TARGET(startup_grace), .name = "startup_grace",
	    .type = CONF_TYPE_DURATION, .def = "0s", .min = 0,
	    .max = CONF_DAY_MS, .is_reloadable = true,
	    .help = "How long an exporter that has not answered yet gives 503 "
		    "with Retry-After instead of 502 or 504, from when the "
		    "gate began to serve it. The reason stays the same." },
	{ TARGET_BLOCK(basic_auth), .name = "basic_auth",
	    .type = CONF_TYPE_GROUP,
	    .help = "The gate's credentials for the exporter." },
	{ TARGET(basic_auth.username), .name = "basic_auth.username",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "Or username_file." },
	{ TARGET(basic_auth.username_file), .name = "basic_auth.username_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "File that holds it." },
	{ TARGET(basic_auth.password), .name = "basic_auth.password",
	    .type = CONF_TYPE_SECRET, .is_reloadable = true,
	    .help = "Or password_file." },
	{ TARGET(basic_auth.password_file), .name = "basic_auth.password_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "File that holds it." },
	{ TARGET_BLOCK(authorization), .name = "authorization",
	    .type = CONF_TYPE_GROUP,
	    .help = "The Authorization header for the exporter." },
	{ TARGET(authorization.type), .name = "authorization.type",
	    .type = CONF_TYPE_STRING, .def = "Bearer", .is_reloadable = true,
	    .help = "Its scheme." },
	{ TARGET(authorization.credentials),
	    .name = "authorization.credentials", .type = CONF_TYPE_SECRET,
	    .is_reloadable = true, .help = "Or credentials_file." },
	{ TARGET(authorization.credentials_file),
	    .name = "authorization.credentials_file", .type = CONF_TYPE_PATH,
	    .is_reloadable = true, .help = "File that holds them." },
	{ TARGET_BLOCK(tls_config), .name = "tls_config",
	    .type = CONF_TYPE_GROUP,
	    .help = "TLS to an https exporter, as in Prometheus." },
	{ TARGET(tls_config.ca_file), .name = "tls_config.ca_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "Authorities to trust instead of the system's, in PEM." },
	{ TARGET(tls_config.ca), .name = "tls_config.ca", .type = CONF_TYPE_PEM,
	    .is_reloadable = true, .help = "The same, inline." },
	{ TARGET(tls_config.cert_file), .name = "tls_config.cert_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "Client certificate in PEM." },
	{ TARGET(tls_config.cert), .name = "tls_config.cert",
	    .type = CONF_TYPE_PEM, .is_reloadable = true,
	    .help = "The same, inline." },
	{ TARGET(tls_config.key_file), .name = "tls_config.key_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "Its private key in PEM." },
	{ TARGET(tls_config.key), .name = "tls_config.key",
	    .type = CONF_TYPE_SECRET_PEM, .is_reloadable = true,
	    .help = "The same, inline." },
	{ TARGET(tls_config.server_name), .name = "tls_config.server_name",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "Name to ask for and to verify instead of the host." },
	{ TARGET(tls_config.insecure_skip_verify),
	    .name = "tls_config.insecure_skip_verify", .type = CONF_TYPE_BOOL,
	    .def = "false", .is_reloadable = true,
	    .help = "Do not verify the exporter's certificate." },
	{ TARGET(tls_config.min_version), .name = "tls_config.min_version",
	    .type = CONF_TYPE_WORD, .def = "TLS12",
	    .choices = conf_tls_versions, .unknown = "unknown TLS version",
	    .is_reloadable = true, .help = "Oldest protocol to accept." },
	{ TARGET(tls_config.max_version), .name = "tls_config.max_version",
	    .type = CONF_TYPE_WORD, .def = "TLS13",
	    .choices = conf_tls_versions, .unknown = "unknown TLS version",
	    .is_reloadable = true, .help = "Newest protocol to offer." },
	{ TARGET(http_headers), .name = "http_headers",
	    .type = CONF_TYPE_HEADERS, .is_reloadable = true,
	    .help = "Headers to send to the exporter, by name." },
	{ TARGET(proxy_url), .name = "proxy_url", .type = CONF_TYPE_PROXY,
	    .is_reloadable = true,
	    .help = "Reach the exporter through this proxy: http, https or "
		    "socks5." },
	{ TARGET(resources), .name = "resources", .type = CONF_TYPE_GROUP,
	    .help = "Where to look for what the exporter uses, when it fails "
		    "or is slow." },
	{ TARGET(resources.pid), .name = "resources.pid",
	    .type = CONF_TYPE_STRING, .def = "auto", .is_reloadable = true,
	    .help = "Its process: auto (who listens at url, if that is on "
		    "this machine or in this pod), off, a process id, or the "
		    "absolute path of a PID file." },
	{ TARGET(resources.cgroup), .name = "resources.cgroup",
	    .type = CONF_TYPE_STRING, .def = "auto", .is_reloadable = true,
	    .help = "Its cgroup: auto (the process' own), off, or a path, as "
		    "in /proc/PID/cgroup or below /sys/fs/cgroup." },
	{ TARGET(resources.container), .name = "resources.container",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "The name of its container, for the advice given. Limits "
		    "that cannot be seen may be declared in the environment: "
		    "SCRAPEGATE_EXPORTER_CPU_LIMIT (`100m`) and "
		    "SCRAPEGATE_EXPORTER_MEMORY_LIMIT (`128Mi`) hold for the "
		    "only target, or for those whose container is "
		    "SCRAPEGATE_EXPORTER_CONTAINER." },

	{ HEADER(values), .name = "values", .type = CONF_TYPE_STRINGS,
	    .is_reloadable = true, .help = "Values, each sent as a line." },
	{ HEADER(secrets), .name = "secrets", .type = CONF_TYPE_SECRETS,
	    .is_reloadable = true, .help = "Values that are never shown." },
	{ HEADER(files), .name = "files", .type = CONF_TYPE_PATHS,
	    .is_reloadable = true, .help = "Files that hold values." },
	{ .next = conf_keys_auth },
};
