/* The auth section: what ends up in the struct, and what is warned of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "conf/login.h"
#include "conf/network.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TARGET "targets: [{name: a, url: \"http://127.0.0.1:1/\"}]\n"
#define SELF_SIGNED "self_signed: true\n"
#define VERIFIED                                                               \
	"tls_server_config: {cert_file: c, key_file: k, client_auth_type: "    \
	"VerifyClientCertIfGiven, client_ca_file: ca}\n"

#define OPEN                                                                   \
	"warning: no authentication is configured: anyone who reaches the "    \
	"gate may read the metrics\n"
#define RULES_ONLY                                                             \
	"warning: no authentication is configured: only auth.rules says who "  \
	"may read the metrics, by address, listener and path\n"
#define TOKENS_CLEAR                                                           \
	"warning: auth over plain HTTP: bearer tokens cross the network in "   \
	"clear text\n"

static struct conf *
load(const char *text, struct conf_report *report)
{
	struct conf_source source = {
		.file = "etc/x.yml", .text = text, .text_len = strlen(text)
	};
	struct conf *conf = conf_load(&source, report);

	if (conf == NULL)
		fail_msg("%s", report->errors);
	return conf;
}

static void
done(struct conf *conf, struct conf_report *report)
{
	conf_unref(conf);
	conf_report_fini(report);
}

static void
test_defaults(void **state)
{
	struct conf_report report;
	struct conf *conf = load(SELF_SIGNED TARGET, &report);
	const struct conf_auth *auth = &conf->auth;

	(void)state;
	assert_false(auth->is_set);
	assert_false(conf_has_login(conf));
	assert_null(auth->bearer_tokens_file);
	assert_false(auth->jwt.is_set);
	assert_false(auth->kubernetes.is_set);
	assert_false(auth->client_certificate.is_set);
	assert_false(auth->identity_headers.is_set);
	assert_int_equal(auth->rule_count, 0);
	assert_int_equal(auth->anonymous_paths.count, 2);
	assert_string_equal(auth->anonymous_paths.items[0], "/-/healthy");
	assert_string_equal(auth->anonymous_paths.items[1], "/-/ready");
	/* Basic authentication has these limits without an auth section. */
	assert_int_equal(auth->failed_logins_per_address, 10);
	assert_int_equal(auth->failed_logins_per_user, 20);
	done(conf, &report);
}

static void
test_fields(void **state)
{
	struct conf_report report;
	struct conf *conf = load(VERIFIED
	    "auth:\n"
	    "  bearer_tokens_file: tokens\n"
	    "  jwt: {issuer: i, audiences: [a, b], jwks_file: /k, leeway: 1m}\n"
	    "  kubernetes:\n"
	    "    token_review: {}\n"
	    "    access_review: true\n"
	    "    resourceAttributes: {resource: \"{{ .Value }}\"}\n"
	    "    rewrites: {byHttpHeader: {name: X-Ns}}\n"
	    "    stale_grace: 5m\n"
	    "  client_certificate: {}\n"
	    "  identity_headers: {groups: \"\"}\n" TARGET,
	    &report);
	const struct conf_auth *auth = &conf->auth;

	(void)state;
	assert_null(report.warnings);
	assert_true(auth->is_set);
	assert_int_equal(auth->place.line, 2);
	assert_true(conf_has_login(conf));
	assert_string_equal(auth->bearer_tokens_file, "etc/tokens");
	assert_true(auth->jwt.is_set);
	assert_int_equal(auth->jwt.place.line, 4);
	assert_string_equal(auth->jwt.issuer, "i");
	assert_int_equal(auth->jwt.audiences.count, 2);
	assert_string_equal(auth->jwt.jwks_file, "/k");
	assert_null(auth->jwt.jwks_url);
	assert_string_equal(auth->jwt.user_claim, "sub");
	assert_string_equal(auth->jwt.groups_claim, "groups");
	assert_int_equal(auth->jwt.leeway, 60000);
	assert_true(auth->kubernetes.is_set);
	assert_null(auth->kubernetes.api_server);
	assert_null(auth->kubernetes.token_file);
	assert_null(auth->kubernetes.ca_file);
	assert_true(auth->kubernetes.token_review.is_set);
	assert_int_equal(auth->kubernetes.token_review.audiences.count, 0);
	assert_true(auth->kubernetes.access_review);
	assert_true(auth->kubernetes.attributes.is_set);
	assert_string_equal(
	    auth->kubernetes.attributes.resource, "{{ .Value }}");
	assert_null(auth->kubernetes.attributes.name);
	assert_string_equal(auth->kubernetes.by_http_header, "X-Ns");
	assert_null(auth->kubernetes.by_query_parameter);
	assert_int_equal(auth->kubernetes.cache_allowed, 60000);
	assert_int_equal(auth->kubernetes.cache_denied, 10000);
	assert_int_equal(auth->kubernetes.stale_grace, 300000);
	assert_true(auth->client_certificate.is_set);
	assert_int_equal(auth->client_certificate.user_from.count, 3);
	assert_true(auth->identity_headers.is_set);
	assert_string_equal(auth->identity_headers.user, "X-Remote-User");
	assert_null(auth->identity_headers.groups);
	assert_string_equal(auth->identity_headers.groups_separator, "|");
	done(conf, &report);
}

