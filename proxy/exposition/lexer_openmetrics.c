/* openmetricslex.l, rule by rule. */
#include "proxy/exposition/lexer_parts.h"

/* One blank, then all up to the next blank or newline. */
static enum token
spaced(struct lexer *lexer, unsigned char c, enum lex_state state,
    enum token token)
{
	if (c != ' ' || lex_is(lex_advance(lexer), CLASS_VALUE_END))
		return TOKEN_INVALID;
	while (!lex_is(lex_current(lexer), CLASS_VALUE_END))
		lex_advance(lexer);
	return lex_to(lexer, state, token);
}

static enum token
keyword(struct lexer *lexer, const char *rest, enum token token)
{
	if (!lex_word(lexer, rest))
		return TOKEN_INVALID;
	return lex_take(lexer, LEX_META1, token);
}

static enum token
eof_word(struct lexer *lexer)
{
	if (!lex_word(lexer, "OF"))
		return TOKEN_INVALID;
	if (lex_advance(lexer) == '\n')
		lex_advance(lexer);
	return lex_to(lexer, LEX_INIT, TOKEN_EOFWORD);
}

static enum token
in_comment(struct lexer *lexer, unsigned char c)
{
	switch (c) {
	case 'H':
		return keyword(lexer, "ELP ", TOKEN_HELP);
	case 'T':
		return keyword(lexer, "YPE ", TOKEN_TYPE);
	case 'U':
		return keyword(lexer, "NIT ", TOKEN_UNIT);
	case 'E':
		return eof_word(lexer);
	default:
		return TOKEN_INVALID;
	}
}

static enum token
in_init(struct lexer *lexer, unsigned char c)
{
	if (c == '{' && lexer->has_quoted_names)
		return lex_take(lexer, LEX_LABELS, TOKEN_BOPEN);
	if (c != '#')
		return lex_name(lexer, c, true, LEX_VALUE, TOKEN_MNAME);
	if (lex_advance(lexer) != ' ')
		return TOKEN_INVALID;
	c = lex_advance(lexer);
	lexer->state = LEX_COMMENT;
	return in_comment(lexer, c);
}

static enum token
in_meta1(struct lexer *lexer, unsigned char c)
{
	if (c == '"' && lexer->has_quoted_names)
		return lex_quoted(lexer, true, LEX_META2, TOKEN_MNAME);
	return lex_name(lexer, c, true, LEX_META2, TOKEN_MNAME);
}

static enum token
in_meta2(struct lexer *lexer, unsigned char c)
{
	if (c != ' ')
		return TOKEN_INVALID;
	while (c != '\n') {
		c = lex_advance(lexer);
		if (c == 0)
			return TOKEN_INVALID;
	}
	return lex_take(lexer, LEX_INIT, TOKEN_TEXT);
}

static enum token
in_labels(struct lexer *lexer, unsigned char c)
{
	switch (c) {
	case '"':
		if (!lexer->has_quoted_names)
			return TOKEN_INVALID;
		return lex_quoted(lexer, true, LEX_LABELS, TOKEN_QSTRING);
	case '}':
		return lex_take(lexer, LEX_VALUE, TOKEN_BCLOSE);
	case '=':
		return lex_take(lexer, LEX_LVALUE, TOKEN_EQUAL);
	case ',':
		return lex_take(lexer, LEX_LABELS, TOKEN_COMMA);
	default:
		return lex_name(lexer, c, false, LEX_LABELS, TOKEN_LNAME);
	}
}

static enum token
in_lvalue(struct lexer *lexer, unsigned char c)
{
	if (c != '"')
		return TOKEN_INVALID;
	return lex_quoted(lexer, false, LEX_LABELS, TOKEN_LVALUE);
}

static enum token
in_value(struct lexer *lexer, unsigned char c)
{
	if (c == '{')
		return lex_take(lexer, LEX_LABELS, TOKEN_BOPEN);
	return spaced(lexer, c, LEX_TIMESTAMP, TOKEN_VALUE);
}

/*
 * " # {" begins an exemplar; " #" alone would be a timestamp, but once
 * " # " is read there is no way back to it.
 */
static enum token
in_timestamp(struct lexer *lexer, unsigned char c)
{
	if (c == '\n')
		return lex_take(lexer, LEX_INIT, TOKEN_LINEBREAK);
	if (c != ' ')
		return TOKEN_INVALID;
	c = lex_advance(lexer);
	if (lex_is(c, CLASS_VALUE_END))
		return TOKEN_INVALID;
	if (c == '#' && lex_advance(lexer) == ' ') {
		if (lex_advance(lexer) != '{')
			return TOKEN_INVALID;
		return lex_take(lexer, LEX_EXEMPLAR, TOKEN_COMMENT);
	}
	while (!lex_is(lex_current(lexer), CLASS_VALUE_END))
		lex_advance(lexer);
	return TOKEN_TIMESTAMP;
}

static enum token
in_exemplar(struct lexer *lexer, unsigned char c)
{
	switch (c) {
	case '"':
		if (!lexer->has_quoted_names)
			return TOKEN_INVALID;
		return lex_quoted(lexer, false, LEX_EXEMPLAR, TOKEN_QSTRING);
	case '}':
		return lex_take(lexer, LEX_EVALUE, TOKEN_BCLOSE);
	case '=':
		return lex_take(lexer, LEX_EVALUE, TOKEN_EQUAL);
	case ',':
		return lex_take(lexer, LEX_EXEMPLAR, TOKEN_COMMA);
	default:
		return lex_name(lexer, c, false, LEX_EXEMPLAR, TOKEN_LNAME);
	}
}

static enum token
in_evalue(struct lexer *lexer, unsigned char c)
{
	if (c == '"')
		return lex_quoted(lexer, false, LEX_EXEMPLAR, TOKEN_LVALUE);
	return spaced(lexer, c, LEX_ETIMESTAMP, TOKEN_VALUE);
}

static enum token
in_etimestamp(struct lexer *lexer, unsigned char c)
{
	if (c == '\n')
		return lex_take(lexer, LEX_INIT, TOKEN_LINEBREAK);
	return spaced(lexer, c, LEX_ETIMESTAMP, TOKEN_TIMESTAMP);
}

static lex_step_fn *const steps[LEX_STATE_COUNT] = {
	[LEX_INIT] = in_init,
	[LEX_COMMENT] = in_comment,
	[LEX_META1] = in_meta1,
	[LEX_META2] = in_meta2,
	[LEX_LABELS] = in_labels,
	[LEX_LVALUE] = in_lvalue,
	[LEX_VALUE] = in_value,
	[LEX_TIMESTAMP] = in_timestamp,
	[LEX_EXEMPLAR] = in_exemplar,
	[LEX_EVALUE] = in_evalue,
	[LEX_ETIMESTAMP] = in_etimestamp,
};

enum token
lexer_next_openmetrics(struct lexer *lexer)
{
	unsigned char c = lex_current(lexer);

	if (lexer->i >= lexer->len)
		return TOKEN_EOF;
	lexer->start = lexer->i;
	return steps[lexer->state](lexer, c);
}
