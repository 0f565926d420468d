#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/escape.h"
#include "proxy/base/json.h"
#include "proxy/base/json_check.h"

/* What is shown of a name that stands twice. */
#define NAME_SHOWN 64

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts `names`; one that stands there twice, or NULL. */
static const char *
find_repeated(const char **names, size_t count)
{
	size_t i;

	qsort(names, count, sizeof(*names), compare_names);
	for (i = 1; i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return names[i];
	return NULL;
}

static int
judge_names(const struct cJSON *object, struct err *err)
{
	size_t count = (size_t)cJSON_GetArraySize(object), i = 0;
	const struct cJSON *member;
	const char **names, *repeated;
	char shown[NAME_SHOWN];

	if (count < 2)
		return 0;
	names = xcalloc(count, sizeof(*names));
	cJSON_ArrayForEach (member, object)
		names[i++] = member->string;
	repeated = find_repeated(names, count);
	free(names);
	if (repeated == NULL)
		return 0;
	escape_quoted(shown, sizeof(shown), repeated, strlen(repeated));
	return err_set(err, ERR_INVALID, "a name twice: \"%s\"", shown);
}

/* What can only be told of values that are read.  Calls itself no deeper than
 * JSON_DEPTH_MAX. */
static int
judge_value(const struct cJSON *value, struct err *err)
{
	const struct cJSON *child;

	if (cJSON_IsNumber(value) && !isfinite(value->valuedouble))
		return err_set(err, ERR_INVALID, "a number that is too large");
	if (cJSON_IsObject(value) && judge_names(value, err) == -1)
		return -1;
	cJSON_ArrayForEach (child, value)
		if (judge_value(child, err) == -1)
			return -1;
	return 0;
}

struct cJSON *
json_parse(const char *text, size_t len, struct err *err)
{
	return json_parse_deep(text, len, JSON_DEPTH_MAX, err);
}

struct cJSON *
json_parse_deep(
    const char *text, size_t len, unsigned depth_max, struct err *err)
{
	const char *end = NULL, *fault;
	struct cJSON *root;
	size_t at;

	fault = json_check(text, len, depth_max, &at);
	if (fault != NULL) {
		err_set(err, ERR_INVALID, "byte %zu: %s", at, fault);
		return NULL;
	}
	root = cJSON_ParseWithLengthOpts(text, len, &end, 0);
	/* Where the two do not agree, neither is believed. */
	if (root == NULL || end != text + at) {
		err_set(err, ERR_INVALID, "cannot be read");
		json_free(root);
		return NULL;
	}
	if (judge_value(root, err) == -1) {
		json_free(root);
		return NULL;
	}
	return root;
}

const struct cJSON *
json_get(const struct cJSON *parent, const char *name)
{
	return cJSON_IsObject(parent)
		   ? cJSON_GetObjectItemCaseSensitive(parent, name)
		   : NULL;
}

const struct cJSON *
json_first(const struct cJSON *array)
{
	return cJSON_IsArray(array) ? array->child : NULL;
}

const struct cJSON *
json_next(const struct cJSON *value)
{
	return value->next;
}

const struct cJSON *
json_at(const struct cJSON *array, size_t index)
{
	size_t count = json_count(array);

	return index < count ? cJSON_GetArrayItem(array, (int)index) : NULL;
}

size_t
json_count(const struct cJSON *array)
{
	return cJSON_IsArray(array) ? (size_t)cJSON_GetArraySize(array) : 0;
}

const char *
json_string(const struct cJSON *value)
{
	return cJSON_GetStringValue(value);
}

bool
json_number(const struct cJSON *value, double *number)
{
	if (!cJSON_IsNumber(value))
		return false;
	*number = value->valuedouble;
	return true;
}

bool
json_bool(const struct cJSON *value, bool *truth)
{
	if (!cJSON_IsBool(value))
		return false;
	*truth = cJSON_IsTrue(value);
	return true;
}

bool
json_is_object(const struct cJSON *value)
{
	return cJSON_IsObject(value);
}

bool
json_is_array(const struct cJSON *value)
{
	return cJSON_IsArray(value);
}

bool
json_is_null(const struct cJSON *value)
{
	return cJSON_IsNull(value);
}
