/*
 * Paths in rules and anonymous_paths: patterns as conf/path.h has them, against
 * the very bytes that are routed.
 *
 * Pure.
 */
#ifndef AUTH_PATTERN_H
#define AUTH_PATTERN_H

#include <stdbool.h>

struct conf_strings;

/* Does one of them match either?  `other_path` may be NULL. */
bool auth_paths_match(const struct conf_strings *patterns, const char *path,
    const char *other_path);

#endif
