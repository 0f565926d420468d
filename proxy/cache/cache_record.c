#include "proxy/cache/cache_parts.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/backend/pod.h"
#include "proxy/base/clock.h"
#include "proxy/cache/grace.h"
#include "proxy/cache/late.h"
#include "proxy/diagnosis/bad_answer.h"
#include "proxy/diagnosis/baseline.h"
#include "proxy/diagnosis/baselines.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/reading.h"
#include "proxy/diagnosis/record.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/report.h"

const struct conf_target *
cache_ref_target(const struct conf_target *target)
{
	if (target->conf != NULL)
		conf_ref(target->conf);
	return target;
}

static struct baseline *
baseline_of(const struct entry *entry)
{
	return baselines_of(entry->cache->baselines, entry->key.target->name,
	    entry->has_own_query ? entry->key.query : NULL);
}

static struct baseline_scrape
measure(
    const struct entry *entry, const struct report *report, int64_t timeout_ms)
{
	return (struct baseline_scrape){
		.duration_us = clock_now_us() - entry->started_us,
		.phases = report->phases,
		.bytes = report->body_bytes,
		.samples =
		    report->scan != NULL ? report->scan->facts.samples : 0,
		.timeout_ms = timeout_ms,
		.wall_us = entry->started_wall_us,
	};
}

static void
learn(const struct entry *entry, const struct report *report, uint64_t samples)
{
	struct baseline *baseline = baseline_of(entry);
	struct baseline_scrape scrape = measure(entry, report, 0);

	scrape.samples = samples;
	if (!entry->was_paused)
		baseline_learn(baseline, &scrape);
	baseline->last_good_wall_us = entry->started_wall_us;
}

/* A connection that nobody accepts in time: is the listener's queue full?  The
 * view of an attempt does not know. */
static const struct report *
look_at_listener(struct resources *resources, const struct report *report,
    struct report *mine)
{
	if (report->step != STEP_CONNECT || report->is_connected)
		return report;
	*mine = *report;
	resources_look_at_listener(resources, mine);
	return mine;
}

/* What the exporter lacked while it failed. */
static void
explain(const struct entry *entry, struct resources *resources,
    const struct report *report, const struct baseline_scrape *scrape,
    const struct baseline_verdict *baseline, struct finding *finding)
{
	const struct exposition_facts *facts =
	    report->scan != NULL ? &report->scan->facts : NULL;
	struct resources_question question = {
		.reason = finding->reason,
		.report = report,
		.mark = &entry->mark,
		.begin_us = entry->started_us,
		.is_slow = reason_is_slow(finding->reason),
		.bytes = scrape->bytes,
		.samples = scrape->samples,
		.usual_bytes = baseline->normal_bytes,
		.usual_samples = baseline->normal_samples,
	};
	struct resources_verdict verdict;

	if (finding->reason == REASON_OK)
		return;
	/* Of a failed one they may be half the truth. */
	if (question.is_slow)
		question.facts = facts;
	resources_judge(resources, &question, &verdict);
	finding_explain(finding, &verdict);
}

/* What Kubernetes knows of it; nothing of what was only slow. */
static void
explain_pod(const struct entry *entry,
    const struct circumstances *circumstances, struct finding *finding)
{
	const struct pod *pod = entry->cache->options.pod;
	const struct pod_status *status = pod != NULL ? pod_status(pod) : NULL;

	if (status != NULL && reason_row(finding->reason)->status >= 500)
		finding_explain_pod(
		    finding, entry->key.target, status, circumstances);
}

