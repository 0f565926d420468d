#include "proxy/diagnosis/notices.h"
#include "proxy/diagnosis/reasons.h"
#include "proxy/diagnosis/resources.h"

static const char introduction[] =
    "# Reasons\n"
    "\n"
    "Every way a scrape through the gate can end, in the order in which one "
    "can\nmeet them. The id stands in the answer's status line (`ID: WORDS`), "
    "in the\nheader `X-Scrapegate-Reason`, in the log, in the metrics' label "
    "`reason` and in\nthe API. Ids never change their meaning.\n"
    "\n"
    "Statuses: 502 the exporter failed, 504 time ran out, 503 the gate cannot "
    "or will\nnot, 4xx the scraper's own request; 200 is delivered, with a "
    "warning. What stands\nin `{braces}` is filled in: `{address}` is what was "
    "dialled, `{detail}` what was\nmeasured, `{place}` the line of the "
    "configuration. Where a scrape tells more than\nthe table, for example "
    "that the exporter is a unix socket, the gate's words do too.\n"
    "\n"
    "The gate shows this table itself: `/reasons` on the admin listener, with "
    "each id\nas its anchor, which is where the last line of a failed answer's "
    "body points.\n"
    "\n"
    "This file is generated from `reasons.def`, and a test compares the two.\n";

static void
write_row(FILE *out, const struct reason_row *row)
{
	fprintf(out, "\n### %s\n\n", row->id);
	fprintf(out, "- Status %d, layer %s\n", row->status,
	    layer_name(row->layer));
	fprintf(out, "- Words: `%s`\n", row->words);
	if (row->lasterror[0] != '\0')
		fprintf(out, "- Prometheus, scraping directly: `%s`\n",
		    row->lasterror);
	else
		fprintf(out, "- Prometheus, scraping directly: nothing like "
			     "it\n");
	fprintf(out, "- Cause: %s\n", row->cause);
	fprintf(out, "- Do: %s\n", row->fix);
}

static void
write_notice(FILE *out, enum notice_kind kind)
{
	fprintf(out, "\n### %s\n\n", notice_id(kind));
	fprintf(out, "- %s\n", notice_meaning(kind));
	fprintf(out, "- Cause: %s\n", notice_cause(kind));
	fprintf(out, "- Do: %s\n", notice_fix(kind));
}

void
reasons_manual(FILE *out)
{
	enum layer layer = LAYER_NONE;
	int i;

	fputs(introduction, out);
	for (i = REASON_OK + 1; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);

		if (row->layer != layer)
			fprintf(out, "\n## %s\n", layer_name(row->layer));
		layer = row->layer;
		write_row(out, row);
	}
	resources_manual(out);
	fputs(
	    "\n## notices\n\nWhat is wrong with a target although no scrape of "
	    "it fails: `scrapeNotices` in\n/api/v1/targets, and the metric "
	    "`scrapegate_target_notice_info{target,notice}`,\nwhich is there "
	    "and 1 only while it is so.\n",
	    out);
	for (i = 0; i < NOTICE_COUNT; i++)
		write_notice(out, (enum notice_kind)i);
}
