#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/guesses.h"
#include "conf/conf.h"

#define SECOND UINT64_C(1000000)

/* Monotonic clocks start anywhere. */
#define START (UINT64_C(5) * SECOND)

static const struct conf_auth usual = { .failed_logins_per_address = 10,
	.failed_logins_per_user = 20 };

static void
fail_times(struct guesses *guesses, const char *peer, const char *user,
    uint64_t now_us, int times)
{
	while (times-- > 0)
		guesses_failed(guesses, &usual, peer, user, now_us);
}

/* The seconds to wait, 0 if admitted. */
static unsigned
ask(struct guesses *guesses, const char *peer, const char *user,
    uint64_t now_us)
{
	unsigned wait = 0;
	bool is_in = guesses_admit(guesses, &usual, peer, user, now_us, &wait);

	assert_int_equal(is_in, wait == 0);
	return wait;
}

static void
test_address(void **state)
{
	struct guesses *guesses = guesses_new(1);
	int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_int_equal(ask(guesses, "10.0.0.1", NULL, START), 0);
		fail_times(guesses, "10.0.0.1", NULL, START, 1);
	}
	assert_int_equal(ask(guesses, "10.0.0.1", NULL, START), 6);
	assert_int_equal(ask(guesses, "10.0.0.1", "alice", START), 6);
	assert_int_equal(ask(guesses, "10.0.0.1", NULL, START + 5 * SECOND), 1);
	assert_int_equal(
	    ask(guesses, "10.0.0.1", NULL, START + 6 * SECOND - 1), 1);
	/* Others are not touched. */
	assert_int_equal(ask(guesses, "10.0.0.2", NULL, START), 0);
	/* One comes back each six seconds, and all in a minute. */
	assert_int_equal(ask(guesses, "10.0.0.1", NULL, START + 6 * SECOND), 0);
	fail_times(guesses, "10.0.0.1", NULL, START + 6 * SECOND, 1);
	assert_int_equal(ask(guesses, "10.0.0.1", NULL, START + 6 * SECOND), 6);
	for (i = 0; i < 10; i++) {
		assert_int_equal(
		    ask(guesses, "10.0.0.1", NULL, START + 66 * SECOND), 0);
		fail_times(guesses, "10.0.0.1", NULL, START + 66 * SECOND, 1);
	}
	assert_int_equal(
	    ask(guesses, "10.0.0.1", NULL, START + 66 * SECOND), 6);
	guesses_free(guesses);
	guesses_free(NULL);
}

/* Those that were under way when the bucket was empty cost nothing more: the
 * wait never grows beyond one token. */
static void
test_no_lock_out(void **state)
{
	struct guesses *guesses = guesses_new(1);

	(void)state;
	fail_times(guesses, "10.0.0.1", "alice", START, 100000);
	assert_int_equal(ask(guesses, "10.0.0.1", NULL, START), 6);
	assert_int_equal(ask(guesses, "10.0.0.1", NULL, START + 6 * SECOND), 0);
	guesses_free(guesses);
}

static void
test_user(void **state)
{
	struct guesses *guesses = guesses_new(1);

	(void)state;
	/* From many addresses, each below its own limit. */
	fail_times(guesses, "10.0.0.1", "alice", START, 7);
	fail_times(guesses, "10.0.0.2", "alice", START, 7);
	fail_times(guesses, "10.0.0.3", "alice", START, 6);
	assert_int_equal(ask(guesses, "10.0.0.1", "alice", START), 3);
	assert_int_equal(ask(guesses, "10.0.0.2", "alice", START), 3);
	/* Another user, or one not known yet. */
	assert_int_equal(ask(guesses, "10.0.0.1", "bob", START), 0);
	assert_int_equal(ask(guesses, "10.0.0.1", "Alice", START), 0);
	assert_int_equal(ask(guesses, "10.0.0.1", NULL, START), 0);
	/* Who has not failed is not locked out by those who do, */
	assert_int_equal(ask(guesses, "10.0.0.9", "alice", START), 0);
	/* but with its first failure is one of them. */
	fail_times(guesses, "10.0.0.9", "alice", START, 1);
	assert_int_equal(ask(guesses, "10.0.0.9", "alice", START), 3);
	assert_int_equal(
	    ask(guesses, "10.0.0.1", "alice", START + 3 * SECOND), 0);
	guesses_free(guesses);
}

/* An address that failed counts as such until a minute after its bucket is full
 * again, so slow guesses from a few addresses stay within the user's bucket. */
