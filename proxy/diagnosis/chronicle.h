/*
 * What is told of a change at a target: a line in the log, and one for the
 * journal.  With log.format json both are the same object, so that standard
 * error alone is the record where nothing else is kept.
 *
 * Main thread.
 */
#ifndef PROXY_DIAGNOSIS_CHRONICLE_H
#define PROXY_DIAGNOSIS_CHRONICLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/fetch/phases.h"

#define CHRONICLE_SCHEMA 1 /* "v" of each line, see journal.md */

struct fold;
struct incident;
struct record;

/* Takes a line over as it is, less its end; `json` is borrowed. */
typedef void chronicle_fn(const char *json, size_t len, void *arg);

struct chronicle {
	chronicle_fn *journal; /* NULL: none is kept */
	void *arg;
};

enum chronicle_event {
	CHRONICLE_STARTED,
	CHRONICLE_CHANGED,
	CHRONICLE_REPEATED,
	CHRONICLE_AMENDED, /* by an attempt that went on late */
	CHRONICLE_ENDED,   /* incident->state says how */
	CHRONICLE_SLOW,    /* a scrape that was */
	CHRONICLE_WARNED   /* delivered, but odd */
};

struct chronicle_entry {
	enum chronicle_event event;
	const struct record *record;     /* NULL of CHRONICLE_ENDED */
	const struct fold *fold;         /* likewise */
	const struct incident *incident; /* NULL of what was delivered */
	const char *was;                 /* of CHRONICLE_CHANGED: its reason */
	bool is_logged;
	bool is_journaled;
};

void chronicle_tell(
    const struct chronicle *chronicle, const struct chronicle_entry *entry);

/* Good scrapes, in one line for many; only for the journal. */
struct summary {
	uint64_t since_wall_us;
	uint64_t until_wall_us;
	uint64_t count;
	uint64_t sum_us;
	uint64_t max_us;
	struct phases sums;
	uint64_t bytes; /* of the newest, as the samples */
	uint64_t samples;
};

void chronicle_sum_up(const struct chronicle *chronicle, const char *target,
    const struct summary *summary);

#endif
