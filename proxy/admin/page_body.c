#include "proxy/admin/page_parts.h"

#include <inttypes.h>
#include <string.h>

#include "proxy/admin/html.h"
#include "proxy/base/escape.h"
#include "proxy/diagnosis/reading.h"

#define FAMILIES_SHOWN 5

static void
put_warning(FILE *out, const struct reading_warning *warning)
{
	size_t i;

	fprintf(out, "<dt>%s</dt><dd>", warning->id);
	html_text(out, warning->words);
	fprintf(out, " <span class=\"soft\">(%" PRIu64, warning->count);
	if (warning->first_line > 0)
		fprintf(out, ", first in line %" PRIu64, warning->first_line);
	for (i = 0; i < warning->offender_count; i++) {
		fputs(i == 0 ? ": " : ", ", out);
		html_text(out, warning->offenders[i]);
	}
	fputs(")</span></dd>\n", out);
}

void
page_put_body(FILE *out, const struct reading *reading)
{
	const struct exposition_facts *facts = &reading->facts;
	char name[FACTS_NAME_MAX * 4];
	size_t i;

	fputs("<dl>", out);
	for (i = 0; i < reading->warning_count; i++)
		put_warning(out, &reading->warnings[i]);
	fprintf(out,
	    "<dt>Largest of %" PRIu64 " families</dt><dd class=\"soft\">",
	    facts->families);
	for (i = 0; i < facts->top_count && i < FAMILIES_SHOWN; i++) {
		escape_quoted(name, sizeof(name), facts->top[i].name,
		    strlen(facts->top[i].name));
		fputs(i == 0 ? "" : ", ", out);
		html_text(out, name);
		fputs(" ", out);
		page_put_size(out, facts->top[i].bytes);
	}
	fputs("</dd>\n", out);
	if (facts->has_series && facts->has_series_before &&
	    facts->series_added + facts->series_gone > 0)
		fprintf(out,
		    "<dt>Series</dt><dd class=\"soft\">%" PRIu64
		    " new, %" PRIu64 " gone</dd>\n",
		    facts->series_added, facts->series_gone);
	fputs("</dl>\n", out);
}
