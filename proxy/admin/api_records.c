#include "proxy/admin/api_records.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/duration.h"
#include "proxy/admin/envelope.h"
#include "proxy/admin/query.h"
#include "proxy/admin/view.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/json.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/incidents.h"
#include "proxy/diagnosis/record.h"

#define LIMIT_DEFAULT 100
#define CURSOR_SIZE 320 /* holds an incident's id */

struct filter {
	char target[256]; /* "" any */
	enum reason reason;
	bool has_reason;
	uint64_t since_us; /* wall clock; 0 any time */
	unsigned long limit;
	char cursor[CURSOR_SIZE]; /* "" from the newest on */
};

/* Digits alone, few enough to fit. */
static bool
read_number(const char *text, uint64_t *number)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 18 || text[digits] != '\0')
		return false;
	*number = strtoull(text, NULL, 10);
	return true;
}

/* Unix time, with a fraction or without, as Prometheus takes it. */
static bool
read_unix(const char *text, uint64_t *wall_us)
{
	double seconds;
	char *end;

	if (*text < '0' || *text > '9' ||
	    text[strspn(text, "0123456789.")] != '\0')
		return false;
	seconds = strtod(text, &end);
	if (*end != '\0' || seconds > 1e12)
		return false;
	*wall_us = (uint64_t)(seconds * 1e6);
	return true;
}

static bool
read_ago(const char *text, uint64_t *wall_us)
{
	uint64_t now = clock_wall_us(), ago;
	struct err err;
	int64_t ms;

	if (conf_duration_parse(text, &ms, &err) == -1)
		return false;
	ago = (uint64_t)ms * 1000;
	*wall_us = ago < now ? now - ago : 0;
	return true;
}

static const char *
read_since(const char *text, struct filter *filter)
{
	if (clock_read(text, &filter->since_us) ||
	    read_unix(text, &filter->since_us) ||
	    read_ago(text, &filter->since_us))
		return NULL;
	return "not a time such as 2026-11-22T08:00:00Z, Unix seconds, or a "
	       "duration such as 1h";
}

static const char *
read_reason(const char *text, struct filter *filter)
{
	filter->has_reason = true;
	return reason_find(text, &filter->reason) ? NULL : "no such reason";
}

static const char *
read_limit(const char *text, struct filter *filter)
{
	uint64_t number;

	if (!read_number(text, &number) || number == 0 || number > 999999999)
		return "not a number from 1 up";
	filter->limit = (unsigned long)number;
	return NULL;
}

static const char *
read_target(const char *text, struct filter *filter)
{
	snprintf(filter->target, sizeof(filter->target), "%s", text);
	return NULL;
}

static const char *
read_cursor(const char *text, struct filter *filter)
{
	snprintf(filter->cursor, sizeof(filter->cursor), "%s", text);
	return *text != '\0' ? NULL : "empty";
}

static const struct parameter {
	const char *name;
	const char *(*read)(const char *text, struct filter *filter);
} parameters[] = {
	{ "target", read_target },
	{ "reason", read_reason },
	{ "since", read_since },
	{ "limit", read_limit },
	{ "cursor", read_cursor },
};

static bool
refuse(struct response *response, const char *name, const char *why)
{
	char words[256];

	snprintf(
	    words, sizeof(words), "invalid parameter \"%s\": %s", name, why);
	envelope_error(response, 400, "bad_data", words);
	return false;
}

/* False, with the answer, if one of them is wrong. */
static bool
read_filter(const char *query, struct filter *filter, struct response *response)
{
	char text[CURSOR_SIZE];
	const char *why;
	size_t i;

	memset(filter, 0, sizeof(*filter));
	filter->limit = LIMIT_DEFAULT;
	for (i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		if (!query_get(query, parameters[i].name, text, sizeof(text)))
			continue;
		why = parameters[i].read(text, filter);
		if (why != NULL)
			return refuse(response, parameters[i].name, why);
	}
	return true;
}

/* A cursor that is the number of the last item of the page before. */
static bool
read_place(
    const struct filter *filter, uint64_t *below, struct response *response)
{
	*below = UINT64_MAX;
	if (filter->cursor[0] == '\0' || read_number(filter->cursor, below))
		return true;
	return refuse(response, "cursor", "not one that \"next\" has told");
}

