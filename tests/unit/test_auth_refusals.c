#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <pthread.h>

#include "auth/refusals.h"

#define SECOND UINT64_C(1000000)
#define START (UINT64_C(5) * SECOND)

static struct auth_verdict
verdict_of(enum auth_method method, enum auth_result result, const char *detail)
{
	struct auth_verdict verdict = {
		.answer = AUTH_DENY, .method = method, .result = result
	};

	snprintf(verdict.detail, sizeof(verdict.detail), "%s", detail);
	return verdict;
}

static void
add(struct refusals *refusals, enum auth_result result, const char *user,
    const char *detail)
{
	struct auth_verdict verdict =
	    verdict_of(AUTH_METHOD_BASIC, result, detail);

	refusals_add(refusals, &verdict, "10.0.0.7", user, "/metrics");
}

static void
test_newest_first(void **state)
{
	struct refusals *refusals = refusals_new();
	struct refusal out[REFUSALS_MAX];
	struct auth_verdict verdict =
	    verdict_of(AUTH_METHOD_JWT, AUTH_DENIED, "expired 4m ago");

	(void)state;
	assert_int_equal(refusals_list(refusals, out, REFUSALS_MAX), 0);
	add(refusals, AUTH_DENIED, "eve", "wrong password");
	add(refusals, AUTH_FORBIDDEN, "alice", "no rule");
	refusals_add(refusals, &verdict, "unix", NULL, NULL);
	assert_int_equal(refusals_list(refusals, out, REFUSALS_MAX), 3);
	assert_string_equal(out[0].detail, "expired 4m ago");
	assert_string_equal(out[0].peer, "unix");
	assert_string_equal(out[0].user, "");
	assert_string_equal(out[0].path, "");
	assert_int_equal(out[0].method, AUTH_METHOD_JWT);
	assert_string_equal(out[1].user, "alice");
	assert_int_equal(out[1].result, AUTH_FORBIDDEN);
	assert_string_equal(out[2].user, "eve");
	assert_string_equal(out[2].path, "/metrics");
	assert_int_equal(out[2].count, 1);
	assert_true(out[2].first_ms > UINT64_C(1500000000000));
	assert_int_equal(out[2].first_ms, out[2].last_ms);
	assert_int_equal(refusals_list(refusals, out, 1), 1);
	assert_string_equal(out[0].peer, "unix");
	assert_int_equal(refusals_list(refusals, out, 0), 0);
	refusals_free(refusals);
	refusals_free(NULL);
}

/* One more of the same is counted, and moves to the front. */
static void
test_repeats(void **state)
{
	struct refusals *refusals = refusals_new();
	struct refusal out[REFUSALS_MAX];
	struct auth_verdict verdict;
	uint64_t first_ms;
	int i;

	(void)state;
	add(refusals, AUTH_DENIED, "eve", "wrong password");
	refusals_list(refusals, out, 1);
	first_ms = out[0].first_ms;
	add(refusals, AUTH_FORBIDDEN, "alice", "no rule");
	usleep(2000);
	for (i = 0; i < 999; i++)
		add(refusals, AUTH_DENIED, "eve", "wrong password");
	assert_int_equal(refusals_list(refusals, out, REFUSALS_MAX), 2);
	assert_string_equal(out[0].user, "eve");
	assert_int_equal(out[0].count, 1000);
	assert_int_equal(out[0].first_ms, first_ms);
	assert_true(out[0].last_ms > first_ms);
	assert_int_equal(out[1].count, 1);
	/* Each of these makes another. */
	add(refusals, AUTH_DENIED, "eva", "wrong password");
	add(refusals, AUTH_DENIED, NULL, "wrong password");
	add(refusals, AUTH_LIMITED, "eve", "wrong password");
	add(refusals, AUTH_DENIED, "eve", "no base64");
	verdict = verdict_of(AUTH_METHOD_JWT, AUTH_DENIED, "wrong password");
	refusals_add(refusals, &verdict, "10.0.0.7", "eve", "/metrics");
	verdict.method = AUTH_METHOD_BASIC;
	refusals_add(refusals, &verdict, "10.0.0.8", "eve", "/metrics");
	refusals_add(refusals, &verdict, "10.0.0.7", "eve", "/metrics/x");
	verdict.is_authorization = true;
	refusals_add(refusals, &verdict, "10.0.0.7", "eve", "/metrics");
	assert_int_equal(refusals_list(refusals, out, REFUSALS_MAX), 10);
	refusals_free(refusals);
}

