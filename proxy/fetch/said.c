#include "proxy/fetch/said.h"

#include <string.h>
#include <strings.h>

#define MASK " <masked>"

/* Headers whose value is a secret, and parts of names that say so. */
static const char *const secret_names[] = { "Set-Cookie", "Set-Cookie2",
	"Cookie", "Authorization", "Proxy-Authorization",
	"Authentication-Info" };
static const char *const secret_parts[] = { "token", "secret", "password",
	"api-key", "apikey", "session", "csrf", "xsrf" };

void
said_reset(struct said *said)
{
	said->len = said->head_len = 0;
	said->is_cut = said->is_inflated = false;
}

static void
add(struct said *said, const char *bytes, size_t len)
{
	size_t room = sizeof(said->bytes) - said->len;

	if (len > room) {
		said->is_cut = true;
		len = room;
	}
	memcpy(said->bytes + said->len, bytes, len);
	said->len += len;
}

static bool
has_part(const char *name, size_t len, const char *part)
{
	size_t part_len = strlen(part), i;

	/* Of every header of every scrape: first one look at one letter. */
	for (i = 0; i + part_len <= len; i++)
		if ((name[i] | 0x20) == part[0] &&
		    strncasecmp(name + i, part, part_len) == 0)
			return true;
	return false;
}

static bool
is_secret_name(const char *name, size_t len)
{
	size_t i;

	while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\t'))
		len--;
	for (i = 0; i < sizeof(secret_names) / sizeof(secret_names[0]); i++)
		if (strlen(secret_names[i]) == len &&
		    strncasecmp(name, secret_names[i], len) == 0)
			return true;
	for (i = 0; i < sizeof(secret_parts) / sizeof(secret_parts[0]); i++)
		if (has_part(name, len, secret_parts[i]))
			return true;
	return false;
}

void
said_head(struct said *said, const char *line, size_t len)
{
	add(said, line, len);
	said->head_len = said->len;
}

void
said_body(struct said *said, const char *bytes, size_t len)
{
	if (!said->is_inflated)
		add(said, bytes, len);
}

void
said_inflated(struct said *said, const char *text, size_t len)
{
	if (!said->is_inflated) {
		said->is_inflated = true;
		said->is_cut = said->len == sizeof(said->bytes) &&
			       said->head_len == said->len;
		said->len = said->head_len;
	}
	add(said, text, len);
}

static size_t
line_end_len(const char *line, size_t len)
{
	if (len == 0 || line[len - 1] != '\n')
		return 0;
	return len > 1 && line[len - 2] == '\r' ? 2 : 1;
}

/*
 * How much of the line may be shown.  A Location may carry a ticket in its
 * query, as single sign-on has it.  A continued line goes with the one before,
 * which was as secret as `is_secret` says.
 */
static size_t
open_len(const char *line, size_t len, bool *is_secret)
{
	static const char location[] = "Location";
	const char *colon = memchr(line, ':', len), *query;
	size_t name_len;

	if (len > 0 && (*line == ' ' || *line == '\t'))
		return *is_secret ? 0 : len;
	*is_secret = false;
	if (colon == NULL)
		return len;
	name_len = (size_t)(colon - line);
	if (is_secret_name(line, name_len)) {
		*is_secret = true;
		return name_len + 1;
	}
	query = memchr(line, '?', len);
	if (query != NULL && name_len == strlen(location) &&
	    strncasecmp(line, location, name_len) == 0)
		return (size_t)(query - line) + 1;
	return len;
}

static void
mask_line(struct said *masked, const char *line, size_t len, bool *is_secret)
{
	size_t end_len = line_end_len(line, len);
	size_t text_len = len - end_len;
	size_t shown = open_len(line, text_len, is_secret);

	add(masked, line, shown);
	if (shown < text_len)
		add(masked, MASK, strlen(MASK));
	add(masked, line + text_len, end_len);
}

void
said_mask(const struct said *said, struct said *masked)
{
	const char *line = said->bytes, *end = line + said->head_len, *next;
	bool is_secret = false;

	said_reset(masked);
	for (; line < end; line = next) {
		next = memchr(line, '\n', (size_t)(end - line));
		next = next == NULL ? end : next + 1;
		mask_line(masked, line, (size_t)(next - line), &is_secret);
	}
	masked->head_len = masked->len;
	add(masked, end, said->len - said->head_len);
	masked->is_cut |= said->is_cut;
	masked->is_inflated = said->is_inflated;
}
