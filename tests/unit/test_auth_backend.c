/*
 * Questions to Kubernetes and key sets, with a transport that answers as the
 * test says: what is asked and how often, who takes turns, who shares, and what
 * happens while nobody answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "auth/backend_parts.h"
#include "auth/identity.h"
#include "auth/jwks.h"
#include "auth/method.h"
#include "auth/reviews.h"
#include "auth/transport.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/thread.h"

#define YES                                                                    \
	"{\"kind\":\"TokenReview\",\"apiVersion\":"                            \
	"\"authentication.k8s.io/v1\",\"status\":{\"authenticated\":true,"     \
	"\"user\":{\"username\":\"prom\"}}}"
#define NO                                                                     \
	"{\"kind\":\"TokenReview\",\"apiVersion\":"                            \
	"\"authentication.k8s.io/v1\",\"status\":{\"error\":\"expired\"}}"
#define ALLOWED                                                                \
	"{\"kind\":\"SubjectAccessReview\",\"apiVersion\":"                    \
	"\"authorization.k8s.io/v1\",\"status\":{\"allowed\":true}}"
/* The key of RFC 8037 A.2. */
#define KEYS                                                                   \
	"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":" \
	"\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

#define API "https://api.test:6443"
#define CALLS 512

/* What the transport was asked for. */
struct fake_call {
	char *url;
	char *ca_file;
	char *token_file;
	char *body;
	size_t answer_max;
	unsigned timeout_ms;
	uint64_t at_us;
	auth_reply_fn *done;
	void *arg;
	bool is_open;
	bool is_cancelled;
};

struct world {
	struct event_base *base;
	struct mailbox *backend_box;
	struct mailbox *asker_box;
	struct auth_backend *backend;
	struct auth_transport transport;
	struct fake_call calls[CALLS];
	unsigned call_count;
	unsigned answered;
};

static struct conf conf = {
	.auth = {
		.jwt = { .is_set = true,
		    .jwks_url = "https://keys.test/jwks" },
		.kubernetes = { .is_set = true,
		    .api_server = API "/",
		    .ca_file = "/ca",
		    .token_file = "/token" },
	},
};
static struct auth_policy policy = { .conf = &conf };

static char *
copy(const char *text)
{
	return text == NULL ? NULL : xstrdup(text);
}

static void *
start(void *transport, const struct auth_call *call, auth_reply_fn *done,
    void *arg)
{
	struct world *world = transport;
	struct fake_call *fake = &world->calls[world->call_count++];

	assert_true(world->call_count <= CALLS);
	*fake = (struct fake_call){
		.url = xstrdup(call->url),
		.ca_file = copy(call->ca_file),
		.token_file = copy(call->token_file),
		.body = copy(call->body),
		.answer_max = call->answer_max,
		.timeout_ms = call->timeout_ms,
		.at_us = clock_now_us(),
		.done = done,
		.arg = arg,
		.is_open = true,
	};
	assert_int_equal(
	    call->body_len, call->body == NULL ? 0 : strlen(call->body));
	return fake;
}

static void
cancel(void *transport, void *started)
{
	struct fake_call *fake = started;

	(void)transport;
	assert_true(fake->is_open);
	fake->is_open = false;
	fake->is_cancelled = true;
}

static void
reply_with(struct world *world, unsigned number, const struct auth_reply *reply)
{
	struct fake_call *fake = &world->calls[number];

	assert_true(number < world->call_count && fake->is_open);
	fake->is_open = false;
	fake->done(reply, fake->arg);
}

static void
reply(struct world *world, unsigned number, int status, const char *body)
{
	struct auth_reply with = {
		.status = status, .body = body, .len = strlen(body), .error = ""
	};

	reply_with(world, number, &with);
}

static void
fail_call(struct world *world, unsigned number, const char *error)
{
	struct auth_reply with = { .body = "", .error = error };

	reply_with(world, number, &with);
}

static int
set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct err err;

	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	world->transport = (struct auth_transport){
		.start = start, .cancel = cancel, .transport = world
	};
	world->base = thread_base_new(&err);
	world->backend_box = mailbox_new(world->base, world, &err);
	world->asker_box = mailbox_new(world->base, world, &err);
	world->backend = auth_backend_new(
	    world->base, world->backend_box, &world->transport, &err);
	*state = world;
	return world->backend == NULL;
}

