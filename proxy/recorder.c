#include "proxy/recorder.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/journal.h"

/* Lines that are read again at the start. */
#define RECOVER_MAX 1000

struct recorder {
	struct board *board;
	struct journal *journal; /* NULL: the record is kept in memory */
	uint64_t line_count;
};

static void
append_line(const char *json, size_t len, void *arg)
{
	struct recorder *recorder = arg;

	journal_append(recorder->journal, json, len, ++recorder->line_count);
}

static void
recover_line(const char *line, size_t len, void *arg)
{
	struct recorder *recorder = arg;

	board_recover(recorder->board, line, len);
}

static void
end_recovery(const struct journal_status *status, void *arg)
{
	struct recorder *recorder = arg;

	(void)status;
	board_settle(recorder->board);
}

struct recorder *
recorder_new(const struct conf_journal *conf, struct mailbox *mailbox,
    struct board *board, struct err *err)
{
	struct recorder *recorder = xcalloc(1, sizeof(*recorder));
	struct journal_options options = {
		.path = conf->path,
		.max_size = conf->max_size,
		.mailbox = mailbox,
		.recover_max = RECOVER_MAX,
		.recovered = recover_line,
		.ready = end_recovery,
		.arg = recorder,
	};

	recorder->board = board;
	if (conf->path == NULL)
		return recorder;
	recorder->journal = journal_new(&options, err);
	if (recorder->journal == NULL) {
		free(recorder);
		return NULL;
	}
	board_keep_journal(board, append_line, recorder);
	return recorder;
}

void
recorder_stop(struct recorder *recorder)
{
	if (recorder == NULL)
		return;
	journal_free(recorder->journal);
	recorder->journal = NULL;
	board_keep_journal(recorder->board, NULL, NULL);
}

void
recorder_free(struct recorder *recorder)
{
	recorder_stop(recorder);
	free(recorder);
}

struct journal *
recorder_journal(const struct recorder *recorder)
{
	return recorder->journal;
}
