/*
 * Passwords are checked here, on a thread of its own: a bcrypt takes tens of
 * milliseconds of CPU and more where CPU is limited, too long for any loop.
 *
 * One check at a time, and peers take turns: who guesses from one address
 * makes a scraper at another wait for one guess, not for all of them.  What a
 * peer has waiting is bounded, and so is the whole; what is still waiting at
 * its deadline is not checked any more.  The same credentials asked for
 * meanwhile share one check.  The thread starts with the first question, so a
 * gate without passwords has none.
 */
#ifndef AUTH_HASHER_H
#define AUTH_HASHER_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/digest.h"
#include "proxy/base/mailbox.h"

/* Checks running or waiting: for one peer, and for all. */
#define HASHER_PEER_MAX 8
#define HASHER_MAX 256

/* bcrypt_matches(), or what a test puts in its place. */
typedef bool hasher_match_fn(const char *hash, const char *password);

struct hasher;

enum hash_outcome {
	HASH_UNCHECKED, /* its time was over, or the process ends */
	HASH_NO_MATCH,
	HASH_MATCH
};

/* One who waits for a check; embedded in what the asker keeps. */
struct hash_wait {
	struct message message; /* deliver set by the asker */
	struct hash_wait *next; /* the hasher's */
	struct mailbox *reply_to;
	const char *peer;     /* who takes turns; valid during the call */
	uint64_t deadline_us; /* monotonic; nobody listens after it */
	enum hash_outcome outcome;
};

struct hasher *hasher_new(hasher_match_fn *match);

/*
 * From any thread.  The wait is posted to wait->reply_to exactly once, with
 * its outcome.  False if too many wait (or there is no thread): then it is
 * not.  `hash` and `password` are copied; `digest` stands for both.
 */
bool hasher_ask(struct hasher *hasher,
    const unsigned char digest[AUTH_DIGEST_SIZE], const char *hash,
    const char *password, struct hash_wait *wait);

/*
 * Posts back all that waits, unchecked; who asks after is refused.  A check
 * that is running and does not end at once is left to itself: at high costs
 * it takes minutes, and cannot be interrupted.
 */
void hasher_stop(struct hasher *hasher);
void hasher_free(struct hasher *hasher); /* NULL is fine */

#endif
