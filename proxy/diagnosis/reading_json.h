/*
 * What a body says, as JSON: one form for the API and check-metrics.
 */
#ifndef PROXY_DIAGNOSIS_READING_JSON_H
#define PROXY_DIAGNOSIS_READING_JSON_H

struct cJSON;
struct exposition_facts;
struct reading;

/* Into `object`. */
void facts_json(struct cJSON *object, const struct exposition_facts *facts);

/* Into `list`; NULL adds nothing. */
void reading_json_warnings(struct cJSON *list, const struct reading *reading);

#endif
