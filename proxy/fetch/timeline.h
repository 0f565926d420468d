/*
 * The running total of phases: at any time exactly one phase runs, so they
 * add up.  Over redirects and a retry each phase is the sum of its parts.
 *
 * A plain value; copy it to look ahead.
 */
#ifndef PROXY_FETCH_TIMELINE_H
#define PROXY_FETCH_TIMELINE_H

#include <stdint.h>

#include "proxy/fetch/phases.h"

struct timeline {
	struct phases phases;
	enum phase phase; /* the one that runs */
	uint64_t since_us;
};

/* In PHASE_QUEUE, which began when the first scrape arrived. */
void timeline_start(
    struct timeline *line, uint64_t arrival_us, uint64_t now_us);

/* The running phase ends at `now_us`, `next` begins (it may be the same). */
void timeline_enter(struct timeline *line, enum phase next, uint64_t now_us);

/* Takes `us` of the running phase out of it and calls them PHASE_PARSE. */
void timeline_parsed(struct timeline *line, uint64_t us);

#endif
