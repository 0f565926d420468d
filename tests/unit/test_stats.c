#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "proxy/gate/stats.h"

static uint64_t
count(const struct stats_targets *targets, size_t i)
{
	return stats_read(&targets->items[i]->requests[0][CACHE_MISS]);
}

static void
targets_that_stay_go_on(void **state)
{
	char a[] = "a", b[] = "b", c[] = "c";
	struct conf_target first[] = { { .name = a }, { .name = b } };
	struct conf_target second[] = { { .name = c }, { .name = b },
		{ .name = a } };
	struct conf was = { .targets = first, .target_count = 2 };
	struct conf next = { .targets = second, .target_count = 3 };
	struct stats *stats = stats_new(2);
	struct stats_targets *old = stats_targets_ref(stats->targets);
	struct stats_targets *made;

	(void)state;
	stats_request(old, 0, 200, CACHE_MISS);
	stats_request(old, 1, 200, CACHE_MISS);
	stats_request(old, 1, 200, CACHE_MISS);
	stats_request(old, 2, 200, CACHE_MISS);
	made = stats_targets_next(stats->targets, &was, &next);
	stats_targets_unref(stats->targets);
	stats->targets = made;
	assert_int_equal(count(made, 0), 0);
	assert_int_equal(count(made, 1), 2);
	assert_int_equal(count(made, 2), 1);
	assert_int_equal(count(made, 3), 1); /* of no target */

	/* A request that began before still counts for what stayed. */
	stats_request(old, 1, 200, CACHE_MISS);
	assert_int_equal(count(made, 1), 3);
	stats_targets_unref(old);
	stats_request(made, 2, 200, CACHE_MISS);
	assert_int_equal(count(made, 2), 2);
	stats_free(stats);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_that_stay_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
