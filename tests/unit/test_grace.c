/* Who may still be starting, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "proxy/cache/grace.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/startup.h"
#include "proxy/fetch/report.h"

#define SECOND UINT64_C(1000000)

static struct conf_target targets[] = {
	{ .name = (char *)"node", .startup_grace = 30000 },
	{ .name = (char *)"late", .startup_grace = 30000 },
	{ .name = (char *)"none", .startup_grace = 0 },
};

static const struct conf first = { .targets = targets, .target_count = 1 };
static const struct conf all = { .targets = targets, .target_count = 3 };
static const struct conf nobody = { .targets = targets, .target_count = 0 };

/* What is said of an attempt that ended so. */
static struct finding
judge(struct grace_book *book, size_t target, enum reason reason, int status,
    uint64_t now_us)
{
	struct finding finding = { .reason = reason };
	struct report report = { .end = ATTEMPT_FAILED };

	report.judge.is_head_complete = status != 0;
	report.judge.status = status;
	strcpy(finding.seen, "a piece (measured)");
	grace_judge(book, &targets[target], &report, now_us, &finding);
	return finding;
}

static bool
is_starting(struct grace_book *book, size_t target, uint64_t now_us)
{
	struct finding finding =
	    judge(book, target, REASON_CONNECT_REFUSED, 0, now_us);

	assert_int_equal(
	    finding_status(&finding), finding.is_starting_up ? 503 : 502);
	return finding.is_starting_up;
}

static void
lasts_as_long_as_it_says(void **state)
{
	struct grace_book *book = grace_book_new();

	(void)state;
	grace_book_switch(book, NULL, &all, 100 * SECOND);
	assert_true(is_starting(book, 0, 100 * SECOND));
	assert_true(is_starting(book, 0, 130 * SECOND - 1));
	assert_false(is_starting(book, 0, 130 * SECOND));
	assert_false(is_starting(book, 2, 100 * SECOND)); /* 0s */
	grace_book_free(book);
	grace_book_free(NULL);
}

static void
ends_with_an_answer(void **state)
{
	static const struct {
		enum reason reason;
		int status;
		bool is_answer;
	} cases[] = {
		{ REASON_OK, 200, true },
		{ REASON_OK, 0, true }, /* a file */
		{ REASON_AUTH_UNAUTHORIZED, 401, true },
		{ REASON_HTTP_NOT_FOUND, 404, true },
		{ REASON_TIMEOUT_BODY, 200, true },
		{ REASON_HTTP_SERVER_ERROR, 503, false },
		{ REASON_HTTP_CLOSED_IN_HEADERS, 0, false },
		{ REASON_TIMEOUT_HEADERS, 0, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct grace_book *book = grace_book_new();

		grace_book_switch(book, NULL, &first, SECOND);
		judge(book, 0, cases[i].reason, cases[i].status, 2 * SECOND);
		assert_int_equal(
		    is_starting(book, 0, 3 * SECOND), !cases[i].is_answer);
		grace_book_free(book);
	}
}

/* Only what the exporter is blamed for, or its slowness. */
static void
changes_no_other_status(void **state)
{
	struct grace_book *book = grace_book_new();
	struct finding finding;
	int reason;

	(void)state;
	grace_book_switch(book, NULL, &first, SECOND);
	for (reason = REASON_OK + 1; reason < REASON_COUNT; reason++) {
		int status = reason_row((enum reason)reason)->status;

		finding = judge(book, 0, (enum reason)reason, 0, 2 * SECOND);
		assert_int_equal(
		    finding.is_starting_up, status == 502 || status == 504);
		assert_int_equal(finding_status(&finding),
		    finding.is_starting_up ? 503 : status);
	}
	grace_book_free(book);
}

static void
survives_reloads_by_name(void **state)
{
	struct grace_book *book = grace_book_new();

	(void)state;
	grace_book_switch(book, NULL, &first, SECOND);
	judge(book, 0, REASON_OK, 200, 2 * SECOND);
	grace_book_switch(book, &first, &all, 20 * SECOND);
	/* That one has answered; this one is new. */
	assert_false(is_starting(book, 0, 21 * SECOND));
	assert_true(is_starting(book, 1, 49 * SECOND));
	grace_book_switch(book, &all, &all, 49 * SECOND);
	assert_false(is_starting(book, 1, 50 * SECOND));
	/* Gone and back again: a first appearance. */
	grace_book_switch(book, &all, &nobody, 60 * SECOND);
	grace_book_switch(book, &nobody, &first, 70 * SECOND);
	assert_true(is_starting(book, 0, 71 * SECOND));
	grace_book_free(book);
}

static void
says_so_first(void **state)
{
	static const char begin[] =
	    "starting up: no answer yet in the 3.2 s since the gate serves "
	    "it, startup_grace is 30 s (measured)";
	struct finding finding = { .reason = REASON_CONNECT_REFUSED };
	char expected[sizeof(finding.seen)];
	size_t i;

	(void)state;
	finding_starting_up(&finding, 3200000, 30000);
	assert_string_equal(finding.seen, begin);
	strcpy(finding.seen, "one (measured); two (inferred)");
	finding_starting_up(&finding, 3200000, 30000);
	snprintf(expected, sizeof(expected),
	    "%s; one (measured); two (inferred)", begin);
	assert_string_equal(finding.seen, expected);
	/* What does not fit goes from the end, by whole pieces. */
	strcpy(finding.seen, "one (measured); begins \"a; ");
	for (i = strlen(finding.seen); i < sizeof(finding.seen) - 1; i++)
		finding.seen[i] = 'x';
	finding.seen[i] = '\0';
	finding_starting_up(&finding, 3200000, 30000);
	snprintf(expected, sizeof(expected), "%s; one (measured)", begin);
	assert_string_equal(finding.seen, expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lasts_as_long_as_it_says),
		cmocka_unit_test(ends_with_an_answer),
		cmocka_unit_test(changes_no_other_status),
		cmocka_unit_test(survives_reloads_by_name),
		cmocka_unit_test(says_so_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
