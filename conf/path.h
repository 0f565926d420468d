/*
 * Paths that the gate serves, and patterns of them.  Pure.
 *
 * A path is served in one spelling only: letters, digits and `._~-` between
 * single slashes, no %, no `.` or `..`.  A pattern may have `*` as the last
 * byte of a segment; it stands for any bytes of that segment (at least one
 * where it is the whole segment), never for a slash.
 */
#ifndef CONF_PATH_H
#define CONF_PATH_H

#include <stdbool.h>

bool conf_path_is_plain(const char *path);
bool conf_path_is_pattern(const char *path);

/* Byte for byte but for the `*`, which stands for plain bytes only. */
bool conf_path_matches(const char *pattern, const char *path);

#endif
