/*
 * What is normal for one target, or for one query of a multi-target exporter,
 * and whether a scrape left it.
 *
 * A scrape is slow if it took more than 80 % of its timeout, or if it or one
 * of its phases took more than BASELINE_FACTOR times what 95 of 100 take, and
 * BASELINE_EXCESS_US more than usual: nobody is woken for less.  Until
 * BASELINE_READY good scrapes have been seen nothing is known.
 *
 * Pure.
 */
#ifndef PROXY_DIAGNOSIS_BASELINE_H
#define PROXY_DIAGNOSIS_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/diagnosis/quantiles.h"
#include "proxy/diagnosis/restarts.h"
#include "proxy/fetch/phases.h"

#define BASELINE_READY 20
#define BASELINE_HIGH_PERCENT 95
#define BASELINE_FACTOR 2.5
#define BASELINE_EXCESS_US 250000
#define BASELINE_NEAR_PERCENT 80 /* of the timeout */
#define BASELINE_GROWTH 2        /* times the usual bytes or samples */

/* One scrape's measures; the duration is their sum with what is between. */
struct baseline_scrape {
	uint64_t duration_us;
	struct phases phases;
	uint64_t bytes;
	uint64_t samples;
	int64_t timeout_ms; /* the scraper's own; 0 unknown */
	uint64_t wall_us;
};

enum measure {
	MEASURE_DURATION,
	MEASURE_BYTES,
	MEASURE_SAMPLES,
	MEASURE_PROCESSING,
	MEASURE_TRANSFER,
	MEASURE_OF_QUERY, /* as many as a query of many has */
	MEASURE_QUEUE = MEASURE_OF_QUERY,
	MEASURE_RESOLVE,
	MEASURE_CONNECT,
	MEASURE_TLS,
	MEASURE_PARSE,
	MEASURE_COUNT
};

struct baseline {
	uint64_t last_good_wall_us; /* 0: never */
	struct restarts restarts;   /* of a target's own */
	unsigned count;             /* of measures: the first ones */
	struct quantiles of[];
};

/* Freed by free(). */
struct baseline *baseline_new(unsigned measures);

/* `scrape` has gone well. */
void baseline_learn(
    struct baseline *baseline, const struct baseline_scrape *scrape);

enum slowness {
	SLOW_NOT,
	SLOW_NEAR, /* its timeout */
	SLOW_FAR   /* from its baseline */
};

struct baseline_verdict {
	enum slowness slowness;
	/* The usual ones; 0 while not known. */
	uint64_t normal_duration_us;
	uint64_t normal_bytes;
	uint64_t normal_samples;
	uint64_t samples; /* of the scrape itself */
	struct phases normal;
	/* Which phase made it what it is; PHASE_COUNT: none alone did. */
	enum phase phase;
	bool has_grown; /* more than BASELINE_GROWTH times its usual size */
	/* A scrape_timeout with room to spare for this one. */
	int64_t sufficient_ms;
};

/* `baseline` may be NULL: nothing is known. */
void baseline_judge(const struct baseline *baseline,
    const struct baseline_scrape *scrape, struct baseline_verdict *verdict);

/* It cannot have been slow, whatever is normal: there is nothing to judge. */
bool baseline_is_quick(const struct baseline_scrape *scrape);

/* In whole seconds: a tenth more than `needed_us`, for the way there. */
int64_t baseline_sufficient_ms(uint64_t needed_us);

#endif