/* Records hold the beginning of a long name. */
static bool
is_of(const struct filter *filter, const struct record *record)
{
	if (filter->has_reason && record->finding->reason != filter->reason)
		return false;
	return filter->target[0] == '\0' ||
	       strncmp(filter->target, record->target_name,
		   sizeof(record->target_name) - 1) == 0;
}

static struct cJSON *
item_of(const struct record *record)
{
	struct cJSON *item = json_object_new();

	record_json_put(item, record);
	return item;
}

void
api_scrapes(
    const struct admin_view *view, const char *query, struct response *response)
{
	char next[24] = "";
	const struct record *record;
	struct envelope_list list;
	struct filter filter;
	uint64_t below;
	size_t i;

	if (!read_filter(query, &filter, response) ||
	    !read_place(&filter, &below, response))
		return;
	envelope_list_begin(&list, "scrapes");
	for (i = 0; (record = board_record(view->board, i)) != NULL; i++) {
		if (record->id >= below || record->wall_us < filter.since_us ||
		    !is_of(&filter, record))
			continue;
		if (list.count == filter.limit)
			break;
		snprintf(
		    next, sizeof(next), "%llu", (unsigned long long)record->id);
		envelope_list_add(&list, item_of(record));
	}
	envelope_list_end(&list, record != NULL ? next : NULL, response);
}

void
api_failures(
    const struct admin_view *view, const char *query, struct response *response)
{
	char next[24] = "";
	const struct record *record;
	struct envelope_list list;
	struct board_fold fold;
	struct filter filter;
	struct cJSON *item;
	uint64_t below;
	size_t i;

	if (!read_filter(query, &filter, response) ||
	    !read_place(&filter, &below, response))
		return;
	envelope_list_begin(&list, "failures");
	for (i = 0; (record = board_failure(view->board, i, &fold)) != NULL;
	     i++) {
		if (fold.sequence >= below ||
		    fold.fold.last_wall_us < filter.since_us ||
		    !is_of(&filter, record))
			continue;
		if (list.count == filter.limit)
			break;
		snprintf(next, sizeof(next), "%llu",
		    (unsigned long long)fold.sequence);
		item = item_of(record);
		record_json_put_fold(item, record, &fold.fold);
		envelope_list_add(&list, item);
	}
	envelope_list_end(&list, record != NULL ? next : NULL, response);
}

static bool
has_reason(const struct incident *incident, enum reason reason)
{
	unsigned i;

	for (i = 0; i < incident->reason_count; i++)
		if (incident->reasons[i].reason == reason)
			return true;
	return false;
}

static bool
is_incident_of(const struct filter *filter, const struct incident *incident)
{
	uint64_t last = incident->state == INCIDENT_OPEN
			    ? incident->last_wall_us
			    : incident->end_wall_us;

	return (filter->target[0] == '\0' ||
		   strcmp(filter->target, incident->target) == 0) &&
	       (!filter->has_reason || has_reason(incident, filter->reason)) &&
	       last >= filter->since_us;
}

/* The index behind the incident that a cursor names. */
static bool
find_incident(const struct board *board, const struct filter *filter, size_t *i)
{
	const struct incident *incident;
	char id[INCIDENT_ID_SIZE];

	if (filter->cursor[0] == '\0') {
		*i = 0;
		return true;
	}
	for (*i = 0; (incident = board_incident(board, *i)) != NULL;)
		if (++*i,
		    strcmp(incident_id(incident, id), filter->cursor) == 0)
			return true;
	return false;
}

void
api_incidents(
    const struct admin_view *view, const char *query, struct response *response)
{
	char next[INCIDENT_ID_SIZE] = "";
	const struct incident *incident;
	struct envelope_list list;
	struct filter filter;
	struct cJSON *item;
	size_t i;

	if (!read_filter(query, &filter, response))
		return;
	if (!find_incident(view->board, &filter, &i)) {
		refuse(response, "cursor",
		    "no such incident, or not kept any more");
		return;
	}
	envelope_list_begin(&list, "incidents");
	for (; (incident = board_incident(view->board, i)) != NULL; i++) {
		if (!is_incident_of(&filter, incident))
			continue;
		if (list.count == filter.limit)
			break;
		incident_id(incident, next);
		item = json_object_new();
		incident_json_put(item, incident);
		envelope_list_add(&list, item);
	}
	envelope_list_end(&list, incident != NULL ? next : NULL, response);
}
