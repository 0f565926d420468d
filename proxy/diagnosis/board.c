#include "proxy/diagnosis/board.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/diagnosis/bad_answer.h"
#include "proxy/diagnosis/board_parts.h"
#include "proxy/diagnosis/failures.h"
#include "proxy/diagnosis/incidents.h"
#include "proxy/diagnosis/packed.h"
#include "proxy/diagnosis/record.h"
#include "proxy/diagnosis/texts.h"

/* So many stay at the expense of older failures, if words are that long. */
#define RECORDS_MIN 100
#define WHOLE_MIN 50 /* with all that was seen */

const double board_bucket_bounds[BOARD_BUCKETS] = { 0.01, 0.1, 0.5, 2.5, 10,
	30 };

const double board_phase_bounds[BOARD_PHASE_BUCKETS] = { 0.0005, 0.001, 0.0025,
	0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60 };

static const char *const health_names[] = { "unknown", "up", "down" };

struct board *
board_new(const struct conf *conf)
{
	struct board *board = xcalloc(1, sizeof(*board));

	board->texts = texts_new();
	board->failures = failures_new(board->texts);
	board->incidents = incidents_new();
	board->view = record_room_new();
	board_switch(board, conf);
	return board;
}

void
board_keep_journal(struct board *board, chronicle_fn *journal, void *arg)
{
	board->chronicle.journal = journal;
	board->chronicle.arg = arg;
}

