#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/multiple.h"
#include "proxy/base/err.h"

static void
test_read_and_written(void **state)
{
	static const struct {
		const char *text;
		unsigned thousandths;
		const char *again;
	} rows[] = {
		{ "0", 0, "0" },
		{ "0x", 0, "0" },
		{ "0.0x", 0, "0" },
		{ "1x", 1000, "1x" },
		{ "2x", 2000, "2x" },
		{ "2.0x", 2000, "2x" },
		{ "1.5x", 1500, "1.5x" },
		{ "1.25x", 1250, "1.25x" },
		{ "1.005x", 1005, "1.005x" },
		{ "1.050x", 1050, "1.05x" },
		{ "007x", 7000, "7x" },
		{ "999999.999x", 999999999, "999999.999x" },
	};
	char text[CONF_MULTIPLE_SIZE];
	unsigned value;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    conf_multiple_parse(rows[i].text, &value, &err), 0);
		assert_int_equal(value, rows[i].thousandths);
		assert_string_equal(
		    conf_multiple_text(value, text), rows[i].again);
	}
}

static void
test_refused(void **state)
{
	static const char *const rows[] = { "", "x", "2", "00", "2X", "x2",
		"2 x", " 2x", "2x ", "2xx", "-2x", "+2x", "1e1x", "0x10", ".5x",
		"1.x", "1.0000x", "1.2.3x", "1000000x", "2s", "2%", "\xd9\xa2x",
		"99999999999999999999x" };
	unsigned value;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    conf_multiple_parse(rows[i], &value, &err), -1);
}

static void
test_of_a_time(void **state)
{
	(void)state;
	assert_int_equal(conf_multiple_of(1500, 10000), 15000);
	assert_int_equal(conf_multiple_of(0, 10000), 0);
	assert_int_equal(conf_multiple_of(1005, 1), 1);
	assert_true(conf_multiple_of(999999999, INT64_MAX / 1000) == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_and_written),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_of_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
