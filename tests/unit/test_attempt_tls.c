/* Attempts against TLS servers of all kinds. */
#include <signal.h>

#include "tests/unit/attempting.h"
#include "tests/unit/scripted.h"
#include "tests/unit/certs.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define GOOD OK_HEAD "Content-Length: 5\r\n\r\nup 1\n"

#define DAY 86400L
#define LOCAL "IP:127.0.0.1,DNS:localhost"

static struct identity ca, other_ca, client_id;
static char *ca_text;
static char *client_cert, *client_key;

static int
set_up(void **state)
{
	struct identity_options o = {
		.cn = "Lab CA", .from_s = -DAY, .to_s = DAY, .is_ca = true
	};

	(void)state;
	ca = identity_make(&o);
	other_ca = identity_make(&o);
	o = (struct identity_options){
		.cn = "gate", .from_s = -DAY, .to_s = DAY, .issuer = &ca
	};
	client_id = identity_make(&o);
	ca_text = identity_text(&ca, false);
	client_cert = identity_text(&client_id, false);
	client_key = identity_text(&client_id, true);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	identity_free(&ca);
	identity_free(&other_ca);
	identity_free(&client_id);
	free(ca_text);
	free(client_cert);
	free(client_key);
	return 0;
}

struct certificate_case {
	const char *name;
	struct identity_options certificate;
	bool is_self_signed;
	const char *host;
	const char *server_name;
	bool is_skipped;
	long verify_result;
	bool is_name_mismatch;
	bool has_no_san;
	const char *names;
};

static const struct certificate_case certificate_cases[] = {
	{ "good", { "x", LOCAL, NULL, -DAY, DAY, &ca, false }, false,
	    "127.0.0.1", NULL, false, 0, false, false, "127.0.0.1, localhost" },
	{ "good name", { "x", LOCAL, NULL, -DAY, DAY, &ca, false }, false,
	    "localhost", NULL, false, 0, false, false, "127.0.0.1, localhost" },
	{ "server_name",
	    { "x", "DNS:*.shop.test", NULL, -DAY, DAY, &ca, false }, false,
	    "127.0.0.1", "node.shop.test", false, 0, false, false,
	    "*.shop.test" },
	{ "wildcard of two labels",
	    { "x", "DNS:*.shop.test", NULL, -DAY, DAY, &ca, false }, false,
	    "127.0.0.1", "a.node.shop.test", false, 62, true, false,
	    "*.shop.test" },
	{ "server usage", { "x", LOCAL, "serverAuth", -DAY, DAY, &ca, false },
	    false, "127.0.0.1", NULL, false, 0, false, false,
	    "127.0.0.1, localhost" },
	{ "client usage", { "x", LOCAL, "clientAuth", -DAY, DAY, &ca, false },
	    false, "127.0.0.1", NULL, false, 26, false, false,
	    "127.0.0.1, localhost" },
	{ "expired", { "x", LOCAL, NULL, -2 * DAY, -DAY, &ca, false }, false,
	    "127.0.0.1", NULL, false, 10, false, false,
	    "127.0.0.1, localhost" },
	{ "not yet valid", { "x", LOCAL, NULL, DAY, 2 * DAY, &ca, false },
	    false, "127.0.0.1", NULL, false, 9, false, false,
	    "127.0.0.1, localhost" },
	{ "expired beats wrong name and unknown CA",
	    { "x", "DNS:a.test", NULL, -2 * DAY, -DAY, &other_ca, false },
	    false, "localhost", NULL, false, 10, true, false, "a.test" },
	{ "wrong name",
	    { "localhost", "DNS:a.test,DNS:b.test", NULL, -DAY, DAY, &ca,
		false },
	    false, "localhost", NULL, false, 62, true, false,
	    "a.test, b.test" },
	{ "wrong address",
	    { "127.0.0.1", "IP:10.1.2.3", NULL, -DAY, DAY, &ca, false }, false,
	    "127.0.0.1", NULL, false, 64, true, false, "10.1.2.3" },
	{ "wrong name beats unknown CA",
	    { "x", "DNS:a.test", NULL, -DAY, DAY, &other_ca, false }, false,
	    "localhost", NULL, false, 62, true, false, "a.test" },
	{ "common name only",
	    { "localhost", NULL, NULL, -DAY, DAY, &ca, false }, false,
	    "localhost", NULL, false, 62, false, true, "" },
	{ "other common name", { "a.test", NULL, NULL, -DAY, DAY, &ca, false },
	    false, "localhost", NULL, false, 62, true, true, "" },
	{ "self-signed", { "x", LOCAL, NULL, -DAY, DAY, NULL, false }, true,
	    "127.0.0.1", NULL, false, 18, false, false,
	    "127.0.0.1, localhost" },
	{ "skipped", { "a.test", NULL, NULL, -2 * DAY, -DAY, &other_ca, false },
	    false, "127.0.0.1", NULL, true, 0, false, false, "" },
};

