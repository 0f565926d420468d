/*
 * What the scanner learns beside the verdict: facts, warnings, limits, series
 * that came and went, and verdicts that depend on the Content-Type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scanner_feed.h"

static struct scanner *scanner;

static int
set_up(void **state)
{
	(void)state;
	scanner = scanner_new(0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	scanner_free(scanner);
	return 0;
}

static const struct scanner_result *
scan_as(enum exposition_format format, const char *body)
{
	struct scanner_options options = feed_options(format);

	options.now_ms = 1700000000000;
	return feed_scan(scanner, &options, body, strlen(body), FEED_WHOLE);
}

static const struct scanner_result *
scan(const char *body)
{
	return scan_as(FORMAT_TEXT, body);
}

static void
test_counts(void **state)
{
	const struct exposition_facts *facts;

	(void)state;
	facts = &scan("# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\n"
		      "a_count 1\na_sum 1\nb 1\nb{c=\"d\"} 2 1700000000000\n")
		     ->facts;
	assert_int_equal(facts->samples, 5);
	assert_int_equal(facts->families, 2);
	assert_int_equal(facts->lines, 7);
	assert_int_equal(facts->bytes, 96);
	assert_int_equal(facts->timestamps, 1);
	assert_int_equal(facts->exemplars, 0);
	facts = &scan_as(FORMAT_OPENMETRICS,
	    "a_total 1 # {b=\"c\"} 1\na_total{d=\"e\"} 1\n# EOF\n")
		     ->facts;
	assert_int_equal(facts->samples, 2);
	assert_int_equal(facts->exemplars, 1);
	assert_int_equal(facts->lines, 3);
	assert_int_equal(facts->families, 1);
}

static void
test_families(void **state)
{
	char body[8192] = "";
	const struct exposition_facts *facts;
	int i, k;

	(void)state;
	/* Family fNN has NN samples. */
	for (i = 1; i <= 12; i++)
		for (k = 0; k < i; k++)
			sprintf(
			    body + strlen(body), "f%02d{i=\"%02d\"} 1\n", i, k);
	facts = &scan(body)->facts;
	assert_int_equal(facts->families, 12);
	assert_int_equal(facts->top_count, FACTS_FAMILIES);
	assert_string_equal(facts->top[0].name, "f12");
	assert_int_equal(facts->top[0].samples, 12);
	assert_int_equal(facts->top[0].bytes, 12 * 14);
	assert_string_equal(facts->top[9].name, "f03");
}

static void
test_values(void **state)
{
	const struct exposition_facts *facts;

	(void)state;
	facts = &scan("process_start_time_seconds 1.69e+09\n"
		      "process_open_fds 12\nprocess_max_fds{a=\"b\"} 1024\n"
		      "go_gc_duration_seconds{quantile=\"0\"} 1\n"
		      "go_gc_duration_seconds{quantile=\"1\"} 0.25\n"
		      "go_gc_duration_seconds_sum 7\n"
		      "  go_goroutines 5\n")
		     ->facts;
	assert_true(facts->has_value[FACT_START_TIME]);
	assert_true(facts->value[FACT_START_TIME] == 1.69e9);
	assert_true(facts->value[FACT_OPEN_FDS] == 12);
	assert_false(facts->has_value[FACT_MAX_FDS]);
	assert_true(facts->value[FACT_GO_GC_MAX_SECONDS] == 0.25);
	assert_true(facts->value[FACT_GO_GC_SUM_SECONDS] == 7);
	assert_false(facts->has_value[FACT_GO_GC_COUNT]);
	assert_false(facts->has_value[FACT_GO_GOROUTINES]);
	assert_string_equal(fact_name(FACT_OPEN_FDS), "process_open_fds");
	/* What has no value is no label. */
	facts = &scan("process_open_fds{a=\"\",b=\"\"} 12\n"
		      "go_gc_duration_seconds{a=\"\",quantile=\"1\"} 0.25\n"
		      "process_max_fds{a=\"\",b=\"c\"} 1024\n")
		     ->facts;
	assert_true(facts->value[FACT_OPEN_FDS] == 12);
	assert_true(facts->value[FACT_GO_GC_MAX_SECONDS] == 0.25);
	assert_false(facts->has_value[FACT_MAX_FDS]);
	/* Legal, but nothing to compute or print with. */
	facts = &scan("process_start_time_seconds NaN\n"
		      "process_open_fds +Inf\nprocess_max_fds -1\n"
		      "process_resident_memory_bytes 1e300\n")
		     ->facts;
	assert_false(facts->has_value[FACT_START_TIME]);
	assert_false(facts->has_value[FACT_OPEN_FDS]);
	assert_false(facts->has_value[FACT_MAX_FDS]);
	assert_false(facts->has_value[FACT_RESIDENT_BYTES]);
}

