/*
 * Feeds a body to the scanner in pieces of one's choice, and compares results.
 * For unit tests and fuzzers.
 */
#ifndef TESTS_SCANNER_FEED_H
#define TESTS_SCANNER_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/exposition/scanner.h"

#define FEED_WHOLE 0u
#define FEED_BYTES 1u /* one by one; anything else is a seed */

static inline struct scanner_options
feed_options(enum exposition_format format)
{
	struct scanner_options options = { .keeps_series = true };

	options.content.formats[PROMETHEUS_3] =
	    options.content.formats[PROMETHEUS_242] = format;
	return options;
}

static inline size_t
feed_step(uint32_t *how, size_t left)
{
	size_t step;

	if (*how == FEED_WHOLE)
		return left;
	if (*how == FEED_BYTES)
		return 1;
	*how = *how * 1103515245u + 12345u;
	step = 1 + (*how >> 16) % ((*how >> 8 & 3) == 0 ? 200 : 9);
	return step < left ? step : left;
}

/*
 * Every piece is a copy of its own size, so that reading behind it shows.  The
 * result is the caller's until the next call with this scanner.
 */
static inline const struct scanner_result *
feed_scan(struct scanner *scanner, const struct scanner_options *options,
    const void *bytes, size_t len, uint32_t how)
{
	const unsigned char *p = bytes;
	unsigned char *piece;
	size_t step;

	scanner_begin(scanner, options);
	for (; len > 0; p += step, len -= step) {
		step = feed_step(&how, len);
		piece = malloc(step);
		memcpy(piece, p, step);
		scanner_feed(scanner, piece, step);
		free(piece);
	}
	return scanner_finish(scanner);
}

static inline bool
feed_is_same_verdict(
    const struct scanner_verdict *a, const struct scanner_verdict *b)
{
	return a->judgement == b->judgement && a->reason == b->reason &&
	       a->line == b->line && a->column == b->column &&
	       strcmp(a->offending, b->offending) == 0 &&
	       strcmp(a->said, b->said) == 0;
}

static inline bool
feed_is_same_number(double a, double b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static inline bool
feed_is_same_facts(
    const struct exposition_facts *a, const struct exposition_facts *b)
{
	size_t i;

	for (i = 0; i < a->top_count; i++)
		if (strcmp(a->top[i].name, b->top[i].name) != 0 ||
		    a->top[i].bytes != b->top[i].bytes ||
		    a->top[i].samples != b->top[i].samples)
			return false;
	for (i = 0; i < FACT_COUNT; i++)
		if (a->has_value[i] != b->has_value[i] ||
		    !feed_is_same_number(a->value[i], b->value[i]))
			return false;
	return a->bytes == b->bytes && a->lines == b->lines &&
	       a->samples == b->samples && a->families == b->families &&
	       a->exemplars == b->exemplars && a->histograms == b->histograms &&
	       a->timestamps == b->timestamps && a->repeats == b->repeats &&
	       a->top_count == b->top_count &&
	       a->series_added == b->series_added &&
	       a->series_gone == b->series_gone;
}

static inline bool
feed_is_same_warnings(const struct warnings *a, const struct warnings *b)
{
	size_t i, k;

	for (i = 0; i < WARNING_COUNT; i++) {
		const struct warning_row *one = &a->rows[i];
		const struct warning_row *two = &b->rows[i];

		if (one->count != two->count ||
		    one->first_line != two->first_line ||
		    one->offender_count != two->offender_count)
			return false;
		for (k = 0; k < one->offender_count; k++)
			if (strcmp(one->offenders[k].name,
				two->offenders[k].name) != 0 ||
			    one->offenders[k].count != two->offenders[k].count)
				return false;
	}
	return true;
}

static inline bool
feed_is_same(const struct scanner_result *a, const struct scanner_result *b)
{
	size_t i;

	for (i = 0; i < PROMETHEUS_COUNT; i++)
		if (!feed_is_same_verdict(&a->verdicts[i], &b->verdicts[i]))
			return false;
	return a->is_refused_everywhere == b->is_refused_everywhere &&
	       feed_is_same_facts(&a->facts, &b->facts) &&
	       feed_is_same_warnings(&a->warnings, &b->warnings);
}

#endif