static void
check_certificate(const struct certificate_case *row)
{
	static const struct reply reply = { .bytes = GOOD };
	struct identity id = identity_make(&row->certificate);
	SSL_CTX *ctx = identity_server(&id);
	struct scripted s;
	struct client c;
	struct conf_target target;
	const struct report *r;
	bool is_good = row->verify_result == 0;

	print_message("  %s\n", row->name);
	scripted_start(&s, &reply, 1, ctx, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTPS, row->host, s.port);
	target.tls_config.ca = ca_text;
	target.tls_config.server_name = (char *)(uintptr_t)row->server_name;
	target.tls_config.insecure_skip_verify = row->is_skipped;
	r = client_fetch(&c, &target);
	assert_int_equal(r->verify_result, row->verify_result);
	assert_int_equal(r->is_name_mismatch, row->is_name_mismatch);
	assert_int_equal(r->has_no_san, row->has_no_san);
	assert_string_equal(r->certificate_names, row->names);
	assert_int_equal(strlen(r->certificate_not_after), 20);
	assert_int_equal(strlen(r->certificate_not_before), 20);
	assert_true(r->is_tls);
	assert_true(r->is_connected);
	assert_int_equal(r->tls_first_len, 5);
	assert_int_equal(r->tls_first[0], 0x16);
	assert_int_equal(r->end, is_good ? ATTEMPT_COMPLETE : ATTEMPT_FAILED);
	assert_int_equal(r->step, is_good ? STEP_DONE : STEP_TLS);
	assert_int_equal(r->curl_code, is_good ? 0 : 60);
	assert_int_equal(r->alert_sent != 0, !is_good);
	assert_true(r->phases.us[PHASE_TLS] > 0);
	assert_int_equal(c.has_text, is_good);
	client_close(&c);
	scripted_stop(&s);
	SSL_CTX_free(ctx);
	identity_free(&id);
}

static void
test_certificates(void **state)
{
	size_t i, n = sizeof(certificate_cases) / sizeof(certificate_cases[0]);

	(void)state;
	for (i = 0; i < n; i++)
		check_certificate(&certificate_cases[i]);
}

/* An unknown authority with the name of a known one, and an empty list. */
static void
test_unknown_authority(void **state)
{
	static const struct reply reply = { .bytes = GOOD };
	struct identity_options o = { "x", LOCAL, NULL, -DAY, DAY, &other_ca,
		false };
	struct identity id = identity_make(&o);
	SSL_CTX *ctx = identity_server(&id);
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct scripted s;
		struct client c;
		struct conf_target target;
		const struct report *r;

		scripted_start(&s, &reply, 1, ctx, NULL);
		client_open(&c);
		target_init(&target, CONF_HTTPS, "127.0.0.1", s.port);
		/* The system's authorities the second time. */
		target.tls_config.ca = i == 0 ? ca_text : NULL;
		r = client_fetch(&c, &target);
		assert_int_equal(r->curl_code, 60);
		assert_int_equal(r->verify_result, i == 0 ? 7 : 20);
		assert_int_equal(r->alert_received, 0);
		client_close(&c);
		scripted_stop(&s);
	}
	SSL_CTX_free(ctx);
	identity_free(&id);
}

