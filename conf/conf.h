/*
 * The configuration as plain data: what every other module reads.  No
 * functions.  Built by conf/load from a file and flags, never changed after,
 * so any thread may read it; all strings and arrays belong to the struct conf
 * and go with its last conf_unref().
 *
 * Durations are milliseconds, sizes bytes, unless a name says otherwise.
 * Names follow the keys of the file, which follow Prometheus and
 * exporter-toolkit.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/base/log.h"

struct conf_strings {
	char **items;
	size_t count;
};

/* Where a value stands in a file, for words like "scrapegate.yml:14". */
struct conf_place {
	const char *file; /* NULL: a flag or a default */
	int line;
	int column;
};

/* "host:port", "[ipv6]:port", ":port" or "unix:/path"; "" is off. */
struct conf_address {
	char *text;      /* as written */
	char *host;      /* "" for all addresses; NULL for a unix socket */
	char *unix_path; /* NULL for TCP */
	uint16_t port;
};

enum conf_scheme { CONF_HTTP, CONF_HTTPS, CONF_UNIX, CONF_FILE };

/* An upstream: where, and what to ask for. */
struct conf_url {
	char *text; /* as written; user info is refused: safe to print */
	enum conf_scheme scheme;
	char *host;       /* no brackets; "localhost" for a unix socket */
	uint16_t port;    /* explicit or the scheme's */
	char *unix_path;  /* unix: only */
	char *path;       /* request path with leading '/', no query */
	char *query;      /* of the URL itself, NULL if none */
	bool is_loopback; /* unix socket, or a loopback literal, or localhost */
};

/* Go's tls.ClientAuthType, in exporter-toolkit's names. */
enum conf_client_auth {
	CONF_CLIENT_AUTH_NONE,        /* NoClientCert */
	CONF_CLIENT_AUTH_REQUEST,     /* RequestClientCert */
	CONF_CLIENT_AUTH_REQUIRE_ANY, /* RequireAnyClientCert and its alias
				       * RequireClientCert */
	CONF_CLIENT_AUTH_VERIFY_IF_GIVEN,
	CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY
};

/* exporter-toolkit's tls_server_config; a file wins over inline text. */
struct conf_tls_server {
	struct conf_place place; /* of the block */
	bool is_set;
	char *cert; /* inline PEM */
	char *key;
	char *client_ca;
	char *cert_file; /* resolved against the file's folder */
	char *key_file;
	char *client_ca_file;
	char *client_crl_file; /* ours: revoked client certificates */
	enum conf_client_auth client_auth_type;
	struct conf_strings client_allowed_sans;
	char *min_version; /* "TLS10" .. "TLS13" */
	char *max_version;
	struct conf_strings cipher_suites;     /* Go names; empty: default */
	struct conf_strings curve_preferences; /* Go names; empty: default */
	bool prefer_server_cipher_suites;
};

/* exporter-toolkit's http_server_config. */
struct conf_response_header {
	char *name;
	char *value;
};

struct conf_http_server {
	struct conf_place place;
	bool is_set;
	bool http2; /* accepted and never offered */
	struct conf_response_header *headers;
	size_t header_count;
};

/* One row of exporter-toolkit's basic_auth_users. */
struct conf_user {
	char *name;
	char *hash; /* bcrypt, crypt(3)'s form */
};

/* exporter-toolkit's rate_limit: a token bucket for all requests. */
struct conf_rate_limit {
	struct conf_place place;
	bool is_set;
	int64_t interval; /* between two requests; 0: off */
	unsigned burst;
};

/* Addresses of one prefix; IPv4 as IPv4-mapped, so that both compare alike. */
struct conf_network {
	unsigned char address[16];
	unsigned bits; /* of the 128 that count */
};

enum conf_action { CONF_ALLOW, CONF_DENY };

/* One of auth.rules: each list that is not empty has to match. */
struct conf_rule {
	struct conf_place place;
	struct conf_strings paths; /* patterns, see conf/path.h */
	struct conf_strings users;
	struct conf_strings groups;
	struct conf_strings networks;  /* as written, and read: */
	struct conf_network *ranges;   /* as many */
	struct conf_strings listeners; /* each is one of `listen`, as written */
	enum conf_action action;
};

