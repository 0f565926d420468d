#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/fetch/addresses.h"
#include "proxy/fetch/hosts.h"

static void
test_find_in(void **state)
{
	static const struct {
		const char *text;
		const char *name;
		const char *found; /* joined by spaces; NULL: no line */
	} rows[] = {
		{ "127.0.0.1 localhost\n", "localhost", "127.0.0.1" },
		{ "127.0.0.1\tlocalhost", "LOCALHOST.", "127.0.0.1" },
		{ "127.0.0.1 a b c\n", "c", "127.0.0.1" },
		{ "127.0.0.1 a b c\n", "d", NULL },
		{ "127.0.0.1 ab\n", "a", NULL },
		{ "10.0.0.1 a\n::1 a\n10.0.0.1 a\n", "a", "10.0.0.1 ::1" },
		{ "# 10.0.0.1 a\n10.0.0.2 b # a\n", "a", NULL },
		{ "10.0.0.2 b#a\n", "b", "10.0.0.2" },
		{ "10.0.0.300 a\nnonsense a\n\n \n", "a", NULL },
		{ "10.0.0.1\na\n", "a", NULL },
		{ "  10.0.0.1   a.\r\n", "a", "10.0.0.1" },
		{ "", "a", NULL },
		{ "10.0.0.1 a", "", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addresses found = { .count = 0 };
		char joined[256] = "";
		bool is_found =
		    hosts_find_in(rows[i].text, rows[i].name, &found);
		unsigned n;

		assert_int_equal(is_found, rows[i].found != NULL);
		for (n = 0; n < found.count; n++) {
			strcat(joined, n > 0 ? " " : "");
			strcat(joined, found.text[n]);
		}
		assert_string_equal(
		    joined, rows[i].found != NULL ? rows[i].found : "");
	}
}

static void
test_pin(void **state)
{
	struct addresses all = { .count = 2,
		.text = { "10.0.0.1", "fd00::1" } };
	char *pinned = addresses_pin(&all, "node.test", 9100);

	(void)state;
	assert_string_equal(pinned, "node.test:9100:10.0.0.1,[fd00::1]");
	free(pinned);
}

static void
test_literals(void **state)
{
	(void)state;
	assert_true(address_is_literal("127.0.0.1"));
	assert_true(address_is_literal("::1"));
	assert_false(address_is_literal("[::1]"));
	assert_false(address_is_literal("127.1"));
	assert_false(address_is_literal("node.test"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_in),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