static SSL_CTX *
good_server(void)
{
	struct identity_options o = { "x", LOCAL, NULL, -DAY, DAY, &ca, false };
	struct identity id = identity_make(&o);
	SSL_CTX *ctx = identity_server(&id);

	identity_free(&id);
	return ctx;
}

static int
refuse_name(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)arg;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
fetch_tls(SSL_CTX *ctx, const struct reply *reply, struct conf_tls_client tls,
    struct client *c)
{
	struct scripted s;
	struct conf_target target;

	scripted_start(&s, reply, 1, ctx, NULL);
	client_open(c);
	target_init(&target, CONF_HTTPS, "127.0.0.1", s.port);
	target.tls_config = tls;
	target.tls_config.ca = ca_text;
	client_fetch(c, &target);
	client_close(c);
	scripted_stop(&s);
	SSL_CTX_free(ctx);
}

static void
test_alerts(void **state)
{
	static const struct reply reply = { .bytes = GOOD };
	struct conf_tls_client plain = { .ca = NULL };
	struct conf_tls_client named = { .server_name = (char *)"localhost" };
	struct conf_tls_client old = { .max_version = (char *)"TLS12" };
	struct client c;
	SSL_CTX *ctx;

	(void)state;
	ctx = good_server();
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	fetch_tls(ctx, &reply, old, &c);
	assert_int_equal(c.report.alert_received, 70 + 1);
	assert_int_equal(c.report.step, STEP_TLS);
	assert_int_equal(c.report.curl_code, 35);

	ctx = good_server();
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(ctx, "ECDHE-RSA-AES256-GCM-SHA384");
	fetch_tls(ctx, &reply, plain, &c);
	assert_int_equal(c.report.alert_received, 40 + 1);

	/* With TLS 1.3 it comes when the handshake is over for us. */
	ctx = good_server();
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	fetch_tls(ctx, &reply, plain, &c);
	assert_int_equal(c.report.alert_received, 116 + 1);
	assert_int_equal(c.report.step, STEP_HEAD);
	assert_int_equal(c.report.end, ATTEMPT_FAILED);

	ctx = good_server();
	SSL_CTX_set_tlsext_servername_callback(ctx, refuse_name);
	fetch_tls(ctx, &reply, named, &c);
	assert_int_equal(c.report.alert_received, 112 + 1);

	/* We refuse: TLS 1.1 is below the default minimum. */
	ctx = good_server();
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	fetch_tls(ctx, &reply, plain, &c);
	assert_int_equal(c.report.end, ATTEMPT_FAILED);
	assert_int_equal(c.report.step, STEP_TLS);
	assert_int_equal(
	    c.report.alert_received == 71 || c.report.alert_sent == 71, 1);

	/* ... unless it is configured. */
	ctx = good_server();
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	plain.min_version = (char *)"TLS10";
	fetch_tls(ctx, &reply, plain, &c);
	assert_int_equal(c.report.judge.verdict, VERDICT_WHOLE);
}

static int
take_any(int is_fine, X509_STORE_CTX *ctx)
{
	(void)is_fine;
	(void)ctx;
	return 1;
}

static void
test_client_certificate(void **state)
{
	static const struct reply reply = { .bytes = GOOD };
	struct conf_tls_client tls = { .cert = client_cert, .key = client_key };
	struct client c;
	SSL_CTX *ctx = good_server();

	(void)state;
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, take_any);
	fetch_tls(ctx, &reply, tls, &c);
	assert_int_equal(c.report.judge.verdict, VERDICT_WHOLE);

	tls.cert = NULL;
	tls.cert_file = (char *)"/nonexistent/cert.pem";
	fetch_tls(good_server(), &reply, tls, &c);
	assert_int_equal(c.report.end, ATTEMPT_FAILED);
	assert_true(c.report.tls_files_unreadable);
	assert_string_equal(c.report.curl_error,
	    "unable to read specified "
	    "client cert: unable to read file /nonexistent/cert.pem: open "
	    "/nonexistent/cert.pem: no such file or directory");
}

