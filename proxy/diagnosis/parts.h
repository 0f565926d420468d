/*
 * What a finding's texts are made of, for those who list it.  Pure; strings are
 * borrowed from the arguments or static.
 */
#ifndef PROXY_DIAGNOSIS_PARTS_H
#define PROXY_DIAGNOSIS_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/diagnosis/reasons.h"

struct record;

/* Name of the phase in which this failure happens; "" if it says none. */
const char *parts_phase(enum reason reason);

/* Likewise; of a slow scrape the one that made it so. */
const char *parts_phase_of(const struct record *record);

/* One piece of evidence: `len` bytes at `text`, and how it was found. */
struct part {
	const char *text;
	size_t len;
	const char *kind; /* "measured", "inferred" or "unknown" */
};

/*
 * Takes the next piece from finding.seen, less its mark in brackets.  A piece
 * ends with its line, or with a mark followed by "; ".  `*cursor` starts at
 * the text and moves on; false at its end.
 */
bool parts_next(const char **cursor, struct part *part);

/* Words of others cannot pass for a piece of ours: their marks get square
 * brackets. */
void parts_unmark(char *text);

#endif
