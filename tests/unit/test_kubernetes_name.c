/* Names as Kubernetes has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/kubernetes_name.h"

static void
names(void **state)
{
	static const struct {
		const char *text;
		bool is_name, is_label;
	} cases[] = {
		{ "shop-0", true, true },
		{ "0", true, true },
		{ "shop-7d4b9c-x2v", true, true },
		{ "shop.0", true, false },
		{ "a.b-c.d", true, false },
		{ "", false, false },
		{ "Shop", false, false },
		{ "shop_0", false, false },
		{ "-shop", false, false },
		{ "shop-", false, false },
		{ ".shop", false, false },
		{ "shop.", false, false },
		{ "a..b", false, false },
		{ "a.-b", false, false },
		{ "a/b", false, false },
		{ "a%2fb", false, false },
		{ "sh\xc3\xb6p", false, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    kubernetes_is_name(cases[i].text), cases[i].is_name);
		assert_int_equal(
		    kubernetes_is_label(cases[i].text), cases[i].is_label);
	}
}

static void
lengths(void **state)
{
	char text[300];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[253] = '\0';
	assert_true(kubernetes_is_name(text));
	text[253] = 'a';
	text[254] = '\0';
	assert_false(kubernetes_is_name(text));
	text[63] = '\0';
	assert_true(kubernetes_is_label(text));
	text[63] = 'a';
	text[64] = '\0';
	assert_false(kubernetes_is_label(text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