static int
tear_down(void **state)
{
	struct world *world = *state;
	unsigned i;

	mailbox_deliver(world->backend_box);
	auth_backend_free(world->backend);
	mailbox_free(world->backend_box);
	mailbox_free(world->asker_box);
	event_base_free(world->base);
	for (i = 0; i < world->call_count; i++) {
		free(world->calls[i].url);
		free(world->calls[i].ca_file);
		free(world->calls[i].token_file);
		free(world->calls[i].body);
	}
	free(world);
	return 0;
}

/* Asks. */

struct question {
	struct backend_ask ask; /* first */
	bool is_back;
};

static void
is_back(struct message *message, void *owner)
{
	struct question *question = (struct question *)message;
	struct world *world = owner;

	assert_false(question->is_back);
	question->is_back = true;
	world->answered++;
}

/* All that can happen now. */
static void
settle(struct world *world)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		event_base_loop(world->base, EVLOOP_NONBLOCK);
}

static struct question
question_of(enum backend_kind kind, const char *text, const char *peer)
{
	struct question question = {
		.ask = { .kind = kind,
		    .back = is_back,
		    .policy = &policy,
		    .peer = peer,
		    .deadline_us = UINT64_MAX },
	};

	if (kind != BACKEND_KEYS)
		question.ask.body = xstrdup(text);
	snprintf((char *)question.ask.digest, AUTH_DIGEST_SIZE, "%d %s",
	    (int)kind, text);
	return question;
}

static void
post(struct world *world, struct question *question)
{
	question->ask.reply_to = world->asker_box;
	auth_backend_ask(world->backend, &question->ask);
	settle(world);
}

static void
ask(struct world *world, struct question *question, enum backend_kind kind,
    const char *text)
{
	*question = question_of(kind, text, "192.0.2.1");
	post(world, question);
}

static void
drop(struct question *question)
{
	assert_true(question->is_back);
	auth_identity_unref(question->ask.identity);
	jwks_unref(question->ask.keys);
	free(question->ask.body);
}

/* Answered already, and how; gone after. */
static void
check_and_drop(
    struct question *question, enum backend_outcome outcome, const char *words)
{
	assert_true(question->is_back);
	assert_int_equal(question->ask.outcome, outcome);
	assert_string_equal(question->ask.words, words);
	assert_true(
	    (question->ask.identity != NULL) ==
	    (question->ask.kind == BACKEND_TOKEN && outcome == BACKEND_YES));
	drop(question);
}

static bool
begins_with(const char *text, const char *start_of_it)
{
	return strncmp(text, start_of_it, strlen(start_of_it)) == 0;
}

static void
loop_until_calls(struct world *world, unsigned count)
{
	while (world->call_count < count)
		event_base_loop(world->base, EVLOOP_ONCE);
}

/* Until what rests may be asked again. */
static void
await_rest(struct world *world)
{
	struct endpoint *endpoint;

	TAILQ_FOREACH (endpoint, &world->backend->endpoints, link)
		while (!backoff_is_over(&endpoint->backoff, clock_now_us())) {
			event_base_loop(world->base, EVLOOP_NONBLOCK);
			usleep(1000);
		}
}

/* It rests, if only for some tenths of a second: what follows is sure to meet
 * it so. */
static void
rest_on(struct world *world)
{
	struct backoff *backoff =
	    &TAILQ_FIRST(&world->backend->endpoints)->backoff;

	assert_int_equal(backoff->failures, 1);
	backoff->until_us = clock_now_us() + 3000000;
}

/* No more calls for now: time that passes does not fill the bucket. */
static void
hold_calls(struct world *world, bool is_held)
{
	atomic_store(
	    &world->backend->limiter.full_us, is_held ? (uint64_t)1 << 61 : 0);
}

/* One call. */

static void
test_call(void **state)
{
	struct world *world = *state;
	struct fake_call *call = &world->calls[0];
	struct question token;

	ask(world, &token, BACKEND_TOKEN, "{body}");
	assert_int_equal(world->call_count, 1);
	assert_string_equal(call->url, API REVIEW_TOKEN_PATH);
	assert_string_equal(call->ca_file, "/ca");
	assert_string_equal(call->token_file, "/token");
	assert_string_equal(call->body, "{body}");
	assert_int_equal(call->answer_max, 256 * 1024);
	assert_int_equal(call->timeout_ms, 3000);
	assert_false(token.is_back);
	reply(world, 0, 201, YES);
	settle(world);
	assert_string_equal(auth_identity_user(token.ask.identity), "prom");
	check_and_drop(&token, BACKEND_YES, "");
	assert_int_equal(
	    auth_backend_count(world->backend, BACKEND_TOKEN, BACKEND_YES), 1);
}

