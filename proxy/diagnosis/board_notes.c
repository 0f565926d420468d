#include <string.h>

#include "conf/conf.h"
#include "proxy/base/clock.h"
#include "proxy/diagnosis/board_parts.h"
#include "proxy/diagnosis/failures.h"
#include "proxy/diagnosis/incidents.h"
#include "proxy/diagnosis/record.h"

/* Of the log, and of what the journal hears of repeats and of success. */
#define REMINDER_US (UINT64_C(600) * 1000000)

/* Of a row of slow scrapes the journal hears each of these, then as of the
 * repeats of a failure. */
#define SLOW_ROW 16

struct fold
board_fold_of(const struct failure *failure)
{
	return (struct fold){
		.count = failure->count,
		.first_wall_us = failure->first_wall_us,
		.last_wall_us = failure->newest.wall_us,
		.episode_wall_us = failure->episode_wall_us,
	};
}

/* Is it time for a reminder?  Then it is given. */
static bool
is_due(uint64_t *last_us)
{
	uint64_t now = clock_now_us();

	if (*last_us != 0 && now - *last_us < REMINDER_US)
		return false;
	*last_us = now;
	return true;
}

/* Often at first: the 1st, 2nd, 4th, 8th ... */
static bool
is_power_of_two(uint64_t count)
{
	return (count & (count - 1)) == 0;
}

/*
 * A restart that ended an incident may be seen only after that, as who answers
 * has to be searched for.  False: it belongs to what is noted now.
 */
static bool
is_of_one_that_is_over(
    struct board *board, const char *target, const struct record *record)
{
	const struct incident *incident = NULL;
	struct chronicle_entry told = {
		.event = CHRONICLE_ENDED,
		.is_journaled = true,
	};

	if (record->restarted_wall_us != 0)
		incident = incidents_restarted(
		    board->incidents, target, record->restarted_wall_us);
	if (incident == NULL)
		return false;
	/* In the journal, it takes the place of what was told before. */
	told.incident = incident;
	chronicle_tell(&board->chronicle, &told);
	return true;
}

static bool
is_restart_of_now(
    struct board *board, const char *target, const struct record *record)
{
	return record->has_restarted &&
	       !is_of_one_that_is_over(board, target, record);
}

/* Failures. */

static enum chronicle_event
event_of(const struct board_target *target, enum incident_change change,
    const struct record *record)
{
	/* One of so many that they were not all kept, or of an earlier run. */
	bool is_known = target->failing_since_wall_us != 0;
	enum reason was =
	    target->last != NULL ? target->last->finding->reason : REASON_OK;

	if (change == INCIDENT_CHANGED && is_known)
		return CHRONICLE_CHANGED;
	if (change == INCIDENT_STARTED && !is_known)
		return CHRONICLE_STARTED;
	return is_known && was != record->finding->reason ? CHRONICLE_CHANGED
							  : CHRONICLE_REPEATED;
}

void
board_note_failure(struct board *board, struct entry *entry,
    const struct record *record, const struct packed *packed)
{
	struct board_target *target = &entry->target;
	enum reason reason = record->finding->reason;
	const struct incident_failure failure = {
		.target = target->conf->name,
		.reason = reason,
		.words = record->finding->words,
		.wall_us = record->wall_us,
		.has_restarted =
		    is_restart_of_now(board, target->conf->name, record),
	};
	enum incident_change change =
	    incidents_fail(board->incidents, &failure);
	const struct incident *incident =
	    incidents_open(board->incidents, target->conf->name);
	struct fold fold = board_fold_of(
	    failures_add(board->failures, packed, incident->first_wall_us));
	struct chronicle_entry told = {
		.event = event_of(target, change, record),
		.record = record,
		.fold = &fold,
		.incident = incident,
	};
	bool is_new = target->failing_since_wall_us == 0;

	entry->odd_since_wall_us = 0;
	target->failures[reason_row(reason)->layer]++;
	target->failing_since_wall_us = incident->first_wall_us;
	target->failure_count = incident->count;
	if (told.event == CHRONICLE_CHANGED)
		told.was = reason_row(target->last->finding->reason)->id;
	told.is_logged = is_new || told.event != CHRONICLE_REPEATED;
	if (told.is_logged)
		target->last_logged_us = clock_now_us();
	else
		told.is_logged = is_due(&target->last_logged_us);
	told.is_journaled = told.is_logged || is_power_of_two(incident->count);
	chronicle_tell(&board->chronicle, &told);
}

