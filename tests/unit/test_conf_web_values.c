/* Values of exporter-toolkit's web configuration: Go durations, hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/bcrypt.h"
#include "conf/choice.h"
#include "conf/conf.h"
#include "conf/go_duration.h"
#include "conf/keys.h"
#include "conf/text.h"
#include "proxy/base/err.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SALT "abcdefghijklmnopqrstuv"
#define SUM "./ABCDEFGHIJKLMNOPQRSTUVWXYZ012"

static void
test_go_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *again;
	} cases[] = {
		{ "0", 0, "0s" },
		{ "-0", 0, "0s" },
		{ "+0", 0, "0s" },
		{ "0s", 0, "0s" },
		{ "-0s", 0, "0s" },
		{ "1s", 1000, "1s" },
		{ "+1s", 1000, "1s" },
		{ "1.s", 1000, "1s" },
		{ ".5s", 500, "500ms" },
		{ "1.5h", 5400000, "1h30m" },
		{ "90s", 90000, "1m30s" },
		{ "1s1m", 61000, "1m1s" },
		{ "1s1s", 2000, "2s" },
		{ "36h", 129600000, "36h" },
		{ "0.1s", 100, "100ms" },
		{ "0.0001s", 1, "1ms" },
		{ "1ns", 1, "1ms" },
		{ "999us", 1, "1ms" },
		{ "1000us", 1, "1ms" },
		{ "1001us", 2, "2ms" },
		{ "1500\xc2\xb5s", 2, "2ms" },
		{ "1500\xce\xbcs", 2, "2ms" },
		{ "2562047h", INT64_C(9223369200000), "2562047h" },
	};
	char text[CONF_GO_DURATION_SIZE];
	struct err err;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (conf_go_duration_parse(cases[i].text, &ms, &err) == -1)
			fail_msg("%s", err.text);
		if (ms != cases[i].ms)
			fail_msg("%s is %lld ms", cases[i].text, (long long)ms);
		assert_string_equal(
		    conf_go_duration_text(ms, text), cases[i].again);
	}
}

static void
test_bad_go_durations(void **state)
{
	static const struct {
		const char *text;
		const char *words;
	} cases[] = {
		{ "", "not a duration" },
		{ "+", "not a duration" },
		{ "-", "not a duration" },
		{ "s", "not a duration" },
		{ ".s", "not a duration" },
		{ "1", "has no unit" },
		{ "1d", "not a duration" },
		{ "1 s", "not a duration" },
		{ "1s ", "not a duration" },
		{ " 1s", "not a duration" },
		{ "1S", "not a duration" },
		{ "1e3s", "not a duration" },
		{ "1.2.3s", "not a duration" },
		{ "1s-1s", "not a duration" },
		{ "--1s", "not a duration" },
		{ "1\xc2s", "not a duration" },
		{ "9223372036854775808ns", "not a duration" },
		{ "9223372036854775807ns1ns", "not a duration" },
		{ "2562048h", "not a duration" },
		{ "-1s", "negative: write 0 to turn it off" },
		{ "-1ns", "negative: write 0 to turn it off" },
	};
	struct err err;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (conf_go_duration_parse(cases[i].text, &ms, &err) != -1)
			fail_msg("\"%s\" was taken", cases[i].text);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("%s", err.text);
	}
}

static void
test_hashes(void **state)
{
	static const struct {
		const char *hash;
		const char *words; /* NULL: fine */
	} cases[] = {
		{ "$2a$10$" SALT SUM, NULL },
		{ "$2b$04$" SALT SUM, NULL },
		{ "$2y$31$" SALT SUM, NULL },
		{ "", "hashedSecret too short to be a bcrypted password" },
		{ "hunter2", "hashedSecret too short" },
		{ "$2y$10$" SALT "./ABCDEFGHIJKLMNOPQRSTUVWXYZ01",
		    "no password could ever match" },
		{ "$2y$10$" SALT "./ABCDEFGHIJKLMNOPQRSTUVWXYZ",
		    "hashedSecret too short" },
		{ "$2y$10$" SALT SUM "3", "no password could ever match" },
		{ "$2y$10$" SALT "./ABCDEFGHIJKLMNOPQRSTUVWXYZ01=",
		    "no password could ever match" },
		{ "$2y$10$" SALT "./ABCDEFGHIJKLMNOPQRSTUVWXYZ01\n",
		    "no password could ever match" },
		{ "x2y$10$" SALT SUM, "hashes must start with '$'" },
		{ "$3y$10$" SALT SUM,
		    "bcrypt algorithm version '3' requested is newer than "
		    "current version '2'" },
		{ "$\xffy$10$" SALT SUM, "begin with $2a$" },
		{ "$1y$10$" SALT SUM, "begin with $2a$" },
		{ "$2x$10$" SALT SUM, "begin with $2a$" },
		{ "$2$10$" SALT SUM "3", "begin with $2a$" },
		{ "$2yy10$" SALT SUM, "begin with $2a$" },
		{ "$2y$03$" SALT SUM,
		    "cost 3 is outside allowed inclusive range 4..31" },
		{ "$2y$32$" SALT SUM,
		    "cost 32 is outside allowed inclusive range 4..31" },
		{ "$2y$99$" SALT SUM, "cost 99 is outside" },
		{ "$2y$-4$" SALT SUM, "not two digits" },
		{ "$2y$4$3" SALT SUM, "not two digits" },
		{ "$2y$100" SALT SUM, "not two digits" },
	};
	struct err err;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		result = conf_bcrypt_check(cases[i].hash, &err);
		if ((result == 0) != (cases[i].words == NULL))
			fail_msg("case %zu is %d", i, result);
		if (result == -1 && strstr(err.text, cases[i].words) == NULL)
			fail_msg("case %zu: %s", i, err.text);
	}
	assert_int_equal(conf_bcrypt_cost(cases[0].hash), 10);
	assert_int_equal(conf_bcrypt_cost(cases[1].hash), 4);
}

/* exporter-toolkit's words, whatever a file has for a name. */
static void
test_choices(void **state)
{
	static const struct {
		const char *key;
		const char *text;
		const char *words;
	} cases[] = {
		{ "cipher_suites", "X", "unknown cipher: X: write one of " },
		{ "curve_preferences", "CurveP257",
		    "unknown curve: CurveP257: write one of CurveP256, "
		    "CurveP384, CurveP521, X25519; did you mean "
		    "\"CurveP256\"?" },
		{ "min_version", "TLS\n12",
		    "unknown TLS version: \"TLS\\x0a12\": write one of TLS10, "
		    "TLS11, TLS12, TLS13; did you mean \"TLS12\"?" },
		{ "max_version", "", "unknown TLS version: \"\": " },
		{ "client_auth_type", "a\"b",
		    "invalid ClientAuth: \"a\\x22b\": " },
	};
	const struct conf_key *key;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		key = conf_key_find(
		    CONF_SCOPE_ROOT, "tls_server_config", cases[i].key);
		assert_non_null(key);
		assert_int_equal(
		    conf_choice_find(key, cases[i].text, &err), -1);
		if (strncmp(err.text, cases[i].words, strlen(cases[i].words)) !=
		    0)
			fail_msg("%s", err.text);
	}
	key = conf_key_find(
	    CONF_SCOPE_ROOT, "tls_server_config", "client_auth_type");
	assert_int_equal(
	    conf_choice_find(key, "RequireAndVerifyClientCert", &err),
	    CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_go_durations),
		cmocka_unit_test(test_bad_go_durations),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
