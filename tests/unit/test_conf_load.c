/* Flags and files together: precedence, TLS choices, defaults, exit codes. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "conf/memory_limit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FLAGS_MAX 4

#define TARGETS "targets: [{name: a, url: \"http://127.0.0.1:1/\"}]\n"
#define UPSTREAM                                                               \
	{                                                                      \
		"upstream", "http://127.0.0.1:9100/metrics"                    \
	}
#define CERT "tls_server_config: {cert_file: c, key_file: k}\n"

static size_t
count_flags(const struct conf_flag *flags)
{
	size_t count = 0;

	while (count < FLAGS_MAX && flags[count].name != NULL)
		count++;
	return count;
}

/* From a text as "x.yml" (NULL: no file) and flags. */
static struct conf *
load(
    const char *text, const struct conf_flag *flags, struct conf_report *report)
{
	struct conf_source source = { .file = text != NULL ? "x.yml" : NULL,
		.text = text,
		.text_len = text != NULL ? strlen(text) : 0,
		.flags = flags,
		.flag_count = count_flags(flags) };

	return conf_load(&source, report);
}

static void
done(struct conf *conf, struct conf_report *report)
{
	conf_unref(conf);
	conf_report_fini(report);
}

static void
test_tls_choices(void **state)
{
	static const struct {
		const char *text;
		struct conf_flag flags[FLAGS_MAX];
		enum conf_gate_tls tls;
		const char *warning; /* NULL: only the one about access */
	} cases[] = {
		{ NULL, { UPSTREAM }, CONF_GATE_TLS_SELF_SIGNED,
		    "no certificate is configured" },
		{ NULL, { UPSTREAM, { "self-signed", "true" } },
		    CONF_GATE_TLS_SELF_SIGNED, NULL },
		{ NULL, { UPSTREAM, { "insecure-http", "true" } },
		    CONF_GATE_TLS_OFF, NULL },
		{ NULL,
		    { UPSTREAM, { "web.config.file",
				    TEST_DIR "/config/web/file-empty.yml" } },
		    CONF_GATE_TLS_OFF, NULL },
		{ NULL,
		    { UPSTREAM, { "web.config.file",
				    TEST_DIR "/config/web/cert.yml" } },
		    CONF_GATE_TLS_FILES, NULL },
		{ NULL, { UPSTREAM, { "web.config.file", "" } },
		    CONF_GATE_TLS_SELF_SIGNED, "no certificate is configured" },
		{ NULL,
		    { UPSTREAM, { "self-signed", "true" },
			{ "web.config.file",
			    TEST_DIR "/config/web/file-empty.yml" } },
		    CONF_GATE_TLS_SELF_SIGNED, NULL },
		{ NULL,
		    { UPSTREAM, { "self-signed", "true" },
			{ "insecure-http", "true" } },
		    CONF_GATE_TLS_SELF_SIGNED, "insecure_http has no effect" },
		{ CERT TARGETS, { { NULL, NULL } }, CONF_GATE_TLS_FILES, NULL },
		{ CERT TARGETS, { { "insecure-http", "true" } },
		    CONF_GATE_TLS_FILES, "insecure_http has no effect" },
		{ "self_signed: true\n" TARGETS, { { NULL, NULL } },
		    CONF_GATE_TLS_SELF_SIGNED, NULL },
		{ "self_signed: true\ntls_server_config: "
		  "{min_version: TLS13}\n" TARGETS,
		    { { NULL, NULL } }, CONF_GATE_TLS_SELF_SIGNED, NULL },
		{ "insecure_http: true\n" TARGETS, { { NULL, NULL } },
		    CONF_GATE_TLS_OFF, NULL },
		{ "self_signed: true\n" TARGETS,
		    { { "self-signed", "false" }, { "insecure-http", "true" } },
		    CONF_GATE_TLS_OFF, NULL },
		{ "tls_server_config: {}\n" TARGETS, { { NULL, NULL } },
		    CONF_GATE_TLS_OFF, NULL },
	};
	struct conf_report report;
	struct conf *conf;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		conf = load(cases[i].text, cases[i].flags, &report);
		if (conf == NULL)
			fail_msg("case %zu: %s", i, report.errors);
		if (conf->gate_tls != cases[i].tls)
			fail_msg("case %zu: TLS is %d", i, conf->gate_tls);
		assert_non_null(strstr(report.warnings,
		    "anyone who reaches the gate may read the metrics"));
		if (cases[i].warning != NULL &&
		    strstr(report.warnings, cases[i].warning) == NULL)
			fail_msg("case %zu: %s", i, report.warnings);
		if (cases[i].warning == NULL)
			assert_ptr_equal(strchr(report.warnings, '\n') + 1,
			    report.warnings + strlen(report.warnings));
		done(conf, &report);
	}
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *text;
		struct conf_flag flags[FLAGS_MAX];
		bool is_usage;
		const char *errors;
	} cases[] = {
		{ NULL, { { NULL, NULL } }, true,
		    "no target: give --upstream URL, or --config FILE with "
		    "targets\n" },
		{ NULL, { { "upstream", "127.0.0.1:9100" } }, true,
		    "--upstream: \"127.0.0.1:9100\" has no scheme: write "
		    "http://127.0.0.1:9100\n" },
		{ NULL, { UPSTREAM, { "log.level", "loud" } }, true,
		    "--log.level: \"loud\" is not one of error, warn, info, "
		    "debug\n" },
		{ NULL, { UPSTREAM, { "workers", "0" } }, true,
		    "--workers: \"0\" is not a number from 1 to 64\n" },
		{ NULL, { UPSTREAM, { "listen", ":1" }, { "listen", "x" } },
		    true,
		    "--listen: \"x\" has no port: write host:port, e.g. "
		    "\"127.0.0.1:8443\"\n" },
		{ NULL, { UPSTREAM, { "listen", ":1" }, { "listen", ":1" } },
		    true, "--listen: \":1\" is there twice\n" },
		{ "self_signed: true\n" TARGETS, { UPSTREAM }, true,
		    "--upstream: cannot be combined with the targets at "
		    "x.yml:2:10\n" },
		{ CERT TARGETS, { { "self-signed", "true" } }, true,
		    "--self-signed: self_signed contradicts the certificate at "
		    "x.yml:1:1: keep one of them\n" },
		{ NULL,
		    { UPSTREAM, { "self-signed", "true" },
			{ "web.config.file",
			    TEST_DIR "/config/web/cert.yml" } },
		    true,
		    "--self-signed: self_signed contradicts the certificate "
		    "at " TEST_DIR
		    "/config/web/cert.yml:1:1: keep one of them\n" },
		{ NULL, { UPSTREAM, { "web.config.file", "/nowhere/web.yml" } },
		    false,
		    "/nowhere/web.yml: cannot read: No such file or "
		    "directory\n" },
		{ "log: {level: info}\n", { UPSTREAM }, false,
		    "x.yml:1:1: the gate has no certificate: write "
		    "tls_server_config: {cert_file: ..., key_file: ...}, web: "
		    "{config: {file: ...}}, self_signed: true or "
		    "insecure_http: true\n" },
		{ "self_signed: true\nself_signed: no\n", { UPSTREAM }, false,
		    "x.yml:2:1: repeated key \"self_signed\", the first one is "
		    "at x.yml:1:1\n" },
	};
	struct conf_report report;
	struct conf *conf;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		conf = load(cases[i].text, cases[i].flags, &report);
		assert_null(conf);
		assert_string_equal(report.errors, cases[i].errors);
		if (report.is_usage != cases[i].is_usage)
			fail_msg("case %zu: usage is %d", i, report.is_usage);
		done(conf, &report);
	}
}

