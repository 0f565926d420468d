/* promlex.l, rule by rule. */
#include "proxy/exposition/lexer_parts.h"

/* A NUL ends the whole body here, as if it were its end. */
static enum token
swallow_comment(struct lexer *lexer)
{
	unsigned char c = lex_current(lexer);

	while (c != 0 && c != '\n')
		c = lex_advance(lexer);
	if (c == 0)
		return TOKEN_EOF;
	return lex_to(lexer, LEX_INIT, TOKEN_COMMENT);
}

static enum token
blanks(struct lexer *lexer)
{
	lex_skip(lexer, CLASS_BLANK);
	return TOKEN_WHITESPACE;
}

static enum token
keyword(struct lexer *lexer, const char *rest, enum token token)
{
	if (!lex_word(lexer, rest) || !lex_is(lex_advance(lexer), CLASS_BLANK))
		return swallow_comment(lexer);
	lex_skip(lexer, CLASS_BLANK);
	return lex_to(lexer, LEX_META1, token);
}

static enum token
in_comment(struct lexer *lexer, unsigned char c)
{
	if (c == 'H')
		return keyword(lexer, "ELP", TOKEN_HELP);
	if (c == 'T')
		return keyword(lexer, "YPE", TOKEN_TYPE);
	if (lex_is(c, CLASS_BLANK))
		return blanks(lexer);
	return swallow_comment(lexer);
}

static enum token
in_init(struct lexer *lexer, unsigned char c)
{
	if (c == '\n')
		return lex_take(lexer, LEX_INIT, TOKEN_LINEBREAK);
	if (c == '\0')
		return lex_take(lexer, LEX_INIT, TOKEN_EOF);
	if (lex_is(c, CLASS_BLANK))
		return blanks(lexer);
	if (c == '{' && lexer->has_quoted_names)
		return lex_take(lexer, LEX_LABELS, TOKEN_BOPEN);
	if (c != '#')
		return lex_name(lexer, c, true, LEX_VALUE, TOKEN_MNAME);
	c = lex_advance(lexer);
	if (!lex_is(c, CLASS_BLANK))
		return swallow_comment(lexer);
	c = lex_skip(lexer, CLASS_BLANK);
	lexer->state = LEX_COMMENT;
	return in_comment(lexer, c);
}

static enum token
in_meta1(struct lexer *lexer, unsigned char c)
{
	if (lex_is(c, CLASS_BLANK))
		return blanks(lexer);
	if (c == '"' && lexer->has_quoted_names)
		return lex_quoted(lexer, true, LEX_META2, TOKEN_MNAME);
	return lex_name(lexer, c, true, LEX_META2, TOKEN_MNAME);
}

static enum token
in_meta2(struct lexer *lexer, unsigned char c)
{
	bool is_blank = c != '\n' && c != 0;

	while (c != '\n' && c != 0) {
		is_blank = is_blank && lex_is(c, CLASS_BLANK);
		c = lex_advance(lexer);
	}
	if (is_blank)
		return TOKEN_WHITESPACE;
	return lex_to(lexer, LEX_INIT, TOKEN_TEXT);
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
	case ' ':
	case '\t':
		return blanks(lexer);
	default:
		return lex_name(lexer, c, false, LEX_LABELS, TOKEN_LNAME);
	}
}

static enum token
in_lvalue(struct lexer *lexer, unsigned char c)
{
	if (c == '"')
		return lex_quoted(lexer, true, LEX_LABELS, TOKEN_LVALUE);
	return lex_is(c, CLASS_BLANK) ? blanks(lexer) : TOKEN_INVALID;
}

static enum token
in_value(struct lexer *lexer, unsigned char c)
{
	if (c == '{')
		return lex_take(lexer, LEX_LABELS, TOKEN_BOPEN);
	if (lex_is(c, CLASS_BLANK))
		return blanks(lexer);
	if (c == '\n' || c == 0)
		return TOKEN_INVALID;
	while (c != '{' && !lex_is(c, CLASS_BLANK | CLASS_VALUE_END))
		c = lex_advance(lexer);
	return lex_to(lexer, LEX_TIMESTAMP, TOKEN_VALUE);
}

static enum token
in_timestamp(struct lexer *lexer, unsigned char c)
{
	if (c == '\n')
		return lex_take(lexer, LEX_INIT, TOKEN_LINEBREAK);
	if (lex_is(c, CLASS_BLANK))
		return blanks(lexer);
	if (!lex_is(c, CLASS_DIGIT))
		return TOKEN_INVALID;
	lex_skip(lexer, CLASS_DIGIT);
	return TOKEN_TIMESTAMP;
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
};

enum token
lexer_next_text(struct lexer *lexer)
{
	enum token token;

	do {
		unsigned char c = lex_current(lexer);

		if (lexer->i >= lexer->len)
			return TOKEN_EOF;
		lexer->start = lexer->i;
		token = steps[lexer->state](lexer, c);
	} while (token == TOKEN_WHITESPACE);
	return token;
}
