/*
 * Keys, key sets and tokens for tests, made in memory.  Everything is signed
 * as it is asked for, wrong or right; what is malloc'd is the caller's.
 */
#ifndef TESTS_UNIT_JWT_MAKER_H
#define TESTS_UNIT_JWT_MAKER_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* base64url without padding. */
static inline char *
maker_base64(const void *bytes, size_t len)
{
	char *text = malloc(len / 3 * 4 + 8), *p;

	EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	for (p = text; *p != '\0' && *p != '='; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	*p = '\0';
	return text;
}

static inline char *
maker_number(EVP_PKEY *key, const char *name)
{
	unsigned char bytes[1024];
	BIGNUM *number = NULL;
	char *text;

	assert(EVP_PKEY_get_bn_param(key, name, &number) == 1);
	text = maker_base64(bytes, (size_t)BN_bn2bin(number, bytes));
	BN_free(number);
	return text;
}

/* `extra` is put in front: "\"kid\":\"a\",". */
static inline char *
maker_rsa_jwk(EVP_PKEY *key, const char *extra)
{
	char *n = maker_number(key, OSSL_PKEY_PARAM_RSA_N);
	char *e = maker_number(key, OSSL_PKEY_PARAM_RSA_E), *jwk;

	assert(asprintf(&jwk, "{%s\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}",
		   extra, n, e) > 0);
	free(n);
	free(e);
	return jwk;
}

static inline char *
maker_coordinate(EVP_PKEY *key, const char *name)
{
	unsigned char bytes[32];
	BIGNUM *number = NULL;

	assert(EVP_PKEY_get_bn_param(key, name, &number) == 1);
	BN_bn2binpad(number, bytes, sizeof(bytes));
	BN_free(number);
	return maker_base64(bytes, sizeof(bytes));
}

static inline char *
maker_ec_jwk(EVP_PKEY *key, const char *extra)
{
	char *x = maker_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X);
	char *y = maker_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y), *jwk;

	assert(asprintf(&jwk,
		   "{%s\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
		   "\"y\":\"%s\"}",
		   extra, x, y) > 0);
	free(x);
	free(y);
	return jwk;
}

static inline char *
maker_ed_jwk(EVP_PKEY *key, const char *extra)
{
	unsigned char bytes[32];
	size_t len = sizeof(bytes);
	char *x, *jwk;

	assert(EVP_PKEY_get_raw_public_key(key, bytes, &len) == 1);
	x = maker_base64(bytes, len);
	assert(asprintf(&jwk,
		   "{%s\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}",
		   extra, x) > 0);
	free(x);
	return jwk;
}

/* How to sign. */
enum maker_way {
	MAKER_RS256,
	MAKER_RS512,
	MAKER_PS256,
	MAKER_PS256_SALT_0,
	MAKER_PS256_MGF1_SHA1,
	MAKER_ES256,
	MAKER_ES256_DER, /* not r and s, as JWS has it, but OpenSSL's form */
	MAKER_EDDSA,
	MAKER_HS256, /* with the public key's PEM as the secret */
	MAKER_NOTHING
};

static inline size_t
maker_sign_hmac(EVP_PKEY *key, const char *text, unsigned char signature[1024])
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned len = 0;
	char *pem;
	long pem_len;

	assert(PEM_write_bio_PUBKEY(bio, key) == 1);
	pem_len = BIO_get_mem_data(bio, &pem);
	HMAC(EVP_sha256(), pem, (int)pem_len, (const unsigned char *)text,
	    strlen(text), signature, &len);
	BIO_free(bio);
	return len;
}

/* From DER to r and s. */
static inline size_t
maker_split(unsigned char signature[1024], size_t len)
{
	const unsigned char *der = signature;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);

	assert(pair != NULL);
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32);
	ECDSA_SIG_free(pair);
	return 64;
}

static inline size_t
maker_sign(EVP_PKEY *key, enum maker_way way, const char *text,
    unsigned char signature[1024])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const EVP_MD *digest = way == MAKER_EDDSA   ? NULL
			       : way == MAKER_RS512 ? EVP_sha512()
						    : EVP_sha256();
	EVP_PKEY_CTX *ctx;
	size_t len = 1024;

	assert(EVP_DigestSignInit(md, &ctx, digest, NULL, key) == 1);
	if (way >= MAKER_PS256 && way <= MAKER_PS256_MGF1_SHA1) {
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(
		    ctx, way == MAKER_PS256_SALT_0 ? 0 : 32);
		if (way == MAKER_PS256_MGF1_SHA1)
			EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha1());
	}
	assert(EVP_DigestSign(md, signature, &len, (const unsigned char *)text,
		   strlen(text)) == 1);
	EVP_MD_CTX_free(md);
	return way == MAKER_ES256 ? maker_split(signature, len) : len;
}

/* Both are JSON, or whatever is to be in their place. */
static inline char *
maker_token(EVP_PKEY *key, enum maker_way way, const char *header,
    const char *payload, size_t payload_len)
{
	char *first = maker_base64(header, strlen(header));
	char *second = maker_base64(payload, payload_len);
	unsigned char signature[1024];
	char *text, *third, *token;
	size_t len = 0;

	assert(asprintf(&text, "%s.%s", first, second) > 0);
	if (way == MAKER_HS256)
		len = maker_sign_hmac(key, text, signature);
	else if (way != MAKER_NOTHING)
		len = maker_sign(key, way, text, signature);
	third = maker_base64(signature, len);
	assert(asprintf(&token, "%s.%s", text, third) > 0);
	free(first);
	free(second);
	free(text);
	free(third);
	return token;
}

#endif
