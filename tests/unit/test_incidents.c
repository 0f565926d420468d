#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "proxy/diagnosis/incidents.h"

static enum incident_change
fail_at(struct incidents *incidents, const char *target, enum reason reason,
    uint64_t wall_us)
{
	const struct incident_failure failure = {
		.target = target,
		.reason = reason,
		.words = reason_row(reason)->id,
		.wall_us = wall_us,
	};

	return incidents_fail(incidents, &failure);
}

static void
is_one_until_it_is_over(void **state)
{
	struct incidents *all = incidents_new();
	const struct incident *one;

	(void)state;
	assert_null(incidents_at(all, 0));
	assert_null(incidents_recover(all, "node", 5, false));
	assert_int_equal(
	    fail_at(all, "node", REASON_CONNECT_REFUSED, 10), INCIDENT_STARTED);
	assert_int_equal(fail_at(all, "node", REASON_CONNECT_REFUSED, 20),
	    INCIDENT_REPEATED);
	assert_int_equal(
	    fail_at(all, "mysql", REASON_DNS_NXDOMAIN, 25), INCIDENT_STARTED);
	assert_int_equal(
	    fail_at(all, "node", REASON_TIMEOUT_HEADERS, 30), INCIDENT_CHANGED);
	assert_int_equal(
	    fail_at(all, "node", REASON_CONNECT_REFUSED, 40), INCIDENT_CHANGED);

	one = incidents_open(all, "node");
	assert_ptr_equal(one, incidents_at(all, 1));
	assert_int_equal(one->first_wall_us, 10);
	assert_int_equal(one->last_wall_us, 40);
	assert_int_equal(one->end_wall_us, 0);
	assert_int_equal(one->count, 4);
	assert_int_equal(one->reason, REASON_CONNECT_REFUSED);
	assert_string_equal(one->words, "connect_refused");
	assert_int_equal(one->reason_count, 2);
	assert_int_equal(one->reasons[0].reason, REASON_CONNECT_REFUSED);
	assert_int_equal(one->reasons[0].count, 3);
	assert_int_equal(one->reasons[1].reason, REASON_TIMEOUT_HEADERS);
	assert_int_equal(one->reasons[1].count, 1);

	assert_ptr_equal(incidents_recover(all, "node", 50, true), one);
	assert_int_equal(one->end_wall_us, 50);
	assert_int_equal(one->restarts, 1);
	assert_string_equal(incident_state_name(one->state), "recovered");
	assert_null(incidents_recover(all, "node", 60, false));
	assert_int_equal(
	    fail_at(all, "node", REASON_CONNECT_REFUSED, 70), INCIDENT_STARTED);
	assert_int_equal(incidents_at(all, 0)->first_wall_us, 70);
	assert_int_equal(
	    incidents_remove(all, "mysql", 80)->state, INCIDENT_TARGET_REMOVED);
	incidents_free(all);
}

static void
counts_restarts(void **state)
{
	struct incident_failure failure = { .target = "node",
		.words = "",
		.reason = REASON_CONNECT_REFUSED,
		.wall_us = 1,
		.has_restarted = true };
	struct incidents *all = incidents_new();

	(void)state;
	incidents_fail(all, &failure);
	failure.has_restarted = false;
	incidents_fail(all, &failure);
	failure.has_restarted = true;
	incidents_fail(all, &failure);
	assert_int_equal(incidents_at(all, 0)->restarts, 2);
	incidents_free(all);
}

/* Known only after the end: it is of the one that it ended. */
static void
counts_a_restart_afterwards(void **state)
{
	struct incidents *all = incidents_new();
	const struct incident *one;

	(void)state;
	fail_at(all, "node", REASON_CONNECT_REFUSED, 10);
	one = incidents_recover(all, "node", 20, false);
	fail_at(all, "mysql", REASON_CONNECT_REFUSED, 11);
	incidents_recover(all, "mysql", 21, false);
	assert_null(incidents_restarted(all, "node", 21));
	assert_null(incidents_restarted(all, "redis", 15));
	assert_ptr_equal(incidents_restarted(all, "node", 15), one);
	assert_int_equal(one->restarts, 1);
	/* Another that goes on meanwhile, or is over too. */
	fail_at(all, "node", REASON_CONNECT_REFUSED, 30);
	assert_ptr_equal(incidents_restarted(all, "node", 15), one);
	assert_null(incidents_restarted(all, "node", 30));
	incidents_recover(all, "node", 40, false);
	assert_ptr_equal(incidents_restarted(all, "node", 15), one);
	assert_int_equal(incidents_at(all, 0)->restarts, 0);
	assert_ptr_equal(
	    incidents_restarted(all, "node", 25), incidents_at(all, 0));
	incidents_free(all);
}