static void
test_series(void **state)
{
	const struct exposition_facts *facts;

	(void)state;
	facts = &scan("a 1\nb{c=\"d\",e=\"f\"} 1\n")->facts;
	assert_true(facts->has_series);
	assert_false(facts->has_series_before);
	assert_int_equal(facts->series_added, 2);
	assert_int_equal(facts->series_gone, 0);
	/* Another order of labels, and one without a value, are the same. */
	facts = &scan("b{e=\"f\",g=\"\",c=\"d\"} 1\nh 1\n")->facts;
	assert_true(facts->has_series_before);
	assert_int_equal(facts->series_added, 1);
	assert_int_equal(facts->series_gone, 1);
	/* A bad one changes nothing of what is remembered. */
	facts = &scan("x 1\ny 1\nz nothing\n")->facts;
	assert_false(facts->has_series);
	facts = &scan("b{c=\"d\",e=\"f\"} 1\nh 1\n")->facts;
	assert_int_equal(facts->series_added, 0);
	assert_int_equal(facts->series_gone, 0);
	scanner_forget(scanner);
	facts = &scan("h 1\n")->facts;
	assert_false(facts->has_series_before);
}

static void
test_many_series(void **state)
{
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *result = NULL;
	char line[64];
	int round, i, len;

	(void)state;
	for (round = 0; round < 2; round++) {
		scanner_begin(scanner, &options);
		for (i = 0; i < 100000; i++) {
			len = snprintf(line, sizeof(line), "a{i=\"%d\"} 1\n",
			    i + round * 50000);
			scanner_feed(scanner, line, (size_t)len);
		}
		result = scanner_finish(scanner);
		assert_int_equal(result->facts.repeats, 0);
	}
	/* 150 000 do not fit: then nothing is claimed. */
	assert_false(result->facts.has_series);
	assert_int_equal(
	    result->verdicts[PROMETHEUS_3].judgement, SCANNER_ACCEPTED);
}

