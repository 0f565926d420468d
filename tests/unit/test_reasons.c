/*
 * THE table: ids, statuses and templates of every row, the expansion of
 * templates, and the manual made from it.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/diagnosis/reasons.h"

static const struct facts facts = {
	.target = "node",
	.url = "http://h:9100/metrics",
	.host = "h",
	.port = "9100",
	.address = "10.0.0.5:9100",
	.network = "tcp",
	.server = "10.0.0.2:53",
	.place = " (scrapegate.yml:14)",
	.detail = "detail",
	.status = "503",
	.elapsed = "9.5s",
	.timeout = "10s",
	.bytes = "17",
	.method = "PUT",
	.path = "/metrics",
	.listener = "ss -ltnp | grep :9100",
	.normal = ", normally 0.31s",
	.enough = "14s",
	.said = "said",
};

static void
test_ids(void **state)
{
	int i, j;
	const char *p;

	(void)state;
	assert_string_equal(reason_row(REASON_OK)->id, "ok");
	assert_int_equal(reason_row(REASON_OK)->status, 200);
	assert_int_equal(REASON_OK, 0);
	for (i = 0; i < REASON_COUNT; i++) {
		const char *id = reason_row((enum reason)i)->id;

		assert_true(islower((unsigned char)id[0]));
		for (p = id; *p != '\0'; p++)
			assert_true(islower((unsigned char)*p) ||
				    isdigit((unsigned char)*p) || *p == '_');
		assert_true(strlen(id) < 40);
		for (j = 0; j < i; j++)
			assert_string_not_equal(
			    id, reason_row((enum reason)j)->id);
	}
}

/* The enum's names are the ids in upper case. */
static void
test_names(void **state)
{
	static const char *const names[] = {
#define REASON(name, id, layer, status, words, lasterror, cause, fix) #name,
#include "proxy/diagnosis/reasons.def"
#undef REASON
	};
	int i;

	(void)state;
	for (i = 0; i < REASON_COUNT; i++)
		assert_int_equal(
		    strcasecmp(names[i], reason_row((enum reason)i)->id), 0);
}

static bool
is_slow(int reason)
{
	return reason == REASON_TIMEOUT_NEAR || reason == REASON_SCRAPE_SLOW;
}

static void
test_statuses(void **state)
{
	int i;

	(void)state;
	for (i = REASON_OK + 1; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);
		bool is_own = row->layer == LAYER_GATE;

		switch (row->status) {
		case 200:
			assert_true(i == REASON_BODY_EMPTY || is_slow(i));
			break;
		case 502:
			assert_true(!is_own || i == REASON_UNEXPLAINED);
			break;
		case 503:
			break;
		case 504:
			assert_true(row->layer == LAYER_TIMEOUT ||
				    i == REASON_CONNECT_BACKLOG_FULL);
			break;
		default:
			assert_true(is_own);
			assert_in_range(row->status, 400, 431);
		}
		if (row->layer == LAYER_TIMEOUT && !is_slow(i))
			assert_int_equal(row->status, 504);
		assert_int_not_equal(row->layer, LAYER_NONE);
	}
}

/* Only what no direct scrape can meet has no words of Prometheus. */
static void
test_texts(void **state)
{
	int i;

	(void)state;
	for (i = REASON_OK + 1; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);

		assert_true(row->words[0] != '\0');
		assert_true(row->cause[0] != '\0');
		assert_true(row->fix[0] != '\0');
		assert_true(row->cause[strlen(row->cause) - 1] == '.');
		if (row->lasterror[0] == '\0')
			assert_true(row->layer == LAYER_GATE ||
				    i == REASON_DNS_TRUNCATED ||
				    i == REASON_BODY_EMPTY || is_slow(i));
	}
}

/*
 * What is left of a field after expansion is a name nobody knows; "%{...}" is
 * curl's and "${...}" the shell's.
 */
