/*
 * Private to auth/: what the methods share.
 */
#ifndef AUTH_METHOD_H
#define AUTH_METHOD_H

#include "auth/auth.h"
#include "auth/failures.h"
#include "auth/limiter.h"

struct auth {
	struct hasher *hasher;
	struct limiter limiter;
	struct failures failures;
	unsigned char key[AUTH_KEY_SIZE]; /* of all booths' digests */
};

struct auth_booth {
	struct auth *auth;
	struct mailbox *mailbox;
	struct digester *digester;
	struct auth_cache *cache;
};

/* Longest peer address that is kept for a line in the log. */
#define AUTH_PEER_SIZE 64

/* One line in a while.  `user` is foreign bytes, or NULL if unknown. */
void auth_log_failure(struct auth *auth, const struct auth_verdict *verdict,
    const char *peer, const char *user);

/* basic.c.  `rest` is what stands behind the scheme. */
void auth_basic_check(struct auth_booth *booth,
    const struct auth_question *question, const char *rest,
    struct auth_verdict *verdict);

#endif
