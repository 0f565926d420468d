#include "auth/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <openssl/crypto.h>

#include "proxy/base/alloc.h"

/* By a digest's first byte: as many as there may be entries. */
#define BUCKETS 256

struct entry {
	TAILQ_ENTRY(entry) age;
	LIST_ENTRY(entry) chain;
	unsigned char digest[AUTH_DIGEST_SIZE];
};

TAILQ_HEAD(entry_list, entry);

struct auth_cache {
	size_t count;
	struct entry_list ages; /* most recently used first */
	LIST_HEAD(, entry) buckets[BUCKETS];
};

struct auth_cache *
auth_cache_new(void)
{
	struct auth_cache *cache = xcalloc(1, sizeof(*cache));

	TAILQ_INIT(&cache->ages);
	return cache;
}

void
auth_cache_free(struct auth_cache *cache)
{
	struct entry *entry;

	if (cache == NULL)
		return;
	while ((entry = TAILQ_FIRST(&cache->ages)) != NULL) {
		TAILQ_REMOVE(&cache->ages, entry, age);
		free(entry);
	}
	free(cache);
}

static struct entry *
find(struct auth_cache *cache, const unsigned char *digest)
{
	struct entry *entry;

	LIST_FOREACH (entry, &cache->buckets[digest[0]], chain)
		if (CRYPTO_memcmp(entry->digest, digest, AUTH_DIGEST_SIZE) == 0)
			return entry;
	return NULL;
}

/* A new one, or the oldest, which then is in no list. */
static struct entry *
take_entry(struct auth_cache *cache)
{
	struct entry *oldest;

	if (cache->count < AUTH_CACHE_MAX) {
		cache->count++;
		return xcalloc(1, sizeof(*oldest));
	}
	oldest = TAILQ_LAST(&cache->ages, entry_list);
	TAILQ_REMOVE(&cache->ages, oldest, age);
	LIST_REMOVE(oldest, chain);
	return oldest;
}

void
auth_cache_put(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE])
{
	struct entry *entry;

	if (auth_cache_has(cache, digest))
		return;
	entry = take_entry(cache);
	memcpy(entry->digest, digest, AUTH_DIGEST_SIZE);
	TAILQ_INSERT_HEAD(&cache->ages, entry, age);
	LIST_INSERT_HEAD(&cache->buckets[digest[0]], entry, chain);
}

bool
auth_cache_has(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE])
{
	struct entry *entry = find(cache, digest);

	if (entry == NULL)
		return false;
	TAILQ_REMOVE(&cache->ages, entry, age);
	TAILQ_INSERT_HEAD(&cache->ages, entry, age);
	return true;
}

size_t
auth_cache_count(const struct auth_cache *cache)
{
	return cache->count;
}
