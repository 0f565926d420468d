#include "proxy/exposition/parse.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/exposition/parse_parts.h"
#include "proxy/base/utf8.h"

void
parse_init(struct parse *parse, enum prometheus version, bool is_openmetrics)
{
	struct label *labels = parse->labels;
	size_t room = parse->label_room;

	memset(parse, 0, offsetof(struct parse, said_text));
	parse->labels = labels;
	parse->label_room = room;
	parse->version = version;
	parse->is_openmetrics = is_openmetrics;
	parse->lexer.has_quoted_names = version == PROMETHEUS_3;
}

void
parse_fini(struct parse *parse)
{
	free(parse->labels);
	parse->labels = NULL;
	parse->label_room = 0;
}

void
parse_add_label(struct parse *parse, const struct label *label)
{
	if (parse->label_count == PARSE_LABELS_MAX) {
		parse->has_too_many = true;
		return;
	}
	if (parse->label_count == parse->label_room) {
		parse->label_room = parse->label_room * 2 + 16;
		if (parse->label_room > PARSE_LABELS_MAX)
			parse->label_room = PARSE_LABELS_MAX;
		parse->labels = xrealloc(
		    parse->labels, parse->label_room * sizeof(*parse->labels));
	}
	parse->labels[parse->label_count++] = *label;
}

struct slice
parse_rest(const struct parse *parse)
{
	struct slice rest = { .bytes = parse->lexer.bytes + parse->lexer.i };

	return rest;
}

struct slice
parse_token(const struct parse *parse)
{
	const struct lexer *lexer = &parse->lexer;
	struct slice token = { .bytes = lexer->bytes + lexer->start,
		.len = lexer->i - lexer->start };

	return token;
}

enum parse_end
parse_refuse(struct parse *parse, enum reason reason, struct slice offending)
{
	parse->reason = reason;
	parse->offending = offending;
	return PARSE_REFUSED;
}

enum parse_end
parse_refuse_plain(struct parse *parse, enum reason reason,
    struct slice offending, const char *said)
{
	words_add(&parse->said, said);
	return parse_refuse(parse, reason, offending);
}

enum parse_end
parse_refuse_token(struct parse *parse, enum reason reason,
    const char *expected, enum token got)
{
	const struct lexer *lexer = &parse->lexer;
	size_t end = lexer->i < lexer->len ? lexer->i + 1 : lexer->len;
	struct slice token = { .bytes = lexer->bytes + lexer->start,
		.len = end - lexer->start };

	words_add(&parse->said, expected);
	words_add(&parse->said, ", got ");
	words_quote(&parse->said, token.bytes, token.len);
	words_add(&parse->said, " (\"");
	words_add(&parse->said, token_name(got));
	words_add(&parse->said, "\") while parsing: ");
	words_quote(
	    &parse->said, lexer->bytes + parse->start, end - parse->start);
	if (got == TOKEN_EOF)
		token = parse_rest(parse);
	return parse_refuse(parse, reason, token);
}

enum parse_end
parse_refuse_entry(struct parse *parse, enum reason reason,
    struct slice offending, const char *said)
{
	const struct lexer *lexer = &parse->lexer;

	words_add(&parse->said, said);
	words_add(&parse->said, " while parsing: ");
	words_quote(
	    &parse->said, lexer->bytes + parse->start, lexer->i - parse->start);
	return parse_refuse(parse, reason, offending);
}

static void
say_number(struct parse *parse, enum number_end end, struct slice text)
{
	if (end == NUMBER_BAD_CHAR) {
		words_add(&parse->said, "unsupported character in float");
		return;
	}
	words_add(&parse->said, "strconv.ParseFloat: parsing ");
	words_quote(&parse->said, text.bytes, text.len);
	words_add(&parse->said,
	    end == NUMBER_RANGE ? ": value out of range" : ": invalid syntax");
}

bool
parse_float(
    struct parse *parse, struct slice text, bool is_timestamp, double *value)
{
	static const enum reason reasons[][2] = {
		[NUMBER_SYNTAX] = { REASON_PARSE_VALUE_NOT_NUMBER,
		    REASON_PARSE_TIMESTAMP_INVALID },
		[NUMBER_RANGE] = { REASON_PARSE_VALUE_OUT_OF_RANGE,
		    REASON_PARSE_TIMESTAMP_OUT_OF_RANGE },
		[NUMBER_BAD_CHAR] = { REASON_PARSE_VALUE_BAD_CHAR,
		    REASON_PARSE_TIMESTAMP_INVALID },
	};
	enum number_end end = number_parse_float(text.bytes, text.len, value);

