#include "proxy/exposition/lexer.h"

#include <assert.h>

#include "proxy/exposition/lexer_parts.h"

#define LETTER                                                                 \
	(CLASS_LABEL_START | CLASS_LABEL | CLASS_METRIC_START | CLASS_METRIC)

const uint8_t lex_classes[256] = {
	['a' ... 'z'] = LETTER,
	['A' ... 'Z'] = LETTER,
	['_'] = LETTER,
	[':'] = CLASS_METRIC_START | CLASS_METRIC,
	['0' ... '9'] = CLASS_LABEL | CLASS_METRIC | CLASS_DIGIT,
	[' '] = CLASS_BLANK | CLASS_VALUE_END,
	['\t'] = CLASS_BLANK,
	['\n'] = CLASS_VALUE_END,
	['\0'] = CLASS_VALUE_END,
};

static const char *const token_names[TOKEN_COUNT] = {
	[TOKEN_INVALID] = "INVALID",
	[TOKEN_EOF] = "EOF",
	[TOKEN_LINEBREAK] = "LINEBREAK",
	[TOKEN_WHITESPACE] = "WHITESPACE",
	[TOKEN_HELP] = "HELP",
	[TOKEN_TYPE] = "TYPE",
	[TOKEN_UNIT] = "UNIT",
	[TOKEN_EOFWORD] = "EOFWORD",
	[TOKEN_TEXT] = "TEXT",
	[TOKEN_COMMENT] = "COMMENT",
	[TOKEN_MNAME] = "MNAME",
	[TOKEN_QSTRING] = "QSTRING",
	[TOKEN_BOPEN] = "BOPEN",
	[TOKEN_BCLOSE] = "BCLOSE",
	[TOKEN_LNAME] = "LNAME",
	[TOKEN_LVALUE] = "LVALUE",
	[TOKEN_COMMA] = "COMMA",
	[TOKEN_EQUAL] = "EQUAL",
	[TOKEN_TIMESTAMP] = "TIMESTAMP",
	[TOKEN_VALUE] = "VALUE",
};

const char *
token_name(enum token token)
{
	assert((unsigned)token < TOKEN_COUNT);
	return token_names[token];
}

bool
lex_is_name(const unsigned char *bytes, size_t len, bool is_metric)
{
	unsigned first = is_metric ? CLASS_METRIC_START : CLASS_LABEL_START;
	unsigned class = is_metric ? CLASS_METRIC : CLASS_LABEL;
	size_t i;

	for (i = 0; i < len; i++)
		if (!lex_is(bytes[i], i == 0 ? first : class))
			return false;
	return len > 0;
}

unsigned char
lex_current(struct lexer *lexer)
{
	if (lexer->i >= lexer->len) {
		lexer->is_dry = true;
		return 0;
	}
	return lexer->bytes[lexer->i];
}

unsigned char
lex_advance(struct lexer *lexer)
{
	bool may_be_nul = lexer->state == LEX_LVALUE ||
			  lexer->state == LEX_META2 ||
			  lexer->state == LEX_COMMENT;

	lexer->i++;
	while (
	    may_be_nul && lexer->i < lexer->len && lexer->bytes[lexer->i] == 0)
		lexer->i++;
	return lex_current(lexer);
}

unsigned char
lex_skip(struct lexer *lexer, unsigned class)
{
	unsigned char c = lex_current(lexer);

	while (lex_is(c, class))
		c = lex_advance(lexer);
	return c;
}

enum token
lex_to(struct lexer *lexer, enum lex_state state, enum token token)
{
	lexer->state = state;
	return token;
}

/* The byte behind is looked at in the old state: that is where NULs go. */
enum token
lex_take(struct lexer *lexer, enum lex_state state, enum token token)
{
	lex_advance(lexer);
	return lex_to(lexer, state, token);
}

enum token
lex_name(struct lexer *lexer, unsigned char c, bool is_metric,
    enum lex_state state, enum token token)
{
	if (!lex_is(c, is_metric ? CLASS_METRIC_START : CLASS_LABEL_START))
		return TOKEN_INVALID;
	lex_skip(lexer, is_metric ? CLASS_METRIC : CLASS_LABEL);
	return lex_to(lexer, state, token);
}

enum token
lex_quoted(
    struct lexer *lexer, bool may_break, enum lex_state state, enum token token)
{
	unsigned char c = lex_advance(lexer);

	while (c != '"') {
		if (c == '\\') {
			c = lex_advance(lexer);
			if (c == '\n')
				return TOKEN_INVALID;
		} else if (c == '\n' && !may_break)
			return TOKEN_INVALID;
		if (c == 0)
			return TOKEN_INVALID;
		c = lex_advance(lexer);
	}
	return lex_take(lexer, state, token);
}

bool
lex_word(struct lexer *lexer, const char *rest)
{
	for (; *rest != '\0'; rest++)
		if (lex_advance(lexer) != (unsigned char)*rest)
			return false;
	return true;
}
