/* Addresses to listen on, URLs of exporters and of proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/address.h"
#include "conf/conf.h"
#include "conf/url.h"
#include "proxy/base/err.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
assert_text(const char *got, const char *expected)
{
	if (expected == NULL)
		assert_null(got);
	else {
		assert_non_null(got);
		assert_string_equal(got, expected);
	}
}

static void
test_addresses(void **state)
{
	static const struct {
		const char *text, *host, *unix_path;
		uint16_t port;
	} cases[] = {
		{ ":8443", "", NULL, 8443 },
		{ ":0", "", NULL, 0 },
		{ "127.0.0.1:65535", "127.0.0.1", NULL, 65535 },
		{ "localhost:1", "localhost", NULL, 1 },
		{ "[::1]:8443", "::1", NULL, 8443 },
		{ "[::]:8443", "::", NULL, 8443 },
		{ "unix:/run/gate.sock", NULL, "/run/gate.sock", 0 },
		{ "", NULL, NULL, 0 },
	};
	struct conf_address address;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
		    conf_address_parse(cases[i].text, &address, &err), 0);
		assert_string_equal(address.text, cases[i].text);
		assert_text(address.host, cases[i].host);
		assert_text(address.unix_path, cases[i].unix_path);
		assert_int_equal(address.port, cases[i].port);
		conf_address_fini(&address);
	}
}

static void
test_bad_addresses(void **state)
{
	static const char *const cases[] = { "8443", "localhost", ":", ":x",
		":65536", ":-1", ": 1", "::1", "::1:8443", "[::1]", "[::1",
		"[]:1", "[1.2.3.4]:1", "a b:1", "*:1", "1.2.3:4", "1.2.3.400:1",
		"unix:", "unix:x", "unix:/a b", "/run/x", "http://a:1", ".a:1",
		"a/b:1", ":000000000000000000000000099999" };
	struct conf_address address;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (conf_address_parse(cases[i], &address, &err) != -1)
			fail_msg("\"%s\" was taken", cases[i]);
		assert_null(address.text);
		assert_null(address.host);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static void
test_urls(void **state)
{
	static const struct {
		const char *text;
		enum conf_scheme scheme;
		const char *host;
		uint16_t port;
		const char *unix_path, *path, *query;
		bool is_loopback;
	} cases[] = {
		{ "http://127.0.0.1:9100/metrics", CONF_HTTP, "127.0.0.1", 9100,
		    NULL, "/metrics", NULL, true },
		{ "http://127.9.9.9/", CONF_HTTP, "127.9.9.9", 80, NULL, "/",
		    NULL, true },
		{ "https://h.example/m?a=b&c", CONF_HTTPS, "h.example", 443,
		    NULL, "/m", "a=b&c", false },
		{ "HTTPS://H.example:8443", CONF_HTTPS, "H.example", 8443, NULL,
		    "/metrics", NULL, false },
		{ "http://h?x=y", CONF_HTTP, "h", 80, NULL, "/metrics", "x=y",
		    false },
		{ "http://[::1]:9100/m", CONF_HTTP, "::1", 9100, NULL, "/m",
		    NULL, true },
		{ "http://[2001:db8::1]/m", CONF_HTTP, "2001:db8::1", 80, NULL,
		    "/m", NULL, false },
		{ "http://LOCALHOST:1/m", CONF_HTTP, "LOCALHOST", 1, NULL, "/m",
		    NULL, true },
		{ "http://128.0.0.1/m", CONF_HTTP, "128.0.0.1", 80, NULL, "/m",
		    NULL, false },
		{ "http://h/a@b:c/%20", CONF_HTTP, "h", 80, NULL, "/a@b:c/%20",
		    NULL, false },
		{ "unix:/run/x.sock:/metrics?a=b", CONF_UNIX, "localhost", 80,
		    "/run/x.sock", "/metrics", "a=b", true },
		{ "unix:/run/x.sock", CONF_UNIX, "localhost", 80, "/run/x.sock",
		    "/metrics", NULL, true },
		{ "unix:///run/x.sock:/m", CONF_UNIX, "localhost", 80,
		    "/run/x.sock", "/m", NULL, true },
		{ "file:/var/lib/x.prom", CONF_FILE, "localhost", 0, NULL,
		    "/var/lib/x.prom", NULL, true },
		{ "file:///var/lib/x.prom", CONF_FILE, "localhost", 0, NULL,
		    "/var/lib/x.prom", NULL, true },
	};
	struct conf_url url;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (conf_url_parse(cases[i].text, &url, &err) == -1)
			fail_msg("\"%s\": %s", cases[i].text, err.text);
		assert_string_equal(url.text, cases[i].text);
		assert_int_equal(url.scheme, cases[i].scheme);
		assert_text(url.host, cases[i].host);
		assert_int_equal(url.port, cases[i].port);
		assert_text(url.unix_path, cases[i].unix_path);
		assert_text(url.path, cases[i].path);
		assert_text(url.query, cases[i].query);
		assert_int_equal(url.is_loopback, cases[i].is_loopback);
		conf_url_fini(&url);
	}
}

static void
test_bad_urls(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "is empty" },
		{ "127.0.0.1:9100", "write http://127.0.0.1:9100" },
		{ "localhost:9100/metrics", "write http://localhost:9100" },
		{ "/metrics", "has no scheme" },
		{ "ftp://h/", "scheme \"ftp\"" },
		{ "http:", "two slashes" },
		{ "http:/h", "two slashes" },
		{ "http://", "no host" },
		{ "http:///m", "no host" },
		{ "http://:80/", "no host" },
		{ "http://h:0/", "port 0" },
		{ "http://h:65536/", "port \"65536\"" },
		{ "http://h:/", "port \"\"" },
		{ "http://h:1:2/", "port \"1:2\"" },
		{ "http://h:80a/", "port \"80a\"" },
		{ "http://h/a b", "%20" },
		{ "http://h/\t", "byte 0x09" },
		{ "http://h/\r\nX: y", "byte 0x0d" },
		{ "http://h/\x7f", "byte 0x7f" },
		{ "http://h\\x/", "host" },
		{ "http://h/#a", "fragment" },
		{ "http://a@h/", "user info" },
		{ "http://a:b@h/", "user info" },
		{ "http://[::1/", "without its" },
		{ "http://[]/", "not an IPv6" },
		{ "http://[1.2.3.4]/", "not an IPv6" },
		{ "http://1.2.3/", "not an IPv4" },
		{ "unix:", "names no socket" },
		{ "unix:/", "names no socket" },
		{ "unix:x:/m", "names no socket" },
		{ "unix://h/x:/m", "names no socket" },
		{ "unix:/x:m", "needs a path" },
		{ "unix:/x:", "needs a path" },
		{ "file:", "names no file" },
		{ "file:x", "names no file" },
		{ "file:/a/", "names no file" },
		{ "file://h/x", "names no file" },
	};
	struct conf_url url;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (conf_url_parse(cases[i].text, &url, &err) != -1)
			fail_msg("\"%s\" was taken", cases[i].text);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("\"%s\": %s", cases[i].text, err.text);
		assert_null(url.text);
		assert_null(url.host);
	}
}

static void
test_passwords_stay_out_of_errors(void **state)
{
	static const char *const cases[] = { "http://me:hunter2@h/",
		"me:hunter2@h:9100", "https://me:hunter2@h:x/",
		"ftp://me:hunter2@h/" };
	struct conf_url url;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(conf_url_parse(cases[i], &url, &err), -1);
		assert_null(strstr(err.text, "hunter2"));
	}
}

static void
test_proxies(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "http://proxy:3128", 0 },
		{ "http://proxy:3128/", 0 },
		{ "https://me:pw@proxy", 0 },
		{ "socks5://[::1]:1080", 0 },
		{ "proxy:3128", -1 },
		{ "http://", -1 },
		{ "http://me@", -1 },
		{ "http://proxy:x", -1 },
		{ "http://proxy/x", -1 },
		{ "ftp://proxy", -1 },
		{ "http://a b", -1 },
		{ "", -1 },
		{ "http://<secret>@proxy", -1 },
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (conf_url_check_proxy(cases[i].text, &err) !=
		    cases[i].result)
			fail_msg("\"%s\" is judged wrongly", cases[i].text);
}

static void
test_masking(void **state)
{
	static const char *const cases[][2] = {
		{ "http://proxy:3128", "http://proxy:3128" },
		{ "http://me:pw@proxy:3128/", "http://<secret>@proxy:3128/" },
		{ "http://me:p@w@proxy", "http://<secret>@proxy" },
		{ "http://proxy/a@b", "http://proxy/a@b" },
	};
	char *masked;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		masked = conf_url_masked(cases[i][0]);
		assert_string_equal(masked, cases[i][1]);
		free(masked);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_passwords_stay_out_of_errors),
		cmocka_unit_test(test_proxies),
		cmocka_unit_test(test_masking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
