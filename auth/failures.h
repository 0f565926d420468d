/*
 * Refused credentials in the log: one line in a while with a count, however
 * fast somebody guesses.  Any thread.
 */
#ifndef AUTH_FAILURES_H
#define AUTH_FAILURES_H

#include <stdatomic.h>
#include <stdint.h>

#define FAILURES_LINE_SECONDS 10

/* All zero: none yet. */
struct failures {
	_Atomic uint64_t next_line_us; /* monotonic */
	_Atomic uint64_t count;        /* since the last line */
};

/*
 * Counts one; returns how many to speak of now, or 0 if it is too early.
 * `now_us` is monotonic.
 */
uint64_t failures_add(struct failures *failures, uint64_t now_us);

#endif
