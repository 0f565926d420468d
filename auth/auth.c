#include "auth/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "auth/certificate.h"
#include "auth/guesses.h"
#include "auth/header.h"
#include "auth/identity.h"
#include "auth/method.h"
#include "auth/policy.h"
#include "auth/refusals.h"
#include "auth/rules.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

/* What is remembered of logins; with the table of guesses, at most 256 KB. */
#define GOOD_MAX 256
#define GOOD_BYTES_MAX ((size_t)112 * 1024)
#define BAD_MAX 256
#define BAD_BYTES_MAX ((size_t)64 * 1024)

static const struct {
	const char *name;
	const char *words;   /* "... not accepted by this gate" */
	const char *service; /* who knows, if not the gate itself */
} methods[AUTH_METHOD_COUNT] = {
	[AUTH_METHOD_NONE] = { "none", "credentials", NULL },
	[AUTH_METHOD_BASIC] = { "basic", "basic auth user or password", NULL },
	[AUTH_METHOD_BEARER] = { "bearer", "bearer token", NULL },
	[AUTH_METHOD_JWT] = { "jwt", "bearer token (JWT)",
	    "the URL of the key set does not answer" },
	[AUTH_METHOD_TOKEN_REVIEW] = { "token_review",
	    "bearer token (TokenReview)",
	    "Kubernetes TokenReview does not answer" },
	[AUTH_METHOD_CERTIFICATE] = { "client_certificate",
	    "client certificate", NULL },
};

static const struct {
	const char *name;
	const char *words; /* for the status line; NULL: see auth_deny() */
} results[AUTH_RESULT_COUNT] = {
	[AUTH_ALLOWED] = { "allowed", "" },
	[AUTH_DENIED] = { "denied", NULL },
	[AUTH_MISSING] = { "missing", "" },
	[AUTH_FORBIDDEN] = { "forbidden", "" },
	[AUTH_LIMITED] = { "limited",
	    "too many failed logins from this address or for this user" },
	[AUTH_OVERLOADED] = { "overloaded",
	    "too many logins to check at once" },
	[AUTH_UNAVAILABLE] = { "unavailable", NULL },
};

const char *
auth_method_name(enum auth_method method)
{
	return methods[method].name;
}

const char *
auth_result_name(enum auth_result result)
{
	return results[result].name;
}

/* The process'. */

struct auth *
auth_new(hasher_match_fn *match, struct err *err)
{
	struct auth *auth = xcalloc(1, sizeof(*auth));
	uint64_t seed;

	if (auth_key_make(auth->key, err) == -1) {
		free(auth);
		return NULL;
	}
	if (RAND_bytes((unsigned char *)&seed, sizeof(seed)) != 1)
		memcpy(&seed, auth->key, sizeof(seed));
	auth->good = auth_cache_new(GOOD_MAX, GOOD_BYTES_MAX);
	auth->bad = auth_cache_new(BAD_MAX, BAD_BYTES_MAX);
	auth->guesses = guesses_new(seed);
	auth->hasher = hasher_new(match);
	auth->refusals = refusals_new();
	return auth;
}

struct refusals *
auth_refusals(struct auth *auth)
{
	return auth->refusals;
}

void
auth_set_backend(struct auth *auth, struct auth_backend *backend)
{
	auth->backend = backend;
}

void
auth_stop(struct auth *auth)
{
	if (auth == NULL)
		return;
	hasher_stop(auth->hasher);
	auth->backend = NULL;
}

void
auth_free(struct auth *auth)
{
	if (auth == NULL)
		return;
	hasher_free(auth->hasher);
	refusals_free(auth->refusals);
	guesses_free(auth->guesses);
	auth_cache_free(auth->good);
	auth_cache_free(auth->bad);
	explicit_bzero(auth->key, sizeof(auth->key));
	free(auth);
}

size_t
auth_size(const struct auth *auth)
{
	return auth_cache_size(auth->good) + auth_cache_size(auth->bad) +
	       guesses_size(auth->guesses);
}

bool
auth_admits(struct auth *auth, const struct conf *conf, uint64_t now_us,
    unsigned *retry_after_s)
{
	return limiter_take(
	    &auth->limiter, &conf->rate_limit, now_us, retry_after_s);
}

/* A worker's. */

struct auth_booth *
auth_booth_new(struct auth *auth, struct mailbox *mailbox, struct err *err)
{
	struct auth_booth *booth = xcalloc(1, sizeof(*booth));

	booth->auth = auth;
	booth->mailbox = mailbox;
	booth->digester = digester_new(auth->key, err);
	if (booth->digester == NULL) {
		free(booth);
		return NULL;
	}
	return booth;
}

void
auth_booth_free(struct auth_booth *booth)
{
	if (booth == NULL)
		return;
	keyring_fini(&booth->keyring);
	digester_free(booth->digester);
	free(booth);
}

/* Verdicts. */

void
auth_deny(struct auth_verdict *verdict, enum auth_method method,
    enum auth_result result, const char *detail)
{
	verdict->answer = AUTH_DENY;
	verdict->method = method;
	verdict->result = result;
	verdict->words = results[result].words;
	if (result == AUTH_DENIED)
		verdict->words = methods[method].words;
	else if (result == AUTH_UNAVAILABLE)
		verdict->words = methods[method].service;
	snprintf(verdict->detail, sizeof(verdict->detail), "%s", detail);
}

