/*
 * Paths in rules: a table of what an attacker would write, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/pattern.h"
#include "conf/conf.h"

static const struct {
	const char *pattern;
	const char *path;
	bool is_match;
} rows[] = {
	/* Byte for byte. */
	{ "/metrics", "/metrics", true },
	{ "/", "/", true },
	{ "/-/healthy", "/-/healthy", true },
	{ "/a/b/c", "/a/b/c", true },
	{ "/metrics", "/metric", false },
	{ "/metrics", "/metricss", false },
	{ "/metrics", "/Metrics", false },
	{ "/metrics", "/METRICS", false },
	{ "/metrics", "/metrics/", false },
	{ "/metrics/", "/metrics", false },
	{ "/metrics", "/", false },
	{ "/", "/metrics", false },
	{ "/metrics", "", false },
	{ "", "/metrics", false },
	{ "/metrics", "metrics", false },
	{ "/metrics", "/metrics/node", false },
	{ "/metrics", "/metrics.", false },
	/* A whole segment. */
	{ "/metrics/*", "/metrics/node", true },
	{ "/metrics/*", "/metrics/a", true },
	{ "/metrics/*", "/metrics/a.b~c-d_E9", true },
	{ "/metrics/*", "/metrics/...", true },
	{ "/*", "/metrics", true },
	{ "/*/node", "/metrics/node", true },
	{ "/*/*", "/metrics/node", true },
	{ "/metrics/*", "/metrics/", false },
	{ "/metrics/*", "/metrics", false },
	{ "/metrics/*", "/metrics/node/debug", false },
	{ "/metrics/*", "/metrics/node/", false },
	{ "/*", "/", false },
	{ "/*", "/metrics/node", false },
	{ "/*/*", "/metrics", false },
	{ "/*/node", "/metrics/mysql", false },
	{ "/*/node", "/node", false },
	/* The end of one. */
	{ "/metrics*", "/metrics", true },
	{ "/metrics*", "/metrics2", true },
	{ "/metrics*", "/metrics.old", true },
	{ "/metrics/n*", "/metrics/node", true },
	{ "/metrics/n*", "/metrics/n", true },
	{ "/m*/node", "/metrics/node", true },
	{ "/metrics*", "/metric", false },
	{ "/metrics*", "/metrics/node", false },
	{ "/metrics*", "/metrics/", false },
	{ "/metrics*", "/Metrics2", false },
	{ "/metrics/n*", "/metrics/mysql", false },
	{ "/metrics/n*", "/metrics/node/debug", false },
	/* What no route has, whatever it would match. */
	{ "/*", "//", false },
	{ "/*/metrics", "//metrics", false },
	{ "/metrics/*", "/metrics//", false },
	{ "/metrics/*", "/metrics/..", false },
	{ "/metrics/*", "/metrics/.", false },
	{ "/metrics/.*", "/metrics/..", false },
	{ "/metrics/.*", "/metrics/.", false },
	{ "/*/secret", "/../secret", false },
	{ "/*/secret", "/./secret", false },
	{ "/metrics/*", "/metrics/../secret", false },
	{ "/metrics/*", "/metrics/%2e%2e", false },
	{ "/metrics/*", "/metrics/a%2fb", false },
	{ "/metrics/*", "/metrics/%00", false },
	{ "/metrics/*", "/metrics/a;x", false },
	{ "/metrics/*", "/metrics/a\\b", false },
	{ "/metrics/*", "/metrics/a b", false },
	{ "/metrics/*", "/metrics/a?b", false },
	{ "/metrics/*", "/metrics/\xc0\xae\xc0\xae", false },
	{ "/metrics/*", "/metrics/\xef\xbc\x8e", false },
	{ "/metrics*", "/metrics\n", false },
	{ "/metrics", "/m%65trics", false },
	{ "/metrics", "//metrics", false },
	{ "/metrics", "/./metrics", false },
	{ "/metrics", "/x/../metrics", false },
	/* A '*' elsewhere means itself, and no path has one. */
	{ "/me*ics", "/metrics", false },
	{ "/*metrics", "/metrics", false },
	{ "/*metrics", "/xmetrics", false },
	{ "/**", "/metrics", false },
	{ "/metrics/**", "/metrics/node/debug", false },
	{ "/metrics/*", "/metrics/*", false },
	{ "*", "/metrics", false },
	{ "*", "*", false },
	{ "/metrics/?", "/metrics/a", false },
	{ "/metrics/[a-z]", "/metrics/a", false },
};

static bool
matches(const char *pattern, const char *path, const char *other_path)
{
	char *items[] = { "/never", (char *)(uintptr_t)pattern };
	struct conf_strings patterns = { items, 2 };

	return auth_paths_match(&patterns, path, other_path);
}

static void
test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (matches(rows[i].pattern, rows[i].path, NULL) !=
		    rows[i].is_match)
			fail_msg("%s %s %s", rows[i].pattern,
			    rows[i].is_match ? "misses" : "matches",
			    rows[i].path);
}

/* What is served under two names is meant by either. */
static void
test_other_path(void **state)
{
	(void)state;
	assert_true(matches("/metrics/node", "/metrics", "/metrics/node"));
	assert_true(matches("/metrics", "/metrics", "/metrics/node"));
	assert_false(matches("/metrics/mysql", "/metrics", "/metrics/node"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_other_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
