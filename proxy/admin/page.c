#include "proxy/admin/page.h"

#include <inttypes.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/duration.h"
#include "proxy/admin/frame.h"
#include "proxy/admin/html.h"
#include "proxy/admin/page_parts.h"
#include "proxy/admin/refusals.h"
#include "proxy/admin/text.h"
#include "proxy/admin/view.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/incidents.h"
#include "proxy/diagnosis/notices.h"
#include "proxy/diagnosis/record.h"

#define RECENT_SCRAPES 20
#define RECENT_INCIDENTS 10

static void
put_scrape(FILE *out, const struct record *record)
{
	fputs("<tr><td>", out);
	html_ago(out, record->wall_us);
	fputs("</td><td>", out);
	html_text(out, record->target_name);
	fprintf(out, "</td><td class=\"%s\">",
	    record->finding->reason == REASON_OK ? "ok"
	    : record->is_delivered               ? "odd"
						 : "bad");
	page_put_reason(out, record->finding->reason);
	fputs("</td><td class=\"words\">", out);
	html_text(out, record->finding->words);
	fputs("</td><td class=\"n\">", out);
	page_put_time(out, record->duration_us);
	fputs("</td><td>", out);
	page_put_bar(out, &record->phases);
	fprintf(out, "</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">",
	    record->samples);
	page_put_size(out, record->body_bytes);
	fprintf(out, "</td><td class=\"n\">%u</td><td>", record->waiters);
	html_text(out, record->scraper);
	fputs("</td></tr>\n", out);
}

static void
put_scrapes(FILE *out, const struct board *board)
{
	const struct record *record = board_record(board, 0);
	size_t i;

	if (record == NULL)
		return;
	fputs("<section class=\"plain\"><h2>Recent scrapes</h2>\n<table><tr>"
	      "<th>When</th><th>Target</th><th>Outcome</th><th>Words</th>"
	      "<th class=\"n\">Took</th><th>Phases</th>"
	      "<th class=\"n\">Samples</th><th class=\"n\">Size</th>"
	      "<th class=\"n\">Shared by</th><th>Scraper</th></tr>\n",
	    out);
	for (i = 0;
	     i < RECENT_SCRAPES && (record = board_record(board, i)) != NULL;
	     i++)
		put_scrape(out, record);
	fputs("</table></section>\n", out);
}

static void
put_incident_reasons(FILE *out, const struct incident *incident)
{
	unsigned i;

	for (i = 0; i < incident->reason_count; i++) {
		if (i > 0)
			fputs(", ", out);
		page_put_reason(out, incident->reasons[i].reason);
		if (incident->reason_count > 1)
			fprintf(out, " %" PRIu64, incident->reasons[i].count);
	}
	if (incident->other_count > 0)
		fprintf(out, ", %" PRIu64 " others", incident->other_count);
}

static void
put_incident(FILE *out, const struct incident *incident)
{
	uint64_t end_us = incident->end_wall_us != 0 ? incident->end_wall_us
						     : incident->last_wall_us;
	uint64_t span_us = end_us > incident->first_wall_us
			       ? end_us - incident->first_wall_us
			       : 0;
	char span[CONF_DURATION_SIZE];

	fputs("<tr><td>", out);
	html_ago(out, incident->first_wall_us);
	fputs("</td><td>", out);
	html_text(out, incident->target);
	fprintf(out, "</td><td class=\"%s\">%s</td><td class=\"n\">%s</td>",
	    incident->state == INCIDENT_OPEN ? "bad" : "ok",
	    incident_state_name(incident->state),
	    conf_duration_text((int64_t)(span_us / 1000000) * 1000, span));
	fprintf(out, "<td class=\"n\">%" PRIu64 "</td><td class=\"n\">%u</td>",
	    incident->count, incident->restarts);
	fputs("<td>", out);
	put_incident_reasons(out, incident);
	fputs("</td><td class=\"words\">", out);
	html_text(out, incident->words);
	fputs("</td></tr>\n", out);
}

static void
put_incidents(FILE *out, const struct board *board)
{
	const struct incident *incident = board_incident(board, 0);
	size_t i;

	if (incident == NULL)
		return;
	fputs("<section class=\"plain\"><h2>Incidents</h2>\n<table><tr>"
	      "<th>Began</th><th>Target</th><th>State</th>"
	      "<th class=\"n\">Lasted</th><th class=\"n\">Failures</th>"
	      "<th class=\"n\">Restarts</th><th>Reasons</th>"
	      "<th>Last words</th></tr>\n",
	    out);
	for (i = 0; i < RECENT_INCIDENTS &&
		    (incident = board_incident(board, i)) != NULL;
	     i++)
		put_incident(out, incident);
	fputs("</table></section>\n", out);
}

