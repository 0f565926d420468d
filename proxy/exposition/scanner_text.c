/* The text formats, entry by entry: the fast path, and the one for the rest. */
#include <string.h>

#include "proxy/base/escape.h"
#include "proxy/exposition/fingerprint.h"
#include "proxy/exposition/scanner_parts.h"

/* Of a piece; more than most lines. */
#define TAIL_MAX 512

static uint64_t
count_newlines(const unsigned char *bytes, size_t len)
{
	const unsigned char *end = bytes + len, *found;
	uint64_t count = 0;

	while ((found = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		count++;
		bytes = found + 1;
	}
	return count;
}

static void
refuse_entry(struct scanner *scanner, int reader, const unsigned char *bytes)
{
	struct parse *parse = &scanner->parses[reader];
	struct scanner_verdict *verdict = scanner_verdict_of(scanner, reader);
	size_t at = (size_t)(parse->offending.bytes - bytes);
	const unsigned char *newline = memrchr(bytes, '\n', at);
	uint64_t line = scanner->learn.line + count_newlines(bytes, at);
	size_t column =
	    newline == NULL ? at : (size_t)(bytes + at - newline - 1);

	scanner->is_disputed |= parse->is_disputed;
	scanner_refuse(scanner, reader, parse->reason, line, column + 1);
	escape_quoted(verdict->offending, sizeof(verdict->offending),
	    (const char *)parse->offending.bytes, parse->offending.len);
	if (reader == PROMETHEUS_3)
		memcpy(verdict->said, parse->said_text, parse->said.len + 1);
}

static void
warn(struct scanner *scanner, enum warning warning, struct slice name)
{
	warnings_add(scanner->learn.warnings, warning, scanner->learn.line,
	    name.bytes, name.len);
}

static void
learn_oddities(struct scanner *scanner, const struct parse *parse)
{
	static const struct {
		enum oddity oddity;
		enum warning warning;
	} odd[] = {
		{ ODDITY_LEADING_BLANK, WARNING_LEADING_BLANK },
		{ ODDITY_MISSING_COMMA, WARNING_MISSING_COMMA },
		{ ODDITY_RAW_NEWLINE, WARNING_RAW_NEWLINE },
		{ ODDITY_UNKNOWN_ESCAPE, WARNING_UNKNOWN_ESCAPE },
	};
	size_t i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if ((parse->oddities & odd[i].oddity) != 0)
			warn(scanner, odd[i].warning, parse->name);
}

/* What stood between the braces, if it was one plain label or none. */
static struct slice
plain_label(const struct parse *parse)
{
	struct slice text = { parse->name.bytes, 0 };
	const struct label *label;
	size_t i;

	for (i = 0; i < parse->label_count; i++) {
		label = &parse->labels[i];
		if (label->value.bytes == parse->name.bytes)
			continue;
		text.bytes = label->name.bytes;
		text.len = (size_t)(label->value.bytes - text.bytes) +
			   label->value.len + 1;
	}
	return text;
}

static void
learn_entry(struct scanner *scanner, const struct parse *parse,
    enum parse_end end, size_t bytes)
{
	struct learn *learn = &scanner->learn;
	uint64_t fingerprint;

	if (end == PARSE_COMMENT && parse->text.len == 5 &&
	    memcmp(parse->text.bytes, "# EOF", 5) == 0)
		scanner->has_eof_comment = true;
	if (end == PARSE_HELP || end == PARSE_TYPE || end == PARSE_UNIT)
		learn_metadata(
		    learn, end, parse->name.bytes, parse->name.len, bytes);
	if (end != PARSE_SERIES)
		return;
	learn_oddities(scanner, parse);
	learn_name(learn, parse->name.bytes, parse->name.len);
	learn_sample(learn, bytes);
	learn->facts.exemplars += parse->has_exemplar;
	fingerprint = labelset_fingerprint(parse, learn->seed);
	if (parse->has_timestamp)
		learn_timed_series(learn, fingerprint, parse->timestamp_ms);
	else
		learn_series(learn, fingerprint);
	if (learn->known >= 0 && parse->label_count <= 2) {
		struct slice label = plain_label(parse);

		learn_value(learn, label.bytes, label.len, parse->number);
	}
	/* A name that may hold anything is none for the fast path. */
	learn->name_len = 0;
}

/* The text format takes "# EOF" for a comment, so data may follow it. */
static void
note_data(struct scanner *scanner, const struct parse *parse)
{
	if (scanner->has_eof_comment && !parse->is_openmetrics)
		warn(scanner, WARNING_EOF_INSIDE, parse->name);
	scanner->has_eof_comment = false;
}

static void
finish_body(struct scanner *scanner, const struct parse *parse, bool is_end)
{
	static const struct slice none;

	scanner->is_over = true;
	if (parse->is_openmetrics)
		return;
	scanner->has_read_all = is_end;
	if (!is_end)
		warn(scanner, WARNING_NUL, none);
}

/* One reader's view of an entry, and its checks of a series. */
static enum parse_end
read_entry(struct scanner *scanner, int reader, const unsigned char *bytes,
    size_t len, bool is_last, size_t *end)
{
	struct parse *parse = &scanner->parses[reader];
	enum parse_end result = parse_entry(parse, bytes, len, is_last, end);

	if (result != PARSE_SERIES)
		return result;
	if (!labelset_check(parse, &scanner->options.limits,
		scanner_drops(scanner, reader, parse)))
		return PARSE_REFUSED;
	if (!parse->is_stray)
		return result;
	result = parse_stray(parse);
	*end = parse->lexer.i;
	return parse->lexer.is_dry && !is_last ? PARSE_SHORT : result;
}

/* False: the entry is not whole yet.  *end is behind it. */
static bool
take_entry(struct scanner *scanner, const unsigned char *bytes, size_t len,
    bool is_last, size_t *end)
{
	enum parse_end results[READER_COUNT], result = PARSE_REFUSED;
	const struct parse *parse = NULL;
	size_t ends[READER_COUNT] = { 0 };
	int i;

	for (i = 0; i < READER_COUNT; i++) {
		results[i] = PARSE_REFUSED;
		if (!scanner->is_reading[i])
			continue;
		results[i] =
		    read_entry(scanner, i, bytes, len, is_last, &ends[i]);
		if (ends[i] > PARSE_ENTRY_MAX ||
		    scanner->parses[i].has_too_many) {
			scanner_give_up(scanner);
			return true;
		}
		if (results[i] == PARSE_SHORT)
			return false;
	}
	for (i = READER_COUNT - 1; i >= 0; i--) {
		if (!scanner->is_reading[i])
			continue;
		if (results[i] == PARSE_REFUSED) {
			refuse_entry(scanner, i, bytes);
			continue;
		}
		result = results[i];
		parse = &scanner->parses[i];
		*end = ends[i];
	}
	if (parse == NULL)
		return true;
	if (result == PARSE_FINISHED)
		finish_body(scanner, parse, is_last && *end == len);
	else if (result == PARSE_SERIES)
		note_data(scanner, parse);
	learn_entry(scanner, parse, result, *end);
	scanner->learn.line += count_newlines(bytes, *end);
	return true;
}

size_t
scanner_read_text(struct scanner *scanner, const unsigned char *bytes,
    size_t len, size_t slack, bool is_last)
{
	size_t at = 0, end;
	bool may_be_fast;

	while (!scanner->is_over && (at < len || is_last)) {
		/* After "# EOF" the next sample is looked at. */
		may_be_fast =
		    !scanner->has_eof_comment && !scanner->options.is_careful;
		if (may_be_fast)
			at += fast_lines(
			    &scanner->fast, bytes + at, len - at, slack);
		if (at == len && !is_last)
			break;
		/*
		 * So near to the end it may have stopped because it reads whole
		 * blocks, or half a line; it goes on with the next piece.
		 */
		if (may_be_fast && slack < FAST_SLACK && len - at < TAIL_MAX)
			break;
		end = 0;
		if (!take_entry(scanner, bytes + at, len - at, is_last, &end))
			break;
		if (!scanner_has_reader(scanner))
			scanner->is_over = true;
		at += end;
	}
	return at;
}
