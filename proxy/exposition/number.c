#include "proxy/exposition/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Digits that can decide how a decimal is rounded to a float64: 767.  What
 * comes behind them matters only in being zero or not.
 */
#define DIGITS_MAX 800
#define EXPONENT_MAX 1000000

struct decimal {
	bool is_negative;
	char digits[DIGITS_MAX + 2]; /* significant ones, terminated */
	size_t digit_count;
	long long exponent; /* of ten, behind the last digit */
	bool has_digit;
};

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(const unsigned char *bytes, size_t len, const char *word)
{
	return len == strlen(word) &&
	       strncasecmp((const char *)bytes, word, len) == 0;
}

static bool
parse_special(const unsigned char *bytes, size_t len, double *value)
{
	bool is_negative = len > 0 && bytes[0] == '-';
	bool has_sign = is_negative || (len > 0 && bytes[0] == '+');

	if (is_word(bytes, len, "nan")) {
		*value = NAN;
		return true;
	}
	bytes += has_sign;
	len -= has_sign;
	if (!is_word(bytes, len, "inf") && !is_word(bytes, len, "infinity"))
		return false;
	*value = is_negative ? -INFINITY : INFINITY;
	return true;
}

static void
add_digit(struct decimal *decimal, char digit, bool is_fraction)
{
	decimal->has_digit = true;
	if (is_fraction)
		decimal->exponent--;
	if (digit == '0' && decimal->digit_count == 0)
		return;
	if (decimal->digit_count < DIGITS_MAX) {
		decimal->digits[decimal->digit_count++] = digit;
		return;
	}
	decimal->exponent++;
	/* One sticky digit more stands for all the rest. */
	if (digit != '0')
		decimal->digits[DIGITS_MAX] = '1';
}

static size_t
take_mantissa(struct decimal *decimal, const unsigned char *bytes, size_t len)
{
	bool is_fraction = false;
	size_t i = 0;

	if (i < len && (bytes[i] == '+' || bytes[i] == '-'))
		decimal->is_negative = bytes[i++] == '-';
	for (; i < len; i++) {
		if (is_digit(bytes[i]))
			add_digit(decimal, (char)bytes[i], is_fraction);
		else if (bytes[i] == '.' && !is_fraction)
			is_fraction = true;
		else
			break;
	}
	return i;
}

/* From the e on; false if it is none. */
static bool
take_exponent(struct decimal *decimal, const unsigned char *bytes, size_t len)
{
	bool is_negative = false;
	long long exponent = 0;
	size_t i = 1;

	if (bytes[0] != 'e' && bytes[0] != 'E')
		return false;
	if (i < len && (bytes[i] == '+' || bytes[i] == '-'))
		is_negative = bytes[i++] == '-';
	if (i == len)
		return false;
	for (; i < len; i++) {
		if (!is_digit(bytes[i]))
			return false;
		if (exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (bytes[i] - '0');
	}
	decimal->exponent += is_negative ? -exponent : exponent;
	return true;
}

static enum number_end
to_float(struct decimal *decimal, double *value)
{
	char text[DIGITS_MAX + 32];

	if (decimal->digits[DIGITS_MAX] != '\0') {
		decimal->digit_count++;
		decimal->exponent--;
	}
	if (decimal->digit_count == 0)
		decimal->digits[decimal->digit_count++] = '0';
	snprintf(text, sizeof(text), "%s%.*se%lld",
	    decimal->is_negative ? "-" : "", (int)decimal->digit_count,
	    decimal->digits, decimal->exponent);
	*value = strtod(text, NULL);
	return isinf(*value) ? NUMBER_RANGE : NUMBER_FINE;
}

enum number_end
number_parse_float(const unsigned char *bytes, size_t len, double *value)
{
	struct decimal decimal = { .exponent = 0 };
	size_t i;

	*value = 0;
	for (i = 0; i < len; i++)
		if (bytes[i] == 'p' || bytes[i] == 'P' || bytes[i] == '_')
			return NUMBER_BAD_CHAR;
	if (parse_special(bytes, len, value))
		return NUMBER_FINE;
	i = take_mantissa(&decimal, bytes, len);
	if (!decimal.has_digit)
		return NUMBER_SYNTAX;
	if (i < len && !take_exponent(&decimal, bytes + i, len - i))
		return NUMBER_SYNTAX;
	return to_float(&decimal, value);
}

enum number_end
number_parse_digits(const unsigned char *bytes, size_t len, int64_t *value)
{
	size_t i;

	*value = 0;
	for (i = 0; i < len; i++) {
		int64_t digit = bytes[i] - '0';

		if (*value > (INT64_MAX - digit) / 10)
			return NUMBER_RANGE;
		*value = *value * 10 + digit;
	}
	return NUMBER_FINE;
}

int64_t
number_to_milliseconds(double seconds)
{
	double milliseconds = seconds * 1000;

	if (milliseconds >= -0x1p63 && milliseconds < 0x1p63)
		return (int64_t)milliseconds;
	return INT64_MIN;
}
