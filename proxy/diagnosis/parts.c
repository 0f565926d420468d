#include "proxy/diagnosis/parts.h"

#include <string.h>

#include "proxy/diagnosis/record.h"
#include "proxy/fetch/phases.h"

#define NO_PHASE PHASE_COUNT

static const enum phase layer_phases[LAYER_COUNT] = {
	[LAYER_NONE] = NO_PHASE,
	[LAYER_DNS] = PHASE_RESOLVE,
	[LAYER_TCP] = PHASE_CONNECT,
	[LAYER_TLS] = PHASE_TLS,
	[LAYER_AUTH] = PHASE_PROCESSING,
	[LAYER_HTTP] = PHASE_PROCESSING,
	[LAYER_TIMEOUT] = NO_PHASE,
	[LAYER_BODY] = PHASE_TRANSFER,
	[LAYER_LIMIT] = PHASE_TRANSFER,
	[LAYER_EXPOSITION] = PHASE_PARSE,
	[LAYER_GATE] = NO_PHASE,
};

/* Where the layer alone does not tell. */
static const struct {
	enum reason reason;
	enum phase phase;
} reason_phases[] = {
	{ REASON_TLS_LOCAL_FILES_UNREADABLE, PHASE_QUEUE },
	{ REASON_AUTH_CREDENTIALS_UNREADABLE, PHASE_QUEUE },
	{ REASON_HTTP_SERVER_SPEAKS_TLS, PHASE_PROCESSING },
	{ REASON_HTTP_CLOSED_IN_HEADERS, PHASE_TRANSFER },
	{ REASON_HTTP_HEADER_TOO_LARGE, PHASE_TRANSFER },
	{ REASON_TIMEOUT_DNS, PHASE_RESOLVE },
	{ REASON_TIMEOUT_CONNECT, PHASE_CONNECT },
	{ REASON_TIMEOUT_TLS, PHASE_TLS },
	{ REASON_TIMEOUT_HEADERS, PHASE_PROCESSING },
	{ REASON_TIMEOUT_BODY, PHASE_TRANSFER },
	{ REASON_BODY_GZIP_INVALID_HEADER, PHASE_PARSE },
	{ REASON_BODY_GZIP_CHECKSUM, PHASE_PARSE },
	{ REASON_BODY_GZIP_CORRUPT, PHASE_PARSE },
	{ REASON_BODY_GZIP_EMPTY, PHASE_PARSE },
	{ REASON_BODY_ENCODING_UNSUPPORTED, PHASE_PARSE },
	{ REASON_MEMORY_BUDGET_EXCEEDED, PHASE_TRANSFER },
};

static const char *const kinds[] = { "measured", "inferred", "unknown" };

const char *
parts_phase(enum reason reason)
{
	enum phase phase = layer_phases[reason_row(reason)->layer];
	size_t i;

	for (i = 0; i < sizeof(reason_phases) / sizeof(reason_phases[0]); i++)
		if (reason_phases[i].reason == reason)
			phase = reason_phases[i].phase;
	return phase == NO_PHASE ? "" : phase_name(phase);
}

const char *
parts_phase_of(const struct record *record)
{
	unsigned slow = record->finding->slow_phase;

	return slow > 0 ? phase_name((enum phase)(slow - 1))
			: parts_phase(record->finding->reason);
}

/* The length of "(KIND)" at `text`, with *kind set; 0 if there is none. */
static size_t
match_mark(const char *text, const char **kind)
{
	size_t i, len;

	if (*text != '(')
		return 0;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		len = strlen(kinds[i]);
		if (strncmp(text + 1, kinds[i], len) != 0 ||
		    text[1 + len] != ')')
			continue;
		*kind = kinds[i];
		return len + 2;
	}
	return 0;
}

/*
 * Whether a piece ends behind a mark: at a line's end, a full stop before it,
 * or "; ".  The exporter's own words may look like a mark in their midst.
 */
static bool
is_end(const char *text)
{
	if (*text == '.')
		text++;
	return *text == '\0' || *text == '\n' || strncmp(text, "; ", 2) == 0;
}

bool
parts_next(const char **cursor, struct part *part)
{
	const char *at;
	size_t mark = 0;

	*cursor += strspn(*cursor, "\n; ");
	if (**cursor == '\0')
		return false;
	part->text = *cursor;
	part->kind = "unknown";
	for (at = *cursor; *at != '\0' && *at != '\n'; at++) {
		mark = match_mark(at, &part->kind);
		if (mark > 0 && is_end(at + mark))
			break;
		mark = 0;
		part->kind = "unknown";
	}
	part->len = (size_t)(at - part->text);
	while (part->len > 0 && part->text[part->len - 1] == ' ')
		part->len--;
	*cursor = at + mark;
	*cursor += **cursor == '.';
	return true;
}

void
parts_unmark(char *text)
{
	const char *kind;
	size_t mark;

	for (; *text != '\0'; text++) {
		mark = match_mark(text, &kind);
		if (mark == 0)
			continue;
		text[0] = '[';
		text[mark - 1] = ']';
	}
}
