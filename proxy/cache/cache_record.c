#include "proxy/cache/cache_parts.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/clock.h"
#include "proxy/cache/late.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/record.h"
#include "proxy/fetch/report.h"

const struct conf_target *
cache_ref_target(const struct conf_target *target)
{
	if (target->conf != NULL)
		conf_ref(target->conf);
	return target;
}

void
entry_describe(const struct entry *entry, const struct report *report,
    int64_t timeout_ms, struct finding *finding)
{
	const struct conf_target *target = entry->key.target;
	enum reason reason = classify(report);
	const struct lateness *last = late_last(entry->cache->late, target);

	finding_describe(finding, reason, report, target,
	    clock_now_us() - entry->started_us, timeout_ms);
	if (last != NULL && reason_row(reason)->layer == LAYER_TIMEOUT)
		finding_recall(finding, last);
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
	return record;
}

void
entry_record(struct entry *entry, const struct report *report,
    const struct finding *finding, uint64_t samples)
{
	struct cache *cache = entry->cache;

	if (reason_row(finding->reason)->status == 200)
		late_good(cache->late, entry->key.target);
	cache->options.record(
	    entry_make_record(entry, report, finding, samples),
	    cache->options.arg);
}
