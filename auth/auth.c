#include "auth/auth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/cache.h"
#include "auth/digest.h"
#include "auth/header.h"
#include "auth/method.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/escape.h"
#include "proxy/base/log.h"

const char *
auth_method_name(enum auth_method method)
{
	static const char *const names[AUTH_METHOD_COUNT] = { "none", "basic" };

	return names[method];
}

const char *
auth_result_name(enum auth_result result)
{
	static const char *const names[AUTH_RESULT_COUNT] = { "allowed",
		"denied", "missing", "overloaded" };

	return names[result];
}

bool
auth_is_required(const struct conf *conf)
{
	return conf->basic_auth_user_count > 0;
}

struct auth *
auth_new(hasher_match_fn *match, struct err *err)
{
	struct auth *auth = xcalloc(1, sizeof(*auth));

	if (auth_key_make(auth->key, err) == -1) {
		free(auth);
		return NULL;
	}
	auth->hasher = hasher_new(match);
	return auth;
}

void
auth_stop(struct auth *auth)
{
	if (auth != NULL)
		hasher_stop(auth->hasher);
}

void
auth_free(struct auth *auth)
{
	if (auth == NULL)
		return;
	hasher_free(auth->hasher);
	explicit_bzero(auth->key, sizeof(auth->key));
	free(auth);
}

bool
auth_admits(struct auth *auth, const struct conf *conf, uint64_t now_us,
    unsigned *retry_after_s)
{
	return limiter_take(
	    &auth->limiter, &conf->rate_limit, now_us, retry_after_s);
}

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
	booth->cache = auth_cache_new();
	return booth;
}

void
auth_booth_free(struct auth_booth *booth)
{
	if (booth == NULL)
		return;
	auth_cache_free(booth->cache);
	digester_free(booth->digester);
	free(booth);
}

void
auth_log_failure(struct auth *auth, const struct auth_verdict *verdict,
    const char *peer, const char *user)
{
	uint64_t count = failures_add(&auth->failures, clock_now_us());
	char number[24], escaped[96];

	if (count == 0)
		return;
	snprintf(number, sizeof(number), "%" PRIu64, count);
	if (user != NULL)
		escape_quoted(escaped, sizeof(escaped), user, strlen(user));
	log_warn("credentials refused", "method",
	    auth_method_name(verdict->method), "detail", verdict->detail,
	    "peer", peer, "user", user == NULL ? NULL : escaped, "count",
	    number, NULL);
}

static void
miss(struct auth_verdict *verdict, const char *detail)
{
	verdict->answer = AUTH_DENY;
	verdict->result = AUTH_MISSING;
	verdict->detail = detail;
}

void
auth_check(struct auth_booth *booth, const struct auth_question *question,
    struct auth_verdict *verdict)
{
	const char *rest;

	memset(verdict, 0, sizeof(*verdict));
	if (!auth_is_required(question->conf)) {
		verdict->answer = AUTH_ALLOW;
		return;
	}
	verdict->method = AUTH_METHOD_BASIC;
	switch (auth_header_scheme(question->authorization, &rest)) {
	case AUTH_SCHEME_BASIC:
		auth_basic_check(booth, question, rest, verdict);
		break;
	case AUTH_SCHEME_NONE:
		miss(verdict, "basic auth (user and password)");
		break;
	case AUTH_SCHEME_OTHER:
		miss(verdict, "basic auth, not another kind of Authorization");
		break;
	}
}
