/*
 * The board: what is known of each target.  Owned by the main thread, fed
 * with records, read by the admin API, the metrics and the page; it also
 * writes the log lines of failures (one when a failure starts, changes its
 * reason, and ends, and a reminder every 10 minutes) and tells the journal.
 *
 * All that it keeps of records takes BOARD_BYTES at most.
 */
#ifndef PROXY_DIAGNOSIS_BOARD_H
#define PROXY_DIAGNOSIS_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/chronicle.h"
#include "proxy/diagnosis/reasons.h"
#include "proxy/diagnosis/record_json.h"
#include "proxy/fetch/phases.h"

struct bad_answer;
struct board;
struct conf;
struct conf_target;
struct reading;
struct record;

#define BOARD_RECORDS 1000
#define BOARD_BYTES ((size_t)512 * 1024)
#define BOARD_BUCKETS 6 /* few: each is a series of every target */

/* Upper bounds in seconds of scrape_duration, +Inf aside. */
extern const double board_bucket_bounds[BOARD_BUCKETS];

/* Those of a phase, for who wants to pay for them: a connection over loopback
 * needs the low end. */
#define BOARD_PHASE_BUCKETS 16
extern const double board_phase_bounds[BOARD_PHASE_BUCKETS];

struct board_target {
	const struct conf_target *conf;
	uint64_t scrapes[REASON_COUNT];
	uint64_t failures[LAYER_COUNT];
	uint64_t phase_sum_us[PHASE_COUNT];
	uint64_t phase_count[PHASE_COUNT]; /* attempts that had the phase */
	uint64_t phase_buckets[PHASE_COUNT][BOARD_PHASE_BUCKETS + 1];
	uint64_t duration_buckets[BOARD_BUCKETS + 1];
	uint64_t duration_sum_us;
	uint64_t last_success_wall_us;  /* 0: never */
	uint64_t failing_since_wall_us; /* 0: not failing */
	uint64_t failure_count;         /* of this incident */
	uint64_t last_logged_us;        /* monotonic; of what goes on */
	uint64_t samples;               /* of the last good one */
	uint64_t body_bytes;
	/* Newest record with a verdict (see board_add()), or NULL. */
	const struct record *last;
	/* What came with the newest failure that came with anything. */
	const struct bad_answer *bad_answer;
	/* Of the newest answer that was read and delivered, or NULL. */
	const struct reading *reading;
};

/* `conf` lives until the board has another one. */
struct board *board_new(const struct conf *conf);

/*
 * From now on the targets of `conf`: those that stay, by name, with their
 * history; those that went are forgotten, but not their records.
 */
void board_switch(struct board *board, const struct conf *conf);
void board_free(struct board *board);

/* From now on it is told of changes; not of what was before. */
void board_keep_journal(struct board *board, chronicle_fn *journal, void *arg);

/* A line of the journal from an earlier run: taken in if it is understood. */
void board_recover(struct board *board, const char *line, size_t len);

/* That was all of them. */
void board_settle(struct board *board);

/* Before the end: sums up for the journal what has gone well. */
void board_flush(struct board *board);

/*
 * Takes the record over.  One with reason client_gone has no verdict on the
 * target: it is kept and counted in `scrapes`, and changes nothing else.  One
 * that was delivered is a success, whatever its reason.  A record of a target
 * that the configuration does not name any more is kept only.  An amendment
 * takes the place of its record, if that is still there, and counts nothing.
 */
void board_add(struct board *board, struct record *record);

size_t board_target_count(const struct board *board);
const struct board_target *board_target(const struct board *board, size_t i);

/* By its name; NULL if there is none. */
const struct board_target *board_find_target(
    const struct board *board, const char *name);

enum board_health { BOARD_UNKNOWN, BOARD_UP, BOARD_DOWN };

enum board_health board_health(const struct board_target *target);
const char *board_health_name(enum board_health health); /* "up", ... */

/* Of these, what is returned is valid until the next call of any. */

/* The i-th newest record, 0 the newest; NULL past the end. */
const struct record *board_record(const struct board *board, size_t i);

struct board_fold {
	struct fold fold;
	uint64_t sequence; /* falls with i */
};

/* The i-th of the failures, slow and odd scrapes, folded; the one that came
 * last is 0. */
const struct record *board_failure(
    const struct board *board, size_t i, struct board_fold *fold);

/* The i-th of the incidents, the one that began last is 0. */
const struct incident *board_incident(const struct board *board, size_t i);

size_t board_bytes(const struct board *board);

#endif
