#include "auth/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <openssl/crypto.h>

#include "auth/backend_parts.h"
#include "auth/identity.h"
#include "auth/jwks.h"
#include "auth/policy.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"

/*
 * Towards the API: in no second more than BURST + RATE, so that also those that
 * meet on the way never are more than 10, whatever is asked.  Of what is known
 * already nothing is asked.  A second try with a rotated token of the gate's
 * own is not counted: it is one, and then there is a rest.
 */
#define CALLS_BURST 2
#define CALLS_PER_SECOND 6
#define CALLS_INTERVAL_MS (1000 / CALLS_PER_SECOND)
#define CALLS_INTERVAL_US (1000000 / CALLS_PER_SECOND)

/* On their way at one time; no peer can have more than its share of them. */
#define CALLS_MAX 16
#define WAITING_PER_PEER_MAX 8
#define WAITING_MAX 256

/* Keys are not fetched more often, whatever `kid` is asked for; and need not be
 * for longer. */
#define KEYS_EVERY_US 10000000
#define KEYS_FRESH_US 600000000

static const char *const kind_names[] = { "token_review", "access_review",
	"jwks" };
static const char *const outcome_names[] = { "unavailable", "limited", "denied",
	"ok" };

const char *
backend_kind_name(enum backend_kind kind)
{
	return kind_names[kind];
}

const char *
backend_outcome_name(enum backend_outcome outcome)
{
	return outcome_names[outcome];
}

/* Answers. */

static void
answer(struct backend_ask *ask, const struct backend_ask *result)
{
	ask->outcome = result->outcome;
	memcpy(ask->words, result->words, sizeof(ask->words));
	if (result->identity != NULL)
		ask->identity = auth_identity_ref(result->identity);
	if (result->keys != NULL)
		ask->keys = jwks_ref(result->keys);
	ask->keys_until_us = result->keys_until_us;
	ask->message.deliver = ask->back;
	mailbox_post(ask->reply_to, &ask->message);
}

static void
end_job(struct backend_job *job)
{
	if (job->turn.peer != NULL)
		turns_end(&job->backend->turns, &job->turn);
	job->endpoint->jobs--;
	TAILQ_REMOVE(&job->backend->jobs, job, link);
	free(job);
}

void
backend_settle(struct backend_job *job, const struct backend_ask *result)
{
	struct backend_ask *ask, *next;

	for (ask = job->asks; ask != NULL; ask = next) {
		next = ask->next;
		if (result->outcome == BACKEND_LIMITED)
			backend_count(job->backend, ask->kind, BACKEND_LIMITED);
		answer(ask, result);
	}
	end_job(job);
}

void
backend_give_keys(const struct endpoint *endpoint, struct backend_ask *result)
{
	result->outcome = BACKEND_YES;
	result->words[0] = '\0';
	result->keys = endpoint->keys;
	result->keys_until_us = endpoint->fetched_us + KEYS_FRESH_US;
	/* Old ones are good until there is somebody to ask again. */
	if (result->keys_until_us < endpoint->backoff.until_us)
		result->keys_until_us = endpoint->backoff.until_us;
}

static void
refuse(struct backend_ask *ask, const char *words)
{
	struct backend_ask result = { .outcome = BACKEND_LIMITED };

	snprintf(result.words, sizeof(result.words), "%s", words);
	backend_count(ask->backend, ask->kind, BACKEND_LIMITED);
	answer(ask, &result);
}

/* Turns. */

static bool
is_waiting(const struct backend_job *job)
{
	return job->turn.peer != NULL && !job->turn.is_begun;
}

/* What nobody listens for any more, or needs no turn to be answered. */
static void
sweep(struct auth_backend *backend)
{
	struct backend_job *job, *next;
	uint64_t now_us = clock_now_us();

	for (job = TAILQ_FIRST(&backend->jobs); job != NULL; job = next) {
		struct backend_ask result = { .outcome = BACKEND_UNAVAILABLE };

		next = TAILQ_NEXT(job, link);
		if (!is_waiting(job))
			continue;
		if (job->deadline_us <= now_us) {
			result.outcome = BACKEND_LIMITED;
			snprintf(result.words, sizeof(result.words),
			    "its turn did not come in time");
			backend_settle(job, &result);
		} else if (endpoint_is_resting(
			       job->endpoint, now_us, result.words))
			backend_settle(job, &result);
	}
}

static bool
may_call(struct auth_backend *backend)
{
	static const struct conf_rate_limit limit = {
		.interval = CALLS_INTERVAL_MS,
		.burst = CALLS_BURST,
	};
	unsigned seconds;

	return limiter_take(
	    &backend->limiter, &limit, clock_now_us(), &seconds);
}

static void
wait_for_tick(struct auth_backend *backend)
{
	static const struct timeval interval = { .tv_usec = CALLS_INTERVAL_US };

	if (!event_pending(backend->tick, EV_TIMEOUT, NULL))
		event_add(backend->tick, &interval);
}

void
backend_go_on(struct auth_backend *backend)
{
	struct turn *turn;

	sweep(backend);
	while (backend->calls < CALLS_MAX &&
	       (turn = turns_next(&backend->turns)) != NULL) {
		if (!may_call(backend)) {
			wait_for_tick(backend);
			return;
		}
		turns_begin(&backend->turns, turn);
		backend_call((struct backend_job *)turn);
	}
}

static void
on_tick(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	backend_go_on(arg);
}

/* Questions. */

static bool
is_same_question(const struct backend_ask *a, const struct backend_ask *b)
{
	if (a->kind == BACKEND_KEYS)
		return true;
	return CRYPTO_memcmp(a->digest, b->digest, AUTH_DIGEST_SIZE) == 0 &&
	       strcmp(a->body, b->body) == 0;
}

