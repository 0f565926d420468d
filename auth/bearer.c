/*
 * Bearer tokens (RFC 6750): from the file, as a JWT, or shown to Kubernetes.
 * Whichever knows the token's kind decides alone.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/jwt.h"
#include "auth/method.h"
#include "auth/reviews.h"
#include "auth/tokens.h"
#include "conf/conf.h"
#include "proxy/base/clock.h"

/* A JWT's signature is checked again this often: keys may be withdrawn.  By any
 * worker for all, each of which has got its keys at a time of its own. */
#define JWT_KEPT_US (60 * UINT64_C(1000000))
/* How long a token that was refused is refused without another look. */
#define BAD_KEPT_US (10 * UINT64_C(1000000))

struct token {
	const char *text;
	unsigned char digest[AUTH_DIGEST_SIZE];
	uint64_t now_us;
	int64_t now_s; /* wall clock */
};

/* RFC 6750's b64token. */
static bool
is_token(const char *text)
{
	static const char others[] = "-._~+/";
	const char *end = text;

	while (isascii(*end) &&
	       (isalnum((unsigned char)*end) ||
		   (*end != '\0' && strchr(others, *end) != NULL)))
		end++;
	if (end == text)
		return false;
	end += strspn(end, "=");
	return *end == '\0';
}

static void
remember_good(struct auth_booth *booth, const struct token *token,
    struct auth_identity *identity, uint64_t until_us)
{
	struct auth_entry entry = {
		.identity = identity,
		.until_us = until_us,
		.end_us = until_us,
		.detail = "",
	};

	auth_cache_put(booth->auth->good, token->digest, &entry);
}

/* The monotonic time of a wall clock's, seen from now; never more than
 * `max_us` ahead. */
static uint64_t
until(const struct token *token, int64_t end_s, uint64_t max_us)
{
	int64_t left_s = end_s - token->now_s;

	if (left_s <= 0)
		return token->now_us;
	if ((uint64_t)left_s > max_us / 1000000)
		return token->now_us + max_us;
	return token->now_us + (uint64_t)left_s * 1000000;
}

/* A token that was refused already is no other guess. */
static bool
is_known_bad(const struct auth_booth *booth, const struct token *token)
{
	char detail[AUTH_DETAIL_SIZE];
	struct auth_entry before;

	return auth_cache_find(
		   booth->auth->bad, token->digest, &before, detail) &&
	       token->now_us < before.end_us;
}

/* The verdict holds for `kept_us`. */
static void
refuse(struct auth_booth *booth, const struct auth_question *question,
    const struct token *token, enum auth_method method, uint64_t kept_us,
    const char *detail, struct auth_verdict *verdict)
{
	struct auth_entry entry = {
		.until_us = token->now_us + kept_us,
		.end_us = token->now_us + AUTH_BAD_COUNTED_US,
		.method = method,
		.detail = detail,
	};

	if (auth_cache_put(booth->auth->bad, token->digest, &entry) >
	    token->now_us)
		auth_deny(verdict, method, AUTH_DENIED, detail);
	else
		auth_fail(booth, question, method, NULL, detail, verdict);
}

/* What was found out before; false: nothing that still holds. */
static bool
recall(struct auth_booth *booth, const struct token *token,
    struct auth_verdict *verdict)
{
	char detail[AUTH_DETAIL_SIZE];
	struct auth_entry entry;
	bool is_good = false;

	if (auth_cache_find(booth->auth->good, token->digest, &entry, detail)) {
		is_good = token->now_us < entry.until_us;
		if (is_good)
			auth_allow(verdict, entry.identity, entry.until_us);
		auth_identity_unref(entry.identity);
	}
	if (is_good)
		return true;
	if (!auth_cache_find(booth->auth->bad, token->digest, &entry, detail) ||
	    token->now_us >= entry.until_us)
		return false;
	auth_deny(verdict, entry.method, AUTH_DENIED, detail);
	return true;
}

/* JWT. */

/* False: the keys are asked for, and the asker is called back. */
static bool
verify_jwt(struct auth_booth *booth, const struct auth_question *question,
    const struct token *token, struct jwt_verdict *jwt)
{
	const struct auth_policy *policy = question->policy;
	const struct jwks *keys = policy->keys;
	bool is_from_url = keys == NULL;

	if (is_from_url)
		keys = keyring_get(booth, question, false);
	if (keys == NULL)
		return false;
	jwt_judge(
	    token->text, &policy->conf->auth.jwt, keys, token->now_s, jwt);
	/* A key that nobody knows yet is worth one look for newer ones. */
	return !is_from_url || jwt->fault != JWT_UNKNOWN_KEY ||
	       keyring_get(booth, question, true) != NULL;
}

