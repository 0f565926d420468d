/*
 * Failures and slow scrapes, folded: repeats of one thing at one target are one
 * entry with a count, from the first to the last.  One thing is one reason in
 * one episode: an incident, or an unbroken row of slow scrapes.
 *
 * Main thread; bounded in number and bytes, the one that was longest quiet
 * goes first.
 */
#ifndef PROXY_DIAGNOSIS_FAILURES_H
#define PROXY_DIAGNOSIS_FAILURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/packed.h"

#define FAILURES_MAX 250
#define FAILURES_BYTES ((size_t)160 * 1024) /* of their words */

struct failures;
struct texts;

struct failure {
	struct packed newest; /* record.wall_us: the last time */
	uint64_t first_wall_us;
	uint64_t count;
	uint64_t episode_wall_us; /* when the episode began */
	/* The place in the order: rises with each repeat. */
	uint64_t sequence;
};

struct failures *failures_new(struct texts *texts);
void failures_free(struct failures *failures); /* NULL is fine */

/* Takes a reference to the record's words; the entry, valid until the next
 * call. */
const struct failure *failures_add(struct failures *failures,
    const struct packed *record, uint64_t episode_wall_us);

/* What has been found out since: NULL if the newest of none has this id. */
const struct failure *failures_amend(
    struct failures *failures, const struct packed *record);

/*
 * One that an earlier run has told of, in place of what was told before; older
 * than all that are added.  Takes failure->newest over.
 */
void failures_restore(struct failures *failures, const struct failure *failure);

/* What began at `from` is part of what began at `to`. */
void failures_join(struct failures *failures, const char *target,
    uint64_t from_wall_us, uint64_t to_wall_us);

/* The newest is 0; NULL past the end. */
const struct failure *failures_at(const struct failures *failures, size_t i);

bool failures_drop_oldest(struct failures *failures); /* false: none left */

size_t failures_bytes(const struct failures *failures); /* `texts` aside */

#endif
