#include "proxy/exposition/lint.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/exposition/families.h"
#include "proxy/exposition/parse.h"

struct lint {
	struct parse parse;
	struct families families; /* names seen, with HELP and TYPE */
	enum metric_type type;    /* of the open family, if it has one */
	uint64_t line;
	lint_hint_fn *hint;
	void *arg;
};

static void
hint(struct lint *lint, struct slice name, const char *id, const char *words)
{
	struct lint_hint found = { .id = id,
		.words = words,
		.line = lint->line,
		.name = name.bytes,
		.name_len = name.len };

	lint->hint(&found, lint->arg);
}

static bool
ends_in(struct slice name, const char *suffix)
{
	size_t len = strlen(suffix);

	return name.len > len &&
	       memcmp(name.bytes + name.len - len, suffix, len) == 0;
}

/* As a word of its own between underscores. */
static bool
has_word(struct slice name, const char *word)
{
	size_t len = strlen(word), i;

	for (i = 0; i + len <= name.len; i++) {
		if (memcmp(name.bytes + i, word, len) != 0)
			continue;
		if ((i == 0 || name.bytes[i - 1] == '_') &&
		    (i + len == name.len || name.bytes[i + len] == '_'))
			return true;
	}
	return false;
}

static void
check_units(struct lint *lint, struct slice name)
{
	static const char *const words[] = { "ms", "milliseconds",
		"microseconds", "nanoseconds", "minutes", "hours", "days", "kb",
		"mb", "gb", "kilobytes", "megabytes", "gigabytes", "kibibytes",
		"mebibytes", "gibibytes", "bits", "fahrenheit", "percent",
		"kilometers", "centimeters", "millimeters" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (has_word(name, words[i])) {
			hint(lint, name, "base_unit",
			    "use base units: seconds, bytes, meters, celsius, "
			    "a ratio instead of percent");
			return;
		}
}

static void
check_letters(struct lint *lint, struct slice name)
{
	size_t i;

	for (i = 1; i < name.len; i++)
		if (name.bytes[i] >= 'A' && name.bytes[i] <= 'Z' &&
		    name.bytes[i - 1] >= 'a' && name.bytes[i - 1] <= 'z') {
			hint(lint, name, "name_case",
			    "write names in snake_case, not camelCase");
			break;
		}
	if (memchr(name.bytes, ':', name.len) != NULL)
		hint(lint, name, "name_colon",
		    "colons are for recording rules, not for exporters");
}

static void
check_name(struct lint *lint, struct slice name)
{
	static const char *const types[] = { "_counter", "_gauge", "_summary",
		"_histogram", "_untyped" };
	size_t i;

	check_units(lint, name);
	check_letters(lint, name);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (ends_in(name, types[i]))
			hint(lint, name, "name_type",
			    "the type does not belong into the name");
}

static void
check_type(struct lint *lint, struct slice name)
{
	bool is_total = ends_in(name, "_total");

	/* In OpenMetrics the suffix is the sample's, not the family's. */
	if (lint->type == METRIC_COUNTER && !is_total &&
	    !lint->parse.is_openmetrics)
		hint(lint, name, "counter_total",
		    "the name of a counter should end in _total");
	if (lint->type != METRIC_COUNTER && lint->type != METRIC_UNKNOWN &&
	    is_total)
		hint(lint, name, "total_no_counter",
		    "only a counter's name should end in _total");
	if (lint->type != METRIC_HISTOGRAM && lint->type != METRIC_SUMMARY &&
	    lint->type != METRIC_UNKNOWN &&
	    (ends_in(name, "_count") || ends_in(name, "_sum") ||
		ends_in(name, "_bucket")))
		hint(lint, name, "reserved_suffix",
		    "_count, _sum and _bucket belong to histograms and "
		    "summaries");
}

static void
take_metadata(struct lint *lint, enum parse_end kind)
{
	struct slice name = lint->parse.name;

	families_open(&lint->families, name.bytes, name.len);
	if (kind == PARSE_HELP) {
		families_mark(&lint->families, FAMILIES_HELPED);
		if (lint->parse.text.len == 0)
			hint(lint, name, "help_missing",
			    "the HELP text is empty");
	}
	if (kind != PARSE_TYPE)
		return;
	families_mark(&lint->families, FAMILIES_TYPED);
	lint->type = lint->parse.type;
	check_type(lint, name);
}

/* The name that HELP and TYPE should have had: the sample's family. */
static void
take_series(struct lint *lint)
{
	struct families *families = &lint->families;
	struct slice name = lint->parse.name;

	if (!families_has(families, name.bytes, name.len)) {
		families_open(families, name.bytes, name.len);
		lint->type = METRIC_UNKNOWN;
	}
	if (families->is_sampled || !families_sample(families))
		return;
	name.bytes = families->name;
	name.len = families->name_len;
	check_name(lint, name);
	if (!families_is(families, FAMILIES_HELPED))
		hint(lint, name, "help_missing", "no HELP for this metric");
	if (!families_is(families, FAMILIES_TYPED))
		hint(lint, name, "type_missing", "no TYPE for this metric");
}

static void
take(struct lint *lint, enum parse_end kind)
{
	if (kind == PARSE_HELP || kind == PARSE_TYPE)
		take_metadata(lint, kind);
	else if (kind == PARSE_SERIES)
		take_series(lint);
}

static void
read_all(struct lint *lint, const unsigned char *bytes, size_t len)
{
	enum parse_end kind;
	size_t at = 0, end, i;

	for (;;) {
		kind =
		    parse_entry(&lint->parse, bytes + at, len - at, true, &end);
		if (kind == PARSE_REFUSED || kind == PARSE_FINISHED)
			return;
		take(lint, kind);
		if (lint->parse.is_stray)
			return;
		for (i = at; i < at + end; i++)
			lint->line += bytes[i] == '\n';
		at += end;
	}
}

void
lint_run(const unsigned char *bytes, size_t len, bool is_openmetrics,
    lint_hint_fn *hint_fn, void *arg)
{
	struct lint *lint = xcalloc(1, sizeof(*lint));
	unsigned char *body = xmalloc(len + 1);

	/* As Prometheus does, for a last line without an end. */
	memcpy(body, bytes, len);
	body[len] = '\n';
	lint->line = 1;
	lint->hint = hint_fn;
	lint->arg = arg;
	families_init(&lint->families);
	families_begin(&lint->families, 0);
	parse_init(&lint->parse, PROMETHEUS_3, is_openmetrics);
	read_all(lint, body, is_openmetrics ? len : len + 1);
	parse_fini(&lint->parse);
	families_fini(&lint->families);
	free(body);
	free(lint);
}
