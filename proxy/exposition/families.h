/*
 * The metric families of one body: how many there are, which take the most
 * bytes, and whether each keeps its samples together under one HELP and TYPE.
 *
 * Bounded: FAMILIES_KEPT candidates for the top, and names in a table of at
 * most FAMILIES_SLOTS_MAX slots of 8 bytes, of which 13 in 16 are used.
 * One that comes in many small parts, with many larger ones between them, can
 * be missed or counted too low.
 */
#ifndef PROXY_EXPOSITION_FAMILIES_H
#define PROXY_EXPOSITION_FAMILIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/exposition/equal.h"
#include "proxy/exposition/facts.h"

#define FAMILIES_KEPT 32
#define FAMILIES_SLOTS_MAX ((size_t)16384)
#define FAMILIES_NAME_MAX 256

/* What was seen of a name: the low bits of its slot. */
enum families_mark {
	FAMILIES_SEEN = 1 << 0, /* a slot of 0 is empty */
	FAMILIES_SAMPLED = 1 << 1,
	FAMILIES_TYPED = 1 << 2,
	FAMILIES_HELPED = 1 << 3,
	FAMILIES_MARKS = 15
};

struct families {
	uint64_t seed;
	uint64_t count;

	/* The one being read. */
	unsigned char name[FAMILIES_NAME_MAX]; /* cut */
	size_t name_len;
	size_t plain_len; /* the same if the fast path has read it, or 0 */
	uint64_t hash;
	uint64_t bytes, samples; /* of this run of lines */
	bool is_new;             /* its first run */
	bool is_sampled;         /* this run has samples */
	uint64_t *open;          /* its slot */

	/* Those with the most bytes so far. */
	uint64_t kept_hash[FAMILIES_KEPT];
	uint64_t kept_bytes[FAMILIES_KEPT];
	uint64_t kept_samples[FAMILIES_KEPT];
	char kept_name[FAMILIES_KEPT][FACTS_NAME_MAX];
	size_t kept_count;
	size_t least; /* the smallest of them, once all are taken */

	/* Hashes of names; the low bits say what was seen of each. */
	uint64_t *slots;
	size_t slot_count; /* a power of two */
	size_t used;
	uint64_t untracked; /* a slot for the one open, where none is left */
};

void families_init(struct families *families);
void families_fini(struct families *families);

/* Names are hashed with `seed`, so that nobody outside can make two meet. */
void families_begin(struct families *families, uint64_t seed);

/* What families_open() does if it is another one than the one open. */
void families_change(
    struct families *families, const unsigned char *name, size_t len);

static inline bool
families_is_open(
    const struct families *families, const unsigned char *name, size_t len)
{
	return len == families->name_len &&
	       equal_bytes(families->name, name, len);
}

/* A line with that family's name follows. */
static inline void
families_open(struct families *families, const unsigned char *name, size_t len)
{
	if (len > sizeof(families->name))
		len = sizeof(families->name);
	if (!families_is_open(families, name, len))
		families_change(families, name, len);
}

/* Whether samples of that name belong to the one open: a_bucket to a. */
bool families_has(
    const struct families *families, const unsigned char *name, size_t len);

/* Was the one open marked so, in whatever run? */
static inline bool
families_is(const struct families *families, enum families_mark mark)
{
	return (*families->open & mark) != 0;
}

/* False: it was already. */
static inline bool
families_mark(struct families *families, enum families_mark mark)
{
	bool is_first = !families_is(families, mark);

	*families->open |= mark;
	return is_first;
}

/* The first sample of a run: false if an earlier run had some already. */
static inline bool
families_sample(struct families *families)
{
	if (families->is_sampled)
		return true;
	families->is_sampled = true;
	return families_mark(families, FAMILIES_SAMPLED);
}

/* Closes the one open, and writes the largest to `facts`. */
void families_end(struct families *families, struct exposition_facts *facts);

#endif
