/* The record on disk; nothing while it is kept in memory. */
#include "proxy/admin/metrics_parts.h"
#include "proxy/admin/view.h"
#include "proxy/diagnosis/journal.h"

/* What it says of itself; false without a journal. */
static bool
ask(const struct metrics_output *out, struct journal_status *status)
{
	if (out->view->journal == NULL)
		return false;
	journal_status(out->view->journal, status);
	return true;
}

static void
put_written(struct metrics_output *out)
{
	struct journal_status status;

	if (ask(out, &status))
		metrics_put(out, (double)status.written, NULL);
}

static void
put_lost(struct metrics_output *out)
{
	struct journal_status status;

	if (ask(out, &status))
		metrics_put(out, (double)status.lost, NULL);
}

static void
put_dropped(struct metrics_output *out)
{
	struct journal_status status;

	if (ask(out, &status))
		metrics_put(out, (double)status.dropped, NULL);
}

static void
put_failing(struct metrics_output *out)
{
	struct journal_status status;

	if (ask(out, &status))
		metrics_put(out, status.is_failing, NULL);
}

static void
put_bytes(struct metrics_output *out)
{
	struct journal_status status;

	if (ask(out, &status))
		metrics_put(out, (double)status.bytes, NULL);
}

static const struct metric metrics[] = {
	{ "scrapegate_journal_records_total", "counter",
	    "Records written to the journal's files.", put_written, NULL },
	{ "scrapegate_journal_lost_total", "counter",
	    "Records that could not be written and are gone.", put_lost, NULL },
	{ "scrapegate_journal_dropped_lines", "gauge",
	    "Lines of the journal that were torn or rotten at the start.",
	    put_dropped, NULL },
	{ "scrapegate_journal_failing", "gauge",
	    "Whether the journal cannot be written.", put_failing, NULL },
	{ "scrapegate_journal_bytes", "gauge", "Size of the journal's files.",
	    put_bytes, NULL },
};

const struct metrics_room metrics_journal = METRICS_ROOM(metrics);