static void
test_no(void **state)
{
	struct world *world = *state;
	struct question token, access;

	ask(world, &token, BACKEND_TOKEN, "a");
	ask(world, &access, BACKEND_ACCESS, "a");
	assert_string_equal(world->calls[1].url, API REVIEW_ACCESS_PATH);
	reply(world, 0, 201, NO);
	reply(world, 1, 201, ALLOWED);
	settle(world);
	check_and_drop(&token, BACKEND_NO, "expired");
	check_and_drop(&access, BACKEND_YES, "");
	assert_int_equal(
	    auth_backend_count(world->backend, BACKEND_TOKEN, BACKEND_NO), 1);
	assert_int_equal(
	    auth_backend_count(world->backend, BACKEND_ACCESS, BACKEND_YES), 1);
}

static void
test_shared(void **state)
{
	struct world *world = *state;
	struct question same[5], other;
	unsigned i;

	for (i = 0; i < 5; i++)
		ask(world, &same[i], BACKEND_TOKEN, "a");
	assert_int_equal(world->call_count, 1);
	/* A digest alone is not believed. */
	other = question_of(BACKEND_TOKEN, "b", "192.0.2.1");
	memcpy(other.ask.digest, same[0].ask.digest, AUTH_DIGEST_SIZE);
	post(world, &other);
	assert_int_equal(world->call_count, 2);
	reply(world, 0, 201, YES);
	settle(world);
	for (i = 0; i < 5; i++)
		check_and_drop(&same[i], BACKEND_YES, "");
	assert_false(other.is_back);
	reply(world, 1, 201, NO);
	settle(world);
	check_and_drop(&other, BACKEND_NO, "expired");
	assert_int_equal(
	    auth_backend_count(world->backend, BACKEND_TOKEN, BACKEND_YES), 1);
}

/* Turns and limits. */

static void
test_turns(void **state)
{
	struct world *world = *state;
	struct question many[8], one, shared;
	char text[16];
	unsigned i;

	for (i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "many%u", i);
		ask(world, &many[i], BACKEND_TOKEN, text);
		hold_calls(world, i >= 1);
	}
	/* The bucket is empty; from here on it is one by one. */
	assert_int_equal(world->call_count, 2);
	one = question_of(BACKEND_TOKEN, "one", "192.0.2.2");
	post(world, &one);
	/* Who shares what stands at the end brings it forward. */
	shared = question_of(BACKEND_TOKEN, "many7", "192.0.2.3");
	post(world, &shared);
	hold_calls(world, false);
	loop_until_calls(world, 9);
	/* Two had begun; each of three peers takes its turn. */
	assert_string_equal(world->calls[2].body, "many2");
	assert_string_equal(world->calls[3].body, "one");
	assert_string_equal(world->calls[4].body, "many7");
	assert_string_equal(world->calls[5].body, "many3");
	assert_int_equal(world->call_count, 9);
	for (i = 0; i < 9; i++)
		reply(world, i, 201, NO);
	settle(world);
	for (i = 0; i < 8; i++)
		check_and_drop(&many[i], BACKEND_NO, "expired");
	check_and_drop(&one, BACKEND_NO, "expired");
	check_and_drop(&shared, BACKEND_NO, "expired");
}

static void
test_limits(void **state)
{
	static const char words[] = "too many questions wait already";
	struct world *world = *state;
	static struct question all[256];
	static char peers[32][16];
	struct question more;
	char text[16];
	unsigned i;

	for (i = 0; i < 256; i++) {
		snprintf(peers[i / 8], 16, "192.0.2.%u", i / 8);
		snprintf(text, sizeof(text), "%u", i);
		all[i] = question_of(BACKEND_TOKEN, text, peers[i / 8]);
		post(world, &all[i]);
		if (i == 7) {
			more = question_of(BACKEND_TOKEN, "x", peers[0]);
			post(world, &more);
			check_and_drop(&more, BACKEND_LIMITED, words);
		}
	}
	more = question_of(BACKEND_ACCESS, "x", "192.0.2.77");
	post(world, &more);
	check_and_drop(&more, BACKEND_LIMITED, words);
	/* What is waited for already takes no more room. */
	more = question_of(BACKEND_TOKEN, "3", "192.0.2.77");
	post(world, &more);
	assert_false(more.is_back);
	assert_int_equal(
	    auth_backend_count(world->backend, BACKEND_TOKEN, BACKEND_LIMITED),
	    1);
	assert_int_equal(
	    auth_backend_count(world->backend, BACKEND_ACCESS, BACKEND_LIMITED),
	    1);
	auth_backend_free(world->backend);
	world->backend = NULL;
	settle(world);
	for (i = 0; i < 256; i++)
		check_and_drop(
		    &all[i], BACKEND_UNAVAILABLE, "the gate is stopping");
	check_and_drop(&more, BACKEND_UNAVAILABLE, "the gate is stopping");
	for (i = 0; i < world->call_count; i++)
		assert_true(world->calls[i].is_cancelled);
}

