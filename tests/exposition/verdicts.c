/*
 * What the scanner says of many bodies, for comparison with others' verdicts.
 *
 * Reads records from standard input: one byte (t text, o OpenMetrics, p
 * protobuf, c the Content-Type of "a 1"), the length in four bytes, lowest
 * first, and the body.  Prints a line for each: for Prometheus 3 and for 2.42
 * judgement, id, line and column, and then in hexadecimal what Prometheus 3
 * would print.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/exposition/scanner.h"

static const char *const judgements[] = { "accepted", "refused", "unknown" };

static enum exposition_format
format_of(int letter)
{
	return letter == 'o'   ? FORMAT_OPENMETRICS
	       : letter == 'p' ? FORMAT_PROTOBUF
			       : FORMAT_TEXT;
}

static void
print(const struct scanner_result *result)
{
	const char *p;
	int i;

	for (i = 0; i < PROMETHEUS_COUNT; i++) {
		const struct scanner_verdict *verdict = &result->verdicts[i];

		printf("%s %s %llu %llu ", judgements[verdict->judgement],
		    reason_row(verdict->reason)->id,
		    (unsigned long long)verdict->line,
		    (unsigned long long)verdict->column);
	}
	putchar('=');
	for (p = result->verdicts[PROMETHEUS_3].said; *p != '\0'; p++)
		printf("%02x", (unsigned char)*p);
	putchar('\n');
}

static void
scan(struct scanner *scanner, int letter, const unsigned char *body, size_t len)
{
	struct scanner_options options = { .keeps_series = true };

	options.content.formats[PROMETHEUS_3] =
	    options.content.formats[PROMETHEUS_242] = format_of(letter);
	if (letter == 'c') {
		content_type_judge(
		    &options.content, (const char *)body, len, FORMAT_NONE);
		body = (const unsigned char *)"a 1\n";
		len = 4;
	}
	scanner_begin(scanner, &options);
	scanner_feed(scanner, body, len);
	print(scanner_finish(scanner));
}

int
main(void)
{
	struct scanner *scanner = scanner_new(0);
	unsigned char head[5], *body;
	size_t len;

	while (fread(head, sizeof(head), 1, stdin) == 1) {
		len = head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 |
		      (size_t)head[4] << 24;
		body = xmalloc(len + 1);
		if (len > 0 && fread(body, len, 1, stdin) != 1)
			return 1;
		scan(scanner, head[0], body, len);
		free(body);
	}
	scanner_free(scanner);
	return 0;
}
