#include "conf/multiple.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "conf/text.h"
#include "proxy/base/err.h"

#define DIGITS_MAX 6
#define PLACES_MAX 3

static int
refuse(const char *text, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE];

	return err_set(err, ERR_INVALID,
	    "%s is not a multiple: write it like 2x or 1.5x, or 0 to turn it "
	    "off",
	    conf_quote(text, quoted));
}

/* At least one digit and at most `max`; returns how many, 0 for none. */
static unsigned
read_digits(const char **p, unsigned max, unsigned *value)
{
	unsigned count = 0;

	for (*value = 0; isdigit((unsigned char)**p) && count < max; (*p)++) {
		*value = *value * 10 + (unsigned)(**p - '0');
		count++;
	}
	return count;
}

int
conf_multiple_parse(const char *text, unsigned *thousandths, struct err *err)
{
	const char *p = text;
	unsigned whole, fraction = 0, places;

	*thousandths = 0;
	if (strcmp(text, "0") == 0)
		return 0;
	if (read_digits(&p, DIGITS_MAX, &whole) == 0)
		return refuse(text, err);
	if (*p == '.') {
		p++;
		places = read_digits(&p, PLACES_MAX, &fraction);
		if (places == 0)
			return refuse(text, err);
		for (; places < PLACES_MAX; places++)
			fraction *= 10;
	}
	if (strcmp(p, "x") != 0)
		return refuse(text, err);
	*thousandths = whole * CONF_MULTIPLE_ONE + fraction;
	return 0;
}

const char *
conf_multiple_text(unsigned thousandths, char out[CONF_MULTIPLE_SIZE])
{
	unsigned whole = thousandths / CONF_MULTIPLE_ONE;
	unsigned fraction = thousandths % CONF_MULTIPLE_ONE;
	int places = PLACES_MAX;

	if (thousandths == 0) {
		snprintf(out, CONF_MULTIPLE_SIZE, "0");
	} else if (fraction == 0) {
		snprintf(out, CONF_MULTIPLE_SIZE, "%ux", whole);
	} else {
		for (; fraction % 10 == 0; places--)
			fraction /= 10;
		snprintf(out, CONF_MULTIPLE_SIZE, "%u.%0*ux", whole, places,
		    fraction);
	}
	return out;
}

int64_t
conf_multiple_of(unsigned thousandths, int64_t ms)
{
	int64_t product;

	if (__builtin_mul_overflow(ms, (int64_t)thousandths, &product))
		return INT64_MAX;
	return product / CONF_MULTIPLE_ONE;
}
