#include "proxy/base/escape.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* The letter behind the backslash, or 0 for bytes that have none. */
static char
escape_letter(unsigned char byte)
{
	switch (byte) {
	case '\a':
		return 'a';
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '\v':
		return 'v';
	case '\\':
	case '"':
		return (char)byte;
	default:
		return 0;
	}
}

static size_t
escape_byte(char out[4], unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	char letter = escape_letter(byte);

	if (letter == 0 && byte >= ' ' && byte <= '~') {
		out[0] = (char)byte;
		return 1;
	}
	out[0] = '\\';
	if (letter != 0) {
		out[1] = letter;
		return 2;
	}
	out[1] = 'x';
	out[2] = hex[byte >> 4];
	out[3] = hex[byte & 15];
	return 4;
}

static size_t
escape(char *out, size_t size, const char *bytes, size_t len, bool keeps_quotes)
{
	char escaped[4];
	size_t i, n, used = 0;

	assert(size > 0);
	for (i = 0; i < len; i++) {
		if (keeps_quotes && bytes[i] == '"') {
			escaped[0] = '"';
			n = 1;
		} else
			n = escape_byte(escaped, (unsigned char)bytes[i]);
		if (n >= size - used)
			break;
		memcpy(out + used, escaped, n);
		used += n;
	}
	out[used] = '\0';
	return used;
}

size_t
escape_quoted(char *out, size_t size, const char *bytes, size_t len)
{
	return escape(out, size, bytes, len, false);
}

size_t
escape_words(char *out, size_t size, const char *words, size_t len)
{
	return escape(out, size, words, len, true);
}