static void
test_missing_file(void **state)
{
	struct conf_source source = { .file = "/nowhere/x.yml" };
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);

	(void)state;
	assert_null(conf);
	assert_false(report.is_usage);
	assert_non_null(strstr(report.errors,
	    "/nowhere/x.yml: cannot read: No such file or directory\n"));
	done(conf, &report);
}

static void
test_flags_win(void **state)
{
	static const struct conf_flag flags[FLAGS_MAX] = {
		{ "listen", ":1" },
		{ "listen", "unix:/run/g.sock" },
		{ "log.level", "debug" },
		{ "admin.listen", "" },
	};
	struct conf_report report;
	struct conf *conf = load("self_signed: true\nlisten: [\":9\"]\n"
				 "workers: 3\nlog: {level: error}\n" TARGETS,
	    flags, &report);

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf->listen_count, 2);
	assert_string_equal(conf->listen[0].text, ":1");
	assert_string_equal(conf->listen[1].unix_path, "/run/g.sock");
	assert_int_equal(conf->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(conf->workers, 3);
	assert_null(conf->admin_listen.host);
	assert_string_equal(conf->file, "x.yml");
	done(conf, &report);
}

static void
test_defaults(void **state)
{
	static const struct conf_flag flags[FLAGS_MAX] = { UPSTREAM };
	struct conf_report report;
	struct conf *conf = load(NULL, flags, &report);
	const struct conf_target *target;

	(void)state;
	assert_non_null(conf);
	assert_null(conf->file);
	assert_int_equal(conf->listen_count, 1);
	assert_string_equal(conf->listen[0].host, "");
	assert_int_equal(conf->listen[0].port, 8443);
	assert_string_equal(conf->admin_listen.host, "127.0.0.1");
	assert_int_equal(conf->admin_listen.port, 8442);
	assert_null(conf->health_listen.host);
	assert_int_equal(conf->workers, 1);
	assert_true(conf->memory_budget <= 64u << 20);
	assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
	assert_int_equal(conf->log_format, LOG_FORMAT_LOGFMT);
	assert_string_equal(conf->tls_server_config.min_version, "TLS12");
	assert_int_equal(conf->target_count, 1);
	target = &conf->targets[0];
	assert_string_equal(target->name, "exporter");
	assert_string_equal(target->path, "/metrics/exporter");
	assert_true(target->is_first);
	assert_int_equal(target->scrape_timeout, 10000);
	assert_int_equal(target->max_scrape_timeout, 120000);
	assert_int_equal(target->timeout_offset, 500);
	assert_int_equal(target->cache_ttl, 0);
	assert_true(target->cache_once_per_scraper);
	assert_int_equal(target->body_size_limit, 0);
	assert_int_equal(target->follow_redirects, CONF_REDIRECTS_SAME_ORIGIN);
	assert_int_equal(target->query_rule_count, 2);
	assert_string_equal(target->query_rules[0].name, "collect[]");
	assert_string_equal(target->query_rules[1].name, "name[]");
	assert_int_equal(target->query_rules[1].values.count, 0);
	assert_false(target->basic_auth.is_set);
	assert_false(target->authorization.is_set);
	assert_string_equal(target->authorization.type, "Bearer");
	assert_null(target->place.file);
	done(conf, &report);
}

