#include "proxy/admin/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/duration.h"
#include "proxy/admin/describe.h"
#include "proxy/admin/html.h"
#include "proxy/admin/refusals.h"
#include "proxy/admin/text.h"
#include "proxy/admin/view.h"
#include "proxy/base/clock.h"
#include "proxy/diagnosis/bad_answer.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/notices.h"
#include "proxy/diagnosis/parts.h"
#include "proxy/diagnosis/record.h"

#define RECENT_SCRAPES 20

static const char page_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>Targets - scrapegate</title>\n"
    "<style>\n"
    ":root{--ink:#1d2430;--soft:#5c6673;--page:#f5f6f8;--card:#fff;"
    "--line:#d9dde3;--up:#1a7f4b;--down:#c4314b;--unknown:#6b7280;"
    "--bad:#fdeef0;--odd:#fdf6e3}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;"
    "--soft:#9aa5b1;--page:#14181d;--card:#1d232a;--line:#343c46;"
    "--up:#2f9e68;--down:#e0566d;--unknown:#7d8794;--bad:#33202a;"
    "--odd:#302a18}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);"
    "font:15px/1.45 system-ui,sans-serif}\n"
    "header,main{max-width:1120px;margin:0 auto;padding:12px 20px}\n"
    "header{display:flex;gap:20px;align-items:baseline;flex-wrap:wrap}\n"
    "header b{font-size:20px}\n"
    "a{color:inherit}\n"
    ".soft{color:var(--soft)}\n"
    "section{background:var(--card);border:1px solid var(--line);"
    "border-left:5px solid var(--unknown);border-radius:6px;"
    "padding:14px 18px;margin:0 0 16px}\n"
    "section.up{border-left-color:var(--up)}\n"
    "section.down{border-left-color:var(--down)}\n"
    "section.plain{border-left-width:1px;border-left-color:var(--line);"
    "overflow-x:auto}\n"
    "h2{font-size:17px;margin:0 0 8px}\n"
    ".badge{display:inline-block;border-radius:4px;padding:1px 8px;"
    "margin-right:8px;font-size:12px;font-weight:700;color:#fff;"
    "background:var(--unknown)}\n"
    ".badge.up{background:var(--up)}.badge.down{background:var(--down)}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;"
    "gap:2px 16px;margin:8px 0}\n"
    "dt{color:var(--soft)}\n"
    "dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:4px 24px}\n"
    ".why{background:var(--bad);border-radius:6px;padding:8px 14px;"
    "margin:10px 0}\n"
    ".note{background:var(--odd);border-radius:6px;padding:8px 14px;"
    "margin:10px 0}\n"
    ".why .words,.note .words{font:14px/1.4 "
    "ui-monospace,monospace;font-weight:600;"
    "overflow-wrap:anywhere}\n"
    ".bar{display:flex;height:12px;border-radius:3px;overflow:hidden;"
    "background:var(--line);margin:10px 0 4px;min-width:90px}\n"
    "td .bar{margin:4px 0}\n"
    ".bar i{min-width:1px}\n"
    ".key{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px}\n"
    ".key i{display:inline-block;width:10px;height:10px;"
    "border-radius:2px;margin-right:5px}\n"
    ".p0{background:#8e99a8}.p1{background:#9c6ade}"
    ".p2{background:#3b82c4}.p3{background:#20a39e}"
    ".p4{background:#e8a33d}.p5{background:#5fa55a}"
    ".p6{background:#c86b98}\n"
    "table{border-collapse:collapse;width:100%;font-size:13px}\n"
    "th,td{text-align:left;padding:3px 10px 3px 0;"
    "border-top:1px solid var(--line);vertical-align:top}\n"
    "th{border-top:0;color:var(--soft);font-weight:400}\n"
    "td.n,th.n{text-align:right}\n"
    "td.n,td:first-child{white-space:nowrap}\n"
    "td.ok{color:var(--up)}td.bad{color:var(--down)}\n"
    "td.words{overflow-wrap:anywhere;min-width:180px}\n"
    "</style></head><body>\n";

static void
put_time(FILE *out, uint64_t us)
{
	if (us >= 1000000)
		fprintf(out, "%.3f s", (double)us / 1e6);
	else
		fprintf(out, "%.2f ms", (double)us / 1e3);
}

