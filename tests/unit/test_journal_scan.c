/*
 * Lines of the journal, and what is read of files that are not as they were
 * written: never a wrong record, and all good ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/crc32.h"
#include "proxy/diagnosis/journal_line.h"
#include "proxy/diagnosis/journal_scan.h"

#define LINES 12

static char segment[LINES * 256];
static size_t segment_len;
static size_t starts[LINES + 1]; /* of each line in it */

static void
test_crc(void **state)
{
	(void)state;
	/* The check value of every catalogue of CRCs. */
	assert_int_equal(crc32_of("123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_of("", 0), 0);
}

static void
test_seal(void **state)
{
	char line[128], want[128];
	uint64_t seq;
	size_t len;

	(void)state;
	len = journal_line_seal("{\"a\":1}", 7, 42, line);
	snprintf(want, sizeof(want), "{\"a\":1,\"seq\":42,\"crc\":\"%08x\"}\n",
	    crc32_of("{\"a\":1,\"seq\":42", 15));
	assert_int_equal(len, strlen(want));
	assert_memory_equal(line, want, len);
	assert_true(journal_line_check(line, len - 1, &seq));
	assert_int_equal(seq, 42);
	len = journal_line_seal("{\"a\":1}", 7, UINT64_MAX, line);
	assert_true(len < 7 + JOURNAL_SEAL_MAX);
	assert_true(journal_line_check(line, len - 1, &seq));
}

static void
test_fits(void **state)
{
	static const struct {
		const char *json;
		bool fits;
	} rows[] = {
		{ "{\"a\":1}", true },
		{ "{}", false },
		{ "", false },
		{ "{", false },
		{ "[1]", false },
		{ "{\"a\":1", false },
		{ "{\"a\":\n1}", false },
	};
	static char longest[JOURNAL_LINE_MAX];
	size_t i, len = JOURNAL_LINE_MAX - JOURNAL_SEAL_MAX;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    journal_line_fits(rows[i].json, strlen(rows[i].json)),
		    rows[i].fits);
	memset(longest, ' ', sizeof(longest));
	longest[0] = '{';
	longest[len - 1] = longest[len] = '}';
	assert_true(journal_line_fits(longest, len));
	assert_false(journal_line_fits(longest, len + 1));
}

/* Lines with a right CRC that nobody wrote so, or did. */
static void
test_check(void **state)
{
	static const struct {
		const char *before;
		const char *after;
		bool is_good;
		uint64_t seq;
	} rows[] = {
		{ "{\"a\":1,\"seq\":7", "", true, 7 },
		{ "{\"a\":1", "", true, 0 },
		{ "{\"a\":1,\"seq\":x", "", true, 0 },
		{ "{\"a\":1,\"seq\":123456789012345678901", "", true, 0 },
		{ "{", "", true, 0 },
		{ "x\"a\":1", "", false, 0 },
		{ "", "", false, 0 },
		{ "{\"a\":1", " ", false, 0 },
		{ "{\"a\":1", "\r", false, 0 },
	};
	char line[128];
	uint64_t seq;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "%s,\"crc\":\"%08x\"}%s",
		    rows[i].before,
		    crc32_of(rows[i].before, strlen(rows[i].before)),
		    rows[i].after);
		assert_int_equal(journal_line_check(line, strlen(line), &seq),
		    rows[i].is_good);
		if (rows[i].is_good)
			assert_int_equal(seq, rows[i].seq);
	}
	assert_false(journal_line_check("{,\"crc\":\"F96A2B10\"}", 19, &seq));
	assert_false(journal_line_check("{", 1, &seq));
}

/* What is read of the segment. */
static struct {
	bool is_there[LINES];
	int count;
	bool is_wrong;
} seen;

static void
take(const char *line, size_t len, uint64_t seq, void *arg)
{
	size_t i = seq - 1;

	(void)arg;
	seen.count++;
	if (seq < 1 || seq > LINES || seen.is_there[i] ||
	    len != starts[i + 1] - starts[i] - 1 ||
	    memcmp(line, segment + starts[i], len) != 0)
		seen.is_wrong = true;
	else
		seen.is_there[i] = true;
}

static int
make_segment(void **state)
{
	char json[128];
	size_t i;

	(void)state;
	for (i = 0; i < LINES; i++) {
		starts[i] = segment_len;
		snprintf(json, sizeof(json),
		    "{\"v\":1,\"n\":%zu,\"t\":\"%.*s\"}", i, (int)(i * 5),
		    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
		    "abcdefghijklmnopqrstuvwxyz");
		segment_len += journal_line_seal(
		    json, strlen(json), i + 1, segment + segment_len);
	}
	starts[LINES] = segment_len;
	return 0;
}

/* Returns what journal_scan_end() does. */
static bool
scan(const char *bytes, size_t len, size_t piece, uint64_t *dropped)
{
	static struct journal_scan scan;
	size_t at, part;
	bool is_whole;

	memset(&seen, 0, sizeof(seen));
	journal_scan_init(&scan, take, NULL);
	for (at = 0; at < len; at += part) {
		part = len - at < piece ? len - at : piece;
		journal_scan_feed(&scan, bytes + at, part);
	}
	is_whole = journal_scan_end(&scan);
	*dropped = scan.dropped;
	return is_whole;
}

