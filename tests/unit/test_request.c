/* What a scraper asks for: paths, queries, encodings, timeouts. */
#include "proxy/gate/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
targets_split_at_the_first_question_mark(void **state)
{
	static const struct {
		const char *uri;
		size_t path_len;
		const char *query;
	} rows[] = { { "/", 1, NULL }, { "/a", 2, NULL }, { "/a?", 2, "" },
		{ "/a?b=c", 2, "b=c" }, { "/a?b?c", 2, "b?c" },
		{ "", 0, NULL } };
	const char *query;
	size_t path_len, i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		request_split(rows[i].uri, &path_len, &query);
		assert_int_equal(path_len, rows[i].path_len);
		if (rows[i].query == NULL)
			assert_null(query);
		else
			assert_string_equal(query, rows[i].query);
	}
}

#define STRINGS(...)                                                           \
	{                                                                      \
		(char *[]){ __VA_ARGS__ },                                     \
		    sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *)         \
	}

static struct conf_query_rule rules[] = {
	{ "collect[]", { NULL, 0 }, NULL },
	{ "x", { NULL, 0 }, NULL },
	{ "module", STRINGS("http_2xx", "icmp"), NULL },
	{ "target", { NULL, 0 }, "a|b|b?c.example[.]org:[0-9]+|line.feed" },
	{ "both", STRINGS("one"), "t.*" },
	{ "broken", { NULL, 0 }, "(" },
};

/* H59: any target, and one more that would be refused. */
static struct conf_query_rule any_target[] = {
	{ "target", { NULL, 0 }, NULL },
	{ "target", STRINGS("http://127.0.0.1:9117/metrics"), NULL },
	{ "other", { NULL, 0 }, NULL },
};
static struct conf_query_rule wide_regex[] = {
	{ "target", { NULL, 0 }, ".*" },
};
static const struct conf_target open_target = { .query_rules = any_target,
	.query_rule_count = COUNT(any_target) };
static const struct conf_target wide_target = { .query_rules = wide_regex,
	.query_rule_count = COUNT(wide_regex) };

static struct conf_param params[] = {
	{ "x", STRINGS("a b") },
	{ "collect[]", STRINGS("cpu", "mem") },
};

static const struct conf_target bare = { .query_rules = rules,
	.query_rule_count = COUNT(rules) };
static const struct conf_target with_params = { .params = params,
	.param_count = COUNT(params),
	.query_rules = rules,
	.query_rule_count = COUNT(rules) };
static const struct conf_target with_query = {
	.url = { .query = (char *)"z=1&x=%zz;&&a&b%20c=%C3%a9&x=2&n=%00" },
	.params = params,
	.param_count = COUNT(params)
};

struct query_row {
	const struct conf_target *target;
	const char *query;
	const char *skip;
	const char *canonical; /* NULL: refused */
	const char *refused;
	bool is_extended;
};

