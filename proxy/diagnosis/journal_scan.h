/*
 * Reads a segment of the journal, in pieces of any size: hands on the lines
 * that are as they were written and counts the others.  Any bytes will do.
 * Pure.
 */
#ifndef PROXY_DIAGNOSIS_JOURNAL_SCAN_H
#define PROXY_DIAGNOSIS_JOURNAL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/journal_line.h"

/* A good line, without its newline; borrowed. */
typedef void journal_take_fn(
    const char *line, size_t len, uint64_t seq, void *arg);

struct journal_scan {
	journal_take_fn *take;
	void *arg;
	uint64_t dropped; /* lines torn or rotten, of all segments so far */
	size_t len;       /* of `begun` */
	bool is_too_long; /* what has begun, and is not kept */
	bool is_whole;    /* nothing yet, or a good line and its newline */
	char
	    begun[JOURNAL_LINE_MAX]; /* a line that goes on in the next piece */
};

void journal_scan_init(
    struct journal_scan *scan, journal_take_fn *take, void *arg);

/* A new segment. */
void journal_scan_begin(struct journal_scan *scan);
void journal_scan_feed(
    struct journal_scan *scan, const char *bytes, size_t len);

/*
 * The end of the segment: false if new lines must not follow there, because
 * the last one is torn, rotten or without a newline.
 */
bool journal_scan_end(struct journal_scan *scan);

#endif
