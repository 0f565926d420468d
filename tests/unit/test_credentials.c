#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "proxy/base/err.h"
#include "proxy/fetch/credentials.h"
#include "proxy/fetch/request.h"

static char path[] = "/tmp/test_credentials_XXXXXX";

static void
write_secret(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	fwrite(text, 1, len, f);
	fclose(f);
}

static int
set_up(void **state)
{
	(void)state;
	strcpy(path, "/tmp/test_credentials_XXXXXX");
	close(mkstemp(path));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

/* The lines joined by "|", or the error's words. */
static void
check(struct credentials *credentials, const struct conf_target *target,
    const char *expected)
{
	struct conf_strings lines = { NULL, 0 };
	struct err err = { .code = ERR_NONE };
	char joined[1024] = "";
	size_t i;

	if (credentials_append(credentials, target, &lines, &err) == -1)
		snprintf(joined, sizeof(joined), "%s", err.text);
	else
		for (i = 0; i < lines.count; i++) {
			strcat(joined, i > 0 ? "|" : "");
			strcat(joined, lines.items[i]);
		}
	assert_string_equal(joined, expected);
	credentials_free_lines(&lines);
}

static void
test_basic_auth(void **state)
{
	static const struct {
		const char *user, *password;
		const char *expected;
	} rows[] = {
		{ "Aladdin", "open sesame",
		    "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
		{ "a", "b", "Authorization: Basic YTpi" },
		{ "a", "", "Authorization: Basic YTo=" },
		{ NULL, NULL, "Authorization: Basic Og==" },
		{ "u", "\xff\xfe", "Authorization: Basic dTr//g==" },
	};
	struct credentials *credentials = credentials_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_target target = {
			.basic_auth = { .is_set = true,
			    .username = (char *)(uintptr_t)rows[i].user,
			    .password = (char *)(uintptr_t)rows[i].password }
		};

		check(credentials, &target, rows[i].expected);
	}
	credentials_free(credentials);
}

static void
test_files(void **state)
{
	struct credentials *credentials = credentials_new();
	struct conf_target target = { .authorization = { .is_set = true,
					  .credentials_file = path } };
	char *big = calloc(1, 65537);

	(void)state;
	write_secret(" tok en\r\n\n", 10);
	check(credentials, &target, "Authorization: Bearer tok en");
	write_secret("other", 5);
	check(credentials, &target, "Authorization: Bearer other");
	target.authorization.type = (char *)"Token";
	check(credentials, &target, "Authorization: Token other");
	write_secret("a\r\nX-Evil: 1\n", 13);
	check(credentials, &target,
	    "net/http: invalid header field value for \"Authorization\"");
	memset(big, 'x', 65537);
	write_secret(big, 65537);
	free(big);
	{
		char expected[256];

		snprintf(expected, sizeof(expected),
		    "unable to read "
		    "authorization credentials: unable to read file %s: read "
		    "%s: file too large",
		    path, path);
		check(credentials, &target, expected);
	}
	target.authorization.credentials_file = (char *)"/tmp";
	check(credentials, &target,
	    "unable to read authorization "
	    "credentials: unable to read file /tmp: read /tmp: is a "
	    "directory");
	target.authorization.is_set = false;
	target.basic_auth.is_set = true;
	target.basic_auth.password_file = (char *)"/nonexistent";
	check(credentials, &target,
	    "unable to read basic auth password: "
	    "unable to read file /nonexistent: open /nonexistent: no such "
	    "file or directory");
	credentials_free(credentials);
}

static void
test_headers(void **state)
{
	char *values[] = { (char *)"a", (char *)"b" };
	char *secrets[] = { (char *)"s" };
	char *files[] = { path };
	struct conf_http_header headers[] = {
		{ .name = (char *)"X-One",
		    .values = { values, 2 },
		    .secrets = { secrets, 1 },
		    .files = { files, 1 } },
		{ .name = (char *)"X-Two" },
	};
	struct conf_target target = { .http_headers = headers,
		.http_header_count = 2 };
	struct credentials *credentials = credentials_new();

	(void)state;
	write_secret("f\n", 2);
	check(credentials, &target, "X-One: a|X-One: b|X-One: s|X-One: f");
	values[0] = (char *)"";
	write_secret("", 0);
	check(credentials, &target, "X-One;|X-One: b|X-One: s|X-One;");
	files[0] = (char *)"/nonexistent";
	check(credentials, &target,
	    "unable to read headers file "
	    "/nonexistent: open /nonexistent: no such file or directory");
	credentials_free(credentials);
}

static void
test_seconds(void **state)
{
	static const struct {
		uint64_t us;
		const char *text;
	} rows[] = {
		{ 10000000, "10" },
		{ 500000, "0.5" },
		{ 1250000, "1.25" },
		{ 9497000, "9.497" },
		{ 9497999, "9.497" },
		{ 0, "0" },
		{ 120000000, "120" },
		{ 999, "0" },
	};
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fetch_request_seconds(rows[i].us, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_basic_auth, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_headers, set_up, tear_down),
		cmocka_unit_test(test_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
