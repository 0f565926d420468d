#include "proxy/exposition/protobuf_metric.h"

#include <string.h>

#include "proxy/exposition/lexer_parts.h"
#include "proxy/exposition/scanner_parts.h"
#include "proxy/base/utf8.h"
#include "proxy/exposition/wire_check.h"

/* As in the enum MetricType. */
enum {
	TYPE_SUMMARY = 2,
	TYPE_HISTOGRAM = 4,
	TYPE_GAUGE_HISTOGRAM = 5,
};

static void
complain(struct scanner *scanner, enum prometheus version, enum reason reason,
    const char *said)
{
	protobuf_complain(
	    &scanner->protobuf, version, GRADE_METRIC, reason, said);
}

static void
complain_both(
    struct scanner *scanner, enum protobuf_grade grade, const char *said)
{
	int i;

	for (i = 0; i < PROMETHEUS_COUNT; i++)
		protobuf_complain(&scanner->protobuf, (enum prometheus)i, grade,
		    REASON_PROTO_MALFORMED, said);
}

static void
say_label(struct scanner *scanner, enum prometheus version, const char *what,
    struct slice text)
{
	char said[PROTOBUF_SAID_MAX];
	struct words words;

	words_init(&words, said, sizeof(said));
	words_add(&words, what);
	words_add_bytes(&words, text.bytes, text.len);
	complain(scanner, version,
	    strcmp(what, "invalid label name: ") == 0
		? REASON_SERIES_NAME_INVALID
		: REASON_PARSE_LABEL_UTF8,
	    said);
}

static void
check_name(struct scanner *scanner, struct slice name)
{
	static const char what[] = "invalid label name: ";

	if (name.len == 0 || !utf8_is_valid(name.bytes, name.len))
		say_label(scanner, PROMETHEUS_3, what, name);
	if (!lex_is_name(name.bytes, name.len, false))
		say_label(scanner, PROMETHEUS_242, what, name);
}

static void
check_value(struct scanner *scanner, struct slice value)
{
	static const char what[] = "invalid label value: ";

	if (utf8_is_valid(value.bytes, value.len))
		return;
	say_label(scanner, PROMETHEUS_3, what, value);
	say_label(scanner, PROMETHEUS_242, what, value);
}

/* A name that is not there passes the parser, and so it does here. */
static bool
read_label(struct scanner *scanner, struct slice body, struct label *label)
{
	char said[PROTOBUF_SAID_MAX];
	struct words words;
	size_t at = 0;

	words_init(&words, said, sizeof(said));
	label->name.bytes = label->value.bytes = body.bytes;
	label->name.len = label->value.len = 0;
	label->is_raw = true;
	while (at < body.len) {
		struct wire_field field = { .tag = 0 };

		if (wire_next(&wire_label, body, &at, true, &field, &words) !=
		    WIRE_FINE) {
			complain_both(scanner, GRADE_METRIC, said);
			return false;
		}
		if (field.number == 1) {
			label->name = field.bytes;
			check_name(scanner, label->name);
		} else if (field.number == 2) {
			label->value = field.bytes;
			check_value(scanner, label->value);
		}
	}
	/* 3 has not looked at a name that was not there; 2.42 has. */
	if (label->name.len == 0)
		say_label(scanner, PROMETHEUS_242,
		    "invalid label name: ", label->name);
	return true;
}

/* The labels, and the timestamp on the way. */
static bool
read_labels(struct scanner *scanner, struct slice body, struct parse *parse)
{
	char unused[8];
	struct words words;
	size_t at = 0;

	words_init(&words, unused, sizeof(unused));
	parse->label_count = 0;
	parse->has_timestamp = false;
	while (at < body.len) {
		struct wire_field field = { .tag = 0 };
		struct label label;

		wire_next(
		    &wire_metric_message, body, &at, true, &field, &words);
		if (field.number == 6) {
			parse->timestamp_ms = (int64_t)field.number_at;
			parse->has_timestamp = parse->timestamp_ms != 0;
		}
		if (field.number != 1)
			continue;
		if (!read_label(scanner, field.bytes, &label))
			return false;
		parse_add_label(parse, &label);
	}
	return true;
}

static void
check_series(struct scanner *scanner, struct slice name)
{
	int i;

	for (i = 0; i < PROMETHEUS_COUNT; i++) {
		struct parse *parse = &scanner->parses[i];

		if (!scanner->is_reading[i])
			continue;
		parse->name = name;
		parse->is_raw = true;
		words_init(
		    &parse->said, parse->said_text, sizeof(parse->said_text));
		if (!labelset_check(parse, &scanner->options.limits,
			scanner_drops(scanner, i, parse)))
			complain(scanner, (enum prometheus)i, parse->reason,
			    parse->said_text);
	}
}

