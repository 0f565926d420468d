/*
 * Private to auth/: how the judges of a token say what is wrong with it.
 */
#ifndef AUTH_JWT_VERDICT_H
#define AUTH_JWT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/jwt.h"

/* What is shown of a text from a token; it may be cut. */
#define JWT_SHOWN 64

/* Always false, so callers can `return jwt_fail(...)`.  What is put into the
 * format is escaped already. */
bool jwt_fail(struct jwt_verdict *verdict, enum jwt_fault fault,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* `text` in quotes and escaped; returns `out`. */
const char *jwt_show(char out[JWT_SHOWN], const char *text);

#endif
