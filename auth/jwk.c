#include "auth/jwk.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "auth/base64.h"
#include "proxy/base/alloc.h"
#include "proxy/base/json.h"

/* The longest member that is read: a modulus, and zeros before it, which some
 * write there. */
#define BYTES_MAX (JWK_RSA_BITS_MAX / 8 + 8)
#define DIGITS_MAX ((BYTES_MAX * 4 + 2) / 3)

/* 2^32 + 1 has 33 bits; OpenSSL has a limit of 64 for the larger moduli. */
#define EXPONENT_BITS_MAX 33

#define COORDINATE_SIZE 32 /* P-256 */
#define ED25519_SIZE 32

static const struct {
	const char *name;
	enum jwk_kind kind;
} algorithms[JWT_OTHER] = {
	[JWT_RS256] = { "RS256", JWK_RSA },
	[JWT_PS256] = { "PS256", JWK_RSA },
	[JWT_ES256] = { "ES256", JWK_EC },
	[JWT_EDDSA] = { "EdDSA", JWK_OKP },
};

enum jwt_algorithm
jwk_algorithm(const char *name)
{
	enum jwt_algorithm i;

	for (i = 0; i < JWT_OTHER; i++)
		if (strcmp(name, algorithms[i].name) == 0)
			return i;
	return JWT_OTHER;
}

const char *
jwk_algorithm_name(enum jwt_algorithm algorithm)
{
	return algorithm < JWT_OTHER ? algorithms[algorithm].name : "other";
}

bool
jwk_is_kid(const char *text)
{
	size_t len = strlen(text), i;

	for (i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= JWK_KID_MAX;
}

/* The bytes of a base64url member, or -1. */
static int
get_bytes(const struct cJSON *json, const char *name,
    unsigned char bytes[BASE64_SIZE(DIGITS_MAX)])
{
	const char *text = json_string(json_get(json, name));
	size_t digits = text != NULL ? strlen(text) : 0;

	if (digits == 0 || digits > DIGITS_MAX)
		return -1;
	return base64_decode(BASE64_URL, bytes, text, digits);
}

static EVP_PKEY *
make_key(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* A member as the number it is; NULL if it is none. */
static BIGNUM *
get_number(const struct cJSON *json, const char *name)
{
	unsigned char bytes[BASE64_SIZE(DIGITS_MAX)];
	int len = get_bytes(json, name, bytes);

	return len == -1 ? NULL : xrequire(BN_bin2bn(bytes, len, NULL));
}

/* A modulus that is even is no product of two primes; an exponent of 1 makes
 * every text its own signature. */
static bool
is_good_rsa(const BIGNUM *modulus, const BIGNUM *exponent)
{
	int bits = BN_num_bits(modulus);

	return bits >= JWK_RSA_BITS_MIN && bits <= JWK_RSA_BITS_MAX &&
	       BN_is_odd(modulus) && BN_is_odd(exponent) &&
	       !BN_is_one(exponent) &&
	       BN_num_bits(exponent) <= EXPONENT_BITS_MAX;
}

/* OpenSSL takes numbers in the byte order of the machine. */
static EVP_PKEY *
make_rsa(const BIGNUM *modulus, const BIGNUM *exponent)
{
	unsigned char n[BYTES_MAX], e[8];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, sizeof(n)),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, sizeof(e)),
		OSSL_PARAM_construct_end(),
	};

	if (BN_bn2nativepad(modulus, n, sizeof(n)) == -1 ||
	    BN_bn2nativepad(exponent, e, sizeof(e)) == -1)
		return NULL;
	return make_key("RSA", params);
}

static EVP_PKEY *
read_rsa(const struct cJSON *json)
{
	BIGNUM *modulus = get_number(json, "n");
	BIGNUM *exponent = get_number(json, "e");
	EVP_PKEY *pkey = NULL;

	if (modulus != NULL && exponent != NULL &&
	    is_good_rsa(modulus, exponent))
		pkey = make_rsa(modulus, exponent);
	BN_free(modulus);
	BN_free(exponent);
	return pkey;
}

static bool
is_curve(const struct cJSON *json, const char *name)
{
	const char *curve = json_string(json_get(json, "crv"));

	return curve != NULL && strcmp(curve, name) == 0;
}

