#include "proxy/diagnosis/baselines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "conf/target.h"
#include "proxy/base/alloc.h"
#include "proxy/base/hash.h"
#include "proxy/diagnosis/baseline.h"

#define SLOTS 256

struct page {
	LIST_ENTRY(page) link;
	char *name;
	struct baseline *baseline;
};

/* Two with one hash share it: nobody can seek such a pair. */
struct query_page {
	TAILQ_ENTRY(query_page) age;
	LIST_ENTRY(query_page) slot;
	uint64_t hash; /* of the target's name and the query */
	struct baseline *baseline;
};

struct baselines {
	LIST_HEAD(, page) pages;
	TAILQ_HEAD(query_list, query_page) queries; /* the most recent first */
	LIST_HEAD(, query_page) slots[SLOTS];
	size_t query_count;
	uint64_t key[2];
};

struct baselines *
baselines_new(void)
{
	struct baselines *baselines = xcalloc(1, sizeof(*baselines));

	LIST_INIT(&baselines->pages);
	TAILQ_INIT(&baselines->queries);
	/* A weak key only makes it slow. */
	if (getrandom(baselines->key, sizeof(baselines->key), GRND_NONBLOCK) ==
	    -1)
		baselines->key[0] = (uintptr_t)baselines;
	return baselines;
}

static void
tear_out(struct page *page)
{
	LIST_REMOVE(page, link);
	free(page->name);
	free(page->baseline);
	free(page);
}

static void
forget_oldest(struct baselines *baselines)
{
	struct query_page *page = TAILQ_LAST(&baselines->queries, query_list);

	TAILQ_REMOVE(&baselines->queries, page, age);
	LIST_REMOVE(page, slot);
	free(page->baseline);
	free(page);
	baselines->query_count--;
}

void
baselines_free(struct baselines *baselines)
{
	struct page *page;

	if (baselines == NULL)
		return;
	while ((page = LIST_FIRST(&baselines->pages)) != NULL)
		tear_out(page);
	while (baselines->query_count > 0)
		forget_oldest(baselines);
	free(baselines);
}

/* The queries of a target that has gone grow old by themselves. */
void
baselines_switch(struct baselines *baselines, const struct conf *conf)
{
	struct page *page, *next;

	for (page = LIST_FIRST(&baselines->pages); page != NULL; page = next) {
		next = LIST_NEXT(page, link);
		if (conf_find_index(conf, page->name) == -1)
			tear_out(page);
	}
}

static struct baseline *
of_target(struct baselines *baselines, const char *target)
{
	struct page *page;

	LIST_FOREACH (page, &baselines->pages, link)
		if (strcmp(page->name, target) == 0)
			return page->baseline;
	page = xcalloc(1, sizeof(*page));
	page->name = xstrdup(target);
	page->baseline = baseline_new(MEASURE_COUNT);
	LIST_INSERT_HEAD(&baselines->pages, page, link);
	return page->baseline;
}

static struct query_page *
find_query(struct baselines *baselines, uint64_t hash)
{
	struct query_page *page;

	LIST_FOREACH (page, &baselines->slots[hash % SLOTS], slot)
		if (page->hash == hash)
			return page;
	return NULL;
}

static struct query_page *
begin_query(struct baselines *baselines, uint64_t hash)
{
	struct query_page *page = xcalloc(1, sizeof(*page));

	if (baselines->query_count == BASELINES_QUERIES)
		forget_oldest(baselines);
	baselines->query_count++;
	page->hash = hash;
	page->baseline = baseline_new(MEASURE_OF_QUERY);
	LIST_INSERT_HEAD(&baselines->slots[hash % SLOTS], page, slot);
	TAILQ_INSERT_HEAD(&baselines->queries, page, age);
	return page;
}

struct baseline *
baselines_of(struct baselines *baselines, const char *target, const char *query)
{
	uint64_t part, hash;
	struct query_page *page;

	if (query == NULL)
		return of_target(baselines, target);
	part = hash_keyed(baselines->key, target, strlen(target));
	hash = part ^ hash_keyed(baselines->key, query, strlen(query));
	page = find_query(baselines, hash);
	if (page == NULL)
		return begin_query(baselines, hash)->baseline;
	TAILQ_REMOVE(&baselines->queries, page, age);
	TAILQ_INSERT_HEAD(&baselines->queries, page, age);
	return page->baseline;
}

size_t
baselines_queries(const struct baselines *baselines)
{
	return baselines->query_count;
}