static void
test_target_fields(void **state)
{
	static const struct conf_flag none[FLAGS_MAX] = { { NULL, NULL } };
	struct conf_report report;
	struct conf *conf = load(
	    "self_signed: true\n"
	    "targets:\n"
	    "- name: a\n"
	    "  url: http://h/\n"
	    "  params: {m: [x, y]}\n"
	    "  query: {values: {t: 'a|b', m: [c]}, allow: [m, n, t]}\n"
	    "  basic_auth:\n"
	    "    {username: u, password: p}\n"
	    "  http_headers: {X-A: {values: [v], secrets: [s], files: [f]}}\n"
	    "- name: b\n"
	    "  url: http://h/\n"
	    "  path: /metrics\n",
	    none, &report);
	const struct conf_target *target;

	(void)state;
	if (conf == NULL)
		fail_msg("%s", report.errors);
	target = &conf->targets[0];
	assert_int_equal(target->place.line, 3);
	assert_ptr_equal(target->place.file, conf->file);
	assert_false(target->is_first);
	assert_int_equal(target->param_count, 1);
	assert_string_equal(target->params[0].values.items[1], "y");
	assert_int_equal(target->query_rule_count, 3);
	assert_string_equal(target->query_rules[0].regex, "a|b");
	assert_string_equal(target->query_rules[1].values.items[0], "c");
	assert_string_equal(target->query_rules[2].name, "n");
	assert_true(target->basic_auth.is_set);
	assert_int_equal(target->basic_auth.place.line, 7);
	assert_string_equal(target->basic_auth.password, "p");
	assert_int_equal(target->http_header_count, 1);
	assert_string_equal(target->http_headers[0].name, "X-A");
	assert_string_equal(target->http_headers[0].values.items[0], "v");
	assert_string_equal(target->http_headers[0].secrets.items[0], "s");
	assert_string_equal(target->http_headers[0].files.items[0], "f");
	assert_false(conf->targets[1].is_first);
	done(conf, &report);
}

