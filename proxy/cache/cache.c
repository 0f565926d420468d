#include "proxy/cache/cache_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/budget.h"
#include "proxy/base/clock.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/grace.h"
#include "proxy/cache/late.h"
#include "proxy/cache/stream.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/baselines.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/record.h"
#include "proxy/exposition/count.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/repair.h"
#include "proxy/fetch/report.h"
#include "proxy/scrape.h"

/* What libcurl, OpenSSL and we need for one attempt, its body aside. */
#define ATTEMPT_BYTES (128 * 1024)

/* Joining an attempt whose exporter was told less than this part of the own
 * time could mean an answer that was cut short for another's sake. */
#define JOIN_PART 2

static void finish_attempt(
    const struct report *report, struct payload *payload, void *arg);

struct cache *
cache_new(const struct cache_options *options)
{
	struct cache *cache = xcalloc(1, sizeof(*cache));

	cache->options = *options;
	TAILQ_INIT(&cache->entries);
	LIST_INIT(&cache->streams);
	cache->late = late_book_new();
	cache->baselines = baselines_new();
	cache->grace = grace_book_new();
	cache->resources = resources_book_new(options->mailbox, "");
	cache->expiry = evtimer_new(options->base, cache_expire, cache);
	return cache;
}

/* Of several for one key, the first that is of use for this scrape. */
static struct entry *
find_entry(struct cache *cache, const struct scrape *scrape)
{
	struct entry *entry;

	TAILQ_FOREACH (entry, &cache->entries, link)
		if (entry->stream == NULL && entry->late == NULL &&
		    key_is_equal(&entry->key, &scrape->key) &&
		    (entry->attempt == NULL ||
			entry->timeout_ms >= scrape->timeout_ms / JOIN_PART))
			return entry;
	return NULL;
}

static struct entry *
add_entry(struct cache *cache, const struct key *key)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));

	entry->cache = cache;
	key_copy(&entry->key, key);
	TAILQ_INIT(&entry->waiting);
	TAILQ_INSERT_HEAD(&cache->entries, entry, link);
	return entry;
}

/* An entry lives as long as it is good for something. */
void
entry_drop_if_idle(struct entry *entry)
{
	if (entry->attempt != NULL || entry->newest != NULL)
		return;
	TAILQ_REMOVE(&entry->cache->entries, entry, link);
	key_fini(&entry->key);
	free(entry);
}

void
cache_free(struct cache *cache)
{
	struct entry *entry;

	if (cache == NULL)
		return;
	while ((entry = TAILQ_FIRST(&cache->entries)) != NULL) {
		if (entry->attempt != NULL)
			attempt_cancel(entry->attempt);
		entry->attempt = NULL;
		entry_forget_late(entry);
		entry_forget_answer(entry);
		entry_drop_if_idle(entry);
	}
	stream_free_all(&cache->streams);
	late_book_free(cache->late);
	baselines_free(cache->baselines);
	grace_book_free(cache->grace);
	resources_book_free(cache->resources);
	event_free(cache->expiry);
	conf_unref(cache->conf);
	free(cache);
}

void
cache_switch(struct cache *cache, struct conf *conf)
{
	struct entry *entry, *next;

	conf_ref(conf);
	grace_book_switch(cache->grace, cache->conf, conf, clock_now_us());
	conf_unref(cache->conf);
	cache->conf = conf;
	cache_cut_late(cache, NULL);
	late_book_switch(cache->late, conf);
	baselines_switch(cache->baselines, conf);
	resources_book_switch(cache->resources, conf);
	for (entry = TAILQ_FIRST(&cache->entries); entry != NULL;
	     entry = next) {
		next = TAILQ_NEXT(entry, link);
		if (entry->newest != NULL && entry->key.target->conf != conf)
			entry_evict(entry);
	}
}

/* Answering. */

void
cache_stop_waiting(struct scrape *scrape)
{
	TAILQ_REMOVE(&scrape->entry->waiting, scrape, link);
	scrape->entry = NULL;
	event_free(scrape->timer);
	scrape->timer = NULL;
}

void
cache_send_back(struct scrape *scrape)
{
	if (scrape->answer != NULL && scrape->wants_gzip)
		answer_make_gzip(scrape->answer);
	scrape_send_back(scrape);
}

