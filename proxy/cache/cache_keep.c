#include "proxy/cache/cache_parts.h"

#include <event2/event.h>

#include "conf/conf.h"
#include "proxy/base/budget.h"
#include "proxy/base/clock.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/wire.h"

void
entry_forget_answer(struct entry *entry)
{
	if (entry->newest == NULL)
		return;
	answer_unref(entry->newest);
	entry->newest = NULL;
	entry->cache->kept--;
}

void
entry_evict(struct entry *entry)
{
	struct cache *cache = entry->cache;

	cache->options.publish(&entry->key, NULL, 0, cache->options.arg);
	entry_forget_answer(entry);
	entry_drop_if_idle(entry);
}

static void
schedule_expiry(struct cache *cache)
{
	struct entry *entry;
	uint64_t earliest = UINT64_MAX;
	struct timeval wait;

	TAILQ_FOREACH (entry, &cache->entries, link)
		if (entry->newest != NULL && entry->expires_us < earliest)
			earliest = entry->expires_us;
	if (earliest == UINT64_MAX)
		return;
	wait = clock_until(earliest);
	evtimer_add(cache->expiry, &wait);
}

void
cache_expire(evutil_socket_t fd, short events, void *arg)
{
	struct cache *cache = arg;
	struct entry *entry, *next;
	uint64_t now = clock_now_us();

	(void)fd;
	(void)events;
	for (entry = TAILQ_FIRST(&cache->entries); entry != NULL;
	     entry = next) {
		next = TAILQ_NEXT(entry, link);
		if (entry->newest != NULL && entry->expires_us <= now)
			entry_evict(entry);
	}
	schedule_expiry(cache);
}

static struct entry *
oldest_kept(struct cache *cache)
{
	struct entry *entry;

	TAILQ_FOREACH_REVERSE(entry, &cache->entries, entry_list, link)
	if (entry->newest != NULL)
		return entry;
	return NULL;
}

/* Kept answers may take half of the budget; the rest is for those on their
 * way to a scraper. */
void
cache_make_room(struct cache *cache, unsigned kept_max)
{
	while (cache->kept > kept_max ||
	       (cache->kept > 0 && budget_used() > cache->options.body_max / 2))
		entry_evict(oldest_kept(cache));
}

void
entry_keep(struct entry *entry, struct answer *answer)
{
	struct cache *cache = entry->cache;
	int64_t ttl_ms = entry->key.target->cache_ttl;

	entry_forget_answer(entry);
	cache_make_room(cache, KEPT_MAX - 1);
	entry->newest = answer_ref(answer);
	entry->expires_us = answer_fetched_us(answer) + (uint64_t)ttl_ms * 1000;
	cache->kept++;
	schedule_expiry(cache);
	cache->options.publish(
	    &entry->key, answer, entry->expires_us, cache->options.arg);
}