static const struct query_row query_rows[] = {
	/* As Prometheus sends them. */
	{ &with_params, NULL, NULL, "collect%5B%5D=cpu&collect%5B%5D=mem&x=a+b",
	    NULL, false },
	{ &bare, "collect%5B%5D=cpu&collect%5B%5D=mem&x=a+b", NULL,
	    "collect%5B%5D=cpu&collect%5B%5D=mem&x=a+b", NULL, true },
	{ &with_query, NULL, NULL,
	    "a=&b+c=%C3%A9&collect%5B%5D=cpu&collect%5B%5D=mem&n=%2500"
	    "&x=%25zz%3B&x=2&x=a+b&z=1",
	    NULL, false },
	{ &bare, NULL, NULL, "", NULL, false },
	{ &bare, "", NULL, "", NULL, false },
	{ &bare, "&&", NULL, "", NULL, false },
	/* One spelling of each query. */
	{ &bare, "x=b&collect[]=2&x=a&&collect%5b]=1", NULL,
	    "collect%5B%5D=2&collect%5B%5D=1&x=b&x=a", NULL, true },
	{ &bare, "x", NULL, "x=", NULL, true },
	{ &bare, "x=", NULL, "x=", NULL, true },
	{ &bare, "x==&%78=%3d", NULL, "x=%3D&x=%3D", NULL, true },
	{ &bare, "x=a+b%20c%2B", NULL, "x=a+b+c%2B", NULL, true },
	{ &bare, "x=Az09-_.~%7E!*'()/:@$,?\"", NULL,
	    "x=Az09-_.~~%21%2A%27%28%29%2F%3A%40%24%2C%3F%22", NULL, true },
	{ &bare, "x=%26%3B%0d%0a%C3%A9%ff%01", NULL,
	    "x=%26%3B%0D%0A%C3%A9%FF%01", NULL, true },
	{ &with_params, "x=c&collect[]=disk", NULL,
	    "collect%5B%5D=cpu&collect%5B%5D=mem&collect%5B%5D=disk"
	    "&x=a+b&x=c",
	    NULL, true },
	/* Names. */
	{ &bare, "y=1", NULL, NULL, "y", false },
	{ &bare, "x=1&name[]=2", NULL, NULL, "name[]", false },
	{ &bare, "X=1", NULL, NULL, "X", false },
	{ &bare, "x%00=1", NULL, NULL, "x%00", false },
	{ &bare, "=1", NULL, NULL, "=1", false },
	{ &bare, "=", NULL, NULL, "=", false },
	{ &bare, "a%0db=1", NULL, NULL, "a\\rb", false },
	{ &with_query, "z=1", NULL, NULL, "z", false },
	/* Bad escapes and separators. */
	{ &bare, "x=%", NULL, NULL, "x", false },
	{ &bare, "x=%4", NULL, NULL, "x", false },
	{ &bare, "x=%4&x=1", NULL, NULL, "x", false },
	{ &bare, "x=%zz", NULL, NULL, "x", false },
	{ &bare, "x=%0g", NULL, NULL, "x", false },
	{ &bare, "x=%00", NULL, NULL, "x", false },
	{ &bare, "x%=1", NULL, NULL, "x%", false },
	{ &bare, "x=1;x=2", NULL, NULL, "x", false },
	{ &bare, "x;y=1", NULL, NULL, "x;y", false },
	/* Values. */
	{ &bare, "module=icmp", NULL, "module=icmp", NULL, true },
	{ &bare, "module=http%5f2xx", NULL, "module=http_2xx", NULL, true },
	{ &bare, "module=icm", NULL, NULL, "module=icm", false },
	{ &bare, "module=icmpx", NULL, NULL, "module=icmpx", false },
	{ &bare, "module", NULL, NULL, "module=", false },
	{ &bare, "target=a", NULL, "target=a", NULL, true },
	{ &bare, "target=bc.example.org:80", NULL, "target=bc.example.org%3A80",
	    NULL, true },
	{ &bare, "target=ab", NULL, NULL, "target=ab", false },
	{ &bare, "target=xa", NULL, NULL, "target=xa", false },
	{ &bare, "target=a%0A", NULL, NULL, "target=a\\n", false },
	{ &bare, "target=bc.example.org:80/", NULL, NULL,
	    "target=bc.example.org:80/", false },
	{ &bare, "target=", NULL, NULL, "target=", false },
	{ &bare, "both=one&both=two", NULL, "both=one&both=two", NULL, true },
	{ &bare, "both=on", NULL, NULL, "both=on", false },
	{ &bare, "broken=(", NULL, NULL, "broken=(", false },
	{ &open_target, "target=db.example.org:9104", NULL,
	    "target=db.example.org%3A9104", NULL, true },
	{ &open_target, "target=http://169.254.169.254/latest", NULL, NULL,
	    "target=http://169.254.169.254/latest", false },
	{ &open_target, "target=http://127.0.0.1:9117/metrics", NULL,
	    "target=http%3A%2F%2F127.0.0.1%3A9117%2Fmetrics", NULL, true },
	{ &open_target, "target=http://127.0.0.1:9118/metrics", NULL, NULL,
	    "target=http://127.0.0.1:9118/metrics", false },
	{ &open_target, "other=127.0.0.1", NULL, "other=127.0.0.1", NULL,
	    true },
	{ &wide_target, "target=10.0.0.1", NULL, "target=10.0.0.1", NULL,
	    true },
	{ &wide_target, "target=%5B::1%5D:80", NULL, NULL, "target=[::1]:80",
	    false },
	/* exporter_exporter's module is consumed once. */
	{ &bare, "module=node&x=1", "module", "x=1", NULL, true },
	{ &bare, "module=node", "module", "", NULL, false },
	{ &bare, "mod%75le=node&module=icmp", "module", "module=icmp", NULL,
	    true },
	{ &bare, "module=node&module=node", "module", NULL, "module=node",
	    false },
};

