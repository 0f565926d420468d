#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/json.h"
#include "proxy/diagnosis/incidents.h"
#include "proxy/diagnosis/record.h"
#include "proxy/diagnosis/record_json.h"
#include "proxy/exposition/warnings.h"

/* Whatever the file says, it fits: larger numbers than these say nothing. */
#define NUMBER_MAX 9e15

static const char *
read_text(const struct cJSON *object, const char *key)
{
	const char *text = json_string(json_get(object, key));

	return text != NULL ? text : "";
}

static uint64_t
read_scaled(const struct cJSON *object, const char *key, double scale)
{
	double number;

	if (!json_number(json_get(object, key), &number) || number < 0)
		return 0;
	number *= scale;
	return number < NUMBER_MAX ? (uint64_t)(number + 0.5)
				   : (uint64_t)NUMBER_MAX;
}

static uint64_t
read_number(const struct cJSON *object, const char *key)
{
	return read_scaled(object, key, 1);
}

static unsigned
read_small(const struct cJSON *object, const char *key)
{
	uint64_t number = read_number(object, key);

	return number < UINT16_MAX ? (unsigned)number : UINT16_MAX;
}

static uint64_t
read_seconds(const struct cJSON *object, const char *key)
{
	return read_scaled(object, key, 1e6);
}

static bool
read_time(const struct cJSON *object, const char *key, uint64_t *wall_us)
{
	return clock_read(read_text(object, key), wall_us) && *wall_us > 0;
}

static bool
read_bool(const struct cJSON *object, const char *key)
{
	bool truth = false;

	return json_bool(json_get(object, key), &truth) && truth;
}

static void
copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%.*s", (int)size - 1, text);
}

static void
read_evidence(const struct cJSON *object, char *out, size_t size)
{
	const struct cJSON *item = json_first(json_get(object, "evidence"));
	size_t used = 0, len;
	char *piece;

	for (; item != NULL; item = json_next(item)) {
		piece = xasprintf("%s%s (%s)", used > 0 ? "; " : "",
		    read_text(item, "text"), read_text(item, "kind"));
		len = strlen(piece);
		if (used + len < size) {
			memcpy(out + used, piece, len + 1);
			used += len;
		}
		free(piece);
	}
}

static unsigned
read_slow_phase(const struct cJSON *object)
{
	const char *name = read_text(object, "phase");
	unsigned i;

	for (i = 0; i < PHASE_COUNT; i++)
		if (strcmp(phase_name((enum phase)i), name) == 0)
			return i + 1;
	return 0;
}

static void
read_lateness(const struct cJSON *object, struct lateness *lateness)
{
	const struct cJSON *late = json_get(object, "late");
	int end;

	for (end = LATE_WHOLE; end <= LATE_CUT; end++)
		if (strcmp(late_end_name((enum late_end)end),
			read_text(late, "end")) == 0)
			lateness->end = (enum late_end)end;
	if (!reason_find(read_text(late, "reason"), &lateness->reason))
		lateness->reason = REASON_OK;
	lateness->needed_us = read_seconds(late, "needed");
	lateness->timeout_ms =
	    (int64_t)(read_seconds(object, "timeout") / 1000);
}

static bool
find_warning(const char *id, uint32_t *bit)
{
	int i;

	for (i = 0; i < WARNING_COUNT; i++)
		if (strcmp(warning_id((enum warning)i), id) == 0) {
			*bit = (uint32_t)1 << i;
			return true;
		}
	return false;
}

static void
read_warnings(const struct cJSON *object, struct record *record)
{
	const struct cJSON *item = json_first(json_get(object, "warnings"));
	enum reason objection;
	const char *id;
	uint32_t bit;

	for (; item != NULL; item = json_next(item)) {
		id = json_string(item);
		if (id != NULL && find_warning(id, &bit))
			record->warnings |= bit;
		else if (id != NULL && reason_find(id, &objection))
			record->objection = objection;
	}
}

