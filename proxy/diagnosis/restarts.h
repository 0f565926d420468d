/*
 * Has an exporter been restarted?  By its process id, where that is known, else
 * by its own process_start_time_seconds: one that lies behind the last time it
 * was seen.  (Of several behind one name each has its own, and none of them is
 * that young.)  Each restart is told once.
 *
 * Pure; zeroed nothing is known.
 */
#ifndef PROXY_DIAGNOSIS_RESTARTS_H
#define PROXY_DIAGNOSIS_RESTARTS_H

#include <stdbool.h>
#include <stdint.h>

struct restarts {
	unsigned pid;          /* 0 not known, as below */
	uint64_t seen_wall_us; /* when it last told its start */
	bool was_told;         /* since then, by its process id */
	bool is_id_due;        /* told by its start, before its process id */
};

/* After an attempt: 0 is what it does not know. */
bool restarts_note(struct restarts *restarts, unsigned pid,
    uint64_t start_wall_us, uint64_t now_wall_us);

#endif