static void
put_size(FILE *out, uint64_t bytes)
{
	if (bytes >= 1048576)
		fprintf(out, "%.1f MB", (double)bytes / 1048576);
	else if (bytes >= 1024)
		fprintf(out, "%.1f KB", (double)bytes / 1024);
	else
		fprintf(out, "%" PRIu64 " B", bytes);
}

static void
put_bar(FILE *out, const struct phases *phases)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < PHASE_COUNT; i++)
		sum += phases->us[i];
	fputs("<div class=\"bar\">", out);
	for (i = 0; i < PHASE_COUNT; i++) {
		if (phases->us[i] == 0)
			continue;
		fprintf(out,
		    "<i class=\"p%zu\" style=\"width:%.2f%%\" "
		    "title=\"%s ",
		    i, 100.0 * (double)phases->us[i] / (double)sum,
		    phase_name((enum phase)i));
		put_time(out, phases->us[i]);
		fputs("\"></i>", out);
	}
	fputs("</div>", out);
}

static void
put_bar_key(FILE *out, const struct phases *phases)
{
	size_t i;

	fputs("<div class=\"key\">", out);
	for (i = 0; i < PHASE_COUNT; i++) {
		fprintf(out, "<span%s><i class=\"p%zu\"></i>%s ",
		    phases->us[i] == 0 ? " class=\"soft\"" : "", i,
		    phase_name((enum phase)i));
		put_time(out, phases->us[i]);
		fputs("</span>", out);
	}
	fputs("</div>\n", out);
}

static void
put_item(FILE *out, const char *name, const char *text)
{
	if (*text == '\0')
		return;
	fprintf(out, "<dt>%s</dt><dd>", name);
	html_text(out, text);
	fputs("</dd>\n", out);
}

static void
put_evidence(FILE *out, const char *seen)
{
	struct part part;

	if (*seen == '\0')
		return;
	fputs("<dt>Seen</dt><dd>", out);
	while (parts_next(&seen, &part)) {
		fputs("<div>", out);
		html_bytes(out, part.text, part.len);
		fprintf(out, " <span class=\"soft\">(%s)</span></div>",
		    part.kind);
	}
	fputs("</dd>\n", out);
}

/* Also for a warning: a success whose answer is odd. */
static void
put_why(FILE *out, const struct board_target *target)
{
	const struct finding *finding = target->last->finding;
	char error[DESCRIBE_ERROR_SIZE];

	fprintf(out, "<div class=\"why\"><div class=\"words\">%d %s: ",
	    finding_status(finding), reason_row(finding->reason)->id);
	html_text(out, finding->words);
	fputs("</div><dl>\n", out);
	put_item(out, "Cause", finding->cause);
	put_evidence(out, finding->seen);
	put_item(out, "Do", finding->fix);
	put_item(out, "Direct scrape", describe_last_error(target, error));
	if (target->failing_since_wall_us != 0) {
		fputs("<dt>Since</dt><dd>", out);
		html_ago(out, target->failing_since_wall_us);
		fprintf(
		    out, ", %" PRIu64 " failed</dd>\n", target->failure_count);
	}
	fputs("</dl></div>\n", out);
}

static void
put_bad_answer(FILE *out, const struct board_target *target)
{
	if (target->bad_answer == NULL)
		return;
	fputs("<span><a href=\"/api/v1/targets/", out);
	html_text(out, target->conf->name);
	fputs("/last-bad-answer\">last bad answer</a> ", out);
	html_ago(out, target->bad_answer->wall_us);
	fputs("</span>", out);
}

static void
put_facts(FILE *out, const struct board_target *target)
{
	char text[CONF_DURATION_SIZE];

	fputs("<div class=\"facts\"><span>last scrape ", out);
	html_ago(out, target->last->wall_us);
	fputs("</span><span>took ", out);
	put_time(out, target->last->duration_us);
	fprintf(out, ", timeout %s</span>",
	    conf_duration_text(describe_timeout_ms(target), text));
	if (target->last_success_wall_us != 0) {
		fputs("<span>last good ", out);
		html_ago(out, target->last_success_wall_us);
		fprintf(out, ", %" PRIu64 " samples, ", target->samples);
		put_size(out, target->body_bytes);
		fputs("</span>", out);
	}
	put_bad_answer(out, target);
	fputs("</div>\n", out);
}

