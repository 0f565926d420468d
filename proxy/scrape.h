/*
 * One scraper's question on its way: worker -> fetch thread -> worker.
 *
 * The worker makes it and posts it; the fetch thread keeps it while it waits
 * and posts it back, exactly once, with the answer.  Whoever holds it writes
 * to it, nobody else does; only `refs` is touched by both sides, because a
 * worker whose client left sends a second message about the same scrape.
 */
#ifndef PROXY_SCRAPE_H
#define PROXY_SCRAPE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proxy/base/mailbox.h"
#include "proxy/cache/key.h"
#include "proxy/gate/stats.h"

struct answer;
struct entry;
struct event;
struct exchange;
struct tap;

#define SCRAPER_TEXT_SIZE 64

struct scrape {
	struct message message;
	atomic_uint refs;

	/* Set by the worker.  A key without a target asks the main thread for
	 * a page of our own instead; its query is the request target. */
	struct mailbox *reply_to;
	void (*back)(struct message *message, void *owner); /* deliver there */
	struct exchange *exchange; /* means something to the worker only */
	struct key key;
	bool wants_gzip;
	bool is_head;
	bool is_cacheable; /* the query is the configuration's own */
	uint64_t scraper;  /* identity and address, hashed; never 0 */
	char scraper_text[SCRAPER_TEXT_SIZE];
	int64_t timeout_ms;   /* the scraper's own */
	uint64_t arrival_us;  /* monotonic */
	uint64_t deadline_us; /* when the answer has to be out */

	/* The fetch thread's own while the scrape is there. */
	TAILQ_ENTRY(scrape) link;
	struct entry *entry; /* waited for; NULL when not waiting */
	struct event *timer;

	/* The outcome; NULL if the scraper was gone.  The worker may set it
	 * beforehand to an answer that only lacks its gzip image. */
	struct answer *answer;
	struct tap *tap; /* the body of a stream, for the worker to close */
	enum cache_use use;
};

TAILQ_HEAD(scrape_list, scrape);

/* Takes the key over. */
struct scrape *scrape_new(const struct key *key);
struct scrape *scrape_ref(struct scrape *scrape);
void scrape_unref(struct scrape *scrape);

/* Posts it back to the worker it came from. */
void scrape_send_back(struct scrape *scrape);

#endif
