/* Durations, sizes, suggestions, patterns, header names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/duration.h"
#include "conf/header_name.h"
#include "conf/keys.h"
#include "conf/pattern.h"
#include "conf/size.h"
#include "conf/suggest.h"
#include "conf/text.h"
#include "proxy/base/err.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *again;
	} cases[] = {
		{ "0", 0, "0s" },
		{ "0s", 0, "0s" },
		{ "1ms", 1, "1ms" },
		{ "500ms", 500, "500ms" },
		{ "2m", 120000, "2m" },
		{ "90s", 90000, "1m30s" },
		{ "1h30m", 5400000, "1h30m" },
		{ "1d2h3m4s5ms", 93784005, "1d2h3m4s5ms" },
		{ "1w", INT64_C(604800000), "7d" },
		{ "1y", INT64_C(31536000000), "365d" },
		{ "007s", 7000, "7s" },
	};
	char text[CONF_DURATION_SIZE];
	struct err err;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
		    conf_duration_parse(cases[i].text, &ms, &err), 0);
		assert_int_equal(ms, cases[i].ms);
		assert_string_equal(
		    conf_duration_text(ms, text), cases[i].again);
	}
}

static void
test_bad_durations(void **state)
{
	static const char *const cases[] = { "", " ", "s", "5", "-1s", "+1s",
		"1.5s", "1s ", " 1s", "1S", "1us", "1m1h", "1s1s", "1sm",
		"9223372036854775808ms", "9223372036854775807s", "300000000y",
		"9223372036854775807ms1s", "0x1s", "1h-1m" };
	struct err err;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (conf_duration_parse(cases[i], &ms, &err) != -1)
			fail_msg("\"%s\" was taken", cases[i]);
}

static void
test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		const char *again;
	} cases[] = {
		{ "0", 0, "0" },
		{ "1500", 1500, "1500" },
		{ "1B", 1, "1" },
		{ "1KB", 1024, "1KB" },
		{ "8MB", 8u << 20, "8MB" },
		{ "8MiB", 8u << 20, "8MB" },
		{ "1024KB", 1u << 20, "1MB" },
		{ "1.5GB", UINT64_C(1610612736), "1536MB" },
		{ "0.5KB", 512, "512" },
		{ "1GB512MB", UINT64_C(1610612736), "1536MB" },
		{ "15EB", UINT64_C(15) << 60, "15EB" },
		{ "18446744073709551615", UINT64_MAX, "18446744073709551615" },
	};
	char text[CONF_SIZE_SIZE];
	struct err err;
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
		    conf_size_parse(cases[i].text, &bytes, &err), 0);
		assert_true(bytes == cases[i].bytes);
		assert_string_equal(
		    conf_size_text(bytes, text), cases[i].again);
	}
}

static void
test_bad_sizes(void **state)
{
	static const char *const cases[] = { "", "B", "-1", "+1", "1 MB", "1mb",
		"1M", "1iB", "1XB", "16EB", "18446744073709551616",
		"1.1234567GB", "1.5", "1KB5", "MB", "0x10", "1KiBB", "1K" };
	struct err err;
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (conf_size_parse(cases[i], &bytes, &err) != -1)
			fail_msg("\"%s\" was taken", cases[i]);
}

static void
test_distances(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} cases[] = {
		{ "", "", 0 },
		{ "a", "", 1 },
		{ "", "abc", 3 },
		{ "listen", "listen", 0 },
		{ "lisen", "listen", 1 },
		{ "listne", "listen", 1 },
		{ "ab", "ba", 1 },
		{ "kitten", "sitting", 3 },
		{ "ca", "abc", 3 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(conf_suggest_distance(cases[i].a, cases[i].b),
		    cases[i].distance);
		assert_int_equal(conf_suggest_distance(cases[i].b, cases[i].a),
		    cases[i].distance);
	}
}

static void
test_suggestions(void **state)
{
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "scrap_timeout", "scrape_timeout" },
		{ "nmae", "name" },
		{ "ulr", "url" },
		{ "colour", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ "name", "name" },
	};
	static const char *const names[] = { "name", "url", "path",
		"scrape_timeout" };
	struct conf_suggestion suggestion;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		suggestion = (struct conf_suggestion){ .word = cases[i].word };
		for (j = 0; j < COUNT(names); j++)
			conf_suggest_add(&suggestion, names[j]);
		if (cases[i].nearest == NULL)
			assert_null(suggestion.nearest);
		else
			assert_string_equal(
			    suggestion.nearest, cases[i].nearest);
	}
}

static void
test_long_words_are_cut(void **state)
{
	char word[5000];

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(conf_suggest_distance(word, "listen"), 63);
}

static void
test_patterns(void **state)
{
	static const struct {
		const char *pattern;
		int result;
	} cases[] = {
		{ "a|b", 0 },
		{ "host-[0-9]{1,3}", 0 },
		{ "[)]", 0 },
		{ "[]()]+", 0 },
		{ "[^])]", 0 },
		{ "[[:alpha:])]", 0 },
		{ "\\)", 0 },
		{ "(a)(b)", 0 },
		{ "a{1000}", 0 },
		{ "a)|(b", -1 },
		{ ")", -1 },
		{ "(", -1 },
		{ "[", -1 },
		{ "a{1001}", -1 },
		{ "(a{40}){40}", -1 },
		{ "[[:foo:]]", -1 },
		{ "a{99999999999999999999}", -1 },
		{ "*", -1 },
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (conf_pattern_check(cases[i].pattern, &err) !=
		    cases[i].result)
			fail_msg("\"%s\" is judged wrongly", cases[i].pattern);
}

static void
test_header_names(void **state)
{
	static const struct {
		const char *name;
		int result;
	} cases[] = {
		{ "X-Tenant", 0 },
		{ "Cookie", 0 },
		{ "x_y", 0 },
		{ "", -1 },
		{ "a b", -1 },
		{ "a:", -1 },
		{ "a\r", -1 },
		{ "HOST", -1 },
		{ "content-type", -1 },
		{ "If-Match", -1 },
		{ "te", -1 },
		{ "Proxy-Authorization", -1 },
		{ "x-prometheus-scrape-timeout-seconds", -1 },
		{ "\xc3\xa9", -1 },
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (conf_header_name_check(cases[i].name, &err) !=
		    cases[i].result)
			fail_msg("\"%s\" is judged wrongly", cases[i].name);
}

static void
test_quotes(void **state)
{
	char quoted[CONF_QUOTED_SIZE], text[600];

	(void)state;
	assert_string_equal(conf_quote("a\"b\\c\nd\x7f", quoted),
	    "\"a\\x22b\\x5cc\\x0ad\\x7f\"");
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(strlen(conf_quote(text, quoted)) < sizeof(quoted));
	assert_null(strchr(quoted, '\n'));
	memset(text, 'x', sizeof(text) - 1);
	conf_quote(text, quoted);
	assert_int_equal(strlen(quoted), 80 + 5);
	assert_non_null(strstr(quoted, "x...\""));
}

/* A group's row must stand before the rows in it, and names be unique. */
static void
test_table_of_keys(void **state)
{
	const struct conf_key *key, *other;
	const struct conf_refused *refused;
	char group[64];
	const char *dot;

	(void)state;
	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key)) {
		assert_non_null(key->help);
		assert_true((key->type != CONF_TYPE_CHOICE &&
				key->type != CONF_TYPE_WORD) ||
			    key->choices != NULL);
		for (other = conf_key_next(key); other != NULL;
		     other = conf_key_next(other))
			if (other->scope == key->scope &&
			    strcmp(other->name, key->name) == 0)
				fail_msg("%s is there twice", key->name);
		dot = strrchr(key->name, '.');
		if (dot == NULL)
			continue;
		memset(group, 0, sizeof(group));
		memcpy(group, key->name, (size_t)(dot - key->name));
		for (other = conf_key_next(NULL); other != key;
		     other = conf_key_next(other))
			if (other->scope == key->scope &&
			    other->type == CONF_TYPE_GROUP &&
			    strcmp(other->name, group) == 0)
				break;
		if (other == key)
			fail_msg("%s stands before its group", key->name);
	}
	for (refused = conf_refused; refused->name != NULL; refused++) {
		dot = strrchr(refused->name, '.');
		memset(group, 0, sizeof(group));
		if (dot != NULL)
			memcpy(group, refused->name,
			    (size_t)(dot - refused->name));
		if (conf_key_find(refused->scope, group,
			dot != NULL ? dot + 1 : refused->name) != NULL)
			fail_msg("%s is known and refused", refused->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_bad_durations),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bad_sizes),
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_long_words_are_cut),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_header_names),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_table_of_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
