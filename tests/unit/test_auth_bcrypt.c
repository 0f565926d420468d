/*
 * bcrypt: hashes that other programs made, what is none, and our own for
 * hash-password.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/bcrypt.h"
#include "proxy/base/err.h"

/* "secret" at cost 4; the 2b form was made with Python's crypt. */
#define SALT "abcdefghijklmnopqrstuu"
#define TAIL "2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

static const struct {
	const char *hash;
	const char *password;
	unsigned cost;
	bool is_match;
} rows[] = {
	{ "$2b$04$" SALT TAIL, "secret", 4, true },
	{ "$2a$04$" SALT TAIL, "secret", 4, true },
	{ "$2y$04$" SALT TAIL, "secret", 4, true },
	{ "$2x$04$" SALT TAIL, "secret", 0, false },
	{ "$2$04$" SALT TAIL, "secret", 0, false },
	{ "$2b$04$" SALT TAIL, "Secret", 4, false },
	{ "$2b$04$" SALT TAIL, "secret ", 4, false },
	{ "$2b$04$" SALT TAIL, "", 4, false },
	{ "$2b$05$" SALT TAIL, "secret", 5, false },
	{ "$3b$04$" SALT TAIL, "secret", 0, false },
	{ "$2bb$04$" SALT TAIL, "secret", 0, false },
	{ "$2b$4$" SALT TAIL, "secret", 0, false },
	{ "$2b$03$" SALT TAIL, "secret", 0, false },
	{ "$2b$32$" SALT TAIL, "secret", 0, false },
	{ "$2b$04$" SALT, "secret", 0, false },
	{ "$2b$04$!!!!!!!!!!!!!!!!!!!!!!" TAIL, "secret", 0, false },
	{ "$2b$", "secret", 0, false },
	{ "$2", "secret", 0, false },
	{ "", "secret", 0, false },
	{ "$1$abcdefgh$abcdefghijklmnopqrstuv", "secret", 0, false },
};

static void
test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(bcrypt_cost(rows[i].hash), rows[i].cost);
		if (bcrypt_matches(rows[i].hash, rows[i].password) !=
		    rows[i].is_match)
			fail_msg("row %zu", i);
	}
}

static void
test_new(void **state)
{
	char hash[BCRYPT_HASH_SIZE], other[BCRYPT_HASH_SIZE];
	char longest[BCRYPT_PASSWORD_MAX + 1];
	struct err err;

	(void)state;
	assert_int_equal(bcrypt_new(hash, "pass:word", 4, &err), 0);
	assert_int_equal(bcrypt_new(other, "pass:word", 4, &err), 0);
	assert_string_not_equal(hash, other);
	assert_memory_equal(hash, "$2b$04$", 7);
	assert_int_equal(strlen(hash), BCRYPT_HASH_SIZE - 1);
	assert_true(bcrypt_matches(hash, "pass:word"));
	assert_false(bcrypt_matches(hash, "pass:worD"));
	/* All 72 bytes count. */
	memset(longest, 'x', BCRYPT_PASSWORD_MAX);
	longest[BCRYPT_PASSWORD_MAX] = '\0';
	assert_int_equal(bcrypt_new(hash, longest, 4, &err), 0);
	assert_true(bcrypt_matches(hash, longest));
	longest[BCRYPT_PASSWORD_MAX - 1] = 'y';
	assert_false(bcrypt_matches(hash, longest));
}

static void
test_dummy(void **state)
{
	static const char *const passwords[] = { "", "x", "scrapegate" };
	char hash[BCRYPT_HASH_SIZE];
	unsigned cost;
	size_t i;

	(void)state;
	for (cost = 4; cost <= 31; cost++) {
		bcrypt_dummy(hash, cost);
		assert_int_equal(bcrypt_cost(hash), cost);
	}
	bcrypt_dummy(hash, 4);
	for (i = 0; i < 3; i++)
		assert_false(bcrypt_matches(hash, passwords[i]));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_dummy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