static void
check_jwt(struct auth_booth *booth, const struct auth_question *question,
    const struct token *token, struct auth_verdict *verdict)
{
	const struct conf_jwt *conf = &question->policy->conf->auth.jwt;
	struct jwt_verdict jwt;
	uint64_t until_us;

	verdict->method = AUTH_METHOD_JWT;
	if (!verify_jwt(booth, question, token, &jwt)) {
		auth_wait(verdict, AUTH_UNAVAILABLE);
		return;
	}
	if (jwt.fault != JWT_FINE) {
		/* A key that is unknown may be there in a moment. */
		refuse(booth, question, token, AUTH_METHOD_JWT,
		    jwt.fault == JWT_UNKNOWN_KEY ? 0 : BAD_KEPT_US, jwt.detail,
		    verdict);
		return;
	}
	until_us =
	    until(token, jwt.expires_s + conf->leeway / 1000, JWT_KEPT_US);
	remember_good(booth, token, jwt.identity, until_us);
	auth_allow(verdict, jwt.identity, until_us);
	auth_identity_unref(jwt.identity);
}

/* TokenReview. */

static void
take_review(struct message *message, void *owner)
{
	(void)owner;
	auth_errand_settle((struct auth_errand *)message, false);
}

static void
check_review(struct auth_booth *booth, const struct auth_question *question,
    const struct token *token, struct auth_verdict *verdict)
{
	const struct conf_kubernetes *conf =
	    &question->policy->conf->auth.kubernetes;
	struct auth_errand *errand;
	int64_t expires_s = INT64_MAX;

	verdict->method = AUTH_METHOD_TOKEN_REVIEW;
	if (jwt_expiry(token->text, &expires_s) && expires_s <= token->now_s) {
		refuse(booth, question, token, AUTH_METHOD_TOKEN_REVIEW,
		    BAD_KEPT_US, "the token has expired by its own exp",
		    verdict);
		return;
	}
	/* Who was good before is due again, and does not guess. */
	if (!auth_cache_has(booth->auth->good, token->digest) &&
	    !is_known_bad(booth, token) &&
	    !auth_may_try(
		booth, question, AUTH_METHOD_TOKEN_REVIEW, NULL, verdict))
		return;
	errand = auth_errand_new(
	    booth, question, AUTH_METHOD_TOKEN_REVIEW, BACKEND_TOKEN);
	memcpy(errand->ask.digest, token->digest, AUTH_DIGEST_SIZE);
	errand->ask.body =
	    review_token_body(token->text, &conf->token_review.audiences);
	errand->end_us = until(token, expires_s, UINT64_MAX / 4);
	auth_errand_send(errand, take_review);
	auth_wait(verdict, AUTH_UNAVAILABLE);
}

/* Which of them. */

static void
make_digest(struct auth_booth *booth, const struct auth_question *question,
    struct token *token)
{
	const char *fields[] = { "bearer", question->policy->tag, token->text };

	digester_make(booth->digester, fields, 3, token->digest);
}

static void
check_token(struct auth_booth *booth, const struct auth_question *question,
    const struct token *token, struct auth_verdict *verdict)
{
	const struct auth_policy *policy = question->policy;
	const struct conf_auth *conf = &policy->conf->auth;
	struct auth_identity *identity = NULL;

	if (policy->tokens != NULL)
		identity = tokens_find(policy->tokens, token->text);
	if (identity != NULL) {
		remember_good(booth, token, identity, UINT64_MAX);
		auth_allow(verdict, identity, UINT64_MAX);
	} else if (conf->jwt.is_set &&
		   jwt_is_from(token->text, conf->jwt.issuer)) {
		check_jwt(booth, question, token, verdict);
	} else if (conf->kubernetes.token_review.is_set) {
		check_review(booth, question, token, verdict);
	} else if (conf->jwt.is_set) {
		/* To say what is wrong with it: another issuer, or no JWT. */
		check_jwt(booth, question, token, verdict);
	} else {
		refuse(booth, question, token, AUTH_METHOD_BEARER, BAD_KEPT_US,
		    "the token is not in bearer_tokens_file", verdict);
	}
}

void
auth_bearer_check(struct auth_booth *booth,
    const struct auth_question *question, const char *rest,
    struct auth_verdict *verdict)
{
	struct token token = {
		.text = rest,
		.now_us = clock_now_us(),
		.now_s = (int64_t)(clock_wall_us() / 1000000),
	};

	verdict->method = AUTH_METHOD_BEARER;
	make_digest(booth, question, &token);
	if (recall(booth, &token, verdict))
		return;
	if (!is_token(rest))
		refuse(booth, question, &token, AUTH_METHOD_BEARER, BAD_KEPT_US,
		    "what stands behind Bearer is no token", verdict);
	else
		check_token(booth, question, &token, verdict);
}
