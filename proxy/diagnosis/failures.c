#include "proxy/diagnosis/failures.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"

/* Those of an earlier run come below. */
#define FIRST_SEQUENCE (UINT64_C(1) << 32)

struct failures {
	struct texts *texts;
	struct failure *list[FAILURES_MAX]; /* by sequence, newest last */
	size_t count;
	size_t bytes; /* of words */
	uint64_t last_sequence;
	uint64_t last_restored;
};

struct failures *
failures_new(struct texts *texts)
{
	struct failures *failures = xcalloc(1, sizeof(*failures));

	failures->texts = texts;
	failures->last_sequence = FIRST_SEQUENCE;
	return failures;
}

static void
drop_newest(struct failures *failures, struct failure *failure)
{
	failures->bytes -= packed_bytes(&failure->newest);
	packed_drop(failures->texts, &failure->newest);
}

static void
set_newest(struct failures *failures, struct failure *failure,
    const struct packed *record)
{
	failure->newest = *record;
	failures->bytes += packed_bytes(record);
}

static void
remove_at(struct failures *failures, size_t i)
{
	drop_newest(failures, failures->list[i]);
	free(failures->list[i]);
	failures->count--;
	memmove(&failures->list[i], &failures->list[i + 1],
	    (failures->count - i) * sizeof(failures->list[0]));
}

void
failures_free(struct failures *failures)
{
	if (failures == NULL)
		return;
	while (failures->count > 0)
		remove_at(failures, failures->count - 1);
	free(failures);
}

static size_t
find(const struct failures *failures, const struct packed *record,
    uint64_t episode_wall_us)
{
	const struct failure *failure;
	size_t i;

	for (i = failures->count; i > 0; i--) {
		failure = failures->list[i - 1];
		if (failure->episode_wall_us == episode_wall_us &&
		    failure->newest.reason == record->reason &&
		    strcmp(failure->newest.target, record->target) == 0)
			return i - 1;
	}
	return failures->count;
}

/* The youngest stays, however long its words. */
static void
make_room(struct failures *failures, size_t bytes)
{
	while (failures->count > 0 &&
	       (failures->count == FAILURES_MAX ||
		   failures->bytes + bytes > FAILURES_BYTES))
		remove_at(failures, 0);
}

static void
insert(struct failures *failures, struct failure *failure)
{
	size_t i;

	for (i = failures->count; i > 0; i--) {
		if (failures->list[i - 1]->sequence < failure->sequence)
			break;
		failures->list[i] = failures->list[i - 1];
	}
	failures->list[i] = failure;
	failures->count++;
}

static struct failure *
take_out(struct failures *failures, size_t i)
{
	struct failure *failure = failures->list[i];

	failures->count--;
	memmove(&failures->list[i], &failures->list[i + 1],
	    (failures->count - i) * sizeof(failures->list[0]));
	return failure;
}

const struct failure *
failures_add(struct failures *failures, const struct packed *record,
    uint64_t episode_wall_us)
{
	size_t i = find(failures, record, episode_wall_us);
	struct packed newest = packed_ref(record);
	struct failure *failure;

	if (i < failures->count) {
		failure = take_out(failures, i);
		drop_newest(failures, failure);
	} else {
		failure = xcalloc(1, sizeof(*failure));
		failure->first_wall_us = record->wall_us;
		failure->episode_wall_us = episode_wall_us;
	}
	make_room(failures, packed_bytes(record));
	failure->count++;
	failure->sequence = ++failures->last_sequence;
	set_newest(failures, failure, &newest);
	insert(failures, failure);
	return failure;
}

const struct failure *
failures_amend(struct failures *failures, const struct packed *record)
{
	struct packed newest;
	size_t i;

	for (i = 0; i < failures->count; i++) {
		if (failures->list[i]->newest.id != record->id)
			continue;
		newest = packed_ref(record);
		drop_newest(failures, failures->list[i]);
		set_newest(failures, failures->list[i], &newest);
		return failures->list[i];
	}
	return NULL;
}

void
failures_restore(struct failures *failures, const struct failure *told)
{
	size_t i = find(failures, &told->newest, told->episode_wall_us);
	struct failure *failure;
	struct packed refused;

	if (i < failures->count)
		remove_at(failures, i);
	/* What this run has seen does not make room for what was before. */
	if (failures->count == FAILURES_MAX &&
	    failures->list[0]->sequence > FIRST_SEQUENCE) {
		refused = told->newest;
		packed_drop(failures->texts, &refused);
		return;
	}
	make_room(failures, packed_bytes(&told->newest));
	failure = xmalloc(sizeof(*failure));
	*failure = *told;
	failure->sequence = ++failures->last_restored;
	failures->bytes += packed_bytes(&failure->newest);
	insert(failures, failure);
}

void
failures_join(struct failures *failures, const char *target,
    uint64_t from_wall_us, uint64_t to_wall_us)
{
	struct failure *failure;
	size_t i, old;

	for (i = failures->count; i > 0; i--) {
		failure = failures->list[i - 1];
		if (failure->episode_wall_us != from_wall_us ||
		    strcmp(failure->newest.target, target) != 0)
			continue;
		failure->episode_wall_us = 0; /* not to be found itself */
		old = find(failures, &failure->newest, to_wall_us);
		if (old < failures->count) {
			failure->count += failures->list[old]->count;
			failure->first_wall_us =
			    failures->list[old]->first_wall_us;
			remove_at(failures, old);
			i--; /* those of an earlier run are below */
		}
		failure->episode_wall_us = to_wall_us;
		if (i == 0)
			break;
	}
}

const struct failure *
failures_at(const struct failures *failures, size_t i)
{
	return i < failures->count ? failures->list[failures->count - 1 - i]
				   : NULL;
}

bool
failures_drop_oldest(struct failures *failures)
{
	if (failures->count == 0)
		return false;
	remove_at(failures, 0);
	return true;
}

size_t
failures_bytes(const struct failures *failures)
{
	return sizeof(*failures) +
	       failures->count * (sizeof(struct failure) + 16) +
	       failures->bytes;
}