void
board_note_amendment(struct board *board, const struct record *record,
    const struct packed *packed)
{
	const struct failure *failure = failures_amend(board->failures, packed);
	struct fold fold = { .count = 1,
		.first_wall_us = record->wall_us,
		.last_wall_us = record->wall_us,
		.episode_wall_us = record->wall_us };
	const struct chronicle_entry told = {
		.event = CHRONICLE_AMENDED,
		.record = record,
		.fold = &fold,
		.incident =
		    incidents_open(board->incidents, record->target_name),
		.is_logged = true,
		.is_journaled = failure != NULL,
	};

	if (failure != NULL)
		fold = board_fold_of(failure);
	chronicle_tell(&board->chronicle, &told);
}

/* The end of them. */

static void
tell_end(struct board *board, const struct incident *incident)
{
	const struct chronicle_entry told = {
		.event = CHRONICLE_ENDED,
		.incident = incident,
		.is_logged = true,
		.is_journaled = true,
	};

	if (incident != NULL)
		chronicle_tell(&board->chronicle, &told);
}

void
board_end_removed(struct board *board, const char *target)
{
	tell_end(
	    board, incidents_remove(board->incidents, target, clock_wall_us()));
}

void
board_note_removal(struct board *board, struct entry *entry)
{
	const char *name = entry->target.conf->name;

	chronicle_sum_up(&board->chronicle, name, &entry->summary);
	board_end_removed(board, name);
}

static void
end_incident(struct board *board, struct board_target *target,
    const struct record *record)
{
	const char *name = target->conf->name;
	bool has_restarted = is_restart_of_now(board, name, record);

	tell_end(board, incidents_recover(board->incidents, name,
			    record->wall_us, has_restarted));
	target->failing_since_wall_us = 0;
	target->failure_count = 0;
}

/* Success. */

static void
note_odd(struct board *board, struct entry *entry, const struct record *record,
    const struct packed *packed)
{
	enum reason reason = record->finding->reason;
	struct chronicle_entry told = {
		.event =
		    reason_is_slow(reason) ? CHRONICLE_SLOW : CHRONICLE_WARNED,
		.record = record,
	};
	struct fold fold;

	if (entry->odd_since_wall_us == 0 || entry->odd_reason != reason) {
		entry->odd_since_wall_us =
		    record->wall_us > 0 ? record->wall_us : 1;
		entry->odd_reason = reason;
	}
	fold = board_fold_of(
	    failures_add(board->failures, packed, entry->odd_since_wall_us));
	told.fold = &fold;
	/* Every other scrape may be slow: no line for each. */
	told.is_logged =
	    is_due(&entry->odd_logged_us[reason == REASON_TIMEOUT_NEAR  ? 0
					 : reason == REASON_SCRAPE_SLOW ? 1
									: 2]);
	told.is_journaled = told.is_logged || is_power_of_two(fold.count) ||
			    (reason_is_slow(reason) && fold.count <= SLOW_ROW);
	chronicle_tell(&board->chronicle, &told);
}

static void
sum_up(struct board *board, struct entry *entry)
{
	chronicle_sum_up(
	    &board->chronicle, entry->target.conf->name, &entry->summary);
	memset(&entry->summary, 0, sizeof(entry->summary));
}

static void
add_to_summary(
    struct board *board, struct entry *entry, const struct record *record)
{
	struct summary *summary = &entry->summary;
	uint64_t now = clock_now_us();
	int i;

	if (summary->count > 0 && now - entry->summary_since_us >= REMINDER_US)
		sum_up(board, entry);
	if (summary->count == 0) {
		summary->since_wall_us = record->wall_us;
		entry->summary_since_us = now;
	}
	summary->until_wall_us = record->wall_us;
	summary->count++;
	summary->sum_us += record->duration_us;
	if (record->duration_us > summary->max_us)
		summary->max_us = record->duration_us;
	for (i = 0; i < PHASE_COUNT; i++)
		summary->sums.us[i] += record->phases.us[i];
	summary->bytes = record->body_bytes;
	summary->samples = record->samples;
}

void
board_note_success(struct board *board, struct entry *entry,
    const struct record *record, const struct packed *packed)
{
	struct board_target *target = &entry->target;

	end_incident(board, target, record);
	if (record->finding->reason != REASON_OK)
		note_odd(board, entry, record, packed);
	else
		entry->odd_since_wall_us = 0;
	add_to_summary(board, entry, record);
	target->last_success_wall_us = record->wall_us;
	target->samples = record->samples;
	target->body_bytes = record->body_bytes;
}

void
board_flush(struct board *board)
{
	size_t i;

	for (i = 0; i < board->entry_count; i++)
		sum_up(board, board->entries[i]);
}
