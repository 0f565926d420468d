/*
 * The most recent refusals with what an operator wants to know, for the admin
 * listener: a ring of REFUSALS_MAX, where repeats of one (method, result, peer,
 * user, path, detail) are counted instead of kept again.  If there are too
 * many, the oldest of the result that has the most goes, so that guesses push
 * out guesses.  And the word to the log: one line in a while for each result,
 * however fast somebody guesses; none for missing credentials and overload.
 *
 * Any thread: one lock, held for a copy, taken for refusals only.
 */
#ifndef AUTH_REFUSALS_H
#define AUTH_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"

#define REFUSALS_MAX 64

struct refusals;

/* All strings are escaped and cut. */
struct refusal {
	uint64_t first_ms; /* wall clock, since 1970 */
	uint64_t last_ms;
	uint64_t count;
	enum auth_method method;
	enum auth_result result;
	bool is_authorization; /* as in the verdict */
	char peer[64];
	char user[96]; /* "" unknown */
	char path[96];
	char detail[AUTH_DETAIL_SIZE];
};

#define REFUSALS_LINE_SECONDS 10

/* All zero: nothing was said yet. */
struct refusal_pace {
	uint64_t next_us; /* monotonic */
	uint64_t count;   /* since the last line */
};

/* Counts one; returns how many a line now stands for, 0: too early for one. */
uint64_t refusal_pace_next(struct refusal_pace *pace, uint64_t now_us);

struct refusals *refusals_new(void);
void refusals_free(struct refusals *refusals); /* NULL is fine */

/* `user` and `path` are foreign bytes or NULL; verdict->detail is escaped
 * already.  Logs, too, if it is time. */
void refusals_add(struct refusals *refusals, const struct auth_verdict *verdict,
    const char *peer, const char *user, const char *path);

/* Newest first; returns how many of at most `max`. */
size_t refusals_list(
    struct refusals *refusals, struct refusal *out, size_t max);

#endif
