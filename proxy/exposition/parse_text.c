/* The order of promparse.go's Next(). */
#include "proxy/exposition/parse_parts.h"

static enum parse_end
metadata(struct parse *parse, enum token keyword)
{
	enum token token = parse_next(parse);

	if (token != TOKEN_MNAME)
		return parse_refuse_token(parse, REASON_PARSE_METADATA_NAME,
		    keyword == TOKEN_HELP ? "expected metric name after HELP"
					  : "expected metric name after TYPE",
		    token);
	parse_take_name(parse);
	token = parse_next(parse);
	parse->text = parse_token(parse);
	if (token != TOKEN_TEXT) {
		words_add(&parse->said, "expected text in ");
		words_add(&parse->said, token_name(keyword));
		words_add(&parse->said, ", got ");
		return parse_refuse_plain(parse, REASON_PARSE_METADATA_TEXT,
		    parse->text, token_name(token));
	}
	if (parse->text.len > 0) {
		parse->text.bytes++;
		parse->text.len--;
	}
	if (!parse_check_metadata(parse, keyword))
		return PARSE_REFUSED;
	token = parse_next(parse);
	if (token != TOKEN_LINEBREAK)
		return parse_refuse_token(parse,
		    REASON_PARSE_METADATA_LINEBREAK,
		    "linebreak expected after metadata", token);
	return keyword == TOKEN_HELP ? PARSE_HELP : PARSE_TYPE;
}

static enum parse_end
comment(struct parse *parse)
{
	enum token token;

	parse->text = parse_token(parse);
	token = parse_next(parse);
	if (token != TOKEN_LINEBREAK)
		return parse_refuse_token(parse,
		    REASON_PARSE_METADATA_LINEBREAK,
		    "linebreak expected after comment", token);
	return PARSE_COMMENT;
}

static enum parse_end
timestamp(struct parse *parse)
{
	struct slice text = parse_token(parse);
	enum token token;

	parse->has_timestamp = true;
	if (number_parse_digits(text.bytes, text.len, &parse->timestamp_ms) !=
	    NUMBER_FINE) {
		words_add(&parse->said, "strconv.ParseInt: parsing ");
		words_quote(&parse->said, text.bytes, text.len);
		return parse_refuse_entry(parse,
		    REASON_PARSE_TIMESTAMP_OUT_OF_RANGE, text,
		    ": value out of range");
	}
	token = parse_next(parse);
	if (token != TOKEN_LINEBREAK)
		return parse_refuse_token(parse, REASON_PARSE_AFTER_TIMESTAMP,
		    "expected next entry after timestamp", token);
	return PARSE_SERIES;
}

static enum parse_end
suffix(struct parse *parse, enum token token)
{
	if (parse->name.bytes == NULL)
		return parse_refuse_entry(parse, REASON_PARSE_NAME_MISSING,
		    parse_token(parse), "metric name not set");
	if (token != TOKEN_VALUE)
		return parse_refuse_token(parse, REASON_PARSE_VALUE_MISSING,
		    "expected value after metric", token);
	parse->value = parse_token(parse);
	if (!parse_float(parse, parse->value, false, &parse->number))
		return PARSE_REFUSED;
	token = parse_next(parse);
	if (token == TOKEN_LINEBREAK)
		return PARSE_SERIES;
	if (token == TOKEN_TIMESTAMP)
		return timestamp(parse);
	return parse_refuse_token(parse, REASON_PARSE_TIMESTAMP_INVALID,
	    "expected timestamp or new record", token);
}

/* The name begins where the entry does: blanks before it are part of it. */
static enum parse_end
series(struct parse *parse)
{
	enum token token;

	parse->name.bytes = parse->lexer.bytes + parse->start;
	parse->name.len = parse->lexer.i - parse->start;
	if (parse->lexer.start > parse->start)
		parse->oddities |= ODDITY_LEADING_BLANK;
	token = parse_next(parse);
	if (token == TOKEN_BOPEN) {
		if (!parse_labels(parse, false))
			return PARSE_REFUSED;
		token = parse_next(parse);
	}
	return suffix(parse, token);
}

enum parse_end
parse_text_entry(struct parse *parse)
{
	enum token token = parse_next(parse);

	switch (token) {
	case TOKEN_EOF:
		return PARSE_FINISHED;
	case TOKEN_LINEBREAK:
		return PARSE_BLANK;
	case TOKEN_HELP:
	case TOKEN_TYPE:
		return metadata(parse, token);
	case TOKEN_COMMENT:
		return comment(parse);
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