void
auth_wait(struct auth_verdict *verdict, enum auth_result result)
{
	verdict->answer = AUTH_LATER;
	verdict->result = result;
}

void
auth_forbid(struct auth_verdict *verdict, const char *detail)
{
	auth_deny(verdict, verdict->method, AUTH_FORBIDDEN, detail);
	verdict->is_authorization = true;
}

void
auth_allow(struct auth_verdict *verdict, struct auth_identity *identity,
    uint64_t until_us)
{
	verdict->answer = AUTH_ALLOW;
	verdict->result = AUTH_ALLOWED;
	verdict->method = auth_identity_method(identity);
	verdict->identity = auth_identity_ref(identity);
	verdict->valid_until_us = until_us;
}

bool
auth_may_try(struct auth_booth *booth, const struct auth_question *question,
    enum auth_method method, const char *user, struct auth_verdict *verdict)
{
	unsigned retry_after_s;

	if (guesses_admit(booth->auth->guesses, &question->policy->conf->auth,
		question->peer, user, clock_now_us(), &retry_after_s))
		return true;
	auth_deny(verdict, method, AUTH_LIMITED,
	    "too many failed logins from this address or for this user");
	verdict->retry_after_s = retry_after_s;
	return false;
}

void
auth_fail(struct auth_booth *booth, const struct auth_question *question,
    enum auth_method method, const char *user, const char *detail,
    struct auth_verdict *verdict)
{
	if (!auth_may_try(booth, question, method, user, verdict))
		return;
	guesses_failed(booth->auth->guesses, &question->policy->conf->auth,
	    question->peer, user, clock_now_us());
	auth_deny(verdict, method, AUTH_DENIED, detail);
}

/* Who is it? */

static void
check_certificate(
    const struct auth_question *question, struct auth_verdict *verdict)
{
	const struct auth_policy *policy = question->policy;
	const struct conf_client_certificate *conf =
	    &policy->conf->auth.client_certificate;
	struct auth_identity *identity = NULL;
	char detail[AUTH_DETAIL_SIZE] = "";

	if (conf->is_set && question->ssl != NULL)
		identity = auth_certificate_identity(
		    question->ssl, &conf->user_from, detail, sizeof(detail));
	if (identity != NULL) {
		auth_allow(verdict, identity, UINT64_MAX);
		auth_identity_unref(identity);
	} else if (detail[0] != '\0') {
		/* An authority of ours has signed it: nobody guesses. */
		auth_deny(
		    verdict, AUTH_METHOD_CERTIFICATE, AUTH_DENIED, detail);
	} else {
		auth_deny(verdict, AUTH_METHOD_NONE, AUTH_MISSING,
		    question->authorization == NULL
			? "no credentials"
			: "no credentials of a configured kind");
		verdict->words = policy->wanted;
	}
}

static void
authenticate(struct auth_booth *booth, const struct auth_question *question,
    struct auth_verdict *verdict)
{
	const struct conf *conf = question->policy->conf;
	const char *rest;
	enum auth_scheme scheme =
	    auth_header_scheme(question->authorization, &rest);

	if (scheme == AUTH_SCHEME_BASIC && conf->basic_auth_user_count > 0)
		auth_basic_check(booth, question, rest, verdict);
	else if (scheme == AUTH_SCHEME_BEARER &&
		 auth_policy_takes_bearer(question->policy))
		auth_bearer_check(booth, question, rest, verdict);
	else
		check_certificate(question, verdict);
}

/* May it? */

static void
authorize(struct auth_booth *booth, const struct auth_question *question,
    struct auth_verdict *verdict)
{
	const struct conf *conf = question->policy->conf;
	const struct auth_rules_question rules = {
		.path = question->path,
		.other_path = question->other_path,
		.identity = verdict->identity,
		.peer = question->peer,
		.listener = question->listener,
	};
	char detail[AUTH_DETAIL_SIZE];

	if (!auth_rules_allow(&conf->auth, &rules, detail, sizeof(detail)))
		auth_forbid(verdict, detail);
	else if (conf->auth.kubernetes.access_review &&
		 verdict->identity != NULL &&
		 question->path[0] != '\0') /* not plain: not served */
		auth_access_check(booth, question, verdict);
}

void
auth_check(struct auth_booth *booth, const struct auth_question *question,
    struct auth_verdict *verdict)
{
	struct auth_identity *identity;

	memset(verdict, 0, sizeof(*verdict));
	verdict->valid_until_us = UINT64_MAX;
	if (auth_policy_is_anonymous(
		question->policy, question->path, question->other_path))
		return; /* an allow */
	if (auth_policy_is_required(question->policy))
		authenticate(booth, question, verdict);
	if (verdict->answer == AUTH_ALLOW)
		authorize(booth, question, verdict);
	if (verdict->answer != AUTH_DENY)
		return;
	identity = verdict->identity;
	refusals_add(booth->auth->refusals, verdict, question->peer,
	    identity == NULL ? NULL : auth_identity_user(identity),
	    question->path);
	auth_identity_unref(identity);
	verdict->identity = NULL;
}
