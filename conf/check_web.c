#include "conf/check.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/bcrypt.h"
#include "conf/conf.h"
#include "conf/loading.h"
#include "conf/text.h"

/* Seconds of CPU for each new password; a scraper gives up in ten. */
#define COST_SLOW 15

/* Was the field set, however wrongly? */
static bool
is_given(const struct conf_loading *loading, const void *at)
{
	return conf_loading_find(loading, at) != NULL;
}

/* The first of two fields that was set, to point at. */
static const void *
either(const struct conf_loading *loading, const void *a, const void *b)
{
	return is_given(loading, a) ? a : b;
}

static bool
has_client_ca(const struct conf_tls_server *tls)
{
	return tls->client_ca != NULL || tls->client_ca_file != NULL;
}

static bool
verifies(const struct conf_tls_server *tls)
{
	return tls->client_auth_type == CONF_CLIENT_AUTH_VERIFY_IF_GIVEN ||
	       tls->client_auth_type == CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY;
}

/* Not if it was given and is wrong: what depends on it would mislead. */
static bool
is_policy_known(const struct conf_loading *loading)
{
	const struct conf_tls_server *tls = &loading->conf->tls_server_config;

	return tls->client_auth_type != CONF_CLIENT_AUTH_NONE ||
	       loading->errors.errors.count == 0 ||
	       !is_given(loading, &tls->client_auth_type);
}

static void
check_versions(struct conf_loading *loading)
{
	const struct conf_tls_server *tls = &loading->conf->tls_server_config;

	if (strcmp(tls->min_version, tls->max_version) > 0)
		conf_loading_complain(loading,
		    either(loading, &tls->min_version, &tls->max_version),
		    "tls_server_config: min_version %s is above max_version "
		    "%s: no scraper could connect; lower the one or raise the "
		    "other",
		    tls->min_version, tls->max_version);
}

/* The oldest protocol that has this suite; all up to TLS 1.2 share theirs. */
static const char *
oldest_version(const char *suite)
{
	size_t len = strlen(suite);

	if (strncmp(suite, "TLS_ECDHE_", 10) != 0)
		return "TLS13";
	return len > 8 && strcmp(suite + len - 8, "_CBC_SHA") == 0 ? "TLS10"
								   : "TLS12";
}

/* TLS 1.3 always has its own suites, so only a lower end can be left bare. */
static void
check_ciphers(struct conf_loading *loading)
{
	const struct conf_tls_server *tls = &loading->conf->tls_server_config;
	size_t i;

	if (tls->cipher_suites.count == 0 ||
	    strcmp(tls->max_version, "TLS13") == 0)
		return;
	for (i = 0; i < tls->cipher_suites.count; i++)
		if (strcmp(oldest_version(tls->cipher_suites.items[i]),
			tls->max_version) <= 0)
			return;
	conf_loading_complain(loading, &tls->cipher_suites,
	    "tls_server_config.cipher_suites: none of them exists in %s, the "
	    "max_version: no scraper could connect; add one of its time or "
	    "write max_version: TLS13",
	    tls->max_version);
}

static void
check_sans(struct conf_loading *loading)
{
	const struct conf_tls_server *tls = &loading->conf->tls_server_config;
	const struct conf_strings *sans = &tls->client_allowed_sans;
	size_t i;

	if (sans->count == 0) {
		if (is_given(loading, sans) &&
		    loading->errors.errors.count == 0)
			conf_loading_complain(loading, sans,
			    "tls_server_config.client_allowed_sans: lists no "
			    "name: no scraper could connect; leave it out to "
			    "let all in");
		return;
	}
	for (i = 0; i < sans->count; i++)
		if (sans->items[i][0] == '\0')
			conf_loading_complain(loading, sans,
			    "tls_server_config.client_allowed_sans: an empty "
			    "name is in no certificate: remove it");
	if (!is_policy_known(loading))
		return;
	if (tls->client_auth_type != CONF_CLIENT_AUTH_REQUIRE_ANY &&
	    tls->client_auth_type != CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY)
		conf_loading_complain(loading, sans,
		    "tls_server_config: client_allowed_sans requires "
		    "client_auth_type to be one of RequireAnyClientCert or "
		    "RequireAndVerifyClientCert: without a certificate there "
		    "is no name to compare");
	else if (!verifies(tls))
		conf_errors_warn(&loading->errors,
		    "client_allowed_sans protects nothing with "
		    "RequireAnyClientCert: anyone can make a certificate with "
		    "these names; RequireAndVerifyClientCert checks who issued "
		    "it");
}

