/*
 * Would Prometheus take this?  Reads an exposition as it arrives and says what
 * Prometheus 3 and what Prometheus 2.42 make of it, with place and words, and
 * what can be learned from it on the way.
 *
 * Text 0.0.4 and 1.0.0, OpenMetrics and delimited protobuf.  However the body
 * is cut into pieces, the result is the same.  One pass; nothing is allocated
 * per line.  Bounded: an entry (a line, mostly) of more than PARSE_ENTRY_MAX
 * bytes or PARSE_LABELS_MAX labels is not judged, and the verdict then is
 * SCANNER_UNKNOWN, never a guess.  What is carried from piece to piece is in
 * the budget.
 *
 * Pure, no loop, no clock.  One thread at a time; one scanner per target, used
 * again for every scrape: it remembers the series of the last good one.
 */
#ifndef PROXY_EXPOSITION_SCANNER_H
#define PROXY_EXPOSITION_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"
#include "proxy/exposition/content_type.h"
#include "proxy/exposition/facts.h"
#include "proxy/exposition/labelset.h"
#include "proxy/exposition/parse.h"
#include "proxy/exposition/series.h"
#include "proxy/exposition/warnings.h"

#define SCANNER_OFFENDING_MAX 128

enum scanner_judgement {
	SCANNER_ACCEPTED,
	SCANNER_REFUSED,
	SCANNER_UNKNOWN, /* not read, too long an entry, or nobody can tell */
};

struct scanner_verdict {
	enum scanner_judgement judgement;
	enum reason reason; /* REASON_OK unless refused */
	/*
	 * Of the first byte of the token that was too much, both 1-based,
	 * bytes not characters; 0 where there is no such place.
	 */
	uint64_t line;
	uint64_t column;
	char offending[SCANNER_OFFENDING_MAX]; /* as Go's %q, without quotes */
	/*
	 * Prometheus 3's lastError, cut at PARSE_SAID_MAX; may hold bytes of
	 * the exporter where Go's %s does, and then ends at a NUL.  "" in
	 * PROMETHEUS_242's verdict.
	 */
	char said[PARSE_SAID_MAX];
};

struct scanner_options {
	struct content_verdict content; /* see content_type_judge() */
	struct exposition_limits limits;
	int64_t now_ms;    /* Unix time, for timestamps; 0 unknown */
	bool keeps_series; /* remember them: added, gone, twice */
	/*
	 * More of them than fit: look none up from there on, which is faster;
	 * one that comes twice then goes unnoticed.  Not where a limit of
	 * samples is kept, which needs to know.
	 */
	bool stops_when_full;
	/* Of the target, lent until the end; NULL: the scanner's own. */
	struct series_memory *memory;
	bool is_careful; /* without the fast path, which tests compare */
};

struct scanner_result {
	struct scanner_verdict verdicts[PROMETHEUS_COUNT];
	/*
	 * No Prometheus takes this body, whatever its version and settings, or
	 * a limit of ours is reached.  Less than all verdicts being refusals:
	 * a fallback_scrape_protocol mends a Content-Type, and a relabelling
	 * may drop the very series that has a bad name or a label twice.
	 */
	bool is_refused_everywhere;
	struct exposition_facts facts;
	struct warnings warnings;
};

struct scanner;

/* `series_max` slots of 8 bytes for series, a power of two; 0 the default. */
struct scanner *scanner_new(size_t series_max);
void scanner_free(struct scanner *scanner);

/* Its own series of the last good scrape: the next is compared with none. */
void scanner_forget(struct scanner *scanner);

/* Begins a body; one that was not finished is broken off. */
void scanner_begin(
    struct scanner *scanner, const struct scanner_options *options);

/* No more comes of this body, and what came counts for nothing. */
void scanner_break_off(struct scanner *scanner);

void scanner_feed(struct scanner *scanner, const void *bytes, size_t len);

/* The end of the body.  Valid until the next scanner_begin(). */
const struct scanner_result *scanner_finish(struct scanner *scanner);

#endif
