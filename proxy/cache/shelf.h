/*
 * A worker's own view of the answers that are kept: for each key the newest
 * one, so a hit never crosses a thread.  Filled by publications of the fetch
 * thread; used on the worker's thread only.
 */
#ifndef PROXY_CACHE_SHELF_H
#define PROXY_CACHE_SHELF_H

#include <stdint.h>

struct answer;
struct key;
struct shelf;

struct shelf *shelf_new(void);
void shelf_free(struct shelf *shelf);

/* Forgets all answers: their targets are not in force any more. */
void shelf_clear(struct shelf *shelf);

/*
 * Replaces what the key had; NULL: the fetch thread does not keep it any more.
 * Takes a reference of its own.
 */
void shelf_put(struct shelf *shelf, const struct key *key,
    struct answer *answer, uint64_t expires_us);

/*
 * A reference to the answer that `scraper` may have now, or NULL: none, too
 * old, or (once_per_scraper) it had this one before.
 */
struct answer *shelf_take(struct shelf *shelf, const struct key *key,
    uint64_t scraper, uint64_t now_us);

#endif
