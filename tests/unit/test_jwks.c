/*
 * Key sets: which keys are taken, which are left out, which sets are refused,
 * and which key answers to which kid and algorithm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "auth/jwks.h"
#include "proxy/base/err.h"

#include "jwt_maker.h"

/* A public key of P-256 (its generator), and one of Ed25519 (RFC 8037 A.2). */
#define X "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY"
#define Y "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\""
#define ED "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\""

static struct jwks *
parse(const char *text, struct err *err)
{
	return jwks_parse(text, strlen(text), err);
}

/* A set of one key, which is good or left out beside one that is good. */
static bool
takes(const char *key)
{
	struct err err;
	struct jwks *keys;
	bool is_taken;
	char *text;

	assert_true(asprintf(&text, "{\"keys\":[{\"kid\":\"good\"," ED "},%s]}",
			key) > 0);
	keys = parse(text, &err);
	if (keys == NULL)
		fail_msg("%s: %s", key, err.text);
	is_taken = jwks_count(keys) == 2;
	assert_int_equal(jwks_count(keys) + jwks_skipped(keys), 2);
	jwks_unref(keys);
	free(text);
	/* Nothing is left for the next connection of this thread to find. */
	assert_int_equal(ERR_peek_error(), 0);
	return is_taken;
}

static const struct {
	const char *key;
	bool is_taken;
} rows[] = {
	{ "{" EC "}", true },
	{ "{" ED "}", true },
	{ "{\"kid\":\"a\"," EC "}", true },
	{ "{\"use\":\"sig\"," EC "}", true },
	{ "{\"alg\":\"ES256\"," EC "}", true },
	{ "{\"alg\":\"EdDSA\"," ED "}", true },
	{ "{\"key_ops\":[\"verify\"]," EC "}", true },
	{ "{\"key_ops\":[\"sign\",\"verify\"]," EC "}", true },
	{ "{\"x5c\":[\"AA==\"],\"x5t\":\"AA\",\"x5u\":\"http://h/\"," EC "}",
	    true },
	{ "{\"anything\":{\"else\":[1]}," EC "}", true },
	/* No key at all. */
	{ "{}", false },
	{ "1", false },
	{ "null", false },
	{ "\"RSA\"", false },
	{ "[]", false },
	/* Another kind, or purpose. */
	{ "{\"kty\":\"oct\",\"k\":\"AAAA\"}", false },
	{ "{\"kty\":\"oct\",\"k\":\"AAAA\",\"alg\":\"HS256\"}", false },
	{ "{\"kty\":\"ec\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\"}",
	    false },
	{ "{\"kty\":1}", false },
	{ "{\"use\":\"enc\"," EC "}", false },
	{ "{\"use\":\"SIG\"," EC "}", false },
	{ "{\"use\":[\"sig\"]," EC "}", false },
	{ "{\"use\":null," EC "}", false },
	{ "{\"key_ops\":[]," EC "}", false },
	{ "{\"key_ops\":[\"sign\"]," EC "}", false },
	{ "{\"key_ops\":\"verify\"," EC "}", false },
	{ "{\"key_ops\":[1]," EC "}", false },
	{ "{\"alg\":\"RS256\"," EC "}", false },
	{ "{\"alg\":\"ES384\"," EC "}", false },
	{ "{\"alg\":\"es256\"," EC "}", false },
	{ "{\"alg\":\"none\"," EC "}", false },
	{ "{\"alg\":\"HS256\"," EC "}", false },
	{ "{\"alg\":1," EC "}", false },
	{ "{\"alg\":null," EC "}", false },
	{ "{\"alg\":\"ES256\"," ED "}", false },
	/* Private. */
	{ "{\"d\":\"AAAA\"," EC "}", false },
	{ "{\"d\":\"AAAA\"," ED "}", false },
	{ "{\"d\":1," ED "}", false },
	/* kid. */
	{ "{\"kid\":1," EC "}", false },
	{ "{\"kid\":\"\"," EC "}", false },
	{ "{\"kid\":\"\\n\"," EC "}", false },
	{ "{\"kid\":\"\xc3\xa9\"," EC "}", false },
	/* Curves and points. */
	{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X "\",\"y\":\"" Y "\"}",
	    false },
	{ "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" X "\",\"y\":\"" Y
	  "\"}",
	    false },
	{ "{\"kty\":\"EC\",\"x\":\"" X "\",\"y\":\"" Y "\"}", false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\"}", false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":1}", false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"\"}",
	    false },
	/* Not on the curve. */
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" X "\"}",
	    false },
	/* Zero, infinity and beyond the field. */
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\","
	  "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
	  "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
	    false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\","
	  "\"x\":\"__________________________________________8\","
	  "\"y\":\"__________________________________________8\"}",
	    false },
	/* A byte less, a byte more, padding, the other alphabet, lost bits. */
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\","
	  "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UQ\"}",
	    false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "A\"}",
	    false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "=\"}",
	    false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\","
	  "\"y\":\"T+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU\"}",
	    false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\","
	  "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfV\"}",
	    false },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" ED_X "\"}", false },
	{ "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" ED_X "\"}", false },
	{ "{\"kty\":\"OKP\",\"crv\":\"ed25519\",\"x\":\"" ED_X "\"}", false },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", false },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", false },
	{ "{\"kty\":\"RSA\"}", false },
	{ "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", false },
};

