#include "conf/keys.h"

#include <stddef.h>

#include "conf/conf.h"

#define ROOT(field)                                                            \
	.scope = CONF_SCOPE_ROOT, .offset = offsetof(struct conf, field)
#define TARGET(field)                                                          \
	.scope = CONF_SCOPE_TARGET,                                            \
	.offset = offsetof(struct conf_target, field)
#define HEADER(field)                                                          \
	.scope = CONF_SCOPE_HEADER,                                            \
	.offset = offsetof(struct conf_http_header, field)
/* A group whose presence matters to the code.  Members take no brackets. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define ROOT_BLOCK(field)                                                      \
	ROOT(field.place), .is_set_offset = offsetof(struct conf, field.is_set)
#define TARGET_BLOCK(field)                                                    \
	TARGET(field.place),                                                   \
	    .is_set_offset = offsetof(struct conf_target, field.is_set)
/* NOLINTEND(bugprone-macro-parentheses) */

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static const char *const log_levels[] = { "error", "warn", "info", "debug",
	NULL };
static const char *const log_formats[] = { "logfmt", "json", NULL };
static const char *const redirects[] = { "false", "same_origin", "true", NULL };
static const char *const tls_versions[] = { "TLS10", "TLS11", "TLS12", "TLS13",
	NULL };
/* In the order of enum conf_client_auth. */
static const char *const client_auth_types[] = { "NoClientCert",
	"RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven",
	"RequireAndVerifyClientCert", NULL };
/* Those of Go's tls.CipherSuites() and of exporter-toolkit's curves. */
static const char *const cipher_suites[] = { "TLS_AES_128_GCM_SHA256",
	"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
	"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
	"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
	"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
	"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
	"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", NULL };
static const char *const curves[] = { "CurveP256", "CurveP384", "CurveP521",
	"X25519", NULL };

