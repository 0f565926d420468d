#include "auth/jws.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "auth/base64.h"
#include "auth/jwk.h"
#include "auth/jwt_verdict.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/json.h"

#define SIGNATURE_MAX (JWK_RSA_BITS_MAX / 8)
#define SIGNATURE_DIGITS_MAX ((SIGNATURE_MAX * 4 + 2) / 3)

#define ES256_HALF 32 /* r and s are as long as that, RFC 7518 3.4 */
#define PS256_SALT 32 /* as long as the hash, RFC 7518 3.5 */

static const char *const part_names[JWS_PART_COUNT] = {
	[JWS_HEADER] = "header",
	[JWS_PAYLOAD] = "payload",
	[JWS_SIGNATURE] = "signature",
};

bool
jws_split(struct jws *jws, const char *token, struct jwt_verdict *verdict)
{
	size_t i;

	memset(jws, 0, sizeof(*jws));
	if (strnlen(token, JWT_BYTES_MAX + 1) > JWT_BYTES_MAX)
		return jwt_fail(verdict, JWT_TOO_LONG,
		    "the token is longer than %d bytes", JWT_BYTES_MAX);
	for (i = 0; i < JWS_PART_COUNT; i++) {
		bool is_last = i == JWS_PART_COUNT - 1;

		jws->parts[i] = token;
		jws->lens[i] = strcspn(token, ".");
		token += jws->lens[i];
		if (*token != (is_last ? '\0' : '.'))
			return jwt_fail(verdict, JWT_NOT_JWT,
			    "the token has not three parts");
		if (!is_last)
			token++;
	}
	return true;
}

struct cJSON *
jws_read_part(
    const struct jws *jws, enum jws_part part, struct jwt_verdict *verdict)
{
	char *text = xmalloc(BASE64_SIZE(jws->lens[part]));
	int len =
	    base64_decode(BASE64_URL, text, jws->parts[part], jws->lens[part]);
	struct cJSON *object = NULL;
	struct err err;

	if (len == -1) {
		jwt_fail(verdict, JWT_BAD_BASE64,
		    "the %s is not base64url without padding",
		    part_names[part]);
		free(text);
		return NULL;
	}
	object = json_parse(text, (size_t)len, &err);
	free(text);
	if (object == NULL)
		jwt_fail(verdict, JWT_BAD_JSON, "the %s is not good JSON: %s",
		    part_names[part], err.text);
	else if (!json_is_object(object)) {
		jwt_fail(verdict, JWT_BAD_JSON, "the %s is no JSON object",
		    part_names[part]);
		json_free(object);
		object = NULL;
	}
	return object;
}

/*
 * `crit` names extensions, of which we have none (RFC 7515 4.1.11), b64 is one
 * of them (RFC 7797); by the others a token would bring its own key (RFC 8725
 * 3.10).  No honest issuer needs them here, so they are refused, not passed
 * over.
 */
static bool
check_refused(const struct cJSON *header, struct jwt_verdict *verdict)
{
	static const char *const refused[] = { "crit", "b64", "jku", "jwk",
		"x5u", "x5c" };
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (json_get(header, refused[i]) != NULL)
			return jwt_fail(verdict, JWT_BAD_HEADER,
			    "the header has \"%s\"", refused[i]);
	return true;
}

/* A media type, so in any case, and "application/" may be left out (RFC 7515
 * 4.1.9).  RFC 9068 gives access tokens a type of their own. */
static bool
check_type(const struct cJSON *header, struct jwt_verdict *verdict)
{
	static const char prefix[] = "application/";
	const struct cJSON *value = json_get(header, "typ");
	const char *type = json_string(value);
	char shown[JWT_SHOWN];

	if (value == NULL)
		return true;
	if (type == NULL)
		return jwt_fail(
		    verdict, JWT_BAD_HEADER, "\"typ\" is no string");
	if (strncasecmp(type, prefix, strlen(prefix)) == 0)
		type += strlen(prefix);
	if (strcasecmp(type, "JWT") == 0 || strcasecmp(type, "at+jwt") == 0)
		return true;
	return jwt_fail(verdict, JWT_BAD_HEADER,
	    "the type is %s, wanted JWT or at+jwt", jwt_show(shown, type));
}

static bool
read_algorithm(struct jws *jws, struct jwt_verdict *verdict)
{
	const char *name = json_string(json_get(jws->header, "alg"));
	char shown[JWT_SHOWN];

	jws->algorithm = name != NULL ? jwk_algorithm(name) : JWT_OTHER;
	if (jws->algorithm != JWT_OTHER)
		return true;
	return jwt_fail(verdict, JWT_BAD_ALGORITHM,
	    "the algorithm is %s, wanted RS256, PS256, ES256 or EdDSA",
	    name != NULL ? jwt_show(shown, name) : "not given");
}

static bool
read_kid(struct jws *jws, struct jwt_verdict *verdict)
{
	const struct cJSON *value = json_get(jws->header, "kid");

	jws->kid = json_string(value);
	if (value == NULL || (jws->kid != NULL && jwk_is_kid(jws->kid)))
		return true;
	return jwt_fail(verdict, JWT_BAD_HEADER,
	    "\"kid\" is not 1 to %d printable bytes", JWK_KID_MAX);
}