static void
test_rules(void **state)
{
	struct conf_report report;
	struct conf *conf =
	    load(SELF_SIGNED "auth:\n"
			     "  bearer_tokens_file: tokens\n"
			     "  rules:\n"
			     "  - networks: [10.0.0.0/8, \"2001:db8::/32\"]\n"
			     "    paths: [/metrics/*]\n"
			     "    listeners: [\":8443\"]\n"
			     "  - users: [a]\n"
			     "    groups: [b, c]\n"
			     "    action: deny\n"
			     "  - {}\n" TARGET,
		&report);
	const struct conf_rule *rules = conf->auth.rules;

	(void)state;
	assert_int_equal(conf->auth.rule_count, 3);
	assert_int_equal(rules[0].place.line, 5);
	assert_string_equal(rules[0].place.file, "etc/x.yml");
	assert_int_equal(rules[0].networks.count, 2);
	assert_int_equal(rules[0].ranges[0].bits, 104);
	assert_true(conf_network_has(&rules[0].ranges[0], "10.1.2.3"));
	assert_true(conf_network_has(&rules[0].ranges[1], "2001:db8::1"));
	assert_string_equal(rules[0].paths.items[0], "/metrics/*");
	assert_string_equal(rules[0].listeners.items[0], ":8443");
	assert_int_equal(rules[0].action, CONF_ALLOW);
	assert_int_equal(rules[1].place.line, 8);
	assert_string_equal(rules[1].users.items[0], "a");
	assert_int_equal(rules[1].groups.count, 2);
	assert_int_equal(rules[1].networks.count, 0);
	assert_int_equal(rules[1].action, CONF_DENY);
	assert_int_equal(rules[2].action, CONF_ALLOW);
	done(conf, &report);
}

static void
test_logins(void **state)
{
	static const struct {
		const char *text;
		bool has_login, has_token_login;
	} cases[] = {
		{ "auth: {}\n", false, false },
		{ "auth: {anonymous_paths: []}\n", false, false },
		{ "auth: {rules: [{paths: [/metrics]}]}\n", false, false },
		{ "auth: {bearer_tokens_file: t}\n", true, true },
		{ "auth: {jwt: {issuer: i, audiences: [a], jwks_file: k}}\n",
		    true, true },
		{ "auth: {kubernetes: {token_review: {}}}\n", true, true },
		{ "auth: {client_certificate: {}}\n", true, false },
		{ "basic_auth_users: {a: $2b$04$"
		  "abcdefghijklmnopqrstuuoXmwxXv0XMvLTGMIkXqlI8ZYAGGiTjq}\n",
		    true, false },
	};
	char text[1024];
	struct conf_report report;
	struct conf *conf;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		snprintf(text, sizeof(text), "%s%s%s", VERIFIED, cases[i].text,
		    TARGET);
		conf = load(text, &report);
		if (conf_has_login(conf) != cases[i].has_login ||
		    conf_has_token_login(conf) != cases[i].has_token_login)
			fail_msg("%s", cases[i].text);
		done(conf, &report);
	}
}