static void
bears_a_clock_that_is_set_back(void **state)
{
	struct incidents *all = incidents_new();
	const struct incident *one;

	(void)state;
	fail_at(all, "node", REASON_CONNECT_REFUSED, 1000);
	fail_at(all, "node", REASON_CONNECT_REFUSED, 10);
	one = incidents_recover(all, "node", 20, false);
	assert_int_equal(one->last_wall_us, 1000);
	assert_int_equal(one->end_wall_us, 1000);
	fail_at(all, "mysql", REASON_CONNECT_REFUSED, 0);
	assert_int_equal(incidents_open(all, "mysql")->first_wall_us, 1);
	incidents_free(all);
}

static void
is_bounded(void **state)
{
	struct incidents *all = incidents_new();
	const struct incident *one;
	char name[24];
	size_t i;

	(void)state;
	for (i = 0; i < INCIDENT_REASONS + 3; i++)
		fail_at(all, "node", (enum reason)(REASON_OK + 1 + i), i + 1);
	one = incidents_open(all, "node");
	assert_int_equal(one->reason_count, INCIDENT_REASONS);
	assert_int_equal(one->other_count, 3);
	assert_int_equal(one->count, INCIDENT_REASONS + 3);
	/* One that goes on outlives younger ones that are over. */
	for (i = 0; i < 2 * INCIDENTS_MAX; i++) {
		fail_at(all, "mysql", REASON_CONNECT_REFUSED, 100 + i);
		incidents_recover(all, "mysql", 101 + i, false);
	}
	assert_non_null(incidents_at(all, INCIDENTS_MAX - 1));
	assert_null(incidents_at(all, INCIDENTS_MAX));
	assert_ptr_equal(incidents_open(all, "node"), one);
	/* But not without end. */
	for (i = 0; i < INCIDENTS_MAX; i++) {
		snprintf(name, sizeof(name), "t%zu", i);
		fail_at(all, name, REASON_CONNECT_REFUSED, 9000 + i);
	}
	assert_null(incidents_open(all, "node"));
	assert_non_null(incidents_open(all, "t0"));
	incidents_free(all);
}

static void
takes_what_an_earlier_run_told(void **state)
{
	static char target[] = "node", words[] = "words";
	struct incident told = {
		.target = target,
		.words = words,
		.first_wall_us = 10,
		.last_wall_us = 20,
		.count = 3,
		.reason = REASON_CONNECT_REFUSED,
		.reasons = { { REASON_CONNECT_REFUSED, 3 } },
		.reason_count = 1,
	};
	struct incidents *all = incidents_new();
	const struct incident *one;

	(void)state;
	fail_at(all, "mysql", REASON_CONNECT_REFUSED, 500);
	incidents_restore(all, &told);
	told.last_wall_us = 30;
	told.count = 4;
	incidents_restore(all, &told);
	assert_null(incidents_at(all, 2));
	one = incidents_at(all, 1);
	assert_int_equal(one->count, 4);
	assert_int_equal(one->gate_restarts, 1);
	/* It goes on. */
	assert_int_equal(fail_at(all, "node", REASON_CONNECT_REFUSED, 600),
	    INCIDENT_REPEATED);
	assert_int_equal(one->count, 5);
	assert_int_equal(one->reasons[0].count, 5 - 1);
	assert_int_equal(incidents_recover(all, "node", 700, false)->count, 5);
	/* One that was over stays so. */
	told.first_wall_us = 1;
	told.state = INCIDENT_RECOVERED;
	told.end_wall_us = 9;
	incidents_restore(all, &told);
	assert_int_equal(incidents_at(all, 2)->end_wall_us, 9);
	assert_int_equal(incidents_at(all, 2)->gate_restarts, 0);
	incidents_free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_one_until_it_is_over),
		cmocka_unit_test(counts_restarts),
		cmocka_unit_test(counts_a_restart_afterwards),
		cmocka_unit_test(bears_a_clock_that_is_set_back),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(takes_what_an_earlier_run_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
