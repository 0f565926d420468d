/*
 * What a board is made of.  Private: board.c has targets and records,
 * board_notes.c what a record means for its target and who is told, and
 * board_recover.c what an earlier run has told.
 */
#ifndef PROXY_DIAGNOSIS_BOARD_PARTS_H
#define PROXY_DIAGNOSIS_BOARD_PARTS_H

#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/chronicle.h"
#include "proxy/diagnosis/packed.h"
#include "proxy/diagnosis/warned.h"

struct failure;

struct entry {
	struct board_target target;
	struct bad_answer *bad_answer; /* what target.bad_answer shows */
	struct record *last;           /* what target.last shows */
	struct reading *reading;       /* likewise */
	struct warned warned;
	/* A row of scrapes that were delivered, but slow or odd. */
	enum reason odd_reason;
	uint64_t odd_since_wall_us; /* 0: the last was as it should be */
	/* Monotonic, 0 never: of timeout_near, of scrape_slow, of others. */
	uint64_t odd_logged_us[3];
	struct summary summary;
	uint64_t summary_since_us; /* monotonic */
};

struct board {
	struct entry **entries; /* in the order of the configuration */
	size_t entry_count;
	struct packed ring[BOARD_RECORDS];
	size_t next;  /* slot of the next record */
	size_t count; /* slots in use */
	size_t thin;  /* the oldest of them, of which only words are left */
	size_t story_bytes;
	struct texts *texts;
	struct failures *failures;
	struct incidents *incidents;
	struct chronicle chronicle;
	struct record *view; /* what was last looked at */
};

void board_note_success(struct board *board, struct entry *entry,
    const struct record *record, const struct packed *packed);
void board_note_failure(struct board *board, struct entry *entry,
    const struct record *record, const struct packed *packed);
void board_note_amendment(struct board *board, const struct record *record,
    const struct packed *packed);
void board_note_removal(struct board *board, struct entry *entry);

/* An incident at a target that is not configured any more. */
void board_end_removed(struct board *board, const char *target);

struct fold board_fold_of(const struct failure *failure);

#endif
