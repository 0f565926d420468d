#include "proxy/gate/worker.h"

#include <stdlib.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/thread.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/cache.h"
#include "proxy/cache/shelf.h"
#include "proxy/gate/exchange.h"
#include "proxy/gate/front.h"
#include "proxy/gate/stats.h"
#include "tls/server.h"

#define CONNECTIONS_MAX 16384

/* While draining, how often to look whether the last one has gone. */
#define DRAIN_LOOK_MS 20

struct worker {
	struct worker_options options;
	struct thread *thread;
	struct front *front;
	struct stats *stats;
	struct exchange_context context;
	struct event *drain_look;
};

static void
tell_main(struct worker *worker,
    void (*deliver)(struct message *message, void *owner))
{
	struct message *message = xcalloc(1, sizeof(*message));

	message->deliver = deliver;
	mailbox_post(worker->options.main, message);
}

static void
look_drained(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval again = { .tv_usec =
						  DRAIN_LOOK_MS * 1000 };
	struct worker *worker = arg;

	(void)fd;
	(void)events;
	if (front_connection_count(worker->front) == 0)
		tell_main(worker, worker->options.drained);
	else
		evtimer_add(worker->drain_look, &again);
}

static int
open_front(struct worker *worker, struct err *err)
{
	struct front_options options = {
		.base = worker->context.base,
		.limits = &guard_default_limits,
		.connections_max = CONNECTIONS_MAX,
		.stats = worker->stats,
		.handle = exchange_begin,
		.gone = exchange_gone,
		.arg = &worker->context,
	};

	if (worker->options.tls != NULL) {
		options.tls = tls_server_context(worker->options.tls, err);
		if (options.tls == NULL)
			return -1;
	}
	worker->front = front_new(&options, err);
	SSL_CTX_free(options.tls); /* the front has its own reference */
	return worker->front == NULL ? -1 : 0;
}

struct worker *
worker_new(const struct worker_options *options, struct err *err)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));
	struct exchange_context *context = &worker->context;

	worker->options = *options;
	worker->stats = stats_new(options->conf->target_count);
	worker->thread = thread_new("worker", worker, err);
	if (worker->thread == NULL)
		goto fail;
	context->conf = options->conf;
	context->base = thread_base(worker->thread);
	context->keeper = options->keeper;
	context->mailbox = thread_mailbox(worker->thread);
	context->main = options->main;
	context->own_scrape = options->own_scrape;
	context->shelf = shelf_new(context->base);
	context->stats = worker->stats;
	exchange_context_init(context);
	worker->drain_look = evtimer_new(context->base, look_drained, worker);
	if (open_front(worker, err) == -1)
		goto fail;
	return worker;

fail:
	worker_free(worker);
	return NULL;
}

int
worker_listen(struct worker *worker, int fd, struct err *err)
{
	return front_listen(worker->front, fd, err);
}

int
worker_start(struct worker *worker, struct err *err)
{
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
		thread_deliver(worker->thread);
		exchange_context_fini(&worker->context);
	}
	shelf_free(worker->context.shelf);
	thread_free(worker->thread);
	stats_free(worker->stats);
	free(worker);
}

struct stats *
worker_stats(const struct worker *worker)
{
	return worker->stats;
}

static void
take_publication(struct message *message, void *owner)
{
	struct publication *publication = (struct publication *)message;
	struct worker *worker = owner;

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
	publication->answer = answer_ref(answer);
	publication->expires_us = expires_us;
	mailbox_post(worker->context.mailbox, &publication->message);
}

static void
take_drain(struct message *message, void *owner)
{
	struct worker *worker = owner;

	free(message);
	worker->context.is_draining = true;
	front_drain(worker->front);
	tell_main(worker, worker->options.doors_closed);
	look_drained(-1, 0, worker);
}

void
worker_drain(struct worker *worker)
{
	struct message *message = xcalloc(1, sizeof(*message));

	message->deliver = take_drain;
	mailbox_post(worker->context.mailbox, message);
}
