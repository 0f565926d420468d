#include "conf/yaml_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Words and paths; what YAML reads as something else is quoted. */
static bool
is_plain(const char *text)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on",
		"off", "null", "y", "n" };
	const unsigned char *p = (const unsigned char *)text;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0)
			return false;
	if (!isalpha(*p) && *p != '/')
		return false;
	for (; *p != '\0'; p++)
		/* ':' only within a URL or an address, never at the end. */
		if (!isalnum(*p) && strchr("/._-", *p) == NULL &&
		    !(*p == ':' && (isalnum(p[1]) || p[1] == '/')))
			return false;
	return true;
}

/* The code point at `p` and its length; one byte if it is not UTF-8. */
static uint32_t
decode(const unsigned char *p, size_t *len)
{
	uint32_t code;
	size_t i;

	*len = *p < 0xc0 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	if (*len == 1)
		return *p;
	code = *p & (0x7fu >> *len);
	for (i = 1; i < *len; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*len = 1;
			return *p;
		}
		code = code << 6 | (p[i] & 0x3fu);
	}
	return code;
}

static void
put_escaped(FILE *out, uint32_t code)
{
	if (code == '"' || code == '\\')
		fprintf(out, "\\%c", (int)code);
	else if (code == '\n')
		fputs("\\n", out);
	else if (code >= ' ' && code < 0x7f)
		fputc((int)code, out);
	else if (code <= 0xff)
		fprintf(out, "\\x%02x", code);
	else if (code <= 0xffff)
		fprintf(out, "\\u%04x", code);
	else
		fprintf(out, "\\U%08x", code);
}

void
conf_yaml_text(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len;

	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *p != '\0'; p += len)
		put_escaped(out, decode(p, &len));
	fputc('"', out);
}
