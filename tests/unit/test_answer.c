#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/cache/answer.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/judge.h"

static struct answer *
new_snapshot(const char *content_type, const char *body)
{
	struct judge_result head = { .status = 200 };
	struct payload payload = { .text = wire_new(0) };

	snprintf(
	    head.content_type, sizeof(head.content_type), "%s", content_type);
	wire_append(payload.text, body, strlen(body));
	return answer_new(&head, &payload, 1);
}

static void
test_wire_of_a_snapshot(void **state)
{
	struct answer *answer =
	    new_snapshot("text/plain; version=0.0.4", "a 1\n");
	const struct wire *wire = answer_identity(answer);
	static const char expected[] =
	    "HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/plain; version=0.0.4\r\n"
	    "Vary: Accept, Accept-Encoding\r\n"
	    "Content-Length: 4\r\n\r\n"
	    "a 1\n";

	(void)state;
	assert_int_equal(wire_len(wire), sizeof(expected) - 1);
	assert_memory_equal(wire_bytes(wire), expected, sizeof(expected) - 1);
	answer_unref(answer);
}

static void
test_no_content_type_is_invented(void **state)
{
	struct answer *answer = new_snapshot("", "a 1\n");
	const struct wire *wire = answer_identity(answer);

	(void)state;
	assert_null(
	    memmem(wire_bytes(wire), wire_len(wire), "Content-Type", 12));
	answer_unref(answer);
}

static struct answer *
new_failure(enum reason reason)
{
	struct finding finding = { .reason = reason,
		.words = "the words",
		.cause = "the cause",
		.seen = "one (measured)\ntwo (measured)",
		.fix = "do this" };

	return answer_new_failure(&finding, "exporter said no");
}

static void
test_wire_of_a_failure(void **state)
{
	struct answer *answer = new_failure(REASON_CONNECT_REFUSED);
	const struct wire *wire = answer_identity(answer);
	static const char head[] =
	    "HTTP/1.1 502 connect_refused: the words\r\n";
	static const char body[] = "connect_refused: the words\n"
				   "Cause: the cause\n"
				   "Seen:  one (measured)\n"
				   "       two (measured)\n"
				   "Do:    do this\n"
				   "Said:  exporter said no\n"
				   "More:  /reasons#connect_refused on the "
				   "admin listener\n";

	(void)state;
	assert_memory_equal(wire_bytes(wire), head, sizeof(head) - 1);
	assert_int_equal(wire_body_len(wire), sizeof(body) - 1);
	assert_memory_equal(wire_body(wire), body, sizeof(body) - 1);
	assert_non_null(memmem(wire_bytes(wire), wire_head_len(wire),
	    "X-Scrapegate-Reason: connect_refused\r\n", 38));
	assert_false(answer_wants_gzip(answer));
	answer_unref(answer);
}

/* 401 and 403 tell an attacker the id and the words, no more. */
static void
test_refused_logins_are_not_explained(void **state)
{
	static const enum reason reasons[] = { REASON_CREDENTIALS_INVALID,
		REASON_CREDENTIALS_MISSING, REASON_ACCESS_DENIED };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct answer *answer = new_failure(reasons[i]);
		const struct wire *wire = answer_identity(answer);

		assert_null(
		    memmem(wire_body(wire), wire_body_len(wire), "Cause", 5));
		answer_unref(answer);
	}
}

static void
test_claims(void **state)
{
	struct answer *answer = new_snapshot("", "a 1\n");
	uint64_t scraper;

	(void)state;
	assert_true(answer_claim(answer, 7));
	assert_false(answer_claim(answer, 7));
	for (scraper = 100; scraper < 131; scraper++)
		assert_true(answer_claim(answer, scraper));
	/* No room to remember: rather a fetch too many than an answer twice. */
	assert_false(answer_claim(answer, 999));
	answer_unref(answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire_of_a_snapshot),
		cmocka_unit_test(test_no_content_type_is_invented),
		cmocka_unit_test(test_wire_of_a_failure),
		cmocka_unit_test(test_refused_logins_are_not_explained),
		cmocka_unit_test(test_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
