#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "conf/conf.h"
#include "proxy/gate/tally.h"

static void
test_in_all(void **state)
{
	struct conf_connections limits = { .max = 2 };
	struct tally *tally = tally_new(&limits);

	(void)state;
	assert_false(tally_is_full(tally));
	tally_add(tally);
	tally_add(tally);
	assert_true(tally_is_full(tally));
	assert_false(tally_is_over(tally));
	limits.max = 1;
	tally_set_limits(tally, &limits);
	assert_true(tally_is_over(tally));
	tally_remove(tally);
	assert_false(tally_is_over(tally));
	tally_remove(tally);
	assert_false(tally_is_full(tally));
	tally_free(tally);
	tally_free(NULL);
}

/* Whether two peers are one to the limit. */
static void
test_addresses(void **state)
{
	static const struct {
		const char *first, *second;
		bool is_one;
	} rows[] = {
		{ "10.0.0.7", "10.0.0.7", true },
		{ "10.0.0.7", "10.0.0.8", false },
		{ "10.0.0.7", "::ffff:10.0.0.7", true },
		{ "2001:db8::1", "2001:db8::2", true },
		{ "2001:db8::1", "2001:db8:0:0:ffff::2", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "fe80::1%eth0", "fe80::2%eth1", true },
		{ "::1", "127.0.0.1", false },
		{ "unix", "unix", false }, /* has no address */
		{ "", "", false },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
		    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
		    false },
	};
	const struct conf_connections limits = { .max = 9,
		.max_per_address = 1 };
	struct tally_place one = { 0 }, two = { 0 };
	struct tally *tally = tally_new(&limits);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(tally_enter(tally, &one, rows[i].first, NULL),
		    TALLY_NO_LIMIT);
		assert_int_equal(tally_enter(tally, &two, rows[i].second, NULL),
		    rows[i].is_one ? TALLY_ADDRESS : TALLY_NO_LIMIT);
		tally_leave(tally, &two);
		tally_leave(tally, &two);
		tally_leave(tally, &one);
		assert_null(one.slots[TALLY_ADDRESS]);
	}
	tally_free(tally);
}

/* One that is refused by one limit does not count for the other. */
static void
test_both(void **state)
{
	struct conf_connections limits = {
		.max = 9, .max_per_address = 2, .max_per_listener = 1
	};
	struct tally_place places[4] = { 0 };
	struct tally *tally = tally_new(&limits);

	(void)state;
#define ENTER(i, listener) tally_enter(tally, &places[i], "10.0.0.7", listener)
	assert_int_equal(ENTER(0, ":1"), TALLY_NO_LIMIT);
	assert_int_equal(ENTER(1, ":1"), TALLY_LISTENER);
	assert_int_equal(ENTER(2, ":2"), TALLY_NO_LIMIT);
	assert_int_equal(ENTER(3, NULL), TALLY_ADDRESS);
	/* Lifted: what is there counts for the next limit. */
	limits.max_per_address = limits.max_per_listener = 0;
	tally_set_limits(tally, &limits);
	assert_int_equal(ENTER(3, ":1"), TALLY_NO_LIMIT);
	limits.max_per_address = 3;
	tally_set_limits(tally, &limits);
	assert_int_equal(ENTER(1, ":1"), TALLY_ADDRESS);
	tally_leave(tally, &places[3]);
	assert_int_equal(ENTER(1, ":1"), TALLY_NO_LIMIT);
#undef ENTER
	tally_leave(tally, &places[0]);
	tally_leave(tally, &places[1]);
	tally_leave(tally, &places[2]);
	tally_free(tally);
}

#define TURNS 2000

static void *
come_and_go(void *arg)
{
	struct tally *tally = arg;
	struct tally_place place = { 0 };
	int i;

	for (i = 0; i < TURNS; i++) {
		tally_add(tally);
		tally_enter(tally, &place, "10.0.0.7", ":1");
		tally_leave(tally, &place);
		tally_remove(tally);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	const struct conf_connections limits = { .max = 1,
		.max_per_address = 1 };
	struct tally_place place = { 0 };
	struct tally *tally = tally_new(&limits);
	pthread_t threads[3];
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, come_and_go, tally);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_false(tally_is_full(tally));
	assert_int_equal(
	    tally_enter(tally, &place, "10.0.0.7", ":1"), TALLY_NO_LIMIT);
	tally_leave(tally, &place);
	tally_free(tally);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_all),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
