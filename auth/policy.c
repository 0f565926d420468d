#include "auth/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "auth/identity.h"
#include "auth/jwks.h"
#include "auth/method.h"
#include "auth/pattern.h"
#include "auth/tokens.h"
#include "conf/conf.h"
#include "conf/load.h"
#include "conf/login.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/material.h"

/* The file's content; -1 with `err` if there is none. */
static int
get(const struct material *material, const char *key, const char *path,
    const char **text, size_t *len, struct err *err)
{
	*text = material_get(material, path, len, err);
	if (*text != NULL)
		return 0;
	err_prefix(err, "%s", key);
	return -1;
}

static int
load_tokens(struct auth_policy *policy, const struct material *material,
    struct err *err)
{
	const char *path = policy->conf->auth.bearer_tokens_file, *text;
	size_t len;

	if (path == NULL)
		return 0;
	if (get(material, "bearer_tokens_file", path, &text, &len, err) == -1)
		return -1;
	policy->tokens = tokens_parse(text, len, err);
	if (policy->tokens == NULL) {
		err_prefix(err, "%s", path);
		return -1;
	}
	return 0;
}

static int
load_keys(struct auth_policy *policy, const struct material *material,
    struct err *err)
{
	const char *path = policy->conf->auth.jwt.jwks_file, *text;
	size_t len;

	if (path == NULL)
		return 0;
	if (get(material, "jwks_file", path, &text, &len, err) == -1)
		return -1;
	policy->keys = jwks_parse(text, len, err);
	if (policy->keys == NULL) {
		err_prefix(err, "%s", path);
		return -1;
	}
	return 0;
}

static void
make_users(struct auth_policy *policy)
{
	const struct conf *conf = policy->conf;
	size_t i;

	policy->users =
	    xcalloc(conf->basic_auth_user_count + 1, sizeof(*policy->users));
	for (i = 0; i < conf->basic_auth_user_count; i++)
		policy->users[i] = auth_identity_new(
		    AUTH_METHOD_BASIC, conf->basic_auth_users[i].name, NULL, 0);
}

bool
auth_policy_takes_bearer(const struct auth_policy *policy)
{
	const struct conf *conf = policy->conf;

	return conf->auth.bearer_tokens_file != NULL || conf->auth.jwt.is_set ||
	       conf->auth.kubernetes.token_review.is_set;
}

/* What is wanted, for people and for clients (RFC 9110 11.6.1). */
static void
make_words(struct auth_policy *policy)
{
	const struct conf *conf = policy->conf;
	struct {
		bool is_on;
		const char *words;
		const char *challenge;
	} rows[] = {
		{ conf->basic_auth_user_count > 0,
		    "basic auth (user and password)",
		    "Basic realm=\"scrapegate\"" },
		{ auth_policy_takes_bearer(policy), "a bearer token",
		    "Bearer realm=\"scrapegate\"" },
		{ conf->auth.client_certificate.is_set, "a client certificate",
		    NULL },
	};
	char words[128] = "", challenge[96] = "";
	size_t i, len = 0, challenge_len = 0;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].is_on)
			continue;
		len += (size_t)snprintf(words + len, sizeof(words) - len,
		    "%s%s", len > 0 ? " or " : "", rows[i].words);
		if (rows[i].challenge != NULL)
			challenge_len += (size_t)snprintf(
			    challenge + challenge_len,
			    sizeof(challenge) - challenge_len, "%s%s",
			    challenge_len > 0 ? ", " : "", rows[i].challenge);
	}
	policy->wanted = xstrdup(words);
	policy->challenge = challenge_len > 0 ? xstrdup(challenge) : NULL;
}

static void
put_file(FILE *out, const struct material *material, const char *path)
{
	const char *text;
	struct err err;
	size_t len;

	if (path == NULL)
		return;
	text = material_get(material, path, &len, &err);
	if (text == NULL)
		return;
	fprintf(out, "%zu:", len);
	fwrite(text, 1, len, out);
}

/* Which are secrets: conf_print() does not show them. */
static void
put_hashes(FILE *out, const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->basic_auth_user_count; i++)
		fprintf(out, "%s\n", conf->basic_auth_users[i].hash);
}

/* Of all that verdicts rest on.  What else a reload changes leaves what is
 * remembered alone: or each would make every scraper log in anew. */
static void
make_tag(struct auth_policy *policy, const struct material *material)
{
	char *text = NULL;
	unsigned char digest[AUTH_DIGEST_SIZE];
	size_t size = 0;
	FILE *out = xrequire(open_memstream(&text, &size));

	conf_print_group(policy->conf, "auth", out);
	put_hashes(out, policy->conf);
	put_file(out, material, policy->conf->auth.jwt.jwks_file);
	put_file(out, material, policy->conf->auth.bearer_tokens_file);
	if (fclose(out) != 0 ||
	    EVP_Digest(text, size, digest, NULL, EVP_sha256(), NULL) != 1)
		xrequire(NULL);
	explicit_bzero(text, size); /* hashes of passwords */
	free(text);
	digest_text(digest, policy->tag);
}

struct auth_policy *
auth_policy_new(
    struct conf *conf, const struct material *material, struct err *err)
{
	struct auth_policy *policy = xcalloc(1, sizeof(*policy));

	atomic_init(&policy->refs, 1);
	policy->conf = conf_ref(conf);
	make_users(policy);
	if (load_tokens(policy, material, err) == -1 ||
	    load_keys(policy, material, err) == -1) {
		auth_policy_unref(policy);
		return NULL;
	}
	make_words(policy);
	make_tag(policy, material);
	return policy;
}

struct auth_policy *
auth_policy_ref(struct auth_policy *policy)
{
	atomic_fetch_add_explicit(&policy->refs, 1, memory_order_relaxed);
	return policy;
}

void
auth_policy_unref(struct auth_policy *policy)
{
	size_t i;

	if (policy == NULL || atomic_fetch_sub_explicit(
				  &policy->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (i = 0; i < policy->conf->basic_auth_user_count; i++)
		auth_identity_unref(policy->users[i]);
	free(policy->users);
	tokens_free(policy->tokens);
	jwks_unref(policy->keys);
	conf_unref(policy->conf);
	free(policy->wanted);
	free(policy->challenge);
	free(policy);
}

bool
auth_policy_is_required(const struct auth_policy *policy)
{
	return conf_has_login(policy->conf);
}

bool
auth_policy_wants_listener(const struct auth_policy *policy)
{
	const struct conf_auth *conf = &policy->conf->auth;
	size_t i;

	for (i = 0; i < conf->rule_count; i++)
		if (conf->rules[i].listeners.count > 0)
			return true;
	return false;
}

bool
auth_policy_is_anonymous(
    const struct auth_policy *policy, const char *path, const char *other_path)
{
	return auth_paths_match(
	    &policy->conf->auth.anonymous_paths, path, other_path);
}

const struct conf *
auth_policy_conf(const struct auth_policy *policy)
{
	return policy->conf;
}

const char *
auth_policy_challenge(const struct auth_policy *policy)
{
	return policy->challenge;
}

bool
auth_policy_is_equal(const struct auth_policy *a, const struct auth_policy *b)
{
	return strcmp(a->tag, b->tag) == 0;
}
