/*
 * Allocate or stop.  Small allocations that fail end the process with one
 * line: a sidecar restarts in milliseconds, an untested out-of-memory path is
 * a liability.  Buffers whose size a peer decides are bounded by their owner
 * before they get here.  What these return is freed with free().
 */
#ifndef PROXY_BASE_ALLOC_H
#define PROXY_BASE_ALLOC_H

#include <stddef.h>

/* `allocated`, which stems from a library; NULL ends the process too. */
void *xrequire(void *allocated);

void *xmalloc(size_t size) __attribute__((malloc));
void *xcalloc(size_t count, size_t size) __attribute__((malloc));
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text) __attribute__((malloc));
char *xstrndup(const char *text, size_t len) __attribute__((malloc));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
