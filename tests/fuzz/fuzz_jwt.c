/*
 * Tokens and key sets from anybody.  The first byte says what the rest is: a
 * whole token (t), a payload (p) or a header (h) that is signed here, so that
 * what lies behind the signature is reached, or a key set (k).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "auth/identity.h"
#include "auth/jwks.h"
#include "auth/jwt.h"
#include "conf/conf.h"
#include "proxy/base/err.h"
#include "proxy/base/utf8.h"

#define NOW 1000000
#define SIGNATURE_SIZE 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8037 A.1. */
static const unsigned char secret[] = { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd,
	0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
	0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
	0x7f, 0x60 };
static const char set_text[] =
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\","
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
static const char good_header[] = "{\"alg\":\"EdDSA\",\"kid\":\"a\"}";
static const char good_payload[] =
    "{\"iss\":\"i\",\"aud\":\"a\",\"exp\":1000100,\"sub\":\"s\"}";

static char issuer[] = "i", audience[] = "a", sub[] = "sub",
	    groups[] = "groups";
static char *audiences[] = { audience };
static const struct conf_jwt conf = {
	.is_set = true,
	.issuer = issuer,
	.audiences = { .items = audiences, .count = 1 },
	.user_claim = sub,
	.groups_claim = groups,
	.leeway = 30000,
};

static void
require(bool is_so)
{
	if (!is_so)
		abort();
}

/* base64url behind `end`; the new end. */
static char *
append_base64(char *end, const void *bytes, size_t len)
{
	int digits = EVP_EncodeBlock((unsigned char *)end, bytes, (int)len);

	while (digits > 0 && end[digits - 1] == '=')
		digits--;
	for (; digits > 0; digits--, end++)
		*end = *end == '+' ? '-' : *end == '/' ? '_' : *end;
	*end = '\0';
	return end;
}

static char *
make_token(
    const void *header, size_t header_len, const void *payload, size_t len)
{
	char *token = malloc((header_len + len + SIGNATURE_SIZE) * 4 / 3 + 32);
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, secret, sizeof(secret));
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char signature[SIGNATURE_SIZE];
	size_t signature_len = sizeof(signature);
	char *end;

	end = append_base64(token, header, header_len);
	*end++ = '.';
	end = append_base64(end, payload, len);
	require(EVP_DigestSignInit(md, NULL, NULL, NULL, key) == 1 &&
		EVP_DigestSign(md, signature, &signature_len,
		    (const unsigned char *)token, (size_t)(end - token)) == 1);
	*end++ = '.';
	append_base64(end, signature, signature_len);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return token;
}

static void
check_name(const char *name)
{
	require(name[0] != '\0' && utf8_is_printable(name, strlen(name)));
}

static void
check_identity(const char *token, const struct jwt_verdict *verdict)
{
	const struct auth_identity *identity = verdict->identity;
	int64_t expires_s;
	size_t i;

	require(auth_identity_method(identity) == AUTH_METHOD_JWT);
	check_name(auth_identity_user(identity));
	require(strlen(auth_identity_user(identity)) <= AUTH_USER_MAX);
	require(auth_identity_group_count(identity) <= AUTH_GROUPS_MAX);
	for (i = 0; i < auth_identity_group_count(identity); i++)
		check_name(auth_identity_group(identity, i));
	require(verdict->expires_s + conf.leeway / 1000 >= NOW);
	/* Who is asked first would say the same. */
	require(jwt_is_from(token, issuer));
	require(
	    jwt_expiry(token, &expires_s) && expires_s == verdict->expires_s);
}

static void
judge(const char *token)
{
	struct err err;
	struct jwks *keys = jwks_parse(set_text, sizeof(set_text) - 1, &err);
	struct jwt_verdict verdict;
	int64_t expires_s;

	jwt_is_from(token, issuer);
	jwt_expiry(token, &expires_s);
	jwt_judge(token, &conf, keys, NOW, &verdict);
	require((verdict.fault == JWT_FINE) == (verdict.identity != NULL));
	require((verdict.fault == JWT_FINE) == (verdict.detail[0] == '\0'));
	require(strspn(jwt_fault_name(verdict.fault),
		    "abcdefghijklmnopqrstuvwxyz_0123456789") ==
		strlen(jwt_fault_name(verdict.fault)));
	require(utf8_is_printable(verdict.detail, strlen(verdict.detail)));
	if (verdict.identity != NULL)
		check_identity(token, &verdict);
	require(ERR_peek_error() == 0);
	auth_identity_unref(verdict.identity);
	jwks_unref(keys);
}

static void
judge_set(const char *text, size_t len)
{
	struct err err;
	struct jwks *keys = jwks_parse(text, len, &err);

	require(ERR_peek_error() == 0);
	if (keys == NULL)
		return;
	require(jwks_count(keys) > 0 && jwks_count(keys) <= JWKS_KEYS_MAX);
	jwks_find(keys, NULL, JWT_RS256);
	jwks_find(keys, "a", JWT_ES256);
	jwks_unref(keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *token = NULL;

	if (size == 0 || size > (size_t)4 * JWT_BYTES_MAX)
		return 0;
	if (data[0] == 'k')
		judge_set((const char *)data + 1, size - 1);
	else if (data[0] == 'p')
		token = make_token(
		    good_header, sizeof(good_header) - 1, data + 1, size - 1);
	else if (data[0] == 'h')
		token = make_token(
		    data + 1, size - 1, good_payload, sizeof(good_payload) - 1);
	else
		token = strndup((const char *)data + 1, size - 1);
	if (token != NULL)
		judge(token);
	free(token);
	return 0;
}
