/*
 * The quick hash, that tells scrapers and keys apart: what differs, differs
 * there.  The keyed hash against the vectors of its authors (the key 00..0f,
 * the messages "", 00, 00 01, ...), and against OpenSSL's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "proxy/base/hash.h"
#include "proxy/base/utf8.h"

static const uint64_t key[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };

/* As published, the first byte lowest. */
static const uint64_t vectors[] = { 0x726fdb47dd0e0e31u, 0x74f839c593dc67fdu,
	0x0d6c8009d9a94f5au, 0x85676696d7fb7e2du, 0xcf2794e0277187b7u,
	0x18765564cd99a68du, 0xcbc9466e58fee3ceu, 0xab0200f58b01d137u,
	0x93f5f5799a932462u };

static void
test_vectors(void **state)
{
	unsigned char message[sizeof(vectors) / sizeof(vectors[0])];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		assert_true(hash_keyed(key, message, i) == vectors[i]);
		message[i] = (unsigned char)i;
	}
}

static uint64_t
openssl_hash(const unsigned char *message, size_t len)
{
	unsigned int size = 8, rounds[2] = { 2, 4 };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &rounds[0]),
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &rounds[1]),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	unsigned char out[8], bytes[16];
	uint64_t hash = 0;
	size_t i, out_len;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	assert_int_equal(EVP_MAC_init(ctx, bytes, sizeof(bytes), params), 1);
	assert_int_equal(EVP_MAC_update(ctx, message, len), 1);
	assert_int_equal(EVP_MAC_final(ctx, out, &out_len, sizeof(out)), 1);
	for (i = sizeof(out); i > 0; i--)
		hash = hash << 8 | out[i - 1];
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return hash;
}

static void
test_lengths(void **state)
{
	unsigned char message[80];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(message); i++) {
		message[i] = (unsigned char)(255 - 7 * i);
		assert_true(
		    hash_keyed(key, message, i) == openssl_hash(message, i));
	}
}

#define TEXT(bytes) bytes, sizeof(bytes) - 1

static const struct {
	const char *bytes;
	size_t len;
	bool is_printable;
} texts[] = {
	{ TEXT(""), true },
	{ TEXT("a b~"), true },
	{ TEXT("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), true },
	{ TEXT("\xc2\xa0"), true },
	{ TEXT("\xf4\x8f\xbf\xbf"), true },
	{ TEXT("\xed\x9f\xbf\xee\x80\x80"), true },
	{ TEXT("a\0b"), false },
	{ TEXT("a\nb"), false },
	{ TEXT("\x1f"), false },
	{ TEXT("\x7f"), false },
	{ TEXT("\xc2\x85"), false },
	{ TEXT("\xc2\x9f"), false },
	{ TEXT("\xe9"), false },
	{ TEXT("\x80"), false },
	{ TEXT("\xc3"), false },
	{ TEXT("\xc3\x28"), false },
	{ TEXT("\xc0\xaf"), false },
	{ TEXT("\xc1\xbf"), false },
	{ TEXT("\xe0\x9f\xbf"), false },
	{ TEXT("\xe2\x82"), false },
	{ TEXT("\xe2\x82\x28"), false },
	{ TEXT("\xed\xa0\x80"), false },
	{ TEXT("\xf0\x8f\xbf\xbf"), false },
	{ TEXT("\xf4\x90\x80\x80"), false },
	{ TEXT("\xf5\x80\x80\x80"), false },
	{ TEXT("\xff"), false },
};

static void
test_printable(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (utf8_is_printable(texts[i].bytes, texts[i].len) !=
		    texts[i].is_printable)
			fail_msg("row %zu", i);
}

#define COUNT 200000

static int
compare(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left;
	const uint64_t b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static void
assert_all_differ(uint64_t *hashes, size_t count)
{
	size_t i;

	qsort(hashes, count, sizeof(*hashes), compare);
	for (i = 1; i < count; i++)
		assert_true(hashes[i - 1] != hashes[i]);
}

static void
addresses_and_users_differ(void **state)
{
	uint64_t *hashes = malloc(COUNT * sizeof(*hashes));
	char text[64];
	int i, len;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		len = snprintf(text, sizeof(text), "10.%d.%d.%d", i >> 16,
		    i >> 8 & 255, i & 255);
		hashes[i] = hash_bytes(1, text, (size_t)len);
	}
	assert_all_differ(hashes, COUNT);
	for (i = 0; i < COUNT; i++) {
		len = snprintf(text, sizeof(text), "user-%d", i);
		hashes[i] =
		    hash_bytes(hash_bytes(1, text, (size_t)len), "::1", 3);
	}
	assert_all_differ(hashes, COUNT);
	free(hashes);
}

static void
each_bit_and_the_length_count(void **state)
{
	uint64_t hashes[41 * 8 + 42];
	unsigned char bytes[41] = { 0 };
	size_t count = 0, i;

	(void)state;
	for (i = 0; i < sizeof(bytes) * 8; i++) {
		bytes[i / 8] ^= (unsigned char)(1u << i % 8);
		hashes[count++] = hash_bytes(0, bytes, sizeof(bytes));
		bytes[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	for (i = 0; i <= sizeof(bytes); i++)
		hashes[count++] = hash_bytes(0, bytes, i);
	assert_all_differ(hashes, count);
}

static void
order_counts_and_the_same_is_the_same(void **state)
{
	(void)state;
	assert_true(hash_bytes(hash_bytes(0, "ab", 2), "c", 1) !=
		    hash_bytes(hash_bytes(0, "a", 1), "bc", 2));
	assert_true(hash_bytes(hash_bytes(0, "a", 1), "b", 1) !=
		    hash_bytes(hash_bytes(0, "b", 1), "a", 1));
	assert_true(hash_bytes(7, "text", 4) == hash_bytes(7, "text", 4));
	assert_true(hash_bytes(7, "text", 4) != hash_bytes(8, "text", 4));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(addresses_and_users_differ),
		cmocka_unit_test(each_bit_and_the_length_count),
		cmocka_unit_test(order_counts_and_the_same_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
