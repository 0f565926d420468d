#include "auth/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <openssl/crypto.h>

#include "auth/identity.h"
#include "proxy/base/alloc.h"

/* By a digest's first byte. */
#define BUCKETS 256

struct item {
	TAILQ_ENTRY(item) age;
	LIST_ENTRY(item) chain;
	unsigned char digest[AUTH_DIGEST_SIZE];
	struct auth_entry entry;
	size_t size;
	char detail[];
};

TAILQ_HEAD(item_list, item);

struct auth_cache {
	size_t count_max;
	size_t bytes_max;
	size_t count;
	size_t bytes;
	struct item_list ages; /* most recently used first */
	LIST_HEAD(, item) buckets[BUCKETS];
};

struct auth_cache *
auth_cache_new(size_t count_max, size_t bytes_max)
{
	struct auth_cache *cache = xcalloc(1, sizeof(*cache));

	cache->count_max = count_max;
	cache->bytes_max = bytes_max;
	cache->bytes = sizeof(*cache);
	TAILQ_INIT(&cache->ages);
	return cache;
}

static void
drop(struct auth_cache *cache, struct item *item)
{
	TAILQ_REMOVE(&cache->ages, item, age);
	LIST_REMOVE(item, chain);
	cache->count--;
	cache->bytes -= item->size;
	auth_identity_unref(item->entry.identity);
	free(item);
}

void
auth_cache_free(struct auth_cache *cache)
{
	if (cache == NULL)
		return;
	while (!TAILQ_EMPTY(&cache->ages))
		drop(cache, TAILQ_FIRST(&cache->ages));
	free(cache);
}

static struct item *
find(struct auth_cache *cache, const unsigned char *digest)
{
	struct item *item;

	LIST_FOREACH (item, &cache->buckets[digest[0]], chain)
		if (CRYPTO_memcmp(item->digest, digest, AUTH_DIGEST_SIZE) == 0)
			return item;
	return NULL;
}

void
auth_cache_put(struct auth_cache *cache,
    const unsigned char digest[AUTH_DIGEST_SIZE],
    const struct auth_entry *entry)
{
	size_t detail_size = strlen(entry->detail) + 1;
	struct item *item = xcalloc(1, sizeof(*item) + detail_size);
	struct item *old = find(cache, digest);

	item->size = sizeof(*item) + detail_size;
	memcpy(item->digest, digest, AUTH_DIGEST_SIZE);
	memcpy(item->detail, entry->detail, detail_size);
	item->entry = *entry;
	item->entry.detail = item->detail;
	if (entry->identity != NULL) {
		auth_identity_ref(entry->identity);
		item->size += auth_identity_size(entry->identity);
	}
	if (old != NULL)
		drop(cache, old);
	while (cache->count > 0 &&
	       (cache->count >= cache->count_max ||
		   cache->bytes + item->size > cache->bytes_max))
		drop(cache, TAILQ_LAST(&cache->ages, item_list));
	TAILQ_INSERT_HEAD(&cache->ages, item, age);
	LIST_INSERT_HEAD(&cache->buckets[digest[0]], item, chain);
	cache->count++;
	cache->bytes += item->size;
}

struct auth_entry *
auth_cache_find(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE])
{
	struct item *item = find(cache, digest);

	if (item == NULL)
		return NULL;
	TAILQ_REMOVE(&cache->ages, item, age);
	TAILQ_INSERT_HEAD(&cache->ages, item, age);
	return &item->entry;
}

void
auth_cache_drop(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE])
{
	struct item *item = find(cache, digest);

	if (item != NULL)
		drop(cache, item);
}

size_t
auth_cache_count(const struct auth_cache *cache)
{
	return cache->count;
}

size_t
auth_cache_size(const struct auth_cache *cache)
{
	return cache->bytes;
}
