/*
 * What a cache is made of.  Private: cache.c has who waits for which attempt,
 * cache_keep.c the answers that are kept, cache_record.c what is told of
 * attempts, cache_late.c those that go on after their time, cache_stream.c
 * those whose answers are passed on while they come.
 */
#ifndef PROXY_CACHE_CACHE_PARTS_H
#define PROXY_CACHE_CACHE_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/util.h>

#include "proxy/cache/cache.h"
#include "proxy/cache/stream.h"
#include "proxy/diagnosis/resources.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/report.h"
#include "proxy/scrape.h"

struct answer;
struct baselines;
struct event;
struct finding;
struct grace_book;
struct late_book;
struct record;

/* Answers kept at a time; the least recently asked for goes first. */
#define KEPT_MAX 64

struct entry {
	TAILQ_ENTRY(entry) link;
	struct cache *cache;
	struct key key;
	struct scrape_list waiting;
	struct attempt *attempt; /* running, or NULL */
	struct stream *stream;   /* its body goes there, or NULL */
	unsigned asked;          /* scrapes that shared the attempt */
	bool has_own_query;      /* the scraper's, so with its own baseline */
	bool was_paused;         /* its readers were slow: not the exporter */
	uint64_t started_us;
	uint64_t started_wall_us;
	struct resources_mark mark; /* what was used until then */
	int64_t timeout_ms;         /* of the scrape that started it */
	char scraper[SCRAPER_TEXT_SIZE];
	struct record *late; /* of the attempt that goes on, or NULL */
	struct event *late_timer;
	struct answer *newest; /* kept until expires_us, or NULL */
	uint64_t expires_us;
};

TAILQ_HEAD(entry_list, entry);

struct cache {
	struct cache_options options;
	struct conf *conf; /* in force: answers of others are not kept */
	struct entry_list entries;  /* most recently asked for first */
	struct stream_list streams; /* some may outlive their attempt */
	struct late_book *late;     /* who may go on */
	struct baselines *baselines;
	struct grace_book *grace;   /* who may still be starting */
	struct resources_book *resources;
	struct event *expiry;       /* pending while an answer is kept */
	unsigned kept;
	unsigned running; /* attempts */
	uint64_t last_record_id;
};

/* An entry lives as long as it is good for something. */
void entry_drop_if_idle(struct entry *entry);

/* Without a word to anybody; the entry may go with it. */
void entry_stop_attempt(struct entry *entry);

/* Does anybody wait for its attempt, or read what comes? */
bool entry_is_wanted(const struct entry *entry);

/* Nobody does any more: what was seen until now is the record.  The attempt
 * may outlive it. */
void entry_end_attempt(
    struct entry *entry, enum attempt_end end, struct report *report);

/* Answering. */

void cache_stop_waiting(struct scrape *scrape);
void cache_send_back(struct scrape *scrape);
void entry_answer_all(struct entry *entry, struct answer *answer);

/* Keeping answers. */

void entry_keep(struct entry *entry, struct answer *answer);
void entry_forget_answer(struct entry *entry);

/* For good: the workers drop it too, and the entry may go with it. */
void entry_evict(struct entry *entry);

/* Kept answers may take half of the budget; the rest is for those on their
 * way to a scraper. */
void cache_make_room(struct cache *cache, unsigned kept_max);
void cache_expire(evutil_socket_t fd, short events, void *arg);

/* Records. */

/* `timeout_ms` is that of whom it is for. */
void entry_describe(const struct entry *entry, const struct report *report,
    int64_t timeout_ms, struct finding *finding);
struct record *entry_make_record(struct entry *entry,
    const struct report *report, const struct finding *finding,
    uint64_t samples);

/* Of an attempt that has ended. */
void entry_record(struct entry *entry, const struct report *report,
    const struct finding *finding, uint64_t samples);

/* With its configuration, for a record. */
const struct conf_target *cache_ref_target(const struct conf_target *target);

/* Streaming. */

/* For its attempt. */
struct attempt_flow entry_flow(const struct entry *entry);

/* The attempt has ended: those who only want to know have waited. */
void entry_finish_stream(struct entry *entry, struct report *report);

/* Going on late. */

/* May the attempt of this record go on?  Then it does. */
bool entry_go_on(struct entry *entry, const struct record *record);

/* Its answer is nobody's. */
void entry_finish_late(struct entry *entry, const struct report *report);
void entry_forget_late(struct entry *entry);

/* Those of this key, or NULL for all, make way at once. */
void cache_cut_late(struct cache *cache, const struct key *key);

#endif
