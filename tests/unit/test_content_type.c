/*
 * Content-Types and what Prometheus makes of them; the words are those that
 * Prometheus 3 printed for the same headers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/exposition/content_type.h"

#define NO_FALLBACK " and no fallback_scrape_protocol"
#define UNPARSABLE(type)                                                       \
	"cannot parse Content-Type " type NO_FALLBACK " for target\nmime: "
#define UNSUPPORTED(type)                                                      \
	"received unsupported Content-Type " type NO_FALLBACK                  \
	" specified for target"

static const struct {
	const char *value;
	enum exposition_format format_3, format_242;
	enum reason reason;
	const char *said;
} cases[] = {
	{ "text/plain", FORMAT_TEXT, FORMAT_TEXT, REASON_OK, "" },
	{ "text/plain; version=0.0.4; charset=utf-8", FORMAT_TEXT, FORMAT_TEXT,
	    REASON_OK, "" },
	{ " TEXT/Plain ;x=\"a\\\"b;c\" ; ", FORMAT_TEXT, FORMAT_TEXT, REASON_OK,
	    "" },
	{ "application/openmetrics-text; version=1.0.0", FORMAT_OPENMETRICS,
	    FORMAT_OPENMETRICS, REASON_OK, "" },
	{ "application/vnd.google.protobuf; encoding=delimited",
	    FORMAT_PROTOBUF, FORMAT_PROTOBUF, REASON_OK, "" },
	{ NULL, FORMAT_NONE, FORMAT_TEXT, REASON_CONTENT_TYPE_MISSING,
	    "non-compliant scrape target sending blank Content-Type and no "
	    "fallback_scrape_protocol specified for target" },
	{ "", FORMAT_NONE, FORMAT_TEXT, REASON_CONTENT_TYPE_MISSING,
	    "non-compliant scrape target sending blank Content-Type and no "
	    "fallback_scrape_protocol specified for target" },
	{ "text/html; charset=utf-8", FORMAT_NONE, FORMAT_TEXT,
	    REASON_CONTENT_TYPE_UNSUPPORTED,
	    UNSUPPORTED("\"text/html; charset=utf-8\"") },
	{ "text", FORMAT_NONE, FORMAT_TEXT, REASON_CONTENT_TYPE_UNSUPPORTED,
	    UNSUPPORTED("\"text\"") },
	{ ";", FORMAT_NONE, FORMAT_TEXT, REASON_CONTENT_TYPE_UNPARSABLE,
	    UNPARSABLE("\";\"") "no media type" },
	{ "text plain", FORMAT_NONE, FORMAT_TEXT,
	    REASON_CONTENT_TYPE_UNPARSABLE,
	    UNPARSABLE("\"text plain\"") "expected slash after first token" },
	{ "invalid/", FORMAT_NONE, FORMAT_TEXT, REASON_CONTENT_TYPE_UNPARSABLE,
	    UNPARSABLE("\"invalid/\"") "expected token after slash" },
	{ "text/plain, text/html", FORMAT_NONE, FORMAT_TEXT,
	    REASON_CONTENT_TYPE_UNPARSABLE,
	    UNPARSABLE("\"text/plain, text/html\"") "unexpected content after "
						    "media subtype" },
	{ "text/plain; version", FORMAT_NONE, FORMAT_TEXT,
	    REASON_CONTENT_TYPE_UNPARSABLE,
	    UNPARSABLE("\"text/plain; version\"") "invalid media parameter" },
	{ "text/plain; a=\"b", FORMAT_NONE, FORMAT_TEXT,
	    REASON_CONTENT_TYPE_UNPARSABLE,
	    UNPARSABLE("\"text/plain; a=\\\"b\"") "invalid media parameter" },
	{ "text/plain; a=1; A=2", FORMAT_NONE, FORMAT_TEXT,
	    REASON_CONTENT_TYPE_UNPARSABLE,
	    UNPARSABLE("\"text/plain; a=1; A=2\"") "duplicate parameter name" },
	{ "application/openmetrics-text; version=\"2.0.0\"", FORMAT_NONE,
	    FORMAT_OPENMETRICS, REASON_OK, "" },
	{ "text/plain; version=2.0.0", FORMAT_TEXT, FORMAT_TEXT, REASON_OK,
	    "" },
	{ "application/openmetrics-text; a=1; a=1", FORMAT_OPENMETRICS,
	    FORMAT_TEXT, REASON_OK, "" },
};

static void
test_cases(void **state)
{
	struct content_verdict verdict;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *value = cases[i].value;

		content_type_judge(&verdict, value,
		    value == NULL ? 0 : strlen(value), FORMAT_NONE);
		assert_int_equal(
		    verdict.formats[PROMETHEUS_3], cases[i].format_3);
		assert_int_equal(
		    verdict.formats[PROMETHEUS_242], cases[i].format_242);
		assert_int_equal(verdict.reason, cases[i].reason);
		assert_string_equal(verdict.said, cases[i].said);
	}
}

/* A fallback helps where there was none, and changes nothing else. */
static void
test_fallback(void **state)
{
	struct content_verdict verdict;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *value = cases[i].value;
		enum exposition_format expected = cases[i].format_3;

		if (cases[i].reason != REASON_OK)
			expected = FORMAT_OPENMETRICS;
		content_type_judge(&verdict, value,
		    value == NULL ? 0 : strlen(value), FORMAT_OPENMETRICS);
		assert_int_equal(verdict.reason, REASON_OK);
		assert_int_equal(verdict.formats[PROMETHEUS_3], expected);
		if (cases[i].reason != REASON_OK)
			assert_int_equal(
			    verdict.formats[PROMETHEUS_242], expected);
	}
}

static void
test_protocols(void **state)
{
	static const char *const names[] = { "PrometheusText0.0.4",
		"PrometheusText1.0.0", "OpenMetricsText0.0.1",
		"OpenMetricsText1.0.0", "PrometheusProto" };
	struct content_verdict verdict;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum exposition_format format = content_type_protocol(names[i]);
		const char *value = content_type_of(format);

		assert_int_not_equal(format, FORMAT_NONE);
		content_type_judge(&verdict, value, strlen(value), FORMAT_NONE);
		assert_int_equal(verdict.formats[PROMETHEUS_3], format);
	}
	assert_int_equal(content_type_protocol("text"), FORMAT_NONE);
	assert_int_equal(content_type_protocol(""), FORMAT_NONE);
}

/* Long and foreign values are cut and escaped, never overrun. */
static void
test_long(void **state)
{
	struct content_verdict verdict;
	char value[4096];

	(void)state;
	memset(value, 0xff, sizeof(value));
	content_type_judge(&verdict, value, sizeof(value), FORMAT_NONE);
	assert_int_equal(verdict.reason, REASON_CONTENT_TYPE_UNPARSABLE);
	assert_true(strlen(verdict.said) < sizeof(verdict.said));
	assert_true(strlen(verdict.value) < sizeof(verdict.value));
	memset(value, ';', sizeof(value));
	memcpy(value, "text/plain", 10);
	content_type_judge(&verdict, value, sizeof(value), FORMAT_NONE);
	assert_int_equal(verdict.reason, REASON_CONTENT_TYPE_UNPARSABLE);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
