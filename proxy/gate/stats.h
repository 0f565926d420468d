/*
 * A worker's counters.  One writer each (the worker), read by the main thread
 * for /metrics: relaxed atomics.  Sized for one generation's targets.
 */
#ifndef PROXY_GATE_STATS_H
#define PROXY_GATE_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"

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

struct stats {
	size_t target_count;
	/* [target or target_count for "no target"][code][cache] */
	stats_counter (*requests)[STATS_CODES][CACHE_USE_COUNT];
	stats_counter refusals[REASON_COUNT]; /* the gate's own, by id */
	stats_counter handshakes_ok;
	stats_counter handshakes_failed;
	stats_counter connections_total;
	stats_counter connections_open; /* gauge */
	stats_counter underscore_headers; /* dropped names with '_' */
	stats_counter accept_errors;
};

struct stats *stats_new(size_t target_count);
void stats_free(struct stats *stats);

void stats_add(stats_counter *counter);
void stats_sub(stats_counter *counter); /* gauges */
uint64_t stats_read(const stats_counter *counter);

/* `target` is the index in the configuration; target_count for none. */
void stats_request(struct stats *stats, size_t target, int status,
    enum cache_use use);

#endif
