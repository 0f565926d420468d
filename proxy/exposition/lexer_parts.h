/*
 * Private to the lexers: what both formats share.  A step is entered with the
 * byte `c` at lexer->i.
 */
#ifndef PROXY_EXPOSITION_LEXER_PARTS_H
#define PROXY_EXPOSITION_LEXER_PARTS_H

#include <stdint.h>

#include "proxy/exposition/lexer.h"

typedef enum token lex_step_fn(struct lexer *lexer, unsigned char c);

enum lex_class {
	CLASS_LABEL_START = 1 << 0,  /* [a-zA-Z_] */
	CLASS_LABEL = 1 << 1,        /* [a-zA-Z0-9_] */
	CLASS_METRIC_START = 1 << 2, /* [a-zA-Z_:] */
	CLASS_METRIC = 1 << 3,       /* [a-zA-Z0-9_:] */
	CLASS_DIGIT = 1 << 4,
	CLASS_BLANK = 1 << 5,     /* space, tab */
	CLASS_VALUE_END = 1 << 6, /* NUL, newline, space */
};

extern const uint8_t lex_classes[256];

static inline bool
lex_is(unsigned char c, unsigned class)
{
	return (lex_classes[c] & class) != 0;
}

/* A name as before UTF-8: [a-zA-Z_][a-zA-Z0-9_]*, of metrics with colons. */
bool lex_is_name(const unsigned char *bytes, size_t len, bool is_metric);

/* The byte at `i`, 0 behind the end. */
unsigned char lex_current(struct lexer *lexer);

/* One on.  Where NULs are allowed they are stepped over, as if not there. */
unsigned char lex_advance(struct lexer *lexer);

/* All bytes of that class.  Returns the first that is not. */
unsigned char lex_skip(struct lexer *lexer, unsigned class);

enum token lex_to(struct lexer *lexer, enum lex_state state, enum token token);

/* Takes the one byte, then as lex_to(). */
enum token lex_take(
    struct lexer *lexer, enum lex_state state, enum token token);

/* [start class][class]*, or INVALID. */
enum token lex_name(struct lexer *lexer, unsigned char c, bool is_metric,
    enum lex_state state, enum token token);

/* "(\\.|[^\\"])*" from the opening quote on, or INVALID. */
enum token lex_quoted(struct lexer *lexer, bool may_break, enum lex_state state,
    enum token token);

/* The word less its first byte, then one blank at least: HELP, TYPE, UNIT. */
bool lex_word(struct lexer *lexer, const char *rest);

#endif
