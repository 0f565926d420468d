/*
 * A worker's counters.  One writer each (the worker), read by the main thread
 * for /metrics: relaxed atomics.  A target's counters live on from one
 * configuration to the next that still names it.
 */
#ifndef PROXY_GATE_STATS_H
#define PROXY_GATE_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "proxy/diagnosis/reasons.h"
#include "proxy/gate/tally.h"
#include "tls/failure.h"

struct attendance;
struct conf;

/* scrapegate_requests_total{cache}. */
enum cache_use {
	CACHE_NONE,   /* no target's answer: an endpoint of ours, a refusal */
	CACHE_HIT,    /* an answer already there */
	CACHE_MISS,   /* this scrape caused the upstream attempt */
	CACHE_SHARED, /* waited for somebody else's attempt */
	CACHE_USE_COUNT
};

const char *cache_use_name(enum cache_use use); /* "none", "hit", ... */

/* Status codes the gate can send, each with a slot. */
#define STATS_CODES 16
extern const int stats_codes[STATS_CODES]; /* 0-terminated, 200 first */

typedef atomic_uint_fast64_t stats_counter;

/* What one target was asked for, counted by [code][cache]. */
struct stats_target {
	atomic_uint refs;
	stats_counter requests[STATS_CODES][CACHE_USE_COUNT];
	stats_counter broken; /* answers that failed behind their head */
	struct attendance *attendance; /* who asks; that of all workers */
};

/*
 * The targets of one configuration, in its order, and behind them one for "no
 * target".  Counted: requests hold on to those they began with.
 */
struct stats_targets {
	atomic_uint refs;
	size_t count; /* "no target" aside */
	struct stats_target *items[];
};

struct stats {
	struct stats_targets *targets; /* the main thread's: what it shows */
	stats_counter refusals[REASON_COUNT]; /* the gate's own, by id */
	stats_counter auth[AUTH_METHOD_COUNT][AUTH_RESULT_COUNT];
	stats_counter handshakes_ok;
	stats_counter handshakes_failed[TLS_FAILURE_COUNT];
	stats_counter connections_refused[TALLY_LIMIT_COUNT];
	stats_counter connections_open;   /* gauge */
	stats_counter underscore_headers; /* dropped names with '_' */
	stats_counter accept_errors;
};

struct stats *stats_new(size_t target_count);
void stats_free(struct stats *stats);

/*
 * For the targets of `conf`: those that `was` names, too, go on counting
 * where `old`, which belongs to it, stands.
 */
struct stats_targets *stats_targets_next(const struct stats_targets *old,
    const struct conf *was, const struct conf *conf);

/*
 * New targets of another worker's: from now on they have who asks in common
 * with those of `first`, which is that of the first worker for the same
 * configuration.  Before requests are counted in them.
 */
void stats_targets_share(
    struct stats_targets *targets, const struct stats_targets *first);

/* On any thread. */
struct stats_targets *stats_targets_ref(struct stats_targets *targets);
void stats_targets_unref(struct stats_targets *targets);

void stats_add(stats_counter *counter);
void stats_sub(stats_counter *counter); /* gauges */
uint64_t stats_read(const stats_counter *counter);

/* `target` is the index in the configuration; its count for none. */
void stats_request(struct stats_targets *targets, size_t target, int status,
    enum cache_use use);

#endif
