/*
 * Strings that many records have alike (a cause, a target's name, a scraper's
 * address), kept once each and counted.
 *
 * Lives on one thread; knows how much memory it takes.
 */
#ifndef PROXY_DIAGNOSIS_TEXTS_H
#define PROXY_DIAGNOSIS_TEXTS_H

#include <stddef.h>

struct texts;

struct texts *texts_new(void);
void texts_free(struct texts *texts); /* when all have been dropped */

/* A reference to the one copy of `text`. */
const char *texts_take(struct texts *texts, const char *text);

/* One that texts_take() has given; a further reference, or one less. */
const char *texts_ref(const char *text);
void texts_drop(struct texts *texts, const char *text);

size_t texts_bytes(const struct texts *texts);

#endif
