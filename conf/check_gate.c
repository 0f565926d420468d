#include "conf/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/loading.h"

#define NO_TLS                                                                 \
	"the gate has no certificate: write tls_server_config: {cert_file: "   \
	"..., key_file: ...}, web: {config: {file: ...}}, self_signed: true "  \
	"or insecure_http: true"

static void
check_versions(struct conf_loading *loading)
{
	const struct conf_tls_server *tls = &loading->conf->tls_server_config;

	if (strcmp(tls->min_version, tls->max_version) > 0)
		conf_loading_complain(loading, &tls->place,
		    "tls_server_config: min_version %s is above max_version %s",
		    tls->min_version, tls->max_version);
}

static void
check_certificate(struct conf_loading *loading)
{
	const struct conf *conf = loading->conf;
	const struct conf_tls_server *tls = &conf->tls_server_config;
	char *place;

	if (tls->cert_file == NULL || tls->key_file == NULL)
		conf_loading_complain(loading, &tls->place,
		    "tls_server_config: %s is missing",
		    tls->cert_file == NULL ? "cert_file" : "key_file");
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

/* The order is the contract: certificate, self_signed, plain, flags only. */
static void
decide_tls(struct conf_loading *loading, bool had_errors)
{
	struct conf *conf = loading->conf;
	const struct conf_tls_server *tls = &conf->tls_server_config;

	conf->gate_tls = CONF_GATE_TLS_SELF_SIGNED;
	if (tls->cert_file != NULL || tls->key_file != NULL) {
		conf->gate_tls = CONF_GATE_TLS_FILES;
		check_certificate(loading);
	} else if (conf->self_signed) {
		if (conf->insecure_http)
			conf_errors_warn(&loading->errors,
			    "insecure_http has no effect: self_signed is set");
	} else if (had_errors) {
		/* A misspelt block is not also a missing one. */
		return;
	} else if (tls->is_set) {
		conf_loading_complain(loading, &tls->place,
		    "tls_server_config: cert_file and key_file are missing");
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
	check_versions(loading);
	decide_tls(loading, had_errors);
	conf_errors_warn(&loading->errors,
	    "no authentication is configured: anyone who reaches the gate may "
	    "read the metrics");
}
