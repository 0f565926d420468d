/*
 * Private to auth/: the signed envelope of a token (RFC 7515, compact form).
 * All of it comes before anything in the payload is looked at.
 */
#ifndef AUTH_JWS_H
#define AUTH_JWS_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/jwks.h"

struct cJSON;
struct jwt_verdict;

enum jws_part { JWS_HEADER, JWS_PAYLOAD, JWS_SIGNATURE, JWS_PART_COUNT };

/* Points into the token. */
struct jws {
	const char *parts[JWS_PART_COUNT];
	size_t lens[JWS_PART_COUNT];
	struct cJSON *header;
	enum jwt_algorithm algorithm;
	const char *kid; /* the header's; NULL: it has none */
};

/* Each is false, or NULL, with fault and detail. */
bool jws_split(struct jws *jws, const char *token, struct jwt_verdict *verdict);
bool jws_read_header(struct jws *jws, struct jwt_verdict *verdict);
bool jws_verify(const struct jws *jws, const struct jwks *keys,
    struct jwt_verdict *verdict);

/* A JSON object, for json_free(). */
struct cJSON *jws_read_part(
    const struct jws *jws, enum jws_part part, struct jwt_verdict *verdict);

/* After jws_split(). */
void jws_close(struct jws *jws);

#endif
