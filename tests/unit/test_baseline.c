#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/diagnosis/baseline.h"
#include "proxy/diagnosis/baselines.h"

#define MS UINT64_C(1000)

static uint64_t seed;

static double
random_part(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return ((double)(seed >> 33) + 0.5) / 2147483648.0;
}

static double
random_normal(void)
{
	return sqrt(-2 * log(random_part())) *
	       cos(6.283185307179586 * random_part());
}

static void
assert_within(uint64_t value, double wanted, double part)
{
	if (fabs((double)value - wanted) > wanted * part)
		fail_msg(
		    "%llu, not about %.0f", (unsigned long long)value, wanted);
}

static void
finds_quantiles(void **state)
{
	static const struct {
		double median;
		double spread; /* sigma of the logarithm */
	} rows[] = {
		{ 3, 0 },
		{ 310000, 0 },
		{ 310000, 0.05 },
		{ 310000, 0.5 },
		{ 1500, 0.3 },
		{ 60e6, 0.2 },
		{ 4e9, 0.2 },
	};
	struct quantiles q;
	double upper;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&q, 0, sizeof(q));
		seed = 7;
		for (n = 0; n < 5000; n++)
			quantiles_learn(&q,
			    (uint64_t)(rows[i].median *
				       exp(rows[i].spread * random_normal())));
		assert_in_range(
		    quantiles_count(&q), QUANTILES_FULL / 2, QUANTILES_FULL);
		assert_within(quantiles_median(&q), rows[i].median,
		    rows[i].spread == 0 ? 0.01 : 0.13);
		upper = rows[i].median * exp(1.645 * rows[i].spread);
		/* A bin's end: a quarter more at most, and what chance adds. */
		assert_true((double)quantiles_upper(&q, 95) > upper * 0.85);
		assert_true((double)quantiles_upper(&q, 95) < upper * 1.5);
	}
}

static void
knows_nothing_at_first(void **state)
{
	struct quantiles q = { 0 };

	(void)state;
	assert_int_equal(quantiles_count(&q), 0);
	assert_int_equal(quantiles_median(&q), 0);
	assert_int_equal(quantiles_upper(&q, 95), 0);
	quantiles_learn(&q, 0);
	assert_int_equal(quantiles_count(&q), 0);
	quantiles_learn(&q, UINT64_MAX);
	assert_int_equal(quantiles_count(&q), 1);
}

static void
follows_what_changes(void **state)
{
	struct quantiles q = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 300; i++)
		quantiles_learn(&q, 1000);
	/* Outliers beyond its range neither blind nor move it. */
	for (i = 0; i < 10; i++)
		quantiles_learn(&q, i % 2 == 0 ? 1 : UINT64_C(1) << 40);
	assert_within(quantiles_median(&q), 1000, 0.01);
	/* A new exporter, ten thousand times slower. */
	for (i = 0; i < 300; i++)
		quantiles_learn(&q, 10000000);
	assert_within(quantiles_median(&q), 1e7, 0.01);
	/* A slow drift. */
	for (i = 0; i < 3000; i++)
		quantiles_learn(&q, (uint64_t)(1e7 + i * 1e4));
	assert_within(quantiles_median(&q), 3.9e7, 0.1);
}

static struct baseline_scrape
scrape_of(uint64_t processing_us, uint64_t transfer_us)
{
	struct baseline_scrape scrape = {
		.duration_us = processing_us + transfer_us + 1 * MS,
		.bytes = 50000,
		.samples = 500,
		.timeout_ms = 10000,
		.wall_us = 77,
	};

	scrape.phases.us[PHASE_QUEUE] = MS;
	scrape.phases.us[PHASE_PROCESSING] = processing_us;
	scrape.phases.us[PHASE_TRANSFER] = transfer_us;
	return scrape;
}

static struct baseline *
baseline_after(int count, uint64_t processing_us, uint64_t transfer_us)
{
	struct baseline_scrape scrape = scrape_of(processing_us, transfer_us);
	struct baseline *baseline = baseline_new(MEASURE_COUNT);

	while (count-- > 0)
		baseline_learn(baseline, &scrape);
	return baseline;
}

