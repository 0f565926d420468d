#include "proxy/diagnosis/record_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/json.h"
#include "proxy/diagnosis/incidents.h"
#include "proxy/diagnosis/parts.h"
#include "proxy/diagnosis/record.h"

static void
put_seconds(struct cJSON *object, const char *key, uint64_t us)
{
	json_add_number(object, key, (double)us / 1e6);
}

static void
put_number(struct cJSON *object, const char *key, uint64_t number)
{
	json_add_number(object, key, (double)number);
}

void
record_json_put_time(struct cJSON *object, const char *key, uint64_t wall_us)
{
	char text[CLOCK_TEXT_SIZE];

	json_add_string(object, key, clock_text(wall_us, text));
}

/* Every phase, 0 when skipped. */
void
record_json_put_phases(
    struct cJSON *object, const char *key, const struct phases *phases)
{
	struct cJSON *child = json_add_object(object, key);
	int i;

	for (i = 0; i < PHASE_COUNT; i++)
		put_seconds(child, phase_name((enum phase)i), phases->us[i]);
}

void
record_json_put_evidence(struct cJSON *object, const char *seen)
{
	struct cJSON *list = json_add_array(object, "evidence"), *item;
	struct part part;
	char *text;

	while (parts_next(&seen, &part)) {
		item = json_add_object(list, NULL);
		text = xstrndup(part.text, part.len);
		json_add_string(item, "text", text);
		json_add_string(item, "kind", part.kind);
		free(text);
	}
}

/* What an attempt found that went on after its time. */
static void
put_lateness(struct cJSON *object, const struct lateness *lateness)
{
	struct cJSON *child;

	if (lateness->end == LATE_NOT)
		return;
	child = json_add_object(object, "late");
	json_add_string(child, "end", late_end_name(lateness->end));
	json_add_string(child, "reason",
	    lateness->end == LATE_FAILED ? reason_row(lateness->reason)->id
					 : "");
	put_seconds(child, "needed", lateness->needed_us);
}

static void
put_warning(const char *id, void *list)
{
	json_add_string(list, NULL, id);
}

void
record_json_put(struct cJSON *object, const struct record *record)
{
	const struct finding *finding = record->finding;
	const struct reason_row *row = reason_row(finding->reason);

	record_json_put_time(object, "time", record->wall_us);
	json_add_string(object, "target", record->target_name);
	json_add_string(object, "scraper", record->scraper);
	json_add_string(object, "reason", row->id);
	json_add_string(object, "layer", layer_name(row->layer));
	json_add_string(object, "phase", parts_phase_of(record));
	json_add_string(object, "words", finding->words);
	json_add_string(object, "cause", finding->cause);
	json_add_string(object, "fix", finding->fix);
	record_json_put_evidence(object, finding->seen);
	put_seconds(object, "duration", record->duration_us);
	record_json_put_phases(object, "phases", &record->phases);
	json_add_number(object, "status", record->status);
	put_number(object, "bytes", record->wire_bytes);
	put_number(object, "samples", record->samples);
	put_number(object, "bodyBytes", record->body_bytes);
	json_add_string(object, "lastError", finding->lasterror);
	put_seconds(object, "timeout", (uint64_t)record->timeout_ms * 1000);
	json_add_number(object, "waiters", record->waiters);
	json_add_bool(object, "reused", record->is_reused);
	json_add_bool(object, "delivered", record->is_delivered);
	json_add_bool(object, "restarted", record->has_restarted);
	record_warnings(
	    record, put_warning, json_add_array(object, "warnings"));
	put_lateness(object, &record->lateness);
}

/* The incident that the failure is of. */
static const char *
id_of(const struct record *record, const struct fold *fold,
    char id[INCIDENT_ID_SIZE])
{
	char name[sizeof(record->target_name)];
	const struct incident incident = {
		.target = memcpy(name, record->target_name, sizeof(name)),
		.first_wall_us = fold->episode_wall_us,
	};

	return incident_id(&incident, id);
}

void
record_json_put_fold(
    struct cJSON *object, const struct record *record, const struct fold *fold)
{
	char id[INCIDENT_ID_SIZE];

	put_number(object, "count", fold->count);
	record_json_put_time(object, "first", fold->first_wall_us);
	record_json_put_time(object, "last", fold->last_wall_us);
	record_json_put_time(object, "since", fold->episode_wall_us);
	json_add_string(object, "incidentId",
	    record->is_delivered ? "" : id_of(record, fold, id));
}

static void
put_reasons(struct cJSON *object, const struct incident *incident)
{
	struct cJSON *list = json_add_array(object, "reasons"), *item;
	unsigned i;

	for (i = 0; i < incident->reason_count; i++) {
		item = json_add_object(list, NULL);
		json_add_string(item, "reason",
		    reason_row(incident->reasons[i].reason)->id);
		put_number(item, "count", incident->reasons[i].count);
	}
	put_number(object, "otherReasons", incident->other_count);
}

void
incident_json_put(struct cJSON *object, const struct incident *incident)
{
	char id[INCIDENT_ID_SIZE];

	json_add_string(object, "id", incident_id(incident, id));
	json_add_string(object, "target", incident->target);
	json_add_string(object, "state", incident_state_name(incident->state));
	record_json_put_time(object, "first", incident->first_wall_us);
	record_json_put_time(object, "last", incident->last_wall_us);
	if (incident->state != INCIDENT_OPEN)
		record_json_put_time(object, "end", incident->end_wall_us);
	put_number(object, "count", incident->count);
	json_add_string(object, "reason", reason_row(incident->reason)->id);
	json_add_string(object, "words", incident->words);
	put_reasons(object, incident);
	json_add_number(object, "restarts", incident->restarts);
	json_add_number(object, "gateRestarts", incident->gate_restarts);
}
