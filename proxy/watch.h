/*
 * Says when something may have happened to files: inotify on the files and on
 * the folders that decide what their paths mean (of the file itself and of
 * every symlink on the way, or the deepest one that exists; of the others on
 * the way, whether they are moved or removed).  A look once a minute only if
 * one of them cannot be watched, or lies on a file system that others change
 * unheard (NFS, FUSE): an idle gate is not woken.
 *
 * Whether anything changed is for the caller to find out, by comparing
 * contents.  One thread, that of the event_base.
 */
#ifndef PROXY_WATCH_H
#define PROXY_WATCH_H

#include <stddef.h>

struct event_base;
struct watch;

/* Runs 200 ms after the last of a burst of events, at most 2 s after its
 * first; once a minute where nobody would tell. */
typedef void watch_fn(void *arg);

struct watch *watch_new(struct event_base *base, watch_fn *changed, void *arg);
void watch_free(struct watch *watch);

/* These from now on, instead of the ones before; copied, may repeat. */
void watch_set(struct watch *watch, const char *const *paths, size_t count);

#endif
