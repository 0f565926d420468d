#include "proxy/admin/page_parts.h"

#include <inttypes.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/duration.h"
#include "proxy/admin/describe.h"
#include "proxy/admin/html.h"
#include "proxy/diagnosis/bad_answer.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/notices.h"
#include "proxy/diagnosis/parts.h"
#include "proxy/diagnosis/record.h"

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
		fprintf(
		    out, " <span class=\"soft\">(%s)</span></div>", part.kind);
	}
	fputs("</dd>\n", out);
}

/* Also for a warning: a success whose answer is odd. */
static void
put_why(FILE *out, const struct board_target *target)
{
	const struct finding *finding = target->last->finding;
	char error[DESCRIBE_ERROR_SIZE];

	fprintf(out, "<div class=\"%s\"><div class=\"words\">%d ",
	    target->last->is_delivered ? "note" : "why",
	    target->last->is_delivered ? 200 : finding_status(finding));
	page_put_reason(out, finding->reason);
	fputs(": ", out);
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
	page_put_time(out, target->last->duration_us);
	fprintf(out, ", timeout %s</span>",
	    conf_duration_text(describe_timeout_ms(target), text));
	if (target->last_success_wall_us != 0) {
		fputs("<span>last good ", out);
		html_ago(out, target->last_success_wall_us);
		fprintf(out, ", %" PRIu64 " sample%s, ", target->samples,
		    target->samples == 1 ? "" : "s");
		page_put_size(out, target->body_bytes);
		fputs("</span>", out);
	}
	put_bad_answer(out, target);
	fputs("</div>\n", out);
}

static void
put_notice(FILE *out, enum notice_kind kind, const struct notice *notice)
{
	fputs("<div class=\"note\"><div class=\"words\">", out);
	page_put_id(out, notice_id(kind));
	fputs(": ", out);
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

void
page_put_badge(FILE *out, enum board_health health)
{
	static const char *const labels[] = { "UNKNOWN", "UP", "DOWN" };

	fprintf(out, "<span class=\"badge %s\">%s</span>",
	    board_health_name(health), labels[health]);
}

void
page_put_target(
    FILE *out, const struct board_target *target, const struct notices *notices)
{
	const char *name = target->conf->name;
	char interval[CONF_DURATION_SIZE];

	fprintf(out, "<section class=\"%s\" id=\"t-",
	    board_health_name(board_health(target)));
	html_text(out, name);
	fputs("\"><h2>", out);
	page_put_badge(out, board_health(target));
	html_text(out, name);
	fputs("</h2>\n<div class=\"soft\">", out);
	html_text(out, target->conf->url.text);
	fputs(" served at ", out);
	html_text(out, target->conf->path);
	if (notices != NULL && notices->interval_ms > 0)
		fprintf(out, ", scraped every %s",
		    conf_duration_text(notices->interval_ms, interval));
	fputs("</div>\n", out);
	if (target->last == NULL) {
		fputs("<div>not scraped yet</div>\n", out);
		put_notices(out, notices);
		fputs("</section>\n", out);
		return;
	}
	put_facts(out, target);
	if (target->last->finding->reason != REASON_OK)
		put_why(out, target);
	put_notices(out, notices);
	if (target->reading != NULL)
		page_put_body(out, target->reading);
	page_put_bar(out, &target->last->phases);
	page_put_bar_key(out, &target->last->phases);
	fputs("</section>\n", out);
}
