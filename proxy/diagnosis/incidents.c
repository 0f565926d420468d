#include "proxy/diagnosis/incidents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

struct incidents {
	struct incident *list[INCIDENTS_MAX]; /* by beginning, newest last */
	size_t count;
};

const char *
incident_state_name(enum incident_state state)
{
	static const char *const names[] = { "open", "recovered",
		"target_removed" };

	return names[state];
}

const char *
incident_id(const struct incident *incident, char id[INCIDENT_ID_SIZE])
{
	char text[CLOCK_TEXT_SIZE];

	snprintf(id, INCIDENT_ID_SIZE, "%s@%s", incident->target,
	    clock_text(incident->first_wall_us, text));
	return id;
}

struct incidents *
incidents_new(void)
{
	return xcalloc(1, sizeof(struct incidents));
}

static void
free_incident(struct incident *incident)
{
	free(incident->target);
	free(incident->words);
	free(incident);
}

void
incidents_free(struct incidents *incidents)
{
	size_t i;

	if (incidents == NULL)
		return;
	for (i = 0; i < incidents->count; i++)
		free_incident(incidents->list[i]);
	free(incidents);
}

/* The index of the target's open one before `end`, or `end`. */
static size_t
open_before(const struct incidents *incidents, const char *target, size_t end)
{
	const struct incident *incident;
	size_t i;

	for (i = end; i > 0; i--) {
		incident = incidents->list[i - 1];
		if (incident->state == INCIDENT_OPEN &&
		    strcmp(incident->target, target) == 0)
			return i - 1;
	}
	return end;
}

static struct incident *
find_open(const struct incidents *incidents, const char *target)
{
	size_t i = open_before(incidents, target, incidents->count);

	return i < incidents->count ? incidents->list[i] : NULL;
}

static void
remove_at(struct incidents *incidents, size_t i)
{
	free_incident(incidents->list[i]);
	incidents->count--;
	memmove(&incidents->list[i], &incidents->list[i + 1],
	    (incidents->count - i) * sizeof(incidents->list[0]));
}

/* The oldest that is over, else the oldest. */
static void
make_room(struct incidents *incidents)
{
	size_t i;

	if (incidents->count < INCIDENTS_MAX)
		return;
	for (i = 0; i < incidents->count; i++)
		if (incidents->list[i]->state != INCIDENT_OPEN)
			break;
	remove_at(incidents, i < incidents->count ? i : 0);
}

/* Behind those that began before it. */
static void
insert(struct incidents *incidents, struct incident *incident)
{
	size_t i;

	make_room(incidents);
	for (i = incidents->count; i > 0; i--) {
		if (incidents->list[i - 1]->first_wall_us <=
		    incident->first_wall_us)
			break;
		incidents->list[i] = incidents->list[i - 1];
	}
	incidents->list[i] = incident;
	incidents->count++;
}

static struct incident *
begin(struct incidents *incidents, const struct incident_failure *failure)
{
	struct incident *incident = xcalloc(1, sizeof(*incident));

	incident->target = xstrdup(failure->target);
	/* 0 means never, whatever the wall clock believes. */
	incident->first_wall_us = failure->wall_us > 0 ? failure->wall_us : 1;
	insert(incidents, incident);
	return incident;
}

static void
count_reason(struct incident *incident, enum reason reason, uint64_t count)
{
	unsigned i;

	for (i = 0; i < incident->reason_count; i++)
		if (incident->reasons[i].reason == reason)
			break;
	if (i == INCIDENT_REASONS) {
		incident->other_count += count;
		return;
	}
	incident->reasons[i].reason = reason;
	incident->reasons[i].count += count;
	if (i == incident->reason_count)
		incident->reason_count++;
}

/* A wall clock that is set back does not make an end before its beginning. */
static uint64_t
not_before(uint64_t wall_us, const struct incident *incident)
{
	return wall_us > incident->first_wall_us ? wall_us
						 : incident->first_wall_us;
}

