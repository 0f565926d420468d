/*
 * The fetch thread: the one that owns the resolver, libcurl and every cache
 * entry, so a thousand waiting scrapes are one upstream attempt.  What the gate
 * itself has to ask (Kubernetes, key sets) is asked here, too.  A lone worker
 * lives on it as well, see crew.c.
 */
#ifndef PROXY_CACHE_KEEPER_H
#define PROXY_CACHE_KEEPER_H

#include <stdint.h>

struct answer;
struct auth_backend;
struct conf;
struct err;
struct keeper;
struct key;
struct pod_status;
struct record;
struct rendezvous;
struct scrape;
struct thread;

struct keeper_options {
	struct conf *conf; /* the first one: a reference is taken */
	uint64_t body_max;
	/* All are called on the fetch thread; see cache.h. */
	void (*record)(struct record *record, void *arg);
	void (*publish)(const struct key *key, struct answer *answer,
	    uint64_t expires_us, void *arg);
	/* The pod has been asked about; likewise. */
	void (*pod_news)(const struct pod_status *status, void *arg);
	void *arg;
};

struct keeper *keeper_new(
    const struct keeper_options *options, struct err *err);
int keeper_start(struct keeper *keeper, struct err *err);

/* For a worker that is to live on the same loop. */
struct thread *keeper_thread(struct keeper *keeper);

/*
 * From any thread: new attempts use no connection made so far, and nothing
 * of another configuration is kept; `done` is told.  See cache_switch().
 */
void keeper_switch(
    struct keeper *keeper, struct conf *conf, struct rendezvous *done);

/* For auth_set_backend(); until keeper_stop(). */
struct auth_backend *keeper_backend(struct keeper *keeper);

/*
 * Ends the thread after what was posted so far, and posts back what the
 * backend was asked; NULL is fine, twice too.  If others have ended it before,
 * what they left is done on the caller's.
 */
void keeper_stop(struct keeper *keeper);

/* Nobody may be waiting any more. */
void keeper_free(struct keeper *keeper);

/* From any thread: takes the scrape over; see cache_scrape(). */
void keeper_scrape(struct keeper *keeper, struct scrape *scrape);

/* From any thread: something is wrong that no record tells; see pod.h. */
void keeper_wonder(struct keeper *keeper);

/* The scraper has gone; the scrape itself still comes back. */
void keeper_abandon(struct keeper *keeper, struct scrape *scrape);

#endif
