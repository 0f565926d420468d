/*
 * The regexes of query.values: POSIX extended, the whole value must match.
 */
#ifndef CONF_PATTERN_H
#define CONF_PATTERN_H

struct err;

/* Does it compile, at a bounded cost? */
int conf_pattern_check(const char *pattern, struct err *err);

#endif
