#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "auth/identity.h"
#include "auth/tokens.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

/* printf %s alpha | sha256sum, and so on. */
#define ALPHA "8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8"
#define BETA "f44e64e75f3948e9f73f8dfa94721c4ce8cbb4f265c4790c702b2d41cfbf2753"
#define GAMMA "1cdb4a98cf3a3ac1c8e8a7e6b6d5b1d6f4f8f6ab0f2f3b1f0a9a7b3c5d2e1f00"
#define NOTHING                                                                \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define TEXT(bytes) bytes, sizeof(bytes) - 1

static char *
hex_of(const char *token)
{
	unsigned char digest[32];
	char *hex = xmalloc(65);
	size_t i;

	EVP_Digest(token, strlen(token), digest, NULL, EVP_sha256(), NULL);
	for (i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return hex;
}

static struct tokens *
parse(const char *text)
{
	struct err err = { 0 };
	struct tokens *tokens = tokens_parse(text, strlen(text), &err);

	if (tokens == NULL)
		fail_msg("%s", err.text);
	return tokens;
}

static void
test_find(void **state)
{
	static const char text[] = "# who\r\n"
				   "\n"
				   "prometheus " ALPHA " monitoring,ops\n"
				   " \t \n"
				   "\tprometheus\t" BETA "  \r\n"
				   "   # indented: " GAMMA "\n"
				   "\xc3\xa9t\xc3\xa9 " GAMMA " one";
	struct tokens *tokens = parse(text);
	struct auth_identity *found = tokens_find(tokens, "alpha");

	(void)state;
	assert_int_equal(tokens_count(tokens), 3);
	assert_string_equal(auth_identity_user(found), "prometheus");
	assert_int_equal(auth_identity_method(found), AUTH_METHOD_BEARER);
	assert_int_equal(auth_identity_group_count(found), 2);
	assert_string_equal(auth_identity_group(found, 0), "monitoring");
	assert_string_equal(auth_identity_group(found, 1), "ops");
	found = tokens_find(tokens, "beta");
	assert_string_equal(auth_identity_user(found), "prometheus");
	assert_int_equal(auth_identity_group_count(found), 0);
	assert_null(tokens_find(tokens, "gamma")); /* not its digest */
	assert_null(tokens_find(tokens, ""));
	assert_null(tokens_find(tokens, "Alpha"));
	assert_null(tokens_find(tokens, "alpha "));
	assert_null(tokens_find(tokens, "alpha\n"));
	/* Who has read the file has no token. */
	assert_null(tokens_find(tokens, ALPHA));
	tokens_free(tokens);
}

static void
test_upper_case(void **state)
{
	char upper[] = "a " ALPHA, *p;
	struct tokens *tokens;

	(void)state;
	for (p = upper + 2; *p != '\0'; p++)
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	tokens = parse(upper);
	assert_non_null(tokens_find(tokens, "alpha"));
	tokens_free(tokens);
}

/* Nobody gets in: the way to withdraw the last token. */
static void
test_empty(void **state)
{
	static const char *const texts[] = { "", "\n", "# none\n", "  \r\n" };
	struct tokens *tokens;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		tokens = parse(texts[i]);
		assert_int_equal(tokens_count(tokens), 0);
		assert_null(tokens_find(tokens, ""));
		assert_null(tokens_find(tokens, "alpha"));
		tokens_free(tokens);
	}
	tokens_free(NULL);
}

#define FIELDS "; a line is: NAME SHA256-HEX [GROUP,GROUP]"
#define NO_DIGEST                                                              \
	"the second field is no SHA-256 digest (64 hexadecimal digits); make " \
	"one with: printf %s TOKEN | sha256sum"
#define NO_TEXT "a control character, or no UTF-8"
#define EMPTY_GROUP                                                            \
	"an empty group: groups are separated by one comma each, without "     \
	"blanks"