static void
queries_become_canonical_or_are_refused(void **state)
{
	const struct query_row *row;
	char refused[64], *canonical;
	bool is_extended;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(query_rows); i++) {
		row = &query_rows[i];
		refused[0] = '\0';
		canonical = request_query(row->target, row->query, row->skip,
		    &is_extended, refused, sizeof(refused));
		if ((canonical == NULL) != (row->canonical == NULL))
			fail_msg("%s: %s", row->query,
			    canonical == NULL ? refused : canonical);
		if (row->canonical == NULL) {
			assert_string_equal(refused, row->refused);
			continue;
		}
		assert_string_equal(canonical, row->canonical);
		assert_string_equal(refused, "");
		if (is_extended != row->is_extended)
			fail_msg("%s: is_extended %d", row->query, is_extended);
		free(canonical);
	}
}

/* H59. */
static void
inside_targets_are_seen(void **state)
{
	static const char *const inside[] = { "127.0.0.1", "127.0.0.1:80",
		"http://127.0.0.1/", "https://127.255.1.2:8443/x?y#z", "127.1",
		"2130706433", "0x7f000001", "http://0x7f.1:80/", "017700000001",
		"0", "0.0.0.0:1", "http://0/", "169.254.169.254",
		"tcp://169.254.1.2:9000/status", "http://2852039166/", "[::1]",
		"[::1]:80", "::1", "::", "http://[::]:80/", "http://[::1]",
		"http://[0:0:0:0:0:0:0:1]/", "[fe80::1]", "fe80::1%eth0",
		"[fe80::1%25eth0]:80", "febf::1", "http://[::ffff:127.0.0.1]/",
		"[::ffff:a9fe:a9fe]", "::2", "[::1", "[::ffff:10.96.0.1]:443",
		"::127.0.0.1", "64:ff9b::7f00:1", "localhost", "LocalHost:80",
		"http://localhost./", "a.localhost", "redis://localhost:6379",
		"http://x@127.0.0.1/", "http://127.0.0.1@x/",
		"http://a:b@localhost:80", "http://a@b@127.0.0.1",
		"//127.0.0.1", "http:/127.0.0.1", "http:\\127.0.0.1",
		"http:////127.0.0.1", " 127.0.0.1", "http://127.0.0.1.",
		"http://127.0.0.1\\@x/", "kubernetes.default.svc",
		"https://kubernetes:443/api", "https://KUBERNETES.default/",
		"10.96.0.1", "https://10.96.0.1:443/metrics",
		"https://0xa600001/",
		"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1/",
		"http://%6cocalhost/", "http://127.0.0.1%00.example.org/",
		"http://[::1%25.example.org]/" };
	static const char *const outside[] = { "", "x", "10.0.0.1:9100",
		"http://10.0.0.1/127.0.0.1", "http://example.org?127.0.0.1",
		"http://example.org#@localhost", "128.0.0.1", "126.0.0.1",
		"169.253.0.1", "169.255.0.1", "1.2.3.4", "[2001:db8::1]:9100",
		"2001:db8::1", "fec0::1", "[::ffff:10.0.0.1]", "64:ff9b::a00:1",
		"localhost.example.org", "mylocalhost",
		"kubernetes.example.org", "10.96.0.2", "db:3306",
		"127.0.0.1.example.org", "https://one.test", "tcp://db:3306",
		"a:b:c", "/", "http://", ":80" };
	char longest[600];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(inside); i++)
		if (!request_target_is_inside(inside[i], "10.96.0.1"))
			fail_msg("%s is inside", inside[i]);
	for (i = 0; i < COUNT(outside); i++)
		if (request_target_is_inside(outside[i], "10.96.0.1"))
			fail_msg("%s is outside", outside[i]);
	assert_false(request_target_is_inside("10.96.0.1", NULL));
	assert_false(request_target_is_inside("", ""));
	assert_true(request_target_is_inside("api.test:443", "API.test"));
	assert_true(request_target_is_inside("[fd00::1]:443", "fd00:0::1"));
	memset(longest, '1', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(request_target_is_inside(longest, NULL));
}

