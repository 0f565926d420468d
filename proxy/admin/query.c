#include "proxy/admin/query.h"

#include <string.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * One byte of `text`, decoded, or -1 if it is no escape; *used bytes of it
 * were taken.  %00 is none: the value is a C string.
 */
static int
decode_byte(const char *text, const char *end, size_t *used)
{
	int high, low;

	*used = 1;
	if (*text == '+')
		return ' ';
	if (*text != '%')
		return (unsigned char)*text;
	if (end - text < 3)
		return -1;
	high = hex_digit(text[1]);
	low = hex_digit(text[2]);
	*used = 3;
	return high < 0 || low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

static bool
decode(const char *text, const char *end, char *out, size_t size)
{
	size_t used, len = 0;
	int byte;

	for (; text < end; text += used) {
		byte = decode_byte(text, end, &used);
		if (byte < 0)
			return false;
		if (len + 1 < size)
			out[len++] = (char)byte;
	}
	out[len] = '\0';
	return true;
}

static bool
is_name(const char *text, const char *end, const char *name)
{
	char decoded[64];

	return decode(text, end, decoded, sizeof(decoded)) &&
	       strcmp(decoded, name) == 0;
}

bool
query_get(const char *query, const char *name, char *value, size_t size)
{
	const char *end, *equals;

	for (; query != NULL && *query != '\0'; query = end + (*end == '&')) {
		end = query + strcspn(query, "&");
		equals = memchr(query, '=', (size_t)(end - query));
		if (equals == NULL)
			equals = end;
		if (!is_name(query, equals, name))
			continue;
		if (decode(equals + (equals < end), end, value, size))
			return true;
	}
	*value = '\0';
	return false;
}
