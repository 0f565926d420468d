/*
 * One entry of a text exposition (a sample, a metadata line, a comment, a
 * blank line) by the rules of Prometheus' own parsers, with their words.
 *
 * Pure; works on a window of the body.  What it finds points into the window.
 */
#ifndef PROXY_EXPOSITION_PARSE_H
#define PROXY_EXPOSITION_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"
#include "proxy/exposition/lexer.h"
#include "proxy/exposition/words.h"

/* Released versions differ; these two stand for all of them. */
enum prometheus {
	PROMETHEUS_3,   /* 3.x: UTF-8 names, strict Content-Type */
	PROMETHEUS_242, /* 2.x before 2.43, the strictest of them */
	PROMETHEUS_COUNT
};

enum parse_end {
	PARSE_SHORT, /* the entry may go on behind the window */
	PARSE_BLANK,
	PARSE_COMMENT,
	PARSE_HELP,
	PARSE_TYPE,
	PARSE_UNIT,
	PARSE_SERIES,
	PARSE_FINISHED, /* the body is over; what follows is ignored */
	PARSE_REFUSED
};

enum metric_type {
	METRIC_UNKNOWN,
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_SUMMARY,
	METRIC_GAUGE_HISTOGRAM,
	METRIC_INFO,
	METRIC_STATESET
};

/* Accepted, but hardly meant. */
enum oddity {
	ODDITY_LEADING_BLANK = 1 << 0, /* becomes part of the metric's name */
	ODDITY_MISSING_COMMA = 1 << 1,
	ODDITY_RAW_NEWLINE = 1 << 2, /* inside a label value */
	ODDITY_UNKNOWN_ESCAPE = 1 << 3,
};

struct slice {
	const unsigned char *bytes; /* NULL: not there */
	size_t len;
};

/* As exposed: without the quotes, escapes as they are. */
struct label {
	struct slice name;
	struct slice value;
	bool is_raw; /* a backslash is just that */
};

#define PARSE_SAID_MAX 2048
/* Bytes of an entry; a longer one is not judged, to keep memory bounded. */
#define PARSE_ENTRY_MAX (1 << 20)
/* Of one series, its name among them; neither is one with more. */
#define PARSE_LABELS_MAX 4096

struct parse {
	/* Set by the caller, kept between entries. */
	bool is_openmetrics;
	enum prometheus version;
	struct label *labels; /* grows; parse_fini() frees it */
	size_t label_room;

	/* The entry. */
	struct lexer lexer;
	size_t start;
	struct slice name;
	size_t label_count;
	bool has_too_many; /* labels: not all are here */
	struct slice text; /* HELP, UNIT, comment */
	struct slice value;
	double number;
	bool has_timestamp;
	bool has_exemplar;
	bool is_stray; /* a series with a rest that refuses: parse_stray() */
	int64_t timestamp_ms;
	enum metric_type type;
	unsigned oddities;
	bool is_raw; /* the name, as in struct label */

	/* The refusal. */
	enum reason reason;
	bool is_disputed; /* some release between the two takes it */
	struct slice offending;
	struct words said; /* in PROMETHEUS_3's words */
	char said_text[PARSE_SAID_MAX];
};

void parse_init(
    struct parse *parse, enum prometheus version, bool is_openmetrics);
void parse_fini(struct parse *parse);

void parse_add_label(struct parse *parse, const struct label *label);

/*
 * The entry at `bytes`.  With is_last nothing follows the window (which for
 * the text format then ends in the newline that Prometheus adds).  *end is
 * where the next one begins.
 */
enum parse_end parse_entry(struct parse *parse, const unsigned char *bytes,
    size_t len, bool is_last, size_t *end);

/* The refusal of a series that is_stray, once it has passed all checks. */
enum parse_end parse_stray(struct parse *parse);

/* How a text line names a type: "counter"; false if it does not. */
bool parse_type(struct slice text, bool is_openmetrics, enum metric_type *type);

#endif
