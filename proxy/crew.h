/*
 * The threads behind the main one: workers, fetch, hash.  Started together
 * for a first generation, switched together to another one.
 *
 * Used on the main thread, crew_publish() aside.
 */
#ifndef PROXY_CREW_H
#define PROXY_CREW_H

#include <stddef.h>
#include <stdint.h>

#include "proxy/backend/pod_read.h"
#include "proxy/base/mailbox.h"

struct answer;
struct auth_backend;
struct conf;
struct crew;
struct err;
struct generation;
struct key;
struct mailbox;
struct record;
struct refusals;
struct stats;

/* What Kubernetes says of the pod, on its way; freed by who takes it. */
struct pod_news {
	struct message message;
	struct pod_status status;
};

struct crew_options {
	struct mailbox *main;
	/* On the fetch thread: takes a record over. */
	void (*record)(struct record *record, void *arg);
	void *arg;
	/* Delivered to `main`: see worker.h. */
	void (*own_scrape)(struct message *message, void *owner);
	void (*handshake_failed)(struct message *message, void *owner);
	void (*doors_closed)(struct message *message, void *owner);
	void (*pod_read)(struct message *message, void *owner); /* pod_news */
	void (*drained)(struct message *message, void *owner);
	void (*attended)(struct message *message, void *owner);
};

/* Everything is there before the first thread runs.  NULL with `err`. */
struct crew *crew_new(const struct crew_options *options,
    const struct generation *generation, struct err *err);

/*
 * From `was` to `next`: returns when all have switched, so nobody accepts
 * from sockets that only `was` has.
 */
void crew_switch(struct crew *crew, const struct generation *was,
    const struct generation *next);

/* Something is wrong that no record tells: see pod.h. */
void crew_wonder(struct crew *crew);

/* Both message `main` once per worker. */
void crew_drain(struct crew *crew);

/* What they sent is in the mailbox of `main` then; NULL is fine, twice too. */
void crew_stop(struct crew *crew);
void crew_free(struct crew *crew);

/* For the view; statistics are one per worker. */
unsigned crew_size(const struct crew *crew);
struct stats *const *crew_stats(const struct crew *crew);
struct refusals *crew_refusals(const struct crew *crew);
const struct auth_backend *crew_backend(const struct crew *crew);

#endif
