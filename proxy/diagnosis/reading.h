/*
 * What a body says, in little: facts, and what Prometheus accepts although it
 * was hardly meant, or not by all of its releases.  Made on the fetch thread,
 * one for a record; the board keeps each target's newest.
 *
 * Plain data in one piece: free() frees it.  A few KB, whatever the body.
 */
#ifndef PROXY_DIAGNOSIS_READING_H
#define PROXY_DIAGNOSIS_READING_H

#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"
#include "proxy/exposition/facts.h"

struct report;

#define READING_OFFENDERS 3
#define READING_NAME_SIZE 128
#define READING_WORDS_SIZE 256

struct reading_warning {
	const char *id;                 /* static: a label, an anchor */
	char words[READING_WORDS_SIZE]; /* a sentence; printable ASCII */
	uint64_t count;
	uint64_t first_line; /* 1-based; 0 where a line makes no sense */
	/* Metrics that do it most, escaped. */
	char offenders[READING_OFFENDERS][READING_NAME_SIZE];
	size_t offender_count;
};

struct reading {
	struct exposition_facts facts;
	enum reason objection; /* why some release refuses it; REASON_OK */
	uint32_t mask;         /* of enum warning, as bits */
	size_t warning_count;
	struct reading_warning warnings[]; /* a verdict comes first */
};

/*
 * Of a body that was delivered although `reason` may not be ok.  NULL if
 * nobody looked.
 */
struct reading *reading_new(const struct report *report, enum reason reason);

#endif
