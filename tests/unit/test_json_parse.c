/*
 * JSON from outside: what is good, what is wrong and where, and that a member
 * is found by its exact name only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "proxy/base/err.h"
#include "proxy/base/json.h"
#include "proxy/base/json_check.h"

/* A copy of exactly `len` bytes, so that a sanitizer sees one too many read. */
static struct cJSON *
parse_bytes(const char *text, size_t len, struct err *err)
{
	char *copy = malloc(len > 0 ? len : 1);
	struct cJSON *root;

	memcpy(copy, text, len);
	root = json_parse(copy, len, err);
	free(copy);
	return root;
}

static const char *const good[] = {
	"{}",
	"[]",
	" \t\r\n{ } \t\r\n",
	"[ ]",
	"[1]",
	"[1,2]",
	"[ 1 , 2 ]",
	"{\"a\":1}",
	"{ \"a\" : 1 , \"b\" : [ ] }",
	"{\"\":0}",
	"{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
	"[{\"a\":1},{\"a\":2}]",
	"{\"a\":1,\"A\":2}",
	"[true,false,null]",
	"[0,-0,0.0,-0.0,1e0,1E+0,1e-0,0e0,0E5,-1,10,1.5,1.5e3]",
	"[1e308,-1e308,1e-400,123456789012345678901234567890]",
	"[\"\",\"a\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"/\"]",
	"[\"\\u0001\\u001f\\u0020\\u007f\\uFFFF\\ud7ff\\ue000\"]",
	"[\"\\ud800\\udc00\\uDBFF\\uDFFF\"]",
	"[\"\x7f\"]",
	"[\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\"]",
	"[\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]",
	"[[[[[[[[]]]]]]]]",
	"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}",
	"[[[[[[[[],[]],[]],[]],[]],[]],[]],[[[[[[[]]]]]]]]",
	/* What an API server's SubjectAccessReview looks like: as deep as it
	 * may be. */
	"{\"kind\":\"SubjectAccessReview\",\"apiVersion\":"
	"\"authorization.k8s.io/v1\",\"metadata\":{\"creationTimestamp\":null,"
	"\"managedFields\":[{\"fieldsV1\":{\"f:spec\":{"
	"\"f:nonResourceAttributes\":{\".\":{},\"f:path\":{},\"f:verb\":{}},"
	"\"f:user\":{}}}}]},\"status\":{\"allowed\":true}}",
};

static void
test_good(void **state)
{
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct cJSON *root =
		    parse_bytes(good[i], strlen(good[i]), &err);

		if (root == NULL)
			fail_msg("%s: %s", good[i], err.text);
		json_free(root);
	}
}

/* No prefix of a good document is one; but blanks behind it may go. */
static void
test_prefixes(void **state)
{
	struct err err;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t end = strlen(good[i]);

		while (good[i][end - 1] != ']' && good[i][end - 1] != '}')
			end--;
		for (len = 0; len < end; len++)
			assert_null(parse_bytes(good[i], len, &err));
	}
}

#define BAD(text, words)                                                       \
	{                                                                      \
		text, sizeof(text) - 1, words                                  \
	}