static void
check_clients(struct conf_loading *loading)
{
	const struct conf_tls_server *tls = &loading->conf->tls_server_config;
	const void *ca = either(loading, &tls->client_ca_file, &tls->client_ca);

	if (!is_policy_known(loading))
		return;
	if (has_client_ca(tls) &&
	    tls->client_auth_type == CONF_CLIENT_AUTH_NONE)
		conf_loading_complain(loading, ca,
		    "tls_server_config: client CA's have been configured "
		    "without a Client Auth Policy: write client_auth_type: "
		    "RequireAndVerifyClientCert");
	else if (has_client_ca(tls) && !verifies(tls))
		conf_errors_warn(&loading->errors,
		    "the client CA is not used: client_auth_type lets any "
		    "certificate in; RequireAndVerifyClientCert checks who "
		    "issued it");
	else if (verifies(tls) && !has_client_ca(tls) && !is_given(loading, ca))
		conf_loading_complain(loading, &tls->client_auth_type,
		    "tls_server_config: this client_auth_type needs "
		    "client_ca_file or client_ca: without one every public "
		    "authority of the system would be trusted; write "
		    "client_ca_file: FILE");
	else if (verifies(tls) && !has_client_ca(tls) &&
		 loading->errors.errors.count == 0)
		conf_loading_complain(loading, ca,
		    "tls_server_config: the client CA is empty: without one "
		    "every public authority of the system would be trusted; "
		    "write client_ca_file: FILE");
	if (tls->client_crl_file != NULL && !verifies(tls))
		conf_loading_complain(loading, &tls->client_crl_file,
		    "tls_server_config: client_crl_file needs "
		    "client_auth_type RequireAndVerifyClientCert or "
		    "VerifyClientCertIfGiven: no other compares certificates "
		    "with it");
}

/* A name that nobody verified is anybody's. */
static void
check_identity(struct conf_loading *loading)
{
	const struct conf *conf = loading->conf;
	const struct conf_client_certificate *certificate =
	    &conf->auth.client_certificate;

	if (!certificate->is_set || !is_policy_known(loading))
		return;
	if (!verifies(&conf->tls_server_config))
		conf_loading_complain(loading, &certificate->place,
		    "auth.client_certificate: certificates are not verified: "
		    "write tls_server_config: {client_auth_type: "
		    "RequireAndVerifyClientCert, client_ca_file: FILE}, or "
		    "VerifyClientCertIfGiven beside other logins");
	else if (certificate->user_from.count == 0 &&
		 loading->errors.errors.count == 0)
		conf_loading_complain(loading, &certificate->user_from,
		    "auth.client_certificate.user_from: lists nothing: leave "
		    "it out for [san_uri, san_dns, cn]");
}

/* As in exporter-toolkit the file wins; nobody means to write both. */
static void
warn_both(struct conf_loading *loading, const char *inline_value,
    const char *file, const char *name)
{
	if (inline_value != NULL && file != NULL)
		conf_errors_warn(&loading->errors,
		    "tls_server_config.%s is not used: %s_file wins; keep one "
		    "of them",
		    name, name);
}

static void
check_users(struct conf_loading *loading)
{
	const struct conf *conf = loading->conf;
	const struct conf_user *user = conf->basic_auth_users;
	char quoted[CONF_QUOTED_SIZE];
	size_t i;

	for (i = 0; i < conf->basic_auth_user_count; i++, user++) {
		conf_quote(user->name, quoted);
		if (strchr(user->name, ':') != NULL)
			conf_errors_warn(&loading->errors,
			    "basic_auth_users: user %s can never log in: a "
			    "colon ends the name in basic authentication",
			    quoted);
		if (conf_bcrypt_cost(user->hash) >= COST_SLOW)
			conf_errors_warn(&loading->errors,
			    "basic_auth_users: user %s has a hash of cost %d, "
			    "which takes seconds to check: 10 is usual",
			    quoted, conf_bcrypt_cost(user->hash));
	}
}

/* A user that does not exist takes as long as the dearest hash. */
static void
check_costs(struct conf_loading *loading)
{
	const struct conf *conf = loading->conf;
	const struct conf_user *users = conf->basic_auth_users;
	int cost, least = INT_MAX, most = 0;
	size_t i;

	for (i = 0; i < conf->basic_auth_user_count; i++) {
		cost = conf_bcrypt_cost(users[i].hash);
		least = cost < least ? cost : least;
		most = cost > most ? cost : most;
	}
	if (least < most)
		conf_errors_warn(&loading->errors,
		    "basic_auth_users: costs from %d to %d: how long a refusal "
		    "takes tells which users of the cheaper hashes exist; "
		    "give all hashes one cost",
		    least, most);
}

static void
check_rate_limit(struct conf_loading *loading)
{
	const struct conf_rate_limit *limit = &loading->conf->rate_limit;

	if (limit->interval > 0 && limit->burst == 0)
		conf_errors_warn(&loading->errors,
		    "rate_limit refuses every request: burst is 0; write "
		    "burst: 1 or more");
	else if (limit->interval == 0 && limit->burst > 0)
		conf_errors_warn(&loading->errors,
		    "rate_limit has no effect: interval is 0");
}

void
conf_check_web(struct conf_loading *loading)
{
	const struct conf *conf = loading->conf;
	const struct conf_tls_server *tls = &conf->tls_server_config;

	check_versions(loading);
	check_ciphers(loading);
	check_clients(loading);
	check_sans(loading);
	check_identity(loading);
	warn_both(loading, tls->cert, tls->cert_file, "cert");
	warn_both(loading, tls->key, tls->key_file, "key");
	warn_both(loading, tls->client_ca, tls->client_ca_file, "client_ca");
	check_users(loading);
	check_costs(loading);
	check_rate_limit(loading);
	if (is_given(loading, &conf->http_server_config.http2) &&
	    conf->http_server_config.http2)
		conf_errors_warn(&loading->errors,
		    "http_server_config.http2 has no effect: HTTP/2 has no "
		    "reason phrase to say why a scrape failed, so it is never "
		    "offered");
}