static void
test_warnings(void **state)
{
	static const struct {
		const char *body;
		enum warning warning;
		uint64_t count, line;
		const char *first;
	} cases[] = {
		{ "", WARNING_EMPTY_BODY, 1, 0, NULL },
		{ "# x\n\n", WARNING_NO_SAMPLES, 1, 0, NULL },
		{ "a 1\n  b 1\n", WARNING_LEADING_BLANK, 1, 2, "  b" },
		{ "a{b=\"c\"d=\"e\"} 1\n", WARNING_MISSING_COMMA, 1, 1, "a" },
		{ "a{b=\"c\nd\"} 1\n", WARNING_RAW_NEWLINE, 1, 1, "a" },
		{ "a{b=\"c\\d\"} 1\n", WARNING_UNKNOWN_ESCAPE, 1, 1, "a" },
		{ "a 1\n# TYPE a gauge\n", WARNING_TYPE_LATE, 1, 2, "a" },
		{ "# TYPE a gauge\n# TYPE a gauge\n", WARNING_TYPE_TWICE, 1, 2,
		    "a" },
		{ "# HELP a x\n# HELP a x\n", WARNING_TYPE_TWICE, 1, 2, "a" },
		{ "a 1\nb 1\na{c=\"d\"} 1\n", WARNING_INTERLEAVED, 1, 3, "a" },
		{ "a 1\n# EOF\na{b=\"c\"} 1\n", WARNING_EOF_INSIDE, 1, 3, "a" },
		{ "a 1\nb 1\nb 2\na 2\nb 3\n", WARNING_DUPLICATE, 3, 3, "b" },
		{ "a 1 1700000000000\na 1 1700000000000\n", WARNING_DUPLICATE,
		    1, 2, "a" },
		{ "a 1 1700000000001\na 1 1700000000000\n",
		    WARNING_OUT_OF_ORDER, 1, 2, "a" },
		{ "a 1 1700000000\n", WARNING_TIMESTAMP_SECONDS, 1, 1, "a" },
		{ "a 1 1700000000000000\n", WARNING_TIMESTAMP_MICRO, 1, 1,
		    "a" },
		{ "a 1 1700000600001\n", WARNING_TIMESTAMP_FUTURE, 1, 1, "a" },
		{ "a 1 1699990000000\n", WARNING_TIMESTAMP_OLD, 1, 1, "a" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct scanner_result *result = scan(cases[i].body);
		const struct warning_row *row =
		    &result->warnings.rows[cases[i].warning];

		assert_int_equal(
		    result->verdicts[PROMETHEUS_3].judgement, SCANNER_ACCEPTED);
		if (row->count != cases[i].count ||
		    row->first_line != cases[i].line)
			fail_msg("case %zu: %d times, line %d", i,
			    (int)row->count, (int)row->first_line);
		if (cases[i].first != NULL)
			assert_string_equal(
			    row->offenders[0].name, cases[i].first);
		for (k = 0; k < WARNING_COUNT; k++)
			if (k != cases[i].warning && k != WARNING_NO_SAMPLES &&
			    result->warnings.rows[k].count > 0 &&
			    cases[i].warning != WARNING_DUPLICATE)
				fail_msg("case %zu: also %s", i,
				    warning_id((enum warning)k));
		assert_true(strlen(warning_words(cases[i].warning)) > 10);
	}
}

static void
test_usual(void **state)
{
	const struct scanner_result *result;
	size_t i;

	(void)state;
	result = scan("# HELP a x\n# TYPE a counter\na 1\na{b=\"c\"} 2\n"
		      "# TYPE b gauge\nb 1 1700000000000\n");
	for (i = 0; i < WARNING_COUNT; i++)
		assert_int_equal(result->warnings.rows[i].count, 0);
}

static void
test_nul(void **state)
{
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *result;

	(void)state;
	result =
	    feed_scan(scanner, &options, "a 1\n\0b nonsense\n", 16, FEED_WHOLE);
	assert_int_equal(
	    result->verdicts[PROMETHEUS_3].judgement, SCANNER_ACCEPTED);
	assert_int_equal(result->warnings.rows[WARNING_NUL].count, 1);
	assert_int_equal(result->warnings.rows[WARNING_NUL].first_line, 2);
	assert_int_equal(result->facts.samples, 1);
	assert_int_equal(result->facts.bytes, 16);
}

static void
check_limit(const struct exposition_limits *limits, const char *body,
    enum reason reason, const char *said)
{
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *result;
	int careful, version;

	options.limits = *limits;
	for (careful = 0; careful < 2; careful++) {
		options.is_careful = careful;
		result = feed_scan(
		    scanner, &options, body, strlen(body), FEED_WHOLE);
		for (version = 0; version < PROMETHEUS_COUNT; version++)
			assert_int_equal(
			    result->verdicts[version].reason, reason);
		assert_string_equal(result->verdicts[PROMETHEUS_3].said, said);
	}
}

static void
test_limits(void **state)
{
	static const struct exposition_limits size = { .body_size = 10 },
					      samples = { .samples = 2 },
					      labels = { .labels = 3 },
					      name = { .label_name_length = 8 },
					      value = { .label_value_length =
							    5 };

	(void)state;
	check_limit(&size, "a 1\nb 22\n", REASON_OK, "");
	check_limit(&size, "a 1\nb 222\n", REASON_LIMIT_BODY_SIZE,
	    "body size limit exceeded");
	check_limit(&size, "a x\nb 222\n", REASON_LIMIT_BODY_SIZE,
	    "body size limit exceeded");
	check_limit(&samples, "a 1\nb 1\n", REASON_OK, "");
	check_limit(&samples, "a 1\nb 1\nc 1\n", REASON_LIMIT_SAMPLES,
	    "sample limit exceeded");
	check_limit(&samples, "a 1\nb 1\nc 1\nd x\n",
	    REASON_PARSE_VALUE_NOT_NUMBER,
	    "strconv.ParseFloat: parsing \"x\": invalid syntax while parsing: "
	    "\"d x\"");
	check_limit(&labels, "a{b=\"c\",d=\"e\"} 1\n", REASON_OK, "");
	check_limit(&labels, "a{b=\"c\",d=\"e\",f=\"\"} 1\n", REASON_OK, "");
	check_limit(&labels, "a{b=\"c\",d=\"e\",f=\"g\"} 1\n",
	    REASON_LIMIT_LABELS,
	    "label_limit exceeded (metric: a, number of labels: 4, limit: 3)");
	check_limit(&name, "a{b2345678=\"c\"} 1\n", REASON_OK, "");
	check_limit(&name, "a{b23456789=\"c\"} 1\n",
	    REASON_LIMIT_LABEL_NAME_LENGTH,
	    "label_name_length_limit exceeded (metric: a, label name: "
	    "b23456789, length: 9, limit: 8)");
	check_limit(&value, "a{b=\"12345\"} 1\n", REASON_OK, "");
	check_limit(&value, "a{b=\"\\\\2345\"} 1\n", REASON_OK, "");
	check_limit(&value, "a{b=\"123456\"} 1\n",
	    REASON_LIMIT_LABEL_VALUE_LENGTH,
	    "label_value_length_limit exceeded (metric: a, label name: b, "
	    "value: \"123456\", length: 6, limit: 5)");
	check_limit(&value, "abcdef 1\n", REASON_LIMIT_LABEL_VALUE_LENGTH,
	    "label_value_length_limit exceeded (metric: abcdef, label name: "
	    "__name__, value: \"abcdef\", length: 6, limit: 5)");
}

/* Whose sample is dropped anyway may have a label twice. */
static void
test_dropped(void **state)
{
	static const char twice[] = "a{b=\"c\",b=\"d\"} 1";
	struct scanner_options options = feed_options(FORMAT_TEXT);
	char body[128];
	size_t i;
	static const struct {
		const char *before, *timestamp;
		uint64_t samples;
		enum reason reason;
	} cases[] = {
		{ "", "", 0, REASON_SERIES_LABEL_DUPLICATE },
		{ "", " 1699999000000", 0, REASON_SERIES_LABEL_DUPLICATE },
		{ "", " 1700000", 0, REASON_OK },
		{ "", " 1700000700000", 0, REASON_OK },
		{ "x 1\n", "", 2, REASON_SERIES_LABEL_DUPLICATE },
		{ "x 1\ny 1\n", "", 2, REASON_LIMIT_SAMPLES },
	};

	(void)state;
	options.now_ms = 1700000000000;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct scanner_result *result;

		snprintf(body, sizeof(body), "%s%s%s\n", cases[i].before, twice,
		    cases[i].timestamp);
		options.limits.samples = cases[i].samples;
		result = feed_scan(scanner, &options, body, strlen(body), 0);
		assert_int_equal(
		    result->verdicts[PROMETHEUS_3].reason, cases[i].reason);
		assert_int_equal(
		    result->verdicts[PROMETHEUS_242].reason, cases[i].reason);
	}
}

