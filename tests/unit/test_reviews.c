/*
 * Kubernetes' reviews as text: what is posted, byte for byte, and what answers
 * mean, real ones of a kube-apiserver 1.34 (tokens shortened) and bad ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/identity.h"
#include "auth/reviews.h"
#include "conf/conf.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static char *some[] = { "scrapegate" };
static char *two[] = { "first", "scrapegate" };
static const struct conf_strings none = { NULL, 0 };
static const struct conf_strings ours = { some, 1 };
static const struct conf_strings both = { two, 2 };

/* What is posted. */

static void
test_token_body(void **state)
{
	static const struct {
		const char *token;
		const struct conf_strings *audiences;
		const char *body;
	} rows[] = {
		{ "a.b-c_d~e+f/g==", &none,
		    "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":"
		    "\"TokenReview\",\"spec\":{\"token\":\"a.b-c_d~e+f/"
		    "g==\"}}" },
		{ "t", &both,
		    "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":"
		    "\"TokenReview\",\"spec\":{\"token\":\"t\",\"audiences\":"
		    "[\"first\",\"scrapegate\"]}}" },
		{ "\",\"x\\\n\x01\xff", &none,
		    "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":"
		    "\"TokenReview\",\"spec\":{\"token\":\"\\u0022\\u002c"
		    "\\u0022x\\u005c\\u000a\\u0001\\u00ff\"}}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		char *body =
		    review_token_body(rows[i].token, rows[i].audiences);

		assert_string_equal(body, rows[i].body);
		free(body);
	}
}

static const char *const groups[] = { "system:serviceaccounts",
	"system:authenticated" };

/* NULL with `detail`. */
static char *
access_body(const struct conf_kubernetes *conf, const char *value,
    size_t group_count, char detail[128])
{
	struct auth_identity *identity =
	    auth_identity_new(AUTH_METHOD_TOKEN_REVIEW,
		"system:serviceaccount:mon:prom", groups, group_count);
	struct review_access access = { .identity = identity,
		.path = "/metrics",
		.value = value,
		.conf = conf };
	char *body;

	detail[0] = '\0';
	body = review_access_body(&access, detail, 128);
	auth_identity_unref(identity);
	return body;
}

#define SAR                                                                    \
	"{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":"                \
	"\"SubjectAccessReview\",\"spec\":{\"user\":"                          \
	"\"system:serviceaccount:mon:prom\","
#define GROUPS                                                                 \
	"\"groups\":[\"system:serviceaccounts\","                              \
	"\"system:authenticated\"],"

static void
test_access_body(void **state)
{
	static const struct {
		struct conf_attributes attributes;
		const char *value;
		size_t groups;
		const char *body;
	} rows[] = {
		{ { .is_set = false }, NULL, 2,
		    SAR GROUPS "\"nonResourceAttributes\":{\"path\":"
			       "\"/metrics\",\"verb\":\"get\"}}}" },
		{ { .is_set = false }, "../x", 0,
		    SAR "\"nonResourceAttributes\":{\"path\":\"/metrics\","
			"\"verb\":\"get\"}}}" },
		{ { .is_set = true,
		      .namespace = "mon",
		      .api_version = "v1",
		      .api_group = "",
		      .resource = "services",
		      .subresource = "proxy",
		      .name = "node" },
		    NULL, 2,
		    SAR GROUPS
		    "\"resourceAttributes\":{\"namespace\":\"mon\",\"verb\":"
		    "\"get\",\"version\":\"v1\",\"resource\":\"services\","
		    "\"subresource\":\"proxy\",\"name\":\"node\"}}}" },
		{ { .is_set = true,
		      .namespace = "{{ .Value }}",
		      .api_group = "apps",
		      .resource = "a-{{.Value}}-{{  .Value  }}",
		      .name = "{{ .Values }}" },
		    "team-7.x", 0,
		    SAR
		    "\"resourceAttributes\":{\"namespace\":\"team-7.x\","
		    "\"verb\":\"get\",\"group\":\"apps\",\"resource\":"
		    "\"a-team-7.x-team-7.x\",\"name\":\"{{ .Values }}\"}}}" },
	};
	char detail[128];
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct conf_kubernetes conf = { .attributes =
						    rows[i].attributes };
		char *body =
		    access_body(&conf, rows[i].value, rows[i].groups, detail);

		assert_non_null(body);
		assert_string_equal(body, rows[i].body);
		assert_string_equal(detail, "");
		free(body);
	}
}

