#include "proxy/diagnosis/quantiles.h"

#include <stdbool.h>
#include <string.h>

#define BINS_PER_OCTAVE 3
#define ANCHOR 9      /* where the first value goes: more room above */
#define CENTER_PART 8 /* the weight of a new value is one part of these */
#define EDGE_PART 4   /* an edge with more than this part moves the range */
#define VALUE_MAX (UINT64_C(1) << 48)

/* The lower ends of an octave's bins. */
static const double steps[BINS_PER_OCTAVE] = { 1.0, 1.2599210498948732,
	1.5874010519681994 };

/* Of a value from 1 up; 0 to 144. */
static unsigned
bin_of(uint64_t value)
{
	unsigned exponent = 63U - (unsigned)__builtin_clzll(value);
	double part = (double)value / (double)(UINT64_C(1) << exponent);
	unsigned step = part >= steps[2] ? 2 : part >= steps[1] ? 1 : 0;

	return exponent * BINS_PER_OCTAVE + step;
}

static double
begin_of(unsigned bin)
{
	return (double)(UINT64_C(1) << (bin / BINS_PER_OCTAVE)) *
	       steps[bin % BINS_PER_OCTAVE];
}

static bool
is_in(float center, unsigned bin)
{
	return center >= 1 && bin_of((uint64_t)center) == bin;
}

unsigned
quantiles_count(const struct quantiles *quantiles)
{
	return quantiles->count;
}

/* What is left over of a bin goes into the next, so the sum is kept. */
static void
halve(struct quantiles *quantiles)
{
	unsigned i, sum, rest = 0;

	for (i = 0; i < QUANTILES_BINS; i++) {
		sum = quantiles->bins[i] + rest;
		quantiles->bins[i] = (uint8_t)(sum / 2);
		rest = sum % 2;
	}
	quantiles->count = (uint8_t)((quantiles->count - rest) / 2);
}

static unsigned
slot_of(unsigned first, unsigned bin)
{
	if (bin < first)
		return 0;
	return bin - first < QUANTILES_BINS ? bin - first : QUANTILES_BINS - 1;
}

static void
move_range(struct quantiles *quantiles, unsigned bin)
{
	unsigned first = bin > ANCHOR ? bin - ANCHOR : 0, i;
	struct quantiles was = *quantiles;

	memset(quantiles->bins, 0, sizeof(quantiles->bins));
	for (i = 0; i < QUANTILES_BINS; i++)
		quantiles->bins[slot_of(first, was.first + i)] += was.bins[i];
	quantiles->first = (uint8_t)first;
}

/* Too many at the edge are no outliers. */
static void
fit_range(struct quantiles *quantiles, unsigned bin)
{
	unsigned count = quantiles->count;
	unsigned slot = slot_of(quantiles->first, bin);

	if (count == 0 || (quantiles->first + slot != bin &&
			      quantiles->bins[slot] > count / EDGE_PART))
		move_range(quantiles, bin);
}

/* The slot in which the share of the lower values reaches `percent`. */
static unsigned
find_slot(const struct quantiles *quantiles, unsigned percent)
{
	unsigned wanted = quantiles_count(quantiles) * percent, sum = 0, i;

	for (i = 0; i + 1 < QUANTILES_BINS; i++) {
		sum += quantiles->bins[i];
		if (sum * 100 >= wanted)
			break;
	}
	return i;
}

void
quantiles_learn(struct quantiles *quantiles, uint64_t value)
{
	unsigned bin, slot;

	if (value == 0)
		return;
	if (value > VALUE_MAX)
		value = VALUE_MAX;
	bin = bin_of(value);
	if (quantiles->count >= QUANTILES_FULL)
		halve(quantiles);
	fit_range(quantiles, bin);
	slot = slot_of(quantiles->first, bin);
	quantiles->bins[slot]++;
	quantiles->count++;
	if (slot != find_slot(quantiles, 50))
		return;
	if (!is_in(quantiles->center, bin))
		quantiles->center = (float)value;
	else
		quantiles->center +=
		    ((float)value - quantiles->center) / CENTER_PART;
}

uint64_t
quantiles_median(const struct quantiles *quantiles)
{
	unsigned bin = quantiles->first + find_slot(quantiles, 50);

	if (quantiles_count(quantiles) == 0)
		return 0;
	/* None has fallen there since it became the median's. */
	if (!is_in(quantiles->center, bin))
		return (uint64_t)((begin_of(bin) + begin_of(bin + 1)) / 2);
	return (uint64_t)quantiles->center;
}

uint64_t
quantiles_upper(const struct quantiles *quantiles, unsigned percent)
{
	unsigned slot = find_slot(quantiles, percent);

	if (quantiles_count(quantiles) == 0)
		return 0;
	return (uint64_t)begin_of(quantiles->first + slot + 1);
}
