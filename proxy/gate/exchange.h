/*
 * One request of a scraper and its answer.  Born when evhttp hands the
 * request over, it ends in exactly one place, exchange_finish(): counted,
 * answered if the scraper is still there, logged, retired.
 *
 * Lives on its worker's thread.
 */
#ifndef PROXY_GATE_EXCHANGE_H
#define PROXY_GATE_EXCHANGE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "proxy/diagnosis/reasons.h"

struct auth;
struct auth_booth;
struct auth_policy;
struct conf;
struct connection;
struct event_base;
struct evhttp_request;
struct exchange;
struct keeper;
struct mailbox;
struct message;
struct shelf;
struct stats;
struct stats_targets;

TAILQ_HEAD(exchange_list, exchange);

/* What exchanges of one worker share; the worker owns it. */
struct exchange_context {
	/* In force, with a reference each; NULL before the first switch. */
	struct conf *conf;
	struct auth_policy *policy;
	struct stats_targets *targets;
	struct event_base *base;
	struct auth *auth;
	struct auth_booth *booth;
	struct keeper *keeper;
	struct mailbox *mailbox; /* the worker's own */
	struct mailbox *main;
	void (*own_scrape)(struct message *message, void *owner);
	void (*attended)(struct message *message, void *owner);
	struct shelf *shelf;
	struct stats *stats;
	struct exchange_list waiting; /* for an answer of another thread */
	struct event *watch;          /* looks for scrapers that have gone */
	bool is_draining;
};

void exchange_context_init(struct exchange_context *context);
void exchange_context_fini(struct exchange_context *context);

/*
 * Requests from now on are served by `conf` and counted in `targets`; those
 * in work end with what they began with.  Takes references of its own.
 */
void exchange_context_switch(struct exchange_context *context,
    struct conf *conf, struct auth_policy *policy,
    struct stats_targets *targets);

/* A front's handler; `context` is a struct exchange_context. */
void exchange_begin(struct evhttp_request *req, struct connection *connection,
    enum reason refusal, void *context);

/* A front's gone function: the scraper of this exchange closed. */
void exchange_gone(void *exchange);

#endif