/* However much is asked: at most 10 calls in any second. */
static void
test_rate(void **state)
{
	struct world *world = *state;
	struct question all[22];
	char text[16];
	unsigned i;

	for (i = 0; i < 22; i++) {
		snprintf(text, sizeof(text), "%u", i);
		all[i] = question_of(BACKEND_TOKEN, text,
		    i % 3 == 0   ? "192.0.2.1"
		    : i % 3 == 1 ? "::1"
				 : "unix");
		post(world, &all[i]);
	}
	for (i = 0; i < 22; i++) {
		loop_until_calls(world, i + 1);
		reply(world, i, 201, NO);
	}
	settle(world);
	for (i = 10; i < 22; i++)
		assert_true(
		    world->calls[i].at_us - world->calls[i - 10].at_us >=
		    1000000);
	for (i = 0; i < 22; i++)
		check_and_drop(&all[i], BACKEND_NO, "expired");
}

static void
test_slow_calls(void **state)
{
	struct world *world = *state;
	struct question all[24];
	char text[16], *peers[] = { "a", "b", "c" };
	unsigned i;

	for (i = 0; i < 24; i++) {
		snprintf(text, sizeof(text), "%u", i);
		all[i] = question_of(BACKEND_TOKEN, text, peers[i / 8]);
		post(world, &all[i]);
	}
	loop_until_calls(world, 16);
	/* So many and no more, though the bucket fills up. */
	while (clock_now_us() - world->calls[15].at_us < 400000)
		event_base_loop(world->base, EVLOOP_NONBLOCK);
	assert_int_equal(world->call_count, 16);
	reply(world, 0, 201, NO);
	assert_int_equal(world->call_count, 17);
	for (i = 1; i < 24; i++) {
		loop_until_calls(world, i + 1);
		reply(world, i, 201, NO);
	}
	settle(world);
	for (i = 0; i < 24; i++)
		check_and_drop(&all[i], BACKEND_NO, "expired");
}

