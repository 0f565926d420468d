/*
 * A key set (RFC 7517) as it is used here: public keys that verify RS256,
 * PS256, ES256 or EdDSA (Ed25519), by their `kid`.
 *
 * Pure; immutable once parsed, and counted, so any thread may keep one.  Keys
 * that are of no use to us (another `use`, an `alg` or curve we do not have,
 * symmetric or weak ones) are left out and counted, as RFC 7517 5 wants it; a
 * set that is no set, or without a single usable key, is an error.  So are two
 * different keys for which a kid stands; the same key twice is one.
 */
#ifndef AUTH_JWKS_H
#define AUTH_JWKS_H

#include <stddef.h>

#include <openssl/types.h>

struct err;
struct jwks;

#define JWKS_KEYS_MAX 64
#define JWKS_BYTES_MAX ((size_t)256 * 1024)

enum jwt_algorithm { JWT_RS256, JWT_PS256, JWT_ES256, JWT_EDDSA, JWT_OTHER };

/* NULL with `err`, which says where it is wrong. */
struct jwks *jwks_parse(const char *text, size_t len, struct err *err);
struct jwks *jwks_ref(struct jwks *keys);
void jwks_unref(struct jwks *keys); /* NULL is fine */

size_t jwks_count(const struct jwks *keys);
size_t jwks_skipped(const struct jwks *keys);

/*
 * The key for a token's `kid` (NULL: it has none, then only a set with a single
 * key of that kind will do) and algorithm; a key is never used with another
 * algorithm than its kind's, or than its own `alg` says (RFC 8725 3.1).
 * Borrowed; NULL if there is none.
 */
EVP_PKEY *jwks_find(
    const struct jwks *keys, const char *kid, enum jwt_algorithm algorithm);

#endif
