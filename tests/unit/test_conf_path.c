/* Paths that are served, and patterns of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/path.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_paths(void **state)
{
	static const struct {
		const char *path;
		bool is_plain, is_pattern;
	} cases[] = {
		{ "/metrics", true, true },
		{ "/metrics/node", true, true },
		{ "/-/healthy", true, true },
		{ "/a.b_c~d-E9", true, true },
		{ "/...", true, true },
		{ "/*", false, true },
		{ "/metrics/*", false, true },
		{ "/metrics/node*", false, true },
		{ "/*/node", false, true },
		{ "/.*", false, true },
		{ "", false, false },
		{ "/", false, false },
		{ "*", false, false },
		{ "metrics", false, false },
		{ "//metrics", false, false },
		{ "/metrics/", false, false },
		{ "/*/", false, false },
		{ "/./metrics", false, false },
		{ "/metrics/..", false, false },
		{ "/met*ics", false, false },
		{ "/**", false, false },
		{ "/metrics?", false, false },
		{ "/metrics?a=b", false, false },
		{ "/metrics#a", false, false },
		{ "/%6detrics", false, false },
		{ "/metrics;a", false, false },
		{ "/me trics", false, false },
		{ "/m\xc3\xa9trics", false, false },
		{ "/metrics\n", false, false },
		{ "/metrics\\node", false, false },
	};
	char path[1026];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (conf_path_is_plain(cases[i].path) != cases[i].is_plain ||
		    conf_path_is_pattern(cases[i].path) != cases[i].is_pattern)
			fail_msg("%s", cases[i].path);
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[1024] = '\0';
	assert_true(conf_path_is_plain(path));
	path[1024] = 'a';
	path[1025] = '\0';
	assert_false(conf_path_is_plain(path));
}

static void
test_matches(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool is_match;
	} cases[] = {
		{ "/metrics", "/metrics", true },
		{ "/", "/", true },
		{ "/metrics", "/Metrics", false },
		{ "/metrics", "/metrics/node", false },
		{ "/metrics/node", "/metrics", false },
		{ "/metrics", "/metricsx", false },
		{ "/*", "/metrics", true },
		{ "/*", "/metrics/node", false },
		{ "/metrics/*", "/metrics/node", true },
		{ "/metrics/*", "/metrics", false },
		{ "/metrics/*", "/metrics/", false },
		{ "/metrics/*", "/metrics/node/x", false },
		{ "/metrics/n*", "/metrics/n", true },
		{ "/metrics/n*", "/metrics/node", true },
		{ "/metrics/n*", "/metrics/mysql", false },
		{ "/metrics/node*", "/metrics/nod", false },
		{ "/*/node", "/metrics/node", true },
		{ "/*/node", "/metrics/mysql", false },
		{ "/*/*", "/metrics/node", true },
		{ "/*/*", "/metrics", false },
		{ "/*", "/..", false },
		{ "/metrics/*", "/metrics/..", false },
		{ "/*", "/%2f", false },
		{ "/*", "/", false },
		{ "/*", "", false },
		{ "/*", "metrics", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (conf_path_matches(cases[i].pattern, cases[i].path) !=
		    cases[i].is_match)
			fail_msg("%s, %s", cases[i].pattern, cases[i].path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
