#include "auth/jwks.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "auth/jwk.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/escape.h"
#include "proxy/base/json.h"

/* What is shown of a key's id. */
#define KID_SHOWN 64

struct jwks {
	atomic_uint refs;
	size_t count;
	size_t skipped;
	struct jwk keys[]; /* as many as the set has room for */
};

static bool
is_same_kid(const char *a, const char *b)
{
	return a != NULL && b != NULL ? strcmp(a, b) == 0 : a == b;
}

/* Could one token be meant for either? */
static bool
is_rival(const struct jwk *a, const struct jwk *b)
{
	return a->kid != NULL && is_same_kid(a->kid, b->kid) &&
	       a->kind == b->kind &&
	       (a->only == b->only || a->only == JWT_OTHER ||
		   b->only == JWT_OTHER);
}

static const struct jwk *
find_rival(const struct jwks *keys, const struct jwk *key)
{
	size_t i;

	for (i = 0; i < keys->count; i++)
		if (is_rival(&keys->keys[i], key))
			return &keys->keys[i];
	return NULL;
}

/*
 * Two keys under one id are an error, since which of them counts would hang on
 * their order.  One key twice is not: some servers list a key once for each
 * file they found it in.
 */
static int
add(struct jwks *keys, const struct cJSON *json, struct err *err)
{
	struct jwk *key = &keys->keys[keys->count];
	const struct jwk *rival;
	char shown[KID_SHOWN];

	if (!jwk_read(json, key)) {
		keys->skipped++;
		return 0;
	}
	rival = find_rival(keys, key);
	if (rival == NULL) {
		keys->count++;
		return 0;
	}
	if (EVP_PKEY_eq(rival->pkey, key->pkey) == 1) {
		keys->skipped++;
		jwk_clear(key);
		return 0;
	}
	escape_quoted(shown, sizeof(shown), key->kid, strlen(key->kid));
	jwk_clear(key);
	return err_set(err, ERR_INVALID, "two keys with kid \"%s\"", shown);
}

static int
add_all(struct jwks *keys, const struct cJSON *list, struct err *err)
{
	const struct cJSON *each;

	for (each = json_first(list); each != NULL; each = json_next(each))
		if (add(keys, each, err) == -1)
			return -1;
	if (keys->count == 0)
		return err_set(err, ERR_INVALID,
		    "none of its %zu keys is of use: wanted are RSA of %d to "
		    "%d bits, EC P-256 and OKP Ed25519, public, for "
		    "signatures by RS256, PS256, ES256 or EdDSA",
		    keys->skipped, JWK_RSA_BITS_MIN, JWK_RSA_BITS_MAX);
	return 0;
}

/* NULL with `err`, too, if `document` has no list of keys. */
static struct jwks *
read_set(const struct cJSON *document, struct err *err)
{
	const struct cJSON *list = json_get(document, "keys");
	size_t count = json_count(list);
	struct jwks *keys;

	if (!json_is_array(list) || count > JWKS_KEYS_MAX) {
		err_set(err, ERR_INVALID,
		    json_is_array(list) ? "more than %d keys"
					: "no array \"keys\": no key set",
		    JWKS_KEYS_MAX);
		return NULL;
	}
	/* One of `count` at least, to be looked at before it is counted. */
	keys = xcalloc(1, sizeof(*keys) + (count + 1) * sizeof(keys->keys[0]));
	atomic_init(&keys->refs, 1);
	if (add_all(keys, list, err) == 0)
		return keys;
	jwks_unref(keys);
	return NULL;
}

struct jwks *
jwks_parse(const char *text, size_t len, struct err *err)
{
	struct cJSON *document;
	struct jwks *keys;

	if (len > JWKS_BYTES_MAX) {
		err_set(
		    err, ERR_INVALID, "larger than %zu bytes", JWKS_BYTES_MAX);
		return NULL;
	}
	document = json_parse(text, len, err);
	if (document == NULL)
		return NULL;
	/* What OpenSSL thinks of a bad key must not look like an error of the
	 * next connection on this thread. */
	ERR_set_mark();
	keys = read_set(document, err);
	ERR_pop_to_mark();
	json_free(document);
	return keys;
}

struct jwks *
jwks_ref(struct jwks *keys)
{
	atomic_fetch_add_explicit(&keys->refs, 1, memory_order_relaxed);
	return keys;
}

void
jwks_unref(struct jwks *keys)
{
	size_t i;

	if (keys == NULL || atomic_fetch_sub_explicit(
				&keys->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (i = 0; i < keys->count; i++)
		jwk_clear(&keys->keys[i]);
	free(keys);
}

size_t
jwks_count(const struct jwks *keys)
{
	return keys->count;
}

size_t
jwks_skipped(const struct jwks *keys)
{
	return keys->skipped;
}

EVP_PKEY *
jwks_find(
    const struct jwks *keys, const char *kid, enum jwt_algorithm algorithm)
{
	EVP_PKEY *found = NULL;
	size_t i;

	for (i = 0; i < keys->count; i++) {
		const struct jwk *key = &keys->keys[i];

		if (!jwk_may_verify(key, algorithm) ||
		    (kid != NULL && !is_same_kid(kid, key->kid)))
			continue;
		/* Without a kid: nobody can say which is meant. */
		if (found != NULL)
			return NULL;
		found = key->pkey;
	}
	return found;
}
