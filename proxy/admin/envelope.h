/*
 * What all of the API's answers have alike: Prometheus' envelope, and how it
 * writes a time.
 */
#ifndef PROXY_ADMIN_ENVELOPE_H
#define PROXY_ADMIN_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cJSON;
struct response;

/* {"status":"success","data":...}; takes `data` over. */
void envelope_data(struct response *response, struct cJSON *data);

/*
 * {"status":"success","data":{KEY:[...],"next":...}} of a list that may be
 * long: written item by item.  _add() takes `item` over.  `next` is how to ask
 * for what follows; NULL: nothing does.
 */
struct envelope_list {
	FILE *file;
	char *text;
	size_t len;
	size_t count;
};

void envelope_list_begin(struct envelope_list *list, const char *key);
void envelope_list_add(struct envelope_list *list, struct cJSON *item);
void envelope_list_end(
    struct envelope_list *list, const char *next, struct response *response);

/* Prometheus' error: `type` as in "bad_data", "not_found". */
void envelope_error(
    struct response *response, int status, const char *type, const char *words);

/* RFC 3339; Go's zero time of 0: what Prometheus shows for a target never
 * scraped. */
void envelope_time(struct cJSON *object, const char *key, uint64_t wall_us);

#endif
