/*
 * Bytes to one gzip member, at level 1: exposition text shrinks to a
 * tenth already there, and higher levels cost more CPU than they save.
 */
#ifndef PROXY_BASE_DEFLATE_H
#define PROXY_BASE_DEFLATE_H

#include <stddef.h>

/* Returns -1 to refuse more. */
typedef int deflate_append_fn(void *arg, const char *bytes, size_t len);

/*
 * Calls `append` with up to 16 KiB at a time.  Takes about 256 KiB of memory
 * while it runs, and blocks for it: some 5 ms per MB.  Returns -1 only if
 * `append` refused.
 */
int deflate_gzip(
    const char *bytes, size_t len, deflate_append_fn *append, void *arg);

/* The same piece by piece: whoever has a loop chooses how long it blocks. */
struct deflate;

struct deflate *deflate_new(deflate_append_fn *append, void *arg);
void deflate_free(struct deflate *z); /* NULL is fine */

/* What comes out of it may come later.  -1 if `append` refused. */
int deflate_feed(struct deflate *z, const char *bytes, size_t len);

/* The member's end; nothing is fed any more. */
int deflate_end(struct deflate *z);

#endif
