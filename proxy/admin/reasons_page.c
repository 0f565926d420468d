#include "proxy/admin/reasons_page.h"

#include <stdio.h>

#include "proxy/admin/frame.h"
#include "proxy/admin/html.h"
#include "proxy/admin/text.h"
#include "proxy/diagnosis/notices.h"
#include "proxy/diagnosis/reasons.h"
#include "proxy/diagnosis/resources.h"

static void
put_item(FILE *out, const char *name, const char *text)
{
	fprintf(out, "<dt>%s</dt><dd>", name);
	html_text(out, text);
	fputs("</dd>\n", out);
}

static void
put_reason(FILE *out, const struct reason_row *row)
{
	fprintf(out,
	    "<section class=\"plain\" id=\"%s\"><h2>%s</h2>\n"
	    "<div class=\"soft\">status %d, layer %s</div><dl>\n",
	    row->id, row->id, row->status, layer_name(row->layer));
	put_item(out, "Words", row->words);
	put_item(out, "Direct scrape",
	    row->lasterror[0] != '\0' ? row->lasterror : "nothing like it");
	put_item(out, "Cause", row->cause);
	put_item(out, "Do", row->fix);
	fputs("</dl></section>\n", out);
}

/* As they stand in brackets behind the words of a reason. */
static void
put_cause(FILE *out, enum resources_cause cause)
{
	const char *id = resources_cause_id(cause);

	fprintf(out,
	    "<section class=\"plain\" id=\"%s\"><h2>%s</h2>\n"
	    "<div class=\"soft\">a second cause: why the exporter failed or "
	    "was slow</div><dl>\n",
	    id, id);
	put_item(out, "Measured", resources_how_measured(cause));
	if (resources_how_inferred(cause) != NULL)
		put_item(out, "Inferred", resources_how_inferred(cause));
	fputs("</dl></section>\n", out);
}

static void
put_notice(FILE *out, enum notice_kind kind)
{
	const char *id = notice_id(kind);

	fprintf(out,
	    "<section class=\"plain\" id=\"%s\"><h2>%s</h2>\n"
	    "<div class=\"soft\">a notice: no scrape fails</div><dl>\n",
	    id, id);
	put_item(out, "Meaning", notice_meaning(kind));
	put_item(out, "Cause", notice_cause(kind));
	put_item(out, "Do", notice_fix(kind));
	fputs("</dl></section>\n", out);
}

static void
put_link(FILE *out, const char *id)
{
	fprintf(out, "<a href=\"#%s\">%s</a> ", id, id);
}

/* All ids of a layer in one line, to find one's way. */
static void
put_contents(FILE *out)
{
	enum layer layer = LAYER_NONE;
	int i;

	fputs("<section class=\"plain\"><dl>\n", out);
	for (i = REASON_OK + 1; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);

		if (row->layer != layer)
			fprintf(out, "%s<dt>%s</dt><dd>",
			    layer == LAYER_NONE ? "" : "</dd>\n",
			    layer_name(row->layer));
		layer = row->layer;
		put_link(out, row->id);
	}
	fputs("</dd>\n<dt>second causes</dt><dd>", out);
	for (i = RESOURCES_NONE + 1; i < RESOURCES_CAUSE_COUNT; i++)
		put_link(out, resources_cause_id((enum resources_cause)i));
	fputs("</dd>\n<dt>notices</dt><dd>", out);
	for (i = 0; i < NOTICE_COUNT; i++)
		put_link(out, notice_id((enum notice_kind)i));
	fputs("</dd></dl></section>\n", out);
}

void
reasons_page(
    const struct admin_view *view, const char *query, struct response *response)
{
	char *html = NULL;
	size_t len;
	FILE *out;
	int i;

	(void)view;
	(void)query;
	out = text_open(&html, &len);
	frame_begin(out, "Reasons");
	fputs("<header><b>Reasons</b><a href=\"/targets\">targets</a>"
	      "<span class=\"soft\">every way a scrape through the gate can "
	      "end; what stands in {braces} is filled in</span></header>\n"
	      "<main>\n",
	    out);
	put_contents(out);
	for (i = REASON_OK + 1; i < REASON_COUNT; i++)
		put_reason(out, reason_row((enum reason)i));
	for (i = RESOURCES_NONE + 1; i < RESOURCES_CAUSE_COUNT; i++)
		put_cause(out, (enum resources_cause)i);
	for (i = 0; i < NOTICE_COUNT; i++)
		put_notice(out, (enum notice_kind)i);
	frame_end(out);
	text_close(out);
	response_set(response, 200, FRAME_CONTENT_TYPE, html);
}
