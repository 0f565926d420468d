/*
 * Heads that are known: what is recalled is what the guard would have found,
 * nothing is recalled for other bytes, and secrets are not kept.
 */
#include "proxy/gate/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/gate/guard.h"

#define LINE "GET /metrics?a=b HTTP/1.1\r\n"
#define HEAD LINE "Host: a:9100\r\n"

static enum guard_verdict
feed(struct guard *guard, const char *text)
{
	size_t used;

	return guard_feed(guard, text, strlen(text), &used);
}

/* As the connection does it; true if the head was known. */
static bool
pass(struct known *known, struct guard *guard, const char *text)
{
	if (known_recall(known, text, strlen(text), guard) != NULL)
		return true;
	assert_int_equal(feed(guard, text), GUARD_HEAD);
	known_keep(known, text, strlen(text), guard);
	return false;
}

static const char *const heads[] = {
	HEAD "\r\n",
	"HEAD / HTTP/1.1\r\nHost: b\r\nX_Y: 1\r\n\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	HEAD "Content-Length: 0\r\nConnection: close\r\n\r\n",
};

static const char *const nexts[] = {
	HEAD "\r\n",
	"\r\n" HEAD "\r\n",
	"POST / HTTP/1.1\r\n\r\n",
	HEAD "Content-Length: 5\r\n\r\nhello",
	"GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\nHost: a\r\n\r\n",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
recalled_guard_goes_on_as_if_it_had_read(void **state)
{
	struct known *known = known_new();
	struct guard fed, recalled;
	enum guard_verdict expected;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(heads); i++) {
		guard_init(&fed, &guard_default_limits);
		assert_false(pass(known, &fed, heads[i]));
		for (j = 0; j < COUNT(nexts); j++) {
			guard_init(&fed, &guard_default_limits);
			feed(&fed, heads[i]);
			guard_init(&recalled, &guard_default_limits);
			assert_true(pass(known, &recalled, heads[i]));
			assert_string_equal(recalled.method, fed.method);
			assert_int_equal(
			    recalled.header_count, fed.header_count);
			assert_int_equal(
			    recalled.underscore_count, fed.underscore_count);
			assert_int_equal(recalled.head_len, fed.head_len);
			expected = feed(&fed, nexts[j]);
			assert_int_equal(feed(&recalled, nexts[j]), expected);
			assert_int_equal(recalled.refusal, fed.refusal);
		}
	}
	known_free(known);
}

static void
other_bytes_are_not_known(void **state)
{
	static const char head[] = HEAD "Accept: x\r\n\r\n";
	const size_t len = sizeof(head) - 1;
	struct known *known = known_new();
	struct guard guard;
	char other[sizeof(head) + 1];
	size_t i;

	(void)state;
	guard_init(&guard, &guard_default_limits);
	assert_null(known_recall(known, "", 0, &guard));
	assert_false(pass(known, &guard, head));
	for (i = 0; i < len; i++) {
		memcpy(other, head, sizeof(head));
		other[i] ^= 1;
		assert_null(known_recall(known, other, len, &guard));
		assert_null(known_recall(known, head, i, &guard));
	}
	memcpy(other, head, len);
	other[len] = 'G';
	assert_null(known_recall(known, other, len + 1, &guard));
	assert_non_null(known_recall(known, head, len, &guard));
	known_free(known);
}

static void
other_limits_are_asked_anew(void **state)
{
	static const struct guard_limits narrow = {
		.head_max = 400, .headers_max = 1, .target_max = 4
	};
	struct known *known = known_new();
	struct guard guard;

	(void)state;
	guard_init(&guard, &guard_default_limits);
	assert_false(pass(known, &guard, heads[0]));
	guard_init(&guard, &narrow);
	assert_null(known_recall(known, heads[0], strlen(heads[0]), &guard));
	assert_int_equal(feed(&guard, heads[0]), GUARD_REFUSED);
	known_free(known);
}

static void
secrets_and_long_heads_are_not_kept(void **state)
{
	static const char *const secrets[] = {
		HEAD "authorization: Basic eDp5\r\n\r\n",
		HEAD "Cookie: session=1\r\n\r\n",
		HEAD "Proxy-Authorization: Basic eDp5\r\n\r\n",
	};
	struct known *known = known_new();
	struct guard guard;
	char head[2048];
	size_t i;

	(void)state;
	guard_init(&guard, &guard_default_limits);
	for (i = 0; i < COUNT(secrets); i++) {
		assert_false(pass(known, &guard, secrets[i]));
		assert_false(pass(known, &guard, secrets[i]));
	}
	snprintf(head, sizeof(head), HEAD "X: %01200d\r\n\r\n", 0);
	assert_false(pass(known, &guard, head));
	assert_false(pass(known, &guard, head));
	known_free(known);
}

static void
headers_are_found_as_evhttp_finds_them(void **state)
{
	static const char text[] = LINE "Host:a\r\n"
					"ACCEPT:  one, two \t \r\n"
					"Accept: three\r\n"
					"Empty:\r\n"
					"Blank:  \t\r\n"
					"Tab: \tx\r\n"
					"X: a:b\r\n\r\n";
	static const char *const expected[][2] = {
		{ "host", "a" },
		{ "Accept", "one, two" }, /* the first */
		{ "Empty", "" },
		{ "Blank", "" },
		{ "Tab", "\tx" },
		{ "x", "a:b" },
		{ "Accep", NULL },
		{ "Accept-Encoding", NULL },
		{ "", NULL },
	};
	struct known *known = known_new();
	struct known_head *head;
	struct guard guard;
	const char *found;
	size_t i;

	(void)state;
	guard_init(&guard, &guard_default_limits);
	assert_false(pass(known, &guard, text));
	head = known_recall(known, text, strlen(text), &guard);
	assert_non_null(head);
	assert_int_equal(known_head_line_len(head), strlen(LINE));
	for (i = 0; i < COUNT(expected); i++) {
		found = known_head_find(head, expected[i][0]);
		if (expected[i][1] == NULL)
			assert_null(found);
		else
			assert_string_equal(found, expected[i][1]);
	}
	known_free(known);
}

static void
a_head_in_use_outlives_those_that_follow(void **state)
{
	struct known *known = known_new();
	struct known_head *head;
	struct guard guard;
	char other[128];
	int i;

	(void)state;
	guard_init(&guard, &guard_default_limits);
	assert_false(pass(known, &guard, heads[1]));
	head = known_head_ref(
	    known_recall(known, heads[1], strlen(heads[1]), &guard));
	for (i = 0; i < 100; i++) {
		snprintf(other, sizeof(other), HEAD "N: %d\r\n\r\n", i);
		assert_false(pass(known, &guard, other));
		assert_true(pass(known, &guard, other));
	}
	assert_null(known_recall(known, heads[1], strlen(heads[1]), &guard));
	known_free(known);
	assert_string_equal(known_head_find(head, "x_y"), "1");
	known_head_unref(head);
	known_head_unref(NULL);
	assert_null(known_head_ref(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recalled_guard_goes_on_as_if_it_had_read),
		cmocka_unit_test(other_bytes_are_not_known),
		cmocka_unit_test(other_limits_are_asked_anew),
		cmocka_unit_test(secrets_and_long_heads_are_not_kept),
		cmocka_unit_test(headers_are_found_as_evhttp_finds_them),
		cmocka_unit_test(a_head_in_use_outlives_those_that_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