static void
put_notice(FILE *out, enum notice_kind kind, const struct notice *notice)
{
	fprintf(out,
	    "<div class=\"note\"><div class=\"words\">%s: ", notice_id(kind));
	html_text(out, notice->words);
	fputs("</div><dl>\n", out);
	put_item(out, "Cause", notice_cause(kind));
	put_evidence(out, notice->seen);
	put_item(out, "Do", notice->fix);
	fputs("<dt>Since</dt><dd>", out);
	html_ago(out, notice->since_wall_us);
	fputs("</dd></dl></div>\n", out);
}

static void
put_notices(FILE *out, const struct notices *notices)
{
	size_t kind;

	for (kind = 0; notices != NULL && kind < NOTICE_COUNT; kind++)
		if (notices->of[kind].is_on)
			put_notice(
			    out, (enum notice_kind)kind, &notices->of[kind]);
}

static void
put_target(
    FILE *out, const struct board_target *target, const struct notices *notices)
{
	static const char *const labels[] = { "UNKNOWN", "UP", "DOWN" };
	enum board_health health = board_health(target);
	const char *state = board_health_name(health);

	fprintf(out,
	    "<section class=\"%s\"><h2>"
	    "<span class=\"badge %s\">%s</span>",
	    state, state, labels[health]);
	html_text(out, target->conf->name);
	fputs("</h2>\n<div class=\"soft\">", out);
	html_text(out, target->conf->url.text);
	fputs(" served at ", out);
	html_text(out, target->conf->path);
	fputs("</div>\n", out);
	put_notices(out, notices);
	if (target->last == NULL) {
		fputs("<div>not scraped yet</div></section>\n", out);
		return;
	}
	put_facts(out, target);
	if (target->last->finding->reason != REASON_OK)
		put_why(out, target);
	put_bar(out, &target->last->phases);
	put_bar_key(out, &target->last->phases);
	fputs("</section>\n", out);
}

static void
put_scrape(FILE *out, const struct record *record)
{
	const struct reason_row *row = reason_row(record->finding->reason);

	fputs("<tr><td>", out);
	html_ago(out, record->wall_us);
	fputs("</td><td>", out);
	html_text(out, record->target_name);
	fprintf(out, "</td><td class=\"%s\">%s</td><td class=\"words\">",
	    row->status == 200 ? "ok" : "bad", row->id);
	html_text(out, record->finding->words);
	fputs("</td><td class=\"n\">", out);
	put_time(out, record->duration_us);
	fputs("</td><td>", out);
	put_bar(out, &record->phases);
	fprintf(out, "</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">",
	    record->samples);
	put_size(out, record->body_bytes);
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
put_header(FILE *out, const struct admin_view *view)
{
	size_t i, up = 0, count = board_target_count(view->board);

	for (i = 0; i < count; i++)
		if (board_health(board_target(view->board, i)) == BOARD_UP)
			up++;
	fprintf(out,
	    "<header><b>scrapegate</b><span>%zu of %zu up</span>"
	    "<a href=\"/metrics\">metrics</a>"
	    "<a href=\"/api/v1/targets\">targets as JSON</a>"
	    "<a href=\"/api/v1/scrapes\">scrapes as JSON</a>"
	    "<a href=\"/api/v1/failures\">failures</a>"
	    "<a href=\"/api/v1/incidents\">incidents</a>"
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

void
page_targets(
    const struct admin_view *view, const char *query, struct response *response)
{
	char *html = NULL;
	size_t i, len;
	FILE *out;

	(void)query;
	out = text_open(&html, &len);
	fputs(page_head, out);
	put_header(out, view);
	for (i = 0; i < board_target_count(view->board); i++)
		put_target(out, board_target(view->board, i),
		    view->notices == NULL ? NULL : &view->notices[i]);
	put_scrapes(out, view->board);
	refusals_page(out, view);
	fputs("</main></body></html>\n", out);
	text_close(out);
	response_set(response, 200, PAGE_CONTENT_TYPE, html);
}
