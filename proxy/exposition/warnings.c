#include "proxy/exposition/warnings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"

static const struct {
	const char *id, *words;
} texts[WARNING_COUNT] = {
	[WARNING_EMPTY_BODY] = { "body_empty",
	    "the body is empty: Prometheus shows the target as UP, with 0 "
	    "samples" },
	[WARNING_NO_SAMPLES] = { "no_samples",
	    "only comments: Prometheus shows the target as UP, with 0 "
	    "samples" },
	[WARNING_NUL] = { "nul_byte",
	    "a NUL byte at the start of a line or in a comment ends the body: "
	    "all behind it is lost" },
	[WARNING_LEADING_BLANK] = { "leading_blank",
	    "blanks before a metric name become part of it" },
	[WARNING_MISSING_COMMA] = { "missing_comma",
	    "labels without a comma between them" },
	[WARNING_RAW_NEWLINE] = { "raw_newline",
	    "a line break inside a label value, instead of \\n" },
	[WARNING_UNKNOWN_ESCAPE] = { "unknown_escape",
	    "a backslash that escapes nothing stays in the label value" },
	[WARNING_TYPE_LATE] = { "type_late",
	    "TYPE comes after samples of the metric" },
	[WARNING_TYPE_TWICE] = { "type_twice",
	    "HELP or TYPE of one metric twice" },
	[WARNING_INTERLEAVED] = { "interleaved",
	    "samples of one metric do not stand together" },
	[WARNING_EOF_INSIDE] = { "eof_inside",
	    "data after # EOF: two answers one after the other" },
	[WARNING_DUPLICATE] = { "duplicate_series",
	    "the same series twice: Prometheus drops the second sample" },
	[WARNING_OUT_OF_ORDER] = { "out_of_order",
	    "a sample older than the one before it: Prometheus drops it" },
	[WARNING_TIMESTAMP_SECONDS] = { "timestamp_seconds",
	    "timestamps that look like seconds where milliseconds are meant: "
	    "Prometheus drops the samples as too old" },
	[WARNING_TIMESTAMP_MICRO] = { "timestamp_micro",
	    "timestamps that look like micro- or nanoseconds: Prometheus drops "
	    "the samples" },
	[WARNING_TIMESTAMP_FUTURE] = { "timestamp_future",
	    "timestamps more than 10 minutes ahead: Prometheus drops the "
	    "samples" },
	[WARNING_TIMESTAMP_OLD] = { "timestamp_old",
	    "timestamps more than an hour ago: Prometheus may drop the "
	    "samples" },
	[WARNING_LIMIT_NEAR] = { "limit_near",
	    "more than 80 % of a configured limit" },
	[WARNING_OPENMETRICS_AS_TEXT] = { "openmetrics_as_text",
	    "OpenMetrics under a Content-Type of text: timestamps are off by "
	    "1000" },
	[WARNING_HISTOGRAM_SPANS] = { "histogram_spans",
	    "a native histogram whose spans and buckets do not match: a "
	    "Prometheus that scrapes native histograms refuses the body, and "
	    "2.42 may crash" },
};

const char *
warning_id(enum warning warning)
{
	assert((unsigned)warning < WARNING_COUNT);
	return texts[warning].id;
}

const char *
warning_words(enum warning warning)
{
	assert((unsigned)warning < WARNING_COUNT);
	return texts[warning].words;
}

void
warnings_reset(struct warnings *warnings)
{
	size_t i;

	for (i = 0; i < WARNING_COUNT; i++) {
		warnings->rows[i].count = 0;
		warnings->rows[i].first_line = 0;
		warnings->rows[i].offender_count = 0;
	}
}

void
warnings_fini(struct warnings *warnings)
{
	size_t i;

	for (i = 0; i < WARNING_COUNT; i++)
		free(warnings->rows[i].offenders);
	memset(warnings, 0, sizeof(*warnings));
}

static struct warning_offender *
find_offender(struct warning_row *row, const char *name)
{
	struct warning_offender *least;
	size_t i;

	if (row->offenders == NULL)
		row->offenders =
		    xcalloc(WARNING_CANDIDATES, sizeof(*row->offenders));
	least = &row->offenders[0];
	for (i = 0; i < row->offender_count; i++) {
		struct warning_offender *each = &row->offenders[i];

		if (strcmp(each->name, name) == 0)
			return each;
		if (each->count < least->count)
			least = each;
	}
	if (row->offender_count < WARNING_CANDIDATES) {
		least = &row->offenders[row->offender_count++];
		least->count = 0;
	} else if (row->count % 2 == 0)
		return NULL; /* a newcomer has to come often */
	else
		least->count = 0;
	snprintf(least->name, sizeof(least->name), "%s", name);
	return least;
}

void
warnings_add(struct warnings *warnings, enum warning warning, uint64_t line,
    const unsigned char *name, size_t name_len)
{
	struct warning_row *row = &warnings->rows[warning];
	struct warning_offender *offender;
	char text[WARNING_NAME_MAX];

	if (row->count++ == 0)
		row->first_line = line;
	if (name == NULL)
		return;
	if (name_len > sizeof(text) - 1)
		name_len = sizeof(text) - 1;
	memcpy(text, name, name_len);
	text[name_len] = '\0';
	offender = find_offender(row, text);
	if (offender != NULL)
		offender->count++;
}

static int
compare(const void *a, const void *b)
{
	const struct warning_offender *first = a, *second = b;

	if (first->count != second->count)
		return first->count < second->count ? 1 : -1;
	return strcmp(first->name, second->name);
}

void
warnings_sort(struct warnings *warnings)
{
	size_t i;

	for (i = 0; i < WARNING_COUNT; i++)
		if (warnings->rows[i].offender_count > 1)
			qsort(warnings->rows[i].offenders,
			    warnings->rows[i].offender_count,
			    sizeof(warnings->rows[i].offenders[0]), compare);
}