static void
test_access_value(void **state)
{
	static const char byte[] =
	    "the request's value has a byte that no name has (namespace)";
	static const char ends[] =
	    "the request's value does not begin and end with a letter or digit "
	    "(namespace)";
	static const char missing[] =
	    "the request has not exactly one value for the template "
	    "(namespace)";
	static const struct {
		const char *value;
		const char *detail; /* NULL: fine */
	} rows[] = {
		{ "a", NULL },
		{ "system:node:1", NULL },
		{ "A_b.c-9", NULL },
		{ NULL, missing },
		{ "", missing },
		{ "a/b", byte },
		{ "a b", byte },
		{ "a\nb", byte },
		{ "a\"b", byte },
		{ "a%2fb", byte },
		{ "\xc3\xa4", byte },
		{ "a*", byte },
		{ "{{ .Value }}", byte },
		{ ".", ends },
		{ "..", ends },
		{ "-a", ends },
		{ "a-", ends },
		{ ":a", ends },
	};
	struct conf_kubernetes conf = {
		.attributes = { .is_set = true, .namespace = "{{ .Value }}" },
	};
	char detail[128], longest[255];
	size_t i;
	char *body;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		body = access_body(&conf, rows[i].value, 2, detail);
		assert_string_equal(
		    detail, rows[i].detail == NULL ? "" : rows[i].detail);
		assert_true((body == NULL) == (rows[i].detail != NULL));
		free(body);
	}
	memset(longest, 'a', sizeof(longest));
	longest[253] = '\0';
	body = access_body(&conf, longest, 0, detail);
	assert_non_null(strstr(body, longest));
	free(body);
	longest[253] = 'a';
	longest[254] = '\0';
	assert_null(access_body(&conf, longest, 0, detail));
	assert_string_equal(
	    detail, "the request's value is longer than 253 bytes (namespace)");
}

/* What is answered. */

#define MANAGED(fields)                                                        \
	"\"metadata\":{\"managedFields\":[{\"manager\":"                       \
	"\"unknown\",\"operation\":\"Update\",\"apiVersion\":\"x/v1\","        \
	"\"time\":\"2026-11-22T14:16:36Z\",\"fieldsType\":\"FieldsV1\","       \
	"\"fieldsV1\":{\"f:spec\":{" fields "}}}]},"
#define TR                                                                     \
	"{\"kind\":\"TokenReview\",\"apiVersion\":"                            \
	"\"authentication.k8s.io/v1\"," MANAGED(                               \
	    "\"f:audiences\":{},\"f:token\":{}") "\"spec\":{\"token\":\"eyJ."  \
						 "x.y\",\"audiences\":["       \
						 "\"scrapegate\"]},"           \
						 "\"status\":"
#define PROM                                                                   \
	"\"user\":{\"username\":\"system:serviceaccount:mon:prom\","           \
	"\"uid\":\"3061453d\",\"groups\":[\"system:serviceaccounts\","         \
	"\"system:authenticated\"],\"extra\":{"                                \
	"\"authentication.kubernetes.io/credential-id\":[\"JTI=8\"]}}"
#define GOOD TR "{\"authenticated\":true," PROM ","
#define REVIEW                                                                 \
	"{\"kind\":\"SubjectAccessReview\",\"apiVersion\":"                    \
	"\"authorization.k8s.io/v1\"," MANAGED(                                \
	    "\"f:groups\":{},\"f:nonResourceAttributes\":{"                    \
	    "\".\":{},\"f:path\":{},\"f:verb\":{}},\"f:user\":{}") "\"spec\":" \
								   "{\"user\"" \
								   ":\"u\"},"  \
								   "\"status"  \
								   "\":"
#define STATUS(code, message)                                                  \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\","                          \
	"\"metadata\":{},\"status\":\"Failure\",\"message\":\"" message        \
	"\",\"code\":" code "}"

struct row {
	int status;
	const char *body;
	enum backend_outcome outcome;
	const char *words;
};

