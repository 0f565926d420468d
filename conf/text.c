#include "conf/text.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 80

const char *
conf_quote(const char *text, char out[CONF_QUOTED_SIZE])
{
	/* Room for one escape, an ellipsis, the quote and the end. */
	const size_t last = CONF_QUOTED_SIZE - 10;
	size_t len = 0, i;

	out[len++] = '"';
	for (i = 0; text[i] != '\0'; i++) {
		unsigned char byte = (unsigned char)text[i];
		if ((i >= SHOWN_MAX && (byte & 0xc0) != 0x80) || len >= last)
			break;
		if (byte < ' ' || byte == 0x7f || byte == '"' || byte == '\\')
			len += (size_t)snprintf(out + len, 5, "\\x%02x", byte);
		else
			out[len++] = (char)byte;
	}
	snprintf(out + len, CONF_QUOTED_SIZE - len, "%s\"",
	    text[i] == '\0' ? "" : "...");
	return out;
}

const char *
conf_word(const char *text, char out[CONF_QUOTED_SIZE])
{
	size_t i, len = strlen(text);

	for (i = 0; i < len && text[i] > ' ' && text[i] < 0x7f &&
		    strchr("\"\\,:", text[i]) == NULL;)
		i++;
	if (len == 0 || len > SHOWN_MAX || i < len)
		return conf_quote(text, out);
	memcpy(out, text, len + 1);
	return out;
}