static void
parameters_are_counted(void **state)
{
	char query[256 + sizeof("x=1")], refused[64], *canonical;
	bool is_extended;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(query); i++)
		query[i] = "x=1&"[i % 4];
	query[256] = '\0';
	canonical = request_query(
	    &bare, query, NULL, &is_extended, refused, sizeof(refused));
	assert_non_null(canonical);
	free(canonical);
	query[256] = 'x';
	query[sizeof(query) - 1] = '\0';
	assert_null(request_query(
	    &bare, query, NULL, &is_extended, refused, sizeof(refused)));
	assert_string_equal(refused, "more than 64 parameters");
}

static void
the_first_value_of_a_name_is_found(void **state)
{
	static const struct {
		const char *query, *name, *value;
	} rows[] = { { NULL, "module", NULL }, { "", "module", NULL },
		{ "module=node", "module", "node" },
		{ "a=1&module=x%2By&module=z", "module", "x+y" },
		{ "%zz=1&mod%75le=a+b", "module", "a b" },
		{ "module", "module", "" }, { "modules=1", "module", NULL },
		{ "Module=1", "module", NULL },
		{ "module=%zz&module=1", "module", NULL },
		{ "module=a%00b", "module", NULL },
		{ "module=a;b", "module", NULL } };
	char *value;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		value = request_query_value(rows[i].query, rows[i].name);
		if (rows[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, rows[i].value);
		free(value);
	}
}

static void
an_only_value_is_no_first_of_several(void **state)
{
	static const struct {
		const char *query, *value;
	} rows[] = { { NULL, NULL }, { "", NULL }, { "a=1", "1" },
		{ "b=2&a=1&b=3", "1" }, { "a", "" }, { "a=%zz", NULL },
		{ "a=1&a=2", NULL }, { "a=1&a=1", NULL }, { "a=1&b&a", NULL },
		{ "a=1&%61=2", NULL }, { "%61=1&a=2", NULL },
		{ "a=1&A=2", "1" }, { "a=1&a%zz=2", "1" } };
	char *value;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		value = request_query_only_value(rows[i].query, "a");
		if (rows[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, rows[i].value);
		free(value);
	}
}

static void
gzip_is_taken_only_if_wanted(void **state)
{
	static const char *const yes[] = { "gzip", "GZIP", "x-gzip",
		"gzip, deflate, br", "deflate,gzip", " gzip ", "\tgzip\t,",
		"gzip;q=1", "gzip;q=1.", "gzip;q=1.000", "gzip;q=0.001",
		"gzip ; Q=0.5", "*", "*;q=0.1", "identity;q=0, *",
		"identity, gzip;q=0.1", ",,gzip", "br;q=nonsense, gzip" };
	static const char *const no[] = { "", "identity", "br", "gzi", "gzipx",
		"gzip;q=0", "gzip;q=0.", "gzip;q=0.000", "gzip; q=0.0000",
		"gzip;q=0.0001", "gzip;q=1.001", "gzip;q=2",
		"gzip;q=", "gzip;q", "gzip;q=-1", "gzip;q=.5", "gzip;q=0..5",
		"gzip;q=0.5x", "gzip;q=0.5 x", "gzip;x=1", "gzip;q=1;x=1",
		"gzip x", "*;q=0", "gzip;q=0, *", "*, gzip;q=0", "br;gzip",
		"identity;q=0", "\"gzip\"" };
	char *items = malloc(50001);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(yes); i++)
		if (!request_accepts_gzip(yes[i]))
			fail_msg("%s takes gzip", yes[i]);
	for (i = 0; i < COUNT(no); i++)
		if (request_accepts_gzip(no[i]))
			fail_msg("%s does not take gzip", no[i]);
	assert_false(request_accepts_gzip(NULL));

	assert_non_null(items);
	for (i = 0; i < 10000; i++)
		memcpy(items + 5 * i, "gzip,", 5);
	items[50000] = '\0';
	assert_false(request_accepts_gzip(items));
	items[1024] = '\0';
	assert_true(request_accepts_gzip(items));
	free(items);
}

