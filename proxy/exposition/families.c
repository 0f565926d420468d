#include "proxy/exposition/families.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/exposition/fingerprint.h"

#define SLOTS_MIN ((size_t)256)
/* As many stay from body to body; more only if they are needed. */
#define SLOTS_KEPT ((size_t)1024)

/* The table. */

static void
allocate(struct families *families, size_t slot_count)
{
	families->slot_count = slot_count;
	families->slots = xcalloc(slot_count, sizeof(*families->slots));
}

/* The slot that holds the hash, or the empty one where it belongs. */
static uint64_t *
find(const struct families *families, uint64_t hash)
{
	uint64_t *slots = families->slots;
	size_t mask = families->slot_count - 1, i = (size_t)(hash >> 20) & mask;

	while (slots[i] != 0 && (slots[i] ^ hash) > FAMILIES_MARKS)
		i = (i + 1) & mask;
	return &slots[i];
}

static void
grow(struct families *families)
{
	uint64_t *old = families->slots;
	size_t i, count = families->slot_count;

	allocate(families, count * 2);
	for (i = 0; i < count; i++)
		if (old[i] != 0)
			*find(families, old[i]) = old[i];
	free(old);
}

/* True: for the first time, or nobody knows. */
static bool
see(struct families *families)
{
	uint64_t *slot = find(families, families->hash);

	families->open = slot;
	if (*slot != 0)
		return false;
	if (families->used >= families->slot_count / 16 * 13) {
		if (families->slot_count < FAMILIES_SLOTS_MAX)
			grow(families);
		else
			families->open = &families->untracked;
	}
	if (families->open != &families->untracked) {
		families->open = find(families, families->hash);
		families->used++;
	}
	*families->open =
	    (families->hash & ~(uint64_t)FAMILIES_MARKS) | FAMILIES_SEEN;
	return true;
}

/* Families. */

void
families_init(struct families *families)
{
	memset(families, 0, sizeof(*families));
	families->open = &families->untracked;
	allocate(families, SLOTS_MIN);
}

void
families_fini(struct families *families)
{
	free(families->slots);
}

/* As large as the last body needed it. */
static void
clear(struct families *families)
{
	size_t count = families->slot_count;

	while (count > SLOTS_KEPT && families->used < count / 8)
		count /= 2;
	families->used = 0;
	if (count == families->slot_count) {
		memset(families->slots, 0, count * sizeof(*families->slots));
		return;
	}
	free(families->slots);
	allocate(families, count);
}

void
families_begin(struct families *families, uint64_t seed)
{
	families->seed = seed;
	families->count = 0;
	/* None is open, which is the same as one without a name. */
	families->name_len = families->plain_len = 0;
	families->hash = fingerprint_bytes(seed, families->name, 0);
	families->is_new = true;
	families->is_sampled = false;
	families->bytes = families->samples = 0;
	families->kept_count = 0;
	families->least = 0;
	families->open = &families->untracked;
	families->untracked = 0;
	clear(families);
}

static void
keep(struct families *families, size_t i)
{
	size_t len = families->name_len;

	if (len > FACTS_NAME_MAX - 1)
		len = FACTS_NAME_MAX - 1;
	memcpy(families->kept_name[i], families->name, len);
	families->kept_name[i][len] = '\0';
	families->kept_hash[i] = families->hash;
	families->kept_bytes[i] = families->bytes;
	families->kept_samples[i] = families->samples;
}

static size_t
find_least(const struct families *families)
{
	size_t i, least = 0;

	for (i = 1; i < families->kept_count; i++)
		if (families->kept_bytes[i] < families->kept_bytes[least])
			least = i;
	return least;
}

/* It was there before: its new part goes to the old one. */
static bool
add_part(struct families *families)
{
	size_t i;

	for (i = 0; i < families->kept_count; i++) {
		if (families->kept_hash[i] != families->hash)
			continue;
		families->kept_bytes[i] += families->bytes;
		families->kept_samples[i] += families->samples;
		return true;
	}
	return false;
}

static void
close_run(struct families *families)
{
	if (families->bytes == 0 || (!families->is_new && add_part(families)))
		return;
	if (families->kept_count < FAMILIES_KEPT)
		keep(families, families->kept_count++);
	else if (families->bytes > families->kept_bytes[families->least])
		keep(families, families->least);
	else
		return;
	if (families->kept_count == FAMILIES_KEPT)
		families->least = find_least(families);
}

void
families_change(
    struct families *families, const unsigned char *name, size_t len)
{
	close_run(families);
	memcpy(families->name, name, len);
	families->name_len = len;
	families->plain_len = 0;
	families->hash = fingerprint_bytes(families->seed, name, len);
	families->bytes = families->samples = 0;
	families->is_sampled = false;
	families->is_new = see(families);
	families->count += families->is_new;
}

bool
families_has(
    const struct families *families, const unsigned char *name, size_t len)
{
	static const struct {
		char text[9];
		size_t len;
	} suffixes[] = { { "_bucket", 7 }, { "_count", 6 }, { "_sum", 4 },
		{ "_total", 6 }, { "_created", 8 }, { "_info", 5 },
		{ "_gcount", 7 }, { "_gsum", 5 } };
	size_t i, rest;

	if (families_is_open(families, name, len))
		return true;
	if (families->name_len == 0 || len < families->name_len ||
	    memcmp(name, families->name, families->name_len) != 0)
		return false;
	rest = len - families->name_len;
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (suffixes[i].len == rest && memcmp(name + families->name_len,
						   suffixes[i].text, rest) == 0)
			return true;
	return false;
}

void
families_end(struct families *families, struct exposition_facts *facts)
{
	size_t i, largest;

	close_run(families);
	families->bytes = 0;
	facts->families = families->count;
	facts->top_count = 0;
	while (facts->top_count < FACTS_FAMILIES) {
		struct fact_family *top = &facts->top[facts->top_count];

		largest = 0;
		for (i = 1; i < families->kept_count; i++)
			if (families->kept_bytes[i] >
			    families->kept_bytes[largest])
				largest = i;
		if (families->kept_count == 0 ||
		    families->kept_bytes[largest] == 0)
			break;
		memcpy(
		    top->name, families->kept_name[largest], sizeof(top->name));
		top->bytes = families->kept_bytes[largest];
		top->samples = families->kept_samples[largest];
		families->kept_bytes[largest] = 0;
		facts->top_count++;
	}
}
