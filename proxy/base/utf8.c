#include "proxy/base/utf8.h"

#include <string.h>

struct lead {
	unsigned char first, last; /* of the lead byte */
	unsigned char len;
	unsigned char low, high; /* of the byte after it */
};

/* RFC 3629, section 4. */
static const struct lead leads[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};
#define LEAD_COUNT (sizeof(leads) / sizeof(leads[0]))

static const struct lead *
find_lead(unsigned char c)
{
	size_t i;

	for (i = 0; i < LEAD_COUNT; i++)
		if (c >= leads[i].first && c <= leads[i].last)
			return &leads[i];
	return NULL;
}

size_t
utf8_decode(const unsigned char *bytes, size_t len, uint32_t *rune)
{
	const struct lead *lead;
	size_t i;

	*rune = bytes[0];
	if (bytes[0] < 0x80)
		return 1;
	lead = find_lead(bytes[0]);
	if (lead == NULL || len < lead->len || bytes[1] < lead->low ||
	    bytes[1] > lead->high)
		return 0;
	*rune &= (uint32_t)0x7f >> lead->len;
	for (i = 1; i < lead->len; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		*rune = *rune << 6 | (bytes[i] & 0x3f);
	}
	return lead->len;
}

bool
utf8_is_valid(const unsigned char *bytes, size_t len)
{
	static const uint64_t high_bits = 0x8080808080808080;
	size_t i = 0;

	while (i < len) {
		uint32_t rune;
		uint64_t word;
		size_t step;

		if (len - i >= sizeof(word)) {
			memcpy(&word, bytes + i, sizeof(word));
			if ((word & high_bits) == 0) {
				i += sizeof(word);
				continue;
			}
		}
		step = utf8_decode(bytes + i, len - i, &rune);
		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

size_t
utf8_first(const char *text, size_t len)
{
	uint32_t rune;

	return len == 0 ? 0
			: utf8_decode((const unsigned char *)text, len, &rune);
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