static void
accept_passes_as_it_is(void **state)
{
	static const char text[] = "text/plain;version=0.0.4";
	static const char prometheus[] =
	    "application/openmetrics-text;"
	    "version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
	char longest[1026];

	(void)state;
	assert_ptr_equal(request_accept(prometheus), prometheus);
	assert_string_equal(request_accept(NULL), text);
	assert_string_equal(request_accept(""), text);
	assert_string_equal(request_accept("a\tb"), text);
	assert_string_equal(request_accept("a\x7f"), text);
	assert_string_equal(request_accept("\xe9"), text);
	memset(longest, 'a', sizeof(longest));
	longest[1025] = '\0';
	assert_string_equal(request_accept(longest), text);
	longest[1024] = '\0';
	assert_ptr_equal(request_accept(longest), longest);
}

static void
timeouts_are_clamped(void **state)
{
	static const struct {
		const char *header;
		int64_t timeout_ms;
	} rows[] = { { NULL, 10000 }, { "", 10000 }, { "10", 10000 },
		{ "2", 2000 }, { "0.5", 500 }, { "1.25", 1250 },
		{ "0.29", 290 }, { ".5", 500 }, { "5.", 5000 }, { "0", 10000 },
		{ "0.0", 10000 }, { "-1", 10000 }, { "+1", 10000 },
		{ "NaN", 10000 }, { "inf", 10000 }, { "0x10", 10000 },
		{ "1e9", 120000 }, { "1e999", 120000 }, { "1e-9", 100 },
		{ "1e-999", 10000 }, { "0.0001", 100 }, { "0.1", 100 },
		{ "120", 120000 }, { "121", 120000 }, { "10s", 10000 },
		{ "1,5", 10000 }, { "1 2", 10000 }, { " 1", 10000 },
		{ "1.2.3", 10000 }, { ".", 10000 }, { "1e", 10000 },
		{ "99999999999999999999", 120000 } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		if (request_timeout_ms(rows[i].header, 10000, 120000) !=
		    rows[i].timeout_ms)
			fail_msg("%s is not %lld ms",
			    rows[i].header ? rows[i].header : "none",
			    (long long)rows[i].timeout_ms);
}

static void
the_answer_is_out_before_the_scraper_gives_up(void **state)
{
	static const struct {
		int64_t timeout_ms, offset_ms, answer_ms;
	} rows[] = { { 10000, 500, 9500 }, { 2000, 500, 1800 },
		{ 5000, 500, 4500 }, { 60000, 500, 59500 }, { 500, 500, 450 },
		{ 100, 500, 50 }, { 300, 500, 250 }, { 10000, 0, 9950 },
		{ 10000, 5000, 9000 }, { 40, 500, 1 } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    request_answer_ms(rows[i].timeout_ms, rows[i].offset_ms),
		    rows[i].answer_ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_split_at_the_first_question_mark),
		cmocka_unit_test(queries_become_canonical_or_are_refused),
		cmocka_unit_test(inside_targets_are_seen),
		cmocka_unit_test(parameters_are_counted),
		cmocka_unit_test(the_first_value_of_a_name_is_found),
		cmocka_unit_test(an_only_value_is_no_first_of_several),
		cmocka_unit_test(gzip_is_taken_only_if_wanted),
		cmocka_unit_test(accept_passes_as_it_is),
		cmocka_unit_test(timeouts_are_clamped),
		cmocka_unit_test(the_answer_is_out_before_the_scraper_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