struct conf_jwt {
	struct conf_place place;
	bool is_set;
	char *issuer;
	struct conf_strings audiences;
	char *jwks_file; /* this or jwks_url */
	char *jwks_url;
	char *jwks_ca_file;    /* NULL: the system's authorities */
	char *jwks_token_file; /* NULL: asked without credentials */
	char *user_claim;
	char *groups_claim;
	int64_t leeway;
};

/* kube-rbac-proxy's resourceAttributes; a text may hold "{{ .Value }}". */
struct conf_attributes {
	struct conf_place place;
	bool is_set;
	char *namespace; /* each may be NULL: empty */
	char *api_group;
	char *api_version;
	char *resource;
	char *subresource;
	char *name;
};

struct conf_token_review {
	struct conf_place place;
	bool is_set;
	struct conf_strings audiences;
};

struct conf_kubernetes {
	struct conf_place place;
	bool is_set;
	char *api_server; /* NULL: from the pod's environment */
	char *ca_file;    /* both NULL: the pod's own */
	char *token_file;
	struct conf_token_review token_review;
	bool access_review;
	struct conf_attributes attributes; /* unset: the path is asked for */
	char *by_query_parameter;          /* where .Value comes from */
	char *by_http_header;
	int64_t cache_allowed;
	int64_t cache_denied;
	int64_t stale_grace;
};

struct conf_client_certificate {
	struct conf_place place;
	bool is_set;
	struct conf_strings user_from; /* "san_uri", "san_dns", "cn" */
};

/* What the exporter is told of the scraper. */
struct conf_identity_headers {
	struct conf_place place;
	bool is_set;
	char *user; /* names of headers */
	char *groups;
	char *groups_separator;
};

struct conf_auth {
	struct conf_place place;
	bool is_set;
	char *bearer_tokens_file;
	struct conf_jwt jwt;
	struct conf_kubernetes kubernetes;
	struct conf_client_certificate client_certificate;
	struct conf_rule *rules;
	size_t rule_count;
	struct conf_strings anonymous_paths;
	struct conf_identity_headers identity_headers;
	unsigned failed_logins_per_address; /* a minute; 0: no limit */
	unsigned failed_logins_per_user;
};

/* Prometheus' tls_config. */
struct conf_tls_client {
	struct conf_place place;
	bool is_set;
	char *ca_file;
	char *ca; /* inline PEM */
	char *cert_file;
	char *cert;
	char *key_file;
	char *key;
	char *server_name;
	bool insecure_skip_verify;
	char *min_version; /* "TLS10" .. "TLS13" */
	char *max_version;
};

struct conf_basic_auth {
	struct conf_place place;
	bool is_set; /* each part may be NULL: empty */
	char *username;
	char *username_file;
	char *password;
	char *password_file;
};

/* Prometheus' authorization: "TYPE CREDENTIALS". */
struct conf_authorization {
	struct conf_place place;
	bool is_set;
	char *type; /* default Bearer */
	char *credentials;
	char *credentials_file;
};

/* Prometheus' http_headers: one name, values from three kinds of source. */
struct conf_http_header {
	char *name;
	struct conf_strings values;
	struct conf_strings secrets;
	struct conf_strings files;
};

struct conf_param {
	char *name;
	struct conf_strings values;
};

/* What a scraper may add to the query: per name, exact values or a regex. */
struct conf_query_rule {
	char *name;
	struct conf_strings values; /* empty and no regex: any value */
	char *regex;                /* POSIX extended, whole value; or NULL */
};

enum conf_redirects {
	CONF_REDIRECTS_NONE,
	CONF_REDIRECTS_SAME_ORIGIN,
	CONF_REDIRECTS_ANY
};