/* Paths in a file are joined to its folder, those in flags are not. */
static void
test_folders(void **state)
{
	static const char text[] =
	    "tls_server_config: {cert_file: a/c.pem, key_file: /k.pem}\n"
	    "targets: [{name: a, url: 'http://h/', basic_auth: "
	    "{username_file: u}, http_headers: {X: {files: [f, /g]}}}]\n";
	struct conf_source source = { .file = "/etc/gate/x.yml",
		.text = text,
		.text_len = sizeof(text) - 1 };
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);

	(void)state;
	if (conf == NULL)
		fail_msg("%s", report.errors);
	assert_string_equal(
	    conf->tls_server_config.cert_file, "/etc/gate/a/c.pem");
	assert_string_equal(conf->tls_server_config.key_file, "/k.pem");
	assert_string_equal(
	    conf->targets[0].basic_auth.username_file, "/etc/gate/u");
	assert_string_equal(
	    conf->targets[0].http_headers[0].files.items[0], "/etc/gate/f");
	assert_string_equal(
	    conf->targets[0].http_headers[0].files.items[1], "/g");
	done(conf, &report);
}

static void
test_pipes(void **state)
{
	struct conf_source source = { .file = "/dev/null" };
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);

	(void)state;
	assert_null(conf);
	assert_null(strstr(report.errors, "regular"));
	done(conf, &report);
	source.is_reload = true;
	conf = conf_load(&source, &report);
	assert_null(conf);
	assert_non_null(strstr(report.errors,
	    "/dev/null: cannot read: Not a regular file; a reload reads "
	    "regular files only"));
	done(conf, &report);
}

static void
test_web_file_alone(void **state)
{
	struct conf_flag flag = { "web.config.file",
		TEST_DIR "/config/web/users-password.yml" };
	struct conf_source source = {
		.flags = &flag, .flag_count = 1, .is_web_only = true
	};
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);

	(void)state;
	assert_null(conf);
	assert_false(report.is_usage);
	assert_non_null(strstr(report.errors,
	    "users-password.yml:2:9: basic_auth_users: user \"john\": "
	    "crypto/bcrypt: hashedSecret too short to be a bcrypted "
	    "password"));
	done(conf, &report);
	flag.value = TEST_DIR "/config/web/cert.yml";
	conf = conf_load(&source, &report);
	assert_non_null(conf);
	assert_string_equal(conf->tls_server_config.cert_file,
	    TEST_DIR "/config/web/certs/gate.crt");
	assert_string_equal(conf->tls_server_config.place.file, flag.value);
	done(conf, &report);
}

#define HASH "$2y$10$abcdefghijklmnopqrstuv./ABCDEFGHIJKLMNOPQRSTUVWXYZ012"