static void
judges(void **state)
{
	static const struct {
		const char *name;
		int learned;
		uint64_t normal_ms;
		uint64_t processing_ms;
		uint64_t transfer_ms;
		int64_t timeout_ms;
		enum slowness slowness;
		enum phase phase;
		int64_t sufficient_ms;
	} rows[] = {
		{ "as ever", 20, 310, 320, 5, 10000, SLOW_NOT, PHASE_PROCESSING,
		    1000 },
		{ "twelve times", 20, 310, 4100, 5, 10000, SLOW_FAR,
		    PHASE_PROCESSING, 5000 },
		{ "not ready", 19, 310, 4100, 5, 10000, SLOW_NOT,
		    PHASE_PROCESSING, 5000 },
		{ "nothing known, near", 0, 0, 8100, 5, 10000, SLOW_NEAR,
		    PHASE_PROCESSING, 11000 },
		{ "near a short one", 0, 0, 400, 0, 450, SLOW_NEAR,
		    PHASE_PROCESSING, 1000 },
		{ "both", 20, 310, 8100, 5, 10000, SLOW_NEAR, PHASE_PROCESSING,
		    11000 },
		{ "near for ever", 50, 8100, 8100, 5, 10000, SLOW_NEAR,
		    PHASE_COUNT, 11000 },
		{ "far, but no time to speak of", 50, 10, 240, 5, 10000,
		    SLOW_NOT, PHASE_PROCESSING, 1000 },
		{ "a little more of much", 50, 3000, 4500, 5, 10000, SLOW_NOT,
		    PHASE_PROCESSING, 6000 },
		{ "the other phase", 50, 300, 310, 2000, 10000, SLOW_FAR,
		    PHASE_TRANSFER, 3000 },
		{ "two, one for half of it", 50, 300, 2000, 1900, 10000,
		    SLOW_FAR, PHASE_TRANSFER, 5000 },
		{ "no timeout told", 50, 310, 320, 5, 0, SLOW_NOT,
		    PHASE_PROCESSING, 1000 },
		{ "exactly 80 %", 0, 0, 7999, 0, 10000, SLOW_NOT,
		    PHASE_PROCESSING, 9000 },
	};
	struct baseline_verdict verdict;
	struct baseline_scrape scrape;
	struct baseline *baseline;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		baseline = baseline_after(
		    rows[i].learned, rows[i].normal_ms * MS, 5 * MS);
		scrape = scrape_of(
		    rows[i].processing_ms * MS, rows[i].transfer_ms * MS);
		scrape.timeout_ms = rows[i].timeout_ms;
		baseline_judge(baseline, &scrape, &verdict);
		if (verdict.slowness != rows[i].slowness ||
		    (rows[i].slowness != SLOW_NOT &&
			verdict.phase != rows[i].phase) ||
		    verdict.sufficient_ms != rows[i].sufficient_ms)
			fail_msg("%s: %d, phase %d, sufficient %d",
			    rows[i].name, verdict.slowness, verdict.phase,
			    (int)verdict.sufficient_ms);
		assert_within(verdict.normal.us[PHASE_PROCESSING],
		    rows[i].learned < BASELINE_READY
			? 0
			: (double)(rows[i].normal_ms * MS),
		    0.01);
		assert_false(verdict.has_grown);
		free(baseline);
	}
}

static void
judges_without_a_baseline(void **state)
{
	struct baseline_scrape scrape = scrape_of(8500 * MS, 5 * MS);
	struct baseline_verdict verdict;

	(void)state;
	baseline_judge(NULL, &scrape, &verdict);
	assert_int_equal(verdict.slowness, SLOW_NEAR);
	assert_int_equal(verdict.phase, PHASE_PROCESSING);
	assert_int_equal(verdict.normal_duration_us, 0);
}

static void
sees_growth(void **state)
{
	struct baseline *baseline = baseline_after(50, 300 * MS, 5 * MS);
	struct baseline_scrape scrape = scrape_of(300 * MS, 5 * MS);
	struct baseline_verdict verdict;

	(void)state;
	scrape.samples = 1010;
	baseline_judge(baseline, &scrape, &verdict);
	assert_true(verdict.has_grown);
	assert_int_equal(verdict.normal_samples, 500);
	assert_int_equal(verdict.normal_bytes, 50000);
	assert_int_equal(baseline->last_good_wall_us, 77);
	free(baseline);
}

/* It is said a dozen times that something takes ten times as long, and not for
 * ever. */
static void
gets_used_to_it(void **state)
{
	struct baseline *baseline = baseline_after(250, 300 * MS, 5 * MS);
	struct baseline_scrape scrape = scrape_of(3000 * MS, 5 * MS);
	struct baseline_verdict verdict;
	int said = 0, i;

	(void)state;
	for (i = 0; i < 200; i++) {
		baseline_judge(baseline, &scrape, &verdict);
		said += verdict.slowness == SLOW_FAR;
		baseline_learn(baseline, &scrape);
	}
	printf("a new normal is told of %d times\n", said);
	assert_in_range(said, 5, 25);
	free(baseline);
}

struct noise {
	const char *name;
	double sigma;      /* of the logarithm of the time */
	double slow_part;  /* of the scrapes ... */
	double slow_times; /* ... take this much longer, for good reason */
	double drift;      /* of the time, in all */
};