/* Where to look for what the exporter uses: see proxy/diagnosis/resources.h. */
struct conf_resources {
	char *pid;       /* "auto", "off", a number or the path of a PID file */
	char *cgroup;    /* "auto", "off" or a path */
	char *container; /* its name, for the words; NULL: none */
};

/* What becomes of a body that no Prometheus takes. */
enum conf_validate {
	CONF_VALIDATE_OFF, /* nobody looks */
	CONF_VALIDATE_REPORT,
	CONF_VALIDATE_REFUSE
};

struct conf;

struct conf_target {
	struct conf *conf; /* whose it is: who keeps a target refers to that;
			    * NULL if made by hand */
	struct conf_place place; /* of the target's first line */
	char *name;
	struct conf_url url;
	char *path;    /* where the gate serves it */
	bool is_first; /* served at /metrics too: nobody else took it */
	int64_t scrape_timeout;
	int64_t max_scrape_timeout;
	int64_t timeout_offset;
	int64_t cache_ttl;
	bool cache_once_per_scraper;
	unsigned late_finish; /* thousandths of the timeout; 0: off */
	/* As in Prometheus; 0: none. */
	uint64_t body_size_limit;
	unsigned sample_limit;
	unsigned label_limit;
	unsigned label_name_length_limit;
	unsigned label_value_length_limit;
	enum conf_validate validate;
	char *fallback_scrape_protocol; /* a name of Prometheus'; NULL: none */
	uint64_t stream_above;          /* 0: never */
	struct conf_param *params;
	size_t param_count;
	struct conf_strings query_allow;     /* as written */
	struct conf_query_rule *query_rules; /* one per allowed name */
	size_t query_rule_count;
	enum conf_redirects follow_redirects;
	int64_t startup_grace;
	struct conf_basic_auth basic_auth;
	struct conf_authorization authorization;
	struct conf_tls_client tls_config;
	struct conf_http_header *http_headers;
	size_t http_header_count;
	char *proxy_url; /* NULL: none; may hold user info: never print it */
	struct conf_resources resources;
};

/* How many connections there may be at a time; per address and per listener 0
 * is no limit. */
struct conf_connections {
	unsigned max;
	unsigned max_per_address;
	unsigned max_per_listener;
};

/* The record on disk. */
struct conf_journal {
	char *path; /* a folder; NULL: in memory only */
	uint64_t max_size;
};

/* Whether, whom and about what Kubernetes is asked when a scrape fails. */
struct conf_pod {
	bool status;
	char *api_server; /* NULL, as with all: from the pod itself */
	char *ca_file;
	char *token_file;
	char *namespace;
	char *name;
};

/* What the rules leave for the gate's own listeners. */
enum conf_gate_tls {
	CONF_GATE_TLS_FILES, /* tls_server_config's certificate */
	CONF_GATE_TLS_SELF_SIGNED,
	CONF_GATE_TLS_OFF /* plain HTTP */
};

/* How much /metrics tells. */
enum conf_metrics_detail { CONF_METRICS_NORMAL, CONF_METRICS_FULL };

struct conf {
	atomic_uint refs; /* conf_ref() and conf_unref() of conf/load.h */
	char *file;       /* NULL: flags only */
	struct conf_address *listen;
	size_t listen_count;
	struct conf_address admin_listen;
	struct conf_address health_listen;
	unsigned workers;
	uint64_t memory_budget;
	struct conf_connections connections;
	struct conf_journal journal;
	struct conf_pod pod;
	bool self_signed;
	bool insecure_http;
	char *web_config_file;
	bool has_web_section; /* a web file or inline web keys were given */
	enum conf_gate_tls gate_tls; /* decided from the above and below */
	struct conf_tls_server tls_server_config;
	struct conf_http_server http_server_config;
	struct conf_user *basic_auth_users;
	size_t basic_auth_user_count;
	struct conf_rate_limit rate_limit;
	struct conf_auth auth;
	struct conf_target *targets;
	size_t target_count;
	enum log_level log_level;
	enum log_format log_format;
	bool log_access; /* a line for each request to the gate */
	enum conf_metrics_detail metrics_detail;
};

#endif
