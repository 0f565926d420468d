/*
 * Who reads which body, with whose series to compare; and what a scan means
 * for a scrape.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/inspect.h"
#include "proxy/fetch/report.h"

#define TEXT "text/plain; version=0.0.4"
#define OPENMETRICS "application/openmetrics-text; version=1.0.0"
#define ACCEPT "text/plain"

static char one_name[] = "one", two_name[] = "two";

static const struct conf_target one = { .name = one_name,
	.validate = CONF_VALIDATE_REFUSE };
static const struct conf_target two = { .name = two_name,
	.validate = CONF_VALIDATE_REPORT };

static const struct scanner_result *
finish(struct inspection *inspection)
{
	const struct content_verdict *content;

	return inspection_end(inspection, &content);
}

static struct inspection *
begin(struct inspector *inspector, const struct conf_target *target,
    const char *query, const char *text)
{
	struct inspection *inspection =
	    inspection_new(inspector, target, query, ACCEPT);

	assert_false(inspection_has_begun(inspection));
	inspection_begin(inspection, TEXT);
	assert_true(inspection_has_begun(inspection));
	inspection_feed(inspection, text, strlen(text));
	return inspection;
}

/* A whole body; how many series came and went, or -1 each if that is not
 * known. */
static void
scrape(struct inspector *inspector, const struct conf_target *target,
    const char *query, const char *text, int added, int gone)
{
	struct inspection *inspection = begin(inspector, target, query, text);
	const struct exposition_facts *facts = &finish(inspection)->facts;

	assert_true(facts->has_series);
	assert_int_equal(facts->has_series_before, added >= 0);
	if (added >= 0) {
		assert_int_equal(facts->series_added, added);
		assert_int_equal(facts->series_gone, gone);
	}
	inspection_free(inspection);
}

static void
test_off(void **state)
{
	static const struct conf_target off = { .name = one_name };
	struct inspector *inspector = inspector_new();

	(void)state;
	assert_null(inspection_new(inspector, &off, "", ACCEPT));
	inspection_reset(NULL);
	inspection_free(NULL);
	inspector_free(inspector);
}

static void
test_series_from_scrape_to_scrape(void **state)
{
	struct inspector *inspector = inspector_new();

	(void)state;
	scrape(inspector, &one, "", "a 1\nb 1\n", -1, -1);
	scrape(inspector, &two, "", "x 1\n", -1, -1);
	scrape(inspector, &one, "", "a 1\nc 1\nd 1\n", 2, 1);
	scrape(inspector, &two, "", "x 1\n", 0, 0);
	/* Of another query nobody knows, and it changes nothing. */
	scrape(inspector, &one, "collect[]=x", "a 1\n", -1, -1);
	scrape(inspector, &one, "", "a 1\nc 1\nd 1\n", 0, 0);
	inspector_free(inspector);
}

/* The key that comes most has the series. */
static void
test_another_main_key(void **state)
{
	struct inspector *inspector = inspector_new();
	int i;

	(void)state;
	scrape(inspector, &one, "once", "a 1\n", -1, -1);
	for (i = 0; i < 8; i++)
		scrape(inspector, &one, "", "a 1\nb 1\n", -1, -1);
	scrape(inspector, &one, "", "a 1\n", 0, 1);
	inspector_free(inspector);
}

static void
test_two_at_a_time(void **state)
{
	struct inspector *inspector = inspector_new();
	struct inspection *first, *second;

	(void)state;
	scrape(inspector, &one, "", "a 1\n", -1, -1);
	first = begin(inspector, &one, "", "a 1\nb 1\n");
	second = begin(inspector, &one, "", "bad\n");
	assert_int_equal(
	    finish(second)->verdicts[PROMETHEUS_3].judgement, SCANNER_REFUSED);
	inspection_feed(first, "c 1\n", 4);
	inspection_free(second);
	assert_int_equal(finish(first)->facts.series_added, 2);
	assert_int_equal(
	    finish(first)->verdicts[PROMETHEUS_3].judgement, SCANNER_ACCEPTED);
	inspection_free(first);
	inspector_free(inspector);
}

