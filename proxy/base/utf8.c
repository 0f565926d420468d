#include "proxy/base/utf8.h"

/* By its first byte: how long a character is, and what its second byte may
 * be; the others are 80 to BF. */
static const struct form {
	unsigned char first;
	unsigned char last;
	unsigned char len;
	unsigned char second_min;
	unsigned char second_max;
} forms[] = {
	{ 0x00, 0x7f, 1, 0, 0 },
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct form *
find_form(unsigned char first)
{
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (first >= forms[i].first && first <= forms[i].last)
			return &forms[i];
	return NULL;
}

size_t
utf8_first(const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	const struct form *form = len > 0 ? find_form(bytes[0]) : NULL;
	size_t i;

	if (form == NULL || form->len > len)
		return 0;
	if (form->len > 1 &&
	    (bytes[1] < form->second_min || bytes[1] > form->second_max))
		return 0;
	for (i = 2; i < form->len; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return form->len;
}

static bool
is_control(const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;

	if (len == 1)
		return bytes[0] < ' ' || bytes[0] == 0x7f;
	return len == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;
}

bool
utf8_is_printable(const char *text, size_t len)
{
	size_t one;

	for (; len > 0; text += one, len -= one) {
		one = utf8_first(text, len);
		if (one == 0 || is_control(text, one))
			return false;
	}
	return true;
}
