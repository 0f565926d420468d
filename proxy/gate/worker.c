#include "proxy/gate/worker.h"

#include <stdbool.h>
#include <stdlib.h>

#include <event2/event.h>

#include "auth/auth.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/rendezvous.h"
#include "proxy/base/thread.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/cache.h"
#include "proxy/cache/shelf.h"
#include "proxy/gate/exchange.h"
#include "proxy/gate/front.h"
#include "proxy/gate/handshakes.h"
#include "proxy/gate/stats.h"

/* While draining, how often to look whether the last one has gone. */
#define DRAIN_LOOK_MS 20

struct worker {
	struct worker_options options;
	struct thread *thread; /* its own, or the host's */
	struct mailbox *mailbox;
	struct front *front;
	struct stats *stats;
	struct exchange_context context;
	struct event *drain_look;
	struct event *switched;
	struct switching *switching; /* its descriptors are let go of */
	bool has_told_doors;         /* while draining */
};

struct switching {
	struct message message;
	const struct worker_change *change;
	struct rendezvous *done;
};

static void
tell_main(struct worker *worker,
    void (*deliver)(struct message *message, void *owner))
{
	struct message *message = xcalloc(1, sizeof(*message));

	message->deliver = deliver;
	mailbox_post(worker->options.main, message);
}

/*
 * One turn of the loop later: libevent takes descriptors out of its epoll set
 * once per turn, and main closes them when all workers are here.
 */
static void
tell_switched(evutil_socket_t fd, short events, void *arg)
{
	struct worker *worker = arg;
	struct switching *switching = worker->switching;

	(void)fd;
	(void)events;
	worker->switching = NULL;
	rendezvous_arrive(switching->done);
	free(switching);
}

static void
look_drained(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval again = { .tv_usec = DRAIN_LOOK_MS * 1000 };
	struct worker *worker = arg;

	(void)fd;
	(void)events;
	/* Not before the loop has taken the descriptors out of its epoll set,
	 * which it does once per turn: main closes them then. */
	if (!worker->has_told_doors)
		tell_main(worker, worker->options.doors_closed);
	worker->has_told_doors = true;
	front_drain(worker->front); /* those that became idle meanwhile */
	if (front_connection_count(worker->front) == 0)
		tell_main(worker, worker->options.drained);
	else
		evtimer_add(worker->drain_look, &again);
}

static void
on_handshake_failed(struct handshake *handshake, void *arg)
{
	struct worker *worker = arg;

	handshake->message.deliver = worker->options.handshake_failed;
	mailbox_post(worker->options.main, &handshake->message);
}

static int
open_front(struct worker *worker, struct err *err)
{
	const struct front_options options = {
		.base = worker->context.base,
		.limits = &guard_default_limits,
		.deadlines = &front_default_deadlines,
		.tally = worker->options.tally,
		.stats = worker->stats,
		.keeps_heads = true,
		.handle = exchange_begin,
		.gone = exchange_gone,
		.arg = &worker->context,
		.failed = on_handshake_failed,
		.failed_arg = worker,
	};

	worker->front = front_new(&options, err);
	return worker->front == NULL ? -1 : 0;
}

static int
open_thread(struct worker *worker, struct err *err)
{
	struct thread *host = worker->options.host;

	if (host != NULL) {
		worker->thread = host;
		worker->mailbox = mailbox_new(thread_base(host), worker, err);
		return worker->mailbox == NULL ? -1 : 0;
	}
	worker->thread = thread_new("worker", worker, err);
	if (worker->thread == NULL)
		return -1;
	worker->mailbox = thread_mailbox(worker->thread);
	return 0;
}

static void
close_thread(struct worker *worker)
{
	if (worker->options.host != NULL)
		mailbox_free(worker->mailbox);
	else
		thread_free(worker->thread);
}

