/*
 * Names to addresses, off the loop's back: /etc/hosts, then the name servers.
 *
 * Good answers are kept for their TTL (1 s to 5 min), failures never.  All who
 * ask for one name at one time share one lookup.  Nothing runs and no file is
 * read while nobody asks; resolv.conf and hosts may change at any time.
 *
 * Fetch thread.
 */
#ifndef PROXY_FETCH_RESOLVER_H
#define PROXY_FETCH_RESOLVER_H

#include <stdbool.h>

#include "proxy/fetch/addresses.h"
#include "proxy/fetch/report.h"

struct event_base;
struct resolver;
struct resolver_query;

struct resolver_answer {
	enum resolve_result result;
	char name_server[64];       /* "" if none was asked */
	struct addresses addresses; /* in dialling order */
	bool is_kept;               /* from a name server, but not now */
};

typedef void resolver_done_fn(const struct resolver_answer *answer, void *arg);

/* NULL: /etc/resolv.conf, /etc/hosts. */
struct resolver *resolver_new(
    struct event_base *base, const char *resolv_conf, const char *hosts);

/*
 * Cancels all queries.  Runs the loop once more if a lookup was under way, so
 * it may not be called from a callback of that loop.
 */
void resolver_free(struct resolver *resolver);

/* Without asking anybody: hosts, localhost, a kept answer. */
bool resolver_at_hand(struct resolver *resolver, const char *name,
    struct resolver_answer *answer);

/* Asks the name servers.  done() runs once, from the loop. */
struct resolver_query *resolver_ask(struct resolver *resolver, const char *name,
    resolver_done_fn *done, void *arg);

/* Nobody is there any more: a kept answer is good for nothing. */
void resolver_forget(struct resolver *resolver, const char *name);

/* No done() then. */
void resolver_cancel(struct resolver_query *query);

#endif