static void
check_expanded(const char *id, const char *template)
{
	char out[1024];
	const char *p;
	size_t len, letters;

	len = facts_expand(out, sizeof(out), template, &facts, true);
	assert_int_equal(len, strlen(out));
	if (strstr(out, "unknown") != NULL &&
	    strstr(template, "nknown") == NULL)
		fail_msg("%s: a field is empty in %s", id, template);
	for (p = out; *p != '\0'; p++)
		if (*p != '\n' && (*p < 0x20 || *p > 0x7e))
			fail_msg("%s: not printable: %s", id, out);
	for (p = out; (p = strchr(p, '{')) != NULL; p++) {
		letters = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_");
		if (letters > 0 && p[1 + letters] == '}' &&
		    (p == out || p[-1] != '%'))
			fail_msg("%s: unknown field in %s", id, template);
	}
}

static void
test_templates(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);

		check_expanded(row->id, row->words);
		check_expanded(row->id, row->lasterror);
		check_expanded(row->id, row->cause);
		check_expanded(row->id, row->fix);
		assert_null(strchr(row->words, '\n'));
		/* Room in struct finding for a usual configuration. */
		assert_true(strlen(row->cause) < 400);
		assert_true(strlen(row->fix) < 400);
		assert_true(strlen(row->id) + 2 + strlen(row->words) <= 160);
	}
}

static void
test_expand(void **state)
{
	static const struct facts odd = { .detail = "a\nb\x01\xff{host}",
		.host = "h" };
	static const struct {
		const char *template;
		size_t size;
		bool keep_newlines;
		const char *expected;
	} cases[] = {
		{ "", 64, false, "" },
		{ "{host}", 64, false, "h" },
		{ "x{host}y{host}z", 64, false, "xhyhz" },
		{ "{port}", 64, false, "unknown" },
		{ "{nobody} {} { {host", 64, false, "{nobody} {} { {host" },
		{ "tls_config: {ca_file: ...}", 64, false,
		    "tls_config: {ca_file: ...}" },
		{ "{detail}", 64, true, "a\nb??{host}" },
		{ "{detail}", 64, false, "a b??{host}" },
		{ "a\nb", 64, true, "a\nb" },
		{ "0123456789", 11, false, "0123456789" },
		{ "0123456789", 10, false, "012345..." },
		{ "{port}", 7, false, "unk..." },
		{ "{port}", 8, false, "unknown" },
	};
	char out[64];
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(out, 'x', sizeof(out));
		len = facts_expand(out, cases[i].size, cases[i].template, &odd,
		    cases[i].keep_newlines);
		assert_string_equal(out, cases[i].expected);
		assert_int_equal(len, strlen(cases[i].expected));
	}
}

static void
test_escape(void **state)
{
	char out[32];

	(void)state;
	assert_int_equal(facts_escape(out, sizeof(out), "a\r\n\"\x00", 5), 11);
	assert_string_equal(out, "a\\r\\n\\\"\\x00");
}

static void
test_layers(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < LAYER_COUNT; i++) {
		assert_non_null(layer_name((enum layer)i));
		for (j = 0; j < i; j++)
			assert_string_not_equal(layer_name((enum layer)i),
			    layer_name((enum layer)j));
	}
	assert_string_equal(layer_name(LAYER_TCP), "tcp");
	assert_string_equal(layer_name(LAYER_GATE), "gate");
}

/* To renew it: WRITE_MANUAL=1 and this program. */
static void
test_manual(void **state)
{
	static const char path[] = TEST_DIR "/../proxy/diagnosis/README.md";
	char *expected = NULL, *committed;
	size_t len = 0, got;
	FILE *stream;

	(void)state;
	stream = open_memstream(&expected, &len);
	assert_non_null(stream);
	reasons_manual(stream);
	assert_int_equal(fclose(stream), 0);
	if (getenv("WRITE_MANUAL") != NULL) {
		stream = fopen(path, "w");
		assert_non_null(stream);
		assert_int_equal(fwrite(expected, 1, len, stream), len);
		assert_int_equal(fclose(stream), 0);
	}
	stream = fopen(path, "r");
	assert_non_null(stream);
	committed = calloc(1, len + 2);
	assert_non_null(committed);
	got = fread(committed, 1, len + 1, stream);
	fclose(stream);
	assert_string_equal(committed, expected);
	assert_int_equal(got, len);
	assert_non_null(strstr(expected, "\n### connect_refused\n"));
	free(committed);
	free(expected);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
