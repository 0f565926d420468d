/*
 * One answer for all: who waits for what, and how fresh it is.
 *
 * Lives on the fetch thread.  Concurrent scrapes of one key wait for one
 * upstream attempt; with a ttl the newest answer is kept for that long and
 * published to the workers, who then serve it without asking here.
 *
 * Each scrape has a deadline of its own; the attempt goes on as long as
 * anybody waits, and is cancelled when nobody does.  A failure goes to all
 * who wait and is never kept.
 *
 * When time has run out, the attempt may go on once (see late.h).  Its answer
 * goes to nobody; the record that told of the failure is sent again, amended.
 * The next scrape of its key ends it first, so the exporter never has two.
 *
 * An answer longer than `stream_above` goes to those who wait while it comes,
 * and nobody joins them any more.  Who only wants its head waits for its end,
 * and learns then whether it was whole.
 */
#ifndef PROXY_CACHE_CACHE_H
#define PROXY_CACHE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "proxy/base/mailbox.h"
#include "proxy/cache/key.h"

struct answer;
struct cache;
struct conf;
struct event_base;
struct fetcher;
struct pod;
struct record;
struct scrape;

/* Sent to each worker when a key has a new answer, or none any more. */
struct publication {
	struct message message;
	struct key key;
	struct answer *answer;
	uint64_t expires_us;
};

struct cache_options {
	struct event_base *base;
	struct mailbox *mailbox; /* of the fetch thread */
	struct fetcher *fetcher;
	uint64_t body_max;     /* memory_budget: see proxy/base/budget.h */
	const struct pod *pod; /* NULL: Kubernetes is not asked */
	/* Takes a record over; called on the fetch thread. */
	void (*record)(struct record *record, void *arg);
	/* Tells every worker; likewise.  NULL: not kept any more. */
	void (*publish)(const struct key *key, struct answer *answer,
	    uint64_t expires_us, void *arg);
	void *arg;
};

struct cache *cache_new(const struct cache_options *options);

/*
 * Answers that are kept of targets of another configuration are dropped, and
 * none are kept any more; attempts under way go on for those who wait.
 */
void cache_switch(struct cache *cache, struct conf *conf);

/* Nobody may be waiting any more. */
void cache_free(struct cache *cache);

/*
 * Takes the scrape over; posts it back to scrape->reply_to exactly once, with
 * scrape->answer and scrape->use set.
 */
void cache_scrape(struct cache *cache, struct scrape *scrape);

/* The scraper has gone: posts the scrape back without an answer. */
void cache_abandon(struct cache *cache, struct scrape *scrape);

#endif
