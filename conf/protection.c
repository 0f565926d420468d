#include "conf/protection.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/login.h"
#include "proxy/base/err.h"

#define KEYS_SIZE 256

static int
tls(const struct conf *conf)
{
	return conf->gate_tls != CONF_GATE_TLS_OFF;
}

static int
users(const struct conf *conf)
{
	return conf->basic_auth_user_count > 0;
}

/* In Go's order, which is that of strength. */
static int
client_auth(const struct conf *conf)
{
	return (int)conf->tls_server_config.client_auth_type;
}

static int
client_ca(const struct conf *conf)
{
	return conf->tls_server_config.client_ca_file != NULL ||
	       conf->tls_server_config.client_ca != NULL;
}

static int
client_crl(const struct conf *conf)
{
	return conf->tls_server_config.client_crl_file != NULL;
}

static int
client_names(const struct conf *conf)
{
	return conf->tls_server_config.client_allowed_sans.count > 0;
}

/* One of its methods instead of another is no less; none is. */
static int
login(const struct conf *conf)
{
	return conf_has_token_login(conf) ||
	       conf->auth.client_certificate.is_set;
}

static int
rules(const struct conf *conf)
{
	return conf->auth.rule_count > 0;
}

static int
access_review(const struct conf *conf)
{
	return conf->auth.kubernetes.is_set &&
	       conf->auth.kubernetes.access_review;
}

static const struct {
	const char *key;
	bool is_tls;
	int (*level)(const struct conf *conf);
} parts[] = {
	{ "tls_server_config", true, tls },
	{ "basic_auth_users", false, users },
	{ "client_auth_type", false, client_auth },
	{ "client_ca_file", false, client_ca },
	{ "client_crl_file", false, client_crl },
	{ "client_allowed_sans", false, client_names },
	{ "auth", false, login },
	{ "auth.rules", false, rules },
	{ "auth.kubernetes.access_review", false, access_review },
};

int
conf_protection_keep(
    const struct conf *was, const struct conf *next, struct err *err)
{
	char keys[KEYS_SIZE] = "";
	bool is_tls = false, is_login = false;
	size_t i, len = 0;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].level(next) >= parts[i].level(was))
			continue;
		*(parts[i].is_tls ? &is_tls : &is_login) = true;
		snprintf(keys + len, sizeof(keys) - len, "%s%s",
		    len > 0 ? ", " : "", parts[i].key);
		len = strlen(keys);
	}
	if (len == 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "this would remove %s%s%s (%s); reload explicitly (SIGHUP or "
	    "POST /-/reload) if it is meant",
	    is_tls ? "TLS" : "", is_tls && is_login ? " and " : "",
	    is_login ? "authentication" : "", keys);
}