static const struct {
	const char *text;
	size_t len;
	const char *words;
} bad[] = {
	/* No document. */
	BAD("", "byte 0: neither an object nor an array"),
	BAD(" ", "byte 1: neither an object nor an array"),
	BAD("1", "byte 0: neither an object nor an array"),
	BAD("\"a\"", "byte 0: neither an object nor an array"),
	BAD("null", "byte 0: neither an object nor an array"),
	BAD("\xef\xbb\xbf{}", "byte 0: neither an object nor an array"),
	BAD("\0{}", "byte 0: neither an object nor an array"),
	BAD("\v{}", "byte 0: neither an object nor an array"),
	BAD("//\n{}", "byte 0: neither an object nor an array"),
	BAD("]", "byte 0: neither an object nor an array"),
	BAD("<html>", "byte 0: neither an object nor an array"),
	/* Something behind it. */
	BAD("{}x", "byte 2: more behind the end"),
	BAD("{}{}", "byte 2: more behind the end"),
	BAD("[] []", "byte 3: more behind the end"),
	BAD("{}\0", "byte 2: more behind the end"),
	BAD("{} \0", "byte 3: more behind the end"),
	BAD("{}}", "byte 2: more behind the end"),
	BAD("[]/**/", "byte 2: more behind the end"),
	BAD("{},", "byte 2: more behind the end"),
	/* Commas, colons and brackets. */
	BAD("[1,]", "byte 3: no value"),
	BAD("[,1]", "byte 1: no value"),
	BAD("[1,,2]", "byte 3: no value"),
	BAD("[1 2]", "byte 3: neither a comma nor the end"),
	BAD("[1", "byte 2: neither a comma nor the end"),
	BAD("[1}", "byte 2: neither a comma nor the end"),
	BAD("[[]", "byte 3: neither a comma nor the end"),
	BAD("[", "byte 1: no value"),
	BAD("{", "byte 1: no name"),
	BAD("{]", "byte 1: no name"),
	BAD("{\"a\":1", "byte 6: neither a comma nor the end"),
	BAD("{\"a\":1]", "byte 6: neither a comma nor the end"),
	BAD("{\"a\":1,}", "byte 7: no name"),
	BAD("{,\"a\":1}", "byte 1: no name"),
	BAD("{a:1}", "byte 1: no name"),
	BAD("{'a':1}", "byte 1: no name"),
	BAD("{1:1}", "byte 1: no name"),
	BAD("{null:1}", "byte 1: no name"),
	BAD("{\"a\"}", "byte 4: no colon behind a name"),
	BAD("{\"a\" 1}", "byte 5: no colon behind a name"),
	BAD("{\"a\"=1}", "byte 4: no colon behind a name"),
	BAD("{\"a\"::1}", "byte 5: no value"),
	BAD("{\"a\":}", "byte 5: no value"),
	BAD("[\xc2\xa0]", "byte 1: no value"),
	BAD("[\f1]", "byte 1: no value"),
	BAD("[1\0]", "byte 2: neither a comma nor the end"),
	/* Words. */
	BAD("[True]", "byte 1: no value"),
	BAD("[nul]", "byte 1: no value"),
	BAD("[truex]", "byte 5: neither a comma nor the end"),
	BAD("[fals", "byte 1: no value"),
	BAD("[undefined]", "byte 1: no value"),
	BAD("[NaN]", "byte 1: no value"),
	BAD("[nan]", "byte 1: no value"),
	BAD("[Infinity]", "byte 1: no value"),
	BAD("[-Infinity]", "byte 2: no value"),
	BAD("[inf]", "byte 1: no value"),
	/* Numbers. */
	BAD("[01]", "byte 2: neither a comma nor the end"),
	BAD("[-01]", "byte 3: neither a comma nor the end"),
	BAD("[00]", "byte 2: neither a comma nor the end"),
	BAD("[+1]", "byte 1: no value"),
	BAD("[-]", "byte 2: no value"),
	BAD("[--1]", "byte 2: no value"),
	BAD("[- 1]", "byte 2: no value"),
	BAD("[.5]", "byte 1: no value"),
	BAD("[1.]", "byte 3: no digit behind the point"),
	BAD("[1.e3]", "byte 3: no digit behind the point"),
	BAD("[1,5]x", "byte 5: more behind the end"),
	BAD("[1e]", "byte 3: no digit in the exponent"),
	BAD("[1e+]", "byte 4: no digit in the exponent"),
	BAD("[1e+-1]", "byte 4: no digit in the exponent"),
	BAD("[1e1.5]", "byte 4: neither a comma nor the end"),
	BAD("[1e1e1]", "byte 4: neither a comma nor the end"),
	BAD("[0x10]", "byte 2: neither a comma nor the end"),
	BAD("[1_000]", "byte 2: neither a comma nor the end"),
	BAD("[1a]", "byte 2: neither a comma nor the end"),
	BAD("[1e999]", "a number that is too large"),
	BAD("{\"a\":[{\"b\":-1e999}]}", "a number that is too large"),
	BAD("[1.8e308]", "a number that is too large"),
	BAD("[1234567890123456789012345678901234567890123456789012345678901234"
	    "]",
	    "byte 65: a number that is too long"),
	/* Strings. */
	BAD("[\"", "byte 2: a string without an end"),
	BAD("[\"a", "byte 3: a string without an end"),
	BAD("[\"\\\"]", "byte 5: a string without an end"),
	BAD("['a']", "byte 1: no value"),
	BAD("[\"\n\"]", "byte 2: a control byte in a string"),
	BAD("[\"a\tb\"]", "byte 3: a control byte in a string"),
	BAD("[\"\x1f\"]", "byte 2: a control byte in a string"),
	BAD("[\"\0\"]", "byte 2: a control byte in a string"),
	BAD("{\"a\0b\":1}", "byte 3: a control byte in a string"),
	BAD("[\"\\a\"]", "byte 3: an unknown escape"),
	BAD("[\"\\v\"]", "byte 3: an unknown escape"),
	BAD("[\"\\'\"]", "byte 3: an unknown escape"),
	BAD("[\"\\0\"]", "byte 3: an unknown escape"),
	BAD("[\"\\x41\"]", "byte 3: an unknown escape"),
	BAD("[\"\\U0041\"]", "byte 3: an unknown escape"),
	BAD("[\"\\\0\"]", "byte 3: an unknown escape"),
	BAD("[\"\\", "byte 3: an unknown escape"),
	BAD("[\"\\u\"]", "byte 4: no hexadecimal digit in \\u"),
	BAD("[\"\\u004\"]", "byte 7: no hexadecimal digit in \\u"),
	BAD("[\"\\u004g\"]", "byte 7: no hexadecimal digit in \\u"),
	BAD("[\"\\u+041\"]", "byte 4: no hexadecimal digit in \\u"),
	BAD("[\"\\u 041\"]", "byte 4: no hexadecimal digit in \\u"),
	BAD("[\"\\u00", "byte 6: no hexadecimal digit in \\u"),
	BAD("[\"a\\u0000b\"]", "byte 9: a NUL"),
	BAD("{\"a\\u0000\":1}", "byte 9: a NUL"),
	BAD("[\"\\ud800\"]", "byte 8: half a surrogate pair"),
	BAD("[\"\\ud800x\"]", "byte 8: half a surrogate pair"),
	BAD("[\"\\ud800\\n\"]", "byte 9: half a surrogate pair"),
	BAD("[\"\\ud800\\u0041\"]", "byte 14: half a surrogate pair"),
	BAD("[\"\\ud800\\ud800\"]", "byte 14: half a surrogate pair"),
	BAD("[\"\\udc00\"]", "byte 8: half a surrogate pair"),
	BAD("[\"\\udc00\\ud800\"]", "byte 8: half a surrogate pair"),
	BAD("[\"\\uDFFF\"]", "byte 8: half a surrogate pair"),
	/* UTF-8. */
	BAD("[\"\x80\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xbf\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xc0\x80\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xc1\xbf\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xc2\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xc2\xc2\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xe0\x9f\xbf\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xe2\x82\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xed\xa0\x80\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xed\xbf\xbf\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xf0\x8f\xbf\xbf\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xf0\x9f\x98\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xf4\x90\x80\x80\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xf5\x80\x80\x80\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"\xff\"]", "byte 2: bytes that are not UTF-8"),
	BAD("[\"a\xe9\"]", "byte 3: bytes that are not UTF-8"),
	BAD("[\"\xf0\x9f\x98", "byte 2: bytes that are not UTF-8"),
	/* Depth. */
	BAD("[[[[[[[[[]]]]]]]]]", "byte 8: too deep"),
	BAD("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}"
	    "}",
	    "byte 40: too deep"),
	BAD("[[[[[[[[{}]]]]]]]]", "byte 8: too deep"),
	BAD("[[[[[[[[[[[[[[[[[[[[", "byte 8: too deep"),
	/* Names. */
	BAD("{\"a\":1,\"a\":1}", "a name twice: \"a\""),
	BAD("{\"a\":1,\"\\u0061\":2}", "a name twice: \"a\""),
	BAD("{\"\":1,\"\":2}", "a name twice: \"\""),
	BAD("{\"b\":1,\"a\":2,\"c\":3,\"b\":4}", "a name twice: \"b\""),
	BAD("[{\"x\":{\"a\":{\"iss\":1,\"iss\":1}}}]", "a name twice: \"iss\""),
	BAD("{\"/\":1,\"\\/\":2}", "a name twice: \"/\""),
	BAD("{\"\xc3\xa9\":1,\"\\u00E9\":2}", "a name twice: \"\\xc3\\xa9\""),
	BAD("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}",
	    "a name twice: \"\\xf0\\x9f\\x98\\x80\""),
	BAD("{\"\\n\":1,\"\\u000a\":2}", "a name twice: \"\\n\""),
};

