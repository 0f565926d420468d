/*
 * How many connections there are, of all workers together: in all, from each
 * address, and through each listener.
 *
 * Any thread.  Limits may change while it is used; what is there already
 * stays, and counts.
 */
#ifndef PROXY_GATE_TALLY_H
#define PROXY_GATE_TALLY_H

#include <stdbool.h>

struct conf_connections;
struct tally;
struct tally_slot;

/* What stands against a connection. */
enum tally_limit { TALLY_ADDRESS, TALLY_LISTENER, TALLY_LIMIT_COUNT };

#define TALLY_NO_LIMIT TALLY_LIMIT_COUNT

/* The key's name: "max_per_address", ... */
const char *tally_limit_name(enum tally_limit limit);

struct tally *tally_new(const struct conf_connections *limits);
void tally_free(struct tally *tally); /* nobody is in it; NULL is fine */
void tally_set_limits(
    struct tally *tally, const struct conf_connections *limits);

/* In all. */
void tally_add(struct tally *tally);
void tally_remove(struct tally *tally);

/* Is there room for no more, or are there too many? */
bool tally_is_full(const struct tally *tally);
bool tally_is_over(const struct tally *tally);

/* Where a connection is counted; empty at first. */
struct tally_place {
	struct tally_slot *slots[TALLY_LIMIT_COUNT];
};

/*
 * Counts it, or says which limit it would break.  `peer` is an address as
 * text, of IPv6 its /64 counts; anything else ("unix") has none.  `listener`
 * is NULL if it cannot be told.
 */
enum tally_limit tally_enter(struct tally *tally, struct tally_place *place,
    const char *peer, const char *listener);

/* As often as wanted. */
void tally_leave(struct tally *tally, struct tally_place *place);

#endif
