#include "proxy/cache/keeper.h"

#include <stdlib.h>

#include "auth/backend.h"
#include "conf/load.h"
#include "proxy/backend/caller.h"
#include "proxy/backend/pod.h"
#include "proxy/base/alloc.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/rendezvous.h"
#include "proxy/base/thread.h"
#include "proxy/cache/cache.h"
#include "proxy/diagnosis/record.h"
#include "proxy/fetch/attempt.h"
#include "proxy/scrape.h"

struct keeper {
	struct keeper_options options;
	struct thread *thread;
	struct fetcher *fetcher;
	struct caller *caller;
	struct auth_backend *backend;
	struct pod *pod;
	struct cache *cache;
};

struct abandon {
	struct message message;
	struct scrape *scrape;
};

struct change {
	struct message message;
	struct conf *conf;
	struct rendezvous *done;
};

static void
pass_record(struct record *record, void *arg)
{
	struct keeper *keeper = arg;

	if (!record->is_delivered &&
	    record->finding->reason != REASON_CLIENT_GONE)
		pod_wonder(keeper->pod);
	keeper->options.record(record, keeper->options.arg);
}

static void
pass_publication(const struct key *key, struct answer *answer,
    uint64_t expires_us, void *arg)
{
	struct keeper *keeper = arg;

	keeper->options.publish(key, answer, expires_us, keeper->options.arg);
}

static void
pass_pod(const struct pod_status *status, void *arg)
{
	struct keeper *keeper = arg;

	keeper->options.pod_news(status, keeper->options.arg);
}

static void
open_pod(struct keeper *keeper)
{
	const struct pod_options options = {
		.base = thread_base(keeper->thread),
		.transport = caller_transport(keeper->caller),
		.news = pass_pod,
		.arg = keeper,
	};

	keeper->pod = pod_new(&options);
	pod_switch(keeper->pod, keeper->options.conf);
}

struct keeper *
keeper_new(const struct keeper_options *options, struct err *err)
{
	struct keeper *keeper = xcalloc(1, sizeof(*keeper));
	struct cache_options cache = {
		.body_max = options->body_max,
		.record = pass_record,
		.publish = pass_publication,
		.arg = keeper,
	};

	keeper->options = *options;
	keeper->thread = thread_new("fetch", keeper, err);
	if (keeper->thread == NULL)
		goto fail;
	cache.base = thread_base(keeper->thread);
	keeper->fetcher = fetcher_new(cache.base, err);
	if (keeper->fetcher == NULL)
		goto fail;
	keeper->caller = caller_new(cache.base, keeper->fetcher);
	keeper->backend =
	    auth_backend_new(cache.base, thread_mailbox(keeper->thread),
		caller_transport(keeper->caller), err);
	if (keeper->backend == NULL)
		goto fail;
	open_pod(keeper);
	cache.mailbox = thread_mailbox(keeper->thread);
	cache.fetcher = keeper->fetcher;
	cache.pod = keeper->pod;
	keeper->cache = cache_new(&cache);
	cache_switch(keeper->cache, options->conf);
	fetcher_renew(keeper->fetcher, options->conf);
	return keeper;

fail:
	keeper_free(keeper);
	return NULL;
}

int
keeper_start(struct keeper *keeper, struct err *err)
{
	return thread_start(keeper->thread, err);
}

struct auth_backend *
keeper_backend(struct keeper *keeper)
{
	return keeper->backend;
}

void
keeper_stop(struct keeper *keeper)
{
	if (keeper == NULL)
		return;
	thread_stop(keeper->thread);
	if (keeper->cache != NULL)
		thread_deliver(keeper->thread);
	auth_backend_free(keeper->backend);
	keeper->backend = NULL;
}

struct thread *
keeper_thread(struct keeper *keeper)
{
	return keeper->thread;
}

void
keeper_free(struct keeper *keeper)
{
	if (keeper == NULL)
		return;
	keeper_stop(keeper);
	cache_free(keeper->cache);
	pod_free(keeper->pod);
	caller_free(keeper->caller);
	fetcher_free(keeper->fetcher);
	thread_free(keeper->thread);
	free(keeper);
}

static void
take_scrape(struct message *message, void *owner)
{
	struct keeper *keeper = owner;

	cache_scrape(keeper->cache, (struct scrape *)message);
}

void
keeper_scrape(struct keeper *keeper, struct scrape *scrape)
{
	scrape->message.deliver = take_scrape;
	mailbox_post(thread_mailbox(keeper->thread), &scrape->message);
}

static void
take_abandon(struct message *message, void *owner)
{
	struct abandon *abandon = (struct abandon *)message;
	struct keeper *keeper = owner;

	cache_abandon(keeper->cache, abandon->scrape);
	scrape_unref(abandon->scrape);
	free(abandon);
}

void
keeper_abandon(struct keeper *keeper, struct scrape *scrape)
{
	struct abandon *abandon = xcalloc(1, sizeof(*abandon));

	abandon->message.deliver = take_abandon;
	abandon->scrape = scrape_ref(scrape);
	mailbox_post(thread_mailbox(keeper->thread), &abandon->message);
}

static void
take_change(struct message *message, void *owner)
{
	struct change *change = (struct change *)message;
	struct keeper *keeper = owner;

	cache_switch(keeper->cache, change->conf);
	pod_switch(keeper->pod, change->conf);
	fetcher_renew(keeper->fetcher, change->conf);
	conf_unref(change->conf);
	rendezvous_arrive(change->done);
	free(change);
}

void
keeper_switch(struct keeper *keeper, struct conf *conf, struct rendezvous *done)
{
	struct change *change = xcalloc(1, sizeof(*change));

	change->message.deliver = take_change;
	change->conf = conf_ref(conf);
	change->done = done;
	mailbox_post(thread_mailbox(keeper->thread), &change->message);
}

static void
take_wonder(struct message *message, void *owner)
{
	struct keeper *keeper = owner;

	free(message);
	pod_wonder(keeper->pod);
}

void
keeper_wonder(struct keeper *keeper)
{
	struct message *message = xcalloc(1, sizeof(*message));

	message->deliver = take_wonder;
	mailbox_post(thread_mailbox(keeper->thread), message);
}