static struct backend_ask
read_answer(enum backend_kind kind, const struct conf_strings *audiences,
    const struct row *row)
{
	struct backend_ask ask = { .kind = kind };
	/* Without what follows a string, so that ASan sees all reading. */
	size_t len = strlen(row->body);
	char *body = malloc(len);

	assert_non_null(body);
	memcpy(body, row->body, len);
	review_read(kind, row->status, body, len, audiences, &ask);
	free(body);
	return ask;
}

static void
check_rows(enum backend_kind kind, const struct conf_strings *audiences,
    const struct row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct backend_ask ask = read_answer(kind, audiences, &rows[i]);

		assert_string_equal(ask.words, rows[i].words);
		assert_int_equal(ask.outcome, rows[i].outcome);
		assert_true(
		    (ask.identity != NULL) ==
		    (kind == BACKEND_TOKEN && ask.outcome == BACKEND_YES));
		auth_identity_unref(ask.identity);
	}
}

static void
test_token_good(void **state)
{
	static const struct row row = { 201,
		GOOD "\"audiences\":[\"scrapegate\"]}}", BACKEND_YES, "" };
	struct backend_ask ask = read_answer(BACKEND_TOKEN, &ours, &row);

	(void)state;
	assert_int_equal(ask.outcome, BACKEND_YES);
	assert_int_equal(
	    auth_identity_method(ask.identity), AUTH_METHOD_TOKEN_REVIEW);
	assert_string_equal(
	    auth_identity_user(ask.identity), "system:serviceaccount:mon:prom");
	assert_int_equal(auth_identity_group_count(ask.identity), 2);
	assert_string_equal(
	    auth_identity_group(ask.identity, 0), "system:serviceaccounts");
	assert_string_equal(
	    auth_identity_group(ask.identity, 1), "system:authenticated");
	auth_identity_unref(ask.identity);
}

