#include "proxy/admin/page_parts.h"

#include <inttypes.h>
#include <stdio.h>

#include "proxy/fetch/phases.h"

void
page_put_id(FILE *out, const char *id)
{
	fprintf(out, "<a href=\"/reasons#%s\">%s</a>", id, id);
}

/* Of what went well there is nothing to say. */
void
page_put_reason(FILE *out, enum reason reason)
{
	if (reason == REASON_OK)
		fputs(reason_row(reason)->id, out);
	else
		page_put_id(out, reason_row(reason)->id);
}

void
page_put_time(FILE *out, uint64_t us)
{
	if (us >= 1000000)
		fprintf(out, "%.3f s", (double)us / 1e6);
	else
		fprintf(out, "%.2f ms", (double)us / 1e3);
}

void
page_put_size(FILE *out, uint64_t bytes)
{
	if (bytes >= 1048576)
		fprintf(out, "%.1f MB", (double)bytes / 1048576);
	else if (bytes >= 1024)
		fprintf(out, "%.1f KB", (double)bytes / 1024);
	else
		fprintf(out, "%" PRIu64 " B", bytes);
}

void
page_put_bar(FILE *out, const struct phases *phases)
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
		page_put_time(out, phases->us[i]);
		fputs("\"></i>", out);
	}
	fputs("</div>", out);
}

void
page_put_bar_key(FILE *out, const struct phases *phases)
{
	size_t i;

	fputs("<div class=\"key\">", out);
	for (i = 0; i < PHASE_COUNT; i++) {
		fprintf(out, "<span%s><i class=\"p%zu\"></i>%s ",
		    phases->us[i] == 0 ? " class=\"soft\"" : "", i,
		    phase_name((enum phase)i));
		page_put_time(out, phases->us[i]);
		fputs("</span>", out);
	}
	fputs("</div>\n", out);
}
