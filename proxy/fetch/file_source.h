/*
 * A file: target: a local file's text, read a piece per turn of the loop so
 * that a long one holds nobody up.
 */
#ifndef PROXY_FETCH_FILE_SOURCE_H
#define PROXY_FETCH_FILE_SOURCE_H

#include <stddef.h>

struct event_base;
struct file_source;

struct file_hooks {
	/* -1: no more, which ends it without done(). */
	int (*bytes)(void *arg, const char *bytes, size_t len);
	/* At the end, or with the errno of open or read; last. */
	void (*done)(void *arg, int os_errno);
	void *arg;
};

/* Calls no hook before it returns.  `path` is copied. */
struct file_source *file_source_start(
    struct event_base *base, const char *path, const struct file_hooks *hooks);

/* No more bytes until it is resumed; bytes() may say so. */
void file_source_pause(struct file_source *source);
void file_source_resume(struct file_source *source);

/* Also after done(), which does not free it. */
void file_source_free(struct file_source *source);

#endif