static void
test_of_late(void **state)
{
	struct guesses *guesses = guesses_new(1);
	uint64_t now = START + 65 * SECOND;

	(void)state;
	fail_times(guesses, "10.0.0.1", "x", START, 1); /* 6 s to full */
	fail_times(guesses, "10.0.0.2", "alice", now, 10);
	fail_times(guesses, "10.0.0.3", "alice", now, 10);
	/* It ends before the user's next token comes. */
	assert_int_equal(ask(guesses, "10.0.0.1", "alice", now), 1);
	assert_int_equal(
	    ask(guesses, "10.0.0.1", "alice", now + SECOND - 1), 1);
	assert_int_equal(ask(guesses, "10.0.0.1", "alice", now + SECOND), 0);
	assert_int_equal(ask(guesses, "10.0.0.2", "alice", now + SECOND), 5);
	guesses_free(guesses);
}

/* A user and an address of the same text are two things. */
static void
test_kinds(void **state)
{
	struct guesses *guesses = guesses_new(1);

	(void)state;
	fail_times(guesses, "unix", NULL, START, 10);
	assert_int_equal(ask(guesses, "unix", NULL, START), 6);
	assert_int_equal(ask(guesses, "10.0.0.1", "unix", START), 0);
	fail_times(guesses, "10.0.0.1", "unix", START, 1);
	assert_int_equal(ask(guesses, "10.0.0.1", "unix", START), 0);
	guesses_free(guesses);
}