struct worker *
worker_new(const struct worker_options *options, struct err *err)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));
	struct exchange_context *context = &worker->context;

	worker->options = *options;
	worker->stats = stats_new(options->target_count);
	if (open_thread(worker, err) == -1)
		goto fail;
	context->base = thread_base(worker->thread);
	context->auth = options->auth;
	context->booth = auth_booth_new(options->auth, worker->mailbox, err);
	if (context->booth == NULL)
		goto fail;
	context->keeper = options->keeper;
	context->mailbox = worker->mailbox;
	context->main = options->main;
	context->own_scrape = options->own_scrape;
	context->attended = options->attended;
	context->shelf = shelf_new();
	context->stats = worker->stats;
	exchange_context_init(context);
	worker->drain_look = evtimer_new(context->base, look_drained, worker);
	worker->switched = evtimer_new(context->base, tell_switched, worker);
	if (open_front(worker, err) == -1)
		goto fail;
	return worker;

fail:
	worker_free(worker);
	return NULL;
}

int
worker_install(
    struct worker *worker, const struct worker_change *change, struct err *err)
{
	size_t i;

	exchange_context_switch(
	    &worker->context, change->conf, change->policy, change->targets);
	front_set_tls(worker->front, change->tls);
	if (change->is_other_policy)
		front_retire(worker->front);
	for (i = 0; i < change->closed_count; i++)
		front_unlisten(worker->front, change->closed[i].fd);
	for (i = 0; i < change->opened_count; i++)
		if (front_listen(worker->front, change->opened[i].fd,
			change->opened[i].name, err) == -1)
			return -1;
	return 0;
}

int
worker_start(struct worker *worker, struct err *err)
{
	if (worker->options.host != NULL)
		return 0;
	return thread_start(worker->thread, err);
}

void
worker_stop(struct worker *worker)
{
	thread_stop(worker->thread);
	/* What waits elsewhere is abandoned and comes back to the mailbox,
	 * which worker_free() empties. */
	front_free(worker->front);
	worker->front = NULL;
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	worker_stop(worker);
	if (worker->drain_look != NULL) {
		event_free(worker->drain_look);
		event_free(worker->switched);
		mailbox_deliver(worker->mailbox);
		exchange_context_fini(&worker->context);
	}
	shelf_free(worker->context.shelf);
	auth_booth_free(worker->context.booth);
	close_thread(worker);
	stats_free(worker->stats);
	free(worker);
}

struct stats *
worker_stats(const struct worker *worker)
{
	return worker->stats;
}

static void
take_switch(struct message *message, void *owner)
{
	static const struct timeval now = { 0, 0 };
	struct switching *switching = (struct switching *)message;
	struct worker *worker = owner;
	struct err err;

	/* Nothing but memory can be missing here. */
	if (worker_install(worker, switching->change, &err) == -1)
		log_error(
		    "cannot listen", "role", "gate", "error", err.text, NULL);
	worker->switching = switching;
	evtimer_add(worker->switched, &now);
}

void
worker_switch(struct worker *worker, const struct worker_change *change,
    struct rendezvous *done)
{
	struct switching *switching = xcalloc(1, sizeof(*switching));

	switching->message.deliver = take_switch;
	switching->change = change;
	switching->done = done;
	mailbox_post(worker->context.mailbox, &switching->message);
}

static void
take_publication(struct message *message, void *owner)
{
	struct publication *publication = (struct publication *)message;
	struct worker *worker = owner;

	/* On its way while the configuration changed: nobody will ask. */
	if (publication->key.target->conf == worker->context.conf)
		shelf_put(worker->context.shelf, &publication->key,
		    publication->answer, publication->expires_us);
	key_fini(&publication->key);
	answer_unref(publication->answer);
	free(publication);
}

void
worker_publish(struct worker *worker, const struct key *key,
    struct answer *answer, uint64_t expires_us)
{
	struct publication *publication = xcalloc(1, sizeof(*publication));

	publication->message.deliver = take_publication;
	key_copy(&publication->key, key);
	publication->answer = answer == NULL ? NULL : answer_ref(answer);
	publication->expires_us = expires_us;
	mailbox_post(worker->context.mailbox, &publication->message);
}

static void
take_drain(struct message *message, void *owner)
{
	static const struct timeval now = { 0, 0 };
	struct worker *worker = owner;

	free(message);
	worker->context.is_draining = true;
	front_drain(worker->front);
	evtimer_add(worker->drain_look, &now);
}

void
worker_drain(struct worker *worker)
{
	struct message *message = xcalloc(1, sizeof(*message));

	message->deliver = take_drain;
	mailbox_post(worker->context.mailbox, message);
}
