/*
 * Who is next: what peers want done, in turns.  Each peer has a line of its
 * own, and the peers stand in a ring: who asks for much makes another wait for
 * one of his, not for all of them.  What a peer has in here is bounded, and so
 * is the whole; what has begun counts until it ends.
 *
 * Not locked: the owner's thread, or under the owner's lock.
 */
#ifndef AUTH_TURNS_H
#define AUTH_TURNS_H

#include <stdbool.h>
#include <sys/queue.h>

struct turns_peer;

/* Embedded in what wants to be done. */
struct turn {
	TAILQ_ENTRY(turn) link;
	struct turns_peer *peer;
	bool is_begun;
};

TAILQ_HEAD(turns_ring, turns_peer);

struct turns {
	struct turns_ring ring;
	unsigned count;
	unsigned max;      /* for all */
	unsigned peer_max; /* for one peer */
};

void turns_init(struct turns *turns, unsigned max, unsigned peer_max);

/* False: too much is in here already.  `peer` is copied. */
bool turns_add(struct turns *turns, struct turn *turn, const char *peer);

/* Whose turn it is; NULL if nothing waits. */
struct turn *turns_next(const struct turns *turns);

void turns_begin(struct turns *turns, struct turn *turn);

/* Done, or not wanted any more, begun or not.  Its peer's next turn comes
 * after all others'. */
void turns_end(struct turns *turns, struct turn *turn);

/* Another peer wants the same: if it has nothing else in here, it gives its
 * own turn, so that what stands before it in the first one's line does not
 * hold it up. */
void turns_hasten(struct turns *turns, struct turn *turn, const char *peer);

#endif
