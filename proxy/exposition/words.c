#include "proxy/exposition/words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/utf8.h"
#include "proxy/exposition/utf8_printable.h"

#define ELLIPSIS "..."

void
words_init(struct words *words, char *text, size_t size)
{
	words->text = text;
	words->size = size;
	words->len = 0;
	words->is_cut = false;
	text[0] = '\0';
}

/* Room for the ellipsis is never given away. */
static void
append(struct words *words, const char *text, size_t len)
{
	if (words->is_cut)
		return;
	if (words->len + len + sizeof(ELLIPSIS) > words->size) {
		memcpy(words->text + words->len, ELLIPSIS, sizeof(ELLIPSIS));
		words->len += sizeof(ELLIPSIS) - 1;
		words->is_cut = true;
		return;
	}
	memcpy(words->text + words->len, text, len);
	words->len += len;
	words->text[words->len] = '\0';
}

void
words_add(struct words *words, const char *text)
{
	append(words, text, strlen(text));
}

void
words_add_number(struct words *words, long long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", number);
	words_add(words, text);
}

void
words_add_bytes(struct words *words, const unsigned char *bytes, size_t len)
{
	uint32_t rune;
	size_t i, step;

	for (i = 0; i < len && !words->is_cut; i += step) {
		step = utf8_decode(bytes + i, len - i, &rune);
		if (step == 0)
			step = 1;
		append(words, (const char *)bytes + i, step);
	}
}

/* What Go has a letter for. */
static char
short_escape(uint32_t rune)
{
	static const char from[] = "\a\b\f\n\r\t\v\\\"";
	static const char to[] = "abfnrtv\\\"";
	const char *found;

	if (rune == 0 || rune > 0x7f)
		return 0;
	found = strchr(from, (int)rune);
	return found == NULL ? 0 : to[found - from];
}

static void
quote_rune(
    struct words *words, const unsigned char *bytes, size_t len, uint32_t rune)
{
	char text[16], letter = short_escape(rune);
	int n;

	if (letter != 0)
		n = snprintf(text, sizeof(text), "\\%c", letter);
	else if (len == 0 || rune < 0x20 || rune == 0x7f)
		n = snprintf(text, sizeof(text), "\\x%02x", bytes[0]);
	else if (utf8_is_printable_rune(rune)) {
		append(words, (const char *)bytes, len);
		return;
	} else
		n = snprintf(text, sizeof(text),
		    rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
	append(words, text, (size_t)n);
}

void
words_quote(struct words *words, const unsigned char *bytes, size_t len)
{
	uint32_t rune;
	size_t i, step;

	append(words, "\"", 1);
	for (i = 0; i < len && !words->is_cut; i += step == 0 ? 1 : step) {
		step = utf8_decode(bytes + i, len - i, &rune);
		quote_rune(words, bytes + i, step, rune);
	}
	append(words, "\"", 1);
}

size_t
words_runes(const unsigned char *bytes, size_t len, size_t max)
{
	uint32_t rune;
	size_t i = 0, step;

	while (i < len && max-- > 0) {
		step = utf8_decode(bytes + i, len - i, &rune);
		i += step == 0 ? 1 : step;
	}
	return i;
}