	if (end == NUMBER_FINE)
		return true;
	say_number(parse, end, text);
	parse_refuse_entry(parse, reasons[end][is_timestamp], text, "");
	return false;
}

void
parse_take_name(struct parse *parse)
{
	parse->name = parse_token(parse);
	if (parse->name.len >= 2 && parse->name.bytes[0] == '"' &&
	    parse->name.bytes[parse->name.len - 1] == '"') {
		parse->name.bytes++;
		parse->name.len -= 2;
	}
}

bool
parse_type(struct slice text, bool is_openmetrics, enum metric_type *type)
{
	static const struct {
		char name[15]; /* not terminated */
		uint8_t len;
		enum metric_type type;
		bool is_text, is_openmetrics;
	} types[] = {
		{ "counter", 7, METRIC_COUNTER, true, true },
		{ "gauge", 5, METRIC_GAUGE, true, true },
		{ "histogram", 9, METRIC_HISTOGRAM, true, true },
		{ "summary", 7, METRIC_SUMMARY, true, true },
		{ "untyped", 7, METRIC_UNKNOWN, true, false },
		{ "unknown", 7, METRIC_UNKNOWN, false, true },
		{ "gaugehistogram", 14, METRIC_GAUGE_HISTOGRAM, false, true },
		{ "info", 4, METRIC_INFO, false, true },
		{ "stateset", 8, METRIC_STATESET, false, true },
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].len != text.len ||
		    types[i].name[0] != (char)text.bytes[0] ||
		    memcmp(types[i].name, text.bytes, text.len) != 0)
			continue;
		*type = types[i].type;
		return is_openmetrics ? types[i].is_openmetrics
				      : types[i].is_text;
	}
	return false;
}

static bool
check_unit(struct parse *parse)
{
	struct slice unit = parse->text, name = parse->name;

	if (unit.len == 0)
		return true;
	if (name.len > unit.len &&
	    memcmp(name.bytes + name.len - unit.len, unit.bytes, unit.len) ==
		0 &&
	    name.bytes[name.len - unit.len - 1] == '_')
		return true;
	words_add(&parse->said, "unit ");
	words_quote(&parse->said, unit.bytes, unit.len);
	words_add(&parse->said, " not a suffix of metric ");
	words_quote(&parse->said, name.bytes, name.len);
	parse_refuse(parse, REASON_OM_UNIT_MISMATCH, unit);
	return false;
}

bool
parse_check_metadata(struct parse *parse, enum token keyword)
{
	struct slice text = parse->text;

	if (keyword == TOKEN_UNIT)
		return check_unit(parse);
	if (keyword == TOKEN_TYPE) {
		if (parse_type(text, parse->is_openmetrics, &parse->type))
			return true;
		words_add(&parse->said, "invalid metric type ");
		words_quote(&parse->said, text.bytes, text.len);
		parse_refuse(parse, REASON_PARSE_TYPE_UNKNOWN, text);
		return false;
	}
	if (utf8_is_valid(text.bytes, text.len))
		return true;
	words_add(&parse->said, "help text ");
	words_quote(&parse->said, text.bytes, text.len);
	words_add(&parse->said, " is not a valid utf8 string");
	parse_refuse(parse, REASON_PARSE_HELP_UTF8, text);
	return false;
}

static void
begin(struct parse *parse, const unsigned char *bytes, size_t len)
{
	static const struct slice none;

	parse->lexer.bytes = bytes;
	parse->lexer.len = len;
	parse->lexer.i = parse->lexer.start = 0;
	parse->lexer.state = LEX_INIT;
	parse->lexer.is_dry = false;
	parse->start = 0;
	parse->name = parse->text = parse->value = none;
	parse->label_count = 0;
	parse->has_too_many = false;
	parse->has_timestamp = parse->has_exemplar = false;
	parse->is_stray = parse->is_disputed = false;
	parse->oddities = 0;
	words_init(&parse->said, parse->said_text, sizeof(parse->said_text));
}

enum parse_end
parse_entry(struct parse *parse, const unsigned char *bytes, size_t len,
    bool is_last, size_t *end)
{
	enum parse_end result;

	begin(parse, bytes, len);
	result = parse->is_openmetrics ? parse_openmetrics_entry(parse)
				       : parse_text_entry(parse);
	*end = parse->lexer.i;
	return parse->lexer.is_dry && !is_last ? PARSE_SHORT : result;
}
