#include "proxy/exposition/families.h"

#include <string.h>

#include "proxy/exposition/fingerprint.h"

static struct series_set *const *
sets_of(struct families *families, struct series_set *sets[4])
{
	sets[0] = &families->seen;
	sets[1] = &families->sampled;
	sets[2] = &families->typed;
	sets[3] = &families->helped;
	return sets;
}

void
families_init(struct families *families, uint64_t seed)
{
	struct series_set *sets[4];
	size_t i;

	memset(families, 0, sizeof(*families));
	families->seed = seed;
	for (i = 0; i < 4; i++)
		series_set_init(sets_of(families, sets)[i], FAMILIES_SLOTS_MAX);
}

void
families_fini(struct families *families)
{
	struct series_set *sets[4];
	size_t i;

	for (i = 0; i < 4; i++)
		series_set_fini(sets_of(families, sets)[i]);
}

void
families_begin(struct families *families)
{
	struct series_set *sets[4];
	size_t i;

	families->count = 0;
	families->name_len = 0;
	families->bytes = families->samples = 0;
	families->kept_count = 0;
	families->least = 0;
	for (i = 0; i < 4; i++)
		series_set_clear(sets_of(families, sets)[i]);
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
families_open(struct families *families, const unsigned char *name, size_t len)
{
	if (len > sizeof(families->name))
		len = sizeof(families->name);
	if (len == families->name_len && memcmp(families->name, name, len) == 0)
		return;
	close_run(families);
	memcpy(families->name, name, len);
	families->name_len = len;
	families->hash = fingerprint_bytes(families->seed, name, len);
	families->bytes = families->samples = 0;
	families->is_sampled = false;
	families->is_new =
	    series_set_see(&families->seen, families->hash) != SERIES_REPEATED;
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

	if (families->name_len == 0 || len < families->name_len ||
	    memcmp(name, families->name, families->name_len) != 0)
		return false;
	rest = len - families->name_len;
	if (rest == 0)
		return true;
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (suffixes[i].len == rest && memcmp(name + families->name_len,
						   suffixes[i].text, rest) == 0)
			return true;
	return false;
}

bool
families_sample(struct families *families)
{
	if (families->is_sampled)
		return true;
	families->is_sampled = true;
	return series_set_see(&families->sampled, families->hash) !=
	       SERIES_REPEATED;
}

bool
families_type(struct families *families, bool *is_late)
{
	*is_late = series_set_has(&families->sampled, families->hash);
	return series_set_see(&families->typed, families->hash) !=
	       SERIES_REPEATED;
}

bool
families_help(struct families *families)
{
	return series_set_see(&families->helped, families->hash) !=
	       SERIES_REPEATED;
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
