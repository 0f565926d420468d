/*
 * What a scan learns about a target on its way: how much there is of what,
 * what came and went, and what the exporter tells of its own process.
 *
 * Private to the scanner; its results are in struct exposition_facts.
 */
#ifndef PROXY_EXPOSITION_LEARN_H
#define PROXY_EXPOSITION_LEARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/exposition/facts.h"
#include "proxy/exposition/families.h"
#include "proxy/exposition/parse.h"
#include "proxy/exposition/series.h"
#include "proxy/exposition/warnings.h"

#define LEARN_NAME_MAX 256

/* Timestamps that Prometheus takes, about: older ones may pass at times. */
#define LEARN_AHEAD_MAX_MS ((int64_t)10 * 60 * 1000)
#define LEARN_BEHIND_MAX_MS ((int64_t)60 * 60 * 1000)

struct learn {
	uint64_t seed;  /* of memory */
	int64_t now_ms; /* 0: unknown */
	uint64_t line;  /* of the entry being read, 1-based */
	bool keeps_series, stops_when_full; /* as in the scanner's options */

	/* The sample before: most lines have the name of the line before. */
	unsigned char name[LEARN_NAME_MAX];
	size_t name_len;
	uint64_t name_hash;
	int known; /* enum fact_value of that name, or -1 */
	uint64_t last_series;
	bool last_has_timestamp;
	int64_t last_timestamp_ms;

	struct families families;
	struct series_memory own;     /* if nobody lends one */
	struct series_memory *memory; /* of the target being read */
	struct exposition_facts facts;
	struct warnings *warnings;
};

/* `warnings` is where they go, of each body. */
void learn_init(
    struct learn *learn, size_t slot_max, struct warnings *warnings);
void learn_fini(struct learn *learn);

/* `memory` is lent until learn_end(); NULL: its own. */
void learn_begin(struct learn *learn, int64_t now_ms, bool keeps_series,
    bool stops_when_full, struct series_memory *memory);
void learn_end(struct learn *learn, bool is_good);

void learn_metadata(struct learn *learn, enum parse_end kind,
    const unsigned char *name, size_t len, size_t bytes);

/* The name differs from the one before: learn->name and family change. */
void learn_name(struct learn *learn, const unsigned char *name, size_t len);

/* A sample of learn->name; `bytes` is all its line. */
static inline void
learn_sample(struct learn *learn, size_t bytes)
{
	learn->facts.samples++;
	learn->families.bytes += bytes;
	learn->families.samples++;
}

/* Are series looked up? */
static inline bool
learn_looks_up(const struct learn *learn)
{
	return learn->keeps_series &&
	       !(learn->stops_when_full && learn->memory->set.is_full);
}

/* The fingerprint without a timestamp, or with one; the first may be anything
 * while none is looked up. */
void learn_series(struct learn *learn, uint64_t fingerprint);
void learn_timed_series(
    struct learn *learn, uint64_t fingerprint, int64_t timestamp_ms);

/* learn->known >= 0: keeps the value if the labels are those that matter. */
void learn_value(struct learn *learn, const unsigned char *labels,
    size_t labels_len, double value);

#endif