static void
free_entries(struct entry **entries, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (entries[i] == NULL)
			continue;
		free(entries[i]->last);
		free(entries[i]->bad_answer);
		free(entries[i]->reading);
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

static void
say_goodbye(struct board *board)
{
	size_t i;

	for (i = 0; i < board->entry_count; i++)
		if (board->entries[i] != NULL)
			board_note_removal(board, board->entries[i]);
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
	say_goodbye(board);
	/* Their names are compared until the last one is found. */
	for (i = 0; i < conf->target_count; i++)
		entries[i]->target.conf = &conf->targets[i];
	free_entries(board->entries, board->entry_count);
	board->entries = entries;
	board->entry_count = conf->target_count;
}

/* By name: what is asked for may stem from another configuration. */
static struct entry *
find_entry(const struct board *board, const char *name)
{
	size_t i;

	for (i = 0; i < board->entry_count; i++)
		if (strcmp(board->entries[i]->target.conf->name, name) == 0)
			return board->entries[i];
	return NULL;
}

/* The ring. */

static size_t
place_of(const struct board *board, size_t i)
{
	return (board->next + BOARD_RECORDS - 1 - i) % BOARD_RECORDS;
}

static void
drop_oldest(struct board *board)
{
	struct packed *oldest = &board->ring[place_of(board, board->count - 1)];

	board->story_bytes -= packed_bytes(oldest);
	packed_drop(board->texts, oldest);
	board->count--;
	if (board->thin > 0)
		board->thin--;
}

void
board_free(struct board *board)
{
	if (board == NULL)
		return;
	while (board->count > 0)
		drop_oldest(board);
	failures_free(board->failures);
	incidents_free(board->incidents);
	texts_free(board->texts);
	free_entries(board->entries, board->entry_count);
	free(board->view);
	free(board);
}

size_t
board_bytes(const struct board *board)
{
	return sizeof(*board) + board->story_bytes +
	       failures_bytes(board->failures) + texts_bytes(board->texts);
}

/* The oldest that has more than its words has them only, from now on. */
static void
thin_oldest(struct board *board)
{
	struct packed *oldest =
	    &board->ring[place_of(board, board->count - 1 - board->thin)];

	board->story_bytes -= packed_bytes(oldest);
	packed_thin(board->texts, oldest);
	board->story_bytes += packed_bytes(oldest);
	board->thin++;
}

/*
 * Where there is too much to tell, older repeats lose what was seen (the
 * newest of each failure does not); then there are fewer.
 */
static void
keep_in_bounds(struct board *board)
{
	while (board_bytes(board) > BOARD_BYTES &&
	       board->thin + WHOLE_MIN < board->count)
		thin_oldest(board);
	while (board_bytes(board) > BOARD_BYTES)
		if (board->count > RECORDS_MIN ||
		    !failures_drop_oldest(board->failures))
			drop_oldest(board);
}

static struct packed *
keep_in_ring(struct board *board, const struct record *record)
{
	struct packed *place = &board->ring[board->next];

	if (board->count == BOARD_RECORDS)
		drop_oldest(board);
	*place = packed_new(board->texts, record);
	board->story_bytes += packed_bytes(place);
	board->next = (board->next + 1) % BOARD_RECORDS;
	board->count++;
	return place;
}

static void
set_last(struct entry *entry, struct record *record)
{
	free(entry->last);
	entry->last = record;
	entry->target.last = record;
}

static void
take_bad_answer(struct entry *entry, struct record *record)
{
	struct bad_answer *answer = record->bad_answer;

	record->bad_answer = NULL;
	if (answer == NULL)
		return;
	if (entry == NULL) {
		free(answer);
		return;
	}
	free(entry->bad_answer);
	entry->target.bad_answer = entry->bad_answer = answer;
}

/* The first of `count` ascending bounds that is not exceeded; `count`: none. */
static size_t
find_bucket(const double *bounds, size_t count, uint64_t us)
{
	size_t i = 0;

	while (i < count && (double)us / 1e6 > bounds[i])
		i++;
	return i;
}

static void
count_phase(struct board_target *target, size_t phase, uint64_t us)
{
	target->phase_sum_us[phase] += us;
	target->phase_count[phase]++;
	target->phase_buckets[phase][find_bucket(
	    board_phase_bounds, BOARD_PHASE_BUCKETS, us)]++;
}

static void
count_times(struct board_target *target, const struct record *record)
{
	size_t phase;

	target->duration_buckets[find_bucket(
	    board_bucket_bounds, BOARD_BUCKETS, record->duration_us)]++;
	target->duration_sum_us += record->duration_us;
	for (phase = 0; phase < PHASE_COUNT; phase++)
		if (record->phases.us[phase] != 0)
			count_phase(target, phase, record->phases.us[phase]);
}

/* Where the record of this id is kept; NULL: nowhere any more. */
static struct packed *
find_place(struct board *board, uint64_t id)
{
	size_t i;

	for (i = 0; i < board->count; i++)
		if (board->ring[place_of(board, i)].id == id)
			return &board->ring[place_of(board, i)];
	return NULL;
}

/* Takes the place of the one that told of the failure. */
static void
amend(struct board *board, struct record *record)
{
	struct packed *place = find_place(board, record->id);
	struct packed packed = packed_new(board->texts, record);
	size_t i;

	board_note_amendment(board, record, &packed);
	if (place != NULL) {
		board->story_bytes -= packed_bytes(place);
		packed_drop(board->texts, place);
		*place = packed;
		board->story_bytes += packed_bytes(place);
	} else {
		packed_drop(board->texts, &packed);
	}
	for (i = 0; i < board->entry_count; i++)
		if (board->entries[i]->last != NULL &&
		    board->entries[i]->last->id == record->id) {
			set_last(board->entries[i], record);
			return;
		}
	free(record);
}

static void
set_reading(
    struct entry *entry, const struct record *record, struct reading *reading)
{
	free(entry->reading);
	entry->reading = reading;
	entry->target.reading = reading;
	warned_note(&entry->warned, record, reading);
}

/* What it means for its target. */
static void
judge(struct board *board, struct entry *entry, struct record *record,
    const struct packed *packed)
{
	count_times(&entry->target, record);
	if (record->is_delivered) {
		board_note_success(board, entry, record, packed);
		set_reading(entry, record, record->reading);
		record->reading = NULL;
	} else
		board_note_failure(board, entry, record, packed);
}

void
board_add(struct board *board, struct record *record)
{
	struct entry *entry = find_entry(board, record->target->name);
	enum reason reason = record->finding->reason;
	struct packed *packed;

	/* The board goes by the name from here on. */
	conf_unref(record->target->conf);
	record->target = NULL;
	take_bad_answer(entry, record);
	if (record->is_amendment) {
		amend(board, record);
		keep_in_bounds(board);
		return;
	}
	packed = keep_in_ring(board, record);
	if (entry != NULL)
		entry->target.scrapes[reason]++;
	/* A scraper that lost patience says nothing of the target. */
	if (entry == NULL || reason == REASON_CLIENT_GONE) {
		free(record->reading);
		free(record);
	} else {
		judge(board, entry, record, packed);
		set_last(entry, record);
	}
	keep_in_bounds(board);
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

const struct board_target *
board_find_target(const struct board *board, const char *name)
{
	const struct entry *entry = find_entry(board, name);

	return entry == NULL ? NULL : &entry->target;
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
	packed_unpack(&board->ring[place_of(board, i)], board->view);
	return board->view;
}

const struct record *
board_failure(const struct board *board, size_t i, struct board_fold *fold)
{
	const struct failure *failure = failures_at(board->failures, i);

	if (failure == NULL)
		return NULL;
	fold->sequence = failure->sequence;
	fold->fold = board_fold_of(failure);
	packed_unpack(&failure->newest, board->view);
	return board->view;
}

const struct incident *
board_incident(const struct board *board, size_t i)
{
	return incidents_at(board->incidents, i);
}
