/*
 * Records and incidents as JSON, and back: the one writer for the API, the
 * journal and the log.  journal.md has the table of the fields; times are RFC
 * 3339, durations seconds.
 */
#ifndef PROXY_DIAGNOSIS_RECORD_JSON_H
#define PROXY_DIAGNOSIS_RECORD_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct cJSON;
struct incident;
struct phases;
struct record;

/* Repeats of one failure as one. */
struct fold {
	uint64_t count;
	uint64_t first_wall_us;
	uint64_t last_wall_us;
	uint64_t episode_wall_us; /* of the incident, or the row of slow ones */
};

/* Members of `object`. */
void record_json_put(struct cJSON *object, const struct record *record);
void record_json_put_fold(
    struct cJSON *object, const struct record *record, const struct fold *fold);
void record_json_put_phases(
    struct cJSON *object, const char *key, const struct phases *phases);
void record_json_put_evidence(struct cJSON *object, const char *seen);
void record_json_put_time(
    struct cJSON *object, const char *key, uint64_t wall_us);

void incident_json_put(struct cJSON *object, const struct incident *incident);

/*
 * What was put, read again: NULL or false if it is not that, or of a reason
 * that this version does not know.  Fields that are missing are empty.
 */
struct record *record_json_read(const struct cJSON *object); /* free() */
bool record_json_read_fold(const struct cJSON *object, struct fold *fold);

/* Strings are malloc'd. */
bool incident_json_read(const struct cJSON *object, struct incident *incident);

#endif
