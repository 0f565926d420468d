/*
 * Who may still be starting: targets that have not answered yet since the gate
 * began to serve them, which is when it opened, or when a reload first named
 * them.  To answer is to speak HTTP and say anything but 5xx: what hides behind
 * a web server that is up before it says 502 or 503.
 *
 * Lives on the fetch thread; goes by the targets' names, so who has answered
 * once is known to have over all reloads.
 */
#ifndef PROXY_CACHE_GRACE_H
#define PROXY_CACHE_GRACE_H

#include <stdint.h>

struct conf;
struct conf_target;
struct finding;
struct grace_book;
struct report;

struct grace_book *grace_book_new(void);
void grace_book_free(struct grace_book *book); /* NULL is fine */

/* From `was` (NULL: none) to `conf`; `now_us` is monotonic, as below. */
void grace_book_switch(struct grace_book *book, const struct conf *was,
    const struct conf *conf, uint64_t now_us);

/*
 * What an attempt has found: ends the target's start, or has the finding say
 * that it may be going on, as long as startup_grace lasts.
 */
void grace_judge(struct grace_book *book, const struct conf_target *target,
    const struct report *report, uint64_t now_us, struct finding *finding);

#endif