static void
test_token_answers(void **state)
{
	static const struct row rows[] = {
		{ 200, GOOD "\"audiences\":[\"scrapegate\"]}}", BACKEND_YES,
		    "" },
		{ 201, GOOD "\"audiences\":[\"other\",\"scrapegate\"]}}",
		    BACKEND_YES, "" },
		/* H66. */
		{ 201, GOOD "\"audiences\":[]}}", BACKEND_NO,
		    "the token names no audience, wanted scrapegate" },
		{ 201, TR "{\"authenticated\":true," PROM "}}", BACKEND_NO,
		    "the token names no audience, wanted scrapegate" },
		{ 201, GOOD "\"audiences\":null}}", BACKEND_NO,
		    "the token names no audience, wanted scrapegate" },
		{ 201, GOOD "\"audiences\":[\"other\"]}}", BACKEND_NO,
		    "audience is other, wanted scrapegate" },
		{ 201, GOOD "\"audiences\":[\"Scrapegate\",\"\"]}}", BACKEND_NO,
		    "audience is Scrapegate and others, wanted scrapegate" },
		{ 201, GOOD "\"audiences\":\"scrapegate\"}}",
		    BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
		{ 201, GOOD "\"audiences\":[\"scrapegate\",1]}}",
		    BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
		/* Real refusals. */
		{ 201, TR "{\"user\":{},\"error\":\"invalid bearer token\"}}",
		    BACKEND_NO, "invalid bearer token" },
		{ 201,
		    TR "{\"user\":{},\"error\":\"[invalid bearer token, token "
		       "audiences [\\\"other\\\"] is invalid for the target "
		       "audiences [\\\"scrapegate\\\"]]\"}}",
		    BACKEND_NO,
		    "[invalid bearer token, token audiences [\"other\"] is "
		    "invalid for the target audiences [\"scrapegate\"]]" },
		{ 201, TR "{\"user\":{}}}", BACKEND_NO, "token not accepted" },
		{ 201,
		    TR "{\"authenticated\":false," PROM ",\"audiences\":["
		       "\"scrapegate\"]}}",
		    BACKEND_NO, "token not accepted" },
		{ 201, TR "{\"error\":\"a\\u001b[31m\\n\\u00e4\"}}", BACKEND_NO,
		    "a\\x1b[31m\\n\\xc3\\xa4" },
		/* A yes has to be exactly one. */
		{ 201, TR "{\"authenticated\":\"true\"}}", BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
		{ 201, TR "{\"authenticated\":1}}", BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
		{ 201,
		    TR "{\"Authenticated\":true," PROM ",\"audiences\":["
		       "\"scrapegate\"]}}",
		    BACKEND_NO, "token not accepted" },
		{ 201, TR "{\"error\":{}}}", BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
		{ 201, TR "[]}", BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: no status" },
		{ 201, TR "null}", BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: no status" },
		{ 201,
		    TR "{\"authenticated\":true,\"user\":{},\"audiences\":["
		       "\"scrapegate\"]}}",
		    BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: authenticated, but no "
		    "username" },
		{ 201,
		    TR "{\"authenticated\":true,\"user\":{\"username\":\"\"},"
		       "\"audiences\":[\"scrapegate\"]}}",
		    BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: authenticated, but no "
		    "username" },
		{ 201,
		    TR "{\"authenticated\":true,\"user\":\"u\",\"audiences\":["
		       "\"scrapegate\"]}}",
		    BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: authenticated, but no "
		    "username" },
		{ 201,
		    TR "{\"authenticated\":true,\"user\":{\"username\":\"u\","
		       "\"groups\":[1]},\"audiences\":[\"scrapegate\"]}}",
		    BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: groups is no list of texts" },
		{ 201,
		    TR "{\"authenticated\":true,\"user\":{\"username\":\"u\"},"
		       "\"audiences\":[\"scrapegate\"]}}",
		    BACKEND_YES, "" },
		/* Names that end up in headers. */
		{ 201,
		    TR "{\"authenticated\":true,\"user\":{\"username\":"
		       "\"u\\r\\nX: 1\"},\"audiences\":[\"scrapegate\"]}}",
		    BACKEND_NO,
		    "a good token, but a user name with a control byte" },
		{ 201,
		    TR "{\"authenticated\":true,\"user\":{\"username\":\"u\","
		       "\"groups\":[\"g\\u007f\"]},\"audiences\":["
		       "\"scrapegate\"]}}",
		    BACKEND_NO,
		    "a good token, but a group with a control byte" },
	};

	(void)state;
	check_rows(BACKEND_TOKEN, &ours, rows, LENGTH(rows));
}

static void
test_token_audiences(void **state)
{
	static const struct row unasked[] = {
		{ 201, GOOD "\"audiences\":[\"https://k\"]}}", BACKEND_YES,
		    "" },
		{ 201, GOOD "\"audiences\":[]}}", BACKEND_YES, "" },
		{ 201, TR "{\"authenticated\":true," PROM "}}", BACKEND_YES,
		    "" },
		{ 201, GOOD "\"audiences\":7}}", BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
	};
	static const struct row of_two[] = {
		{ 201, GOOD "\"audiences\":[\"first\"]}}", BACKEND_YES, "" },
		{ 201, GOOD "\"audiences\":[\"scrapegate\"]}}", BACKEND_YES,
		    "" },
		{ 201, GOOD "\"audiences\":[\"third\"]}}", BACKEND_NO,
		    "audience is third, wanted first or another" },
		{ 201, GOOD "\"audiences\":[]}}", BACKEND_NO,
		    "the token names no audience, wanted first or another" },
	};

	(void)state;
	check_rows(BACKEND_TOKEN, &none, unasked, LENGTH(unasked));
	check_rows(BACKEND_TOKEN, &both, of_two, LENGTH(of_two));
}

static void
test_access_answers(void **state)
{
	static const struct row rows[] = {
		{ 201,
		    REVIEW "{\"allowed\":true,\"reason\":\"RBAC: allowed by "
			   "ClusterRoleBinding \\\"scrape\\\"\"}}",
		    BACKEND_YES, "" },
		{ 200, REVIEW "{\"allowed\":true}}", BACKEND_YES, "" },
		{ 201, REVIEW "{\"allowed\":false}}", BACKEND_NO,
		    "no role allows it" },
		{ 201,
		    REVIEW "{\"allowed\":false,\"reason\":\"RBAC: "
			   "clusterrole.rbac.authorization.k8s.io "
			   "\\\"no-such-role\\\" not found\"}}",
		    BACKEND_NO,
		    "RBAC: clusterrole.rbac.authorization.k8s.io "
		    "\"no-such-role\" not found" },
		{ 201, REVIEW "{\"allowed\":false,\"denied\":true}}",
		    BACKEND_NO, "no role allows it" },
		{ 201,
		    REVIEW "{\"allowed\":false,\"denied\":true,"
			   "\"evaluationError\":\"x\",\"reason\":\"never\"}}",
		    BACKEND_NO, "never" },
		/* H67. */
		{ 201, REVIEW "{\"allowed\":true,\"denied\":true}}",
		    BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: both allowed and denied" },
		{ 201,
		    REVIEW "{\"allowed\":false,\"evaluationError\":\"webhook "
			   "down\"}}",
		    BACKEND_UNAVAILABLE,
		    "the API could not decide: webhook down" },
		{ 201,
		    REVIEW "{\"allowed\":true,\"evaluationError\":\"role "
			   "missing\"}}",
		    BACKEND_YES, "" },
		{ 201, REVIEW "{}}", BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
		{ 201, REVIEW "{\"allowed\":\"yes\"}}", BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
		{ 201, REVIEW "{\"allowed\":true,\"denied\":\"no\"}}",
		    BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
		{ 201, REVIEW "{\"Allowed\":true}}", BACKEND_UNAVAILABLE,
		    "the API's answer is wrong: a status of the wrong kind" },
		{ 201, GOOD "\"audiences\":[\"scrapegate\"]}}",
		    BACKEND_UNAVAILABLE,
		    "the API's answer is no SubjectAccessReview of "
		    "authorization.k8s.io/v1" },
	};

	(void)state;
	check_rows(BACKEND_ACCESS, &none, rows, LENGTH(rows));
}

static void
test_other_statuses(void **state)
{
	static const struct row rows[] = {
		{ 401, STATUS("401", "Unauthorized"), BACKEND_UNAVAILABLE,
		    "the API does not accept the token of the gate's own "
		    "ServiceAccount for tokenreviews (401): is token_file this "
		    "cluster's?" },
		{ 403, "<html>", BACKEND_UNAVAILABLE,
		    "the gate's ServiceAccount may not create tokenreviews "
		    "(403): bind the ClusterRole system:auth-delegator to "
		    "it" },
		{ 404, "404 page not found", BACKEND_UNAVAILABLE,
		    "the API has no tokenreviews (404): is api_server a "
		    "Kubernetes API?" },
		{ 400, STATUS("400", "token is required\\n"),
		    BACKEND_UNAVAILABLE,
		    "the API answered 400: token is required\\n" },
		{ 302, "", BACKEND_UNAVAILABLE, "the API answered 302" },
		{ 204, "", BACKEND_UNAVAILABLE, "the API answered 204" },
		{ 429, STATUS("429", "too many"), BACKEND_UNAVAILABLE,
		    "the API answered 429: too many" },
		{ 500, "{\"message\":\"no Status\"}", BACKEND_UNAVAILABLE,
		    "the API answered 500" },
		{ 503, "<html>sorry</html>", BACKEND_UNAVAILABLE,
		    "the API answered 503" },
		/* A yes with another status is none. */
		{ 202, GOOD "\"audiences\":[\"scrapegate\"]}}",
		    BACKEND_UNAVAILABLE, "the API answered 202" },
		{ 500, GOOD "\"audiences\":[\"scrapegate\"]}}",
		    BACKEND_UNAVAILABLE, "the API answered 500" },
	};

	(void)state;
	check_rows(BACKEND_TOKEN, &ours, rows, LENGTH(rows));
}

/* The strict reader has tests of its own; here it only has to be in use. */
static void
test_not_json(void **state)
{
	static const char *const bodies[] = {
		"",
		"<html>",
		TR,
		GOOD "\"audiences\":[\"scrapegate\"]}",
		GOOD "\"audiences\":[\"scrapegate\"]}}x",
		GOOD "\"audiences\":[\"other\"],\"audiences\":["
		     "\"scrapegate\"]}}",
		TR "{\"authenticated\":false,\"authenticated\":true," PROM
		   ",\"audiences\":[\"scrapegate\"]}}",
		GOOD "\"audiences\":[\"scrapegate\"],\"x\":\"\xff\"}}",
		GOOD "\"audiences\":[\"scrapegate\"],\"x\":\"\\u0000\"}}",
		GOOD "\"audiences\":[\"scrapegate\"],\"x\":[[[[[[[]]]]]]]}}",
	};
	static const char words[] = "the API's answer is no JSON: ";
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(bodies); i++) {
		struct row row = { .status = 201, .body = bodies[i] };
		struct backend_ask ask =
		    read_answer(BACKEND_TOKEN, &ours, &row);

		assert_int_equal(ask.outcome, BACKEND_UNAVAILABLE);
		assert_null(ask.identity);
		assert_memory_equal(ask.words, words, strlen(words));
		assert_true(strlen(ask.words) > strlen(words));
	}
}

static void
test_kinds(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"[]",
		"{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true}"
		"}",
		"{\"kind\":\"TokenReview\",\"apiVersion\":"
		"\"authentication.k8s.io/v1beta1\",\"status\":{}}",
		"{\"kind\":\"tokenreview\",\"apiVersion\":"
		"\"authentication.k8s.io/v1\",\"status\":{}}",
		"{\"kind\":1,\"apiVersion\":\"authentication.k8s.io/v1\","
		"\"status\":{}}",
		STATUS("201", "x"),
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(bodies); i++) {
		struct row row = { .status = 201, .body = bodies[i] };
		struct backend_ask ask =
		    read_answer(BACKEND_TOKEN, &ours, &row);

		assert_int_equal(ask.outcome, BACKEND_UNAVAILABLE);
		assert_string_equal(ask.words,
		    "the API's answer is no TokenReview of "
		    "authentication.k8s.io/v1");
	}
}

/* More, or longer, than an identity may be. */
static char *
make_user(size_t name_len, size_t group_count, size_t group_len)
{
	char *text = NULL, *name, *group;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	name = malloc(name_len + 1);
	group = malloc(group_len + 1);
	assert_true(out != NULL && name != NULL && group != NULL);
	memset(name, 'n', name_len);
	name[name_len] = '\0';
	memset(group, 'g', group_len);
	group[group_len] = '\0';
	fprintf(out,
	    TR "{\"authenticated\":true,\"audiences\":[\"scrapegate\"],"
	       "\"user\":{\"username\":\"%s\",\"groups\":[",
	    name);
	for (i = 0; i < group_count; i++)
		fprintf(out, "%s\"%s\"", i > 0 ? "," : "", group);
	fputs("]}}}", out);
	fclose(out);
	free(name);
	free(group);
	return text;
}

static void
test_identity_bounds(void **state)
{
	static const struct {
		size_t name, groups, group;
		const char *words;
	} rows[] = {
		{ AUTH_USER_MAX, AUTH_GROUPS_MAX, 64, "" },
		{ AUTH_USER_MAX + 1, 0, 1,
		    "a good token, but its user name is too long" },
		{ 1, AUTH_GROUPS_MAX + 1, 1,
		    "a good token, but it is in too many groups" },
		{ 1, 1, AUTH_GROUPS_BYTES_MAX, "" },
		{ 1, 2, AUTH_GROUPS_BYTES_MAX / 2 + 1,
		    "a good token, but its groups are too long" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		char *body =
		    make_user(rows[i].name, rows[i].groups, rows[i].group);
		struct row row = { .status = 201, .body = body };
		struct backend_ask ask =
		    read_answer(BACKEND_TOKEN, &ours, &row);

		assert_string_equal(ask.words, rows[i].words);
		assert_int_equal(ask.outcome,
		    rows[i].words[0] == '\0' ? BACKEND_YES : BACKEND_NO);
		auth_identity_unref(ask.identity);
		free(body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_body),
		cmocka_unit_test(test_access_body),
		cmocka_unit_test(test_access_value),
		cmocka_unit_test(test_token_good),
		cmocka_unit_test(test_token_answers),
		cmocka_unit_test(test_token_audiences),
		cmocka_unit_test(test_access_answers),
		cmocka_unit_test(test_other_statuses),
		cmocka_unit_test(test_not_json),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_identity_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
