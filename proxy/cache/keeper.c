#include "proxy/cache/keeper.h"

#include <stdlib.h>

#include "proxy/base/alloc.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/thread.h"
#include "proxy/cache/cache.h"
#include "proxy/fetch/attempt.h"
#include "proxy/scrape.h"

struct keeper {
	struct thread *thread;
	struct fetcher *fetcher;
	struct cache *cache;
};

struct abandon {
	struct message message;
	struct scrape *scrape;
};

struct keeper *
keeper_new(const struct keeper_options *options, struct err *err)
{
	struct keeper *keeper = xcalloc(1, sizeof(*keeper));
	struct cache_options cache = {
		.body_max = options->body_max,
		.record = options->record,
		.publish = options->publish,
		.arg = options->arg,
	};

	keeper->thread = thread_new("fetch", keeper, err);
	if (keeper->thread == NULL)
		goto fail;
	cache.base = thread_base(keeper->thread);
	keeper->fetcher = fetcher_new(cache.base, err);
	if (keeper->fetcher == NULL)
		goto fail;
	cache.fetcher = keeper->fetcher;
	keeper->cache = cache_new(&cache);
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

void
keeper_stop(struct keeper *keeper)
{
	if (keeper != NULL)
		thread_stop(keeper->thread);
}

void
keeper_free(struct keeper *keeper)
{
	if (keeper == NULL)
		return;
	keeper_stop(keeper);
	cache_free(keeper->cache);
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
