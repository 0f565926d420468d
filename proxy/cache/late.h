/*
 * Who may go on: when an attempt has run out of time and its scrapers have
 * their 504, it may run on with nobody waiting, to learn how long the exporter
 * really needs.  Once per incident, which is what lies between two good
 * answers of a target, and one attempt per target.
 *
 * Lives on the fetch thread; goes by the targets' names, so an incident
 * outlives a reload.
 */
#ifndef PROXY_CACHE_LATE_H
#define PROXY_CACHE_LATE_H

#include <stdint.h>

#include "proxy/diagnosis/lateness.h"

struct conf;
struct conf_target;
struct late_book;

struct late_book *late_book_new(void);
void late_book_free(struct late_book *book); /* NULL is fine */

/* Forgets the targets that `conf` does not name. */
void late_book_switch(struct late_book *book, const struct conf *conf);

/* A good answer: the incident is over, if there was one. */
void late_good(struct late_book *book, const struct conf_target *target);

/*
 * Until when (monotonic) an attempt may go on that began at `started_us` and
 * has just run out of time for this reason; 0: not at all.  If it may, it
 * does: late_end() follows.
 */
uint64_t late_begin(struct late_book *book, const struct conf_target *target,
    enum reason reason, uint64_t started_us, int64_t timeout_ms);
void late_end(struct late_book *book, const struct conf_target *target,
    const struct lateness *lateness);

/* What the attempt of this incident found; NULL: nothing yet. */
const struct lateness *late_last(
    const struct late_book *book, const struct conf_target *target);

#endif
