/*
 * One buffer to one gzip member, at level 1: exposition text shrinks to a
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

#endif
