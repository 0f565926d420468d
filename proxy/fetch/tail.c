#include "proxy/fetch/tail.h"

#include <string.h>
#include <strings.h>

void
tail_add(struct tail *tail, const char *bytes, size_t len)
{
	size_t keep = tail->len;

	tail->bytes += len;
	if (len >= TAIL_SIZE) {
		memcpy(tail->end, bytes + len - TAIL_SIZE, TAIL_SIZE);
		tail->len = TAIL_SIZE;
		return;
	}
	if (keep > TAIL_SIZE - len)
		keep = TAIL_SIZE - len;
	memmove(tail->end, tail->end + tail->len - keep, keep);
	memcpy(tail->end + keep, bytes, len);
	tail->len = keep + len;
}

/* The media type alone: parameters may follow. */
static bool
is_type(const char *content_type, const char *type)
{
	size_t len = strlen(type);

	return strncasecmp(content_type, type, len) == 0 &&
	       strchr(" \t;", content_type[len]) != NULL;
}

/* `end` as the last line: alone or behind a line feed. */
static bool
ends_with_line(const struct tail *tail, const char *end)
{
	size_t len = strlen(end);

	if (tail->len < len ||
	    memcmp(tail->end + tail->len - len, end, len) != 0)
		return false;
	return tail->len == len || tail->end[tail->len - len - 1] == '\n';
}

bool
tail_is_whole(const struct tail *tail, const char *content_type)
{
	if (tail->bytes == 0 ||
	    is_type(content_type, "application/vnd.google.protobuf"))
		return true;
	if (is_type(content_type, "application/openmetrics-text"))
		return ends_with_line(tail, "# EOF\n") ||
		       ends_with_line(tail, "# EOF");
	return tail->end[tail->len - 1] == '\n';
}
