#include "conf/path.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define PATH_MAX_BYTES 1024

static size_t
plain_len(const char *segment)
{
	size_t len = 0;

	while (isalnum((unsigned char)segment[len]) ||
	       (segment[len] != '\0' && strchr("._~-", segment[len]) != NULL))
		len++;
	return len;
}

/* The end of a segment that is fine, or NULL. */
static const char *
skip_segment(const char *segment, bool may_star)
{
	size_t len = plain_len(segment);

	if (may_star && segment[len] == '*')
		return segment + len + 1;
	if (len == 0 || (len == 1 && segment[0] == '.') ||
	    (len == 2 && memcmp(segment, "..", 2) == 0))
		return NULL;
	return segment + len;
}

static bool
is_path(const char *path, bool may_star)
{
	const char *p = path;

	while (p != NULL && *p == '/')
		p = skip_segment(p + 1, may_star);
	return p != NULL && p > path && *p == '\0' &&
	       p - path <= PATH_MAX_BYTES;
}

bool
conf_path_is_plain(const char *path)
{
	return is_path(path, false);
}

bool
conf_path_is_pattern(const char *path)
{
	return is_path(path, true);
}

/*
 * Only plain paths are routed, so the bytes that a `*` stands for are plain;
 * where they are not, somebody asks for another path than it looks.
 */
static bool
segment_matches(
    const char *pattern, size_t pattern_len, const char *segment, size_t len)
{
	if (pattern_len == 0 || pattern[pattern_len - 1] != '*')
		return len == pattern_len && memcmp(pattern, segment, len) == 0;
	pattern_len--;
	return len >= pattern_len &&
	       memcmp(pattern, segment, pattern_len) == 0 &&
	       skip_segment(segment, false) == segment + len;
}

bool
conf_path_matches(const char *pattern, const char *path)
{
	size_t pattern_len, len;

	for (;;) {
		pattern_len = strcspn(pattern, "/");
		len = strcspn(path, "/");
		if (!segment_matches(pattern, pattern_len, path, len))
			return false;
		pattern += pattern_len;
		path += len;
		if (*pattern == '\0' || *path == '\0')
			return *pattern == *path;
		pattern++;
		path++;
	}
}