static void
test_ca_file(void **state)
{
	static const struct reply reply = { .bytes = GOOD };
	char path[] = "/tmp/test_attempt_tls_XXXXXX";
	SSL_CTX *ctx = good_server();
	struct client c;
	struct conf_target target;
	int i;

	(void)state;
	identity_write_cert(&ca, path);
	client_open(&c);
	for (i = 0; i < 3; i++) {
		struct scripted s;
		FILE *f;

		scripted_start(&s, &reply, 1, ctx, NULL);
		target_init(&target, CONF_HTTPS, "127.0.0.1", s.port);
		target.tls_config.ca_file = path;
		client_fetch(&c, &target);
		scripted_stop(&s);
		/* Kept while it is the same, read again when it is not. */
		if (i < 2) {
			assert_int_equal(c.report.judge.status, 200);
		} else {
			assert_true(c.report.tls_files_unreadable);
			assert_non_null(strstr(c.report.curl_error,
			    "unable to use specified CA cert file /tmp/"));
		}
		if (i == 1) {
			f = fopen(path, "w");
			fputs("no certificate\n", f);
			fclose(f);
		}
	}
	unlink(path);
	target_init(&target, CONF_HTTPS, "127.0.0.1", 1);
	client_close(&c);
	SSL_CTX_free(ctx);
}

static void
test_plain_on_tls_and_back(void **state)
{
	static const struct reply http = { .bytes = "HTTP/1.1 400 Bad Request"
						    "\r\n\r\n",
		.is_sipping = true,
		.is_plain = true };
	static const struct reply ssh = { .bytes = "SSH-2.0-OpenSSH_9.2\r\n",
		.is_sipping = true,
		.is_plain = true };
	static const struct reply silent = {
		.bytes = NULL, .is_sipping = true, .is_plain = true
	};
	static const struct reply reset = { .bytes = NULL,
		.is_sipping = true,
		.is_plain = true,
		.then = THEN_RESET };
	static const struct reply good = { .bytes = GOOD };
	struct conf_tls_client tls = { .ca = NULL };
	struct scripted s;
	struct client c;
	struct conf_target target;
	SSL_CTX *ctx;

	(void)state;
	fetch_tls(good_server(), &http, tls, &c);
	assert_int_equal(c.report.tls_first_len, 5);
	assert_memory_equal(c.report.tls_first, "HTTP/", 5);
	assert_int_equal(c.report.ssl_error & 0xfff, 0x10b);
	assert_int_equal(c.report.step, STEP_TLS);
	fetch_tls(good_server(), &ssh, tls, &c);
	assert_memory_equal(c.report.tls_first, "SSH-2", 5);

	fetch_tls(good_server(), &silent, tls, &c);
	assert_int_equal(c.report.step, STEP_TLS);
	assert_int_equal(c.report.end, ATTEMPT_FAILED);
	assert_int_equal(c.report.curl_code, 35);
	assert_int_equal(c.report.os_errno, 0);
	fetch_tls(good_server(), &reset, tls, &c);
	assert_int_equal(c.report.end, ATTEMPT_FAILED);
	assert_int_equal(c.report.os_errno, 104);

	/* http:// to a TLS port: OpenSSL just closes. */
	ctx = good_server();
	scripted_start(&s, &good, 1, ctx, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	client_fetch(&c, &target);
	assert_int_equal(c.report.curl_code, 52);
	assert_false(c.report.is_tls);
	client_close(&c);
	scripted_stop(&s);
	SSL_CTX_free(ctx);
}

/* Go accepts an end without close_notify, and so do we. */
static void
test_unclean_end(void **state)
{
	static const struct {
		struct reply reply;
		enum verdict verdict;
	} rows[] = {
		{ { .bytes = GOOD, .is_hung_up = true }, VERDICT_WHOLE },
		{ { .bytes = OK_HEAD "\r\nup 1\n", .is_hung_up = true },
		    VERDICT_WHOLE },
		{ { .bytes = OK_HEAD "\r\nup 1\n" }, VERDICT_WHOLE },
		{ { .bytes = OK_HEAD "\r\nup", .is_hung_up = true },
		    VERDICT_BODY_TRUNCATED },
		{ { .bytes = OK_HEAD "Content-Length: 50\r\n\r\nup 1\n",
		      .is_hung_up = true },
		    VERDICT_BODY_TRUNCATED },
	};
	struct conf_tls_client tls = { .ca = NULL };
	struct client c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fetch_tls(good_server(), &rows[i].reply, tls, &c);
		assert_int_equal(c.report.judge.verdict, rows[i].verdict);
		assert_int_equal(c.has_text, rows[i].verdict == VERDICT_WHOLE);
	}
}

