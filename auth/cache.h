/*
 * Credentials that were right, remembered by their digest; the least recently
 * used one makes room.  Failures are never kept: they could push out what is
 * good.  One thread's own.
 */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/digest.h"

#define AUTH_CACHE_MAX 256

struct auth_cache;

struct auth_cache *auth_cache_new(void);
void auth_cache_free(struct auth_cache *cache);

void auth_cache_put(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE]);

/* Also makes it the most recently used. */
bool auth_cache_has(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE]);

size_t auth_cache_count(const struct auth_cache *cache);

#endif
