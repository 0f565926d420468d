#include "proxy/admin/last_bad_answer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/admin/envelope.h"
#include "proxy/admin/view.h"
#include "proxy/base/alloc.h"
#include "proxy/base/json.h"
#include "proxy/diagnosis/bad_answer.h"
#include "proxy/diagnosis/board.h"

static bool
is_plain(char c)
{
	return (c >= ' ' && c <= '~' && c != '\\') || c == '\n' || c == '\r' ||
	       c == '\t';
}

/* Lines stay lines; other bytes become \xNN, and so the backslash two. */
static void
add_bytes(struct cJSON *object, const char *key, const char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = xmalloc(len * 4 + 1), *out = text;
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (is_plain(bytes[i])) {
			*out++ = bytes[i];
			continue;
		}
		*out++ = '\\';
		if (byte == '\\') {
			*out++ = '\\';
			continue;
		}
		*out++ = 'x';
		*out++ = digits[byte >> 4];
		*out++ = digits[byte & 15];
	}
	*out = '\0';
	json_add_string(object, key, text);
	free(text);
}

static void
answer_with(const char *name, const struct bad_answer *answer,
    struct response *response)
{
	struct cJSON *data = json_object_new();

	json_add_string(data, "target", name);
	envelope_time(data, "time", answer->wall_us);
	json_add_string(data, "reason", reason_row(answer->reason)->id);
	json_add_string(data, "words", answer->words);
	add_bytes(data, "head", answer->bytes, answer->head_len);
	add_bytes(data, "body", answer->bytes + answer->head_len,
	    answer->len - answer->head_len);
	json_add_bool(data, "inflated", answer->is_inflated);
	json_add_bool(data, "truncated", answer->is_cut);
	envelope_data(response, data);
}

void
last_bad_answer(const struct admin_view *view, const char *name,
    const char *query, struct response *response)
{
	const struct board_target *target =
	    board_find_target(view->board, name);

	(void)query;
	if (target == NULL)
		envelope_error(
		    response, 404, "not_found", "no target of this name");
	else if (target->bad_answer == NULL)
		envelope_error(response, 404, "not_found", "no bad answer yet");
	else
		answer_with(name, target->bad_answer, response);
}
