/*
 * What all of the API's answers have alike: Prometheus' envelope, and how it
 * writes a time.
 */
#ifndef PROXY_ADMIN_ENVELOPE_H
#define PROXY_ADMIN_ENVELOPE_H

#include <stdint.h>

struct cJSON;
struct response;

/* {"status":"success","data":...}; takes `data` over. */
void envelope_data(struct response *response, struct cJSON *data);

/* Prometheus' error: `type` as in "bad_data", "not_found". */
void envelope_error(
    struct response *response, int status, const char *type, const char *words);

/* RFC 3339; Go's zero time of 0: what Prometheus shows for a target never
 * scraped. */
void envelope_time(struct cJSON *object, const char *key, uint64_t wall_us);

#endif
