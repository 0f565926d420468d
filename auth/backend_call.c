/*
 * One call of the backend, and what its answer means.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "auth/backend_parts.h"
#include "auth/identity.h"
#include "auth/jwks.h"
#include "auth/policy.h"
#include "auth/reviews.h"
#include "auth/transport.h"
#include "conf/conf.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/escape.h"

/* Of the whole call, however long the scrapers would wait. */
#define CALL_TIMEOUT_MS 3000
#define CALL_TIMEOUT_MIN_MS 200
/* Before nobody listens any more: what is said then still has to arrive, and
 * whom stale_grace lets in still has to be served. */
#define CALL_MARGIN_MS 100
/* Who waited no longer than that has not found out that a service is down. */
#define CALL_PATIENCE_MS 1000
/* Timers may be this early, by their rounding. */
#define CALL_EARLY_US 5000

static const struct conf_auth *
conf_of(const struct backend_job *job)
{
	return &auth_policy_conf(job->asks->policy)->auth;
}

static void __attribute__((format(printf, 2, 3)))
say_unavailable(struct backend_ask *result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(result->words, sizeof(result->words), format, args);
	va_end(args);
	result->outcome = BACKEND_UNAVAILABLE;
}

/* Key sets. */

static void
read_keys(struct backend_job *job, const struct auth_reply *reply,
    struct backend_ask *result)
{
	struct jwks *keys;
	struct err err;

	keys = jwks_parse(reply->body, reply->len, &err);
	if (keys == NULL) {
		char words[BACKEND_WORDS_SIZE / 2];

		escape_words(words, sizeof(words), err.text, strlen(err.text));
		say_unavailable(result, "no key set: %s", words);
		return;
	}
	jwks_unref(job->endpoint->keys);
	job->endpoint->keys = keys;
	job->endpoint->fetched_us = clock_now_us();
	backend_give_keys(job->endpoint, result);
}

static void
judge_keys(struct backend_job *job, const struct auth_reply *reply,
    struct backend_ask *result)
{
	bool has_token = job->endpoint->token_file != NULL;

	if (reply->status == 200)
		read_keys(job, reply, result);
	else if (reply->status == 401)
		say_unavailable(result,
		    has_token ? "the token in jwks_token_file is not accepted "
				"(401)"
			      : "the key set's URL wants credentials (401): "
				"set jwks_token_file");
	else if (reply->status == 403)
		say_unavailable(result,
		    "the key set may not be read (403): of a Kubernetes API, "
		    "bind the ClusterRole "
		    "system:service-account-issuer-discovery");
	else
		say_unavailable(
		    result, "the key set's URL answered %d", reply->status);
}

static void
judge_review(struct backend_job *job, const struct auth_reply *reply,
    struct backend_ask *result)
{
	review_read(job->endpoint->kind, reply->status, reply->body, reply->len,
	    &conf_of(job)->kubernetes.token_review.audiences, result);
}

static const struct {
	void (*judge)(struct backend_job *job, const struct auth_reply *reply,
	    struct backend_ask *result);
	size_t answer_max;
} kinds[BACKEND_KIND_COUNT] = {
	[BACKEND_TOKEN] = { judge_review, REVIEW_ANSWER_MAX },
	[BACKEND_ACCESS] = { judge_review, REVIEW_ANSWER_MAX },
	[BACKEND_KEYS] = { judge_keys, JWKS_BYTES_MAX },
};

/*
 * Is that the service's trouble, and not this one question's?  Who can only
 * ask must not be able to stop others from asking.
 */
static bool
must_rest(enum backend_kind kind, int status)
{
	static const int by_question[] = { 200, 201, 400, 413, 422 };
	size_t i;

	if (kind == BACKEND_KEYS)
		return true;
	for (i = 0; i < sizeof(by_question) / sizeof(by_question[0]); i++)
		if (status == by_question[i])
			return false;
	return true;
}

