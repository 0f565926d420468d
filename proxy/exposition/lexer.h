/*
 * The tokens of the two text formats: what promlex.l and openmetricslex.l of
 * Prometheus accept, byte for byte.  Longest match without backtracking: on a
 * failure the position stays where the last hope died, which is the place that
 * Prometheus quotes.
 *
 * Pure.  Reads a window of the body; whoever asked for a byte behind its end
 * is_dry, and the tokens since then hold only if the body ends there.
 */
#ifndef PROXY_EXPOSITION_LEXER_H
#define PROXY_EXPOSITION_LEXER_H

#include <stdbool.h>
#include <stddef.h>

enum token {
	TOKEN_INVALID,
	TOKEN_EOF,
	TOKEN_LINEBREAK,
	TOKEN_WHITESPACE,
	TOKEN_HELP,
	TOKEN_TYPE,
	TOKEN_UNIT,
	TOKEN_EOFWORD,
	TOKEN_TEXT,
	TOKEN_COMMENT,
	TOKEN_MNAME,
	TOKEN_QSTRING,
	TOKEN_BOPEN,
	TOKEN_BCLOSE,
	TOKEN_LNAME,
	TOKEN_LVALUE,
	TOKEN_COMMA,
	TOKEN_EQUAL,
	TOKEN_TIMESTAMP,
	TOKEN_VALUE,
	TOKEN_COUNT
};

enum lex_state {
	LEX_INIT,
	LEX_COMMENT,
	LEX_META1, /* the name after HELP, TYPE, UNIT */
	LEX_META2, /* the text after that name */
	LEX_LABELS,
	LEX_LVALUE,
	LEX_VALUE,
	LEX_TIMESTAMP,
	LEX_EXEMPLAR,
	LEX_EVALUE,
	LEX_ETIMESTAMP,
	LEX_STATE_COUNT
};

struct lexer {
	const unsigned char *bytes;
	size_t len;
	size_t i;     /* of the next byte */
	size_t start; /* of the current token; at the end of the one before */
	enum lex_state state;
	bool has_quoted_names; /* Prometheus 2.51 and later: UTF-8 names */
	bool is_dry;
};

/* As Prometheus prints it: "INVALID", "MNAME", ... */
const char *token_name(enum token token);

/* The text format 0.0.4 (and 1.0.0); blanks are skipped. */
enum token lexer_next_text(struct lexer *lexer);
enum token lexer_next_openmetrics(struct lexer *lexer);

#endif
