/*
 * JSON out and in.  The one home of cJSON: whoever needs JSON calls this.
 *
 * A document is built from a root downwards; a child belongs to its parent
 * and goes with json_free() of the root.  Strings and keys are copied.  Out
 * of memory ends the process, as in alloc.h, so nothing here returns NULL.
 * Text is passed through as it is: callers hand in UTF-8.
 */
#ifndef PROXY_BASE_JSON_H
#define PROXY_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct cJSON;
struct err;

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

/*
 * JSON from outside, read strictly (RFC 8259, RFC 8725 2.4): an object or array
 * of valid UTF-8 with nothing behind it, no name twice in one object, no NUL
 * (\u0000 either) and no lone surrogate, at most JSON_DEPTH_MAX deep, numbers
 * of at most 63 bytes that are finite as a double.  NULL with `err`: "byte 17:
 * a control byte in a string", "a name twice: \"sub\"".
 *
 * Takes time about linear in `len`, and memory of up to 40 bytes for each byte:
 * callers bound `len`.  Pure but for the memory.
 */
#define JSON_DEPTH_MAX 8

struct cJSON *json_parse(const char *text, size_t len, struct err *err);

/* The same for documents that are deeper by nature; at most 100. */
struct cJSON *json_parse_deep(
    const char *text, size_t len, unsigned depth_max, struct err *err);

/* A member by its exact name; NULL if there is none (or `parent` is none, or
 * no object).  Of an array by index. */
const struct cJSON *json_get(const struct cJSON *parent, const char *name);
const struct cJSON *json_at(const struct cJSON *array, size_t index);
size_t json_count(const struct cJSON *array); /* 0 of what is no array */

/* To walk an array, which takes json_at() a walk for each step: the first of
 * it, then what stands behind, until NULL. */
const struct cJSON *json_first(const struct cJSON *array);
const struct cJSON *json_next(const struct cJSON *value);

/* By kind; of anything else (NULL, too) NULL or false. */
const char *json_string(const struct cJSON *value);
bool json_number(const struct cJSON *value, double *number);
bool json_bool(const struct cJSON *value, bool *truth);
bool json_is_object(const struct cJSON *value);
bool json_is_array(const struct cJSON *value);
bool json_is_null(const struct cJSON *value);

#endif
