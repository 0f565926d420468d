/*
 * Reading expositions on their way: each answer of a scrape is scanned as it
 * arrives, once, by one of a few scanners that go from attempt to attempt.
 * What has to be known from scrape to scrape, which series a target had, is
 * kept apart from them, one memory per target.
 *
 * Lives on the fetch thread.  Two attempts of one target at a time do not
 * disturb each other: the memory goes to the first, and only to the key (query
 * and Accept) that comes most, as others show other series.
 *
 * Bounded: an eighth of memory_budget for all memories together, and 64 KB for
 * the series of each attempt that has none.  What a scanner needs for families
 * and for an unfinished line (PARSE_ENTRY_MAX) comes on top.
 */
#ifndef PROXY_FETCH_INSPECT_H
#define PROXY_FETCH_INSPECT_H

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct conf_target;
struct content_verdict;
struct inspection;
struct inspector;
struct scanner_result;

/* Shared by all attempts. */
struct inspector *inspector_new(void);
void inspector_free(struct inspector *inspector);

/* The targets in force: those that stay, by name, keep their memory. */
void inspector_switch(struct inspector *inspector, const struct conf *conf);

/*
 * Of one attempt; NULL if its target says validate: off.  `query` and `accept`
 * are those of the key; nothing is kept of them.
 */
struct inspection *inspection_new(struct inspector *inspector,
    const struct conf_target *target, const char *query, const char *accept);
void inspection_free(struct inspection *inspection); /* NULL is fine */

/* A redirect or a retry: what came so far was not it.  NULL is fine. */
void inspection_reset(struct inspection *inspection);

/* The head: NULL without a Content-Type. */
bool inspection_has_begun(const struct inspection *inspection);
void inspection_begin(struct inspection *inspection, const char *content_type);

/* The body, inflated. */
void inspection_feed(
    struct inspection *inspection, const char *bytes, size_t len);

/*
 * Its end.  Both are valid as long as the inspection; *content is what was
 * said of the Content-Type.
 */
const struct scanner_result *inspection_end(
    struct inspection *inspection, const struct content_verdict **content);

#endif
