#include "proxy/diagnosis/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/duration.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/diagnosis/record.h"

#define REMINDER_US (UINT64_C(600) * 1000000)

const double board_bucket_bounds[BOARD_BUCKETS] = { 0.01, 0.1, 0.5, 2.5, 10,
	30 };

static const char *const health_names[] = { "unknown", "up", "down" };

struct entry {
	struct board_target target;
	struct record *kept; /* `last` after it left the ring: ours to free */
};

struct board {
	struct entry **entries; /* in the order of the configuration */
	size_t entry_count;
	struct record *ring[BOARD_RECORDS];
	size_t next;  /* slot of the next record */
	size_t count; /* slots in use */
};

struct board *
board_new(const struct conf *conf)
{
	struct board *board = xcalloc(1, sizeof(*board));

	board_switch(board, conf);
	return board;
}

static void
free_entries(struct entry **entries, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (entries[i] == NULL)
			continue;
		free(entries[i]->kept);
		free(entries[i]);
	}
	free(entries);
}

/* Out of the old list, with its history; or a new one. */
static struct entry *
take_entry(struct board *board, const struct conf_target *target)
{
	struct entry *entry = NULL;
	size_t i;

	for (i = 0; entry == NULL && i < board->entry_count; i++) {
		entry = board->entries[i];
		if (entry == NULL ||
		    strcmp(entry->target.conf->name, target->name) != 0)
			entry = NULL;
		else
			board->entries[i] = NULL;
	}
	return entry != NULL ? entry : xcalloc(1, sizeof(*entry));
}

void
board_switch(struct board *board, const struct conf *conf)
{
	/* One more, because calloc may return NULL for none. */
	struct entry **entries =
	    xcalloc(conf->target_count + 1, sizeof(struct entry *));
	size_t i;

	for (i = 0; i < conf->target_count; i++)
		entries[i] = take_entry(board, &conf->targets[i]);
	/* Their names are compared until the last one is found. */
	for (i = 0; i < conf->target_count; i++)
		entries[i]->target.conf = &conf->targets[i];
	free_entries(board->entries, board->entry_count);
	board->entries = entries;
	board->entry_count = conf->target_count;
}

void
board_free(struct board *board)
{
	size_t i;

	if (board == NULL)
		return;
	for (i = 0; i < board->count; i++)
		free(board->ring[i]);
	free_entries(board->entries, board->entry_count);
	free(board);
}

/* By name: the record may stem from another configuration. */
static struct entry *
find_entry(struct board *board, const struct record *record)
{
	size_t i;

	for (i = 0; i < board->entry_count; i++)
		if (strcmp(board->entries[i]->target.conf->name,
			record->target->name) == 0)
			return board->entries[i];
	return NULL;
}

/* Whose last word it is. */
static struct entry *
find_last(struct board *board, const struct record *record)
{
	size_t i;

	for (i = 0; i < board->entry_count; i++)
		if (board->entries[i]->target.last == record)
			return board->entries[i];
	return NULL;
}

/* The oldest record goes, unless it is still the last word on its target. */
static void
drop_oldest(struct board *board)
{
	struct record *oldest = board->ring[board->next];
	struct entry *entry = find_last(board, oldest);

	if (entry != NULL)
		entry->kept = oldest;
	else
		free(oldest);
}

static void
keep_in_ring(struct board *board, struct record *record)
{
	if (board->count == BOARD_RECORDS)
		drop_oldest(board);
	else
		board->count++;
	board->ring[board->next] = record;
	board->next = (board->next + 1) % BOARD_RECORDS;
}

static void
set_last(struct entry *entry, const struct record *record)
{
	free(entry->kept);
	entry->kept = NULL;
	entry->target.last = record;
}

static void
count_times(struct board_target *target, const struct record *record)
{
	double seconds = (double)record->duration_us / 1e6;
	size_t bucket = 0, phase;

	while (bucket < BOARD_BUCKETS && seconds > board_bucket_bounds[bucket])
		bucket++;
	target->duration_buckets[bucket]++;
	target->duration_sum_us += record->duration_us;
	for (phase = 0; phase < PHASE_COUNT; phase++) {
		if (record->phases.us[phase] == 0)
			continue;
		target->phase_sum_us[phase] += record->phases.us[phase];
		target->phase_count[phase]++;
	}
}

static void
log_failure(const char *msg, const struct record *record, const char *was,
    const char *failures)
{
	const struct finding *finding = record->finding;
	char status[16], duration[32];

	snprintf(
	    status, sizeof(status), "%d", reason_row(finding->reason)->status);
	snprintf(duration, sizeof(duration), "%.3fs",
	    (double)record->duration_us / 1e6);
	log_warn(msg, "target", record->target_name, "reason",
	    reason_row(finding->reason)->id, "was", was, "words",
	    finding->words, "cause", finding->cause, "status", status,
	    "duration", duration, "failures", failures, NULL);
}

