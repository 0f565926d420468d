/* Private to the parsers: what both formats share. */
#ifndef PROXY_EXPOSITION_PARSE_PARTS_H
#define PROXY_EXPOSITION_PARSE_PARTS_H

#include "proxy/exposition/number.h"
#include "proxy/exposition/parse.h"

enum parse_end parse_text_entry(struct parse *parse);
enum parse_end parse_openmetrics_entry(struct parse *parse);

static inline enum token
parse_next(struct parse *parse)
{
	return parse->is_openmetrics ? lexer_next_openmetrics(&parse->lexer)
				     : lexer_next_text(&parse->lexer);
}

struct slice parse_token(const struct parse *parse);

/* No bytes, at the place behind the token. */
struct slice parse_rest(const struct parse *parse);

/* All return PARSE_REFUSED, with the words of Prometheus 3. */

/* "EXPECTED, got "bytes" ("TOKEN") while parsing: "entry"" */
enum parse_end parse_refuse_token(struct parse *parse, enum reason reason,
    const char *expected, enum token got);

/* The words are in parse->said already. */
enum parse_end parse_refuse(
    struct parse *parse, enum reason reason, struct slice offending);
enum parse_end parse_refuse_plain(struct parse *parse, enum reason reason,
    struct slice offending, const char *said);

/* "SAID while parsing: "entry so far"" */
enum parse_end parse_refuse_entry(struct parse *parse, enum reason reason,
    struct slice offending, const char *said);

/* A value, or a timestamp, as float. */
bool parse_float(
    struct parse *parse, struct slice text, bool is_timestamp, double *value);

/*
 * What stands between the braces; the opening one is read.  Of an exemplar
 * nothing is kept.  False: refused.
 */
bool parse_labels(struct parse *parse, bool is_exemplar);

/* The checks of UTF-8, of the type's name. */
bool parse_check_metadata(struct parse *parse, enum token keyword);

/* The metric's name in a HELP, TYPE or UNIT line, quotes off. */
void parse_take_name(struct parse *parse);

#endif