static const struct {
	const char *text;
	size_t len;
	const char *error;
} bad[] = {
	{ TEXT("prometheus"), "1: one field only" FIELDS },
	{ TEXT("a " ALPHA "\nhunter2\n"), "2: one field only" FIELDS },
	{ TEXT(ALPHA), "1: one field only" FIELDS },
	{ TEXT("a hunter2"), "1: " NO_DIGEST },
	{ TEXT("\n\na hunter2 ops\n"), "3: " NO_DIGEST },
	{ TEXT(ALPHA " prometheus"), "1: " NO_DIGEST },
	{ TEXT("a 8ed3f6ad"), "1: " NO_DIGEST },
	{ TEXT("a " ALPHA "0"), "1: " NO_DIGEST },
	{ TEXT("a 0x" ALPHA), "1: " NO_DIGEST },
	{ TEXT("a g" BETA), "1: " NO_DIGEST },
	{ TEXT("a zed3f6ad685b959ead7022518e1af76c"
	       "d816f8e8ec7ccdda1ed4018e8f2223f8"),
	    "1: " NO_DIGEST },
	{ TEXT("a 8ed3f6ad685b959ead7022518e1af76c"
	       "d816f8e8ec7ccdda1ed4018e8f2223f-"),
	    "1: " NO_DIGEST },
	{ TEXT("a sha256:" ALPHA), "1: " NO_DIGEST },
	{ TEXT("a " NOTHING), "1: this is the digest of nothing at all" },
	{ TEXT("a " ALPHA "\n\nb " BETA "\nc " ALPHA "\n"),
	    "4: the same digest as in line 1" },
	{ TEXT("a " ALPHA "\na " ALPHA "\n"),
	    "2: the same digest as in line 1" },
	{ TEXT("a " ALPHA "  -\n"), "1: the third field is \"-\": leave out "
				    "what sha256sum writes behind the digest" },
	{ TEXT("a " ALPHA " one two"), "1: more than three fields" FIELDS },
	{ TEXT("a " ALPHA " one, two"), "1: more than three fields" FIELDS },
	{ TEXT("a " ALPHA " one # two"), "1: more than three fields" FIELDS },
	{ TEXT("a " ALPHA " ,"), "1: " EMPTY_GROUP },
	{ TEXT("a " ALPHA " one,"), "1: " EMPTY_GROUP },
	{ TEXT("a " ALPHA " ,one"), "1: " EMPTY_GROUP },
	{ TEXT("a " ALPHA " one,,two"), "1: " EMPTY_GROUP },
	{ TEXT("a\0b " ALPHA), "1: a NUL byte" },
	{ TEXT("a " ALPHA " o\0e"), "1: a NUL byte" },
	{ TEXT("# \0\n"), "1: a NUL byte" },
	{ TEXT("a\x1b[31m " ALPHA), "1: " NO_TEXT },
	{ TEXT("a\x7f " ALPHA), "1: " NO_TEXT },
	{ TEXT("\xff " ALPHA), "1: " NO_TEXT },
	{ TEXT("a " ALPHA " \xe9t\xe9"), "1: " NO_TEXT },
	{ TEXT("a " ALPHA "\r" BETA), "1: " NO_TEXT },
	{ TEXT("a " ALPHA "\r\r\n"), "1: " NO_TEXT },
};

static void
test_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = { 0 };

		if (tokens_parse(bad[i].text, bad[i].len, &err) != NULL)
			fail_msg("accepted: row %zu", i);
		assert_string_equal(err.text, bad[i].error);
		assert_int_equal(err.code, ERR_INVALID);
		assert_null(strstr(err.text, "hunter2"));
	}
}

static char *
repeat(const char *text, const char *separator, size_t count)
{
	size_t size = (strlen(text) + strlen(separator)) * count + 1, used = 0;
	char *all = xcalloc(1, size);
	size_t i;

	for (i = 0; i < count; i++)
		used += (size_t)snprintf(all + used, size - used, "%s%s",
		    i == 0 ? "" : separator, text);
	return all;
}

static void
check_limit(const char *name, const char *groups, const char *error)
{
	char *text = xasprintf("%s " ALPHA " %s", name, groups);
	struct err err = { 0 };
	struct tokens *tokens = tokens_parse(text, strlen(text), &err);

	if (error == NULL)
		assert_non_null(tokens);
	else
		assert_null(tokens);
	assert_string_equal(err.text, error == NULL ? "" : error);
	tokens_free(tokens);
	free(text);
}

static void
test_sizes(void **state)
{
	char *name = repeat("n", "", AUTH_USER_MAX);
	char *longer = repeat("n", "", AUTH_USER_MAX + 1);
	char *groups = repeat("g", ",", AUTH_GROUPS_MAX);
	char *more = repeat("g", ",", AUTH_GROUPS_MAX + 1);
	char *wide = repeat("g", "", AUTH_GROUPS_BYTES_MAX);
	char *wider = repeat("g", "", AUTH_GROUPS_BYTES_MAX + 1);

	(void)state;
	check_limit(name, "", NULL);
	check_limit(longer, "", "1: the name has more than 512 bytes");
	check_limit("a", groups, NULL);
	check_limit("a", more, "1: more than 256 groups");
	check_limit("a", wide, NULL);
	check_limit("a", wider, "1: the groups have more than 16384 bytes");
	free(name);
	free(longer);
	free(groups);
	free(more);
	free(wide);
	free(wider);
}

/* As many as there may be, and each is found. */
static void
test_many(void **state)
{
	size_t size = (TOKENS_MAX + 1) * 80, used = 0, i;
	char *text = xmalloc(size), token[16], name[16];
	struct err err = { 0 };
	struct tokens *tokens;

	(void)state;
	for (i = 0; i <= TOKENS_MAX; i++) {
		char *hex;

		snprintf(token, sizeof(token), "token%zu", i);
		hex = hex_of(token);
		used += (size_t)snprintf(
		    text + used, size - used, "n%zu %s\n", i, hex);
		free(hex);
	}
	assert_null(tokens_parse(text, used, &err));
	assert_string_equal(err.text, "4097: more than 4096 tokens");
	used = (size_t)(strstr(text, "n4096 ") - text);
	tokens = tokens_parse(text, used, &err);
	assert_int_equal(tokens_count(tokens), TOKENS_MAX);
	for (i = 0; i < TOKENS_MAX; i += 65) {
		snprintf(token, sizeof(token), "token%zu", i);
		snprintf(name, sizeof(name), "n%zu", i);
		assert_string_equal(
		    auth_identity_user(tokens_find(tokens, token)), name);
	}
	assert_null(tokens_find(tokens, "token4096"));
	tokens_free(tokens);
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_upper_case),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
