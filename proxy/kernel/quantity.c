#include "proxy/kernel/quantity.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2^63 thousandths are 8192 Ti, more than any machine has. */
#define THOUSANDTHS_MAX 9.2e18

static const struct {
	const char *text;
	double factor;
} suffixes[] = {
	{ "", 1 },
	{ "m", 1e-3 },
	{ "k", 1e3 },
	{ "M", 1e6 },
	{ "G", 1e9 },
	{ "T", 1e12 },
	{ "P", 1e15 },
	{ "Ki", 1024.0 },
	{ "Mi", 1048576.0 },
	{ "Gi", 1073741824.0 },
	{ "Ti", 1099511627776.0 },
	{ "Pi", 1125899906842624.0 },
};

/* Rounded up; a hair more than a whole number is that number. */
static uint64_t
round_up(double value)
{
	uint64_t whole = (uint64_t)value;

	return value - (double)whole > 1e-6 ? whole + 1 : whole;
}

bool
quantity_parse(const char *text, uint64_t *thousandths)
{
	double value;
	size_t i;
	char *end;

	/* No sign, no hexadecimal, no "nan": strtod(3) takes them all. */
	if (!isdigit((unsigned char)text[0]) ||
	    (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')))
		return false;
	value = strtod(text, &end);
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(end, suffixes[i].text) != 0)
			continue;
		value *= suffixes[i].factor * 1000;
		if (!(value >= 0 && value < THOUSANDTHS_MAX))
			return false;
		*thousandths = round_up(value);
		return true;
	}
	return false;
}

const char *
quantity_cpu(char out[QUANTITY_SIZE], uint64_t millis)
{
	if (millis % 1000 == 0 && millis > 0)
		snprintf(out, QUANTITY_SIZE, "%" PRIu64, millis / 1000);
	else
		snprintf(out, QUANTITY_SIZE, "%" PRIu64 "m", millis);
	return out;
}

const char *
quantity_bytes(char out[QUANTITY_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti" };
	double value = (double)bytes;
	size_t unit = 0;

	/* Whole units as far as they divide, so limits read as written. */
	while (
	    unit < 4 && value >= 1024 &&
	    (value >= 10240 || bytes % ((uint64_t)1024 << (10 * unit)) == 0)) {
		value /= 1024;
		unit++;
	}
	if (value == (double)(uint64_t)value)
		snprintf(out, QUANTITY_SIZE, "%.0f%s", value, units[unit]);
	else
		snprintf(out, QUANTITY_SIZE, "%.1f%s", value, units[unit]);
	return out;
}
