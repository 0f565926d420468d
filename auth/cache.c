#include "auth/cache.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <openssl/crypto.h>

#include "auth/identity.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

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
	pthread_mutex_t lock; /* of all below */
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
	pthread_mutex_init(&cache->lock, NULL);
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
	pthread_mutex_destroy(&cache->lock);
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

static struct item *
make_item(const unsigned char *digest, const struct auth_entry *entry)
{
	size_t detail_size = strlen(entry->detail) + 1;
	struct item *item = xcalloc(1, sizeof(*item) + detail_size);

	item->size = sizeof(*item) + detail_size;
	memcpy(item->digest, digest, AUTH_DIGEST_SIZE);
	memcpy(item->detail, entry->detail, detail_size);
	item->entry = *entry;
	item->entry.detail = item->detail;
	if (entry->identity != NULL) {
		auth_identity_ref(entry->identity);
		item->size += auth_identity_size(entry->identity);
	}
	return item;
}

static uint64_t
put(struct auth_cache *cache, struct item *item)
{
	struct item *old = find(cache, item->digest);
	uint64_t before_us = 0;

	if (old != NULL) {
		before_us = old->entry.end_us;
		drop(cache, old);
	}
	while (cache->count > 0 &&
	       (cache->count >= cache->count_max ||
		   cache->bytes + item->size > cache->bytes_max))
		drop(cache, TAILQ_LAST(&cache->ages, item_list));
	TAILQ_INSERT_HEAD(&cache->ages, item, age);
	LIST_INSERT_HEAD(&cache->buckets[item->digest[0]], item, chain);
	cache->count++;
	cache->bytes += item->size;
	return before_us;
}

uint64_t
auth_cache_put(struct auth_cache *cache,
    const unsigned char digest[AUTH_DIGEST_SIZE],
    const struct auth_entry *entry)
{
	struct item *item = make_item(digest, entry);
	uint64_t before_us;

	pthread_mutex_lock(&cache->lock);
	before_us = put(cache, item);
	pthread_mutex_unlock(&cache->lock);
	return before_us;
}

/* Finds it to be used. */
static struct item *
use(struct auth_cache *cache, const unsigned char *digest)
{
	struct item *item = find(cache, digest);

	if (item != NULL) {
		TAILQ_REMOVE(&cache->ages, item, age);
		TAILQ_INSERT_HEAD(&cache->ages, item, age);
	}
	return item;
}

static void
copy_entry(const struct item *item, struct auth_entry *entry, char *detail)
{
	*entry = item->entry;
	if (entry->identity != NULL)
		auth_identity_ref(entry->identity);
	snprintf(detail, AUTH_DETAIL_SIZE, "%s", item->detail);
	entry->detail = detail;
}

bool
auth_cache_find(struct auth_cache *cache,
    const unsigned char digest[AUTH_DIGEST_SIZE], struct auth_entry *entry,
    char detail[AUTH_DETAIL_SIZE])
{
	struct item *item;

	pthread_mutex_lock(&cache->lock);
	item = use(cache, digest);
	if (item != NULL)
		copy_entry(item, entry, detail);
	pthread_mutex_unlock(&cache->lock);
	return item != NULL;
}

bool
auth_cache_has(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE])
{
	bool is_there;

	pthread_mutex_lock(&cache->lock);
	is_there = use(cache, digest) != NULL;
	pthread_mutex_unlock(&cache->lock);
	return is_there;
}

bool
auth_cache_extend(struct auth_cache *cache,
    const unsigned char digest[AUTH_DIGEST_SIZE], uint64_t now_us,
    uint64_t step_us, uint64_t grace_us, uint64_t limit_us)
{
	struct auth_entry *entry;
	struct item *item;
	bool holds = false;

	pthread_mutex_lock(&cache->lock);
	item = use(cache, digest);
	if (item != NULL) {
		entry = &item->entry;
		limit_us = clock_earlier(
		    limit_us, clock_later(entry->end_us, grace_us));
		holds = now_us < limit_us;
		/* Another worker may just have asked, and knows better. */
		if (holds && entry->until_us <= now_us)
			entry->until_us = clock_earlier(
			    clock_later(now_us, step_us), limit_us);
	}
	pthread_mutex_unlock(&cache->lock);
	return holds;
}

void
auth_cache_drop(
    struct auth_cache *cache, const unsigned char digest[AUTH_DIGEST_SIZE])
{
	struct item *item;

	pthread_mutex_lock(&cache->lock);
	item = find(cache, digest);
	if (item != NULL)
		drop(cache, item);
	pthread_mutex_unlock(&cache->lock);
}

size_t
auth_cache_count(struct auth_cache *cache)
{
	size_t count;

	pthread_mutex_lock(&cache->lock);
	count = cache->count;
	pthread_mutex_unlock(&cache->lock);
	return count;
}

size_t
auth_cache_size(struct auth_cache *cache)
{
	size_t bytes;

	pthread_mutex_lock(&cache->lock);
	bytes = cache->bytes;
	pthread_mutex_unlock(&cache->lock);
	return bytes;
}
