#include "conf/keys_table.h"

#include <stddef.h>

#include "conf/conf.h"

/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define ROOT(field) CONF_FIELD(CONF_SCOPE_ROOT, struct conf, field)
#define ROOT_BLOCK(field) CONF_BLOCK(CONF_SCOPE_ROOT, struct conf, field)
/* NOLINTEND(bugprone-macro-parentheses) */

const char *const conf_tls_versions[] = { "TLS10", "TLS11", "TLS12", "TLS13",
	NULL };

static const char *const log_levels[] = { "error", "warn", "info", "debug",
	NULL };
static const char *const log_formats[] = { "logfmt", "json", NULL };
static const char *const metrics_details[] = { "normal", "full", NULL };
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

const struct conf_key conf_keys_gate[] = {
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
	{ ROOT(connections), .name = "connections", .type = CONF_TYPE_GROUP,
	    .help = "How many connections the gate holds. Lower values apply "
		    "to new ones; those that are open stay." },
	{ ROOT(connections.max), .name = "connections.max",
	    .type = CONF_TYPE_UINT, .def = "16384", .min = 1, .max = 1000000,
	    .is_reloadable = true,
	    .help = "In all. A new one closes the one that has been idle "
		    "longest; while none is idle, new ones wait." },
	{ ROOT(connections.max_per_address),
	    .name = "connections.max_per_address", .type = CONF_TYPE_UINT,
	    .def = "0", .min = 0, .max = 1000000, .is_reloadable = true,
	    .help = "From one address, of IPv6 from one /64; more are closed "
		    "at once, before a handshake. Unix sockets have no "
		    "address. 0: no limit." },
	{ ROOT(connections.max_per_listener),
	    .name = "connections.max_per_listener", .type = CONF_TYPE_UINT,
	    .def = "0", .min = 0, .max = 1000000, .is_reloadable = true,
	    .help = "Through each address of listen; more are closed at once. "
		    "0: no limit." },
	{ ROOT(journal), .name = "journal", .type = CONF_TYPE_GROUP,
	    .help = "The record on disk, which outlives the process." },
	{ ROOT(journal.path), .name = "journal.path", .type = CONF_TYPE_PATH,
	    .help = "The folder for its files, of this process alone; made "
		    "(0700) if its parent exists. \"\" keeps the record in "
		    "memory." },
	{ ROOT(journal.max_size), .name = "journal.max_size",
	    .type = CONF_TYPE_SIZE, .def = "16MB", .min = 1 << 20,
	    .max = 1 << 30,
	    .help = "What these files may take together; the oldest one goes "
		    "first." },
	{ ROOT(pod), .name = "pod", .type = CONF_TYPE_GROUP,
	    .help = "What Kubernetes says of the pod that the gate runs in." },
	{ ROOT(pod.status), .name = "pod.status", .type = CONF_TYPE_BOOL,
	    .def = "false", .is_reloadable = true,
	    .help = "When a scrape fails, ask the API about this pod: how its "
		    "containers are and how they ended last, its events and "
		    "annotations. At most every 30 seconds; it takes a role "
		    "that may get pods and list events." },
	{ ROOT(pod.api_server), .name = "pod.api_server",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "https://HOST:PORT of the API server. If not set: the "
		    "pod's own (KUBERNETES_SERVICE_HOST and _PORT)." },
	{ ROOT(pod.ca_file), .name = "pod.ca_file", .type = CONF_TYPE_PATH,
	    .is_reloadable = true,
	    .help = "Its authorities, in PEM. If not set: the pod's own." },
	{ ROOT(pod.token_file), .name = "pod.token_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "Holds the bearer token to ask with, read for each "
		    "request. If not set: the pod's own." },
	{ ROOT(pod.namespace), .name = "pod.namespace",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "If not set: the pod's own." },
	{ ROOT(pod.name), .name = "pod.name", .type = CONF_TYPE_STRING,
	    .is_reloadable = true,
	    .help = "If not set: $POD_NAME, or the host's name, which in a "
		    "pod is the pod's unless it uses the host's network." },
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
	    .def = "TLS12", .choices = conf_tls_versions,
	    .unknown = "unknown TLS version", .is_reloadable = true,
	    .help = "Oldest protocol accepted from scrapers." },
	{ ROOT(tls_server_config.max_version),
	    .name = "tls_server_config.max_version", .type = CONF_TYPE_WORD,
	    .def = "TLS13", .choices = conf_tls_versions,
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
	{ ROOT(log_access), .name = "log.access", .type = CONF_TYPE_BOOL,
	    .def = "false", .is_reloadable = true,
	    .help = "A line for each request to the gate: who, what, how it "
		    "ended, how long it took. Neither queries nor headers." },
	{ ROOT(metrics_detail), .name = "metrics_detail",
	    .type = CONF_TYPE_CHOICE, .def = "normal",
	    .choices = metrics_details, .is_reloadable = true,
	    .help = "full: own metrics have a histogram for each phase of a "
		    "scrape, and every reason from the start; a few hundred "
		    "series for each target instead of at most 60." },

	{ .next = conf_keys_target },
};