static void
test_keys(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (takes(rows[i].key) != rows[i].is_taken)
			fail_msg("%s", rows[i].key);
}

/* A modulus of `bits`, after `zeros` bytes, that ends in `last`. */
static bool
takes_rsa(size_t bits, size_t zeros, unsigned char last, const char *exponent)
{
	size_t len = zeros + (bits + 7) / 8;
	unsigned char *bytes = malloc(len);
	char *n, *key;
	bool is_taken;

	memset(bytes, 0xa5, len);
	memset(bytes, 0, zeros);
	bytes[zeros] = (unsigned char)(1 << (bits - 1) % 8);
	bytes[len - 1] = last;
	n = maker_base64(bytes, len);
	assert_true(asprintf(&key, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":%s}", n,
			exponent) > 0);
	is_taken = takes(key);
	free(bytes);
	free(n);
	free(key);
	return is_taken;
}

static void
test_rsa(void **state)
{
	(void)state;
	assert_true(takes_rsa(2048, 0, 1, "\"AQAB\""));
	assert_true(takes_rsa(3072, 0, 1, "\"AQAB\""));
	assert_true(takes_rsa(4096, 0, 1, "\"AQAB\""));
	assert_true(takes_rsa(2048, 1, 1, "\"AQAB\""));
	assert_true(takes_rsa(4096, 1, 1, "\"AAEAAQ\""));
	assert_true(takes_rsa(2048, 0, 1, "\"Aw\""));      /* 3 */
	assert_true(takes_rsa(2048, 0, 1, "\"AQAAAAE\"")); /* 2^32 + 1 */
	assert_false(takes_rsa(1024, 0, 1, "\"AQAB\""));
	assert_false(takes_rsa(2047, 0, 1, "\"AQAB\""));
	assert_false(takes_rsa(4097, 0, 1, "\"AQAB\""));
	assert_false(takes_rsa(8192, 0, 1, "\"AQAB\""));
	assert_false(takes_rsa(1024, 128, 1, "\"AQAB\""));
	assert_false(takes_rsa(2048, 0, 2, "\"AQAB\""));    /* even */
	assert_false(takes_rsa(2048, 0, 1, "\"AQ\""));      /* 1 */
	assert_false(takes_rsa(2048, 0, 1, "\"AA\""));      /* 0 */
	assert_false(takes_rsa(2048, 0, 1, "\"Ag\""));      /* 2 */
	assert_false(takes_rsa(2048, 0, 1, "\"AQAA\""));    /* even */
	assert_false(takes_rsa(2048, 0, 1, "\"AgAAAAE\"")); /* 2^33 + 1 */
	assert_false(takes_rsa(2048, 0, 1, "\"\""));
	assert_false(takes_rsa(2048, 0, 1, "\"AQAB=\""));
	assert_false(takes_rsa(2048, 0, 1, "65537"));
}

