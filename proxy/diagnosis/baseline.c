#include "proxy/diagnosis/baseline.h"

#include <stddef.h>
#include <string.h>

#include "proxy/base/alloc.h"

#define US_PER_S UINT64_C(1000000)

static const enum measure measures[PHASE_COUNT] = {
	[PHASE_QUEUE] = MEASURE_QUEUE,
	[PHASE_RESOLVE] = MEASURE_RESOLVE,
	[PHASE_CONNECT] = MEASURE_CONNECT,
	[PHASE_TLS] = MEASURE_TLS,
	[PHASE_PROCESSING] = MEASURE_PROCESSING,
	[PHASE_TRANSFER] = MEASURE_TRANSFER,
	[PHASE_PARSE] = MEASURE_PARSE,
};

struct baseline *
baseline_new(unsigned count)
{
	struct baseline *baseline =
	    xcalloc(1, sizeof(*baseline) + count * sizeof(baseline->of[0]));

	baseline->count = count;
	return baseline;
}

void
baseline_learn(struct baseline *baseline, const struct baseline_scrape *scrape)
{
	int i;

	baseline->last_good_wall_us = scrape->wall_us;
	quantiles_learn(&baseline->of[MEASURE_DURATION], scrape->duration_us);
	quantiles_learn(&baseline->of[MEASURE_BYTES], scrape->bytes);
	quantiles_learn(&baseline->of[MEASURE_SAMPLES], scrape->samples);
	for (i = 0; i < PHASE_COUNT; i++)
		if (measures[i] < baseline->count)
			quantiles_learn(
			    &baseline->of[measures[i]], scrape->phases.us[i]);
}

/* 0 while too little is known. */
static uint64_t
normal_of(const struct baseline *baseline, enum measure measure)
{
	if (measure >= baseline->count ||
	    quantiles_count(&baseline->of[measure]) < BASELINE_READY)
		return 0;
	return quantiles_median(&baseline->of[measure]);
}

static bool
is_far(const struct baseline *baseline, enum measure measure, uint64_t us)
{
	uint64_t high, normal = normal_of(baseline, measure);

	if (normal == 0 || us < normal + BASELINE_EXCESS_US)
		return false;
	high = quantiles_upper(&baseline->of[measure], BASELINE_HIGH_PERCENT);
	return (double)us > (double)high * BASELINE_FACTOR;
}

static bool
is_near_timeout(const struct baseline_scrape *scrape)
{
	uint64_t timeout_us = (uint64_t)scrape->timeout_ms * 1000;

	return scrape->timeout_ms > 0 &&
	       scrape->duration_us > timeout_us / 100 * BASELINE_NEAR_PERCENT;
}

/*
 * The one that is furthest above its usual time, if that is half of what went
 * beyond the usual.  Without a baseline: the one that took half of the time.
 */
static enum phase
find_phase(const struct baseline_scrape *scrape,
    const struct baseline_verdict *verdict)
{
	uint64_t over, most = 0, whole = scrape->duration_us;
	enum phase phase = PHASE_COUNT;
	int i;

	if (verdict->normal_duration_us < whole)
		whole -= verdict->normal_duration_us;
	for (i = 0; i < PHASE_COUNT; i++) {
		if (scrape->phases.us[i] < verdict->normal.us[i])
			continue;
		over = scrape->phases.us[i] - verdict->normal.us[i];
		if (over <= most)
			continue;
		most = over;
		phase = (enum phase)i;
	}
	return most >= whole / 2 ? phase : PHASE_COUNT;
}

static bool
has_grown(const struct baseline_scrape *scrape,
    const struct baseline_verdict *verdict)
{
	return (verdict->normal_bytes > 0 &&
		   scrape->bytes > BASELINE_GROWTH * verdict->normal_bytes) ||
	       (verdict->normal_samples > 0 &&
		   scrape->samples > BASELINE_GROWTH * verdict->normal_samples);
}

static void
compare(const struct baseline *baseline, const struct baseline_scrape *scrape,
    struct baseline_verdict *verdict)
{
	bool is_slow;
	int i;

	verdict->normal_duration_us = normal_of(baseline, MEASURE_DURATION);
	verdict->normal_bytes = normal_of(baseline, MEASURE_BYTES);
	verdict->normal_samples = normal_of(baseline, MEASURE_SAMPLES);
	is_slow = is_far(baseline, MEASURE_DURATION, scrape->duration_us);
	for (i = 0; i < PHASE_COUNT; i++) {
		verdict->normal.us[i] = normal_of(baseline, measures[i]);
		is_slow |= is_far(baseline, measures[i], scrape->phases.us[i]);
	}
	if (is_slow)
		verdict->slowness = SLOW_FAR;
}

bool
baseline_is_quick(const struct baseline_scrape *scrape)
{
	return scrape->duration_us < BASELINE_EXCESS_US &&
	       !is_near_timeout(scrape);
}

static int64_t
whole_seconds_ms(uint64_t us)
{
	return (int64_t)((us + US_PER_S - 1) / US_PER_S) * 1000;
}

void
baseline_judge(const struct baseline *baseline,
    const struct baseline_scrape *scrape, struct baseline_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->samples = scrape->samples;
	if (baseline != NULL)
		compare(baseline, scrape, verdict);
	verdict->sufficient_ms = baseline_sufficient_ms(scrape->duration_us);
	if (is_near_timeout(scrape)) {
		verdict->slowness = SLOW_NEAR;
		/* With a shorter one it would be as near. */
		verdict->sufficient_ms = whole_seconds_ms(
		    scrape->duration_us * 100 / BASELINE_NEAR_PERCENT);
	}
	verdict->phase = find_phase(scrape, verdict);
	verdict->has_grown = has_grown(scrape, verdict);
}

int64_t
baseline_sufficient_ms(uint64_t needed_us)
{
	/* The gate itself wants to be ready up to a tenth earlier. */
	return whole_seconds_ms(needed_us + needed_us / 10 + US_PER_S / 10);
}
