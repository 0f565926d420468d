/*
 * One timed upstream attempt: resolve, connect, handshake, ask, read, judge.
 * Of a scrape, or of a call of our own to somebody else than an exporter.
 *
 * Lives on the fetch thread.  It has no clock of its own: whoever waits
 * decides when time is up and cancels.  A redirect that the configuration
 * allows and the one retry of a kept-alive connection that died are part of
 * the attempt.
 */
#ifndef PROXY_FETCH_ATTEMPT_H
#define PROXY_FETCH_ATTEMPT_H

#include <stddef.h>
#include <stdint.h>

struct attempt;
struct conf;
struct conf_target;
struct err;
struct event_base;
struct fetcher;
struct judge_result;
struct report;
struct wire;

/*
 * A call of our own: a whole answer of any status is good, and its text is all
 * that is kept of it.  Outlives the attempt, as do its strings.
 */
struct attempt_call {
	const char *content_type;
	const char *body; /* NULL: GET, else POST */
	size_t len;
};

/* What a good answer consists of; the wires are not sealed yet. */
struct payload {
	struct wire *text; /* identity */
	struct wire *gzip; /* the exporter's own gzip, or NULL; of a scrape */
};

/*
 * Where the body of a scrape goes that is longer than `above`.  All are called
 * with the attempt's `arg`, from inside it: they may pause it, and that is all.
 */
struct attempt_flow {
	uint64_t above; /* bytes of text; 0: never */

	/*
	 * Once, while everything is as it should be.  The callee takes over
	 * what came so far; what comes from now on is told as it comes.
	 */
	void (*begin)(
	    void *arg, const struct judge_result *head, struct payload *so_far);
	void (*text)(void *arg, const char *bytes, size_t len);
	void (*raw)(void *arg, const char *bytes, size_t len); /* gzip's */
};

struct attempt_request {
	const struct conf_target *target; /* outlives the attempt */
	const char *query;    /* canonical, without '?'; "" for none: copied */
	const char *accept;   /* verbatim: copied */
	const char *identity; /* header lines, see struct key; NULL or "": none;
			       * copied */
	uint64_t arrival_us;  /* of the first scrape (monotonic): phase queue */
	uint64_t deadline_us; /* what is left of it is told to the exporter */
	uint64_t body_max;    /* see budget_used(); above: is_over_budget */
	struct attempt_flow flow;
	const struct attempt_call *call; /* NULL: a scrape */
};

/*
 * Called once, from the event loop, never from within attempt_start().  The
 * attempt is freed after the call returns.  The payload is NULL-filled unless
 * the judge found a whole 200 (to a call of our own any whole answer); the
 * callee takes it over.  Of one that went to the flow there is nothing in it.
 */
typedef void attempt_done_fn(
    const struct report *report, struct payload *payload, void *arg);

/* The resolver, libcurl's multi handle and TLS stores behind all attempts. */
struct fetcher *fetcher_new(struct event_base *base, struct err *err);

/* Other files than /etc/resolv.conf and /etc/hosts; before any attempt. */
void fetcher_set_resolver_files(
    struct fetcher *fetcher, const char *resolv_conf, const char *hosts);

/*
 * This configuration is in force: later attempts use no connection made so
 * far, under settings that may hold no more, and what is known of the series
 * of targets that are not in it is forgotten.
 */
void fetcher_renew(struct fetcher *fetcher, const struct conf *conf);

/*
 * All attempts have ended.  Not from a callback of the loop: cancelled DNS
 * queries come back by running it once more.
 */
void fetcher_free(struct fetcher *fetcher);

struct attempt *attempt_start(struct fetcher *fetcher,
    const struct attempt_request *request, attempt_done_fn *done, void *arg);

/* What is known so far, for a scrape whose time is up (end is RUNNING). */
void attempt_view(const struct attempt *attempt, struct report *report);

/* No more of the body until it is resumed; see http_call_pause(). */
void attempt_pause(struct attempt *attempt);
void attempt_resume(struct attempt *attempt);

/* Ends it without a callback. */
void attempt_cancel(struct attempt *attempt);

#endif