static void
test_networks(void **state)
{
	static const struct {
		const char *failed;
		const char *asks;
		bool is_same;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "::ffff:10.0.0.1", true },
		{ "10.0.0.1", "10.0.0.2", false },
		{ "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true },
		{ "2001:db8:0:1::1", "2001:DB8::1:0:0:0:9", true },
		{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
		{ "::1", "::2", true },
		{ "::1", "127.0.0.1", false },
		{ "fe80::1%eth0", "fe80::2%eth1", true },
		{ "fe80::1%eth0", "fe80::1", true },
		{ "unix", "unix", true },
		{ "unix", "10.0.0.1", false },
		{ "", "", true },
		{ "", "unix", false },
		{ "0123456789012345678901234567890123456789012345678901234567",
		    "012345678901234567890123456789012345678901234567890123456",
		    false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct guesses *guesses = guesses_new(i);

		fail_times(guesses, rows[i].failed, NULL, START, 10);
		if ((ask(guesses, rows[i].asks, NULL, START) != 0) !=
		    rows[i].is_same)
			fail_msg("%s and %s", rows[i].failed, rows[i].asks);
		guesses_free(guesses);
	}
}

static void
test_limits(void **state)
{
	static const struct {
		unsigned per_address, per_user;
		int fits; /* failures before the address is refused; -1: all */
		unsigned wait;
	} rows[] = {
		{ 0, 0, -1, 0 },
		{ 1, 20, 1, 60 },
		{ 2, 20, 2, 30 },
		{ 7, 20, 7, 9 },
		{ 10, 0, 10, 6 },
		{ 600, 0, 600, 1 },
		{ 60000000, 0, -1, 0 },
		{ UINT32_MAX, UINT32_MAX, -1, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_auth conf = { .failed_logins_per_address =
					      rows[i].per_address,
			.failed_logins_per_user = rows[i].per_user };
		struct guesses *guesses = guesses_new(i);
		unsigned wait = 0;
		int fits = 0;

		while (fits < 1000 && guesses_admit(guesses, &conf, "::1", NULL,
					  START, &wait)) {
			guesses_failed(guesses, &conf, "::1", NULL, START);
			fits++;
		}
		assert_int_equal(
		    fits, rows[i].fits == -1 ? 1000 : rows[i].fits);
		assert_int_equal(wait, rows[i].wait);
		guesses_free(guesses);
	}
}

/* Without a limit per address the user's still knows who has failed. */
static void
test_user_only(void **state)
{
	static const struct conf_auth conf = { .failed_logins_per_user = 2 };
	struct guesses *guesses = guesses_new(1);
	unsigned wait = 0;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_true(guesses_admit(
		    guesses, &conf, "::1", "alice", START, &wait));
		guesses_failed(guesses, &conf, "::1", "alice", START);
	}
	assert_false(
	    guesses_admit(guesses, &conf, "::1", "alice", START, &wait));
	assert_int_equal(wait, 30);
	assert_true(
	    guesses_admit(guesses, &conf, "10.0.0.1", "alice", START, &wait));
	assert_true(guesses_admit(guesses, &conf, "::1", NULL, START, &wait));
	guesses_free(guesses);
}

/* A reload changes the limits under a bucket. */
static void
test_reload(void **state)
{
	static const struct conf_auth one = { .failed_logins_per_address = 1 };
	static const struct conf_auth many = { .failed_logins_per_address =
						   600 };
	static const struct conf_auth off = { 0 };
	struct guesses *guesses = guesses_new(1);
	unsigned wait;

	(void)state;
	guesses_failed(guesses, &one, "::1", NULL, START);
	assert_false(guesses_admit(guesses, &one, "::1", NULL, START, &wait));
	assert_int_equal(wait, 60);
	assert_false(guesses_admit(guesses, &many, "::1", NULL, START, &wait));
	assert_int_equal(wait, 1);
	assert_true(guesses_admit(guesses, &off, "::1", NULL, START, &wait));
	assert_false(guesses_admit(guesses, &one, "::1", NULL, START, &wait));
	guesses_free(guesses);
}

static void
test_end_of_time(void **state)
{
	static const uint64_t times[] = { UINT64_MAX, UINT64_MAX - 1,
		UINT64_MAX - SECOND, UINT64_MAX - 59 * SECOND, 0, 1 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct guesses *guesses = guesses_new(i);
		unsigned wait = 0;

		fail_times(guesses, "::1", "alice", times[i], 50);
		guesses_admit(guesses, &usual, "::1", "alice", times[i], &wait);
		assert_in_range(wait, 0, 6);
		/* Never a bucket of the far future. */
		if (times[i] < 2) {
			assert_int_equal(wait, 6);
			assert_int_equal(ask(guesses, "::1", "alice",
					     times[i] + 66 * SECOND),
			    0);
		}
		guesses_free(guesses);
	}
}

/* 10 000 addresses guess at one user and many: the memory stays, who guesses
 * all the time is not forgotten for them, and nobody else is refused. */
static void
test_many(void **state)
{
	struct guesses *guesses = guesses_new(0x1234567890abcdef);
	size_t empty = guesses_size(guesses);
	char peer[32], user[32];
	int i, forgotten = 0;

	(void)state;
	assert_in_range(empty, 1, 64);
	assert_int_equal(ask(guesses, "10.9.9.9", "alice", START), 0);
	assert_int_equal(guesses_size(guesses), empty); /* nothing failed */
	fail_times(guesses, "10.9.9.9", "root", START, 10);
	for (i = 0; i < 10000; i++) {
		snprintf(peer, sizeof(peer), "10.1.%d.%d", i / 256, i % 256);
		snprintf(user, sizeof(user), "user%d", i);
		assert_int_equal(ask(guesses, peer, user, START), 0);
		guesses_failed(guesses, &usual, peer, user, START);
		if (ask(guesses, "10.9.9.9", NULL, START) == 0)
			forgotten++;
	}
	assert_int_equal(forgotten, 0);
	assert_in_range(guesses_size(guesses), 65536, 65536 + 64);
	/* Those that have a debt of seconds make room for each other. */
	assert_int_equal(ask(guesses, "10.9.9.9", "root", START), 6);
	assert_int_equal(ask(guesses, "10.9.9.9", NULL, START + 6 * SECOND), 0);
	guesses_free(guesses);
}

/* Which entries meet in a set is nobody's to choose. */
static void
test_seed(void **state)
{
	int seed, forgotten[2] = { 0, 0 };
	char user[32];
	int i;

	(void)state;
	for (seed = 0; seed < 2; seed++) {
		struct guesses *guesses = guesses_new((uint64_t)seed * 77 + 1);

		for (i = 0; i < 6000; i++) {
			snprintf(user, sizeof(user), "user%d", i);
			fail_times(guesses, "10.9.9.9", user, START, 20);
		}
		for (i = 0; i < 6000; i++) {
			unsigned wait;
			static const struct conf_auth conf = {
				.failed_logins_per_user = 20
			};

			snprintf(user, sizeof(user), "user%d", i);
			if (guesses_admit(
				guesses, &conf, "10.9.9.9", user, START, &wait))
				forgotten[seed] += i;
		}
		guesses_free(guesses);
	}
	assert_int_not_equal(forgotten[0], forgotten[1]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_no_lock_out),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_of_late),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_user_only),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_end_of_time),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