const struct conf_key conf_keys[] = {
	{ ROOT(file), .name = "config", .type = CONF_TYPE_STRING,
	    .flag = "config", .is_flag_only = true,
	    .help = "The configuration file. Without one, flags alone "
		    "configure the gate." },
	{ ROOT(targets), .name = "upstream", .type = CONF_TYPE_URL,
	    .flag = "upstream", .is_flag_only = true,
	    .help = "URL of the one exporter, served as target `exporter`. "
		    "Not beside targets in a file." },
	{ ROOT(listen), .name = "listen", .type = CONF_TYPE_ADDRESSES,
	    .def = "[\":8443\"]", .flag = "listen", .is_reloadable = true,
	    .help = "Where the gate listens: host:port, [ipv6]:port, :port or "
		    "unix:/path. Port 0 takes a free one. The flag may be "
		    "repeated." },
	{ ROOT(admin_listen), .name = "admin", .type = CONF_TYPE_GROUP,
	    .help = "The admin listener." },
	{ ROOT(admin_listen), .name = "admin.listen", .type = CONF_TYPE_ADDRESS,
	    .def = "127.0.0.1:8442", .flag = "admin.listen",
	    .help = "Where API and own metrics are served, without "
		    "authentication. \"\" turns it off." },
	{ ROOT(health_listen), .name = "health", .type = CONF_TYPE_GROUP,
	    .help = "The health listener." },
	{ ROOT(health_listen), .name = "health.listen",
	    .type = CONF_TYPE_ADDRESS, .def = "", .flag = "health.listen",
	    .help = "Where /-/healthy and /-/ready are served over plain HTTP, "
		    "for kubelet. \"\" turns it off." },
	{ ROOT(workers), .name = "workers", .type = CONF_TYPE_UINT, .def = "1",
	    .min = 1, .max = 64, .flag = "workers",
	    .help = "Threads that serve scrapers." },
	{ ROOT(memory_budget), .name = "memory_budget", .type = CONF_TYPE_SIZE,
	    .def = "64MB", .min = 1 << 20, .max = INT64_C(1) << 50,
	    .help = "What answers in memory may take together. If not set: "
		    "64MB, or half of the own cgroup's limit if that is "
		    "less." },
	{ ROOT(self_signed), .name = "self_signed", .type = CONF_TYPE_BOOL,
	    .def = "false", .flag = "self-signed", .is_reloadable = true,
	    .help = "Make a certificate in memory. Not beside a configured "
		    "certificate." },
	{ ROOT(insecure_http), .name = "insecure_http", .type = CONF_TYPE_BOOL,
	    .def = "false", .flag = "insecure-http", .is_reloadable = true,
	    .help = "Serve plain HTTP if no certificate is configured." },
	{ ROOT(web_config_file), .name = "web", .type = CONF_TYPE_GROUP,
	    .help = "The web configuration." },
	{ ROOT(web_config_file), .name = "web.config", .type = CONF_TYPE_GROUP,
	    .help = "The web configuration." },
	{ ROOT(web_config_file), .name = "web.config.file",
	    .type = CONF_TYPE_PATH, .flag = "web.config.file",
	    .is_not_printed = true, .is_reloadable = true,
	    .help = "A file in exporter-toolkit's format; its blocks may stand "
		    "at the top level instead." },
	{ ROOT_BLOCK(tls_server_config), .name = "tls_server_config",
	    .type = CONF_TYPE_GROUP, .is_web = true,
	    .help = "TLS of the gate, as in exporter-toolkit." },
	{ ROOT(tls_server_config.cert_file),
	    .name = "tls_server_config.cert_file", .type = CONF_TYPE_PATH,
	    .is_reloadable = true,
	    .help = "Certificate chain in PEM, leaf first. A file that does "
		    "not exist yet is waited for." },
	{ ROOT(tls_server_config.cert), .name = "tls_server_config.cert",
	    .type = CONF_TYPE_PEM, .is_reloadable = true,
	    .help = "The same, inline. Not used beside cert_file." },
	{ ROOT(tls_server_config.key_file),
	    .name = "tls_server_config.key_file", .type = CONF_TYPE_PATH,
	    .is_reloadable = true, .help = "Its private key in PEM." },
	{ ROOT(tls_server_config.key), .name = "tls_server_config.key",
	    .type = CONF_TYPE_SECRET_PEM, .is_reloadable = true,
	    .help = "The same, inline. Not used beside key_file." },
	{ ROOT(tls_server_config.client_auth_type),
	    .name = "tls_server_config.client_auth_type",
	    .type = CONF_TYPE_CLIENT_AUTH, .def = "NoClientCert",
	    .choices = client_auth_types, .unknown = "invalid ClientAuth",
	    .is_reloadable = true,
	    .help = "What is asked of a scraper's certificate. Only the two "
		    "with Verify check who issued it. RequireClientCert is "
		    "read as RequireAnyClientCert." },
	{ ROOT(tls_server_config.client_ca_file),
	    .name = "tls_server_config.client_ca_file", .type = CONF_TYPE_PATH,
	    .is_reloadable = true,
	    .help = "Authorities that issue scrapers' certificates, in PEM. "
		    "Required by the two with Verify." },
	{ ROOT(tls_server_config.client_ca),
	    .name = "tls_server_config.client_ca", .type = CONF_TYPE_PEM,
	    .is_reloadable = true,
	    .help = "The same, inline. Not used beside client_ca_file." },
	{ ROOT(tls_server_config.client_crl_file),
	    .name = "tls_server_config.client_crl_file", .type = CONF_TYPE_PATH,
	    .is_reloadable = true,
	    .help = "Revocation lists of these authorities, in PEM; an expired "
		    "one lets nobody in. scrapegate's own key: "
		    "exporter-toolkit refuses it." },
	{ ROOT(tls_server_config.client_allowed_sans),
	    .name = "tls_server_config.client_allowed_sans",
	    .type = CONF_TYPE_STRINGS, .is_reloadable = true,
	    .help = "A scraper's certificate must have one of these as DNS "
		    "name, e-mail, IP address or URI, letter for letter." },
	{ ROOT(tls_server_config.min_version),
	    .name = "tls_server_config.min_version", .type = CONF_TYPE_WORD,
	    .def = "TLS12", .choices = tls_versions,
	    .unknown = "unknown TLS version", .is_reloadable = true,
	    .help = "Oldest protocol accepted from scrapers." },
	{ ROOT(tls_server_config.max_version),
	    .name = "tls_server_config.max_version", .type = CONF_TYPE_WORD,
	    .def = "TLS13", .choices = tls_versions,
	    .unknown = "unknown TLS version", .is_reloadable = true,
	    .help = "Newest protocol offered to scrapers." },
	{ ROOT(tls_server_config.cipher_suites),
	    .name = "tls_server_config.cipher_suites", .type = CONF_TYPE_WORDS,
	    .choices = cipher_suites, .unknown = "unknown cipher",
	    .is_reloadable = true,
	    .help = "For TLS 1.2 and before, in this order, instead of ECDHE "
		    "with AES-GCM or ChaCha20. Those of TLS 1.3 are always "
		    "on, as in Go; a list of these alone turns TLS 1.2 off." },
	{ ROOT(tls_server_config.prefer_server_cipher_suites),
	    .name = "tls_server_config.prefer_server_cipher_suites",
	    .type = CONF_TYPE_BOOL, .def = "true", .is_reloadable = true,
	    .help = "The gate's order of ciphers counts, not the scraper's." },
	{ ROOT(tls_server_config.curve_preferences),
	    .name = "tls_server_config.curve_preferences",
	    .type = CONF_TYPE_WORDS, .choices = curves,
	    .unknown = "unknown curve", .is_reloadable = true,
	    .help = "Groups for the key exchange, in this order." },
	{ ROOT_BLOCK(http_server_config), .name = "http_server_config",
	    .type = CONF_TYPE_GROUP, .is_web = true,
	    .help = "HTTP of the gate, as in exporter-toolkit." },
	{ ROOT(http_server_config.http2), .name = "http_server_config.http2",
	    .type = CONF_TYPE_BOOL, .def = "true", .is_reloadable = true,
	    .help = "Read and without effect: HTTP/2 is never offered, because "
		    "it has no reason phrase to say why a scrape failed." },
	{ ROOT(http_server_config.headers),
	    .name = "http_server_config.headers",
	    .type = CONF_TYPE_RESPONSE_HEADERS, .is_reloadable = true,
	    .help = "Added to every answer: Content-Security-Policy, "
		    "X-Frame-Options (deny or sameorigin), "
		    "X-Content-Type-Options (nosniff), X-XSS-Protection, "
		    "Strict-Transport-Security." },
	{ ROOT(basic_auth_users), .name = "basic_auth_users",
	    .type = CONF_TYPE_USERS, .is_web = true, .is_reloadable = true,
	    .help = "Who may scrape: {NAME: bcrypt hash}." },
	{ ROOT_BLOCK(rate_limit), .name = "rate_limit", .type = CONF_TYPE_GROUP,
	    .is_web = true,
	    .help = "One token bucket for all requests, as in "
		    "exporter-toolkit." },
	{ ROOT(rate_limit.interval), .name = "rate_limit.interval",
	    .type = CONF_TYPE_GO_DURATION, .def = "0s", .is_reloadable = true,
	    .help = "Time in which one more request is let in, /-/healthy and "
		    "/-/ready aside. 0: no limit." },
	{ ROOT(rate_limit.burst), .name = "rate_limit.burst",
	    .type = CONF_TYPE_UINT, .def = "0", .min = 0, .max = 999999999,
	    .is_reloadable = true,
	    .help = "How many requests at once. With 0 none is let in." },
	{ ROOT(targets), .name = "targets", .type = CONF_TYPE_TARGETS,
	    .is_reloadable = true, .help = "The exporters behind the gate." },
	{ ROOT(log_level), .name = "log", .type = CONF_TYPE_GROUP,
	    .help = "The log on standard error." },
	{ ROOT(log_level), .name = "log.level", .type = CONF_TYPE_CHOICE,
	    .def = "info", .choices = log_levels, .flag = "log.level",
	    .is_reloadable = true, .help = "The least important line shown." },
	{ ROOT(log_format), .name = "log.format", .type = CONF_TYPE_CHOICE,
	    .def = "logfmt", .choices = log_formats, .flag = "log.format",
	    .is_reloadable = true, .help = "One record a line, in this form." },

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
	    .type = CONF_TYPE_DURATION, .def = "10s", .min = 1, .max = DAY_MS,
	    .is_reloadable = true,
	    .help = "Time for a scrape whose scraper sends no "
		    "X-Prometheus-Scrape-Timeout-Seconds." },
	{ TARGET(max_scrape_timeout), .name = "max_scrape_timeout",
	    .type = CONF_TYPE_DURATION, .def = "2m", .min = 1, .max = DAY_MS,
	    .is_reloadable = true,
	    .help = "The most a scraper's timeout is believed." },
	{ TARGET(timeout_offset), .name = "timeout_offset",
	    .type = CONF_TYPE_DURATION, .def = "500ms", .min = 0,
	    .max = INT64_C(3600) * 1000, .is_reloadable = true,
	    .help = "How long before the scraper gives up the answer is out; "
		    "at most a tenth of the timeout." },
	{ TARGET(cache_ttl), .name = "cache", .type = CONF_TYPE_GROUP,
	    .help = "Sharing one answer." },
	{ TARGET(cache_ttl), .name = "cache.ttl", .type = CONF_TYPE_DURATION,
	    .def = "0s", .min = 0, .max = DAY_MS, .is_reloadable = true,
	    .help = "How long an answer may be served again. 0: only scrapes "
		    "at the same time share one." },
	{ TARGET(cache_once_per_scraper), .name = "cache.once_per_scraper",
	    .type = CONF_TYPE_BOOL, .def = "true", .is_reloadable = true,
	    .help = "Never give one scraper the same answer twice." },
	{ TARGET(body_size_limit), .name = "body_size_limit",
	    .type = CONF_TYPE_SIZE, .def = "0", .min = 0,
	    .max = INT64_C(1) << 50, .is_reloadable = true,
	    .help = "A larger answer fails the scrape, as in Prometheus. 0: no "
		    "limit." },
	{ TARGET(params), .name = "params", .type = CONF_TYPE_PARAMS,
	    .is_reloadable = true,
	    .help = "Sent to the exporter, as in Prometheus: {NAME: "
		    "[VALUE, ...]}." },
	{ TARGET(query_allow), .name = "query", .type = CONF_TYPE_GROUP,
	    .help = "What a scraper may add to the query." },
	{ TARGET(query_allow), .name = "query.allow", .type = CONF_TYPE_STRINGS,
	    .def = "[\"collect[]\", \"name[]\"]", .is_reloadable = true,
	    .help = "Names of parameters a scraper may add." },
	{ TARGET(query_rules), .name = "query.values",
	    .type = CONF_TYPE_QUERY_VALUES, .is_reloadable = true,
	    .help = "Per name the values it may have: a list, or one POSIX "
		    "extended regex that must match the whole value." },
	{ TARGET(follow_redirects), .name = "follow_redirects",
	    .type = CONF_TYPE_CHOICE, .def = "same_origin",
	    .choices = redirects, .is_reloadable = true,
	    .help = "Whether redirects of the exporter are followed." },
	{ TARGET(startup_grace), .name = "startup_grace",
	    .type = CONF_TYPE_DURATION, .def = "0s", .min = 0, .max = DAY_MS,
	    .is_reloadable = true,
	    .help = "How long after the start an exporter that never answered "
		    "gives 503 instead of 502." },
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
	    .type = CONF_TYPE_WORD, .def = "TLS12", .choices = tls_versions,
	    .unknown = "unknown TLS version", .is_reloadable = true,
	    .help = "Oldest protocol to accept." },
	{ TARGET(tls_config.max_version), .name = "tls_config.max_version",
	    .type = CONF_TYPE_WORD, .def = "TLS13", .choices = tls_versions,
	    .unknown = "unknown TLS version", .is_reloadable = true,
	    .help = "Newest protocol to offer." },
	{ TARGET(http_headers), .name = "http_headers",
	    .type = CONF_TYPE_HEADERS, .is_reloadable = true,
	    .help = "Headers to send to the exporter, by name." },
	{ TARGET(proxy_url), .name = "proxy_url", .type = CONF_TYPE_PROXY,
	    .is_reloadable = true,
	    .help = "Reach the exporter through this proxy: http, https or "
		    "socks5." },

	{ HEADER(values), .name = "values", .type = CONF_TYPE_STRINGS,
	    .is_reloadable = true, .help = "Values, each sent as a line." },
	{ HEADER(secrets), .name = "secrets", .type = CONF_TYPE_SECRETS,
	    .is_reloadable = true, .help = "Values that are never shown." },
	{ HEADER(files), .name = "files", .type = CONF_TYPE_PATHS,
	    .is_reloadable = true, .help = "Files that hold values." },
	{ .name = NULL },
};
