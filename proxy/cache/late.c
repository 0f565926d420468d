#include "proxy/cache/late.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "conf/conf.h"
#include "conf/target.h"
#include "conf/multiple.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

struct page {
	LIST_ENTRY(page) link;
	char *name;
	bool has_gone_on;     /* in this incident */
	bool is_going_on;     /* at present */
	struct lateness last; /* of this incident */
};

struct late_book {
	LIST_HEAD(, page) pages; /* targets that have run out of time */
};

struct late_book *
late_book_new(void)
{
	struct late_book *book = xcalloc(1, sizeof(*book));

	LIST_INIT(&book->pages);
	return book;
}

static void
free_page(struct page *page)
{
	free(page->name);
	free(page);
}

static void
tear_out(struct page *page)
{
	LIST_REMOVE(page, link);
	free_page(page);
}

void
late_book_free(struct late_book *book)
{
	struct page *page, *next;

	if (book == NULL)
		return;
	for (page = LIST_FIRST(&book->pages); page != NULL; page = next) {
		next = LIST_NEXT(page, link);
		free_page(page);
	}
	free(book);
}

void
late_book_switch(struct late_book *book, const struct conf *conf)
{
	struct page *page, *next;

	for (page = LIST_FIRST(&book->pages); page != NULL; page = next) {
		next = LIST_NEXT(page, link);
		if (!page->is_going_on &&
		    conf_find_index(conf, page->name) == -1)
			tear_out(page);
	}
}

static struct page *
find_page(const struct late_book *book, const struct conf_target *target)
{
	struct page *page;

	LIST_FOREACH (page, &book->pages, link)
		if (strcmp(page->name, target->name) == 0)
			return page;
	return NULL;
}

static struct page *
open_page(struct late_book *book, const struct conf_target *target)
{
	struct page *page = find_page(book, target);

	if (page == NULL) {
		page = xcalloc(1, sizeof(*page));
		page->name = xstrdup(target->name);
		LIST_INSERT_HEAD(&book->pages, page, link);
	}
	return page;
}

void
late_good(struct late_book *book, const struct conf_target *target)
{
	struct page *page = find_page(book, target);

	if (page == NULL)
		return;
	page->has_gone_on = false;
	page->last.end = LATE_NOT;
	if (!page->is_going_on)
		tear_out(page);
}

/* Where nobody answers at all, more time would teach nothing. */
static bool
has_connected(enum reason reason)
{
	return reason == REASON_TIMEOUT_TLS ||
	       reason == REASON_TIMEOUT_HEADERS ||
	       reason == REASON_TIMEOUT_BODY;
}

uint64_t
late_begin(struct late_book *book, const struct conf_target *target,
    enum reason reason, uint64_t started_us, int64_t timeout_ms)
{
	int64_t ms = conf_multiple_of(target->late_finish, timeout_ms);
	uint64_t until_us = started_us + (uint64_t)ms * 1000;
	struct page *page;

	if (!has_connected(reason) || until_us <= clock_now_us())
		return 0;
	page = open_page(book, target);
	if (page->has_gone_on || page->is_going_on)
		return 0;
	page->has_gone_on = page->is_going_on = true;
	return until_us;
}

void
late_end(struct late_book *book, const struct conf_target *target,
    const struct lateness *lateness)
{
	struct page *page = find_page(book, target);

	page->is_going_on = false;
	/* An incident that ended meanwhile takes it with it. */
	if (page->has_gone_on)
		page->last = *lateness;
	else
		tear_out(page);
}

const struct lateness *
late_last(const struct late_book *book, const struct conf_target *target)
{
	const struct page *page = find_page(book, target);

	return page == NULL || page->last.end == LATE_NOT ? NULL : &page->last;
}
