#include "conf/pattern.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

#define PATTERN_MAX_BYTES 256
#define REPEAT_MAX 1000

/*
 * regcomp() writes a repetition {n,m} out, and nested ones multiply: a short
 * pattern could ask for gigabytes.  Bounds the product of all of them.
 */
static int
check_repeats(const char *pattern, struct err *err)
{
	unsigned long product = 1, times;
	const char *p = pattern;
	char *end;

	while ((p = strchr(p, '{')) != NULL) {
		for (p++; *p != '\0' && *p != '}'; p = end) {
			times = strtoul(p, &end, 10);
			if (times > REPEAT_MAX)
				product = REPEAT_MAX + 1UL;
			else if (times > 1)
				product *= times;
			if (product > REPEAT_MAX)
				return err_set(err, ERR_INVALID,
				    "repeats too much: all {n,m} together may "
				    "come to %d",
				    REPEAT_MAX);
			if (end == p)
				end++;
		}
	}
	return 0;
}

/* The byte after a bracket expression that begins at `p`. */
static const char *
skip_bracket(const char *p)
{
	const char *close;

	p += p[1] == '^' ? 2 : 1;
	/* A ']' in the first place stands for itself. */
	if (*p == ']')
		p++;
	while (*p != '\0' && *p != ']') {
		close = NULL;
		if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '='))
			close = strchr(p + 2, ']');
		p = close != NULL ? close + 1 : p + 1;
	}
	return *p == ']' ? p + 1 : p;
}

/*
 * The pattern is matched as "^(PATTERN)$".  glibc takes a ")" without its "("
 * as it is, so "a)|(b" would compile and match more than the whole value.
 */
static int
check_parentheses(const char *p, struct err *err)
{
	int depth = 0;

	while (*p != '\0' && depth >= 0) {
		if (*p == '[') {
			p = skip_bracket(p);
			continue;
		}
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')')
			depth--;
		p++;
	}
	if (depth < 0)
		return err_set(err, ERR_INVALID,
		    "is not a regex: a \")\" without its \"(\"");
	return 0;
}

int
conf_pattern_check(const char *pattern, struct err *err)
{
	regex_t regex;
	char reason[128];
	char *whole;
	int code;

	if (strlen(pattern) > PATTERN_MAX_BYTES)
		return err_set(err, ERR_INVALID,
		    "is a regex longer than %d bytes", PATTERN_MAX_BYTES);
	if (check_repeats(pattern, err) == -1 ||
	    check_parentheses(pattern, err) == -1)
		return -1;
	whole = xasprintf("^(%s)$", pattern);
	code = regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB);
	free(whole);
	if (code != 0) {
		regerror(code, &regex, reason, sizeof(reason));
		return err_set(err, ERR_INVALID, "is not a regex: %s", reason);
	}
	regfree(&regex);
	return 0;
}