static void
test_web_fields(void **state)
{
	static const struct conf_flag none[FLAGS_MAX] = { { NULL, NULL } };
	struct conf_report report;
	struct conf *conf = load(
	    "tls_server_config:\n"
	    "  cert: C\n"
	    "  key: K\n"
	    "  client_auth_type: RequireClientCert\n"
	    "  client_ca: A\n"
	    "  client_allowed_sans: [a, 10.0.0.1]\n"
	    "  min_version: TLS10\n"
	    "  max_version: TLS11\n"
	    "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]\n"
	    "  prefer_server_cipher_suites: no\n"
	    "  curve_preferences: [X25519, CurveP521]\n"
	    "http_server_config:\n"
	    "  headers: {X-Frame-Options: deny, X-XSS-Protection: \" 0\\n\"}\n"
	    "basic_auth_users: {a: " HASH ", \"\": " HASH "}\n"
	    "rate_limit: {interval: 1m0.25s, burst: 7}\n" TARGETS,
	    none, &report);
	const struct conf_tls_server *tls;

	(void)state;
	if (conf == NULL)
		fail_msg("%s", report.errors);
	tls = &conf->tls_server_config;
	assert_int_equal(conf->gate_tls, CONF_GATE_TLS_FILES);
	assert_true(tls->is_set);
	assert_string_equal(tls->cert, "C");
	assert_string_equal(tls->key, "K");
	assert_null(tls->cert_file);
	assert_int_equal(tls->client_auth_type, CONF_CLIENT_AUTH_REQUIRE_ANY);
	assert_string_equal(tls->client_ca, "A");
	assert_int_equal(tls->client_allowed_sans.count, 2);
	assert_string_equal(tls->client_allowed_sans.items[1], "10.0.0.1");
	assert_string_equal(tls->min_version, "TLS10");
	assert_string_equal(tls->max_version, "TLS11");
	assert_int_equal(tls->cipher_suites.count, 1);
	assert_false(tls->prefer_server_cipher_suites);
	assert_string_equal(tls->curve_preferences.items[0], "X25519");
	assert_true(conf->http_server_config.is_set);
	assert_int_equal(conf->http_server_config.place.line, 12);
	assert_int_equal(conf->http_server_config.header_count, 2);
	assert_string_equal(conf->http_server_config.headers[0].value, "deny");
	assert_string_equal(
	    conf->http_server_config.headers[1].name, "X-XSS-Protection");
	assert_string_equal(conf->http_server_config.headers[1].value, "0");
	assert_int_equal(conf->basic_auth_user_count, 2);
	assert_string_equal(conf->basic_auth_users[0].name, "a");
	assert_string_equal(conf->basic_auth_users[1].name, "");
	assert_string_equal(conf->basic_auth_users[1].hash, HASH);
	assert_int_equal(conf->rate_limit.interval, 60250);
	assert_int_equal(conf->rate_limit.burst, 7);
	done(conf, &report);
}

/* What each client_auth_type is for the code, and whether it warns. */
static void
test_client_auth(void **state)
{
	static const struct {
		const char *name;
		enum conf_client_auth type;
		bool needs_ca;
		bool is_open; /* anyone may still read */
	} cases[] = {
		{ "NoClientCert", CONF_CLIENT_AUTH_NONE, false, true },
		{ "RequestClientCert", CONF_CLIENT_AUTH_REQUEST, false, true },
		{ "RequireAnyClientCert", CONF_CLIENT_AUTH_REQUIRE_ANY, false,
		    true },
		{ "RequireClientCert", CONF_CLIENT_AUTH_REQUIRE_ANY, false,
		    true },
		{ "VerifyClientCertIfGiven", CONF_CLIENT_AUTH_VERIFY_IF_GIVEN,
		    true, true },
		{ "RequireAndVerifyClientCert",
		    CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY, true, false },
	};
	static const struct conf_flag none[FLAGS_MAX] = { { NULL, NULL } };
	struct conf_report report;
	struct conf *conf;
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		snprintf(text, sizeof(text),
		    "tls_server_config: {cert_file: c, key_file: k, "
		    "client_auth_type: %s%s}\n" TARGETS,
		    cases[i].name,
		    cases[i].needs_ca ? ", client_ca_file: a" : "");
		conf = load(text, none, &report);
		if (conf == NULL)
			fail_msg("%s: %s", cases[i].name, report.errors);
		assert_int_equal(
		    conf->tls_server_config.client_auth_type, cases[i].type);
		assert_int_equal(report.warnings != NULL, cases[i].is_open);
		done(conf, &report);
	}
}

