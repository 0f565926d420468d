#include "proxy/exposition/series.h"

#include <stdlib.h>
#include <string.h>

#include <sys/random.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

#define SLOTS_MIN ((size_t)256)

#define TAG_NEW ((uint64_t)3) /* the other two are set->last_tag's */

void
series_set_init(struct series_set *set, size_t slot_max)
{
	memset(set, 0, sizeof(*set));
	set->slot_max = slot_max < SLOTS_MIN ? SLOTS_MIN : slot_max;
	set->slot_count = SLOTS_MIN;
	set->slots = xcalloc(set->slot_count, sizeof(*set->slots));
	set->last_tag = 1;
}

void
series_set_fini(struct series_set *set)
{
	free(set->slots);
	memset(set, 0, sizeof(*set));
}

/* The slot that holds the fingerprint, or the empty one where it belongs. */
static uint64_t *
find(const struct series_set *set, uint64_t fingerprint)
{
	size_t i = series_set_home(set, fingerprint);

	while (set->slots[i] != 0 &&
	       (set->slots[i] ^ fingerprint) > SERIES_TAG_MASK)
		i = (i + 1) & (set->slot_count - 1);
	return &set->slots[i];
}

static void
grow(struct series_set *set)
{
	uint64_t *old = set->slots;
	size_t i, count = set->slot_count;

	set->slot_count = count * 2;
	set->slots = xcalloc(set->slot_count, sizeof(*set->slots));
	for (i = 0; i < count; i++)
		if (old[i] != 0)
			*find(set, old[i]) = old[i];
	free(old);
}

static bool
make_room(struct series_set *set)
{
	if (set->used < set->slot_count / 16 * 13)
		return true;
	if (set->slot_count * 2 > set->slot_max) {
		set->is_full = true;
		return false;
	}
	grow(set);
	return true;
}

enum series_seen
series_set_look(struct series_set *set, uint64_t fingerprint)
{
	uint64_t *slot = find(set, fingerprint);

	if (*slot == 0) {
		if (!make_room(set))
			return SERIES_UNTRACKED;
		*find(set, fingerprint) =
		    (fingerprint & ~SERIES_TAG_MASK) | TAG_NEW;
		set->used++;
		set->added++;
		return SERIES_NEW;
	}
	if ((*slot & SERIES_TAG_MASK) != set->last_tag)
		return SERIES_REPEATED;
	*slot ^= SERIES_TAG_MASK;
	set->kept++;
	return SERIES_KEPT;
}

uint64_t
series_set_gone(const struct series_set *set)
{
	return set->used - set->added - set->kept;
}

/* Whoever probed past slot i has to move up, or would be lost behind it. */
static void delete (struct series_set *set, size_t i)
{
	size_t mask = set->slot_count - 1, j = i;

	for (;;) {
		set->slots[i] = 0;
		do {
			j = (j + 1) & mask;
			if (set->slots[j] == 0)
				return;
		} while (((j - series_set_home(set, set->slots[j])) & mask) <
			 ((j - i) & mask));
		set->slots[i] = set->slots[j];
		i = j;
	}
}

/*
 * Begins behind an empty slot, so that no run of full ones wraps around the
 * place where it began.
 */
static void
sweep(struct series_set *set, uint64_t dead)
{
	size_t mask = set->slot_count - 1, first = 0, n, i;

	while (set->slots[first] != 0)
		first++;
	for (n = 1; n <= mask; n++) {
		i = (first + n) & mask;
		while ((set->slots[i] & SERIES_TAG_MASK) == dead) {
			delete (set, i);
			set->used--;
		}
	}
}

static void
forget_tags(struct series_set *set)
{
	size_t i;

	for (i = 0; i < set->slot_count; i++)
		if (set->slots[i] != 0)
			set->slots[i] =
			    (set->slots[i] & ~SERIES_TAG_MASK) | set->last_tag;
}

void
series_set_end(struct series_set *set, bool is_good)
{
	if (is_good && series_set_gone(set) > 0)
		sweep(set, set->last_tag);
	if (!is_good && set->added > 0)
		sweep(set, TAG_NEW);
	if (is_good && set->added == 0)
		set->last_tag ^= SERIES_TAG_MASK;
	else if (is_good || set->kept > 0)
		forget_tags(set);
	set->added = set->kept = 0;
	set->is_full = false;
}

/* Early after boot there may be none to be had: then the clock has to do. */
static uint64_t
random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = clock_wall_us() * 0x9e3779b97f4a7c15;
	return seed;
}

void
series_memory_init(struct series_memory *memory, size_t slot_max)
{
	series_set_init(&memory->set, slot_max);
	memory->seed = random_seed();
	memory->has_baseline = false;
}

void
series_memory_fini(struct series_memory *memory)
{
	series_set_fini(&memory->set);
}

void
series_memory_reset(struct series_memory *memory)
{
	size_t slot_max = memory->set.slot_max;

	series_memory_fini(memory);
	series_memory_init(memory, slot_max);
}

struct series_memory *
series_memory_new(size_t slot_max)
{
	struct series_memory *memory = xcalloc(1, sizeof(*memory));

	series_memory_init(memory, slot_max);
	return memory;
}

void
series_memory_free(struct series_memory *memory)
{
	if (memory == NULL)
		return;
	series_memory_fini(memory);
	free(memory);
}