/* OpenSSL finds out whether the point is on the curve. */
static EVP_PKEY *
read_ec(const struct cJSON *json)
{
	unsigned char x[BASE64_SIZE(DIGITS_MAX)], y[BASE64_SIZE(DIGITS_MAX)];
	unsigned char point[1 + 2 * COORDINATE_SIZE] = { 4 }; /* uncompressed */
	char group[] = "prime256v1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};

	if (!is_curve(json, "P-256") ||
	    get_bytes(json, "x", x) != COORDINATE_SIZE ||
	    get_bytes(json, "y", y) != COORDINATE_SIZE)
		return NULL;
	memcpy(point + 1, x, COORDINATE_SIZE);
	memcpy(point + 1 + COORDINATE_SIZE, y, COORDINATE_SIZE);
	return make_key("EC", params);
}

static EVP_PKEY *
read_okp(const struct cJSON *json)
{
	unsigned char x[BASE64_SIZE(DIGITS_MAX)];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, x, ED25519_SIZE),
		OSSL_PARAM_construct_end(),
	};

	if (!is_curve(json, "Ed25519") ||
	    get_bytes(json, "x", x) != ED25519_SIZE)
		return NULL;
	return make_key("ED25519", params);
}

static const struct {
	const char *name; /* kty */
	EVP_PKEY *(*read)(const struct cJSON *json);
} kinds[JWK_KIND_COUNT] = {
	[JWK_RSA] = { "RSA", read_rsa },
	[JWK_EC] = { "EC", read_ec },
	[JWK_OKP] = { "OKP", read_okp },
};

/* JWK_KIND_COUNT if it is none of ours. */
static enum jwk_kind
get_kind(const struct cJSON *json)
{
	const char *name = json_string(json_get(json, "kty"));
	enum jwk_kind i;

	for (i = 0; i < JWK_KIND_COUNT; i++)
		if (name != NULL && strcmp(name, kinds[i].name) == 0)
			break;
	return i;
}

static bool
may_sign(const struct cJSON *json)
{
	const struct cJSON *use = json_get(json, "use");
	const char *text = json_string(use);

	return use == NULL || (text != NULL && strcmp(text, "sig") == 0);
}

static bool
has_operation(const struct cJSON *json)
{
	const struct cJSON *operations = json_get(json, "key_ops"), *each;

	for (each = json_first(operations); each != NULL;
	     each = json_next(each)) {
		const char *text = json_string(each);

		if (text != NULL && strcmp(text, "verify") == 0)
			return true;
	}
	return operations == NULL;
}

/* Its own algorithm, if it says one, has to be one of its kind's. */
static bool
read_algorithm(const struct cJSON *json, struct jwk *key)
{
	const struct cJSON *value = json_get(json, "alg");
	const char *name = json_string(value);

	key->only = name != NULL ? jwk_algorithm(name) : JWT_OTHER;
	return value == NULL || (key->only != JWT_OTHER &&
				    algorithms[key->only].kind == key->kind);
}

static bool
read_kid(const struct cJSON *json, struct jwk *key)
{
	const struct cJSON *value = json_get(json, "kid");
	const char *kid = json_string(value);

	if (value == NULL)
		return true;
	if (kid == NULL || !jwk_is_kid(kid))
		return false;
	key->kid = xstrdup(kid);
	return true;
}

bool
jwk_read(const struct cJSON *json, struct jwk *key)
{
	memset(key, 0, sizeof(*key));
	key->kind = get_kind(json);
	/* A private key that lies here is known to too many to be trusted. */
	if (key->kind == JWK_KIND_COUNT || json_get(json, "d") != NULL ||
	    !may_sign(json) || !has_operation(json) ||
	    !read_algorithm(json, key))
		return false;
	key->pkey = kinds[key->kind].read(json);
	if (key->pkey != NULL && read_kid(json, key))
		return true;
	jwk_clear(key);
	return false;
}

void
jwk_clear(struct jwk *key)
{
	free(key->kid);
	EVP_PKEY_free(key->pkey);
	memset(key, 0, sizeof(*key));
}

bool
jwk_may_verify(const struct jwk *key, enum jwt_algorithm algorithm)
{
	return algorithm < JWT_OTHER &&
	       algorithms[algorithm].kind == key->kind &&
	       (key->only == JWT_OTHER || key->only == algorithm);
}