enum incident_change
incidents_fail(
    struct incidents *incidents, const struct incident_failure *failure)
{
	struct incident *incident = find_open(incidents, failure->target);
	enum incident_change change = INCIDENT_REPEATED;

	if (incident == NULL) {
		incident = begin(incidents, failure);
		change = INCIDENT_STARTED;
	} else if (incident->reason != failure->reason) {
		change = INCIDENT_CHANGED;
	}
	incident->last_wall_us = not_before(failure->wall_us, incident);
	incident->reason = failure->reason;
	incident->count++;
	count_reason(incident, failure->reason, 1);
	incident->restarts += failure->has_restarted;
	free(incident->words);
	incident->words = xstrdup(failure->words);
	return change;
}

static const struct incident *
end(struct incidents *incidents, const char *target, uint64_t wall_us,
    enum incident_state state)
{
	struct incident *incident = find_open(incidents, target);

	if (incident == NULL)
		return NULL;
	incident->end_wall_us = not_before(wall_us, incident);
	incident->state = state;
	return incident;
}

const struct incident *
incidents_recover(struct incidents *incidents, const char *target,
    uint64_t wall_us, bool has_restarted)
{
	struct incident *incident = find_open(incidents, target);

	if (incident != NULL)
		incident->restarts += has_restarted;
	return end(incidents, target, wall_us, INCIDENT_RECOVERED);
}

const struct incident *
incidents_restarted(
    struct incidents *incidents, const char *target, uint64_t wall_us)
{
	struct incident *incident;
	size_t i;

	/* Of several that ended later, it was the first that it ended. */
	for (i = 0; i < incidents->count; i++) {
		incident = incidents->list[i];
		if (incident->state == INCIDENT_OPEN ||
		    incident->end_wall_us < wall_us ||
		    strcmp(incident->target, target) != 0)
			continue;
		incident->restarts++;
		return incident;
	}
	return NULL;
}

const struct incident *
incidents_remove(
    struct incidents *incidents, const char *target, uint64_t wall_us)
{
	return end(incidents, target, wall_us, INCIDENT_TARGET_REMOVED);
}

const struct incident *
incidents_open(const struct incidents *incidents, const char *target)
{
	return find_open(incidents, target);
}

void
incidents_restore(struct incidents *incidents, const struct incident *incident)
{
	struct incident *copy = xmalloc(sizeof(*copy));
	size_t i;

	*copy = *incident;
	copy->target = xstrdup(incident->target);
	copy->words = xstrdup(incident->words);
	if (copy->state == INCIDENT_OPEN)
		copy->gate_restarts++;
	for (i = 0; i < incidents->count; i++)
		if (incidents->list[i]->first_wall_us ==
			incident->first_wall_us &&
		    strcmp(incidents->list[i]->target, incident->target) == 0)
			break;
	if (i < incidents->count)
		remove_at(incidents, i);
	insert(incidents, copy);
}

static void
add_up(struct incident *incident, const struct incident *later)
{
	unsigned i;

	incident->last_wall_us = later->last_wall_us;
	incident->count += later->count;
	incident->reason = later->reason;
	for (i = 0; i < later->reason_count; i++)
		count_reason(incident, later->reasons[i].reason,
		    later->reasons[i].count);
	incident->other_count += later->other_count;
	incident->restarts += later->restarts;
	free(incident->words);
	incident->words = xstrdup(later->words);
}

bool
incidents_join(struct incidents *incidents, const char *target,
    uint64_t *from_wall_us, uint64_t *to_wall_us)
{
	size_t count = incidents->count;
	size_t later = open_before(incidents, target, count);
	size_t earlier =
	    later < count ? open_before(incidents, target, later) : later;

	if (earlier == later)
		return false;
	*from_wall_us = incidents->list[later]->first_wall_us;
	*to_wall_us = incidents->list[earlier]->first_wall_us;
	add_up(incidents->list[earlier], incidents->list[later]);
	remove_at(incidents, later);
	return true;
}

const struct incident *
incidents_at(const struct incidents *incidents, size_t i)
{
	return i < incidents->count ? incidents->list[incidents->count - 1 - i]
				    : NULL;
}