static void
test_bad(void **state)
{
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cJSON *root = parse_bytes(bad[i].text, bad[i].len, &err);

		if (root != NULL)
			fail_msg("%s: taken", bad[i].text);
		if (strcmp(err.text, bad[i].words) != 0)
			fail_msg("%s: %s", bad[i].text, err.text);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static struct cJSON *
parse(const char *text)
{
	struct err err;
	struct cJSON *root = parse_bytes(text, strlen(text), &err);

	if (root == NULL)
		fail_msg("%s: %s", text, err.text);
	return root;
}

static void
test_get(void **state)
{
	struct cJSON *root =
	    parse("{\"SUB\":\"upper\",\"sub\":\"x\\u00e9\\ud83d\\ude00\\n\","
		  "\"n\":-2.5e2,\"t\":true,\"f\":false,\"z\":null,"
		  "\"o\":{\"sub\":1},\"a\":[\"p\",\"q\"],\"\\u0065\":1}");
	double number;
	bool truth;

	(void)state;
	assert_string_equal(
	    json_string(json_get(root, "sub")), "x\xc3\xa9\xf0\x9f\x98\x80\n");
	assert_string_equal(json_string(json_get(root, "SUB")), "upper");
	assert_null(json_get(root, "Sub"));
	assert_null(json_get(root, "su"));
	assert_null(json_get(root, ""));
	assert_non_null(json_get(root, "e"));
	assert_true(json_number(json_get(root, "n"), &number));
	assert_true(number == -250.0);
	assert_true(json_bool(json_get(root, "t"), &truth) && truth);
	assert_true(json_bool(json_get(root, "f"), &truth) && !truth);
	assert_true(json_is_null(json_get(root, "z")));
	assert_true(json_is_object(json_get(root, "o")));
	assert_true(json_is_array(json_get(root, "a")));
	assert_int_equal(json_count(json_get(root, "a")), 2);
	assert_string_equal(json_string(json_at(json_get(root, "a"), 1)), "q");
	assert_null(json_at(json_get(root, "a"), 2));
	assert_null(json_at(json_get(root, "a"), SIZE_MAX));
	assert_string_equal(json_string(json_first(json_get(root, "a"))), "p");
	assert_string_equal(
	    json_string(json_next(json_first(json_get(root, "a")))), "q");
	assert_null(json_next(json_next(json_first(json_get(root, "a")))));
	json_free(root);
}

/* Of another kind, or of nothing: never something. */
static void
test_other_kinds(void **state)
{
	struct cJSON *root =
	    parse("[1,\"s\",true,null,{\"a\":1},[7],\"1\",\"true\"]");
	const struct cJSON *number = json_at(root, 0), *text = json_at(root, 1);
	const struct cJSON *object = json_at(root, 4);
	double d;
	bool b;
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++) {
		if (i != 1)
			assert_null(json_string(json_at(root, i)));
		assert_int_equal(json_number(json_at(root, i), &d), i == 0);
		assert_int_equal(json_bool(json_at(root, i), &b), i == 2);
		assert_int_equal(json_is_null(json_at(root, i)), i == 3);
		assert_int_equal(json_is_object(json_at(root, i)), i == 4);
		assert_int_equal(json_is_array(json_at(root, i)), i == 5);
		assert_int_equal(json_count(json_at(root, i)), i == 5);
		if (i != 5)
			assert_null(json_first(json_at(root, i)));
	}
	assert_false(json_number(json_at(root, 6), &d));
	assert_false(json_bool(json_at(root, 7), &b));
	assert_null(json_get(root, "a"));
	assert_null(json_get(number, "a"));
	assert_null(json_get(text, "s"));
	assert_null(json_get(NULL, "a"));
	assert_null(json_at(object, 0));
	assert_null(json_at(NULL, 0));
	assert_null(json_first(NULL));
	assert_null(json_string(NULL));
	assert_false(json_number(NULL, &d));
	assert_false(json_bool(NULL, &b));
	assert_false(json_is_object(NULL));
	assert_false(json_is_array(NULL));
	assert_false(json_is_null(NULL));
	assert_int_equal(json_count(NULL), 0);
	json_free(root);
}