static void *
drop_reference(void *conf)
{
	int i;

	for (i = 0; i < 1000; i++)
		conf_unref(conf_ref(conf));
	conf_unref(conf);
	return NULL;
}

/* The last reference frees, whichever thread drops it. */
static void
test_references(void **state)
{
	static const struct conf_flag flags[FLAGS_MAX] = { UPSTREAM };
	struct conf_report report;
	struct conf *conf = load(NULL, flags, &report);
	pthread_t threads[4];
	size_t i;

	(void)state;
	assert_non_null(conf);
	for (i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
				     drop_reference, conf_ref(conf)),
		    0);
	assert_string_equal(conf->targets[0].name, "exporter");
	for (i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&conf->refs), 1);
	conf_unref(conf);
	conf_unref(NULL);
	conf_report_fini(&report);
}

struct fake_file {
	const char *path, *content;
};

/* Below a temporary root, whose folders are made on the way. */
static void
write_fake(const char *root, const struct fake_file *fake)
{
	char path[256];
	char *slash;
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, fake->path);
	for (slash = strchr(path + strlen(root) + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(fake->content, file);
	fclose(file);
}

#define V2 "/sys/fs/cgroup"
#define V1 "/sys/fs/cgroup/memory"
#define SELF "/proc/self/cgroup"

static void
test_memory_limits(void **state)
{
	static const struct {
		struct fake_file files[4];
		uint64_t limit;
	} cases[] = {
		{ { { NULL, NULL } }, 0 },
		{ { { SELF, "0::/\n" }, { V2 "/memory.max", "100\n" } }, 100 },
		{ { { SELF, "0::/a/b\n" }, { V2 "/a/b/memory.max", "max\n" },
		      { V2 "/a/memory.max", "300\n" },
		      { V2 "/memory.max", "400\n" } },
		    300 },
		{ { { SELF, "0::/a\n" }, { V2 "/a/memory.max", "max\n" } }, 0 },
		{ { { SELF, "3:cpu:/x\n2:freezer,memory:/docker/1\n0::/\n" },
		      { V1 "/memory.limit_in_bytes", "500\n" } },
		    500 },
		{ { { SELF, "2:memory:/\n" }, { V1 "/memory.limit_in_bytes",
						  "9223372036854771712\n" } },
		    0 },
		{ { { SELF, "nonsense\n\n::\n0\n" } }, 0 },
		{ { { SELF, "0::/\n" },
		      { V2 "/memory.max", "99999999999999999999\n" } },
		    0 },
	};
	char root[64], command[128];
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		strcpy(root, "/tmp/scrapegate-test-XXXXXX");
		assert_non_null(mkdtemp(root));
		for (j = 0; j < 4 && cases[i].files[j].path != NULL; j++)
			write_fake(root, &cases[i].files[j]);
		if (conf_memory_limit(root) != cases[i].limit)
			fail_msg("case %zu: %llu", i,
			    (unsigned long long)conf_memory_limit(root));
		snprintf(command, sizeof(command), "rm -r %s", root);
		assert_int_equal(system(command), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls_choices),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_flags_win),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_target_fields),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_web_file_alone),
		cmocka_unit_test(test_web_fields),
		cmocka_unit_test(test_client_auth),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_memory_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
