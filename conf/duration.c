#include "conf/duration.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/text.h"
#include "proxy/base/err.h"

struct unit {
	const char *name;
	int64_t ms;
};

static const struct unit units[] = {
	{ "y", INT64_C(365) * 24 * 3600 * 1000 },
	{ "w", INT64_C(7) * 24 * 3600 * 1000 },
	{ "d", INT64_C(24) * 3600 * 1000 },
	{ "h", INT64_C(3600) * 1000 },
	{ "m", INT64_C(60) * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

static int
refuse(const char *text, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE];
	size_t digits = strspn(text, "0123456789");

	conf_quote(text, quoted);
	if (digits > 0 && text[digits] == '\0')
		return err_set(err, ERR_INVALID,
		    "%s has no unit: write %.18ss or %.18sms", quoted, text,
		    text);
	return err_set(err, ERR_INVALID,
	    "%s is not a duration: write it like 30s, 500ms or 1h30m", quoted);
}

/* Index of the unit that `text` begins with, UNIT_COUNT if none. */
static size_t
find_unit(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < UNIT_COUNT; i++)
		if (strlen(units[i].name) == len &&
		    memcmp(units[i].name, text, len) == 0)
			break;
	return i;
}

int
conf_duration_parse(const char *text, int64_t *ms, struct err *err)
{
	const char *p = text;
	int64_t total = 0, number;
	size_t next = 0, unit, len;

	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return 0;
	}
	if (*p == '\0')
		return refuse(text, err);
	while (*p != '\0') {
		if (!isdigit((unsigned char)*p))
			return refuse(text, err);
		for (number = 0; isdigit((unsigned char)*p); p++)
			if (__builtin_mul_overflow(number, 10, &number) ||
			    __builtin_add_overflow(number, *p - '0', &number))
				return refuse(text, err);
		for (len = 0; isalpha((unsigned char)p[len]);)
			len++;
		unit = find_unit(p, len);
		if (unit < next || unit == UNIT_COUNT)
			return refuse(text, err);
		if (__builtin_mul_overflow(number, units[unit].ms, &number) ||
		    __builtin_add_overflow(total, number, &total))
			return refuse(text, err);
		next = unit + 1;
		p += len;
	}
	*ms = total;
	return 0;
}

const char *
conf_duration_text(int64_t ms, char out[CONF_DURATION_SIZE])
{
	size_t len = 0, i;

	snprintf(out, CONF_DURATION_SIZE, "0s");
	/* Years and weeks are read but not written: "90d" is plainer. */
	for (i = 2; i < UNIT_COUNT; i++) {
		if (ms < units[i].ms)
			continue;
		len += (size_t)snprintf(out + len, CONF_DURATION_SIZE - len,
		    "%lld%s", (long long)(ms / units[i].ms), units[i].name);
		ms %= units[i].ms;
	}
	return out;
}