void
entry_answer_all(struct entry *entry, struct answer *answer)
{
	struct scrape *scrape;

	while ((scrape = TAILQ_FIRST(&entry->waiting)) != NULL) {
		cache_stop_waiting(scrape);
		scrape->answer = answer_ref(answer);
		answer_claim(answer, scrape->scraper);
		cache_send_back(scrape);
	}
}

void
entry_stop_attempt(struct entry *entry)
{
	attempt_cancel(entry->attempt);
	entry->attempt = NULL;
	entry->cache->running--;
	if (entry->stream != NULL)
		stream_break(entry->stream, NULL);
	entry->stream = NULL;
	entry_drop_if_idle(entry);
}

/* The attempt. */

static void
start_attempt(struct entry *entry, const struct scrape *scrape)
{
	struct cache *cache = entry->cache;
	struct attempt_request request = {
		.target = entry->key.target,
		.query = entry->key.query,
		.accept = entry->key.accept,
		.identity = entry->key.identity,
		.arrival_us = scrape->arrival_us,
		.deadline_us = scrape->deadline_us,
		.body_max = cache->options.body_max,
		.flow = entry_flow(entry),
	};

	resources_begin(
	    resources_of(cache->resources, request.target), &entry->mark);
	entry->asked = 0;
	entry->has_own_query = !scrape->is_cacheable;
	entry->was_paused = false;
	entry->started_us = scrape->arrival_us;
	entry->started_wall_us = clock_wall_us();
	entry->timeout_ms = scrape->timeout_ms;
	memcpy(entry->scraper, scrape->scraper_text, sizeof(entry->scraper));
	entry->attempt = attempt_start(
	    cache->options.fetcher, &request, finish_attempt, entry);
	cache->running++;
}

/* Unless somebody has read them already. */
static uint64_t
count_samples(const struct report *report, const struct payload *payload)
{
	if (report->scan != NULL)
		return report->scan->facts.samples;
	return exposition_count_samples(
	    wire_body(payload->text), wire_body_len(payload->text));
}

static void
finish_good(struct entry *entry, struct report *report, struct payload *payload)
{
	uint64_t begin_us = clock_now_us();
	uint64_t samples;
	struct finding finding;
	struct answer *answer;
	bool is_kept;

	samples = count_samples(report, payload);
	report->phases.us[PHASE_PARSE] += clock_now_us() - begin_us;
	entry_describe(entry, report, entry->timeout_ms, &finding);
	repair_content_type(entry->key.target, &report->judge);
	answer = answer_new(&report->judge, payload, clock_now_us());
	is_kept = entry->key.target->cache_ttl > 0 &&
		  entry->key.target->conf == entry->cache->conf &&
		  TAILQ_FIRST(&entry->waiting)->is_cacheable;
	entry_record(entry, report, &finding, samples);
	/* Those who waited claim it before anybody can be served from it. */
	entry_answer_all(entry, answer);
	if (is_kept)
		entry_keep(entry, answer);
	answer_unref(answer);
}

static void
finish_bad(struct entry *entry, const struct report *report)
{
	struct finding finding;
	struct answer *answer;

	entry_describe(entry, report, entry->timeout_ms, &finding);
	entry_record(entry, report, &finding, 0);
	answer = answer_new_failure(&finding, report->error_text);
	entry_answer_all(entry, answer);
	answer_unref(answer);
}

static void
finish_attempt(const struct report *report, struct payload *payload, void *arg)
{
	struct entry *entry = arg;
	struct report mine = *report;

	entry->attempt = NULL;
	entry->cache->running--;
	if (entry->late != NULL) {
		wire_unref(payload->text);
		wire_unref(payload->gzip);
		entry_finish_late(entry, &mine);
	} else if (entry->stream != NULL) {
		entry_finish_stream(entry, &mine);
	} else if (classify_is_delivered(
		       &mine, entry->key.target, classify(&mine))) {
		finish_good(entry, &mine, payload);
	} else {
		wire_unref(payload->text);
		wire_unref(payload->gzip);
		finish_bad(entry, &mine);
	}
	entry_drop_if_idle(entry);
}

/* Nobody waits any more: what was seen until now is the record.  The attempt
 * may outlive it. */
void
entry_end_attempt(
    struct entry *entry, enum attempt_end end, struct report *report)
{
	struct cache *cache = entry->cache;
	struct finding finding;
	struct record *record;
	bool is_over;

