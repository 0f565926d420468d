/*
 * One record per upstream attempt: made on the fetch thread, sent to the main
 * thread's board, which owns it from then on (and keeps it as packed.h says).
 */
#ifndef PROXY_DIAGNOSIS_RECORD_H
#define PROXY_DIAGNOSIS_RECORD_H

#include "proxy/base/mailbox.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/lateness.h"
#include "proxy/fetch/phases.h"

struct bad_answer;
struct reading;

struct record {
	struct message message;
	/* Until the board has it, with a reference to its configuration. */
	const struct conf_target *target;
	char target_name[64]; /* cut if longer; for display after a reload */
	uint64_t id;          /* rising from 1 */
	uint64_t wall_us;     /* when the attempt started */
	uint64_t duration_us; /* first scrape's arrival to the end */
	int64_t timeout_ms;   /* the first scraper's */
	char scraper[64];     /* address of the first that asked */
	unsigned waiters;     /* scrapes that shared it */
	struct phases phases;
	int status; /* the exporter's; 0 none */
	uint64_t wire_bytes;
	uint64_t body_bytes;
	uint64_t samples;
	bool is_reused;     /* kept-alive upstream connection */
	bool is_delivered;  /* the scraper got a 200, whatever the reason */
	bool has_restarted; /* the exporter, since the attempt before */
	/* When the process began that is there since; 0: not known. */
	uint64_t restarted_wall_us;
	uint32_t warnings; /* of enum warning, as bits: what is odd in it */
	/* Why some Prometheus refuses what was delivered; REASON_OK: none. */
	enum reason objection;
	/* Until the board has it, which keeps each target's newest; or NULL. */
	struct reading *reading;
	/* What became of the attempt after it had run out of time.  Such a
	 * record takes the place of the one with its id. */
	bool is_amendment;
	struct lateness lateness;
	struct bad_answer *bad_answer; /* until the board has it, or NULL */
	const struct finding *finding; /* finding->reason REASON_OK when fine */
	struct finding own[];          /* `finding`, unless it is fine */
};

/*
 * Zeroed but for a copy of `finding`, and freed by free().  Nearly all are
 * fine, with nothing to say and so without room for words.
 */
struct record *record_new(const struct finding *finding);

/* Zeroed, with room for any finding in own[0], which is fine. */
struct record *record_room_new(void);

/* References that it has are not taken again, nor is its reading. */
struct record *record_copy(const struct record *record);

/* Takes the reading over; NULL: there is none. */
void record_set_reading(struct record *record, struct reading *reading);

/* Calls `take` with the ids of what is odd in its body, an objection first. */
void record_warnings(const struct record *record,
    void (*take)(const char *id, void *arg), void *arg);

#endif