static const struct {
	const char *text;
	const char *words;
} sets[] = {
	{ "", "byte 0: neither an object nor an array" },
	{ "<html>", "byte 0: neither an object nor an array" },
	{ "{\"keys\":[{" EC "}]", NULL },
	{ "[{" EC "}]", "no array \"keys\": no key set" },
	{ "{" EC "}", "no array \"keys\": no key set" },
	{ "{}", "no array \"keys\": no key set" },
	{ "{\"keys\":{" EC "}}", "no array \"keys\": no key set" },
	{ "{\"keys\":null}", "no array \"keys\": no key set" },
	{ "{\"Keys\":[{" EC "}]}", "no array \"keys\": no key set" },
	{ "{\"keys\":[],\"keys\":[{" EC "}]}", "a name twice: \"keys\"" },
	{ "{\"keys\":[]}",
	    "none of its 0 keys is of use: wanted are RSA of 2048 to 4096 "
	    "bits, EC P-256 and OKP Ed25519, public, for signatures by RS256, "
	    "PS256, ES256 or EdDSA" },
	{ "{\"keys\":[{},{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
	    "none of its 2 keys is of use: wanted are RSA of 2048 to 4096 "
	    "bits, EC P-256 and OKP Ed25519, public, for signatures by RS256, "
	    "PS256, ES256 or EdDSA" },
};

static void
test_sets(void **state)
{
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		err.text[0] = '\0';
		assert_null(parse(sets[i].text, &err));
		if (sets[i].words != NULL)
			assert_string_equal(err.text, sets[i].words);
		assert_true(err.text[0] != '\0');
		assert_int_equal(err.code, ERR_INVALID);
	}
}

/* `count` keys with a kid each, and `padding` blanks behind them. */
static struct jwks *
parse_many(size_t count, size_t padding, struct err *err)
{
	char *text = malloc(count * 256 + padding + 64), *end = text;
	struct jwks *keys;
	size_t i;

	end += sprintf(end, "{\"keys\":[");
	for (i = 0; i < count; i++)
		end += sprintf(
		    end, "%s{\"kid\":\"%zu\"," EC "}", i == 0 ? "" : ",", i);
	end += sprintf(end, "]}");
	memset(end, ' ', padding);
	keys = jwks_parse(text, (size_t)(end - text) + padding, err);
	free(text);
	return keys;
}

static void
test_limits(void **state)
{
	struct jwks *keys;
	struct err err;

	(void)state;
	keys = parse_many(JWKS_KEYS_MAX, 0, &err);
	assert_non_null(keys);
	assert_int_equal(jwks_count(keys), JWKS_KEYS_MAX);
	assert_non_null(jwks_find(keys, "63", JWT_ES256));
	jwks_unref(keys);
	assert_null(parse_many(JWKS_KEYS_MAX + 1, 0, &err));
	assert_string_equal(err.text, "more than 64 keys");
	assert_null(parse_many(1, JWKS_BYTES_MAX, &err));
	assert_string_equal(err.text, "larger than 262144 bytes");
}