/* Some repeats are dropped before they are counted, since 2.52. */
static void
test_repeated_samples(void **state)
{
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *result;

	(void)state;
	options.limits.samples = 2;
	result = feed_scan(scanner, &options, "a 1\na 1\nb 1\n", 12, 0);
	assert_int_equal(
	    result->verdicts[PROMETHEUS_3].judgement, SCANNER_UNKNOWN);
	assert_false(result->is_refused_everywhere);
	assert_int_equal(
	    result->verdicts[PROMETHEUS_242].reason, REASON_LIMIT_SAMPLES);
}

static void
test_near(void **state)
{
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *result;

	(void)state;
	options.limits.samples = 5;
	result = feed_scan(scanner, &options, "a 1\nb 1\nc 1\nd 1\n", 16, 0);
	assert_int_equal(result->warnings.rows[WARNING_LIMIT_NEAR].count, 0);
	result =
	    feed_scan(scanner, &options, "a 1\nb 1\nc 1\nd 1\ne 1\n", 20, 0);
	assert_int_equal(result->warnings.rows[WARNING_LIMIT_NEAR].count, 1);
	assert_string_equal(
	    result->warnings.rows[WARNING_LIMIT_NEAR].offenders[0].name,
	    "sample_limit");
	options.limits.samples = 0;
	options.limits.body_size = 24;
	result =
	    feed_scan(scanner, &options, "a 1\nb 1\nc 1\nd 1\ne 1\n", 20, 0);
	assert_int_equal(result->warnings.rows[WARNING_LIMIT_NEAR].count, 1);
}

