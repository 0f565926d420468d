/*
 * A worker: one thread that serves scrapers.  It has its own event loop (but
 * see worker_options.host), front (evhttp, SSL_CTX), shelf and counters, and
 * shares only the listening descriptors and the configuration; everything else
 * goes through mailboxes.
 */
#ifndef PROXY_GATE_WORKER_H
#define PROXY_GATE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

struct answer;
struct auth;
struct auth_policy;
struct conf;
struct err;
struct keeper;
struct key;
struct mailbox;
struct message;
struct rendezvous;
struct stats;
struct stats_targets;
struct tally;
struct thread;
struct worker;

struct worker_options {
	size_t target_count; /* of the first configuration */
	/* Whose loop it lives on, and who starts it; NULL: its own. */
	struct thread *host;
	struct auth *auth;
	struct keeper *keeper;
	struct tally *tally; /* of all workers */
	struct mailbox *main;
	/* Delivered to `main` with a struct scrape that asks for our own
	 * metrics. */
	void (*own_scrape)(struct message *message, void *owner);
	/* Delivered to `main` with a plain message (freed there) when the
	 * doors are closed, and when the last connection is gone. */
	void (*doors_closed)(struct message *message, void *owner);
	void (*drained)(struct message *message, void *owner);
	/* Delivered to `main` with a plain message (freed there) when there is
	 * news of who scrapes: see attendance.h. */
	void (*attended)(struct message *message, void *owner);
	/* Delivered to `main` with a struct handshake that failed. */
	void (*handshake_failed)(struct message *message, void *owner);
};

/* A listening socket. */
struct worker_door {
	int fd;
	const char *name; /* as `listen` has it */
};

/* What a worker needs to serve another configuration. */
struct worker_change {
	struct conf *conf;             /* a reference is taken */
	struct auth_policy *policy;    /* likewise */
	struct stats_targets *targets; /* likewise */
	SSL_CTX *tls;                  /* likewise; NULL: plain HTTP */
	/* What let the open connections in does not hold any more. */
	bool is_other_policy;
	const struct worker_door *opened; /* to accept from, from now on */
	size_t opened_count;
	const struct worker_door *closed; /* and to accept from no more */
	size_t closed_count;
};

struct worker *worker_new(
    const struct worker_options *options, struct err *err);

/* Before worker_start(): what it serves first. */
int worker_install(
    struct worker *worker, const struct worker_change *change, struct err *err);
int worker_start(struct worker *worker, struct err *err);

/* Stops the thread, a host too, closing what is open. */
void worker_stop(struct worker *worker);
void worker_free(struct worker *worker);

struct stats *worker_stats(const struct worker *worker);

/*
 * From the main thread: serves the other configuration from its next request
 * and connection on, then tells `done`, when its loop watches none of the
 * closed descriptors any more.  `change` lives until then.
 */
void worker_switch(struct worker *worker, const struct worker_change *change,
    struct rendezvous *done);

/* From any thread. */
void worker_publish(struct worker *worker, const struct key *key,
    struct answer *answer, uint64_t expires_us);
void worker_drain(struct worker *worker);

#endif
