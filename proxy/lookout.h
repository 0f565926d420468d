/*
 * Looks out for what no record of a scrape can tell: that none comes, that
 * scrapers disagree, that the exporter can be reached around the gate.  Keeps
 * the notices of all targets, and writes a line to the log when one starts and
 * when it ends.
 *
 * Looks when a record has come, when there is news of who scrapes, and by
 * one timer for the moment at which a scrape would be missed: it is set again
 * only when it fires, and while nobody scrapes it is not set at all.  Ways
 * around the gate are tried at the start, after a reload, when an exporter
 * has first answered, and then with a record at most once an hour.
 *
 * Main thread.
 */
#ifndef PROXY_LOOKOUT_H
#define PROXY_LOOKOUT_H

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct event_base;
struct lookout;
struct notices;
struct pod_status;
struct stats;

struct lookout_options {
	struct event_base *base;
	/* A notice has begun that Kubernetes may know more about. */
	void (*wonder)(void *arg);
	void *arg;
};

struct lookout *lookout_new(const struct lookout_options *options);
void lookout_free(struct lookout *lookout); /* NULL is fine */

/*
 * Goes by `conf` from now on, to which the targets of `stats`, one for each
 * worker, belong; it lives until the next call, `stats` as long as the lookout.
 * Targets that stay, by name, keep their notices.
 */
void lookout_switch(struct lookout *lookout, const struct conf *conf,
    struct stats *const *stats, size_t stats_count);

/* A record of a target of this name has come; is its exporter up? */
void lookout_record(struct lookout *lookout, const char *target, bool is_up);

/* There is news of who scrapes: see attendance.h. */
void lookout_look(struct lookout *lookout);

/* What Kubernetes says of the pod; not kept. */
void lookout_pod(struct lookout *lookout, const struct pod_status *status);

/* One for each target, in the order of the configuration; until the next
 * lookout_switch().  NULL before the first. */
const struct notices *lookout_notices(const struct lookout *lookout);

#endif