static void
read_finding(const struct cJSON *object, struct finding *finding)
{
	copy(
	    finding->words, sizeof(finding->words), read_text(object, "words"));
	copy(finding->lasterror, sizeof(finding->lasterror),
	    read_text(object, "lastError"));
	copy(
	    finding->cause, sizeof(finding->cause), read_text(object, "cause"));
	copy(finding->fix, sizeof(finding->fix), read_text(object, "fix"));
	read_evidence(object, finding->seen, sizeof(finding->seen));
}

struct record *
record_json_read(const struct cJSON *object)
{
	const struct cJSON *phases = json_get(object, "phases");
	struct record *record = record_room_new();
	int i;

	if (!reason_find(read_text(object, "reason"), &record->own[0].reason) ||
	    !read_time(object, "time", &record->wall_us) ||
	    *read_text(object, "target") == '\0') {
		free(record);
		return NULL;
	}
	read_finding(object, record->own);
	copy(record->target_name, sizeof(record->target_name),
	    read_text(object, "target"));
	copy(record->scraper, sizeof(record->scraper),
	    read_text(object, "scraper"));
	record->duration_us = read_seconds(object, "duration");
	for (i = 0; i < PHASE_COUNT; i++)
		record->phases.us[i] =
		    read_seconds(phases, phase_name((enum phase)i));
	record->status = (int)read_small(object, "status");
	record->wire_bytes = read_number(object, "bytes");
	record->samples = read_number(object, "samples");
	record->body_bytes = read_number(object, "bodyBytes");
	record->timeout_ms = (int64_t)(read_seconds(object, "timeout") / 1000);
	record->waiters = read_small(object, "waiters");
	record->is_reused = read_bool(object, "reused");
	record->is_delivered = read_bool(object, "delivered");
	record->has_restarted = read_bool(object, "restarted");
	if (reason_is_slow(record->finding->reason))
		record->own[0].slow_phase = read_slow_phase(object);
	read_warnings(object, record);
	read_lateness(object, &record->lateness);
	return record;
}

bool
record_json_read_fold(const struct cJSON *object, struct fold *fold)
{
	fold->count = read_number(object, "count");
	return fold->count > 0 &&
	       read_time(object, "first", &fold->first_wall_us) &&
	       read_time(object, "last", &fold->last_wall_us) &&
	       read_time(object, "since", &fold->episode_wall_us);
}

static void
read_reasons(const struct cJSON *object, struct incident *incident)
{
	const struct cJSON *item = json_first(json_get(object, "reasons"));
	struct incident_reason *reason;

	incident->other_count = read_number(object, "otherReasons");
	for (; item != NULL; item = json_next(item)) {
		if (incident->reason_count == INCIDENT_REASONS)
			return;
		reason = &incident->reasons[incident->reason_count];
		reason->count = read_number(item, "count");
		if (reason_find(read_text(item, "reason"), &reason->reason))
			incident->reason_count++;
		else
			incident->other_count += reason->count;
	}
}

static bool
read_state(const struct cJSON *object, struct incident *incident)
{
	const char *name = read_text(object, "state");
	int state;

	for (state = INCIDENT_OPEN; state <= INCIDENT_TARGET_REMOVED; state++)
		if (strcmp(incident_state_name((enum incident_state)state),
			name) == 0) {
			incident->state = (enum incident_state)state;
			return state == INCIDENT_OPEN ||
			       read_time(object, "end", &incident->end_wall_us);
		}
	return false;
}

bool
incident_json_read(const struct cJSON *object, struct incident *incident)
{
	memset(incident, 0, sizeof(*incident));
	incident->count = read_number(object, "count");
	if (*read_text(object, "target") == '\0' || incident->count == 0 ||
	    !read_time(object, "first", &incident->first_wall_us) ||
	    !read_time(object, "last", &incident->last_wall_us) ||
	    !reason_find(read_text(object, "reason"), &incident->reason) ||
	    !read_state(object, incident))
		return false;
	read_reasons(object, incident);
	incident->restarts = read_small(object, "restarts");
	incident->gate_restarts = read_small(object, "gateRestarts");
	incident->target = xstrdup(read_text(object, "target"));
	incident->words = xstrdup(read_text(object, "words"));
	return true;
}
