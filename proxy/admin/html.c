#include "proxy/admin/html.h"

#include <inttypes.h>
#include <string.h>

#include "conf/duration.h"
#include "proxy/base/clock.h"

void
html_bytes(FILE *out, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte == '&')
			fputs("&amp;", out);
		else if (byte == '<')
			fputs("&lt;", out);
		else if (byte == '>')
			fputs("&gt;", out);
		else if (byte == '"')
			fputs("&quot;", out);
		else if (byte == '\'')
			fputs("&#39;", out);
		else if ((byte < ' ' && byte != '\n') || byte == 0x7f)
			fputs("\xef\xbf\xbd", out); /* U+FFFD */
		else
			fputc(byte, out);
	}
}

void
html_text(FILE *out, const char *text)
{
	html_bytes(out, text, strlen(text));
}

void
html_ago(FILE *out, uint64_t wall_us)
{
	uint64_t now = clock_wall_us();
	uint64_t us = now > wall_us ? now - wall_us : 0;
	char exact[CLOCK_TEXT_SIZE], text[CONF_DURATION_SIZE];

	fprintf(out, "<span title=\"%s\">", clock_text(wall_us, exact));
	if (us < 1000000)
		fprintf(out, "%" PRIu64 "ms ago</span>", us / 1000);
	else
		fprintf(out, "%s ago</span>",
		    conf_duration_text((int64_t)(us / 1000000) * 1000, text));
}
