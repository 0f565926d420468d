/* The order of openmetricsparse.go's Next(). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proxy/exposition/parse_parts.h"

static enum parse_end
refuse_end(struct parse *parse)
{
	return parse_refuse_plain(parse, REASON_OM_MISSING_EOF,
	    parse_rest(parse), "data does not end with # EOF");
}

static enum parse_end
metadata(struct parse *parse, enum token keyword)
{
	char expected[40];
	enum token token = parse_next(parse);

	if (token != TOKEN_MNAME) {
		snprintf(expected, sizeof(expected),
		    "expected metric name after %s", token_name(keyword));
		return parse_refuse_token(
		    parse, REASON_PARSE_METADATA_NAME, expected, token);
	}
	parse_take_name(parse);
	token = parse_next(parse);
	parse->text = parse_token(parse);
	if (token != TOKEN_TEXT) {
		words_add(&parse->said, "expected text in ");
		return parse_refuse_plain(parse, REASON_PARSE_METADATA_TEXT,
		    parse->text, token_name(keyword));
	}
	/* A blank before it, a newline behind. */
	parse->text.bytes++;
	parse->text.len -= 2;
	if (!parse_check_metadata(parse, keyword))
		return PARSE_REFUSED;
	return keyword == TOKEN_HELP   ? PARSE_HELP
	       : keyword == TOKEN_TYPE ? PARSE_TYPE
				       : PARSE_UNIT;
}

/* The token less its blank. */
static struct slice
spaced(const struct parse *parse)
{
	struct slice token = parse_token(parse);

	token.bytes++;
	token.len--;
	return token;
}

static bool
value(
    struct parse *parse, enum token token, const char *expected, double *number)
{
	if (token != TOKEN_VALUE) {
		parse_refuse_token(
		    parse, REASON_PARSE_VALUE_MISSING, expected, token);
		return false;
	}
	return parse_float(parse, spaced(parse), false, number);
}

static bool
timestamp(
    struct parse *parse, enum reason reason, const char *said, double *seconds)
{
	struct slice text = spaced(parse);

	if (!parse_float(parse, text, true, seconds))
		return false;
	if (isfinite(*seconds))
		return true;
	words_add(&parse->said, said);
	parse_refuse_plain(parse, reason, text,
	    isnan(*seconds) ? "NaN"
	    : *seconds > 0  ? "+Inf"
			    : "-Inf");
	return false;
}

static bool
may_have_exemplar(const struct parse *parse)
{
	struct slice name = parse->name;

	if (parse->version == PROMETHEUS_3)
		return true;
	return (name.len >= 6 &&
		   memcmp(name.bytes + name.len - 6, "_total", 6) == 0) ||
	       (name.len >= 7 &&
		   memcmp(name.bytes + name.len - 7, "_bucket", 7) == 0);
}

static enum parse_end
exemplar_end(struct parse *parse)
{
	enum token token = parse_next(parse);
	double seconds;

	if (token == TOKEN_LINEBREAK)
		return PARSE_SERIES;
	if (token == TOKEN_EOF)
		return refuse_end(parse);
	if (token != TOKEN_TIMESTAMP)
		return parse_refuse_token(parse, REASON_PARSE_TIMESTAMP_INVALID,
		    "expected timestamp or comment", token);
	if (!timestamp(parse, REASON_OM_EXEMPLAR_TIMESTAMP,
		"invalid exemplar timestamp ", &seconds))
		return PARSE_REFUSED;
	token = parse_next(parse);
	if (token != TOKEN_LINEBREAK)
		return parse_refuse_token(parse, REASON_PARSE_AFTER_TIMESTAMP,
		    "expected next entry after exemplar timestamp", token);
	return PARSE_SERIES;
}

static enum parse_end
exemplar(struct parse *parse)
{
	double number;

	parse->has_exemplar = true;
	if (!may_have_exemplar(parse))
		return parse_refuse_plain(parse, REASON_OM_EXEMPLAR_NOT_ALLOWED,
		    parse_token(parse), "");
	if (!parse_labels(parse, true) ||
	    !value(parse, parse_next(parse),
		"expected value after exemplar labels", &number))
		return PARSE_REFUSED;
	return exemplar_end(parse);
}

static enum parse_end
after_timestamp(struct parse *parse)
{
	enum token token;
	double seconds;

	parse->has_timestamp = true;
	if (!timestamp(parse, REASON_OM_TIMESTAMP_INVALID, "invalid timestamp ",
		&seconds))
		return PARSE_REFUSED;
	parse->timestamp_ms = number_to_milliseconds(seconds);
	token = parse_next(parse);
	if (token == TOKEN_LINEBREAK)
		return PARSE_SERIES;
	if (token == TOKEN_COMMENT)
		return exemplar(parse);
	return parse_refuse_token(parse, REASON_PARSE_AFTER_TIMESTAMP,
	    "expected next entry after timestamp", token);
}

/*
 * Prometheus 3 says nothing about what is neither a timestamp nor an exemplar,
 * takes the series, and trips over the rest of the line as if an entry began
 * there.  2.42 says what it is.
 */
enum parse_end
parse_stray(struct parse *parse)
{
	enum token token;

	parse->start = parse->lexer.i;
	token = parse_next(parse);
	if (token == TOKEN_EOF && parse->version == PROMETHEUS_3)
		return refuse_end(parse);
	return parse_refuse_token(parse, REASON_PARSE_TIMESTAMP_INVALID,
	    "expected a valid start token", token);
}

static enum parse_end
suffix(struct parse *parse, enum token token)
{
	if (parse->name.bytes == NULL)
		return parse_refuse_entry(parse, REASON_PARSE_NAME_MISSING,
		    parse_token(parse), "metric name not set");
	if (!value(parse, token, "expected value after metric", &parse->number))
		return PARSE_REFUSED;
	parse->value = spaced(parse);
	switch (parse_next(parse)) {
	case TOKEN_EOF:
		return refuse_end(parse);
	case TOKEN_LINEBREAK:
		return PARSE_SERIES;
	case TOKEN_COMMENT:
		return exemplar(parse);
	case TOKEN_TIMESTAMP:
		return after_timestamp(parse);
	default:
		if (parse->version == PROMETHEUS_242)
			return parse_stray(parse);
		parse->is_stray = true;
		return PARSE_SERIES;
	}
}

static enum parse_end
series(struct parse *parse)
{
	enum token token;

	parse->name = parse_token(parse);
	token = parse_next(parse);
	if (token == TOKEN_BOPEN) {
		if (!parse_labels(parse, false))
			return PARSE_REFUSED;
		token = parse_next(parse);
	}
	return suffix(parse, token);
}

enum parse_end
parse_openmetrics_entry(struct parse *parse)
{
	enum token token = parse_next(parse);

	switch (token) {
	case TOKEN_EOFWORD:
		if (parse_next(parse) == TOKEN_EOF)
			return PARSE_FINISHED;
		return parse_refuse_plain(parse, REASON_OM_DATA_AFTER_EOF,
		    parse_token(parse), "unexpected data after # EOF");
	case TOKEN_EOF:
		return refuse_end(parse);
	case TOKEN_HELP:
	case TOKEN_TYPE:
	case TOKEN_UNIT:
		return metadata(parse, token);
	case TOKEN_BOPEN:
		if (!parse_labels(parse, false))
			return PARSE_REFUSED;
		return suffix(parse, parse_next(parse));
	case TOKEN_MNAME:
		return series(parse);
	default:
		return parse_refuse_token(parse, REASON_PARSE_START_TOKEN,
		    "expected a valid start token", token);
	}
}