/* What did not come to its end has not been. */
static void
test_broken_off(void **state)
{
	struct inspector *inspector = inspector_new();
	struct inspection *inspection;

	(void)state;
	scrape(inspector, &one, "", "a 1\n", -1, -1);
	inspection = begin(inspector, &one, "", "x 1\ny 1\n");
	inspection_reset(inspection);
	assert_false(inspection_has_begun(inspection));
	inspection_begin(inspection, TEXT);
	inspection_feed(inspection, "z 1\n", 4);
	inspection_free(inspection);
	inspection = begin(inspector, &one, "", "x 1\nbad\n");
	assert_false(finish(inspection)->facts.has_series);
	inspection_free(inspection);
	scrape(inspector, &one, "", "a 1\nb 1\n", 1, 0);
	inspector_free(inspector);
}

static void
test_reload(void **state)
{
	struct inspector *inspector = inspector_new();
	struct conf_target targets[] = { two, one };
	struct conf both = {
		.targets = targets, .target_count = 2, .memory_budget = 64 << 20
	};
	struct conf only_two = {
		.targets = targets, .target_count = 1, .memory_budget = 64 << 20
	};
	struct inspection *inspection;

	(void)state;
	scrape(inspector, &one, "", "a 1\n", -1, -1);
	scrape(inspector, &two, "", "a 1\n", -1, -1);
	inspector_switch(inspector, &both);
	scrape(inspector, &one, "", "a 1\nb 1\n", 1, 0);
	inspection = begin(inspector, &one, "", "a 1\n");
	inspector_switch(inspector, &only_two);
	assert_int_equal(finish(inspection)->facts.series_gone, 1);
	inspection_free(inspection);
	scrape(inspector, &two, "", "a 1\nb 1\n", 1, 0);
	inspector_switch(inspector, &both);
	scrape(inspector, &one, "", "a 1\n", -1, -1);
	inspector_free(inspector);
}

/* A small budget holds few series, and says so. */
static void
test_budget(void **state)
{
	struct inspector *inspector = inspector_new();
	struct conf_target targets[] = { one };
	struct conf conf = {
		.targets = targets, .target_count = 1, .memory_budget = 64 << 10
	};
	struct inspection *inspection;
	char line[32];
	int i;

	(void)state;
	inspector_switch(inspector, &conf);
	inspection = begin(inspector, &one, "", "");
	for (i = 0; i < 5000; i++)
		inspection_feed(inspection, line,
		    (size_t)snprintf(line, sizeof(line), "a%d 1\n", i));
	assert_false(finish(inspection)->facts.has_series);
	assert_int_equal(finish(inspection)->facts.samples, 5000);
	inspection_free(inspection);
	inspector_free(inspector);
}

/* Many attempts of one target at a time: only one may hold many series. */
static void
test_budget_of_others(void **state)
{
	struct inspector *inspector = inspector_new();
	struct inspection *first, *second;
	char line[32];
	size_t len;
	int i;

	(void)state;
	first = begin(inspector, &one, "", "");
	second = begin(inspector, &one, "other", "");
	for (i = 0; i < 7000; i++) {
		len = (size_t)snprintf(line, sizeof(line), "a%d 1\n", i);
		inspection_feed(first, line, len);
		inspection_feed(second, line, len);
	}
	assert_true(finish(first)->facts.has_series);
	assert_false(finish(second)->facts.has_series);
	assert_int_equal(finish(second)->facts.samples, 7000);
	inspection_free(second);
	inspection_free(first);
	inspector_free(inspector);
}

/* Verdicts. */