static void
test_pieces(void **state)
{
	uint64_t dropped;
	size_t piece;

	(void)state;
	for (piece = 1; piece < 200; piece++) {
		assert_true(scan(segment, segment_len, piece, &dropped));
		assert_int_equal(seen.count, LINES);
		assert_false(seen.is_wrong);
		assert_int_equal(dropped, 0);
	}
	assert_true(scan("", 0, 1, &dropped));
	assert_int_equal(dropped, 0);
}

/* The line that a byte belongs to; its newline is the last one of it. */
static size_t
line_of(size_t at)
{
	size_t i = 0;

	while (starts[i + 1] <= at)
		i++;
	return i;
}

/*
 * What is gone when byte `at` becomes `c`: its line, which may become two, or
 * with its newline the next one, too.
 */
static void
check_flip(char *copy, size_t at, char c)
{
	size_t line = line_of(at), i;
	bool was_end = segment[at] == '\n', is_last = line == LINES - 1;
	uint64_t dropped, lines = 1;

	copy[at] = c;
	scan(copy, segment_len, 64, &dropped);
	copy[at] = segment[at];
	/* All but the newline is there, and one byte more. */
	if (!was_end && c == '\n')
		lines = 2;
	assert_int_equal(dropped, lines);
	assert_false(seen.is_wrong);
	for (i = 0; i < LINES; i++)
		assert_int_equal(seen.is_there[i],
		    i != line && !(was_end && !is_last && i == line + 1));
}

static void
test_every_byte(void **state)
{
	char *copy = malloc(segment_len);
	size_t at;
	int bit;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, segment, segment_len);
	for (at = 0; at < segment_len; at++) {
		for (bit = 0; bit < 8; bit++)
			check_flip(copy, at, (char)(segment[at] ^ (1 << bit)));
		if (segment[at] != '\n')
			check_flip(copy, at, '\n');
		if (segment[at] != '\0')
			check_flip(copy, at, '\0');
	}
	free(copy);
}

/* A crash, cut anywhere; and what may stand behind it. */
static void
test_every_prefix(void **state)
{
	static const char zeros[600], garbage[600] = "}{\"crc\n\n\"\x80";
	char *copy = malloc(segment_len + sizeof(zeros));
	size_t at, i, tail, lines;
	uint64_t dropped;
	bool is_whole;

	(void)state;
	assert_non_null(copy);
	for (at = 0; at <= segment_len; at++)
		for (tail = 0; tail < 3; tail++) {
			size_t more = tail == 0 ? 0 : sizeof(zeros);

			memcpy(copy, segment, at);
			memcpy(copy + at, tail == 1 ? zeros : garbage, more);
			is_whole = scan(copy, at + more, 4096, &dropped);
			lines = at == segment_len ? LINES : line_of(at);
			/* Whole but for the newline. */
			if (tail == 0 && segment[at] == '\n')
				lines++;
			assert_false(seen.is_wrong);
			assert_int_equal(seen.count, lines);
			for (i = 0; i < lines; i++)
				assert_true(seen.is_there[i]);
			assert_int_equal(is_whole,
			    tail == 0 && (at == 0 || segment[at - 1] == '\n'));
			assert_int_equal(dropped > 0,
			    !is_whole && !(tail == 0 && segment[at] == '\n'));
		}
	free(copy);
}

static void
test_too_long(void **state)
{
	static char text[5 * JOURNAL_LINE_MAX];
	uint64_t dropped;
	size_t pad, piece;

	(void)state;
	for (pad = JOURNAL_LINE_MAX - 2; pad < 3 * JOURNAL_LINE_MAX;
	     pad += 4096)
		for (piece = 1000; piece < 70000; piece *= 4) {
			memset(text, 'x', pad);
			text[pad] = '\n';
			memcpy(text + pad + 1, segment, segment_len);
			assert_true(
			    scan(text, pad + 1 + segment_len, piece, &dropped));
			assert_int_equal(dropped, 1);
			assert_int_equal(seen.count, LINES);
			assert_false(seen.is_wrong);
			/* And at the end. */
			assert_false(scan(text, pad, piece, &dropped));
			assert_int_equal(dropped, 1);
		}
}

/* The longest line that is written is read, in any pieces. */
static void
test_longest(void **state)
{
	static char json[JOURNAL_LINE_MAX], line[JOURNAL_LINE_MAX + 64];
	size_t len = JOURNAL_LINE_MAX - JOURNAL_SEAL_MAX, piece;
	uint64_t dropped;

	(void)state;
	memset(json, ' ', len);
	json[0] = '{';
	json[len - 1] = '}';
	assert_true(journal_line_fits(json, len));
	len = journal_line_seal(json, len, UINT64_MAX, line);
	assert_true(len <= JOURNAL_LINE_MAX);
	for (piece = 1; piece < 20000; piece = piece * 3 + 1) {
		assert_true(scan(line, len, piece, &dropped));
		assert_int_equal(seen.count, 1);
		assert_int_equal(dropped, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, make_segment, NULL);
}