static const struct scanner_result *
scan_typed(const char *content_type, const char *body)
{
	struct scanner_options options = { .keeps_series = true };

	content_type_judge(&options.content, content_type,
	    content_type == NULL ? 0 : strlen(content_type), FORMAT_NONE);
	return feed_scan(scanner, &options, body, strlen(body), FEED_WHOLE);
}

static void
test_content(void **state)
{
	static const char om[] = "a 1 1700000000.5\n# EOF\n";
	const struct scanner_result *result;

	(void)state;
	result = scan_typed("text/html", "a 1\n");
	assert_int_equal(result->verdicts[PROMETHEUS_3].reason,
	    REASON_CONTENT_TYPE_UNSUPPORTED);
	assert_string_equal(
	    result->verdicts[PROMETHEUS_3].offending, "text/html");
	assert_int_equal(
	    result->verdicts[PROMETHEUS_242].judgement, SCANNER_ACCEPTED);
	assert_int_equal(result->facts.samples, 1);
	/* An empty body comes before the Content-Type. */
	result = scan_typed("text/html", "");
	assert_int_equal(
	    result->verdicts[PROMETHEUS_3].judgement, SCANNER_ACCEPTED);
	result = scan_typed("application/openmetrics-text", "");
	assert_int_equal(
	    result->verdicts[PROMETHEUS_3].judgement, SCANNER_ACCEPTED);
	assert_int_equal(
	    result->verdicts[PROMETHEUS_242].reason, REASON_OM_MISSING_EOF);
	/* What 2.x takes for text may be OpenMetrics. */
	result = scan_typed("application/openmetrics", "a 1 17\n# EOF\n");
	assert_int_equal(
	    result->warnings.rows[WARNING_OPENMETRICS_AS_TEXT].count, 1);
	result = scan_typed("application/openmetrics-text", om);
	assert_int_equal(
	    result->verdicts[PROMETHEUS_3].judgement, SCANNER_ACCEPTED);
}

/* With and without haste the same; returns the result of the first. */
static const struct scanner_result *
scan_both_ways(struct scanner_options options, size_t slots, const char *body)
{
	struct scanner *careful = scanner_new(slots);
	const struct scanner_result *result, *other;

	options.now_ms = 1700000000000;
	scanner_free(scanner);
	scanner = scanner_new(slots);
	result = feed_scan(scanner, &options, body, strlen(body), FEED_WHOLE);
	options.is_careful = true;
	other = feed_scan(careful, &options, body, strlen(body), FEED_WHOLE);
	assert_true(feed_is_same(result, other));
	scanner_free(careful);
	return result;
}