static uint64_t
noisy(const struct noise *noise, double progress)
{
	double us = 400e3 * exp(noise->sigma * random_normal());

	us *= 1 + noise->drift * progress;
	if (random_part() < noise->slow_part)
		us *= noise->slow_times;
	return (uint64_t)us;
}

/* The false alarms of exporters that are as they always are. */
static void
does_not_cry_wolf(void **state)
{
	static const struct noise rows[] = {
		{ "steady", 0.1, 0, 1, 0 },
		{ "uneven", 0.3, 0, 1, 0 },
		{ "very uneven", 0.5, 0, 1, 0 },
		{ "every tenth is slow", 0.2, 0.1, 8, 0 },
		{ "drifts to four times", 0.2, 0, 1, 3 },
	};
	enum { SCRAPES = 100000 };
	struct baseline_verdict verdict;
	struct baseline_scrape scrape;
	struct baseline *baseline;
	int n, alarms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		seed = 11;
		alarms = 0;
		baseline = baseline_new(MEASURE_COUNT);
		for (n = 0; n < SCRAPES; n++) {
			scrape = scrape_of(
			    noisy(&rows[i], (double)n / SCRAPES), 5 * MS);
			scrape.timeout_ms = 0;
			baseline_judge(baseline, &scrape, &verdict);
			alarms += verdict.slowness != SLOW_NOT;
			baseline_learn(baseline, &scrape);
		}
		printf("%s: %d of %d called slow\n", rows[i].name, alarms,
		    SCRAPES);
		assert_true(alarms <= SCRAPES / 1000);
		free(baseline);
	}
}

static void
keeps_the_recent_queries(void **state)
{
	struct baselines *baselines = baselines_new();
	struct baseline_scrape scrape = scrape_of(MS, MS);
	char query[32];
	int i;

	(void)state;
	for (i = 0; i < BASELINES_QUERIES + 50; i++) {
		snprintf(query, sizeof(query), "target=%d", i);
		baseline_learn(baselines_of(baselines, "snmp", query), &scrape);
		/* In use all the time. */
		baseline_learn(
		    baselines_of(baselines, "snmp", "target=0"), &scrape);
	}
	assert_int_equal(baselines_queries(baselines), BASELINES_QUERIES);
	assert_int_equal(
	    quantiles_count(
		&baselines_of(baselines, "snmp", "target=1")->of[0]),
	    0);
	assert_true(
	    quantiles_count(
		&baselines_of(baselines, "snmp", "target=0")->of[0]) > 100);
	assert_int_equal(
	    quantiles_count(
		&baselines_of(baselines, "snmp", "target=900")->of[0]),
	    1);
	/* Another target's, and the target's own, are others. */
	assert_int_equal(
	    quantiles_count(
		&baselines_of(baselines, "icmp", "target=0")->of[0]),
	    0);
	assert_int_equal(
	    quantiles_count(&baselines_of(baselines, "snmp", NULL)->of[0]), 0);
	printf("a target takes %zu bytes, a query %zu\n",
	    sizeof(struct baseline) + MEASURE_COUNT * sizeof(struct quantiles),
	    sizeof(struct baseline) +
		MEASURE_OF_QUERY * sizeof(struct quantiles));
	baselines_free(baselines);
}

static void
outlives_a_reload(void **state)
{
	static char names[2][8] = { "node", "mysql" };
	struct conf_target targets[2] = { { .name = names[0] },
		{ .name = names[1] } };
	struct conf conf = { .targets = targets, .target_count = 2 };
	struct baselines *baselines = baselines_new();
	struct baseline *mysql;

	(void)state;
	baselines_of(baselines, "node", NULL)->last_good_wall_us = 1;
	mysql = baselines_of(baselines, "mysql", NULL);
	mysql->last_good_wall_us = 2;
	baselines_switch(baselines, &conf);
	assert_ptr_equal(baselines_of(baselines, "mysql", NULL), mysql);
	conf.target_count = 1;
	baselines_switch(baselines, &conf);
	assert_int_equal(
	    baselines_of(baselines, "node", NULL)->last_good_wall_us, 1);
	assert_int_equal(
	    baselines_of(baselines, "mysql", NULL)->last_good_wall_us, 0);
	baselines_free(baselines);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_quantiles),
		cmocka_unit_test(knows_nothing_at_first),
		cmocka_unit_test(follows_what_changes),
		cmocka_unit_test(judges),
		cmocka_unit_test(judges_without_a_baseline),
		cmocka_unit_test(sees_growth),
		cmocka_unit_test(gets_used_to_it),
		cmocka_unit_test(does_not_cry_wolf),
		cmocka_unit_test(keeps_the_recent_queries),
		cmocka_unit_test(outlives_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
