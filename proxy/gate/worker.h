/*
 * A worker: one thread that serves scrapers.  It has its own event loop,
 * front (evhttp, SSL_CTX), shelf and counters, and shares only the listening
 * descriptors; everything else goes through mailboxes.
 */
#ifndef PROXY_GATE_WORKER_H
#define PROXY_GATE_WORKER_H

#include <stdint.h>

struct answer;
struct conf;
struct err;
struct keeper;
struct key;
struct mailbox;
struct message;
struct stats;
struct tls_server;
struct worker;

struct worker_options {
	const struct conf *conf;      /* outlives the worker */
	const struct tls_server *tls; /* NULL: plain HTTP */
	struct keeper *keeper;
	struct mailbox *main;
	/* Delivered to `main` with a struct scrape that asks for our own
	 * metrics. */
	void (*own_scrape)(struct message *message, void *owner);
	/* Delivered to `main` with a plain message (freed there) when the
	 * doors are closed, and when the last connection is gone. */
	void (*doors_closed)(struct message *message, void *owner);
	void (*drained)(struct message *message, void *owner);
};

struct worker *worker_new(const struct worker_options *options,
    struct err *err);

/* Before worker_start(). */
int worker_listen(struct worker *worker, int fd, struct err *err);
int worker_start(struct worker *worker, struct err *err);

/* Stops the thread, closing what is open. */
void worker_stop(struct worker *worker);
void worker_free(struct worker *worker);

struct stats *worker_stats(const struct worker *worker);

/* From any thread. */
void worker_publish(struct worker *worker, const struct key *key,
    struct answer *answer, uint64_t expires_us);
void worker_drain(struct worker *worker);

#endif
