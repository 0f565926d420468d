#include "proxy/cache/shelf.h"

#include <stdlib.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/key.h"

/* The fetch thread keeps at most 64 answers, so a list is short enough. */
struct slot {
	LIST_ENTRY(slot) link;
	struct key key;
	struct answer *answer;
	uint64_t expires_us;
};

struct shelf {
	LIST_HEAD(, slot) slots;
	struct event *expiry;
};

static void
free_slot(struct slot *slot)
{
	LIST_REMOVE(slot, link);
	key_fini(&slot->key);
	answer_unref(slot->answer);
	free(slot);
}

/* Drops what is too old; sleeps until the next one will be. */
static void
sweep(evutil_socket_t fd, short events, void *arg)
{
	struct shelf *shelf = arg;
	struct slot *slot, *next;
	uint64_t now = clock_now_us();
	uint64_t earliest = UINT64_MAX;
	struct timeval wait;

	(void)fd;
	(void)events;
	for (slot = LIST_FIRST(&shelf->slots); slot != NULL; slot = next) {
		next = LIST_NEXT(slot, link);
		if (slot->expires_us <= now)
			free_slot(slot);
		else if (slot->expires_us < earliest)
			earliest = slot->expires_us;
	}
	if (earliest == UINT64_MAX)
		return;
	wait = clock_until(earliest);
	evtimer_add(shelf->expiry, &wait);
}

struct shelf *
shelf_new(struct event_base *base)
{
	struct shelf *shelf = xcalloc(1, sizeof(*shelf));

	LIST_INIT(&shelf->slots);
	shelf->expiry = evtimer_new(base, sweep, shelf);
	return shelf;
}

void
shelf_free(struct shelf *shelf)
{
	if (shelf == NULL)
		return;
	while (!LIST_EMPTY(&shelf->slots))
		free_slot(LIST_FIRST(&shelf->slots));
	event_free(shelf->expiry);
	free(shelf);
}

static struct slot *
find_slot(struct shelf *shelf, const struct key *key)
{
	struct slot *slot;

	LIST_FOREACH (slot, &shelf->slots, link)
		if (key_is_equal(&slot->key, key))
			return slot;
	return NULL;
}

void
shelf_put(struct shelf *shelf, const struct key *key, struct answer *answer,
    uint64_t expires_us)
{
	struct slot *slot = find_slot(shelf, key);

	if (slot == NULL) {
		slot = xcalloc(1, sizeof(*slot));
		key_copy(&slot->key, key);
		LIST_INSERT_HEAD(&shelf->slots, slot, link);
	}
	answer_unref(slot->answer);
	slot->answer = answer_ref(answer);
	slot->expires_us = expires_us;
	sweep(-1, 0, shelf);
}

struct answer *
shelf_take(struct shelf *shelf, const struct key *key, uint64_t scraper,
    uint64_t now_us)
{
	struct slot *slot = find_slot(shelf, key);

	if (slot == NULL || slot->expires_us <= now_us)
		return NULL;
	if (key->target->cache_once_per_scraper &&
	    !answer_claim(slot->answer, scraper))
		return NULL;
	return answer_ref(slot->answer);
}
