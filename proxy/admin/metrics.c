#include "proxy/admin/metrics.h"

#include <stdarg.h>

#include "conf/conf.h"
#include "proxy/admin/metrics_parts.h"
#include "proxy/admin/process.h"
#include "proxy/admin/text.h"
#include "proxy/admin/view.h"
#include "proxy/diagnosis/board.h"
#include "proxy/gate/stats.h"

/* In the order of the page. */
static const struct metrics_room *const rooms[] = { &metrics_targets,
	&metrics_requests, &metrics_auth, &metrics_tls, &metrics_gate,
	&metrics_journal, &metrics_process };

static void
put_label_value(FILE *file, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			fputs("\\n", file);
		else if (*value == '\\' || *value == '"')
			fprintf(file, "\\%c", *value);
		else
			fputc(*value, file);
	}
}

static void
put_head(struct metrics_output *out)
{
	const struct metric *metric = out->metric;

	if (out->has_head)
		return;
	out->has_head = true;
	fprintf(out->file, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
	    metric->help, metric->name, metric->type);
}

void
metrics_put_suffixed(
    struct metrics_output *out, const char *suffix, double value, ...)
{
	const char *name;
	char before = '{';
	va_list labels;

	put_head(out);
	fprintf(out->file, "%s%s", out->metric->name, suffix);
	va_start(labels, value);
	while ((name = va_arg(labels, const char *)) != NULL) {
		fprintf(out->file, "%c%s=\"", before, name);
		put_label_value(out->file, va_arg(labels, const char *));
		fputc('"', out->file);
		before = ',';
	}
	va_end(labels);
	fprintf(out->file, "%s %.15g\n", before == ',' ? "}" : "", value);
}

double
metrics_seconds(uint64_t us)
{
	return (double)us / 1e6;
}

bool
metrics_is_full(const struct metrics_output *out)
{
	return out->view->conf->metrics_detail == CONF_METRICS_FULL;
}

uint64_t
metrics_sum(const struct metrics_output *out, size_t offset)
{
	const struct admin_view *view = out->view;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < view->stats_count; i++)
		sum += stats_read((const stats_counter *)(const void
			*)((const char *)view->stats[i] + offset));
	return sum;
}

void
metrics_put_if_any(struct metrics_output *out, size_t offset)
{
	uint64_t sum = metrics_sum(out, offset);

	if (sum > 0)
		metrics_put(out, (double)sum, NULL);
}

static void
render_metric(struct metrics_output *out, const struct metric *metric)
{
	const struct board *board = out->view->board;
	size_t i;

	out->metric = metric;
	out->has_head = false;
	if (metric->render != NULL) {
		metric->render(out);
		return;
	}
	for (i = 0; i < board_target_count(board); i++)
		metric->render_target(out, board_target(board, i));
}

char *
metrics_render(const struct admin_view *view, size_t *len)
{
	struct metrics_output out = { .view = view };
	char *text = NULL;
	size_t room, i;

	process_measure(&out.usage);
	out.file = text_open(&text, len);
	for (room = 0; room < sizeof(rooms) / sizeof(rooms[0]); room++)
		for (i = 0; i < rooms[room]->count; i++)
			render_metric(&out, &rooms[room]->metrics[i]);
	text_close(out.file);
	return text;
}
