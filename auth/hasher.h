/*
 * Passwords are checked here, on a thread of its own: a bcrypt takes tens of
 * milliseconds of CPU and more where CPU is limited, too long for any loop.
 *
 * One check at a time, few in the queue: more than that would be answered
 * after the scraper has given up.  The same credentials asked for meanwhile
 * share one check.  The thread starts with the first question, so a gate
 * without passwords has none.
 */
#ifndef AUTH_HASHER_H
#define AUTH_HASHER_H

#include <stdbool.h>

#include "auth/digest.h"
#include "proxy/base/mailbox.h"

/* Checks running or waiting. */
#define HASHER_QUEUE_MAX 8

/* bcrypt_matches(), or what a test puts in its place. */
typedef bool hasher_match_fn(const char *hash, const char *password);

struct hasher;

/* One who waits for a check; embedded in what the asker keeps. */
struct hash_wait {
	struct message message; /* deliver set by the asker */
	struct hash_wait *next; /* the hasher's */
	struct mailbox *reply_to;
	bool is_match;
};

struct hasher *hasher_new(hasher_match_fn *match);

/*
 * From any thread.  The wait is posted to wait->reply_to exactly once, with
 * is_match set.  False if the queue is full (or there is no thread): then it
 * is not.  `hash` and `password` are copied; `digest` stands for both.
 */
bool hasher_ask(struct hasher *hasher,
    const unsigned char digest[AUTH_DIGEST_SIZE], const char *hash,
    const char *password, struct hash_wait *wait);

/*
 * Lets the running check end; what else waits is posted back unchecked, as no
 * match.  Who asks after is refused.
 */
void hasher_stop(struct hasher *hasher);
void hasher_free(struct hasher *hasher); /* NULL is fine */

#endif
