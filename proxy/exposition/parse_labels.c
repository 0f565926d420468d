#include <string.h>

#include "proxy/exposition/parse_parts.h"
#include "proxy/base/utf8.h"

static bool
refuse_token(struct parse *parse, enum reason reason, const char *expected,
    enum token got)
{
	parse_refuse_token(parse, reason, expected, got);
	return false;
}

static struct slice
less_quotes(struct slice token)
{
	token.bytes++;
	token.len -= 2;
	return token;
}

static unsigned
odd_value(struct slice value)
{
	const unsigned char *p = value.bytes, *end = p + value.len;
	unsigned oddities = 0;

	if (memchr(p, '\n', value.len) != NULL)
		oddities |= ODDITY_RAW_NEWLINE;
	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL && ++p < end) {
		if (*p != '\\' && *p != '"' && *p != 'n')
			oddities |= ODDITY_UNKNOWN_ESCAPE;
		p++;
	}
	return oddities;
}

static void
keep(struct parse *parse, struct slice name, struct slice value)
{
	struct label label = { name, value, false };

	parse_add_label(parse, &label);
	parse->oddities |= odd_value(value);
}

/* A quoted string that is no label name is the metric's. */
static bool
take_metric_name(
    struct parse *parse, struct slice name, bool is_exemplar, enum token after)
{
	if (is_exemplar)
		return refuse_token(parse, REASON_PARSE_LABEL_NAME,
		    "expected label name", after);
	if (parse->name.bytes != NULL) {
		parse_refuse_entry(parse, REASON_PARSE_NAME_TWICE, name,
		    "metric name already set");
		return false;
	}
	parse->name = less_quotes(name);
	return true;
}

static bool
take_value(struct parse *parse, struct slice name, bool is_exemplar)
{
	enum token token = parse_next(parse);
	struct slice value = parse_token(parse);

	if (token != TOKEN_LVALUE)
		return refuse_token(parse, REASON_PARSE_LABEL_VALUE,
		    "expected label value", token);
	if (!utf8_is_valid(value.bytes, value.len)) {
		words_add(&parse->said, "invalid UTF-8 label value: ");
		words_quote(&parse->said, value.bytes, value.len);
		parse_refuse(parse, REASON_PARSE_LABEL_UTF8, value);
		return false;
	}
	if (!is_exemplar)
		keep(parse, name, less_quotes(value));
	return true;
}

/* The next label's first token, in *token; commas as the format has them. */
static bool
take_comma(struct parse *parse, enum token *token)
{
	*token = parse_next(parse);
	if (*token == TOKEN_COMMA) {
		*token = parse_next(parse);
		/* A trailing comma is new in OpenMetrics. */
		if (*token == TOKEN_BCLOSE && parse->is_openmetrics &&
		    parse->version == PROMETHEUS_242)
			return refuse_token(parse, REASON_PARSE_LABEL_NAME,
			    "expected label name", *token);
		return true;
	}
	if (*token == TOKEN_BCLOSE)
		return true;
	if (parse->is_openmetrics)
		return refuse_token(parse, REASON_PARSE_LABEL_COMMA,
		    "expected comma or brace close", *token);
	parse->oddities |= ODDITY_MISSING_COMMA;
	return true;
}

static bool
take_label(struct parse *parse, bool is_exemplar, enum token *token)
{
	struct slice name = parse_token(parse);
	bool is_quoted = *token == TOKEN_QSTRING;

	if (*token != TOKEN_LNAME && !is_quoted)
		return refuse_token(parse, REASON_PARSE_LABEL_NAME,
		    "expected label name", *token);
	*token = parse_next(parse);
	if (is_quoted && (*token == TOKEN_COMMA || *token == TOKEN_BCLOSE)) {
		if (!take_metric_name(parse, name, is_exemplar, *token))
			return false;
		if (*token == TOKEN_COMMA)
			*token = parse_next(parse);
		return true;
	}
	if (*token != TOKEN_EQUAL) {
		/* From 2.51 to the first ones of 3 this is a metric's name. */
		parse->is_disputed =
		    parse->name.bytes == NULL && !is_exemplar &&
		    (*token == TOKEN_COMMA || *token == TOKEN_BCLOSE);
		return refuse_token(
		    parse, REASON_PARSE_LABEL_EQUAL, "expected equal", *token);
	}
	if (is_quoted)
		name = less_quotes(name);
	return take_value(parse, name, is_exemplar) && take_comma(parse, token);
}

bool
parse_labels(struct parse *parse, bool is_exemplar)
{
	enum token token = parse_next(parse);

	while (token != TOKEN_BCLOSE)
		if (!take_label(parse, is_exemplar, &token))
			return false;
	return true;
}
