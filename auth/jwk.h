/*
 * Private to auth/: one JSON Web Key (RFC 7517, 7518 6, 8037 2), and which
 * algorithms go with which kind.
 */
#ifndef AUTH_JWK_H
#define AUTH_JWK_H

#include <stdbool.h>

#include "auth/jwks.h"

struct cJSON;

/* Longest `kid`, of a key and of a token. */
#define JWK_KID_MAX 256

#define JWK_RSA_BITS_MIN 2048
#define JWK_RSA_BITS_MAX 4096

enum jwk_kind { JWK_RSA, JWK_EC, JWK_OKP, JWK_KIND_COUNT };

struct jwk {
	char *kid; /* NULL: it has none */
	enum jwk_kind kind;
	enum jwt_algorithm only; /* its `alg`; JWT_OTHER: any of its kind's */
	EVP_PKEY *pkey;
};

/* By the exact name; JWT_OTHER if it is none of ours. */
enum jwt_algorithm jwk_algorithm(const char *name);
const char *jwk_algorithm_name(enum jwt_algorithm algorithm); /* "RS256" */

/* What may stand as `kid`: 1 to JWK_KID_MAX bytes of printable ASCII. */
bool jwk_is_kid(const char *text);

/* False: of no use to us, and nothing to clear. */
bool jwk_read(const struct cJSON *json, struct jwk *key);
void jwk_clear(struct jwk *key);

bool jwk_may_verify(const struct jwk *key, enum jwt_algorithm algorithm);

#endif