static struct backend_job *
find_job(const struct endpoint *endpoint, const struct backend_ask *ask)
{
	struct backend_job *job;

	TAILQ_FOREACH (job, &ask->backend->jobs, link)
		if (job->endpoint == endpoint &&
		    is_same_question(job->asks, ask))
			return job;
	return NULL;
}

static void
join(struct backend_job *job, struct backend_ask *ask)
{
	ask->next = job->asks;
	job->asks = ask;
	if (job->deadline_us < ask->deadline_us)
		job->deadline_us = ask->deadline_us;
}

static struct backend_job *
add_job(struct endpoint *endpoint, struct backend_ask *ask)
{
	struct backend_job *job = xcalloc(1, sizeof(*job));

	job->backend = ask->backend;
	job->endpoint = endpoint;
	endpoint->jobs++;
	TAILQ_INSERT_TAIL(&job->backend->jobs, job, link);
	join(job, ask);
	return job;
}

/* Else those at hand have to be good enough. */
static bool
is_time_for_keys(const struct endpoint *endpoint, uint64_t now_us)
{
	return endpoint->keys == NULL ||
	       now_us - endpoint->fetched_us >= KEYS_EVERY_US;
}

/* True if it needed no call. */
static bool
answer_at_once(struct endpoint *endpoint, struct backend_ask *ask)
{
	struct backend_ask result = { .outcome = BACKEND_UNAVAILABLE };
	uint64_t now_us = clock_now_us();

	bool is_resting = endpoint_is_resting(endpoint, now_us, result.words);

	if (!is_resting &&
	    (ask->kind != BACKEND_KEYS || is_time_for_keys(endpoint, now_us)))
		return false;
	if (endpoint->keys != NULL)
		backend_give_keys(endpoint, &result);
	answer(ask, &result);
	return true;
}

static void
queue(struct backend_job *job, struct backend_ask *ask)
{
	struct auth_backend *backend = job->backend;
	struct turns *turns = &backend->turns;

	if (!turns_add(turns, &job->turn, ask->peer)) {
		/* Perhaps of those that nobody waits for any more. */
		sweep(backend);
		if (!turns_add(turns, &job->turn, ask->peer)) {
			end_job(job);
			refuse(ask, "too many questions wait already");
			return;
		}
	}
	backend_go_on(backend);
}

static void
take(struct auth_backend *backend, struct endpoint *endpoint,
    struct backend_ask *ask)
{
	struct backend_job *job = find_job(endpoint, ask);

	if (job != NULL) {
		join(job, ask);
		if (job->turn.peer != NULL)
			turns_hasten(&backend->turns, &job->turn, ask->peer);
		return;
	}
	job = add_job(endpoint, ask);
	if (ask->kind == BACKEND_KEYS)
		backend_call(job);
	else
		queue(job, ask);
}

static void
on_ask(struct message *message, void *owner)
{
	struct backend_ask *ask = (struct backend_ask *)message;
	struct auth_backend *backend = ask->backend;
	struct backend_ask result = { .outcome = BACKEND_UNAVAILABLE };
	struct endpoint *endpoint;

	(void)owner;
	endpoint = endpoint_get(&backend->endpoints, ask->kind,
	    &auth_policy_conf(ask->policy)->auth, backend->in_cluster,
	    result.words);
	if (endpoint == NULL)
		answer(ask, &result);
	else if (!answer_at_once(endpoint, ask))
		take(backend, endpoint, ask);
}

void
auth_backend_ask(struct auth_backend *backend, struct backend_ask *ask)
{
	ask->backend = backend;
	ask->identity = NULL;
	ask->keys = NULL;
	ask->keys_until_us = 0;
	ask->words[0] = '\0';
	ask->message.deliver = on_ask;
	mailbox_post(backend->mailbox, &ask->message);
}

/* Counts: one writer, the backend's thread. */

void
backend_count(struct auth_backend *backend, enum backend_kind kind,
    enum backend_outcome outcome)
{
	atomic_fetch_add_explicit(
	    &backend->counts[kind][outcome], 1, memory_order_relaxed);
}

uint64_t
auth_backend_count(const struct auth_backend *backend, enum backend_kind kind,
    enum backend_outcome outcome)
{
	return atomic_load_explicit(
	    &backend->counts[kind][outcome], memory_order_relaxed);
}

/* Beginning and end. */

struct auth_backend *
auth_backend_new(struct event_base *base, struct mailbox *mailbox,
    const struct auth_transport *transport, struct err *err)
{
	struct auth_backend *backend = xcalloc(1, sizeof(*backend));

	backend->tick = evtimer_new(base, on_tick, backend);
	if (backend->tick == NULL) {
		err_set(err, ERR_SYSTEM, "no timer for the backend");
		free(backend);
		return NULL;
	}
	backend->mailbox = mailbox;
	backend->transport = transport;
	backend->in_cluster = endpoint_in_cluster();
	TAILQ_INIT(&backend->endpoints);
	TAILQ_INIT(&backend->jobs);
	turns_init(&backend->turns, WAITING_MAX, WAITING_PER_PEER_MAX);
	return backend;
}

void
auth_backend_free(struct auth_backend *backend)
{
	struct backend_job *job, *next;

	if (backend == NULL)
		return;
	for (job = TAILQ_FIRST(&backend->jobs); job != NULL; job = next) {
		struct backend_ask result = {
			.outcome = BACKEND_UNAVAILABLE,
			.words = "the gate is stopping",
		};

		next = TAILQ_NEXT(job, link);
		backend_cancel(job);
		backend_settle(job, &result);
	}
	endpoint_free_all(&backend->endpoints);
	event_free(backend->tick);
	free(backend->in_cluster);
	free(backend);
}