/* A scraper in a hurry must not be able to stop others from asking either. */
static bool
was_hasty(const struct backend_job *job, int status, uint64_t now_us)
{
	return status == 0 && job->timeout_ms < CALL_PATIENCE_MS &&
	       now_us - job->began_us + CALL_EARLY_US >=
		   (uint64_t)job->timeout_ms * 1000;
}

static void
note(struct backend_job *job, const struct auth_reply *reply,
    const struct backend_ask *result)
{
	struct endpoint *endpoint = job->endpoint;
	uint64_t now_us = clock_now_us();

	backend_count(job->backend, endpoint->kind, result->outcome);
	if (result->outcome != BACKEND_UNAVAILABLE) {
		endpoint_succeeded(endpoint);
		return;
	}
	endpoint_failed(endpoint, result->words, now_us);
	if (must_rest(endpoint->kind, reply->status) &&
	    !was_hasty(job, reply->status, now_us))
		endpoint_rest(
		    endpoint, job->began_us, now_us, reply->retry_after_s);
}

static void
finish(struct backend_job *job, const struct auth_reply *reply)
{
	struct auth_backend *backend = job->backend;
	struct backend_ask result = { .kind = job->endpoint->kind };

	if (reply->status == 0) {
		char words[BACKEND_WORDS_SIZE];

		escape_quoted(
		    words, sizeof(words), reply->error, strlen(reply->error));
		say_unavailable(&result, "%s", words);
	} else
		kinds[result.kind].judge(job, reply, &result);
	note(job, reply, &result);
	/* With no new keys the last known ones go on. */
	if (job->endpoint->keys != NULL)
		backend_give_keys(job->endpoint, &result);
	backend_settle(job, &result);
	auth_identity_unref(result.identity);
	backend_go_on(backend);
}

static void
ended(struct backend_job *job)
{
	job->call = NULL;
	job->endpoint->calls--;
	if (job->endpoint->kind != BACKEND_KEYS)
		job->backend->calls--;
}

static void
done(const struct auth_reply *reply, void *arg)
{
	struct backend_job *job = arg;

	ended(job);
	/* A token that was replaced a moment ago: its file is read again. */
	if (reply->status == 401 && !job->has_retried &&
	    job->endpoint->token_file != NULL) {
		job->has_retried = true;
		backend_call(job);
		return;
	}
	finish(job, reply);
}

static unsigned
timeout_of(const struct backend_job *job)
{
	uint64_t now_us = clock_now_us();
	uint64_t left_ms =
	    job->deadline_us > now_us ? (job->deadline_us - now_us) / 1000 : 0;

	/* Keys are for all, whoever asked first. */
	if (job->endpoint->kind == BACKEND_KEYS)
		return CALL_TIMEOUT_MS;
	if (left_ms < CALL_TIMEOUT_MIN_MS + CALL_MARGIN_MS)
		return CALL_TIMEOUT_MIN_MS;
	left_ms -= CALL_MARGIN_MS;
	return left_ms < CALL_TIMEOUT_MS ? (unsigned)left_ms : CALL_TIMEOUT_MS;
}

void
backend_call(struct backend_job *job)
{
	struct endpoint *endpoint = job->endpoint;
	const struct auth_transport *transport = job->backend->transport;
	const char *body = job->asks->body;
	struct auth_call call = {
		.url = endpoint->url,
		.ca_file = endpoint->ca_file,
		.token_file = endpoint->token_file,
		.body = body,
		.body_len = body == NULL ? 0 : strlen(body),
		.answer_max = kinds[endpoint->kind].answer_max,
		.timeout_ms = timeout_of(job),
	};

	job->timeout_ms = call.timeout_ms;

	endpoint->calls++;
	if (endpoint->kind != BACKEND_KEYS)
		job->backend->calls++;
	job->began_us = clock_now_us();
	job->call = transport->start(transport->transport, &call, done, job);
}

void
backend_cancel(struct backend_job *job)
{
	const struct auth_transport *transport = job->backend->transport;

	if (job->call == NULL)
		return;
	transport->cancel(transport->transport, job->call);
	ended(job);
}