/* An object of `count` names; the last is "n0" again if `is_repeated`. */
static char *
make_names(size_t count, bool is_repeated)
{
	char *text = malloc(count * 16 + 16), *end = text;
	size_t i;

	*end++ = '{';
	for (i = 0; i < count; i++)
		end += sprintf(
		    end, "\"n%zu\":0,", is_repeated && i == count - 1 ? 0 : i);
	end[-1] = '}';
	return text;
}

static double
cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* Bounded work: 10 000 names are no invitation to compare each with each, and
 * neither is a mass of brackets. */
static void
test_many_names(void **state)
{
	char *text = make_names(10000, false);
	double start = cpu_seconds();
	struct err err;
	struct cJSON *root = json_parse(text, strlen(text), &err);

	(void)state;
	assert_non_null(root);
	json_free(root);
	/* Each with each would take 50 million comparisons: seconds in a build
	 * with sanitizers. */
	assert_true(cpu_seconds() - start < 0.5);
	free(text);
	text = make_names(10000, true);
	assert_null(json_parse(text, strlen(text), &err));
	assert_string_equal(err.text, "a name twice: \"n0\"");
	free(text);
}

static void
test_bomb(void **state)
{
	size_t len = (size_t)1 << 20;
	char *text = malloc(len);
	struct err err;

	(void)state;
	memset(text, '[', len);
	assert_null(json_parse(text, len, &err));
	assert_string_equal(err.text, "byte 8: too deep");
	memset(text, ' ', len);
	assert_null(json_parse(text, len, &err));
	free(text);
}

/* Where the document ends, for whoever reads it next. */
static void
test_check_end(void **state)
{
	size_t at = 99;

	(void)state;
	assert_null(json_check(" {\"a\":[]} \n", 11, 8, &at));
	assert_int_equal(at, 9);
	assert_non_null(json_check(" {\"a\":[]} \n", 8, 8, &at));
	assert_int_equal(at, 8);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_check_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