/* Equal host and port, other TLS settings: not the same connection. */
static void
test_pools_are_apart(void **state)
{
	static const struct reply replies[] = {
		{ .bytes = GOOD, .then = THEN_KEEP },
		{ .bytes = GOOD, .then = THEN_KEEP },
		{ .bytes = GOOD },
	};
	SSL_CTX *ctx = good_server();
	struct scripted s;
	struct client c;
	struct conf_target target;
	struct attempt *a;
	struct report view;

	(void)state;
	scripted_start(&s, replies, 3, ctx, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTPS, "127.0.0.1", s.port);
	target.tls_config.insecure_skip_verify = true;
	client_fetch(&c, &target);
	client_fetch(&c, &target);
	assert_true(c.report.is_reused);
	target.tls_config.insecure_skip_verify = false;
	/* The server waits for the kept one: this one dials, in vain. */
	a = client_start(&c, &target);
	do {
		event_base_loop(c.base, EVLOOP_ONCE);
		assert_int_equal(c.calls, 0);
		attempt_view(a, &view);
	} while (view.step < STEP_TLS);
	assert_int_equal(view.step, STEP_TLS);
	assert_false(view.is_reused);
	attempt_cancel(a);
	client_close(&c);
	scripted_stop(&s);
	SSL_CTX_free(ctx);
}

static void
test_cancel_in_handshake(void **state)
{
	static const struct reply reply = { .bytes = GOOD };
	SSL_CTX *ctx = good_server();
	int turns = -1, turn;
	bool is_over = false;

	(void)state;
	while (!is_over) {
		struct scripted s;
		struct client c;
		struct conf_target target;
		struct attempt *a;

		scripted_start(&s, &reply, 1, ctx, NULL);
		client_open(&c);
		target_init(&target, CONF_HTTPS, "localhost", s.port);
		target.tls_config.ca = ca_text;
		a = client_start(&c, &target);
		turns++;
		for (turn = 0; turn < turns && c.calls == 0; turn++)
			event_base_loop(c.base, EVLOOP_ONCE);
		is_over = c.calls > 0;
		if (!is_over)
			attempt_cancel(a);
		client_close(&c);
		scripted_stop(&s);
	}
	assert_true(turns > 2);
	SSL_CTX_free(ctx);
}

/* A silent server holds the handshake: the view says so. */
static void
test_view_in_handshake(void **state)
{
	static const struct reply reply = {
		.then = THEN_HANG, .is_deaf = true, .is_plain = true
	};
	SSL_CTX *ctx = good_server();
	struct scripted s;
	struct client c;
	struct conf_target target;
	struct attempt *a;
	struct report view;

	(void)state;
	scripted_start(&s, &reply, 1, ctx, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTPS, "127.0.0.1", s.port);
	target.tls_config.ca = ca_text;
	a = client_start(&c, &target);
	do {
		event_base_loop(c.base, EVLOOP_ONCE);
		attempt_view(a, &view);
	} while (view.step < STEP_TLS);
	assert_int_equal(view.step, STEP_TLS);
	assert_true(view.is_connected);
	assert_int_equal(view.end, ATTEMPT_RUNNING);
	attempt_cancel(a);
	client_close(&c);
	scripted_stop(&s);
	SSL_CTX_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_unknown_authority),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_client_certificate),
		cmocka_unit_test(test_ca_file),
		cmocka_unit_test(test_plain_on_tls_and_back),
		cmocka_unit_test(test_unclean_end),
		cmocka_unit_test(test_pools_are_apart),
		cmocka_unit_test(test_cancel_in_handshake),
		cmocka_unit_test(test_view_in_handshake),
	};

	alarm(60); /* a test that hangs fails */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
