#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/expiry.h"

#define DAY INT64_C(86400)

static void
knows_what_is_due(void **state)
{
	static const struct {
		int64_t left_s;
		int64_t life_s;
		int days;
		int64_t wait_s;
	} rows[] = {
		{ 400 * DAY, 0, -1, 370 * DAY },
		{ 30 * DAY + 1, 0, -1, 1 },
		{ 30 * DAY, 0, 30, 23 * DAY },
		{ 7 * DAY + 1, 0, 30, 1 },
		{ 7 * DAY, 0, 7, 6 * DAY },
		{ 2 * DAY, 0, 7, DAY },
		{ DAY + 1, 0, 7, 1 },
		{ DAY, 0, 1, DAY },
		{ 1, 0, 1, 1 },
		{ 0, 0, 0, 0 },
		{ -DAY, 0, 0, 0 },
		/* Not before the last third of its life. */
		{ DAY / 2, DAY, -1, DAY / 2 - DAY / 3 },
		{ DAY / 3 + 1, DAY, -1, 1 },
		{ DAY / 3, DAY, 1, DAY / 3 },
		{ 0, DAY, 0, 0 },
		{ 20 * DAY, 30 * DAY, -1, 10 * DAY },
		{ 10 * DAY, 30 * DAY, 30, 3 * DAY },
		{ 30 * DAY + 1, 90 * DAY, -1, 1 },
		{ 30 * DAY, 90 * DAY, 30, 23 * DAY },
		{ 200 * DAY, 365 * DAY, -1, 170 * DAY },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    expiry_days(rows[i].left_s, rows[i].life_s), rows[i].days);
		assert_int_equal(expiry_wait_s(rows[i].left_s, rows[i].life_s),
		    rows[i].wait_s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