void
entry_describe(const struct entry *entry, const struct report *report,
    int64_t timeout_ms, struct finding *finding)
{
	const struct conf_target *target = entry->key.target;
	struct resources *resources =
	    resources_of(entry->cache->resources, target);
	const struct lateness *last = late_last(entry->cache->late, target);
	const struct baseline *baseline = baseline_of(entry);
	struct baseline_verdict verdict = { .slowness = SLOW_NOT };
	const struct circumstances circumstances = {
		.baseline = &verdict,
		.now_wall_us = entry->started_wall_us,
		.last_good_wall_us = baseline->last_good_wall_us,
	};
	struct baseline_scrape scrape = measure(entry, report, timeout_ms);
	enum reason reason;
	struct report mine;

	report = look_at_listener(resources, report, &mine);
	reason = classify(report);
	if (reason != REASON_OK || !baseline_is_quick(&scrape))
		baseline_judge(baseline, &scrape, &verdict);
	/* What had to wait for its readers was not slow. */
	if (reason == REASON_OK && !entry->was_paused)
		reason = classify_slowness(&verdict);
	finding_describe_in(finding, reason, report, target, scrape.duration_us,
	    timeout_ms, &circumstances);
	explain(entry, resources, report, &scrape, &verdict, finding);
	explain_pod(entry, &circumstances, finding);
	if (last != NULL && reason_row(reason)->status == 504)
		finding_recall(finding, last);
	grace_judge(
	    entry->cache->grace, target, report, clock_now_us(), finding);
}

/* What the exporter says in its answer; 0: nothing that can be true. */
static uint64_t
start_told(const struct report *report)
{
	const struct exposition_facts *facts =
	    report->scan != NULL ? &report->scan->facts : NULL;
	double seconds;

	if (facts == NULL || !facts->has_value[FACT_START_TIME])
		return 0;
	seconds = facts->value[FACT_START_TIME];
	return seconds > 0 && seconds < 1e12 ? (uint64_t)(seconds * 1e6) : 0;
}

/* Whether another process answers now, as far as that can be seen. */
static bool
has_restarted(const struct entry *entry, const struct report *report)
{
	struct cache *cache = entry->cache;
	const struct conf_target *target = entry->key.target;
	struct baseline *own =
	    baselines_of(cache->baselines, target->name, NULL);

	return restarts_note(&own->restarts,
	    resources_pid(resources_of(cache->resources, target)),
	    start_told(report), clock_wall_us());
}

struct record *
entry_make_record(struct entry *entry, const struct report *report,
    const struct finding *finding, uint64_t samples)
{
	struct cache *cache = entry->cache;
	struct record *record = record_new(finding);

	record->target = cache_ref_target(entry->key.target);
	snprintf(record->target_name, sizeof(record->target_name), "%s",
	    entry->key.target->name);
	record->id = ++cache->last_record_id;
	record->wall_us = entry->started_wall_us;
	record->duration_us = clock_now_us() - entry->started_us;
	record->timeout_ms = entry->timeout_ms;
	snprintf(
	    record->scraper, sizeof(record->scraper), "%s", entry->scraper);
	record->waiters = entry->asked;
	record->phases = report->phases;
	record->status = report->judge.status;
	record->wire_bytes = report->wire_bytes;
	record->body_bytes = report->body_bytes;
	record->samples = samples;
	record->is_reused = report->is_reused;
	record->has_restarted = has_restarted(entry, report);
	if (record->has_restarted)
		record->restarted_wall_us = resources_began_wall_us(
		    resources_of(cache->resources, entry->key.target));
	record->bad_answer = bad_answer_new(finding, report, record->wall_us);
	return record;
}

void
entry_record(struct entry *entry, const struct report *report,
    const struct finding *finding, uint64_t samples)
{
	struct cache *cache = entry->cache;
	struct record *record =
	    entry_make_record(entry, report, finding, samples);

	if (finding->is_delivered) {
		late_good(cache->late, entry->key.target);
		learn(entry, report, samples);
		resources_learn(
		    resources_of(cache->resources, entry->key.target),
		    &entry->mark, report,
		    report->scan != NULL ? &report->scan->facts : NULL,
		    entry->started_wall_us);
		record_set_reading(
		    record, reading_new(report, finding->reason));
	}
	cache->options.record(record, cache->options.arg);
}