static void
test_warnings(void **state)
{
	static const struct {
		const char *text, *warnings; /* NULL: none */
	} cases[] = {
		{ SELF_SIGNED "auth: {bearer_tokens_file: t}\n", NULL },
		{ SELF_SIGNED "auth: {}\n", OPEN },
		{ SELF_SIGNED "auth: {anonymous_paths: [/metrics]}\n", OPEN },
		{ SELF_SIGNED "auth: {rules: [{networks: [127.0.0.1]}]}\n",
		    RULES_ONLY },
		{ VERIFIED "auth: {client_certificate: {}}\n", NULL },
		{ SELF_SIGNED "auth: {bearer_tokens_file: t, "
			      "client_certificate: }\n",
		    "warning: auth.client_certificate has no value, so it is "
		    "off: write {} to turn it on\n" },
		{ "insecure_http: true\nauth: {bearer_tokens_file: t}\n",
		    TOKENS_CLEAR },
		{ "insecure_http: true\nauth: {kubernetes: {token_review: "
		  "{}}}\n",
		    TOKENS_CLEAR },
		{ "insecure_http: true\nauth: {jwt: {issuer: i, audiences: "
		  "[a], jwks_file: k}}\n",
		    TOKENS_CLEAR },
		{ SELF_SIGNED "auth: {jwt: {issuer: i, audiences: [a], "
			      "jwks_file: k, jwks_token_file: t}}\n",
		    "warning: auth.jwt: jwks_ca_file and jwks_token_file have "
		    "no effect without jwks_url\n" },
		{ SELF_SIGNED "auth: {kubernetes: {token_review: {}, "
			      "api_server: \"http://[::1]:8001\"}}\n",
		    "warning: auth.kubernetes.api_server over plain HTTP: the "
		    "gate's token and the scrapers' are sent in clear text\n" },
		{ SELF_SIGNED "auth: {kubernetes: {token_review: {}, "
			      "access_review: true, resourceAttributes: "
			      "{resource: pods}, rewrites: {byHttpHeader: "
			      "{name: X-Ns}}}}\n",
		    "warning: auth.kubernetes.rewrites only refuses scrapes "
		    "without it: resourceAttributes has no \"{{ .Value "
		    "}}\"\n" },
		{ SELF_SIGNED "auth: {kubernetes: {token_review: {}, "
			      "access_review: true, resourceAttributes: "
			      "{resource: \"{{ .Value }}\"}, rewrites: "
			      "{byQueryParameter: {name: ns}}}}\n",
		    "warning: target \"a\" refuses every scrape: rewrites "
		    "needs the parameter \"ns\", which its query.allow does "
		    "not have\n" },
		{ SELF_SIGNED "auth: {bearer_tokens_file: t, anonymous_paths: "
			      "[/metrics/b, /met*]}\n",
		    "warning: auth.anonymous_paths: anyone who reaches the "
		    "gate may read target \"a\", because of \"/met*\"\n" },
		{ SELF_SIGNED "auth: {bearer_tokens_file: t, anonymous_paths: "
			      "[/*/a]}\n",
		    "warning: auth.anonymous_paths: anyone who reaches the "
		    "gate may read target \"a\", because of \"/*/a\"\n" },
		{ SELF_SIGNED "auth: {rules: [{networks: [127.0.0.1]}], "
			      "anonymous_paths: [/proxy]}\n",
		    RULES_ONLY
		    "warning: auth.anonymous_paths: \"/proxy\" matches no "
		    "target: of /proxy?module=NAME the target's own path "
		    "decides\n" },
		{ SELF_SIGNED "auth: {bearer_tokens_file: t, rules: [{paths: "
			      "[/metrics/x, /proxy], action: deny}]}\n",
		    "warning: auth.rules[0].paths: \"/proxy\" matches no "
		    "target: of /proxy?module=NAME the target's own path "
		    "decides\n" },
	};
	char text[1024];
	struct conf_report report;
	struct conf_source source = { .file = "x.yml", .text = text };
	struct conf *conf;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		source.text_len = (size_t)snprintf(
		    text, sizeof(text), "%s%s", cases[i].text, TARGET);
		conf = conf_load(&source, &report);
		if (conf == NULL)
			fail_msg("%s", report.errors);
		else if (cases[i].warnings == NULL)
			assert_null(report.warnings);
		else {
			assert_non_null(report.warnings);
			assert_string_equal(report.warnings, cases[i].warnings);
		}
		done(conf, &report);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
