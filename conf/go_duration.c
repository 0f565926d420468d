#include "conf/go_duration.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/text.h"
#include "proxy/base/err.h"

#define NS_PER_MS INT64_C(1000000)

struct unit {
	const char *name;
	int64_t ns;
};

/* A name stands before those that begin like it. */
static const struct unit units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\xc2\xb5s", 1000 }, /* micro sign */
	{ "\xce\xbcs", 1000 }, /* Greek mu */
	{ "ms", NS_PER_MS },
	{ "s", 1000 * NS_PER_MS },
	{ "m", 60000 * NS_PER_MS },
	{ "h", 3600000 * NS_PER_MS },
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
		    "%s has no unit, and exporter-toolkit would take it as "
		    "nanoseconds: write %.18ss or %.18sms",
		    quoted, text, text);
	return err_set(err, ERR_INVALID,
	    "%s is not a duration as Go writes it: write it like 1s, 500ms or "
	    "1m30s",
	    quoted);
}

/* Reads "12" or "12.5" or ".5" in the unit that follows it; false: neither. */
static bool
read_part(const char **text, int64_t *ns)
{
	const char *p = *text;
	int64_t whole = 0;
	double fraction = 0, scale = 1;
	size_t i, digits = 0;

	for (; isdigit((unsigned char)*p); p++, digits++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, *p - '0', &whole))
			return false;
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++, digits++) {
			scale /= 10;
			fraction += (*p - '0') * scale;
		}
	for (i = 0; i < UNIT_COUNT; i++)
		if (strncmp(p, units[i].name, strlen(units[i].name)) == 0)
			break;
	if (digits == 0 || i == UNIT_COUNT ||
	    __builtin_mul_overflow(whole, units[i].ns, &whole) ||
	    __builtin_add_overflow(
		whole, (int64_t)(fraction * (double)units[i].ns + 0.5), ns))
		return false;
	*text = p + strlen(units[i].name);
	return true;
}

int
conf_go_duration_parse(const char *text, int64_t *ms, struct err *err)
{
	const char *p = text;
	int64_t total = 0, part;
	char quoted[CONF_QUOTED_SIZE];

	if (*p == '+' || *p == '-')
		p++;
	if (strcmp(p, "0") == 0) {
		*ms = 0;
		return 0;
	}
	if (*p == '\0')
		return refuse(text, err);
	while (*p != '\0')
		if (!read_part(&p, &part) ||
		    __builtin_add_overflow(total, part, &total))
			return refuse(text, err);
	if (text[0] == '-' && total != 0)
		return err_set(err, ERR_INVALID,
		    "%s is negative: write 0 to turn it off",
		    conf_quote(text, quoted));
	*ms = total / NS_PER_MS + (total % NS_PER_MS != 0);
	return 0;
}

const char *
conf_go_duration_text(int64_t ms, char out[CONF_GO_DURATION_SIZE])
{
	size_t len = 0, i;
	int64_t unit_ms;

	snprintf(out, CONF_GO_DURATION_SIZE, "0s");
	for (i = UNIT_COUNT; i-- > 0;) {
		unit_ms = units[i].ns / NS_PER_MS;
		if (unit_ms == 0 || ms < unit_ms)
			continue;
		len += (size_t)snprintf(out + len, CONF_GO_DURATION_SIZE - len,
		    "%lld%s", (long long)(ms / unit_ms), units[i].name);
		ms %= unit_ms;
	}
	return out;
}
