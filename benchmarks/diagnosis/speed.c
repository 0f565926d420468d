/*
 * What the diagnosis costs for each scrape, on one thread: the verdict of what
 * is normal, the words, the record, what it means for its target.
 *
 *   diagnosis_speed [SCRAPES]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/diagnosis/baseline.h"
#include "proxy/diagnosis/baselines.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/record.h"
#include "proxy/fetch/report.h"
#include "proxy/kernel/process.h"

static char name[] = "node", url[] = "http://127.0.0.1:9100/metrics";
static char host[] = "127.0.0.1", path[] = "/metrics";

static double
cpu_us(void)
{
	uint64_t used = 0;

	process_cpu_us((unsigned)getpid(), &used);
	return (double)used;
}

/* As proxy/cache/cache_record.c does it. */
static void
diagnose(struct board *board, struct baselines *baselines,
    const struct conf_target *target, const struct report *report,
    uint64_t duration_us)
{
	static uint64_t id;
	struct baseline *baseline = baselines_of(baselines, name, NULL);
	struct baseline_scrape scrape = {
		.duration_us = duration_us,
		.phases = report->phases,
		.bytes = report->body_bytes,
		.samples = 800,
		.timeout_ms = 10000,
		.wall_us = clock_wall_us(),
	};
	struct baseline_verdict verdict = { .slowness = SLOW_NOT };
	const struct circumstances circumstances = { .baseline = &verdict,
		.now_wall_us = scrape.wall_us,
		.last_good_wall_us = baseline->last_good_wall_us };
	enum reason reason = classify(report);
	struct finding finding;
	struct record *record;

	if (reason != REASON_OK || !baseline_is_quick(&scrape))
		baseline_judge(baseline, &scrape, &verdict);
	if (reason == REASON_OK)
		reason = classify_slowness(&verdict);
	finding_describe_in(&finding, reason, report, target, duration_us,
	    10000, &circumstances);
	record = record_new(&finding);
	record->is_delivered = reason_row(reason)->status == 200;
	if (record->is_delivered)
		baseline_learn(baseline, &scrape);
	record->target = target;
	record->id = ++id;
	record->wall_us = scrape.wall_us;
	record->duration_us = duration_us;
	record->phases = report->phases;
	snprintf(record->target_name, sizeof(record->target_name), "%s", name);
	snprintf(record->scraper, sizeof(record->scraper), "10.0.0.9");
	board_add(board, record);
}

static void
run(const char *what, const struct report *report, uint64_t duration_us,
    int count)
{
	struct conf_target target = { .name = name,
		.url = {
		    .text = url, .host = host, .path = path, .port = 9100 } };
	struct conf conf = { .targets = &target, .target_count = 1 };
	struct board *board = board_new(&conf);
	struct baselines *baselines = baselines_new();
	double begin = cpu_us();
	int i;

	for (i = 0; i < count; i++)
		diagnose(board, baselines, &target, report,
		    duration_us + (uint64_t)i % 977);
	printf("%s: %.2f us of CPU\n", what, (cpu_us() - begin) / count);
	board_free(board);
	baselines_free(baselines);
}

int
main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 200000;
	struct report good = { .end = ATTEMPT_COMPLETE,
		.step = STEP_DONE,
		.is_connected = true,
		.judge = { .verdict = VERDICT_WHOLE,
		    .is_head_complete = true,
		    .has_any_byte = true,
		    .status = 200 },
		.body_bytes = 57000,
		.phases = { .us = { 30, 0, 120, 0, 9000, 300, 60 } } };
	struct report refused = { .end = ATTEMPT_FAILED,
		.step = STEP_CONNECT,
		.os_errno = 111,
		.curl_code = 7,
		.phases = { .us = { 30, 0, 120, 0, 0, 0, 0 } } };

	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	run("good scrape", &good, 9500, count);
	run("failed scrape (a repeat)", &refused, 150, count);
	return 0;
}
