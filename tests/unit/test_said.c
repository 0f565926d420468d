/* The beginning of what an exporter said: bounded, and without its secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/diagnosis/bad_answer.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/fetch/report.h"
#include "proxy/fetch/said.h"

static void
say(struct said *said, const char *line)
{
	said_head(said, line, strlen(line));
}

static void
masks_secrets(void **state)
{
	static const struct {
		const char *line;
		const char *kept;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n" },
		{ "Content-Type: text/html\r\n",
		    "Content-Type: text/html\r\n" },
		{ "Set-Cookie: id=1; Path=/\r\n", "Set-Cookie: <masked>\r\n" },
		{ "set-cookie:id=1\n", "set-cookie: <masked>\n" },
		{ "SET-COOKIE2 : id=1\r\n", "SET-COOKIE2 : <masked>\r\n" },
		{ " and=more\r\n", " <masked>\r\n" },
		{ "X: a\r\n", "X: a\r\n" },
		{ "\tand more\r\n", "\tand more\r\n" },
		{ "Authorization: Basic eDp5\r\n",
		    "Authorization: <masked>\r\n" },
		{ "X-Auth-Token: abc\r\n", "X-Auth-Token: <masked>\r\n" },
		{ "X-SESSION-ID: abc\r\n", "X-SESSION-ID: <masked>\r\n" },
		{ "X-Api-Key: abc\r\n", "X-Api-Key: <masked>\r\n" },
		{ "WWW-Authenticate: Basic realm=\"x\"\r\n",
		    "WWW-Authenticate: Basic realm=\"x\"\r\n" },
		{ "Location: /login?ticket=abc\r\n",
		    "Location: /login? <masked>\r\n" },
		{ "Location: /metrics\r\n", "Location: /metrics\r\n" },
		{ "Link: </x?y=1>\r\n", "Link: </x?y=1>\r\n" },
		{ "no colon\r\n", "no colon\r\n" },
		{ ": no name\r\n", ": no name\r\n" },
		{ "\r\n", "\r\n" },
		{ "Cookie: cut", "Cookie: <masked>" },
	};
	struct said said, masked;
	size_t i, at = 0;

	(void)state;
	said_reset(&said);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		say(&said, rows[i].line);
	said_body(&said, "Cookie: of a body\n", 18);
	said_mask(&said, &masked);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].kept);

		if (memcmp(masked.bytes + at, rows[i].kept, len) != 0)
			fail_msg(
			    "row %zu: %.*s", i, (int)len, masked.bytes + at);
		at += len;
	}
	assert_int_equal(masked.head_len, at);
	assert_int_equal(masked.len, at + 18);
	assert_memory_equal(masked.bytes + at, "Cookie: of a body\n", 18);
	assert_false(masked.is_cut);
	assert_false(masked.is_inflated);
}

/* A mask may be longer than what it hides. */
static void
masks_within_bounds(void **state)
{
	struct said said, masked;

	(void)state;
	said_reset(&said);
	while (!said.is_cut)
		say(&said, "Cookie:a\r\n");
	said_mask(&said, &masked);
	assert_true(masked.is_cut);
	assert_int_equal(masked.len, SAID_MAX);
	assert_null(memmem(masked.bytes, masked.len, ":a", 2));
}

static void
is_bounded(void **state)
{
	char block[3000];
	struct said said;

	(void)state;
	memset(block, 'x', sizeof(block));
	said_reset(&said);
	say(&said, "HTTP/1.1 200 OK\r\n");
	said_body(&said, block, sizeof(block));
	assert_false(said.is_cut);
	said_body(&said, block, SAID_MAX - said.len);
	assert_false(said.is_cut);
	assert_int_equal(said.len, SAID_MAX);
	said_body(&said, block, 1);
	assert_true(said.is_cut);
	assert_int_equal(said.len, SAID_MAX);
	assert_int_equal(said.head_len, 17);
	said_reset(&said);
	assert_false(said.is_cut);
	assert_int_equal(said.len, 0);
	/* A head alone may be more. */
	said_head(&said, block, sizeof(block));
	said_head(&said, block, sizeof(block));
	said_inflated(&said, "a", 1);
	assert_true(said.is_cut);
	assert_int_equal(said.head_len, SAID_MAX);
}

static void
prefers_what_it_inflates_to(void **state)
{
	struct said said;

	(void)state;
	said_reset(&said);
	say(&said, "HTTP/1.1 200 OK\r\n");
	said_body(&said, "\x1f\x8b", 2);
	assert_int_equal(said.len, 19); /* nothing better yet */
	said_inflated(&said, "node", 4);
	said_body(&said, "\x01\x02", 2);
	said_inflated(&said, "_up", 3);
	assert_true(said.is_inflated);
	assert_int_equal(said.len, 17 + 7);
	assert_memory_equal(said.bytes + 17, "node_up", 7);
}

static void
only_of_bad_answers(void **state)
{
	static const struct {
		enum reason reason;
		bool is_kept;
	} rows[] = {
		{ REASON_OK, false },
		{ REASON_BODY_EMPTY, false }, /* delivered, with a warning */
		{ REASON_CLIENT_GONE, false },
		{ REASON_HTTP_NOT_FOUND, true },
		{ REASON_HTTP_BAD_FRAMING, true },
		{ REASON_BODY_TRUNCATED, true },
		{ REASON_TIMEOUT_BODY, true },
	};
	struct report report = { .said = NULL };
	struct bad_answer *answer;
	struct said said;
	size_t i;

	(void)state;
	said_reset(&said);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct finding finding = { .reason = rows[i].reason,
			.is_delivered =
			    reason_row(rows[i].reason)->status == 200 };

		said_reset(&said);
		report.said = NULL;
		assert_null(bad_answer_new(&finding, &report, 7));
		report.said = &said;
		assert_null(bad_answer_new(&finding, &report, 7));
		say(&said, "HTTP/1.1 200 OK\r\n");
		said_body(&said, "x", 1);
		answer = bad_answer_new(&finding, &report, 7);
		assert_int_equal(answer != NULL, rows[i].is_kept);
		if (answer == NULL)
			continue;
		assert_int_equal(answer->reason, rows[i].reason);
		assert_int_equal(answer->wall_us, 7);
		assert_int_equal(answer->head_len, 17);
		assert_int_equal(answer->len, 18);
		assert_memory_equal(answer->bytes, said.bytes, 18);
		free(answer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_secrets),
		cmocka_unit_test(masks_within_bounds),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(prefers_what_it_inflates_to),
		cmocka_unit_test(only_of_bad_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