static void
test_deadline(void **state)
{
	static const char words[] = "its turn did not come in time";
	struct world *world = *state;
	struct question all[9], late, joined;
	/* Not before all of them have been asked. */
	uint64_t soon_us = clock_now_us() + 3000000;
	char text[16];
	unsigned i;

	for (i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "%u", i);
		all[i] = question_of(BACKEND_TOKEN, text, "192.0.2.1");
		if (i >= 2)
			all[i].ask.deadline_us = soon_us;
		post(world, &all[i]);
		hold_calls(world, i >= 1);
	}
	assert_int_equal(world->call_count, 2);
	/* One that others wait for longer lives as long as they do. */
	joined = question_of(BACKEND_TOKEN, "7", "192.0.2.1");
	post(world, &joined);
	while (clock_now_us() < soon_us) {
		event_base_loop(world->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	/* Too late makes room at once. */
	ask(world, &all[8], BACKEND_TOKEN, "8");
	for (i = 2; i < 7; i++)
		check_and_drop(&all[i], BACKEND_LIMITED, words);
	late = question_of(BACKEND_TOKEN, "late", "192.0.2.9");
	late.ask.deadline_us = clock_now_us();
	post(world, &late);
	check_and_drop(&late, BACKEND_LIMITED, words);
	hold_calls(world, false);
	loop_until_calls(world, 4);
	assert_string_equal(world->calls[2].body, "7");
	assert_string_equal(world->calls[3].body, "8");
	for (i = 0; i < 4; i++)
		reply(world, i, 201, NO);
	settle(world);
	check_and_drop(&all[0], BACKEND_NO, "expired");
	check_and_drop(&all[1], BACKEND_NO, "expired");
	check_and_drop(&all[7], BACKEND_NO, "expired");
	check_and_drop(&all[8], BACKEND_NO, "expired");
	check_and_drop(&joined, BACKEND_NO, "expired");
}

/* When nobody answers. */

static void
test_rest(void **state)
{
	static const char error[] =
	    "dial tcp 10.0.0.1:443: connect: connection refused";
	struct world *world = *state;
	struct question first, waiting, resting, probe, beside;

	ask(world, &first, BACKEND_TOKEN, "a");
	ask(world, &waiting, BACKEND_TOKEN, "b");
	hold_calls(world, true);
	ask(world, &resting, BACKEND_TOKEN, "c");
	assert_int_equal(world->call_count, 2);
	hold_calls(world, false);
	fail_call(world, 0, error);
	settle(world);
	check_and_drop(&first, BACKEND_UNAVAILABLE, error);
	/* What waits for its turn need not wait for the same. */
	assert_false(waiting.is_back);
	assert_true(begins_with(resting.ask.words, error));
	assert_non_null(strstr(resting.ask.words, "; retrying in 1s"));
	assert_int_equal(resting.ask.outcome, BACKEND_UNAVAILABLE);
	drop(&resting);
	fail_call(world, 1, error);
	settle(world);
	check_and_drop(&waiting, BACKEND_UNAVAILABLE, error);
	rest_on(world);
	ask(world, &resting, BACKEND_TOKEN, "d");
	assert_int_equal(resting.ask.outcome, BACKEND_UNAVAILABLE);
	drop(&resting);
	assert_int_equal(world->call_count, 2);

	await_rest(world);
	ask(world, &probe, BACKEND_TOKEN, "e");
	ask(world, &beside, BACKEND_TOKEN, "f");
	assert_int_equal(world->call_count, 3);
	check_and_drop(&beside, BACKEND_UNAVAILABLE,
	    "dial tcp 10.0.0.1:443: connect: connection refused; retrying "
	    "now");
	reply(world, 2, 201, YES);
	settle(world);
	check_and_drop(&probe, BACKEND_YES, "");
	ask(world, &first, BACKEND_TOKEN, "g");
	loop_until_calls(world, 4);
	reply(world, 3, 201, YES);
	settle(world);
	check_and_drop(&first, BACKEND_YES, "");
	assert_int_equal(auth_backend_count(world->backend, BACKEND_TOKEN,
			     BACKEND_UNAVAILABLE),
	    2);
}

static void
test_rest_by_kind(void **state)
{
	struct world *world = *state;
	struct question token, access;

	ask(world, &token, BACKEND_TOKEN, "a");
	reply(world, 0, 403, "{}");
	settle(world);
	check_and_drop(&token, BACKEND_UNAVAILABLE,
	    "the gate's ServiceAccount may not create tokenreviews (403): "
	    "bind the ClusterRole system:auth-delegator to it");
	/* Who may not do the one may still do the other. */
	ask(world, &access, BACKEND_ACCESS, "a");
	assert_int_equal(world->call_count, 2);
	reply(world, 1, 201, ALLOWED);
	settle(world);
	check_and_drop(&access, BACKEND_YES, "");
}

static void
test_retry_after(void **state)
{
	struct world *world = *state;
	struct auth_reply too_many = {
		.status = 429, .body = "", .error = "", .retry_after_s = 7
	};
	struct question first, second;

	ask(world, &first, BACKEND_TOKEN, "a");
	reply_with(world, 0, &too_many);
	settle(world);
	check_and_drop(&first, BACKEND_UNAVAILABLE, "the API answered 429");
	ask(world, &second, BACKEND_TOKEN, "b");
	check_and_drop(&second, BACKEND_UNAVAILABLE,
	    "the API answered 429; retrying in 7s");
}

/* One question that the API cannot answer must not stop others. */
static void
test_bad_question(void **state)
{
	static const struct {
		int status;
		const char *body;
	} rows[] = {
		{ 400, "{}" },
		{ 413, "" },
		{ 422, "" },
		{ 201, "<html>" },
	};
	struct world *world = *state;
	struct question question;
	unsigned i;

	for (i = 0; i < 4; i++) {
		ask(world, &question, BACKEND_TOKEN, "a");
		loop_until_calls(world, i + 1);
		reply(world, i, rows[i].status, rows[i].body);
		settle(world);
		assert_int_equal(question.ask.outcome, BACKEND_UNAVAILABLE);
		drop(&question);
	}
}

static void
test_own_token(void **state)
{
	struct world *world = *state;
	struct question question;

	/* The token was replaced: it is read again, once. */
	ask(world, &question, BACKEND_TOKEN, "a");
	reply(world, 0, 401, "{}");
	assert_int_equal(world->call_count, 2);
	assert_string_equal(world->calls[1].body, "a");
	assert_string_equal(world->calls[1].token_file, "/token");
	reply(world, 1, 201, YES);
	settle(world);
	check_and_drop(&question, BACKEND_YES, "");

	ask(world, &question, BACKEND_TOKEN, "b");
	loop_until_calls(world, 3);
	reply(world, 2, 401, "{}");
	reply(world, 3, 401, "{}");
	settle(world);
	assert_int_equal(world->call_count, 4);
	check_and_drop(&question, BACKEND_UNAVAILABLE,
	    "the API does not accept the token of the gate's own "
	    "ServiceAccount for tokenreviews (401): is token_file this "
	    "cluster's?");
	/* And is not asked with it all the time. */
	rest_on(world);
	ask(world, &question, BACKEND_TOKEN, "c");
	assert_int_equal(question.ask.outcome, BACKEND_UNAVAILABLE);
	drop(&question);
	assert_int_equal(world->call_count, 4);
}

static void
test_foreign_words(void **state)
{
	struct world *world = *state;
	struct question question;

	ask(world, &question, BACKEND_TOKEN, "a");
	fail_call(world, 0, "x\n\x1b[31m");
	settle(world);
	check_and_drop(&question, BACKEND_UNAVAILABLE, "x\\n\\x1b[31m");
}

/* Where. */

static void
test_reload(void **state)
{
	struct world *world = *state;
	struct conf other_conf = conf;
	struct auth_policy other = { .conf = &other_conf };
	struct question first, second, third;

	other_conf.auth.kubernetes.api_server = "https://other.test";
	ask(world, &first, BACKEND_TOKEN, "a");
	/* The same question elsewhere is another. */
	second = question_of(BACKEND_TOKEN, "a", "192.0.2.1");
	second.ask.policy = &other;
	post(world, &second);
	assert_int_equal(world->call_count, 2);
	assert_string_equal(
	    world->calls[1].url, "https://other.test" REVIEW_TOKEN_PATH);
	reply(world, 0, 503, "");
	settle(world);
	check_and_drop(&first, BACKEND_UNAVAILABLE, "the API answered 503");
	assert_false(second.is_back);
	reply(world, 1, 201, YES);
	settle(world);
	check_and_drop(&second, BACKEND_YES, "");
	/* It does not rest for the other's failure. */
	third = question_of(BACKEND_TOKEN, "b", "192.0.2.1");
	third.ask.policy = &other;
	post(world, &third);
	loop_until_calls(world, 3);
	reply(world, 2, 201, YES);
	settle(world);
	check_and_drop(&third, BACKEND_YES, "");
}

static void
renew(struct world *world)
{
	struct err err;

	auth_backend_free(world->backend);
	world->backend = auth_backend_new(
	    world->base, world->backend_box, &world->transport, &err);
	assert_non_null(world->backend);
}

static void
test_pod(void **state)
{
	static const struct {
		const char *host;
		const char *port;
		const char *url;
	} rows[] = {
		{ "10.96.0.1", "443", "https://10.96.0.1:443" },
		{ "fd00::1", "6443", "https://[fd00::1]:6443" },
		{ "api.test", NULL, "https://api.test:443" },
		{ "api.test", "", "https://api.test:443" },
	};
	struct world *world = *state;
	struct conf pod_conf = {
		.auth = { .kubernetes = { .is_set = true } },
	};
	struct auth_policy pod = { .conf = &pod_conf };
	struct question question;
	char url[128];
	unsigned i;

	for (i = 0; i < 4; i++) {
		setenv("KUBERNETES_SERVICE_HOST", rows[i].host, 1);
		unsetenv("KUBERNETES_SERVICE_PORT");
		if (rows[i].port != NULL)
			setenv("KUBERNETES_SERVICE_PORT", rows[i].port, 1);
		renew(world);
		question = question_of(BACKEND_TOKEN, "a", "192.0.2.1");
		question.ask.policy = &pod;
		post(world, &question);
		snprintf(url, sizeof(url), "%s" REVIEW_TOKEN_PATH, rows[i].url);
		assert_string_equal(world->calls[i].url, url);
		assert_string_equal(world->calls[i].ca_file,
		    "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt");
		assert_string_equal(world->calls[i].token_file,
		    "/var/run/secrets/kubernetes.io/serviceaccount/token");
		reply(world, i, 201, YES);
		settle(world);
		check_and_drop(&question, BACKEND_YES, "");
	}
	unsetenv("KUBERNETES_SERVICE_HOST");
	renew(world);
	question = question_of(BACKEND_TOKEN, "a", "192.0.2.1");
	question.ask.policy = &pod;
	post(world, &question);
	check_and_drop(&question, BACKEND_UNAVAILABLE,
	    "not in a pod (KUBERNETES_SERVICE_HOST is not set): set "
	    "auth.kubernetes.api_server, ca_file and token_file");
	assert_int_equal(world->call_count, 4);
}

/* Key sets. */

/* As if `us` had passed since the keys came. */
static void
let_keys_age(struct world *world, uint64_t us)
{
	TAILQ_FIRST(&world->backend->endpoints)->fetched_us -= us;
}

static void
test_keys(void **state)
{
	struct world *world = *state;
	struct fake_call *call = &world->calls[0];
	struct question first, second;
	struct jwks *keys;

	ask(world, &first, BACKEND_KEYS, "");
	ask(world, &second, BACKEND_KEYS, "");
	assert_int_equal(world->call_count, 1);
	assert_string_equal(call->url, "https://keys.test/jwks");
	assert_null(call->ca_file);
	assert_null(call->token_file);
	assert_null(call->body);
	assert_int_equal(call->answer_max, 256 * 1024);
	reply(world, 0, 200, KEYS);
	settle(world);
	keys = first.ask.keys;
	assert_non_null(keys);
	assert_int_equal(jwks_count(keys), 1);
	assert_ptr_equal(second.ask.keys, keys);
	assert_true(first.ask.keys_until_us > clock_now_us() + 500000000);
	check_and_drop(&first, BACKEND_YES, "");
	check_and_drop(&second, BACKEND_YES, "");

	/* Whatever `kid` somebody thinks of (H35). */
	ask(world, &first, BACKEND_KEYS, "");
	assert_ptr_equal(first.ask.keys, keys);
	check_and_drop(&first, BACKEND_YES, "");
	assert_int_equal(world->call_count, 1);
	let_keys_age(world, 10000000);
	ask(world, &first, BACKEND_KEYS, "");
	assert_int_equal(world->call_count, 2);
	reply(world, 1, 200, KEYS);
	settle(world);
	check_and_drop(&first, BACKEND_YES, "");
	assert_int_equal(
	    auth_backend_count(world->backend, BACKEND_KEYS, BACKEND_YES), 2);
}

static void
test_old_keys(void **state)
{
	struct world *world = *state;
	struct question question;
	struct jwks *keys;

	ask(world, &question, BACKEND_KEYS, "");
	reply(world, 0, 200, KEYS);
	settle(world);
	keys = question.ask.keys;
	check_and_drop(&question, BACKEND_YES, "");
	let_keys_age(world, 3600000000);
	ask(world, &question, BACKEND_KEYS, "");
	reply(world, 1, 503, "");
	settle(world);
	assert_ptr_equal(question.ask.keys, keys);
	assert_true(question.ask.keys_until_us > clock_now_us());
	check_and_drop(&question, BACKEND_YES, "");
	ask(world, &question, BACKEND_KEYS, "");
	assert_int_equal(world->call_count, 2);
	assert_ptr_equal(question.ask.keys, keys);
	assert_true(question.ask.keys_until_us > clock_now_us());
	check_and_drop(&question, BACKEND_YES, "");
	assert_int_equal(auth_backend_count(
			     world->backend, BACKEND_KEYS, BACKEND_UNAVAILABLE),
	    1);
}

static void
test_no_keys(void **state)
{
	static const struct {
		int status;
		const char *body;
		const char *words;
	} rows[] = {
		{ 401, "",
		    "the key set's URL wants credentials (401): set "
		    "jwks_token_file" },
		{ 403, "",
		    "the key set may not be read (403): of a Kubernetes API, "
		    "bind the ClusterRole "
		    "system:service-account-issuer-discovery" },
		{ 302, "", "the key set's URL answered 302" },
		{ 400, "", "the key set's URL answered 400" },
		{ 201, KEYS, "the key set's URL answered 201" },
	};
	struct world *world = *state;
	struct question question;
	unsigned i;

	for (i = 0; i < 5; i++) {
		renew(world);
		ask(world, &question, BACKEND_KEYS, "");
		assert_int_equal(world->call_count, i + 1);
		reply(world, i, rows[i].status, rows[i].body);
		settle(world);
		assert_null(question.ask.keys);
		check_and_drop(&question, BACKEND_UNAVAILABLE, rows[i].words);
		/* It rests, too. */
		rest_on(world);
		ask(world, &question, BACKEND_KEYS, "");
		assert_int_equal(question.ask.outcome, BACKEND_UNAVAILABLE);
		assert_true(begins_with(question.ask.words, rows[i].words));
		drop(&question);
	}
	renew(world);
	ask(world, &question, BACKEND_KEYS, "");
	reply(world, 5, 200, "<html>");
	settle(world);
	assert_true(begins_with(question.ask.words, "no key set: "));
	assert_int_equal(question.ask.outcome, BACKEND_UNAVAILABLE);
	drop(&question);
}

static void
test_keys_own_token(void **state)
{
	struct world *world = *state;
	struct conf with_token = conf;
	struct auth_policy other = { .conf = &with_token };
	struct question question;

	with_token.auth.jwt.jwks_token_file = "/keys-token";
	question = question_of(BACKEND_KEYS, "", "192.0.2.1");
	question.ask.policy = &other;
	post(world, &question);
	assert_string_equal(world->calls[0].token_file, "/keys-token");
	reply(world, 0, 401, "");
	reply(world, 1, 401, "");
	settle(world);
	check_and_drop(&question, BACKEND_UNAVAILABLE,
	    "the token in jwks_token_file is not accepted (401)");
}

/* The pure part. */

static void
test_backoff(void **state)
{
	/* In tenths of a second, for the least and the most random. */
	static const unsigned tenths[][2] = { { 2, 8 }, { 5, 15 }, { 10, 30 },
		{ 20, 60 }, { 40, 120 }, { 80, 240 }, { 150, 450 },
		{ 150, 450 } };
	struct backoff least = { 0 }, most = { 0 };
	uint64_t now_us = 1000;
	unsigned i;

	(void)state;
	assert_true(backoff_is_over(&least, 0));
	for (i = 0; i < 8; i++) {
		now_us += 100000000;
		backoff_failed(&least, now_us, now_us, 0, 0);
		backoff_failed(&most, now_us, now_us, 0, UINT32_MAX);
		assert_int_equal(
		    (least.until_us - now_us) / 100000, tenths[i][0]);
		assert_int_equal(
		    (most.until_us - now_us + 99999) / 100000, tenths[i][1]);
		assert_false(backoff_is_over(&least, now_us));
		assert_false(backoff_is_over(&least, least.until_us - 1));
		assert_true(backoff_is_over(&least, least.until_us));
	}
	/* Those that were on their way together are one failure. */
	now_us += 100000000;
	backoff_failed(&least, least.failed_us - 1, now_us, 0, 0);
	assert_int_equal(least.failures, 8);
	assert_true(backoff_is_over(&least, now_us));
	/* What is asked for, within reason; never less. */
	backoff_failed(&least, least.failed_us - 1, now_us, 5, 0);
	assert_int_equal(least.until_us, now_us + 5000000);
	backoff_failed(&least, least.failed_us - 1, now_us, 4000000000, 0);
	assert_int_equal(least.until_us, now_us + 60000000);
	backoff_failed(&least, least.failed_us - 1, now_us, 1, 0);
	assert_int_equal(least.until_us, now_us + 60000000);
	backoff_succeeded(&least);
	assert_true(backoff_is_over(&least, now_us));
	assert_int_equal(least.failures, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_call),
		TEST(test_no),
		TEST(test_shared),
		TEST(test_turns),
		TEST(test_limits),
		TEST(test_rate),
		TEST(test_slow_calls),
		TEST(test_deadline),
		TEST(test_rest),
		TEST(test_rest_by_kind),
		TEST(test_retry_after),
		TEST(test_bad_question),
		TEST(test_own_token),
		TEST(test_foreign_words),
		TEST(test_reload),
		TEST(test_pod),
		TEST(test_keys),
		TEST(test_old_keys),
		TEST(test_no_keys),
		TEST(test_keys_own_token),
		cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
