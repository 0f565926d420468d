/*
 * The rate limit is Go's token bucket; the expected verdicts were worked out
 * by hand from rate.NewLimiter(rate.Every(interval), burst).
 */
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/limiter.h"
#include "conf/conf.h"

#define MS 1000U
#define SECOND 1000000U

/* Monotonic clocks start anywhere. */
#define START (UINT64_C(5) * SECOND)

static const struct {
	const char *what;
	int64_t interval_ms;
	unsigned burst;
	/* Requests at these times (ms after the start), ended by -1: '+' let
	 * through, '-' refused. */
	int at_ms[10];
	const char *verdicts;
} buckets[] = {
	{ "off", 0, 0, { 0, 0, 0, -1 }, "+++" },
	{ "off, whatever the burst", 0, 1, { 0, 0, 0, -1 }, "+++" },
	{ "no burst: nothing, ever", 1000, 0, { 0, 5, 1000, 60000, -1 },
	    "----" },
	{ "one", 1000, 1, { 0, 0, 999, 1000, 1000, 2000, -1 }, "+--+-+" },
	{ "refused ones cost nothing", 1000, 1, { 0, 500, 900, 990, 1000, -1 },
	    "+---+" },
	{ "starts full", 1000, 3, { 0, 0, 0, 0, 1000, 1000, -1 }, "+++-+-" },
	{ "fills by and by", 100, 2,
	    { 0, 0, 50, 100, 150, 200, 1000, 1000, 1000, -1 }, "++-+-+++-" },
	{ "never more than the burst", 100, 2,
	    { 0, 100000, 100000, 100000, -1 }, "+++-" },
	{ "huge", INT64_MAX, UINT_MAX, { 0, 0, -1 }, "++" },
	{ "rare", INT64_MAX, 1, { 0, 0, -1 }, "+-" },
};

static void
test_buckets(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++) {
		struct conf_rate_limit limit = { .interval =
						     buckets[i].interval_ms,
			.burst = buckets[i].burst };
		struct limiter limiter = { 0 };
		unsigned wait;

		for (j = 0; buckets[i].at_ms[j] != -1; j++) {
			bool is_in = limiter_take(&limiter, &limit,
			    START + (uint64_t)buckets[i].at_ms[j] * MS, &wait);

			if (is_in != (buckets[i].verdicts[j] == '+'))
				fail_msg("%s: request %zu", buckets[i].what, j);
		}
	}
}

static void
test_retry_after(void **state)
{
	static const struct {
		int64_t interval_ms;
		unsigned burst, at_ms, wait;
	} rows[] = {
		{ 1000, 1, 0, 1 },
		{ 1000, 1, 999, 1 },
		{ 60000, 1, 0, 60 },
		{ 60000, 1, 59001, 1 },
		{ 2500, 1, 0, 3 },
		{ 1, 1, 0, 1 },
		{ 1000, 0, 0, 1 },
		{ 30000, 0, 0, 30 },
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_rate_limit limit = {
			.interval = rows[i].interval_ms, .burst = rows[i].burst
		};
		struct limiter limiter = { 0 };
		unsigned wait = 0;

		for (j = 0; j < rows[i].burst; j++)
			assert_true(
			    limiter_take(&limiter, &limit, START, &wait));
		assert_false(limiter_take(&limiter, &limit,
		    START + rows[i].at_ms * (uint64_t)MS, &wait));
		assert_int_equal(wait, rows[i].wait);
	}
}

/* The bucket outlives the limit it was filled by. */
static void
test_reload(void **state)
{
	static const struct conf_rate_limit slow = { .interval = 3600 * 1000,
		.burst = 2 };
	static const struct conf_rate_limit fast = { .interval = 1000,
		.burst = 1 };
	static const struct conf_rate_limit off = { .interval = 0, .burst = 0 };
	struct limiter limiter = { 0 };
	unsigned wait;

	(void)state;
	assert_true(limiter_take(&limiter, &slow, START, &wait));
	assert_true(limiter_take(&limiter, &slow, START, &wait));
	assert_false(limiter_take(&limiter, &slow, START, &wait));
	/* An hour's debt is not carried into a limit of seconds, */
	assert_false(limiter_take(&limiter, &fast, START, &wait));
	assert_int_equal(wait, 1);
	assert_true(limiter_take(&limiter, &off, START, &wait));
	/* and a reload is no new bucket. */
	assert_false(limiter_take(&limiter, &slow, START, &wait));
}

#define THREADS 4
#define TAKES 20000

struct taker {
	struct limiter *limiter;
	unsigned taken;
};

static void *
take_many(void *arg)
{
	static const struct conf_rate_limit limit = { .interval = 1000,
		.burst = 1000 };
	struct taker *taker = arg;
	unsigned wait;
	int i;

	for (i = 0; i < TAKES; i++)
		taker->taken +=
		    limiter_take(taker->limiter, &limit, START, &wait);
	return NULL;
}

/* However many workers ask, there is one bucket. */
static void
test_threads(void **state)
{
	struct limiter limiter = { 0 };
	struct taker takers[THREADS];
	pthread_t threads[THREADS];
	unsigned taken = 0;
	int i;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){ &limiter, 0 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, take_many, &takers[i]),
		    0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		taken += takers[i].taken;
	}
	assert_int_equal(taken, 1000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