/* Names in the places of the line before, in others, and twice. */
static void
test_label_layouts(void **state)
{
	static const char body[] = "a{b=\"1\",c=\"2\",d=\"3\"} 1\n"
				   "a{b=\"2\",c=\"2\"} 1\n"
				   "a{b=\"2\",c=\"2\",e=\"3\"} 1\n"
				   "a{b=\"2\",d=\"2\",c=\"3\"} 1\n"
				   "a{d=\"2\",c=\"3\",b=\"2\"} 1\n"
				   "a 1\n"
				   "a{bb=\"2\",d=\"2\"} 1\n"
				   "a{b=\"\",d=\"2\"} 1\n";
	static const char *const twice[] = {
		"a{b=\"1\",c=\"2\"} 1\na{b=\"1\",c=\"2\",b=\"3\"} 1\n",
		"a{b=\"1\",c=\"2\"} 1\na{b=\"1\",b=\"2\"} 1\n",
		"a{b=\"1\",c=\"2\"} 1\na{c=\"1\",c=\"2\"} 1\n",
		"a{b=\"1\",c=\"2\",d=\"3\"} 1\na{d=\"1\",c=\"2\",d=\"3\"} 1\n",
	};
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *result = scan_both_ways(options, 0, body);
	size_t i;

	(void)state;
	assert_int_equal(result->verdicts[0].judgement, SCANNER_ACCEPTED);
	assert_int_equal(result->facts.series_added, 7);
	assert_int_equal(result->facts.repeats, 1);
	for (i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
		result = scan_both_ways(options, 0, twice[i]);
		assert_int_equal(
		    result->verdicts[0].reason, REASON_SERIES_LABEL_DUPLICATE);
		assert_int_equal(result->verdicts[0].line, 2);
	}
}

/* More series than the table holds: the order in time is judged all the same,
 * and those that come twice are counted where that matters. */
static void
test_full_table(void **state)
{
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *result;
	char *body, *end;
	int may_stop;
	size_t i;

	(void)state;
	end = body = malloc(32768);
	for (i = 0; i < 300; i++)
		end += sprintf(end, "a{b=\"%zu\"} 1\n", i);
	/* One that fits, and one that does not. */
	end += sprintf(end, "a{b=\"0\"} 1\na{b=\"299\"} 1\n");
	end += sprintf(end, "c{d=\"1\"} 1 1700000000002\n"
			    "c{d=\"1\"} 1 1700000000001\n"
			    "c{d=\"2\"} 1 1700000000000\n"
			    "c 1 1700000000002\nc 1 1700000000001\n");
	for (may_stop = 0; may_stop < 2; may_stop++) {
		options.stops_when_full = may_stop;
		options.limits.samples = 0;
		result = scan_both_ways(options, 256, body);
		assert_int_equal(
		    result->verdicts[0].judgement, SCANNER_ACCEPTED);
		assert_int_equal(result->facts.samples, 307);
		assert_false(result->facts.has_series);
		assert_int_equal(result->facts.repeats, may_stop ? 0 : 1);
		assert_int_equal(
		    result->warnings.rows[WARNING_OUT_OF_ORDER].count, 2);
		/* Prometheus 2.52 and later do not count them. */
		options.limits.samples = 305;
		result = scan_both_ways(options, 256, body);
		assert_int_equal(
		    result->verdicts[PROMETHEUS_3].judgement, SCANNER_UNKNOWN);
		assert_false(result->is_refused_everywhere);
	}
	free(body);
}

/*
 * Refused by all is not refused everywhere: settings of Prometheus may mend a
 * Content-Type or drop a series.
 */
