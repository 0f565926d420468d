#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/base/clock.h"

static void
reads_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t wall_us; /* UINT64_MAX: none */
	} rows[] = {
		{ "2026-11-22T09:02:33.497Z", 1795338153497000 },
		{ "2026-11-22T09:02:33.497123456Z", 1795338153497123 },
		{ "2026-11-22T09:02:33Z", 1795338153000000 },
		{ "2026-11-22t09:02:33z", 1795338153000000 },
		{ "2026-11-22T10:32:33+01:30", 1795338153000000 },
		{ "2026-11-22T08:02:33-01:00", 1795338153000000 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999000 },
		{ "2024-02-29T00:00:00Z", 1709164800000000 },
		{ "", UINT64_MAX },
		{ "2026-11-22", UINT64_MAX },
		{ "2026-11-22T09:02:33", UINT64_MAX },
		{ "2026-11-22T09:02:33.Z", UINT64_MAX },
		{ "2026-11-22T09:02:33Zx", UINT64_MAX },
		{ "2026-11-22 09:02:33Z", UINT64_MAX },
		{ "2026-13-22T09:02:33Z", UINT64_MAX },
		{ "2026-00-22T09:02:33Z", UINT64_MAX },
		{ "2025-02-29T00:00:00Z", UINT64_MAX },
		{ "2026-11-31T09:02:33Z", UINT64_MAX },
		{ "2026-11-22T24:02:33Z", UINT64_MAX },
		{ "2026-11-22T09:60:33Z", UINT64_MAX },
		{ "2026-11-22T09:02:33+25:00", UINT64_MAX },
		{ "2026-11-22T09:02:33+01:60", UINT64_MAX },
		{ "2026-11-22T09:02:33+0100", UINT64_MAX },
		{ "1969-12-31T23:59:59Z", UINT64_MAX },
		{ "1970-01-01T00:00:00+01:00", UINT64_MAX },
		{ "0001-01-01T00:00:00Z", UINT64_MAX },
		{ "-026-11-22T09:02:33Z", UINT64_MAX },
		{ "2026-1-22T09:02:33Z", UINT64_MAX },
	};
	uint64_t wall_us;
	bool is_time;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		is_time = clock_read(rows[i].text, &wall_us);
		if (is_time != (rows[i].wall_us != UINT64_MAX) ||
		    (is_time && wall_us != rows[i].wall_us))
			fail_msg("%s: %d, %llu", rows[i].text, is_time,
			    (unsigned long long)wall_us);
	}
}

static void
reads_what_it_writes(void **state)
{
	char text[CLOCK_TEXT_SIZE];
	uint64_t wall_us, again;

	(void)state;
	for (wall_us = 1000; wall_us < UINT64_C(4000000000000000);
	     wall_us += UINT64_C(86399999000) * 97) {
		assert_true(clock_read(clock_text(wall_us, text), &again));
		assert_int_equal(again, wall_us);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_times),
		cmocka_unit_test(reads_what_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
