/*
 * Which warnings of a target the log knows of: one line when one starts, and
 * one when it has not come for a while.  Plain data; zeroed is empty.
 *
 * Pure, but for the log.
 */
#ifndef PROXY_DIAGNOSIS_WARNED_H
#define PROXY_DIAGNOSIS_WARNED_H

#include <stddef.h>

struct reading;
struct record;

/* More at a time are not told. */
#define WARNED_MAX 16

/* Two scrapers that ask for different formats take turns: a warning is over
 * when it has stayed away for so many answers. */
#define WARNED_ABSENT_MAX 5

struct warned {
	struct {
		const char *id; /* static */
		unsigned absent;
	} rows[WARNED_MAX];
	size_t count;
};

/*
 * The next answer that was delivered; NULL: nobody looked at it.  What its
 * record has for a reason is told otherwise.
 */
void warned_note(struct warned *warned, const struct record *record,
    const struct reading *reading);

#endif
