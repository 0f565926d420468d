/*
 * What Prometheus accepts although it was hardly meant, and what it drops
 * without a word at the target: counted, with the first line and the metrics
 * that do it most.  Bounded; names are cut at WARNING_NAME_MAX.
 */
#ifndef PROXY_EXPOSITION_WARNINGS_H
#define PROXY_EXPOSITION_WARNINGS_H

#include <stddef.h>
#include <stdint.h>

enum warning {
	WARNING_EMPTY_BODY,
	WARNING_NO_SAMPLES, /* only comments and blank lines */
	WARNING_NUL,        /* at the start of a line: the rest is lost */
	WARNING_LEADING_BLANK,
	WARNING_MISSING_COMMA,
	WARNING_RAW_NEWLINE, /* inside a label value */
	WARNING_UNKNOWN_ESCAPE,
	WARNING_TYPE_LATE,  /* TYPE after samples of the family */
	WARNING_TYPE_TWICE, /* HELP or TYPE */
	WARNING_INTERLEAVED,
	WARNING_EOF_INSIDE,   /* # EOF with data behind it, in text */
	WARNING_DUPLICATE,    /* the second sample is dropped */
	WARNING_OUT_OF_ORDER, /* older than the line before: dropped */
	WARNING_TIMESTAMP_SECONDS,
	WARNING_TIMESTAMP_MICRO, /* micro- or nanoseconds */
	WARNING_TIMESTAMP_FUTURE,
	WARNING_TIMESTAMP_OLD,       /* more than an hour */
	WARNING_LIMIT_NEAR,          /* more than 80 % of a limit */
	WARNING_OPENMETRICS_AS_TEXT, /* by 2.x, for its Content-Type */
	WARNING_HISTOGRAM_SPANS,     /* of a native one: not their buckets */
	WARNING_COUNT
};

#define WARNING_TOP 3
#define WARNING_CANDIDATES 8
#define WARNING_NAME_MAX 96

struct warning_offender {
	char name[WARNING_NAME_MAX]; /* raw, terminated */
	uint64_t count;
};

struct warning_row {
	uint64_t count;
	uint64_t first_line; /* 1-based; 0 where a line makes no sense */
	/*
	 * Sorted by count once scanner_finish() has returned.  Room for
	 * WARNING_CANDIDATES, or NULL if there never was one.
	 */
	struct warning_offender *offenders;
	size_t offender_count;
};

struct warnings {
	struct warning_row rows[WARNING_COUNT];
};

/* "duplicate_series", for JSON and metrics; and a sentence for people. */
const char *warning_id(enum warning warning);
const char *warning_words(enum warning warning);

/* Zeroed they are empty. */
void warnings_reset(struct warnings *warnings);
void warnings_fini(struct warnings *warnings);

/* `name` may be NULL. */
void warnings_add(struct warnings *warnings, enum warning warning,
    uint64_t line, const unsigned char *name, size_t name_len);

void warnings_sort(struct warnings *warnings);

#endif
