#include "conf/size.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/text.h"
#include "proxy/base/err.h"

static const char prefixes[] = "KMGTPE";

static int
refuse(const char *text, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE];

	return err_set(err, ERR_INVALID,
	    "%s is not a size: write it like 8MB (1 MB = 2^20 bytes), 512KB "
	    "or a number of bytes",
	    conf_quote(text, quoted));
}

/* Reads a unit; -1 if there is none. */
static int
read_unit(const char **p, uint64_t *unit)
{
	const char *prefix;

	*unit = 1;
	if (**p != '\0' && (prefix = strchr(prefixes, **p)) != NULL) {
		*unit = UINT64_C(1) << (10 * (prefix - prefixes + 1));
		(*p)++;
		if (**p == 'i')
			(*p)++;
	}
	if (**p != 'B')
		return -1;
	(*p)++;
	return 0;
}

/*
 * Digits after the point of "1.5GB", as a numerator and its denominator.  Six
 * are exact enough for a size, and cannot overflow below 2^44.
 */
static int
read_fraction(const char **p, uint64_t *numerator, uint64_t *denominator)
{
	*numerator = 0;
	*denominator = 1;
	if (**p != '.')
		return 0;
	for ((*p)++; isdigit((unsigned char)**p); (*p)++) {
		if (*denominator >= 1000000)
			return -1;
		*numerator = *numerator * 10 + (uint64_t)(**p - '0');
		*denominator *= 10;
	}
	return 0;
}

/* One "1.5GB" of a size; a plain number only if it is all there is. */
static int
read_part(const char **p, bool is_first, uint64_t *bytes)
{
	uint64_t number, numerator, denominator, unit, fraction;

	if (!isdigit((unsigned char)**p))
		return -1;
	for (number = 0; isdigit((unsigned char)**p); (*p)++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(
			number, (unsigned)(**p - '0'), &number))
			return -1;
	if (is_first && **p == '\0') {
		*bytes = number;
		return 0;
	}
	if (read_fraction(p, &numerator, &denominator) == -1 ||
	    read_unit(p, &unit) == -1)
		return -1;
	if (__builtin_mul_overflow(number, unit, &number) ||
	    __builtin_mul_overflow(numerator, unit, &fraction) ||
	    __builtin_add_overflow(number, fraction / denominator, bytes))
		return -1;
	return 0;
}

int
conf_size_parse(const char *text, uint64_t *bytes, struct err *err)
{
	const char *p = text;
	uint64_t total = 0, part;

	do {
		if (read_part(&p, p == text, &part) == -1 ||
		    __builtin_add_overflow(total, part, &total))
			return refuse(text, err);
	} while (*p != '\0');
	*bytes = total;
	return 0;
}

const char *
conf_size_text(uint64_t bytes, char out[CONF_SIZE_SIZE])
{
	size_t power = 0;

	while (
	    bytes != 0 && bytes % 1024 == 0 && power < sizeof(prefixes) - 1) {
		bytes /= 1024;
		power++;
	}
	if (power == 0)
		snprintf(
		    out, CONF_SIZE_SIZE, "%llu", (unsigned long long)bytes);
	else
		snprintf(out, CONF_SIZE_SIZE, "%llu%cB",
		    (unsigned long long)bytes, prefixes[power - 1]);
	return out;
}
