/*
 * Any bytes as an exposition: however they are cut into pieces, with and
 * without the fast path, the scanner comes to the same result; and what it
 * says of a place lies inside the body.
 *
 * The first byte chooses the format, the limits and the pieces.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/scanner_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "scanner: %s\n", what);
	abort();
}

static void
check_place(
    const struct scanner_verdict *verdict, const uint8_t *body, size_t size)
{
	uint64_t line = 1;
	size_t i, column = 1;

	if (verdict->line == 0)
		return;
	for (i = 0; i < size && line < verdict->line; i++)
		line += body[i] == '\n';
	/* A text has a newline more than was sent. */
	check(line == verdict->line || line + 1 == verdict->line,
	    "a line that is not there");
	for (; i < size && body[i] != '\n'; i++)
		column++;
	check(verdict->column >= 1 && verdict->column <= column + 1,
	    "a column that is not there");
}

static void
check_result(
    const struct scanner_result *result, const uint8_t *body, size_t size)
{
	int i;

	for (i = 0; i < PROMETHEUS_COUNT; i++) {
		const struct scanner_verdict *verdict = &result->verdicts[i];

		check((verdict->judgement == SCANNER_REFUSED) ==
			  (verdict->reason != REASON_OK),
		    "a refusal without a reason");
		if (verdict->judgement == SCANNER_REFUSED && i == PROMETHEUS_3)
			check(verdict->said[0] != '\0', "no words");
		check_place(verdict, body, size);
	}
	check(result->facts.bytes == size, "bytes lost");
	/* A histogram of two bytes, with nothing in it, is three samples. */
	check(result->facts.samples <= 2 * size, "more samples than bytes");
}

static struct scanner_options
choose(uint8_t choice)
{
	static const enum exposition_format formats[] = { FORMAT_TEXT,
		FORMAT_OPENMETRICS, FORMAT_TEXT, FORMAT_PROTOBUF };
	struct scanner_options options = feed_options(formats[choice & 3]);

	if ((choice & 3) == 2)
		content_type_judge(
		    &options.content, "text/html", 9, FORMAT_NONE);
	if ((choice & 4) != 0) {
		options.limits.labels = 3;
		options.limits.label_name_length = 8;
		options.limits.label_value_length = 12;
		options.limits.samples = 5;
	}
	options.now_ms = 1700000000000;
	return options;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scanner *scanners[4];
	struct scanner_options options;
	const struct scanner_result *whole, *other;
	int i;

	if (size == 0)
		return 0;
	for (i = 0; i < 4; i++)
		if (scanners[i] == NULL)
			scanners[i] = scanner_new(0);
	options = choose(data[0]);
	data++;
	size--;
	whole = feed_scan(scanners[0], &options, data, size, FEED_WHOLE);
	check_result(whole, data, size);
	other = feed_scan(scanners[1], &options, data, size, FEED_BYTES);
	check(feed_is_same(whole, other), "another result byte by byte");
	other = feed_scan(scanners[2], &options, data, size, 2u + data[-1]);
	check(feed_is_same(whole, other), "another result in pieces");
	options.is_careful = true;
	other = feed_scan(scanners[3], &options, data, size, FEED_WHOLE);
	check(feed_is_same(whole, other), "another result without haste");
	return 0;
}
