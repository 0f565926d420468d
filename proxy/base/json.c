#include "proxy/base/json.h"

#include <cjson/cJSON.h>

#include "proxy/base/alloc.h"

struct cJSON *
json_object_new(void)
{
	return xrequire(cJSON_CreateObject());
}

struct cJSON *
json_array_new(void)
{
	return xrequire(cJSON_CreateArray());
}

void
json_free(struct cJSON *root)
{
	cJSON_Delete(root);
}

void
json_add(struct cJSON *parent, const char *key, struct cJSON *child)
{
	cJSON_bool is_added = key != NULL
				  ? cJSON_AddItemToObject(parent, key, child)
				  : cJSON_AddItemToArray(parent, child);

	xrequire(is_added ? child : NULL);
}

struct cJSON *
json_add_object(struct cJSON *parent, const char *key)
{
	struct cJSON *child = json_object_new();

	json_add(parent, key, child);
	return child;
}

struct cJSON *
json_add_array(struct cJSON *parent, const char *key)
{
	struct cJSON *child = json_array_new();

	json_add(parent, key, child);
	return child;
}

void
json_add_string(struct cJSON *parent, const char *key, const char *text)
{
	json_add(parent, key, xrequire(cJSON_CreateString(text)));
}

void
json_add_number(struct cJSON *parent, const char *key, double number)
{
	json_add(parent, key, xrequire(cJSON_CreateNumber(number)));
}

void
json_add_bool(struct cJSON *parent, const char *key, bool value)
{
	json_add(parent, key, xrequire(cJSON_CreateBool(value)));
}

char *
json_print(const struct cJSON *root)
{
	return xrequire(cJSON_PrintUnformatted(root));
}