/* The first series of a summary or a classic histogram. */
static struct slice
with_count(struct protobuf *protobuf)
{
	static const char suffix[] = "_count";
	struct slice name = { protobuf->name,
		protobuf->name_len + sizeof(suffix) - 1 };

	/* There is room for it behind the longest name. */
	memcpy(protobuf->name + protobuf->name_len, suffix, sizeof(suffix) - 1);
	return name;
}

static bool
is_native(const struct wire_metric *metric)
{
	return metric->spans[0] + metric->spans[1] > 0 || metric->has_zero;
}

/*
 * Prometheus 3 refuses the body for it, but only where it scrapes native
 * histograms, which no version does unless it is told to.
 */
static void
check_spans(struct scanner *scanner, const struct wire_metric *metric)
{
	const struct protobuf *protobuf = &scanner->protobuf;
	const uint64_t *got =
	    metric->is_float ? metric->counts : metric->deltas;
	int side;

	for (side = 0; side < 2; side++)
		if (metric->span_lengths[side] != got[side]) {
			warnings_add(scanner->learn.warnings,
			    WARNING_HISTOGRAM_SPANS, 0, protobuf->name,
			    protobuf->name_len);
			return;
		}
}

/* As many as Prometheus makes of it that does not scrape native ones. */
static uint64_t
count_samples(uint64_t type, const struct wire_metric *metric)
{
	if (type == TYPE_SUMMARY)
		return 2 + metric->quantiles;
	if (type != TYPE_HISTOGRAM && type != TYPE_GAUGE_HISTOGRAM)
		return 1;
	return 2 + metric->buckets + !metric->has_infinite_bucket;
}

static void
learn(struct scanner *scanner, struct slice name, size_t size,
    const struct wire_metric *metric)
{
	struct learn *learn = &scanner->learn;
	uint64_t type = scanner->protobuf.type, samples, fingerprint;
	const struct parse *parse;

	parse =
	    &scanner
		 ->parses[scanner->is_reading[PROMETHEUS_3] ? PROMETHEUS_3
							    : PROMETHEUS_242];
	samples = count_samples(type, metric);
	learn_name(learn, name.bytes, name.len);
	learn->name_len = 0;
	learn_sample(learn, size);
	learn->facts.samples += samples - 1;
	learn->families.samples += samples - 1;
	learn->facts.exemplars += metric->exemplars;
	learn->facts.histograms +=
	    (type == TYPE_HISTOGRAM || type == TYPE_GAUGE_HISTOGRAM) &&
	    is_native(metric);
	/* One for the metric, however many series it is made of. */
	fingerprint = labelset_fingerprint(parse, learn->seed);
	if (parse->has_timestamp)
		learn_timed_series(learn, fingerprint, parse->timestamp_ms);
	else
		learn_series(learn, fingerprint);
}

void
protobuf_take_metric(struct scanner *scanner, struct slice body, size_t size)
{
	struct protobuf *protobuf = &scanner->protobuf;
	struct slice name = { protobuf->name, protobuf->name_len };
	struct wire_metric metric = { .quantiles = 0 };
	char said[PROTOBUF_SAID_MAX];
	bool is_histogram;
	struct words words;
	int i;

	words_init(&words, said, sizeof(said));
	if (!wire_check(&wire_metric_message, body, &metric, &words)) {
		complain_both(scanner,
		    protobuf->metrics == 0 ? GRADE_FIRST : GRADE_METRIC, said);
		return;
	}
	is_histogram = protobuf->type == TYPE_HISTOGRAM ||
		       protobuf->type == TYPE_GAUGE_HISTOGRAM;
	if (is_histogram && is_native(&metric))
		check_spans(scanner, &metric);
	for (i = 0; i < PROMETHEUS_COUNT; i++) {
		if (!read_labels(scanner, body, &scanner->parses[i]))
			return;
		/* The name's comes on top. */
		if (scanner->parses[i].label_count == PARSE_LABELS_MAX) {
			scanner_give_up(scanner);
			return;
		}
	}
	check_series(scanner, is_histogram || protobuf->type == TYPE_SUMMARY
				  ? with_count(protobuf)
				  : name);
	learn(scanner, name, size, &metric);
}
