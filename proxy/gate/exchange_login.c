/*
 * Who asks, and may he?  Nothing is looked up, and no path known, before that.
 */
#include <stdlib.h>
#include <string.h>

#include <event2/http.h>

#include "auth/auth.h"
#include "auth/identity.h"
#include "auth/policy.h"
#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/hash.h"
#include "proxy/gate/exchange_parts.h"
#include "proxy/gate/front.h"
#include "proxy/gate/login.h"
#include "proxy/gate/request.h"
#include "proxy/scrape.h"

/* How long a login may take, where the scraper does not say: before there is
 * an identity, no target's own times are known. */
#define LOGIN_TIMEOUT_MS 10000
#define LOGIN_TIMEOUT_MAX_MS 120000
#define LOGIN_OFFSET_MS 500

static uint64_t
identify(const struct exchange *x)
{
	const char *peer = connection_peer(x->connection), *user;
	uint64_t hash = 1;

	/* With its NUL, so that the two cannot run into each other. */
	if (x->identity != NULL) {
		user = auth_identity_user(x->identity);
		hash = hash_bytes(hash, user, strlen(user) + 1);
	}
	hash = hash_bytes(hash, peer, strlen(peer));
	return hash == 0 ? 1 : hash;
}

/* Is what came back for who asks now?  If the exporter was told of another,
 * it is not. */
static bool
is_for_it(struct exchange *x)
{
	char *headers;
	bool is_same;

	if (!x->is_back)
		return false;
	headers =
	    auth_identity_headers(x->identity, &x->conf->auth.identity_headers);
	is_same = strcmp(headers == NULL ? "" : headers,
		      x->scrape->key.identity) == 0;
	free(headers);
	if (is_same)
		return true;
	exchange_drop_scrape(x);
	return false;
}

static void
decide(struct exchange *x, const struct auth_verdict *verdict)
{
	struct stats *stats = x->context->stats;

	auth_policy_unref(x->policy);
	x->policy = auth_policy_ref(x->context->policy);
	if (verdict->method != AUTH_METHOD_NONE ||
	    verdict->answer != AUTH_ALLOW)
		stats_add(&stats->auth[verdict->method][verdict->result]);
	if (verdict->answer != AUTH_ALLOW) {
		exchange_refuse_for(x,
		    login_refusal(verdict->result, verdict->is_authorization),
		    verdict->words, verdict->retry_after_s);
		return;
	}
	auth_identity_unref(x->identity); /* of before the wait */
	x->identity = verdict->identity;
	x->valid_until_us = verdict->valid_until_us;
	if (is_for_it(x)) {
		exchange_finish(x, x->scrape->answer, x->scrape->use);
		return;
	}
	x->scraper = identify(x);
	exchange_route(x);
}

static void
take_verdict(const struct auth_verdict *verdict, void *arg)
{
	struct exchange *x = arg;

	TAILQ_REMOVE(&x->context->waiting, x, link);
	if (x->connection != NULL)
		decide(x, verdict);
	else
		exchange_finish(x, NULL, CACHE_NONE);
}

static char *
find_header(const char *name, void *arg)
{
	const char *value = exchange_header(arg, name);

	return value == NULL ? NULL : xstrdup(value);
}

static char *
find_parameter(const char *name, void *arg)
{
	const struct exchange *x = arg;
	const char *query;
	size_t path_len;

	request_split(evhttp_request_get_uri(x->req), &path_len, &query);
	return query == NULL ? NULL : request_query_only_value(query, name);
}

/* Two system calls, so only where a rule asks for it. */
static const char *
find_listener(const struct exchange *x)
{
	return auth_policy_wants_listener(x->context->policy)
		   ? connection_listener(x->connection)
		   : NULL;
}

/* A reload came while somebody looked at the credentials: who is let in by the
 * new configuration is served by it. */
static void
take_new_conf(struct exchange *x)
{
	struct exchange_context *context = x->context;

	if (x->conf == context->conf || x->is_back)
		return;
	conf_unref(x->conf);
	x->conf = conf_ref(context->conf);
	stats_targets_unref(x->targets);
	x->targets = stats_targets_ref(context->targets);
	exchange_name(x);
}

static bool
renew_question(struct auth_question *question, void *arg)
{
	struct exchange *x = arg;

	if (x->connection == NULL)
		return false;
	take_new_conf(x);
	question->path = x->name;
	question->other_path = x->other_name;
	question->listener = find_listener(x);
	return true;
}

void
exchange_authenticate(struct exchange *x)
{
	int64_t timeout_ms = request_timeout_ms(
	    exchange_header(x, "X-Prometheus-Scrape-Timeout-Seconds"),
	    LOGIN_TIMEOUT_MS, LOGIN_TIMEOUT_MAX_MS);
	struct login_options options = {
		.booth = x->context->booth,
		.base = x->context->base,
		.policy = &x->context->policy,
		.question = {
			.authorization = exchange_header(x, "Authorization"),
			.ssl = connection_ssl(x->connection),
			.peer = connection_peer(x->connection),
			.listener = find_listener(x),
			.path = x->name,
			.other_path = x->other_name,
			.header = find_header,
			.parameter = find_parameter,
			.deadline_us =
			    x->arrival_us +
			    (uint64_t)request_answer_ms(
				timeout_ms, LOGIN_OFFSET_MS) *
				1000,
		},
		.renew = renew_question,
		.question_arg = x,
		.decided = take_verdict,
		.arg = x,
	};
	struct auth_verdict verdict;

	login_check(&options, &verdict);
	if (verdict.answer == AUTH_LATER)
		exchange_park(x);
	else
		decide(x, &verdict);
}
