#include "proxy/cache/cache_parts.h"

#include <stdlib.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/cache/late.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/record.h"
#include "proxy/fetch/report.h"

static void stop_late(struct entry *entry);

void
entry_forget_late(struct entry *entry)
{
	if (entry->late == NULL)
		return;
	event_free(entry->late_timer);
	conf_unref(entry->late->target->conf);
	free(entry->late);
	entry->late_timer = NULL;
	entry->late = NULL;
}

/* Going on late: nobody waits, but for how long it takes. */

static void
give_up_late(evutil_socket_t fd, short events, void *arg)
{
	struct entry *entry = arg;

	(void)fd;
	(void)events;
	stop_late(entry);
}

/* May the attempt of this record go on?  Then it does. */
bool
entry_go_on(struct entry *entry, const struct record *record)
{
	struct cache *cache = entry->cache;
	uint64_t until_us = late_begin(cache->late, entry->key.target,
	    record->finding->reason, entry->started_us, entry->timeout_ms);
	struct timeval wait;

	if (until_us == 0)
		return false;
	entry->late = record_copy(record);
	cache_ref_target(record->target);
	entry->late_timer =
	    evtimer_new(cache->options.base, give_up_late, entry);
	wait = clock_until(until_us);
	evtimer_add(entry->late_timer, &wait);
	return true;
}

/* What it has found becomes part of the record that has told of the 504. */
static void
amend(struct entry *entry, enum late_end end, enum reason reason)
{
	struct cache *cache = entry->cache;
	struct record *record = entry->late;
	const struct lateness lateness = {
		.end = end,
		.reason = reason,
		.needed_us = clock_now_us() - entry->started_us,
		.timeout_ms = entry->timeout_ms,
	};

	entry->late = NULL;
	event_free(entry->late_timer);
	entry->late_timer = NULL;
	late_end(cache->late, entry->key.target, &lateness);
	record->lateness = lateness;
	record->is_amendment = true;
	finding_amend(&record->own[0], &lateness);
	cache->options.record(record, cache->options.arg);
}

static void
stop_late(struct entry *entry)
{
	amend(entry, LATE_CUT, REASON_OK);
	entry_stop_attempt(entry);
}

/* Those of this key, or NULL for all, make way at once. */
void
cache_cut_late(struct cache *cache, const struct key *key)
{
	struct entry *entry, *next;

	for (entry = TAILQ_FIRST(&cache->entries); entry != NULL;
	     entry = next) {
		next = TAILQ_NEXT(entry, link);
		if (entry->late != NULL &&
		    (key == NULL || key_is_equal(&entry->key, key)))
			stop_late(entry);
	}
}

static enum late_end
late_end_of(
    const struct entry *entry, const struct report *report, enum reason reason)
{
	if (classify_is_delivered(report, entry->key.target, reason))
		return LATE_WHOLE;
	/* That was us. */
	return reason == REASON_MEMORY_BUDGET_EXCEEDED ? LATE_CUT : LATE_FAILED;
}

/* Its answer is nobody's. */
void
entry_finish_late(struct entry *entry, const struct report *report)
{
	enum reason reason = classify(report);

	if (entry->stream != NULL)
		stream_break(entry->stream, NULL); /* of nobody */
	entry->stream = NULL;
	amend(entry, late_end_of(entry, report, reason), reason);
}
