#include "conf/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/loading.h"
#include "conf/login.h"

#define NO_TLS                                                                 \
	"the gate has no certificate: write tls_server_config: {cert_file: "   \
	"..., key_file: ...}, web: {config: {file: ...}}, self_signed: true "  \
	"or insecure_http: true"

#define OR_SELF_SIGNED "or self_signed: true (--self-signed)"

static void
require_half(struct conf_loading *loading, const char *inline_value,
    const char *file, const char *name)
{
	if (inline_value == NULL && file == NULL)
		conf_loading_complain(loading,
		    &loading->conf->tls_server_config.place,
		    "tls_server_config: missing one of %s or %s_file: write "
		    "%s_file: FILE",
		    name, name, name);
}

static void
check_certificate(struct conf_loading *loading, bool had_errors)
{
	const struct conf *conf = loading->conf;
	const struct conf_tls_server *tls = &conf->tls_server_config;
	char *place;

	/* A misspelt key is not also a missing one. */
	if (!had_errors) {
		require_half(loading, tls->cert, tls->cert_file, "cert");
		require_half(loading, tls->key, tls->key_file, "key");
	}
	if (conf->self_signed) {
		place = conf_loading_place(loading, &tls->place);
		conf_loading_complain(loading, &conf->self_signed,
		    "self_signed contradicts the certificate at %s: keep one "
		    "of them",
		    place);
		free(place);
	} else if (conf->insecure_http)
		conf_errors_warn(&loading->errors,
		    "insecure_http has no effect: a certificate is "
		    "configured");
}

/* Options of TLS alone: exporter-toolkit drops most and serves plain HTTP. */
static void
refuse_bare_options(struct conf_loading *loading)
{
	conf_loading_complain(loading, &loading->conf->tls_server_config.place,
	    "tls_server_config: missing one of cert or cert_file, and one of "
	    "key or key_file: without them the gate would serve plain HTTP "
	    "and ignore the rest of this block; write cert_file: FILE and "
	    "key_file: FILE, " OR_SELF_SIGNED);
}

static bool
has_certificate(const struct conf_tls_server *tls)
{
	return tls->cert != NULL || tls->cert_file != NULL ||
	       tls->key != NULL || tls->key_file != NULL;
}

/* The order is the contract: certificate, self_signed, plain, flags only. */
static void
decide_tls(struct conf_loading *loading, bool had_errors)
{
	struct conf *conf = loading->conf;
	const struct conf_tls_server *tls = &conf->tls_server_config;

	conf->gate_tls = CONF_GATE_TLS_SELF_SIGNED;
	if (has_certificate(tls)) {
		conf->gate_tls = CONF_GATE_TLS_FILES;
		check_certificate(loading, had_errors);
	} else if (conf->self_signed) {
		if (conf->insecure_http)
			conf_errors_warn(&loading->errors,
			    "insecure_http has no effect: self_signed is set");
	} else if (had_errors) {
		/* A misspelt block is not also a missing one. */
		return;
	} else if (tls->is_set) {
		refuse_bare_options(loading);
	} else if (conf->insecure_http || conf->has_web_section) {
		conf->gate_tls = CONF_GATE_TLS_OFF;
	} else if (conf->file == NULL) {
		conf_errors_warn(&loading->errors,
		    "no certificate is configured: the gate uses a self-signed "
		    "one, made at start (--self-signed says so without this "
		    "warning)");
	} else
		conf_loading_complain(loading, NULL, NO_TLS);
}

static void
warn_of_clear_text(struct conf_loading *loading)
{
	const struct conf *conf = loading->conf;

	if (conf->gate_tls != CONF_GATE_TLS_OFF)
		return;
	if (conf->basic_auth_user_count > 0)
		conf_errors_warn(&loading->errors,
		    "basic_auth_users over plain HTTP: passwords cross the "
		    "network in clear text");
	if (conf_has_token_login(conf))
		conf_errors_warn(&loading->errors,
		    "auth over plain HTTP: bearer tokens cross the network in "
		    "clear text");
}

static void
warn_of_access(struct conf_loading *loading)
{
	const struct conf *conf = loading->conf;

	if (conf_has_login(conf))
		warn_of_clear_text(loading);
	else if (conf->auth.rule_count > 0)
		conf_errors_warn(&loading->errors,
		    "no authentication is configured: only auth.rules says "
		    "who may read the metrics, by address, listener and path");
	else if (conf->tls_server_config.client_auth_type !=
		 CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY)
		conf_errors_warn(&loading->errors,
		    "no authentication is configured: anyone who reaches the "
		    "gate may read the metrics");
}

static bool
is_same(const struct conf_address *a, const struct conf_address *b)
{
	if (a->unix_path != NULL || b->unix_path != NULL)
		return a->unix_path != NULL && b->unix_path != NULL &&
		       strcmp(a->unix_path, b->unix_path) == 0;
	/* Port 0 is another one each time. */
	return a->host != NULL && b->host != NULL && a->port == b->port &&
	       a->port != 0 && strcmp(a->host, b->host) == 0;
}

/* Two listeners of different keys: blames the one that was set. */
static void
refuse_same(struct conf_loading *loading, const char *key,
    const struct conf_address *address, const void *other,
    const char *other_key)
{
	conf_loading_complain(loading,
	    conf_loading_find(loading, address) != NULL ? address : other,
	    "%s: \"%s\" is the address of %s already", key, address->text,
	    other_key);
}

static void
check_listeners(struct conf_loading *loading)
{
	const struct conf *conf = loading->conf;
	size_t i, j;

	for (i = 0; i < conf->listen_count; i++) {
		for (j = 0; j < i; j++)
			if (is_same(&conf->listen[i], &conf->listen[j]))
				conf_loading_complain(loading, &conf->listen,
				    "listen: \"%s\" is there twice",
				    conf->listen[i].text);
		if (is_same(&conf->listen[i], &conf->admin_listen))
			refuse_same(loading, "admin.listen",
			    &conf->admin_listen, &conf->listen, "listen");
		if (is_same(&conf->listen[i], &conf->health_listen))
			refuse_same(loading, "health.listen",
			    &conf->health_listen, &conf->listen, "listen");
	}
	if (is_same(&conf->admin_listen, &conf->health_listen))
		refuse_same(loading, "health.listen", &conf->health_listen,
		    &conf->admin_listen, "admin.listen");
}

void
conf_check_gate(struct conf_loading *loading, bool needs_target)
{
	struct conf *conf = loading->conf;
	bool had_errors = loading->errors.errors.count > 0;

	check_listeners(loading);
	if (needs_target && conf->target_count == 0 && !had_errors)
		conf_loading_complain(loading, &conf->targets,
		    conf->file != NULL
			? "no target: write targets: [{name: ..., url: ...}], "
			  "or give --upstream URL"
			: "no target: give --upstream URL, or --config FILE "
			  "with targets");
	decide_tls(loading, had_errors);
	conf_check_web(loading);
	warn_of_access(loading);
}
