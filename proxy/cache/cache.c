#include "proxy/cache/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/record.h"
#include "proxy/exposition/count.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/report.h"
#include "proxy/scrape.h"

/* Answers kept at a time; the least recently asked for goes first. */
#define KEPT_MAX 64

/* What libcurl, OpenSSL and we need for one attempt, its body aside. */
#define ATTEMPT_BYTES (128 * 1024)

/* Joining an attempt whose exporter was told less than this part of the own
 * time could mean an answer that was cut short for another's sake. */
#define JOIN_PART 2

struct entry {
	TAILQ_ENTRY(entry) link;
	struct cache *cache;
	struct key key;
	struct scrape_list waiting;
	struct attempt *attempt; /* running, or NULL */
	unsigned asked;          /* scrapes that shared the attempt */
	uint64_t started_us;
	uint64_t started_wall_us;
	int64_t timeout_ms; /* of the scrape that started it */
	char scraper[SCRAPER_TEXT_SIZE];
	struct answer *newest; /* kept until expires_us, or NULL */
	uint64_t expires_us;
};

TAILQ_HEAD(entry_list, entry);

struct cache {
	struct cache_options options;
	struct conf *conf; /* in force: answers of others are not kept */
	struct entry_list entries; /* most recently asked for first */
	struct event *expiry;      /* pending while an answer is kept */
	unsigned kept;
	unsigned running; /* attempts */
	uint64_t last_record_id;
};

static void expire(evutil_socket_t fd, short events, void *arg);
static void finish_attempt(
    const struct report *report, struct payload *payload, void *arg);

struct cache *
cache_new(const struct cache_options *options)
{
	struct cache *cache = xcalloc(1, sizeof(*cache));

	cache->options = *options;
	TAILQ_INIT(&cache->entries);
	cache->expiry = evtimer_new(options->base, expire, cache);
	return cache;
}

/* Of several for one key, the first that is of use for this scrape. */
static struct entry *
find_entry(struct cache *cache, const struct scrape *scrape)
{
	struct entry *entry;

	TAILQ_FOREACH (entry, &cache->entries, link)
		if (key_is_equal(&entry->key, &scrape->key) &&
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

static void
forget_answer(struct entry *entry)
{
	if (entry->newest == NULL)
		return;
	answer_unref(entry->newest);
	entry->newest = NULL;
	entry->cache->kept--;
}

/* An entry lives as long as it is good for something. */
static void
drop_if_idle(struct entry *entry)
{
	if (entry->attempt != NULL || entry->newest != NULL)
		return;
	TAILQ_REMOVE(&entry->cache->entries, entry, link);
	key_fini(&entry->key);
	free(entry);
}

/* For good: the workers drop it too. */
static void
evict_answer(struct entry *entry)
{
	struct cache *cache = entry->cache;

	cache->options.publish(&entry->key, NULL, 0, cache->options.arg);
	forget_answer(entry);
	drop_if_idle(entry);
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
		forget_answer(entry);
		drop_if_idle(entry);
	}
	event_free(cache->expiry);
	conf_unref(cache->conf);
	free(cache);
}

void
cache_switch(struct cache *cache, struct conf *conf)
{
	struct entry *entry, *next;

	conf_ref(conf);
	conf_unref(cache->conf);
	cache->conf = conf;
	for (entry = TAILQ_FIRST(&cache->entries); entry != NULL;
	     entry = next) {
		next = TAILQ_NEXT(entry, link);
		if (entry->newest != NULL && entry->key.target->conf != conf)
			evict_answer(entry);
	}
}

/* Keeping answers. */

static void
schedule_expiry(struct cache *cache)
{
	struct entry *entry;
	uint64_t earliest = UINT64_MAX;
	struct timeval wait;

	TAILQ_FOREACH (entry, &cache->entries, link)
		if (entry->newest != NULL && entry->expires_us < earliest)
			earliest = entry->expires_us;
	if (earliest == UINT64_MAX)
		return;
	wait = clock_until(earliest);
	evtimer_add(cache->expiry, &wait);
}

static void
expire(evutil_socket_t fd, short events, void *arg)
{
	struct cache *cache = arg;
	struct entry *entry, *next;
	uint64_t now = clock_now_us();

	(void)fd;
	(void)events;
	for (entry = TAILQ_FIRST(&cache->entries); entry != NULL;
	     entry = next) {
		next = TAILQ_NEXT(entry, link);
		if (entry->newest != NULL && entry->expires_us <= now)
			evict_answer(entry);
	}
	schedule_expiry(cache);
}

static struct entry *
oldest_kept(struct cache *cache)
{
	struct entry *entry;

	TAILQ_FOREACH_REVERSE(entry, &cache->entries, entry_list, link)
	if (entry->newest != NULL)
		return entry;
	return NULL;
}

/* Kept answers may take half of the budget; the rest is for those on their
 * way to a scraper. */
static void
make_room(struct cache *cache, unsigned kept_max)
{
	while (cache->kept > kept_max ||
	       (cache->kept > 0 && wire_total() > cache->options.body_max / 2))
		evict_answer(oldest_kept(cache));
}

static void
keep_answer(struct entry *entry, struct answer *answer)
{
	struct cache *cache = entry->cache;
	int64_t ttl_ms = entry->key.target->cache_ttl;

	forget_answer(entry);
	make_room(cache, KEPT_MAX - 1);
	entry->newest = answer_ref(answer);
	entry->expires_us = answer_fetched_us(answer) + (uint64_t)ttl_ms * 1000;
	cache->kept++;
	schedule_expiry(cache);
	cache->options.publish(
	    &entry->key, answer, entry->expires_us, cache->options.arg);
}

/* Answering. */

static void
stop_waiting(struct scrape *scrape)
{
	TAILQ_REMOVE(&scrape->entry->waiting, scrape, link);
	scrape->entry = NULL;
	event_free(scrape->timer);
	scrape->timer = NULL;
}

static void
send_back(struct scrape *scrape)
{
	if (scrape->answer != NULL && scrape->wants_gzip)
		answer_make_gzip(scrape->answer);
	scrape_send_back(scrape);
}

static void
answer_all(struct entry *entry, struct answer *answer)
{
	struct scrape *scrape;

	while ((scrape = TAILQ_FIRST(&entry->waiting)) != NULL) {
		stop_waiting(scrape);
		scrape->answer = answer_ref(answer);
		answer_claim(answer, scrape->scraper);
		send_back(scrape);
	}
}

/* Recording. */

static void
describe(const struct entry *entry, const struct report *report,
    int64_t timeout_ms, struct finding *finding)
{
	finding_describe(finding, classify(report), report, entry->key.target,
	    clock_now_us() - entry->started_us, timeout_ms);
}

static void
record_attempt(struct entry *entry, const struct report *report,
    const struct finding *finding, uint64_t samples)
{
	struct cache *cache = entry->cache;
	struct record *record = xcalloc(1, sizeof(*record));

	record->target = entry->key.target;
	if (record->target->conf != NULL)
		conf_ref(record->target->conf);
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
	record->finding = *finding;
	cache->options.record(record, cache->options.arg);
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
	};

	entry->asked = 0;
	entry->started_us = scrape->arrival_us;
	entry->started_wall_us = clock_wall_us();
	entry->timeout_ms = scrape->timeout_ms;
	memcpy(entry->scraper, scrape->scraper_text, sizeof(entry->scraper));
	entry->attempt = attempt_start(
	    cache->options.fetcher, &request, finish_attempt, entry);
	cache->running++;
}

