#include "proxy/exposition/content_type.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy/base/escape.h"
#include "proxy/exposition/words.h"

static const struct {
	const char *media_type;
	enum exposition_format format;
} media_types[] = {
	{ "text/plain", FORMAT_TEXT },
	{ "application/openmetrics-text", FORMAT_OPENMETRICS },
	{ "application/vnd.google.protobuf", FORMAT_PROTOBUF },
};

static const struct {
	const char *name;
	enum exposition_format format;
} protocols[] = {
	{ "PrometheusText0.0.4", FORMAT_TEXT },
	{ "PrometheusText1.0.0", FORMAT_TEXT },
	{ "OpenMetricsText0.0.1", FORMAT_OPENMETRICS },
	{ "OpenMetricsText1.0.0", FORMAT_OPENMETRICS },
	{ "PrometheusProto", FORMAT_PROTOBUF },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum exposition_format
content_type_protocol(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return protocols[i].format;
	return FORMAT_NONE;
}

const char *
content_type_of(enum exposition_format format)
{
	static const char *const values[] = {
		[FORMAT_NONE] = "",
		[FORMAT_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
		[FORMAT_OPENMETRICS] = "application/openmetrics-text; "
				       "version=1.0.0; charset=utf-8",
		[FORMAT_PROTOBUF] = "application/vnd.google.protobuf; "
				    "proto=io.prometheus.client.MetricFamily; "
				    "encoding=delimited",
	};

	return values[format];
}

/* What is left of the value. */
struct rest {
	const char *p, *end;
};

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* RFC 2045, section 5.1. */
static bool
is_token(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static void
skip_spaces(struct rest *rest)
{
	while (rest->p < rest->end && is_space(*rest->p))
		rest->p++;
}

static size_t
skip_token(struct rest *rest)
{
	const char *start = rest->p;

	while (rest->p < rest->end && is_token(*rest->p))
		rest->p++;
	return (size_t)(rest->p - start);
}

static bool
skip_char(struct rest *rest, char c)
{
	if (rest->p == rest->end || *rest->p != c)
		return false;
	rest->p++;
	return true;
}

/* Go takes a backslash before a plain character for one of Windows. */
static bool
skip_quoted(struct rest *rest)
{
	for (rest->p++; rest->p < rest->end; rest->p++) {
		if (*rest->p == '"') {
			rest->p++;
			return true;
		}
		if (*rest->p == '\r' || *rest->p == '\n')
			return false;
		if (*rest->p == '\\' && rest->p + 1 < rest->end &&
		    rest->p[1] != '\0' &&
		    strchr("()<>@,;:\\\"/[]?=", rest->p[1]) != NULL)
			rest->p++;
	}
	return false;
}

struct param {
	const char *name, *value;
	size_t name_len, value_len;
};

/* ; name = value */
static bool
take_param(struct rest *rest, struct param *param)
{
	skip_spaces(rest);
	if (!skip_char(rest, ';'))
		return false;
	skip_spaces(rest);
	param->name = rest->p;
	param->name_len = skip_token(rest);
	if (param->name_len == 0)
		return false;
	skip_spaces(rest);
	if (!skip_char(rest, '='))
		return false;
	skip_spaces(rest);
	param->value = rest->p;
	if (rest->p < rest->end && *rest->p == '"') {
		if (!skip_quoted(rest))
			return false;
	} else if (skip_token(rest) == 0)
		return false;
	param->value_len = (size_t)(rest->p - param->value);
	return true;
}

#define PARAMS_MAX 16

struct params {
	struct param each[PARAMS_MAX];
	size_t count;
	bool is_repeated; /* with the same value */
};

/* False: it is there with another value. */
static bool
add_param(struct params *params, const struct param *param)
{
	size_t i;

	for (i = 0; i < params->count; i++) {
		const struct param *old = &params->each[i];

		if (old->name_len != param->name_len ||
		    strncasecmp(old->name, param->name, old->name_len) != 0)
			continue;
		params->is_repeated = true;
		return old->value_len == param->value_len &&
		       memcmp(old->value, param->value, old->value_len) == 0;
	}
	if (params->count < PARAMS_MAX)
		params->each[params->count++] = *param;
	return true;
}

static bool
is_blank(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p == end;
}

/* Go's words for what is wrong, or NULL. */
static const char *
parse_params(struct rest rest, struct params *params)
{
	struct param param;

	while (!is_blank(rest.p, rest.end)) {
		struct rest before = rest;

		if (!take_param(&rest, &param)) {
			skip_spaces(&before);
			if (skip_char(&before, ';') &&
			    is_blank(before.p, before.end))
				return NULL;
			return "mime: invalid media parameter";
		}
		if (!add_param(params, &param))
			return "mime: duplicate parameter name";
	}
	return NULL;
}

/* The media type is *type, blanks off. */
static const char *
parse_media_type(struct rest *type)
{
	struct rest rest;

	skip_spaces(type);
	while (type->end > type->p && is_space(type->end[-1]))
		type->end--;
	rest = *type;
	if (skip_token(&rest) == 0)
		return "mime: no media type";
	if (rest.p == rest.end)
		return NULL;
	if (!skip_char(&rest, '/'))
		return "mime: expected slash after first token";
	if (skip_token(&rest) == 0)
		return "mime: expected token after slash";
	if (rest.p != rest.end)
		return "mime: unexpected content after media subtype";
	return NULL;
}

static enum exposition_format
find_format(struct rest type)
{
	size_t i, len = (size_t)(type.end - type.p);

	for (i = 0; i < COUNT(media_types); i++)
		if (strlen(media_types[i].media_type) == len &&
		    strncasecmp(media_types[i].media_type, type.p, len) == 0)
			return media_types[i].format;
	return FORMAT_NONE;
}

/*
 * OpenMetrics 2.0: Prometheus 3 read it as 1.0, then as what it is, and that
 * only where a feature flag says so.
 */
static bool
is_openmetrics_2(enum exposition_format format, const struct params *params)
{
	size_t i;

	for (i = 0; i < params->count; i++) {
		const struct param *param = &params->each[i];
		bool is_quoted = param->value[0] == '"';
		size_t len = param->value_len - 2 * (size_t)is_quoted;

		if (param->name_len == 7 && len == 5 &&
		    strncasecmp(param->name, "version", 7) == 0)
			return format == FORMAT_OPENMETRICS &&
			       memcmp(param->value + is_quoted, "2.0.0", 5) ==
				   0;
	}
	return false;
}

static void
refuse(struct content_verdict *verdict, enum reason reason, const char *before,
    struct rest value, const char *after, const char *more)
{
	struct words words;

	verdict->reason = reason;
	words_init(&words, verdict->said, sizeof(verdict->said));
	words_add(&words, before);
	if (value.p != NULL)
		words_quote(&words, (const unsigned char *)value.p,
		    (size_t)(value.end - value.p));
	words_add(&words, after);
	words_add(&words, more);
}

void
content_type_judge(struct content_verdict *verdict, const char *value,
    size_t len, enum exposition_format fallback)
{
	struct rest all = { value, value == NULL ? NULL : value + len };
	struct params params = { .count = 0 };
	struct rest type = all, rest = all, none = { NULL, NULL };
	enum exposition_format format;
	const char *wrong;

	verdict->reason = REASON_OK;
	verdict->said[0] = '\0';
	escape_quoted(verdict->value, sizeof(verdict->value),
	    value == NULL ? "" : value, len);
	verdict->formats[PROMETHEUS_3] = fallback;
	verdict->formats[PROMETHEUS_242] =
	    fallback != FORMAT_NONE ? fallback : FORMAT_TEXT;
	if (value == NULL || len == 0) {
		if (fallback == FORMAT_NONE)
			refuse(verdict, REASON_CONTENT_TYPE_MISSING,
			    "non-compliant scrape target sending blank "
			    "Content-Type and no fallback_scrape_protocol "
			    "specified for target",
			    none, "", "");
		return;
	}
	rest.p = memchr(value, ';', len);
	if (rest.p == NULL)
		rest.p = all.end;
	type.end = rest.p;
	wrong = parse_media_type(&type);
	if (wrong == NULL)
		wrong = parse_params(rest, &params);
	if (wrong != NULL) {
		if (fallback == FORMAT_NONE)
			refuse(verdict, REASON_CONTENT_TYPE_UNPARSABLE,
			    "cannot parse Content-Type ", all,
			    " and no fallback_scrape_protocol for target\n",
			    wrong);
		return;
	}
	format = find_format(type);
	if (format == FORMAT_NONE) {
		if (fallback == FORMAT_NONE)
			refuse(verdict, REASON_CONTENT_TYPE_UNSUPPORTED,
			    "received unsupported Content-Type ", all,
			    " and no fallback_scrape_protocol specified for "
			    "target",
			    "");
		return;
	}
	verdict->formats[PROMETHEUS_3] =
	    is_openmetrics_2(format, &params) ? FORMAT_NONE : format;
	/* Go before 1.20 minds every repeat; 2.42 then reads text. */
	verdict->formats[PROMETHEUS_242] =
	    params.is_repeated ? FORMAT_TEXT : format;
}