static const struct notices *
notices_of(const struct admin_view *view, size_t target)
{
	return view->notices == NULL ? NULL : &view->notices[target];
}

static void
put_header(FILE *out, const struct admin_view *view)
{
	size_t i, up = 0, count = board_target_count(view->board);

	for (i = 0; i < count; i++)
		if (board_health(board_target(view->board, i)) == BOARD_UP)
			up++;
	fprintf(out,
	    "<header><b>scrapegate</b><span>%zu of %zu up</span>"
	    "<a href=\"/reasons\">reasons</a>"
	    "<a href=\"/metrics\">metrics</a>"
	    "<span>as JSON: <a href=\"/api/v1/targets\">targets</a>, "
	    "<a href=\"/api/v1/scrapes\">scrapes</a>, "
	    "<a href=\"/api/v1/failures\">failures</a>, "
	    "<a href=\"/api/v1/incidents\">incidents</a>, "
	    "<a href=\"/api/v1/openapi.json\">all</a></span>"
	    "<span class=\"soft\">version %s</span>",
	    up, count, SCRAPEGATE_VERSION);
	if (view->is_draining)
		fputs("<span class=\"badge down\">DRAINING</span>", out);
	else if (!view->is_ready) {
		fputs("<span class=\"badge down\">NOT READY ", out);
		html_text(out, view->not_ready_reason != NULL
				   ? view->not_ready_reason
				   : "");
		fputs("</span>", out);
	}
	fputs("</header>\n<main>\n", out);
}

/* What is wrong, in a few words; all that is well has none. */
static void
put_state(
    FILE *out, const struct board_target *target, const struct notices *notices)
{
	size_t kind;

	if (target->last != NULL && target->last->finding->reason != REASON_OK)
		page_put_reason(out, target->last->finding->reason);
	for (kind = 0; notices != NULL && kind < NOTICE_COUNT; kind++) {
		if (!notices->of[kind].is_on)
			continue;
		fputc(' ', out);
		page_put_id(out, notice_id((enum notice_kind)kind));
	}
}

/* Those of the failure, else of a notice. */
static const char *
words_of(const struct board_target *target, const struct notices *notices)
{
	size_t kind;

	if (target->last != NULL && target->last->finding->words[0] != '\0')
		return target->last->finding->words;
	for (kind = 0; notices != NULL && kind < NOTICE_COUNT; kind++)
		if (notices->of[kind].is_on)
			return notices->of[kind].words;
	return "";
}

static void
put_line(
    FILE *out, const struct board_target *target, const struct notices *notices)
{
	fputs("<tr><td>", out);
	page_put_badge(out, board_health(target));
	fputs("</td><td><a href=\"#t-", out);
	html_text(out, target->conf->name);
	fputs("\">", out);
	html_text(out, target->conf->name);
	fputs("</a></td><td>", out);
	put_state(out, target, notices);
	fputs("</td><td class=\"words\">", out);
	html_text(out, words_of(target, notices));
	fputs("</td><td class=\"n\">", out);
	if (target->last != NULL)
		html_ago(out, target->last->wall_us);
	fputs("</td></tr>\n", out);
}

/* Of many, those that are down come first. */
static void
put_overview(FILE *out, const struct admin_view *view)
{
	static const enum board_health order[] = { BOARD_DOWN, BOARD_UNKNOWN,
		BOARD_UP };
	size_t count = board_target_count(view->board), turn, i;

	if (count < 2)
		return;
	fputs("<section class=\"plain\"><table><tr><th>State</th>"
	      "<th>Target</th><th>Why</th><th>Words</th>"
	      "<th class=\"n\">Last scrape</th></tr>\n",
	    out);
	for (turn = 0; turn < sizeof(order) / sizeof(order[0]); turn++)
		for (i = 0; i < count; i++)
			if (board_health(board_target(view->board, i)) ==
			    order[turn])
				put_line(out, board_target(view->board, i),
				    notices_of(view, i));
	fputs("</table></section>\n", out);
}

void
page_targets(
    const struct admin_view *view, const char *query, struct response *response)
{
	char *html = NULL;
	size_t i, len;
	FILE *out;

	(void)query;
	out = text_open(&html, &len);
	frame_begin(out, "Targets");
	put_header(out, view);
	put_overview(out, view);
	for (i = 0; i < board_target_count(view->board); i++)
		page_put_target(
		    out, board_target(view->board, i), notices_of(view, i));
	put_incidents(out, view->board);
	put_scrapes(out, view->board);
	refusals_page(out, view);
	frame_end(out);
	text_close(out);
	response_set(response, 200, FRAME_CONTENT_TYPE, html);
}
