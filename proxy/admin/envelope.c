#include "proxy/admin/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/admin/response.h"
#include "proxy/admin/text.h"
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
envelope_list_begin(struct envelope_list *list, const char *key)
{
	list->file = text_open(&list->text, &list->len);
	list->count = 0;
	fprintf(list->file, "{\"status\":\"success\",\"data\":{\"%s\":[", key);
}

void
envelope_list_add(struct envelope_list *list, struct cJSON *item)
{
	char *text = json_print(item);

	fprintf(list->file, "%s%s", list->count > 0 ? "," : "", text);
	list->count++;
	free(text);
	json_free(item);
}

void
envelope_list_end(
    struct envelope_list *list, const char *next, struct response *response)
{
	struct cJSON *tail = json_object_new();
	char *text;

	fputc(']', list->file);
	if (next != NULL) {
		json_add_string(tail, "next", next);
		text = json_print(tail);
		/* Its member, without its braces. */
		fprintf(list->file, ",%.*s", (int)strlen(text) - 2, text + 1);
		free(text);
	}
	json_free(tail);
	fputs("}}", list->file);
	text_close(list->file);
	response_set(response, 200, JSON_TYPE, list->text);
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
