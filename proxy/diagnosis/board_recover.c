#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/base/err.h"
#include "proxy/base/json.h"
#include "proxy/diagnosis/board_parts.h"
#include "proxy/diagnosis/failures.h"
#include "proxy/diagnosis/incidents.h"
#include "proxy/diagnosis/record.h"

static void
recover_failure(struct board *board, const struct cJSON *line)
{
	struct record *record = record_json_read(line);
	struct failure failure = { .count = 0 };
	struct fold fold;

	if (record != NULL && record_json_read_fold(line, &fold)) {
		failure.newest = packed_new(board->texts, record);
		failure.newest.wall_us = fold.last_wall_us;
		failure.first_wall_us = fold.first_wall_us;
		failure.count = fold.count;
		failure.episode_wall_us = fold.episode_wall_us;
		failures_restore(board->failures, &failure);
	}
	free(record);
}

static void
recover_incident(struct board *board, const struct cJSON *line)
{
	struct incident incident;

	if (!incident_json_read(json_get(line, "incident"), &incident))
		return;
	incidents_restore(board->incidents, &incident);
	free(incident.target);
	free(incident.words);
}

static const struct {
	const char *kind;
	void (*recover)(struct board *board, const struct cJSON *line);
	bool has_incident;
} kinds[] = {
	{ "failure", recover_failure, true },
	{ "slow", recover_failure, false },
	{ "warning", recover_failure, false },
	{ "incident", NULL, true },
};

void
board_recover(struct board *board, const char *text, size_t len)
{
	struct err err;
	struct cJSON *line = json_parse(text, len, &err);
	const char *kind = json_string(json_get(line, "kind"));
	double version;
	size_t i;

	if (json_number(json_get(line, "v"), &version) && kind != NULL &&
	    version == CHRONICLE_SCHEMA)
		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (strcmp(kinds[i].kind, kind) != 0)
				continue;
			if (kinds[i].recover != NULL)
				kinds[i].recover(board, line);
			if (kinds[i].has_incident)
				recover_incident(board, line);
		}
	json_free(line);
}

static bool
is_target(const struct board *board, const char *name)
{
	size_t i;

	for (i = 0; i < board->entry_count; i++)
		if (strcmp(board->entries[i]->target.conf->name, name) == 0)
			return true;
	return false;
}

/* The configuration has lost their targets while nobody looked. */
static void
end_orphans(struct board *board)
{
	const struct incident *incident;
	size_t i;

	for (i = 0; (incident = incidents_at(board->incidents, i)) != NULL; i++)
		if (incident->state == INCIDENT_OPEN &&
		    !is_target(board, incident->target))
			board_end_removed(board, incident->target);
}

void
board_settle(struct board *board)
{
	struct board_target *target;
	const struct incident *open;
	uint64_t from, to;
	size_t i;

	end_orphans(board);
	for (i = 0; i < board->entry_count; i++) {
		target = &board->entries[i]->target;
		while (incidents_join(
		    board->incidents, target->conf->name, &from, &to))
			failures_join(
			    board->failures, target->conf->name, from, to);
		open = incidents_open(board->incidents, target->conf->name);
		if (open == NULL || target->failing_since_wall_us == 0)
			continue;
		target->failing_since_wall_us = open->first_wall_us;
		target->failure_count = open->count;
	}
}
