/*
 * What one measure usually is: a histogram of its recent values with three
 * bins to an octave, in 40 bytes.
 *
 * It forgets: when QUANTILES_FULL values are in it, every bin is halved, so it
 * speaks of the last one or two hundred and follows a slow drift.  It covers a
 * range of 1 to 3000 around the first value; what lies outside counts at the
 * edge, and when that gets common the range moves.
 *
 * Pure; zeroed it is empty.
 */
#ifndef PROXY_DIAGNOSIS_QUANTILES_H
#define PROXY_DIAGNOSIS_QUANTILES_H

#include <stdint.h>

#define QUANTILES_BINS 34
#define QUANTILES_FULL 250 /* a bin never holds more than it can */

struct quantiles {
	float center;  /* mean of the recent values in the median's bin */
	uint8_t first; /* number of the first bin, see bin_of() */
	uint8_t count; /* in all bins */
	uint8_t bins[QUANTILES_BINS];
};

/* 0 is no value and not learned. */
void quantiles_learn(struct quantiles *quantiles, uint64_t value);

/* How many values it knows of, old ones for less. */
unsigned quantiles_count(const struct quantiles *quantiles);

/* Of an empty one 0. */
uint64_t quantiles_median(const struct quantiles *quantiles);

/* The value that `percent` of 100 do not exceed, rounded up to a bin's end. */
uint64_t quantiles_upper(const struct quantiles *quantiles, unsigned percent);

#endif
