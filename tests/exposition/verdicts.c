/*
 * What the scanner says of many bodies, for comparison with others' verdicts.
 *
 *   verdicts [sample_limit=N] [label_limit=N] [label_name_length_limit=N]
 *            [label_value_length_limit=N] [body_size_limit=N] [now_ms=N]
 *
 * Reads records from standard input: one byte (t text, o OpenMetrics, p
 * protobuf, c the Content-Type of "a 1", r an answer with its Content-Type),
 * the length in four bytes, lowest first, and the body.  Of an answer the
 * length of the Content-Type comes first, and the type, in the same way; a
 * length of 0xffffffff says that there is none.
 *
 * Prints a line for each: for Prometheus 3 and for 2.42 judgement, id, line and
 * column, whether it is refused everywhere, the ids of its warnings, and behind
 * a = in hexadecimal what Prometheus 3 would print.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/exposition/scanner.h"

#define NO_TYPE 0xffffffffu

static const char *const judgements[] = { "accepted", "refused", "unknown" };

static struct exposition_limits limits;
static uint64_t now_ms; /* 0: the clock's */

struct piece {
	char *bytes; /* NULL: there is none */
	size_t len;
};

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
	printf("%s ", result->is_refused_everywhere ? "everywhere" : "-");
	for (i = 0; i < WARNING_COUNT; i++)
		if (result->warnings.rows[i].count > 0)
			printf("%s,", warning_id((enum warning)i));
	putchar(' ');
	putchar('=');
	for (p = result->verdicts[PROMETHEUS_3].said; *p != '\0'; p++)
		printf("%02x", (unsigned char)*p);
	putchar('\n');
}

static struct piece
read_piece(void)
{
	unsigned char head[4];
	struct piece piece = { .bytes = NULL };
	uint32_t len;

	if (fread(head, sizeof(head), 1, stdin) != 1)
		exit(1);
	len = head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
	      (uint32_t)head[3] << 24;
	if (len == NO_TYPE)
		return piece;
	piece.len = len;
	piece.bytes = xmalloc(piece.len + 1);
	if (len > 0 && fread(piece.bytes, len, 1, stdin) != 1)
		exit(1);
	return piece;
}

static void
judge_type(struct scanner_options *options, struct piece type)
{
	content_type_judge(
	    &options->content, type.bytes, type.len, FORMAT_NONE);
	free(type.bytes);
}

static void
scan(struct scanner *scanner, int letter)
{
	struct scanner_options options = { .keeps_series = true };
	struct piece body;

	options.limits = limits;
	options.content.formats[PROMETHEUS_3] =
	    options.content.formats[PROMETHEUS_242] = format_of(letter);
	if (letter == 'r' || letter == 'c')
		judge_type(&options, read_piece());
	if (letter == 'r')
		options.now_ms =
		    (int64_t)(now_ms > 0 ? now_ms : clock_wall_us() / 1000);
	if (letter == 'c')
		body = (struct piece){ xstrdup("a 1\n"), 4 };
	else
		body = read_piece();
	scanner_begin(scanner, &options);
	scanner_feed(scanner, body.bytes, body.len);
	print(scanner_finish(scanner));
	free(body.bytes);
}

static int
set_number(const char *argument)
{
	const struct {
		const char *name;
		uint64_t *value;
	} known[] = {
		{ "sample_limit=", &limits.samples },
		{ "label_limit=", &limits.labels },
		{ "label_name_length_limit=", &limits.label_name_length },
		{ "label_value_length_limit=", &limits.label_value_length },
		{ "body_size_limit=", &limits.body_size },
		{ "now_ms=", &now_ms },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(known[i].name);

		if (strncmp(argument, known[i].name, len) != 0)
			continue;
		*known[i].value = strtoull(argument + len, NULL, 10);
		return 0;
	}
	fprintf(stderr, "verdicts: %s is not known\n", argument);
	return -1;
}

int
main(int argc, char **argv)
{
	struct scanner *scanner;
	int i, letter;

	for (i = 1; i < argc; i++)
		if (set_number(argv[i]) == -1)
			return 2;
	scanner = scanner_new(0);
	while ((letter = getchar()) != EOF)
		scan(scanner, letter);
	scanner_free(scanner);
	return 0;
}
