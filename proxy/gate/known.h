/*
 * Heads that the guard has let through lately.  A scraper sends the same head
 * with every scrape, and the guard is pure: what it found of these bytes once
 * it would find again, so the second time they are only compared; nor does
 * evhttp need to take the headers apart again, which are kept here, too.
 *
 * Used on one thread.  Heads with credentials are not kept.
 */
#ifndef PROXY_GATE_KNOWN_H
#define PROXY_GATE_KNOWN_H

#include <stddef.h>

struct guard;
struct known;
struct known_head;

/* One for each front. */
struct known *known_new(void);
void known_free(struct known *known);

/*
 * The head that these bytes are, all of them, or NULL if it is not known; then
 * `guard`, which stands between two heads, is as if it had read them.
 * Borrowed: valid until the next known_keep() unless referenced.
 */
struct known_head *known_recall(const struct known *known, const char *bytes,
    size_t len, struct guard *guard);

/* `guard` has just let these bytes through, from first to last. */
void known_keep(struct known *known, const char *bytes, size_t len,
    const struct guard *guard);

struct known_head *known_head_ref(struct known_head *head); /* NULL is fine */
void known_head_unref(struct known_head *head);             /* NULL is fine */

/* The bytes of the request line, its CRLF included. */
size_t known_head_line_len(const struct known_head *head);

/*
 * The value of the first header of that name, trimmed as evhttp does, or NULL;
 * as long as the head.
 */
const char *known_head_find(const struct known_head *head, const char *name);

#endif
