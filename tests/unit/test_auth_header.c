/*
 * The Authorization header, row by row: what is a scheme, what is base64, and
 * which passwords are refused before they are hashed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "auth/header.h"

static const struct {
	const char *value;
	enum auth_scheme scheme;
	const char *rest;
} schemes[] = {
	{ NULL, AUTH_SCHEME_NONE, "" },
	{ "", AUTH_SCHEME_NONE, "" },
	{ "Basic abc", AUTH_SCHEME_BASIC, "abc" },
	{ "basic abc", AUTH_SCHEME_BASIC, "abc" },
	{ "BASIC abc", AUTH_SCHEME_BASIC, "abc" },
	{ "bAsIc   abc", AUTH_SCHEME_BASIC, "abc" },
	{ "Basic", AUTH_SCHEME_BASIC, "" },
	{ "Basic ", AUTH_SCHEME_BASIC, "" },
	{ "Basic a b", AUTH_SCHEME_BASIC, "a b" },
	{ "Bearer abc", AUTH_SCHEME_BEARER, "abc" },
	{ "Basics abc", AUTH_SCHEME_OTHER, "abc" },
	{ "Bas abc", AUTH_SCHEME_OTHER, "abc" },
	{ "Basic\tabc", AUTH_SCHEME_OTHER, "" },
	{ "Basic=abc", AUTH_SCHEME_OTHER, "" },
	{ "Basic,abc", AUTH_SCHEME_OTHER, "" },
	{ " Basic abc", AUTH_SCHEME_OTHER, "Basic abc" },
	{ "\xff", AUTH_SCHEME_OTHER, "" },
};

static void
test_schemes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const char *rest = NULL;

		assert_int_equal(auth_header_scheme(schemes[i].value, &rest),
		    schemes[i].scheme);
		assert_string_equal(rest, schemes[i].rest);
	}
}

/* dTpw is u:p. */
static const struct {
	const char *text;
	enum auth_basic_fault fault;
	const char *user;
	const char *password;
} texts[] = {
	{ "dTpw", AUTH_BASIC_FINE, "u", "p" },
	{ "dTo=", AUTH_BASIC_FINE, "u", "" },
	{ "OnA=", AUTH_BASIC_FINE, "", "p" },
	{ "Og==", AUTH_BASIC_FINE, "", "" },
	{ "dTpwOnE=", AUTH_BASIC_FINE, "u", "p:q" },
	{ "dTo6", AUTH_BASIC_FINE, "u", ":" },
	{ "dTrDqQ==", AUTH_BASIC_FINE, "u", "\xc3\xa9" },
	{ "dTo+Pw==", AUTH_BASIC_FINE, "u", ">?" },
	{ "dTo/Pw==", AUTH_BASIC_FINE, "u", "??" },
	{ "", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "=", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "====", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dTp", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dTo", AUTH_BASIC_NOT_BASE64, NULL, NULL },  /* not padded */
	{ "dTp=", AUTH_BASIC_NOT_BASE64, NULL, NULL }, /* lost bits */
	{ "Oh==", AUTH_BASIC_NOT_BASE64, NULL, NULL }, /* lost bits */
	{ "O===", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dTpw====", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dT=w", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dTpwd===", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dTpw dTpw", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dTpw    ", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dTpw\r\n\t ", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dTo_Pw==", AUTH_BASIC_NOT_BASE64, NULL, NULL }, /* URL's alphabet */
	{ "dTo-Pw==", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "u:pp", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dTp\xe9", AUTH_BASIC_NOT_BASE64, NULL, NULL },
	{ "dXA=", AUTH_BASIC_NO_COLON, NULL, NULL },
	{ "AAAA", AUTH_BASIC_NO_COLON, NULL, NULL },
	{ "dTpwAA==", AUTH_BASIC_NUL, NULL, NULL },
	{ "AHU6cA==", AUTH_BASIC_NUL, NULL, NULL },
	{ "dToAcA==", AUTH_BASIC_NUL, NULL, NULL },
};

static void
test_texts(void **state)
{
	struct auth_basic basic;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		enum auth_basic_fault fault =
		    auth_header_basic(texts[i].text, &basic);

		if (fault != texts[i].fault)
			fail_msg("\"%s\": %d", texts[i].text, (int)fault);
		if (fault != AUTH_BASIC_FINE)
			continue;
		assert_string_equal(basic.user, texts[i].user);
		assert_string_equal(basic.password, texts[i].password);
	}
}

/* `user_len` times 'u', a colon, `password_len` times 'p'. */
static enum auth_basic_fault
parse_long(size_t user_len, size_t password_len)
{
	size_t len = user_len + 1 + password_len;
	unsigned char *bytes = malloc(len);
	char *text = malloc(len / 3 * 4 + 5);
	struct auth_basic basic;
	enum auth_basic_fault fault;

	memset(bytes, 'u', user_len);
	bytes[user_len] = ':';
	memset(bytes + user_len + 1, 'p', password_len);
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	fault = auth_header_basic(text, &basic);
	if (fault == AUTH_BASIC_FINE) {
		assert_int_equal(strlen(basic.user), user_len);
		assert_int_equal(strlen(basic.password), password_len);
	}
	free(bytes);
	free(text);
	return fault;
}

static void
test_lengths(void **state)
{
	size_t len;

	(void)state;
	for (len = 0; len <= 72; len++)
		assert_int_equal(parse_long(5, len), AUTH_BASIC_FINE);
	assert_int_equal(parse_long(5, 73), AUTH_BASIC_PASSWORD_LONG);
	assert_int_equal(parse_long(0, 73), AUTH_BASIC_PASSWORD_LONG);
	for (len = AUTH_BASIC_MAX - 8; len < AUTH_BASIC_MAX; len++)
		assert_int_equal(parse_long(len, 0), AUTH_BASIC_FINE);
	for (len = AUTH_BASIC_MAX; len < AUTH_BASIC_MAX + 8; len++)
		assert_int_equal(parse_long(len, 0), AUTH_BASIC_USER_LONG);
	assert_int_equal(parse_long(12000, 72), AUTH_BASIC_USER_LONG);
}

static void
test_wipe(void **state)
{
	static const struct auth_basic empty;
	struct auth_basic basic;

	(void)state;
	assert_int_equal(auth_header_basic("dTpw", &basic), AUTH_BASIC_FINE);
	auth_basic_wipe(&basic);
	assert_memory_equal(&basic, &empty, sizeof(basic));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schemes),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