static void
test_foreign_bytes(void **state)
{
	struct refusals *refusals = refusals_new();
	struct auth_verdict verdict =
	    verdict_of(AUTH_METHOD_BASIC, AUTH_MISSING, "as \\\"it\\\" is");
	struct refusal out[1];
	char longest[5000];
	size_t i;

	(void)state;
	memset(longest, '\n', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	refusals_add(
	    refusals, &verdict, "10.0.0.7", "e\"v\n\x1b[31m\xff", "/m\tx");
	refusals_list(refusals, out, 1);
	assert_string_equal(out[0].user, "e\\\"v\\n\\x1b[31m\\xff");
	assert_string_equal(out[0].path, "/m\\tx");
	assert_string_equal(out[0].detail, "as \\\"it\\\" is");
	refusals_add(refusals, &verdict, longest, longest, longest);
	refusals_list(refusals, out, 1);
	assert_in_range(strlen(out[0].peer), 60, 63);
	assert_in_range(strlen(out[0].user), 92, 95);
	assert_in_range(strlen(out[0].path), 92, 95);
	for (i = 0; out[0].user[i] != '\0'; i++)
		assert_in_range(out[0].user[i], ' ', '~');
	refusals_free(refusals);
}

/* Any number of guesses, and what an operator looks for is still there. */
static void
test_bounded(void **state)
{
	struct refusals *refusals = refusals_new();
	struct refusal out[REFUSALS_MAX + 1];
	char user[32];
	size_t count;
	int i;

	(void)state;
	add(refusals, AUTH_FORBIDDEN, "alice", "no rule");
	add(refusals, AUTH_UNAVAILABLE, "bob", "dial tcp: i/o timeout");
	for (i = 0; i < 1000; i++) {
		snprintf(user, sizeof(user), "eve%d", i);
		add(refusals, AUTH_DENIED, user, "wrong password");
	}
	count = refusals_list(refusals, out, REFUSALS_MAX + 1);
	assert_int_equal(count, REFUSALS_MAX);
	assert_string_equal(out[0].user, "eve999");
	assert_string_equal(out[REFUSALS_MAX - 3].user, "eve938");
	assert_string_equal(out[REFUSALS_MAX - 2].user, "bob");
	assert_string_equal(out[REFUSALS_MAX - 1].user, "alice");
	/* Others of their kind take their share. */
	for (i = 0; i < 1000; i++) {
		snprintf(user, sizeof(user), "al%d", i);
		add(refusals, AUTH_FORBIDDEN, user, "no rule");
	}
	count = refusals_list(refusals, out, REFUSALS_MAX + 1);
	assert_int_equal(count, REFUSALS_MAX);
	assert_string_equal(out[0].user, "al999");
	for (i = 0; i < REFUSALS_MAX && out[i].result != AUTH_DENIED;)
		i++;
	assert_in_range(i, 30, 33);
	assert_string_equal(out[i].user, "eve999");
	refusals_free(refusals);
}

static void
test_pace(void **state)
{
	struct refusal_pace pace = { 0 };
	int i;

	(void)state;
	assert_int_equal(refusal_pace_next(&pace, START), 1);
	for (i = 0; i < 100; i++)
		assert_int_equal(
		    refusal_pace_next(&pace, START + 5 * SECOND), 0);
	assert_int_equal(refusal_pace_next(&pace, START + 10 * SECOND - 1), 0);
	assert_int_equal(refusal_pace_next(&pace, START + 10 * SECOND), 102);
	assert_int_equal(refusal_pace_next(&pace, START + 11 * SECOND), 0);
	assert_int_equal(refusal_pace_next(&pace, START + 90 * SECOND), 2);
}

/* What goes to standard error meanwhile, at most `size` - 1 bytes. */
static void
capture(void (*run)(struct refusals *refusals), char *text, size_t size)
{
	struct refusals *refusals = refusals_new();
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	size_t len;

	dup2(fileno(file), STDERR_FILENO);
	run(refusals);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
	refusals_free(refusals);
}

static void
refuse_each(struct refusals *refusals)
{
	struct auth_verdict verdict = verdict_of(
	    AUTH_METHOD_TOKEN_REVIEW, AUTH_UNAVAILABLE, "no route to host");
	int i;

	for (i = 0; i < 50; i++) {
		add(refusals, AUTH_DENIED, "eve\n", "wrong password");
		add(refusals, AUTH_MISSING, NULL, "missing!");
		add(refusals, AUTH_FORBIDDEN, "alice", "no rule");
		add(refusals, AUTH_LIMITED, "eve", "10 failed logins");
		add(refusals, AUTH_OVERLOADED, "eve", "overload!");
		verdict.is_authorization = i >= 25;
		refusals_add(refusals, &verdict, "10.0.0.7", NULL, "/metrics");
	}
}

/* A word for each result that needs somebody, once in a while. */
static void
test_log(void **state)
{
	static const char *const lines[] = {
		"level=warn msg=\"credentials refused\" method=basic "
		"detail=\"wrong password\" peer=10.0.0.7 user=\"eve\\\\n\" "
		"path=/metrics count=1 ",
		"level=warn msg=\"access denied\" method=basic detail=\"no "
		"rule\" peer=10.0.0.7 user=alice path=/metrics count=1 ",
		"level=warn msg=\"too many failed logins\" method=basic "
		"detail=\"10 failed logins\" peer=10.0.0.7 user=eve "
		"path=/metrics count=1 ",
		"level=warn msg=\"credentials cannot be checked\" "
		"method=token_review detail=\"no route to host\" "
		"peer=10.0.0.7 path=/metrics count=1 ",
	};
	const size_t count = sizeof(lines) / sizeof(lines[0]);
	char text[8192], *at = text;
	size_t i;

	(void)state;
	capture(refuse_each, text, sizeof(text));
	for (i = 0; i < count; i++) {
		if (strncmp(at, lines[i], strlen(lines[i])) != 0)
			fail_msg("%s", at);
		at = strchr(at, '\n') + 1;
	}
	assert_string_equal(at, "");
}

static void
refuse_permission(struct refusals *refusals)
{
	struct auth_verdict verdict =
	    verdict_of(AUTH_METHOD_JWT, AUTH_UNAVAILABLE, "no route to host");

	verdict.is_authorization = true;
	refusals_add(refusals, &verdict, "10.0.0.7", NULL, NULL);
}

static void
test_log_of_permission(void **state)
{
	char text[1024];

	(void)state;
	capture(refuse_permission, text, sizeof(text));
	assert_non_null(
	    strstr(text, "msg=\"permission cannot be checked\" method=jwt"));
	assert_null(strstr(text, "path="));
}

#define THREADS 2
#define TURNS 3000

static void *
refuse_many(void *arg)
{
	struct refusals *refusals = arg;
	struct refusal out[REFUSALS_MAX];
	char user[32];
	size_t i, j, count;

	for (i = 0; i < TURNS; i++) {
		snprintf(user, sizeof(user), "u%zu", i % 100);
		add(refusals, (enum auth_result)(AUTH_DENIED + i % 3), user,
		    "detail");
		if (i % 50 != 0)
			continue;
		count = refusals_list(refusals, out, REFUSALS_MAX);
		for (j = 0; j < count; j++)
			if (strcmp(out[j].detail, "detail") != 0 ||
			    out[j].user[0] != 'u')
				return arg;
	}
	return NULL;
}

static void *bad_thread;

static void
refuse_in_threads(struct refusals *refusals)
{
	pthread_t threads[THREADS];
	void *result;
	int i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, refuse_many, refusals);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		if (result != NULL)
			bad_thread = result;
	}
	refuse_many(refusals);
}

static void
test_threads(void **state)
{
	char text[8192];

	(void)state;
	bad_thread = NULL;
	capture(refuse_in_threads, text, sizeof(text));
	assert_null(bad_thread);
	assert_non_null(strstr(text, "credentials refused"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_first),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_foreign_bytes),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_log_of_permission),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