static void
finish_good(struct entry *entry, struct report *report, struct payload *payload)
{
	uint64_t begin_us = clock_now_us();
	uint64_t samples;
	struct finding finding;
	struct answer *answer;
	bool is_kept;

	samples = exposition_count_samples(
	    wire_body(payload->text), wire_body_len(payload->text));
	report->phases.us[PHASE_PARSE] += clock_now_us() - begin_us;
	describe(entry, report, entry->timeout_ms, &finding);
	answer = answer_new(&report->judge, payload, clock_now_us());
	is_kept = entry->key.target->cache_ttl > 0 &&
		  entry->key.target->conf == entry->cache->conf &&
		  TAILQ_FIRST(&entry->waiting)->is_cacheable;
	record_attempt(entry, report, &finding, samples);
	/* Those who waited claim it before anybody can be served from it. */
	answer_all(entry, answer);
	if (is_kept)
		keep_answer(entry, answer);
	answer_unref(answer);
}

static void
finish_bad(struct entry *entry, const struct report *report)
{
	struct finding finding;
	struct answer *answer;

	describe(entry, report, entry->timeout_ms, &finding);
	record_attempt(entry, report, &finding, 0);
	answer = answer_new_failure(&finding, report->error_text);
	answer_all(entry, answer);
	answer_unref(answer);
}

static void
finish_attempt(const struct report *report, struct payload *payload, void *arg)
{
	struct entry *entry = arg;
	struct report mine = *report;

	entry->attempt = NULL;
	entry->cache->running--;
	if (classify(&mine) == REASON_OK) {
		finish_good(entry, &mine, payload);
	} else {
		wire_unref(payload->text);
		wire_unref(payload->gzip);
		finish_bad(entry, &mine);
	}
	drop_if_idle(entry);
}

/* Nobody waits any more: what was seen until now is the record. */
static void
end_attempt(struct entry *entry, enum attempt_end end, struct report *report)
{
	struct finding finding;

	report->end = end;
	attempt_cancel(entry->attempt);
	entry->attempt = NULL;
	entry->cache->running--;
	describe(entry, report, entry->timeout_ms, &finding);
	record_attempt(entry, report, &finding, 0);
	drop_if_idle(entry);
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
	describe(entry, &report, scrape->timeout_ms, &finding);
	stop_waiting(scrape);
	scrape->answer = answer_new_failure(&finding, NULL);
	send_back(scrape);
	if (TAILQ_EMPTY(&entry->waiting))
		end_attempt(entry, ATTEMPT_TIMEOUT, &report);
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
	size_t wanted = ((size_t)cache->running + 1) * ATTEMPT_BYTES;

	return wire_total() + wanted <= cache->options.body_max;
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
	send_back(scrape);
	drop_if_idle(entry);
}

void
cache_scrape(struct cache *cache, struct scrape *scrape)
{
	struct entry *entry;

	if (scrape->answer != NULL) {
		send_back(scrape);
		return;
	}
	make_room(cache, KEPT_MAX); /* before an entry is in our hands */
	entry = find_entry(cache, scrape);
	if (entry == NULL)
		entry = add_entry(cache, &scrape->key);
	TAILQ_REMOVE(&cache->entries, entry, link);
	TAILQ_INSERT_HEAD(&cache->entries, entry, link);
	/* The worker may have asked just before it heard of this answer. */
	if (may_have_kept(entry, scrape)) {
		scrape->answer = answer_ref(entry->newest);
		scrape->use = CACHE_HIT;
		send_back(scrape);
		return;
	}
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
	stop_waiting(scrape);
	send_back(scrape);
	if (!TAILQ_EMPTY(&entry->waiting))
		return;
	attempt_view(entry->attempt, &report);
	end_attempt(entry, ATTEMPT_CANCELLED, &report);
}
