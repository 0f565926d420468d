/*
 * The series of a target, as 64-bit fingerprints in one table: which came and
 * which went since the last good scrape, and which appear twice in this one.
 *
 * Bounded: 8 bytes a slot, at most `slot_max` slots of which 13 in 16 are
 * used, so 131072 slots (1 MB) are good for 106 000 series.  What does not
 * fit is not tracked, and is_full says so.
 */
#ifndef PROXY_EXPOSITION_SERIES_H
#define PROXY_EXPOSITION_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_SLOTS_DEFAULT ((size_t)131072)

enum series_seen {
	SERIES_NEW,      /* not in the last good scrape */
	SERIES_KEPT,     /* as in the last one */
	SERIES_REPEATED, /* the second time in this scrape */
	SERIES_UNTRACKED /* the table is full */
};

/* The two low bits of a slot; a slot of 0 is empty. */
#define SERIES_TAG_MASK ((uint64_t)3)

struct series_set {
	uint64_t *slots;
	size_t slot_count; /* a power of two */
	size_t slot_max;
	size_t used;
	/*
	 * Whose tag is 1 and whose is 2, those of the last good scrape not
	 * seen in this one or those seen again, goes to and fro: where nothing
	 * came and nothing went, the end of a scrape costs nothing.
	 */
	uint64_t last_tag;
	uint64_t added; /* of this scrape so far */
	uint64_t kept;
	bool is_full;
};

void series_set_init(struct series_set *set, size_t slot_max);
void series_set_fini(struct series_set *set);

/* By the bits that the tag does not take. */
static inline size_t
series_set_home(const struct series_set *set, uint64_t slot)
{
	return (size_t)(slot >> 20) & (set->slot_count - 1);
}

/* What series_set_see() does with all but the most common. */
enum series_seen series_set_look(struct series_set *set, uint64_t fingerprint);

static inline enum series_seen
series_set_see(struct series_set *set, uint64_t fingerprint)
{
	uint64_t *slot = &set->slots[series_set_home(set, fingerprint)];

	if (*slot != ((fingerprint & ~SERIES_TAG_MASK) | set->last_tag))
		return series_set_look(set, fingerprint);
	*slot ^= SERIES_TAG_MASK;
	set->kept++;
	return SERIES_KEPT;
}

/* Of the series of the last good scrape, those not seen so far. */
uint64_t series_set_gone(const struct series_set *set);

/*
 * Ends a scrape: a good one is what the next is compared with, of another one
 * nothing stays.
 */
void series_set_end(struct series_set *set, bool is_good);

/*
 * The series of one target from scrape to scrape, apart from whatever scanner
 * reads the next one.
 */
struct series_memory {
	struct series_set set;
	uint64_t seed;     /* of the fingerprints in it */
	bool has_baseline; /* the last good scrape is in there, all of it */
};

struct series_memory *series_memory_new(size_t slot_max);
void series_memory_free(struct series_memory *memory);

/* For storage of the caller's. */
void series_memory_init(struct series_memory *memory, size_t slot_max);
void series_memory_fini(struct series_memory *memory);

/* With nothing in it, and as small as at first. */
void series_memory_reset(struct series_memory *memory);

#endif
