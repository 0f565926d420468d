#include "proxy/admin/envelope.h"

#include "proxy/admin/response.h"
#include "proxy/base/clock.h"
#include "proxy/base/json.h"

#define JSON_TYPE "application/json"

/* Go's zero time: what Prometheus shows for a target never scraped. */
#define NEVER "0001-01-01T00:00:00Z"

static void
answer_json(struct response *response, int status, struct cJSON *root)
{
	response_set(response, status, JSON_TYPE, json_print(root));
	json_free(root);
}

void
envelope_data(struct response *response, struct cJSON *data)
{
	struct cJSON *root = json_object_new();

	json_add_string(root, "status", "success");
	json_add(root, "data", data);
	answer_json(response, 200, root);
}

void
envelope_error(
    struct response *response, int status, const char *type, const char *words)
{
	struct cJSON *root = json_object_new();

	json_add_string(root, "status", "error");
	json_add_string(root, "errorType", type);
	json_add_string(root, "error", words);
	answer_json(response, status, root);
}

void
envelope_time(struct cJSON *object, const char *key, uint64_t wall_us)
{
	char text[CLOCK_TEXT_SIZE];

	json_add_string(
	    object, key, wall_us == 0 ? NEVER : clock_text(wall_us, text));
}
