/*
 * Who a scraper is: what a method found out, and until when that holds.
 *
 * Immutable and counted, so any thread may keep one.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"

/* More and longer ones than these fail the login rather than be cut. */
#define AUTH_USER_MAX 512
#define AUTH_GROUPS_MAX 256
#define AUTH_GROUPS_BYTES_MAX 16384

struct auth_identity;
struct conf_identity_headers;

/* Copies.  `groups` may be NULL if there are none. */
struct auth_identity *auth_identity_new(enum auth_method method,
    const char *user, const char *const *groups, size_t group_count);
struct auth_identity *auth_identity_ref(struct auth_identity *identity);
void auth_identity_unref(struct auth_identity *identity); /* NULL is fine */

enum auth_method auth_identity_method(const struct auth_identity *identity);
const char *auth_identity_user(const struct auth_identity *identity);
size_t auth_identity_group_count(const struct auth_identity *identity);
const char *auth_identity_group(
    const struct auth_identity *identity, size_t index);

/* A digest of user, groups and method, in hex: what else is remembered of an
 * identity is found by it. */
const char *auth_identity_tag(const struct auth_identity *identity);

/*
 * The header lines that tell an exporter who asks: "X-Remote-User: ann" and, of
 * one that has groups, "X-Remote-Groups: a|b", each ended by a newline.  Bytes
 * that are not visible ASCII, the separator and '%' are percent-encoded, so a
 * name cannot become two.  malloc'd; NULL if nobody had to say who he is, or
 * that is not configured.
 */
char *auth_identity_headers(const struct auth_identity *identity,
    const struct conf_identity_headers *conf);

/* The memory it takes, for caches bounded by bytes. */
size_t auth_identity_size(const struct auth_identity *identity);

#endif