/* By kid, by kind, by the key's own algorithm. */
static void
test_find(void **state)
{
	struct err err;
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	char *any = maker_rsa_jwk(rsa, "\"kid\":\"any\",");
	char *pss = maker_rsa_jwk(rsa, "\"kid\":\"pss\",\"alg\":\"PS256\",");
	struct jwks *keys;
	char *text;

	(void)state;
	assert_true(asprintf(&text,
			"{\"keys\":[%s,%s,{\"kid\":\"any\"," EC "},"
			"{" ED "}]}",
			any, pss) > 0);
	keys = parse(text, &err);
	assert_non_null(keys);
	assert_int_equal(jwks_count(keys), 4);
	assert_non_null(jwks_find(keys, "any", JWT_RS256));
	assert_ptr_equal(jwks_find(keys, "any", JWT_PS256),
	    jwks_find(keys, "any", JWT_RS256));
	/* The same kid for another kind is another key. */
	assert_non_null(jwks_find(keys, "any", JWT_ES256));
	assert_ptr_not_equal(jwks_find(keys, "any", JWT_ES256),
	    jwks_find(keys, "any", JWT_RS256));
	assert_null(jwks_find(keys, "any", JWT_EDDSA));
	assert_null(jwks_find(keys, "any", JWT_OTHER));
	assert_non_null(jwks_find(keys, "pss", JWT_PS256));
	assert_null(jwks_find(keys, "pss", JWT_RS256));
	assert_null(jwks_find(keys, "pss", JWT_ES256));
	/* Without a kid: where one key will do only. */
	assert_non_null(jwks_find(keys, NULL, JWT_ES256));
	assert_non_null(jwks_find(keys, NULL, JWT_EDDSA));
	assert_non_null(jwks_find(keys, NULL, JWT_RS256));
	assert_null(jwks_find(keys, NULL, JWT_PS256));
	assert_null(jwks_find(keys, NULL, JWT_OTHER));
	assert_null(jwks_find(keys, "ANY", JWT_RS256));
	assert_null(jwks_find(keys, "an", JWT_RS256));
	assert_null(jwks_find(keys, "", JWT_EDDSA));
	assert_null(jwks_find(keys, "../../etc/passwd", JWT_RS256));
	jwks_unref(keys);
	free(any);
	free(pss);
	free(text);
	EVP_PKEY_free(rsa);
}

/* Which of two keys counts must not hang on their order; the same key twice
 * is one. */
static void
test_rivals(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	char *key = maker_ec_jwk(other, "\"kid\":\"a\",");
	char *narrow = maker_ec_jwk(other, "\"alg\":\"ES256\",\"kid\":\"a\",");
	struct jwks *keys;
	struct err err;
	char *text;

	(void)state;
	keys = parse(
	    "{\"keys\":[{\"kid\":\"a\"," EC "},{\"kid\":\"a\"," EC "}]}", &err);
	assert_non_null(keys);
	assert_int_equal(jwks_count(keys), 1);
	assert_int_equal(jwks_skipped(keys), 1);
	jwks_unref(keys);

	assert_true(
	    asprintf(&text, "{\"keys\":[{\"kid\":\"a\"," EC "},%s]}", key) > 0);
	assert_null(parse(text, &err));
	assert_string_equal(err.text, "two keys with kid \"a\"");
	free(text);

	assert_true(asprintf(&text, "{\"keys\":[{\"kid\":\"a\"," EC "},%s]}",
			narrow) > 0);
	assert_null(parse(text, &err));
	free(text);

	/* One that is of no use is no rival. */
	keys = parse("{\"keys\":[{\"kid\":\"a\"," EC "},{\"kid\":\"a\","
		     "\"use\":\"enc\"," EC "}]}",
	    &err);
	assert_non_null(keys);
	assert_int_equal(jwks_count(keys), 1);
	jwks_unref(keys);
	free(key);
	free(narrow);
	EVP_PKEY_free(other);
}

static void
test_refs(void **state)
{
	struct err err;
	struct jwks *keys = parse("{\"keys\":[{" EC "}]}", &err);

	(void)state;
	assert_ptr_equal(jwks_ref(keys), keys);
	jwks_unref(keys);
	assert_int_equal(jwks_count(keys), 1);
	jwks_unref(keys);
	jwks_unref(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_rivals),
		cmocka_unit_test(test_refs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