bool
jws_read_header(struct jws *jws, struct jwt_verdict *verdict)
{
	jws->header = jws_read_part(jws, JWS_HEADER, verdict);
	return jws->header != NULL && read_algorithm(jws, verdict) &&
	       check_refused(jws->header, verdict) &&
	       check_type(jws->header, verdict) && read_kid(jws, verdict);
}

/* r and s, side by side, as OpenSSL wants them; the length, or -1. */
static int
make_der(const unsigned char *halves, unsigned char **der)
{
	ECDSA_SIG *pair = xrequire(ECDSA_SIG_new());
	BIGNUM *r = xrequire(BN_bin2bn(halves, ES256_HALF, NULL));
	BIGNUM *s = xrequire(BN_bin2bn(halves + ES256_HALF, ES256_HALF, NULL));
	int len;

	ECDSA_SIG_set0(pair, r, s);
	*der = NULL;
	len = i2d_ECDSA_SIG(pair, der);
	ECDSA_SIG_free(pair);
	return len;
}

static bool
set_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, PS256_SALT) == 1;
}

static bool
is_signed(const struct jws *jws, EVP_PKEY *pkey, const unsigned char *signature,
    size_t len)
{
	const unsigned char *text = (const unsigned char *)jws->parts[0];
	size_t text_len =
	    jws->lens[JWS_HEADER] + 1 + jws->lens[JWS_PAYLOAD]; /* a dot */
	EVP_MD_CTX *md = xrequire(EVP_MD_CTX_new());
	EVP_PKEY_CTX *ctx; /* md's */
	bool is_good;

	/* Ed25519 hashes by itself. */
	is_good = EVP_DigestVerifyInit(md, &ctx,
		      jws->algorithm == JWT_EDDSA ? NULL : EVP_sha256(), NULL,
		      pkey) == 1 &&
		  (jws->algorithm != JWT_PS256 || set_pss(ctx)) &&
		  EVP_DigestVerify(md, signature, len, text, text_len) == 1;
	EVP_MD_CTX_free(md);
	return is_good;
}

/* Exactly as long as its algorithm and key have it. */
static bool
is_good_signature(const struct jws *jws, EVP_PKEY *pkey,
    const unsigned char *signature, size_t len)
{
	unsigned char *der;
	int der_len;
	bool is_good;

	if (jws->algorithm != JWT_ES256)
		return len == (size_t)EVP_PKEY_get_size(pkey) &&
		       is_signed(jws, pkey, signature, len);
	if (len != (size_t)2 * ES256_HALF)
		return false;
	der_len = make_der(signature, &der);
	is_good = der_len > 0 && is_signed(jws, pkey, der, (size_t)der_len);
	OPENSSL_free(der);
	return is_good;
}

static EVP_PKEY *
find_key(
    const struct jws *jws, const struct jwks *keys, struct jwt_verdict *verdict)
{
	const char *algorithm = jwk_algorithm_name(jws->algorithm);
	EVP_PKEY *pkey;
	char shown[JWT_SHOWN];

	if (keys == NULL) {
		jwt_fail(verdict, JWT_UNKNOWN_KEY, "no key set is at hand");
		return NULL;
	}
	pkey = jwks_find(keys, jws->kid, jws->algorithm);
	if (pkey == NULL && jws->kid != NULL)
		jwt_fail(verdict, JWT_UNKNOWN_KEY,
		    "no key for %s with kid %s in the key set", algorithm,
		    jwt_show(shown, jws->kid));
	else if (pkey == NULL)
		jwt_fail(verdict, JWT_UNKNOWN_KEY,
		    "the token has no kid, and the key set not exactly one "
		    "key for %s",
		    algorithm);
	return pkey;
}

bool
jws_verify(
    const struct jws *jws, const struct jwks *keys, struct jwt_verdict *verdict)
{
	unsigned char signature[BASE64_SIZE(SIGNATURE_DIGITS_MAX)];
	EVP_PKEY *pkey = find_key(jws, keys, verdict);
	size_t digits = jws->lens[JWS_SIGNATURE];
	bool is_good;
	int len;

	if (pkey == NULL)
		return false;
	if (digits > SIGNATURE_DIGITS_MAX)
		return jwt_fail(
		    verdict, JWT_BAD_SIGNATURE, "the signature is too long");
	len = base64_decode(
	    BASE64_URL, signature, jws->parts[JWS_SIGNATURE], digits);
	if (len == -1)
		return jwt_fail(verdict, JWT_BAD_BASE64,
		    "the %s is not base64url without padding",
		    part_names[JWS_SIGNATURE]);
	/* What OpenSSL thinks of it must not look like an error of the next
	 * connection on this thread. */
	ERR_set_mark();
	is_good = is_good_signature(jws, pkey, signature, (size_t)len);
	ERR_pop_to_mark();
	return is_good || jwt_fail(verdict, JWT_BAD_SIGNATURE,
			      "the signature does not fit the key");
}

void
jws_close(struct jws *jws)
{
	json_free(jws->header);
}