	report->end = end;
	entry_describe(entry, report, entry->timeout_ms, &finding);
	record = entry_make_record(entry, report, &finding, 0);
	is_over = end != ATTEMPT_TIMEOUT || !entry_go_on(entry, record);
	cache->options.record(record, cache->options.arg);
	if (is_over)
		entry_stop_attempt(entry);
}

bool
entry_is_wanted(const struct entry *entry)
{
	return !TAILQ_EMPTY(&entry->waiting) ||
	       (entry->stream != NULL && stream_has_readers(entry->stream));
}

static void
time_out(evutil_socket_t fd, short events, void *arg)
{
	struct scrape *scrape = arg;
	struct entry *entry = scrape->entry;
	struct finding finding;
	struct report report;

	(void)fd;
	(void)events;
	attempt_view(entry->attempt, &report);
	report.end = ATTEMPT_TIMEOUT;
	entry_describe(entry, &report, scrape->timeout_ms, &finding);
	cache_stop_waiting(scrape);
	scrape->answer = answer_new_failure(&finding, NULL);
	/* The last who waits has the record first: he may ask for it. */
	if (!entry_is_wanted(entry))
		entry_end_attempt(entry, ATTEMPT_TIMEOUT, &report);
	cache_send_back(scrape);
}

static void
wait_for_attempt(struct entry *entry, struct scrape *scrape)
{
	struct timeval wait = clock_until(scrape->deadline_us);

	scrape->use = entry->attempt == NULL ? CACHE_MISS : CACHE_SHARED;
	scrape->entry = entry;
	scrape->timer =
	    evtimer_new(entry->cache->options.base, time_out, scrape);
	evtimer_add(scrape->timer, &wait);
	TAILQ_INSERT_TAIL(&entry->waiting, scrape, link);
	if (entry->attempt == NULL)
		start_attempt(entry, scrape);
	entry->asked++;
}

/* May this scraper have the answer that is kept? */
static bool
may_have_kept(const struct entry *entry, const struct scrape *scrape)
{
	if (entry->newest == NULL || !scrape->is_cacheable ||
	    entry->expires_us <= clock_now_us())
		return false;
	return !entry->key.target->cache_once_per_scraper ||
	       answer_claim(entry->newest, scrape->scraper);
}

static bool
has_room(const struct cache *cache)
{
	size_t wanted = ((size_t)cache->running + 1) * ATTEMPT_BYTES +
			stream_reserved(&cache->streams);

	return budget_used() + wanted <= cache->options.body_max;
}

/* No attempt, so no record of the exporter's. */
static void
refuse(struct entry *entry, struct scrape *scrape)
{
	struct facts facts = { .url = entry->key.target->url.text };
	struct finding finding;

	finding_refuse(&finding, REASON_MEMORY_BUDGET_EXCEEDED, &facts);
	scrape->answer = answer_new_failure(&finding, NULL);
	scrape->use = CACHE_NONE;
	cache_send_back(scrape);
	entry_drop_if_idle(entry);
}

void
cache_scrape(struct cache *cache, struct scrape *scrape)
{
	struct entry *entry;

	if (scrape->answer != NULL) {
		cache_send_back(scrape);
		return;
	}
	cache_cut_late(cache, &scrape->key);
	cache_make_room(cache, KEPT_MAX); /* before an entry is in our hands */
	entry = find_entry(cache, scrape);
	if (entry == NULL)
		entry = add_entry(cache, &scrape->key);
	TAILQ_REMOVE(&cache->entries, entry, link);
	TAILQ_INSERT_HEAD(&cache->entries, entry, link);
	/* The worker may have asked just before it heard of this answer. */
	if (may_have_kept(entry, scrape)) {
		scrape->answer = answer_ref(entry->newest);
		scrape->use = CACHE_HIT;
		cache_send_back(scrape);
		return;
	}
	if (entry->attempt == NULL && !has_room(cache))
		cache_cut_late(cache, NULL);
	if (entry->attempt == NULL && !has_room(cache)) {
		refuse(entry, scrape);
		return;
	}
	wait_for_attempt(entry, scrape);
}

void
cache_abandon(struct cache *cache, struct scrape *scrape)
{
	struct entry *entry = scrape->entry;
	struct report report;

	(void)cache;
	if (entry == NULL)
		return; /* on its way back already */
	cache_stop_waiting(scrape);
	cache_send_back(scrape);
	if (entry_is_wanted(entry))
		return;
	attempt_view(entry->attempt, &report);
	entry_end_attempt(entry, ATTEMPT_CANCELLED, &report);
}
