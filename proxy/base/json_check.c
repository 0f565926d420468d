#include "proxy/base/json_check.h"

#include <stdbool.h>
#include <string.h>

#include "proxy/base/utf8.h"

struct reader {
	const char *text;
	size_t len;
	size_t at;
	unsigned depth;
	unsigned depth_max;
	const char *fault;
};

/* Always false, so callers can `return wrong(...)`. */
static bool
wrong(struct reader *r, const char *fault)
{
	r->fault = fault;
	return false;
}

/* The byte ahead; NUL at the end, where it is as wrong as a NUL. */
static char
peek(const struct reader *r)
{
	return r->at < r->len ? r->text[r->at] : '\0';
}

static bool
take(struct reader *r, char byte)
{
	if (r->at >= r->len || r->text[r->at] != byte)
		return false;
	r->at++;
	return true;
}

static void
skip_blanks(struct reader *r)
{
	while (r->at < r->len && strchr(" \t\r\n", r->text[r->at]) != NULL &&
	       r->text[r->at] != '\0')
		r->at++;
}

/* How many decimal digits were there. */
static size_t
skip_digits(struct reader *r)
{
	size_t start = r->at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at - start;
}

static bool
check_number(struct reader *r)
{
	size_t start = r->at;

	take(r, '-');
	if (!take(r, '0') && skip_digits(r) == 0)
		return wrong(r, "no value");
	if (take(r, '.') && skip_digits(r) == 0)
		return wrong(r, "no digit behind the point");
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			take(r, '-');
		if (skip_digits(r) == 0)
			return wrong(r, "no digit in the exponent");
	}
	if (r->at - start > JSON_NUMBER_MAX)
		return wrong(r, "a number that is too long");
	return true;
}

static bool
check_word(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if (r->len - r->at < len || memcmp(r->text + r->at, word, len) != 0)
		return wrong(r, "no value");
	r->at += len;
	return true;
}

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* The four digits behind "\u". */
static bool
take_unit(struct reader *r, unsigned *unit)
{
	unsigned i;

	*unit = 0;
	for (i = 0; i < 4; i++) {
		int value = hex_value(peek(r));

		if (value == -1)
			return wrong(r, "no hexadecimal digit in \\u");
		*unit = *unit << 4 | (unsigned)value;
		r->at++;
	}
	return true;
}

static bool
check_unicode_escape(struct reader *r)
{
	unsigned unit, low;

	if (!take_unit(r, &unit))
		return false;
	if (unit == 0)
		return wrong(r, "a NUL");
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	if (unit > 0xdbff || !take(r, '\\') || !take(r, 'u'))
		return wrong(r, "half a surrogate pair");
	if (!take_unit(r, &low))
		return false;
	if (low < 0xdc00 || low > 0xdfff)
		return wrong(r, "half a surrogate pair");
	return true;
}

/* Behind the backslash. */
static bool
check_escape(struct reader *r)
{
	char letter = peek(r);

	if (letter == '\0' || strchr("\"\\/bfnrtu", letter) == NULL)
		return wrong(r, "an unknown escape");
	r->at++;
	return letter != 'u' || check_unicode_escape(r);
}

static bool
check_character(struct reader *r)
{
	size_t len;

	if (take(r, '\\'))
		return check_escape(r);
	if ((unsigned char)peek(r) < ' ')
		return wrong(r, r->at < r->len ? "a control byte in a string"
					       : "a string without an end");
	len = utf8_first(r->text + r->at, r->len - r->at);
	if (len == 0)
		return wrong(r, "bytes that are not UTF-8");
	r->at += len;
	return true;
}

/* `fault` if there is none. */
static bool
check_string(struct reader *r, const char *fault)
{
	if (!take(r, '"'))
		return wrong(r, fault);
	while (!take(r, '"'))
		if (!check_character(r))
			return false;
	return true;
}

static bool check_value(struct reader *r);

/* An item of an array, or a member of an object, and the blanks behind. */
static bool
check_item(struct reader *r, bool is_member)
{
	skip_blanks(r);
	if (is_member) {
		if (!check_string(r, "no name"))
			return false;
		skip_blanks(r);
		if (!take(r, ':'))
			return wrong(r, "no colon behind a name");
		skip_blanks(r);
	}
	if (!check_value(r))
		return false;
	skip_blanks(r);
	return true;
}

static bool
check_container(struct reader *r, char end)
{
	if (r->depth == r->depth_max)
		return wrong(r, "too deep");
	r->depth++;
	r->at++;
	skip_blanks(r);
	if (peek(r) != end) {
		do {
			if (!check_item(r, end == '}'))
				return false;
		} while (take(r, ','));
	}
	r->depth--;
	return take(r, end) || wrong(r, "neither a comma nor the end");
}

/* Calls itself no deeper than depth_max. */
static bool
check_value(struct reader *r)
{
	switch (peek(r)) {
	case '{':
		return check_container(r, '}');
	case '[':
		return check_container(r, ']');
	case '"':
		return check_string(r, NULL);
	case 't':
		return check_word(r, "true");
	case 'f':
		return check_word(r, "false");
	case 'n':
		return check_word(r, "null");
	default:
		return check_number(r);
	}
}

static bool
check_document(struct reader *r, size_t *end)
{
	skip_blanks(r);
	if (peek(r) != '{' && peek(r) != '[')
		return wrong(r, "neither an object nor an array");
	if (!check_value(r))
		return false;
	*end = r->at;
	skip_blanks(r);
	return r->at == r->len || wrong(r, "more behind the end");
}

const char *
json_check(const char *text, size_t len, unsigned depth_max, size_t *at)
{
	struct reader r = { .text = text, .len = len, .depth_max = depth_max };

	if (!check_document(&r, at))
		*at = r.at;
	return r.fault;
}