static const struct {
	const char *content_type;
	const char *body;
	enum reason reason;
	bool is_no_metrics;
} bodies[] = {
	{ TEXT, "a 1\n", REASON_OK, false },
	{ NULL, "a 1\n", REASON_OK, false },
	{ "text/html", "a 1\n", REASON_OK, false },
	{ TEXT, "{\"a.b\"} 1\n", REASON_OK, false },
	{ OPENMETRICS, "a 1 # {} 1\n# EOF\n", REASON_OK, false },
	{ TEXT, "a x\n", REASON_PARSE_VALUE_NOT_NUMBER, false },
	{ TEXT, "<p>", REASON_PARSE_START_TOKEN, true },
	{ TEXT, "a 1\n<p>", REASON_PARSE_START_TOKEN, false },
	{ "text/html", "<p>", REASON_CONTENT_TYPE_UNSUPPORTED, true },
	{ NULL, "a x\n", REASON_CONTENT_TYPE_MISSING, true },
	{ "x/", "a x\n", REASON_CONTENT_TYPE_UNPARSABLE, true },
	/* 2.51 and later would take it, read as text. */
	{ "text/html", "{\"a\"} 1\n", REASON_OK, false },
	{ TEXT, "a 1\nb 1\nc 1\n", REASON_LIMIT_SAMPLES, false },
	/* A relabelling may drop that series. */
	{ TEXT, "a{b=\"1\",b=\"2\"} 1\n", REASON_SERIES_LABEL_DUPLICATE,
	    false },
	/* A repeat never gets as far as being counted, since 2.52. */
	{ TEXT, "a 1\nb 1\nb 1\n", REASON_OK, false },
	{ "text/html", "a 1\nb 1\nc 1\n", REASON_LIMIT_SAMPLES, false },
	{ TEXT, "a{b=\"1\",c=\"2\",d=\"3\"} 1\n", REASON_LIMIT_LABELS, false },
	{ TEXT, "", REASON_BODY_EMPTY, false },
};

static void
judge(struct inspection *inspection, size_t i)
{
	struct report report = { .end = ATTEMPT_COMPLETE };
	bool is_fine = bodies[i].reason == REASON_OK ||
		       bodies[i].reason == REASON_BODY_EMPTY;
	enum reason reason;

	report.judge.status = 200;
	report.judge.verdict = VERDICT_WHOLE;
	report.judge.is_head_complete = true;
	inspection_begin(inspection, bodies[i].content_type);
	inspection_feed(inspection, bodies[i].body, strlen(bodies[i].body));
	report.scan = inspection_end(inspection, &report.content);
	is_fine |= !report.scan->is_refused_everywhere;
	reason = classify(&report);
	if (reason != bodies[i].reason)
		fail_msg("row %zu: %s", i, reason_row(reason)->id);
	assert_int_equal(
	    classify_is_no_metrics(&report), bodies[i].is_no_metrics);
	assert_int_equal(classify_is_delivered(&report, &one, reason), is_fine);
	assert_true(classify_is_delivered(&report, &two, reason));
	report.is_streamed = true;
	assert_true(classify_is_delivered(&report, &one, reason));
	assert_false(
	    classify_is_delivered(&report, &two, REASON_BODY_TRUNCATED));
}

static void
test_verdicts(void **state)
{
	struct conf_target target = one;
	struct inspector *inspector = inspector_new();
	struct inspection *inspection;
	size_t i;

	(void)state;
	target.sample_limit = 2;
	target.label_limit = 3;
	inspection = inspection_new(inspector, &target, "", ACCEPT);
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		judge(inspection, i);
	inspection_free(inspection);
	inspector_free(inspector);
}

/* One that was cut is not read, and says nothing. */
static void
test_long_content_type(void **state)
{
	struct inspector *inspector = inspector_new();
	struct inspection *inspection =
	    inspection_new(inspector, &one, "", ACCEPT);
	const struct content_verdict *content;
	char type[256];

	(void)state;
	memset(type, 'x', sizeof(type) - 1);
	type[sizeof(type) - 1] = '\0';
	inspection_begin(inspection, type);
	inspection_feed(inspection, "bad", 3);
	assert_null(inspection_end(inspection, &content));
	assert_null(content);
	inspection_free(inspection);
	inspector_free(inspector);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_series_from_scrape_to_scrape),
		cmocka_unit_test(test_another_main_key),
		cmocka_unit_test(test_two_at_a_time),
		cmocka_unit_test(test_broken_off),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_budget_of_others),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_long_content_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
