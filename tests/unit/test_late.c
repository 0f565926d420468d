/*
 * Which attempts may go on after their time, and what is said of them.  How
 * they do is in test_cache.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/multiple.h"
#include "proxy/base/clock.h"
#include "proxy/cache/late.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/lateness.h"

static struct conf_target node = { .name = (char *)"node",
	.late_finish = 2 * CONF_MULTIPLE_ONE };

static uint64_t
begin(struct late_book *book, enum reason reason)
{
	return late_begin(book, &node, reason, clock_now_us(), 10000);
}

static void
end(struct late_book *book, enum late_end how)
{
	const struct lateness lateness = { .end = how, .needed_us = 12300000 };

	late_end(book, &node, &lateness);
}

/* More time teaches nothing where nobody answers, and where the exporter has
 * said something already. */
static void
test_only_who_is_slow(void **state)
{
	struct late_book *book;
	uint64_t until_us;
	int reason;

	(void)state;
	for (reason = 0; reason < REASON_COUNT; reason++) {
		book = late_book_new();
		until_us = begin(book, (enum reason)reason);
		if (reason == REASON_TIMEOUT_TLS ||
		    reason == REASON_TIMEOUT_HEADERS ||
		    reason == REASON_TIMEOUT_BODY)
			assert_in_range(until_us, clock_now_us() + 19000000,
			    clock_now_us() + 20000000);
		else
			assert_int_equal(until_us, 0);
		late_book_free(book);
	}
	late_book_free(NULL);
}

static void
test_one_for_each_target(void **state)
{
	struct conf_target other = node;
	struct late_book *book = late_book_new();

	(void)state;
	other.name = (char *)"other";
	assert_true(begin(book, REASON_TIMEOUT_BODY) > 0);
	assert_int_equal(begin(book, REASON_TIMEOUT_BODY), 0);
	assert_true(late_begin(book, &other, REASON_TIMEOUT_BODY,
			clock_now_us(), 10000) > 0);
	/* A good answer to another question: still no two at a time. */
	late_good(book, &node);
	assert_int_equal(begin(book, REASON_TIMEOUT_BODY), 0);
	end(book, LATE_WHOLE);
	assert_null(late_last(book, &node)); /* of an incident that is over */
	assert_true(begin(book, REASON_TIMEOUT_BODY) > 0);
	end(book, LATE_CUT);
	assert_int_equal(late_last(book, &node)->end, LATE_CUT);
	late_good(book, &node);
	assert_null(late_last(book, &node));
	late_good(book, &node);
	late_book_free(book);
}

static void
test_not_where_time_is_up(void **state)
{
	struct late_book *book = late_book_new();

	(void)state;
	assert_int_equal(late_begin(book, &node, REASON_TIMEOUT_HEADERS,
			     clock_now_us() - 20000000, 10000),
	    0);
	/* That was none: the next one may. */
	assert_true(begin(book, REASON_TIMEOUT_HEADERS) > 0);
	late_book_free(book);
}

static void
test_a_reload_keeps_who_is_named(void **state)
{
	struct conf with = { .targets = &node, .target_count = 1 };
	const struct conf without = { .target_count = 0 };
	struct late_book *book = late_book_new();

	(void)state;
	begin(book, REASON_TIMEOUT_HEADERS);
	late_book_switch(book, &without); /* it is under way */
	end(book, LATE_WHOLE);
	late_book_switch(book, &with);
	assert_non_null(late_last(book, &node));
	assert_int_equal(begin(book, REASON_TIMEOUT_HEADERS), 0);
	late_book_switch(book, &without);
	assert_null(late_last(book, &node));
	assert_true(begin(book, REASON_TIMEOUT_HEADERS) > 0);
	late_book_free(book);
}

static void
test_words_that_fit(void **state)
{
	const struct lateness lateness = {
		.end = LATE_WHOLE, .needed_us = 12300000, .timeout_ms = 10000
	};
	static const char added[] = " [needs 12.3s, scrape_timeout is 10s]";
	struct finding finding = { .reason = REASON_TIMEOUT_HEADERS };
	const char *id = reason_row(finding.reason)->id;
	size_t most = sizeof(finding.words) - strlen(id) - strlen(": ");
	size_t len;

	(void)state;
	for (len = most - strlen(added) - 2; len <= most; len++) {
		memset(finding.words, 'w', len);
		finding.words[len] = '\0';
		finding_amend(&finding, &lateness);
		if (len + strlen(added) <= most)
			assert_string_equal(finding.words + len, added);
		else
			assert_int_equal(strlen(finding.words), len);
	}
	/* The same of the evidence: whole pieces only. */
	memset(finding.seen, 's', sizeof(finding.seen) - 1);
	finding.seen[sizeof(finding.seen) - 1] = '\0';
	finding_amend(&finding, &lateness);
	finding_recall(&finding, &lateness);
	assert_int_equal(strlen(finding.seen), sizeof(finding.seen) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_who_is_slow),
		cmocka_unit_test(test_one_for_each_target),
		cmocka_unit_test(test_not_where_time_is_up),
		cmocka_unit_test(test_a_reload_keeps_who_is_named),
		cmocka_unit_test(test_words_that_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
