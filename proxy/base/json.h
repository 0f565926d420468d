/*
 * JSON out.  The one home of cJSON: whoever needs JSON calls this.
 *
 * A document is built from a root downwards; a child belongs to its parent
 * and goes with json_free() of the root.  Strings and keys are copied.  Out
 * of memory ends the process, as in alloc.h, so nothing here returns NULL.
 * Text is passed through as it is: callers hand in UTF-8.
 */
#ifndef PROXY_BASE_JSON_H
#define PROXY_BASE_JSON_H

#include <stdbool.h>

struct cJSON;

struct cJSON *json_object_new(void);
struct cJSON *json_array_new(void);
void json_free(struct cJSON *root);

/* Below, `key` is NULL if `parent` is an array. */
struct cJSON *json_add_object(struct cJSON *parent, const char *key);
struct cJSON *json_add_array(struct cJSON *parent, const char *key);
void json_add_string(struct cJSON *parent, const char *key, const char *text);
void json_add_number(struct cJSON *parent, const char *key, double number);
void json_add_bool(struct cJSON *parent, const char *key, bool value);

/* Puts a whole document, built apart, into another, which then owns it. */
void json_add(struct cJSON *parent, const char *key, struct cJSON *child);

/* One line without blanks; malloc'd. */
char *json_print(const struct cJSON *root);

#endif
