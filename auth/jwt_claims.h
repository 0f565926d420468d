/*
 * Private to auth/: what a token says (RFC 7519 4.1), once its signature is
 * good.  Pure.
 */
#ifndef AUTH_JWT_CLAIMS_H
#define AUTH_JWT_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

struct cJSON;
struct conf_jwt;
struct jwt_verdict;

/* Sets identity and expires_s, or is false with fault and detail. */
bool jwt_claims_judge(const struct cJSON *payload, const struct conf_jwt *conf,
    int64_t now_s, struct jwt_verdict *verdict);

/* Its `exp`, whole seconds; false if it has none that is good. */
bool jwt_claims_expiry(const struct cJSON *payload, int64_t *expires_s);

#endif
