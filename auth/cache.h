/*
 * Verdicts remembered by the digest of what they are about: bounded in number
 * and bytes, the least recently used one makes room.
 *
 * What is good and what is bad go to two caches, so that no number of failures
 * pushes out what is good.  An entry outlives its time: that it was good once
 * tells a scraper whose login is due again from one who guesses.
 *
 * Any thread: all workers share what is known.
 */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "auth/digest.h"

struct auth_cache;
struct auth_identity;

struct auth_entry {
	/* NULL: what is remembered is not who it is; so of all that is bad, and
	 * of what may be accessed. */
	struct auth_identity *identity;
	uint64_t until_us;       /* monotonic; holds before */
	uint64_t end_us;         /* the same, but for what grace was added */
	enum auth_method method; /* of what is bad */
	const char *detail;      /* likewise; else "" */
};

struct auth_cache *auth_cache_new(size_t count_max, size_t bytes_max);
void auth_cache_free(struct auth_cache *cache); /* NULL is fine */

/* In the place of what it had of that digest, of which the end_us is returned,
 * or 0; copies, and takes a reference of its own. */
uint64_t auth_cache_put(struct auth_cache *cache,
    const unsigned char digest[AUTH_DIGEST_SIZE],
    const struct auth_entry *entry);

/* Lets it hold for `step_us` from now, but not longer than for `grace_us` after
 * its end_us, and not after `limit_us`.  False if it is not there, or if that
 * is over. */
bool auth_cache_extend(struct auth_cache *cache,
    const unsigned char digest[AUTH_DIGEST_SIZE], uint64_t now_us,
    uint64_t step_us, uint64_t grace_us, uint64_t limit_us);

/*
 * False if it is not there.  A copy of it, with a reference for the caller to
 * unref, and `detail`, where its words are put.  Also makes it the most
 * recently used.
 */
bool auth_cache_find(struct auth_cache *cache,
    const unsigned char digest[AUTH_DIGEST_SIZE], struct auth_entry *entry,
    char detail[AUTH_DETAIL_SIZE]);

/* The same, for who wants to know no more. */
bool auth_cache_has(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE]);

/* Nothing if it is not there. */
void auth_cache_drop(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE]);

size_t auth_cache_count(struct auth_cache *cache);
size_t auth_cache_size(struct auth_cache *cache); /* bytes */

#endif
