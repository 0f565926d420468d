/*
 * Lines of a journal that anybody may have written: what is understood of them
 * is kept within the board's bounds, and can be told again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/base/json.h"
#include "proxy/base/log.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/incidents.h"
#include "proxy/diagnosis/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
print(struct cJSON *object)
{
	free(json_print(object));
	json_free(object);
}

static void
tell_again(const struct board *board)
{
	const struct incident *incident;
	const struct record *record;
	struct board_fold fold;
	struct cJSON *object;
	size_t i;

	for (i = 0; (record = board_failure(board, i, &fold)) != NULL; i++) {
		object = json_object_new();
		record_json_put(object, record);
		record_json_put_fold(object, record, &fold.fold);
		print(object);
	}
	for (i = 0; (incident = board_incident(board, i)) != NULL; i++) {
		object = json_object_new();
		incident_json_put(object, incident);
		print(object);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char name[] = "node";
	struct conf_target target = { .name = name };
	const struct conf conf = { .targets = &target, .target_count = 1 };
	const char *text = (const char *)data, *end;
	struct board *board;

	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	board = board_new(&conf);
	for (; size > 0; size -= (size_t)(end - text), text = end) {
		end = memchr(text, '\n', size);
		end = end != NULL ? end + 1 : text + size;
		board_recover(board, text, (size_t)(end - text));
	}
	board_settle(board);
	tell_again(board);
	if (board_bytes(board) > BOARD_BYTES)
		abort();
	board_free(board);
	return 0;
}