static void
log_recovery(const struct board_target *target, const struct record *record)
{
	uint64_t since = target->failing_since_wall_us;
	uint64_t after = record->wall_us > since ? record->wall_us - since : 0;
	char failures[24], text[CONF_DURATION_SIZE];

	snprintf(failures, sizeof(failures), "%llu",
	    (unsigned long long)target->failure_count);
	log_info("scrape recovered", "target", record->target_name, "after",
	    conf_duration_text((int64_t)(after / 1000), text), "failures",
	    failures, "reason", reason_row(target->last->finding->reason)->id,
	    NULL);
}

/* A warning such as body_empty comes with an answer that went out as 200. */
static bool
is_delivered(enum reason reason)
{
	return reason_row(reason)->status == 200;
}

static void
note_success(struct board_target *target, const struct record *record)
{
	if (target->failing_since_wall_us != 0)
		log_recovery(target, record);
	target->failing_since_wall_us = 0;
	target->failure_count = 0;
	target->last_success_wall_us = record->wall_us;
	target->samples = record->samples;
	target->body_bytes = record->body_bytes;
}

static void
start_failure(struct board_target *target, const struct record *record)
{
	/* 0 means not failing, whatever the wall clock believes. */
	target->failing_since_wall_us =
	    record->wall_us != 0 ? record->wall_us : 1;
	target->failure_count = 1;
	target->last_logged_us = clock_now_us();
	log_failure("scrape failed", record, NULL, NULL);
}

/* The board still holds the record before this one as `last`. */
static void
continue_failure(struct board_target *target, const struct record *record)
{
	enum reason was = target->last->finding->reason;
	uint64_t now = clock_now_us();
	char failures[24];

	target->failure_count++;
	if (was == record->finding->reason &&
	    now - target->last_logged_us < REMINDER_US)
		return;
	target->last_logged_us = now;
	snprintf(failures, sizeof(failures), "%llu",
	    (unsigned long long)target->failure_count);
	if (was != record->finding->reason)
		log_failure("scrape failure changed", record,
		    reason_row(was)->id, failures);
	else
		log_failure("scrape still failing", record, NULL, failures);
}

static void
note_failure(struct board_target *target, const struct record *record)
{
	target->failures[reason_row(record->finding->reason)->layer]++;
	if (target->failing_since_wall_us == 0)
		start_failure(target, record);
	else
		continue_failure(target, record);
}

/* Where the record of this id is kept; NULL: nowhere any more. */
static struct record **
find_place(struct board *board, uint64_t id)
{
	size_t i;

	for (i = 0; i < board->count; i++)
		if (board->ring[i]->id == id)
			return &board->ring[i];
	for (i = 0; i < board->entry_count; i++)
		if (board->entries[i]->kept != NULL &&
		    board->entries[i]->kept->id == id)
			return &board->entries[i]->kept;
	return NULL;
}

/* Takes the place of the one that told of the failure. */
static void
amend(struct board *board, struct record *record)
{
	struct record **place = find_place(board, record->id);
	struct entry *entry;

	log_lateness(record);
	if (place == NULL) {
		free(record);
		return;
	}
	entry = find_last(board, *place);
	if (entry != NULL)
		entry->target.last = record;
	free(*place);
	*place = record;
}

void
board_add(struct board *board, struct record *record)
{
	struct entry *entry = find_entry(board, record);
	enum reason reason = record->finding->reason;

	/* The board goes by the name from here on. */
	conf_unref(record->target->conf);
	record->target = NULL;
	if (record->is_amendment) {
		amend(board, record);
		return;
	}
	keep_in_ring(board, record);
	if (entry == NULL)
		return;
	entry->target.scrapes[reason]++;
	/* Its times say when a scraper lost patience, not how the target is. */
	if (reason == REASON_CLIENT_GONE)
		return;
	count_times(&entry->target, record);
	if (is_delivered(reason))
		note_success(&entry->target, record);
	else
		note_failure(&entry->target, record);
	set_last(entry, record);
}

size_t
board_target_count(const struct board *board)
{
	return board->entry_count;
}

const struct board_target *
board_target(const struct board *board, size_t i)
{
	return &board->entries[i]->target;
}

enum board_health
board_health(const struct board_target *target)
{
	if (target->last == NULL)
		return BOARD_UNKNOWN;
	return target->failing_since_wall_us != 0 ? BOARD_DOWN : BOARD_UP;
}

const char *
board_health_name(enum board_health health)
{
	return health_names[health];
}

const struct record *
board_record(const struct board *board, size_t i)
{
	if (i >= board->count)
		return NULL;
	return board
	    ->ring[(board->next + BOARD_RECORDS - 1 - i) % BOARD_RECORDS];
}
