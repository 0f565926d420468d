#include "proxy/cache/shelf.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/key.h"

/* Never more than the fetch thread keeps: 64, so a list is short enough. */
struct slot {
	LIST_ENTRY(slot) link;
	struct key key;
	struct answer *answer;
	uint64_t expires_us;
};

struct shelf {
	LIST_HEAD(, slot) slots;
};

static void
free_slot(struct slot *slot)
{
	LIST_REMOVE(slot, link);
	key_fini(&slot->key);
	answer_unref(slot->answer);
	free(slot);
}

struct shelf *
shelf_new(void)
{
	struct shelf *shelf = xcalloc(1, sizeof(*shelf));

	LIST_INIT(&shelf->slots);
	return shelf;
}

void
shelf_clear(struct shelf *shelf)
{
	while (!LIST_EMPTY(&shelf->slots))
		free_slot(LIST_FIRST(&shelf->slots));
}

void
shelf_free(struct shelf *shelf)
{
	if (shelf == NULL)
		return;
	shelf_clear(shelf);
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

	if (answer == NULL) {
		if (slot != NULL)
			free_slot(slot);
		return;
	}
	if (slot == NULL) {
		slot = xcalloc(1, sizeof(*slot));
		key_copy(&slot->key, key);
		LIST_INSERT_HEAD(&shelf->slots, slot, link);
	}
	answer_unref(slot->answer);
	slot->answer = answer_ref(answer);
	slot->expires_us = expires_us;
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
