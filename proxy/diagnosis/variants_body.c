/* What a body is that is no exposition, as far as one can tell. */
#include "proxy/diagnosis/variants.h"

#include <string.h>
#include <strings.h>

#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/sketch.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/report.h"

/* The token that was too much, escaped; "" if it is not known. */
static const char *
offending(const struct sketch *sketch)
{
	return sketch->report->scan == NULL
		   ? ""
		   : classify_verdict(sketch->report)->offending;
}

static bool
begins_with(const struct sketch *sketch, const char *beginning)
{
	const char *text = sketch->report->error_text;

	while (strncmp(text, "\\n", 2) == 0 || strncmp(text, "\\r", 2) == 0 ||
	       *text == ' ')
		text += *text == ' ' ? 1 : 2;
	return strncasecmp(text, beginning, strlen(beginning)) == 0;
}

static bool
is_page(const struct sketch *sketch)
{
	return begins_with(sketch, "<!doctype html") ||
	       begins_with(sketch, "<html") || begins_with(sketch, "<head");
}

/* A page that says where the metrics are. */
static bool
is_landing_page(const struct sketch *sketch)
{
	return is_page(sketch) && sketch->report->links_to_metrics;
}

static bool
is_json(const struct sketch *sketch)
{
	return begins_with(sketch, "{\\\"") || begins_with(sketch, "{\\n") ||
	       begins_with(sketch, "[{") || begins_with(sketch, "[\\\"");
}

static bool
is_gzip(const struct sketch *sketch)
{
	return strncmp(sketch->report->error_text, "\\x1f\\x8b", 8) == 0;
}

static bool
has_byte_order_mark(const struct sketch *sketch)
{
	return strncmp(sketch->report->error_text, "\\xef\\xbb\\xbf", 12) == 0;
}

static bool
ends_in_cr(const struct sketch *sketch)
{
	const char *text = offending(sketch);
	size_t len = strlen(text);

	return len >= 2 && strcmp(text + len - 2, "\\r") == 0;
}

static bool
has_decimal_comma(const struct sketch *sketch)
{
	const char *text = offending(sketch);
	size_t before, after;

	text += strspn(text, "+-");
	before = strspn(text, "0123456789");
	if (before == 0 || text[before] != ',')
		return false;
	after = strspn(text + before + 1, "0123456789");
	return after > 0 && text[before + 1 + after] == '\0';
}

/* The answer is a protocol of its own and says so. */
static bool
is_ok_text(const struct sketch *sketch)
{
	return begins_with(sketch, "ok");
}

/* The row says that 2 takes it, which is true of a good text only. */
static bool
is_bad_text(const struct sketch *sketch)
{
	return sketch->report->scan != NULL;
}

#define BAD_TEXT_CAUSE                                                         \
	"Prometheus 3 refuses such an answer for its Content-Type. "           \
	"Prometheus "                                                          \
	"2 would take it for text, but it is no good text either: a wrong "    \
	"path or port, or an exporter with two faults."
#define PAGE_CAUSE                                                             \
	"A web page came where metrics should be: a wrong path or port, a "    \
	"login page, or an error page sent with status 200."
#define PAGE_FIX                                                               \
	"curl -s {url} | head; correct path or port in url of target "         \
	"{target}{place}."
#define LANDING_CAUSE                                                          \
	"Wrong path: this is the exporter's landing page, which links to its " \
	"metrics."
#define LANDING_FIX                                                            \
	"set url of target {target}{place} to the same host and port with "    \
	"the "                                                                 \
	"path /metrics (now: {url})."
#define JSON_CAUSE                                                             \
	"JSON came where metrics should be: another path of the exporter, or " \
	"another service on this port."
#define CRLF_CAUSE                                                             \
	"Lines end in CR LF, as on Windows; Prometheus wants LF alone and "    \
	"takes the CR for a part of the line."
#define CRLF_FIX                                                               \
	"curl -s {url} | cat -A | head shows the CR as ^M; have whoever "      \
	"writes the lines end them in \\n."

const struct variant variants_body[] = {
	{ REASON_CONTENT_TYPE_UNSUPPORTED, is_landing_page,
	    "exporter sent {detail}: a web page, not metrics", NULL,
	    LANDING_CAUSE, LANDING_FIX },
	{ REASON_CONTENT_TYPE_UNSUPPORTED, is_page,
	    "exporter sent {detail}: a web page, not metrics", NULL, PAGE_CAUSE,
	    PAGE_FIX },
	{ REASON_CONTENT_TYPE_UNSUPPORTED, is_json,
	    "exporter sent {detail}: JSON, not metrics", NULL, JSON_CAUSE,
	    PAGE_FIX },
	{ REASON_PARSE_START_TOKEN, is_landing_page,
	    "{detail}: a web page, not metrics", NULL, LANDING_CAUSE,
	    LANDING_FIX },
	{ REASON_PARSE_START_TOKEN, is_page,
	    "{detail}: a web page, not metrics", NULL, PAGE_CAUSE, PAGE_FIX },
	{ REASON_PARSE_START_TOKEN, is_json, "{detail}: JSON, not metrics",
	    NULL, JSON_CAUSE, PAGE_FIX },
	{ REASON_PARSE_START_TOKEN, is_gzip,
	    "{detail}: compressed data without a Content-Encoding that says so",
	    NULL,
	    "The body is gzip and its head does not say so: compressed twice, "
	    "or by something that drops the Content-Encoding header.",
	    "curl -sv {url} -o /dev/null shows the head; have it say "
	    "Content-Encoding: gzip, or send the text as it is." },
	{ REASON_PARSE_START_TOKEN, has_byte_order_mark,
	    "{detail}: a byte order mark before the first metric", NULL,
	    "The text begins with a byte order mark, as editors on Windows "
	    "write it; Prometheus takes it for a metric's name.",
	    "have whoever writes the text leave the mark out (UTF-8 without "
	    "BOM)." },
	{ REASON_PARSE_VALUE_MISSING, is_ok_text, NULL, NULL,
	    "The answer looks like a health check's, not like metrics: a wrong "
	    "path or port.",
	    PAGE_FIX },
	{ REASON_PARSE_VALUE_NOT_NUMBER, ends_in_cr,
	    "{detail}: the value ends in CR: lines end in CR LF", NULL,
	    CRLF_CAUSE, CRLF_FIX },
	{ REASON_PARSE_TYPE_UNKNOWN, ends_in_cr,
	    "{detail}: the type ends in CR: lines end in CR LF", NULL,
	    CRLF_CAUSE, CRLF_FIX },
	{ REASON_PARSE_VALUE_NOT_NUMBER, has_decimal_comma,
	    "{detail}: a decimal comma in the value", NULL,
	    "The number is written with a comma, as the exporter's locale has "
	    "it; Prometheus wants a point.",
	    "run the exporter with LC_ALL=C, or report the line to its "
	    "authors." },
	{ REASON_CONTENT_TYPE_MISSING, is_bad_text, NULL, NULL, BAD_TEXT_CAUSE,
	    NULL },
	{ REASON_CONTENT_TYPE_UNPARSABLE, is_bad_text, NULL, NULL,
	    BAD_TEXT_CAUSE, NULL },
	{ REASON_CONTENT_TYPE_UNSUPPORTED, is_bad_text, NULL, NULL,
	    BAD_TEXT_CAUSE, NULL },
};

const size_t variants_body_count =
    sizeof(variants_body) / sizeof(variants_body[0]);
