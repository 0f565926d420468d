#include "proxy/diagnosis/chronicle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/duration.h"
#include "proxy/base/json.h"
#include "proxy/base/log.h"
#include "proxy/diagnosis/incidents.h"
#include "proxy/diagnosis/record.h"
#include "proxy/diagnosis/record_json.h"

static const struct {
	const char *kind;
	const char *event;
	const char *msg;
	enum log_level level;
} events[] = {
	[CHRONICLE_STARTED] = { "failure", "started", "scrape failed",
	    LOG_LEVEL_WARN },
	[CHRONICLE_CHANGED] = { "failure", "changed", "scrape failure changed",
	    LOG_LEVEL_WARN },
	[CHRONICLE_REPEATED] = { "failure", "repeated", "scrape still failing",
	    LOG_LEVEL_WARN },
	[CHRONICLE_AMENDED] = { "failure", "amended", NULL, LOG_LEVEL_INFO },
	[CHRONICLE_ENDED] = { "incident", "ended", "scrape recovered",
	    LOG_LEVEL_INFO },
	[CHRONICLE_SLOW] = { "slow", "slow", "scrape slow", LOG_LEVEL_WARN },
	[CHRONICLE_WARNED] = { "warning", "warned", "scrape odd",
	    LOG_LEVEL_WARN },
};

static const char *
message_of(const struct chronicle_entry *entry)
{
	if (entry->event == CHRONICLE_AMENDED)
		return lateness_message(&entry->record->lateness);
	if (entry->event == CHRONICLE_ENDED &&
	    entry->incident->state == INCIDENT_TARGET_REMOVED)
		return "failing target removed";
	return events[entry->event].msg;
}

/* Lines for a person: logfmt. */

static const char *
count_text(char text[24], uint64_t count)
{
	snprintf(text, 24, "%llu", (unsigned long long)count);
	return text;
}

static void
log_record(const struct chronicle_entry *entry)
{
	const struct record *record = entry->record;
	const struct finding *finding = record->finding;
	char status[16], duration[32], failures[24];
	uint64_t count = entry->incident != NULL ? entry->incident->count
						 : entry->fold->count;

	snprintf(status, sizeof(status), "%d", finding_status(finding));
	snprintf(duration, sizeof(duration), "%.3fs",
	    (double)record->duration_us / 1e6);
	log_line(events[entry->event].level, message_of(entry), "target",
	    record->target_name, "reason", reason_row(finding->reason)->id,
	    "was", entry->was, "words", finding->words, "cause", finding->cause,
	    "status", status, "duration", duration,
	    record->is_delivered ? "times" : "failures",
	    count > 1 ? count_text(failures, count) : NULL, NULL);
}

static void
log_end(const struct chronicle_entry *entry)
{
	const struct incident *incident = entry->incident;
	uint64_t after = incident->end_wall_us - incident->first_wall_us;
	char failures[24], restarts[24], text[CONF_DURATION_SIZE];

	log_info(message_of(entry), "target", incident->target, "after",
	    conf_duration_text((int64_t)(after / 1000), text), "failures",
	    count_text(failures, incident->count), "reason",
	    reason_row(incident->reason)->id, "restarts",
	    incident->restarts > 0 ? count_text(restarts, incident->restarts)
				   : NULL,
	    NULL);
}

static void
log_plainly(const struct chronicle_entry *entry)
{
	if (entry->event == CHRONICLE_ENDED)
		log_end(entry);
	else if (entry->event == CHRONICLE_AMENDED)
		log_lateness(entry->record);
	else
		log_record(entry);
}

/* Lines for a machine. */

static struct cJSON *
begin_line(const char *kind)
{
	struct cJSON *line = json_object_new();

	json_add_number(line, "v", CHRONICLE_SCHEMA);
	json_add_string(line, "kind", kind);
	return line;
}

static char *
line_of(const struct chronicle_entry *entry)
{
	const struct incident *incident = entry->incident;
	struct cJSON *line = begin_line(events[entry->event].kind);
	char *text;

	json_add_string(line, "event", events[entry->event].event);
	if (entry->was != NULL)
		json_add_string(line, "was", entry->was);
	if (entry->record != NULL) {
		record_json_put(line, entry->record);
		record_json_put_fold(line, entry->record, entry->fold);
	} else {
		record_json_put_time(line, "time", incident->end_wall_us);
		json_add_string(line, "target", incident->target);
	}
	if (incident != NULL)
		incident_json_put(json_add_object(line, "incident"), incident);
	text = json_print(line);
	json_free(line);
	return text;
}

void
chronicle_tell(
    const struct chronicle *chronicle, const struct chronicle_entry *entry)
{
	bool is_json_logged = entry->is_logged && log_is_json();
	bool is_journaled = entry->is_journaled && chronicle->journal != NULL;
	char *line = NULL;

	if (is_json_logged || is_journaled)
		line = line_of(entry);
	if (is_journaled)
		chronicle->journal(line, strlen(line), chronicle->arg);
	if (is_json_logged)
		log_json(events[entry->event].level, message_of(entry), line);
	else if (entry->is_logged)
		log_plainly(entry);
	free(line);
}

void
chronicle_sum_up(const struct chronicle *chronicle, const char *target,
    const struct summary *summary)
{
	struct phases means = summary->sums;
	struct cJSON *line;
	char *text;
	int i;

	if (chronicle->journal == NULL || summary->count == 0)
		return;
	for (i = 0; i < PHASE_COUNT; i++)
		means.us[i] /= summary->count;
	line = begin_line("summary");
	record_json_put_time(line, "time", summary->until_wall_us);
	json_add_string(line, "target", target);
	record_json_put_time(line, "since", summary->since_wall_us);
	json_add_number(line, "count", (double)summary->count);
	json_add_number(line, "duration",
	    (double)summary->sum_us / 1e6 / (double)summary->count);
	json_add_number(line, "durationMax", (double)summary->max_us / 1e6);
	record_json_put_phases(line, "phases", &means);
	json_add_number(line, "bytes", (double)summary->bytes);
	json_add_number(line, "samples", (double)summary->samples);
	text = json_print(line);
	json_free(line);
	chronicle->journal(text, strlen(text), chronicle->arg);
	free(text);
}
