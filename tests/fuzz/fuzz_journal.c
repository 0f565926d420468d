/*
 * The journal's recovery: any bytes.  However they are cut into pieces the same
 * lines are taken and as many dropped; each line that is taken stands in the
 * input, whole; and of two good lines with anything between them none is lost.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/crc32.h"
#include "proxy/diagnosis/journal_line.h"
#include "proxy/diagnosis/journal_scan.h"

#define INPUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	const char *bytes; /* all of them */
	size_t len;
	size_t at; /* where the next line has to stand */
	uint64_t taken;
	uint64_t first_seq;
	uint64_t last_seq;
	uint64_t dropped;
	uint32_t crc; /* of all lines taken */
	bool is_whole;
};

static void
check(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "journal: %s\n", what);
	abort();
}

/* A line of the input, behind the ones before. */
static void
find(struct outcome *outcome, const char *line, size_t len)
{
	const char *end;
	size_t part;

	for (; outcome->at < outcome->len; outcome->at += part + 1) {
		const char *start = outcome->bytes + outcome->at;

		end = memchr(start, '\n', outcome->len - outcome->at);
		part = end != NULL ? (size_t)(end - start)
				   : outcome->len - outcome->at;
		if (part == len && memcmp(start, line, len) == 0) {
			outcome->at += part + 1;
			return;
		}
	}
	check(false, "a line that is not in the input");
}

static void
take(const char *line, size_t len, uint64_t seq, void *arg)
{
	struct outcome *outcome = arg;
	uint64_t again;

	check(journal_line_check(line, len, &again) && again == seq, "check");
	find(outcome, line, len);
	if (outcome->taken++ == 0)
		outcome->first_seq = seq;
	outcome->last_seq = seq;
	outcome->crc = outcome->crc * 31 + crc32_of(line, len);
}

static void
run(struct outcome *outcome, const char *bytes, size_t len, size_t piece)
{
	static struct journal_scan scan;
	size_t at, part;

	memset(outcome, 0, sizeof(*outcome));
	outcome->bytes = bytes;
	outcome->len = len;
	journal_scan_init(&scan, take, outcome);
	for (at = 0; at < len; at += part) {
		part = len - at < piece ? len - at : piece;
		journal_scan_feed(&scan, bytes + at, part);
	}
	outcome->is_whole = journal_scan_end(&scan);
	outcome->dropped = scan.dropped;
}

static void
check_pieces(const char *bytes, size_t len, const struct outcome *whole)
{
	static const size_t pieces[] = { 1, 7, 4096 };
	struct outcome outcome;
	size_t i;

	/* Byte by byte is for short ones. */
	for (i = len > 2000; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		run(&outcome, bytes, len, pieces[i]);
		check(outcome.taken == whole->taken &&
			  outcome.dropped == whole->dropped &&
			  outcome.crc == whole->crc &&
			  outcome.is_whole == whole->is_whole,
		    "another outcome in pieces");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char framed[INPUT_MAX + 1024];
	static const char first[] = "{\"first\":1}", last[] = "{\"last\":1}";
	struct outcome whole, outcome;
	size_t len;

	if (size > INPUT_MAX)
		return 0;
	run(&whole, (const char *)data, size, size + 1);
	check_pieces((const char *)data, size, &whole);
	check(!whole.is_whole || size == 0 || data[size - 1] == '\n',
	    "a line without an end is whole");

	len = journal_line_seal(first, sizeof(first) - 1, 1, framed);
	memcpy(framed + len, data, size);
	len += size;
	framed[len++] = '\n';
	len += journal_line_seal(last, sizeof(last) - 1, 2, framed + len);
	run(&outcome, framed, len, len);
	check(outcome.taken == whole.taken + 2, "a good line is lost");
	check(
	    outcome.first_seq == 1 && outcome.last_seq == 2 && outcome.is_whole,
	    "the good ones are not the first and the last");
	return 0;
}