static void
test_everywhere(void **state)
{
	static const char text[] = "text/plain",
			  om[] = "application/openmetrics-text",
			  html[] = "text/html";
	static const struct {
		const char *content_type, *body;
		bool is_everywhere;
	} cases[] = {
		{ text, "a 1\n", false },
		{ text, "a 1\nb x\n", true },
		{ text, "{\"a\"} 1\n", false },
		{ om, "a 1\n", true },
		{ om, "a 1\n# EOF\n", false },
		{ html, "a 1\n", false },
		{ html, "a x\n", true },
		{ html, "<!DOCTYPE html>\n", true },
		{ html, "{\"status\":\"ok\"}", true },
		{ html, "", false },
		{ NULL, "<html>\n", true },
		/* 2.42 refuses, 3 would not with a fallback to text. */
		{ html, "{\"a\"} 1\n", false },
		/* Nor with one to OpenMetrics, or to protobuf. */
		{ html, "a 1 # {} 1\n", true },
		{ html, "a 1 # {} 1\n# EOF\n", false },
		{ html, "a 1 # {} 1\n# EOF", false },
		{ html,
		    "\x05\x0a\x03"
		    "abc",
		    false },
		{ html,
		    "\x85\x01\x0a"
		    "abc",
		    false },
		/* What metric_relabel_configs may drop. */
		{ text, "a{b=\"1\",b=\"2\"} 1\n", false },
		{ text, "a{__name__=\"\"} 1\n", false },
		{ text, "{b=\"1\"} 1\n", true },
		/* Read as names by releases between the two. */
		{ text, "{a} 1\n", false },
		{ text, "{a,b=\"c\"} 1\n", false },
		{ om, "{a} 1\n# EOF\n", false },
		{ text, "a{b} 1\n", true },
		{ om, "a 1 # {b} 1\n# EOF\n", true },
		/* Each version may read it in its own way. */
		{ "application/openmetrics-text;version=2.0.0", "a x\n",
		    false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (scan_typed(cases[i].content_type, cases[i].body)
			->is_refused_everywhere != cases[i].is_everywhere)
			fail_msg("case %zu", i);
}

static void
test_own_limits(void **state)
{
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const char *body = "a{b=\"1\",c=\"2\"} 1\nb 1\n";

	(void)state;
	options.limits.samples = 1;
	assert_true(feed_scan(scanner, &options, body, strlen(body), 0)
			->is_refused_everywhere);
	options.limits.samples = 0;
	options.limits.labels = 2;
	assert_true(feed_scan(scanner, &options, body, strlen(body), 0)
			->is_refused_everywhere);
	options.limits.labels = 0;
	options.limits.body_size = 5;
	assert_true(feed_scan(scanner, &options, body, strlen(body), 0)
			->is_refused_everywhere);
	options.limits.body_size = 0;
	options.limits.samples = 1;
	content_type_judge(&options.content, "text/html", 9, FORMAT_NONE);
	assert_true(feed_scan(scanner, &options, body, strlen(body), 0)
			->is_refused_everywhere);
}

/* Begun and never finished: the next one is not disturbed. */
static void
test_broken_off(void **state)
{
	struct scanner_options options = feed_options(FORMAT_TEXT);
	const struct scanner_result *result;

	(void)state;
	scan("a 1\n");
	scanner_begin(scanner, &options);
	scanner_feed(scanner, "b 1\nc{d=\"", 9);
	result = scan("a 1\n");
	assert_int_equal(result->facts.samples, 1);
	assert_int_equal(result->facts.series_added, 0);
	assert_int_equal(result->facts.series_gone, 0);
	assert_ptr_equal(scanner_finish(scanner), result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = { TEST(test_counts),
		TEST(test_families), TEST(test_values), TEST(test_series),
		TEST(test_many_series), TEST(test_warnings), TEST(test_usual),
		TEST(test_nul), TEST(test_limits), TEST(test_repeated_samples),
		TEST(test_dropped), TEST(test_near), TEST(test_content),
		TEST(test_label_layouts), TEST(test_full_table),
		TEST(test_everywhere), TEST(test_own_limits),
		TEST(test_broken_off) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
