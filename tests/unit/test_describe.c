/*
 * What a person reads of a finding: exact words for typical reports, and for
 * every reason, however hostile the exporter, words that fit the status line
 * and hold none of its bytes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "proxy/diagnosis/baseline.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/parts.h"
#include "proxy/diagnosis/lateness.h"
#include "proxy/fetch/report.h"

#define TCP                                                                    \
	.target = { .name = "node",                                            \
		.place = { "scrapegate.yml", 12, 1 },                          \
		.url = { .text = "http://10.0.0.5:9100/metrics",               \
		    .scheme = CONF_HTTP,                                       \
		    .host = "10.0.0.5",                                        \
		    .port = 9100,                                              \
		    .path = "/metrics" } }
#define HTTPS                                                                  \
	.target = { .name = "node",                                            \
		.place = { "scrapegate.yml", 12, 1 },                          \
		.url = { .text = "https://db.example:9104/metrics",            \
		    .scheme = CONF_HTTPS,                                      \
		    .host = "db.example",                                      \
		    .port = 9104,                                              \
		    .path = "/metrics" } }
#define PROXIED                                                                \
	.target = { .name = "node",                                            \
		.proxy_url = "http://u:p@proxy.example:3128",                  \
		.url = { .text = "https://db.example:9104/metrics",            \
		    .scheme = CONF_HTTPS,                                      \
		    .host = "db.example",                                      \
		    .port = 9104,                                              \
		    .path = "/metrics" } }
#define HTTPS_IP                                                               \
	.target = { .name = "node",                                            \
		.url = { .text = "https://127.0.0.1/",                         \
		    .scheme = CONF_HTTPS,                                      \
		    .host = "127.0.0.1",                                       \
		    .port = 443,                                               \
		    .path = "/" } }
#define UNIX                                                                   \
	.target = { .name = "sock",                                            \
		.url = { .text = "unix:/run/e.sock:/metrics",                  \
		    .scheme = CONF_UNIX,                                       \
		    .host = "localhost",                                       \
		    .unix_path = "/run/e.sock",                                \
		    .path = "/metrics" } }
#define FILE_TARGET                                                            \
	.target = { .name = "file",                                            \
		.url = { .text = "file:/var/lib/x.prom",                       \
		    .scheme = CONF_FILE,                                       \
		    .host = "localhost",                                       \
		    .path = "/var/lib/x.prom" } }
#define DIALLED .address = "10.0.0.5:9100"

struct example {
	struct conf_target target;
	struct report report;
	uint64_t elapsed_us;
	const char *id;
	const char *words;
	const char *lasterror;
	const char *cause; /* a part of it; NULL: any */
	const char *seen;  /* parts of these too */
	const char *fix;
};

#define GET "Get \"http://10.0.0.5:9100/metrics\": "
#define GET_TLS "Get \"https://db.example:9104/metrics\": "
#define X509 "tls: failed to verify certificate: x509: "

static const struct example examples[] = {
	{ TCP,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_CONNECT,
		DIALLED,
		.curl_code = 7,
		.os_errno = ECONNREFUSED,
		.phases = { { [PHASE_CONNECT] = 200 } } },
	    1000, "connect_refused",
	    "dial tcp 10.0.0.5:9100: connect: connection refused",
	    GET "dial tcp 10.0.0.5:9100: connect: connection refused",
	    "Nothing listens there",
	    "connect() failed with ECONNREFUSED after 0.2 ms (measured)",
	    "ss -ltnp | grep :9100" },
	{ TCP, { .end = ATTEMPT_RUNNING, .step = STEP_CONNECT, DIALLED },
	    9500000, "timeout_connect",
	    "dial tcp 10.0.0.5:9100: no answer to SYN in 9.5s (dropped, not "
	    "refused)",
	    GET "context deadline exceeded", "would have refused",
	    "no reply to SYN in 9.5 s (measured)", "will not help" },
	{ TCP,
	    { .end = ATTEMPT_RUNNING,
		.step = STEP_HEAD,
		DIALLED,
		.phases = { { [PHASE_QUEUE] = 100000,
		    [PHASE_CONNECT] = 500000 } } },
	    9500000, "timeout_headers", "exporter sent nothing for 8.9s",
	    GET "context deadline exceeded", "Hardly the network",
	    "nothing received in 8.9 s (measured); queue 0.1 s, connect 0.5 s "
	    "(measured)",
	    "(now 10s)" },
	{ TCP,
	    { .end = ATTEMPT_TIMEOUT,
		.step = STEP_HEAD,
		DIALLED,
		.judge = { .has_any_byte = true },
		.phases = { { [PHASE_PROCESSING] = 2000000,
		    [PHASE_TRANSFER] = 7000000 } } },
	    9500000, "timeout_headers",
	    "exporter sent an unfinished answer head in 9s",
	    GET "context deadline exceeded", "began to answer",
	    "head begun but not ended", NULL },
	{ TCP,
	    { .end = ATTEMPT_TIMEOUT,
		.step = STEP_BODY,
		DIALLED,
		.wire_bytes = 4096,
		.last_byte_ago_us = 9000000,
		.judge = { .has_any_byte = true,
		    .status = 200,
		    .is_head_complete = true,
		    .has_length = true,
		    .content_length = 20000 } },
	    9500000, "timeout_body",
	    "body not finished in 9.5s: 4096 of 20000 bytes received, the last "
	    "one 9s ago (stalled)",
	    "context deadline exceeded", NULL,
	    "200, 4096 of 20000 bytes of the body received, the last 9 s ago "
	    "(measured)",
	    NULL },
	{ TCP,
	    { .end = ATTEMPT_TIMEOUT,
		.step = STEP_BODY,
		DIALLED,
		.wire_bytes = 4096,
		.last_byte_ago_us = 20000,
		.judge = { .status = 200, .is_head_complete = true } },
	    9500000, "timeout_body",
	    "body not finished in 9.5s: 4096 bytes received, the last one "
	    "0.02s ago (slow)",
	    "context deadline exceeded", NULL, NULL, NULL },
	{ TCP,
	    { .end = ATTEMPT_COMPLETE,
		.step = STEP_DONE,
		DIALLED,
		.error_text = "no token\\n",
		.wire_bytes = 9,
		.judge = { .verdict = VERDICT_WHOLE,
		    .status = 401,
		    .reason = "Nope",
		    .has_any_byte = true,
		    .is_head_complete = true,
		    .www_authenticate = "Basic" } },
	    1000, "auth_unauthorized",
	    "exporter answered 401 to the gate; your credentials were accepted",
	    "server returned HTTP status 401 Nope", "Leave Prometheus alone",
	    "401, 9 bytes, begins \"no token\\n\" (measured); exporter asks "
	    "for Basic (measured); targets[node].basic_auth is not set "
	    "(scrapegate.yml:12) (measured)",
	    "set basic_auth" },
	{ TCP,
	    { .end = ATTEMPT_COMPLETE,
		.step = STEP_DONE,
		DIALLED,
		.judge = { .verdict = VERDICT_WHOLE,
		    .status = 503,
		    .has_any_byte = true,
		    .is_head_complete = true } },
	    1000, "http_unavailable", "exporter answered 503",
	    "server returned HTTP status 503 ", NULL, "503, 0 bytes (measured)",
	    "curl -sv http://10.0.0.5:9100/metrics " },
	{ UNIX,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_CONNECT,
		.curl_code = 7,
		.is_unix = true,
		.os_errno = ENOENT,
		.address = "/run/e.sock" },
	    1000, "connect_refused",
	    "dial unix /run/e.sock: connect: no such file or directory",
	    "Get \"unix:/run/e.sock:/metrics\": dial unix /run/e.sock: "
	    "connect: no such file or directory",
	    "The socket does not exist", "ENOENT", "ls -l /run/e.sock" },
	{ UNIX,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_CONNECT,
		.curl_code = 7,
		.is_unix = true,
		.os_errno = ECONNREFUSED },
	    1000, "connect_refused",
	    "dial unix /run/e.sock: connect: connection refused",
	    "Get \"unix:/run/e.sock:/metrics\": dial unix /run/e.sock: "
	    "connect: connection refused",
	    "nobody listens on it", NULL, "ss -lxp | grep /run/e.sock" },
	{ FILE_TARGET,
	    { .end = ATTEMPT_FAILED, .step = STEP_CONNECT, .os_errno = ENOENT },
	    1000, "connect_refused",
	    "open /var/lib/x.prom: no such file or directory",
	    "open /var/lib/x.prom: no such file or directory",
	    "cannot read the metrics file", "open() failed with ENOENT",
	    "ls -l /var/lib/x.prom" },
	{ TCP,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_CONNECT,
		DIALLED,
		.curl_code = 7,
		.os_errno = EINVAL },
	    1000, "connect_other",
	    "dial tcp 10.0.0.5:9100: connect: invalid argument",
	    GET "dial tcp 10.0.0.5:9100: connect: invalid argument", NULL,
	    "EINVAL", NULL },
	{ HTTPS,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_RESOLVE,
		.resolve = RESOLVE_NXDOMAIN,
		.name_server = "10.0.0.2:53" },
	    1000, "dns_nxdomain",
	    "dial tcp: lookup db.example on 10.0.0.2:53: no such host",
	    GET_TLS "dial tcp: lookup db.example on 10.0.0.2:53: no such host",
	    NULL, "name server 10.0.0.2:53: NXDOMAIN, after 1 ms",
	    "dig db.example" },
	{ PROXIED,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_RESOLVE,
		.resolve = RESOLVE_NXDOMAIN,
		.is_proxy_used = true,
		.name_server = "10.0.0.2:53",
		.curl_error = "lookup proxy.example" },
	    1000, "dns_nxdomain",
	    "dial tcp: lookup proxy.example on 10.0.0.2:53: no such host",
	    GET_TLS "dial tcp: lookup proxy.example on 10.0.0.2:53: no such "
		    "host",
	    NULL, "through proxy_url of targets[node] (measured)", NULL },
	{ PROXIED,
	    { .end = ATTEMPT_RUNNING,
		.step = STEP_CONNECT,
		.is_proxy_used = true,
		.is_connected = true,
		.is_tls = true,
		.address = "10.0.0.9:3128" },
	    9500000, "timeout_connect",
	    "proxy 10.0.0.9:3128 did not connect to the exporter in 9.5s",
	    GET_TLS "context deadline exceeded", "proxy_url",
	    "TCP connected, no answer to CONNECT in 9.5 s (measured)", NULL },
	{ HTTPS,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_RESOLVE,
		.resolve = RESOLVE_NXDOMAIN,
		.redirects = 1,
		.name_server = "10.0.0.2:53",
		.curl_error = "lookup evil.example" },
	    1000, "dns_nxdomain",
	    "dial tcp: lookup (redirected) on 10.0.0.2:53: no such host",
	    GET_TLS "dial tcp: lookup evil.example on 10.0.0.2:53: no such "
		    "host",
	    NULL, "after 1 redirect (measured)", NULL },
	{ HTTPS,
	    { .step = STEP_TLS,
		.tls_files_unreadable = true,
		.end = ATTEMPT_FAILED,
		.curl_error = "unable to read CA cert: unable to read "
			      "file /c: open /c: no such file" },
	    1000, "tls_local_files_unreadable",
	    "unable to read CA cert: unable to read file /c: open /c: no such "
	    "file",
	    GET_TLS "unable to read CA cert: unable to read file /c: open /c: "
		    "no such file",
	    NULL, "open /c: no such file (measured)", NULL },
	{ HTTPS,
	    { .end = ATTEMPT_RUNNING,
		.step = STEP_TLS,
		.is_tls = true,
		.is_connected = true,
		.address = "10.0.0.5:9104" },
	    9500000, "timeout_tls",
	    "TLS handshake with 10.0.0.5:9104 not finished in 9.5s",
	    GET_TLS "context deadline exceeded", "TCP works",
	    "handshake started, nothing received in 9.5 s (measured)", NULL },
	{ HTTPS,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_TLS,
		.is_tls = true,
		.is_connected = true,
		.curl_code = 60,
		.is_name_mismatch = true,
		.certificate_names = "a.example, 10.1.2.3, b.example" },
	    1000, "tls_hostname_mismatch",
	    X509 "certificate is not valid for db.example",
	    GET_TLS X509 "certificate is valid for a.example, b.example, not "
			 "db.example",
	    NULL,
	    "certificate is valid for a.example, 10.1.2.3, b.example "
	    "(measured)",
	    "server_name" },
	{ HTTPS_IP,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_TLS,
		.is_tls = true,
		.is_connected = true,
		.curl_code = 60,
		.is_name_mismatch = true,
		.certificate_names = "a.example" },
	    1000, "tls_hostname_mismatch",
	    X509 "certificate is not valid for 127.0.0.1",
	    "Get \"https://127.0.0.1/\": " X509
	    "cannot validate certificate for 127.0.0.1 because it doesn't "
	    "contain any IP SANs",
	    NULL, NULL, NULL },
	{ HTTPS,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_TLS,
		.is_tls = true,
		.is_connected = true,
		.curl_code = 60,
		.verify_result = 10,
		.certificate_not_before = "2020-01-01T00:00:00Z",
		.certificate_not_after = "2021-01-01T00:00:00Z" },
	    1000, "tls_cert_expired",
	    X509 "certificate has expired: it ended 2021-01-01T00:00:00Z",
	    GET_TLS X509 "certificate has expired or is not yet valid: current "
			 "time (of this scrape) is after 2021-01-01T00:00:00Z",
	    NULL,
	    "certificate runs from 2020-01-01T00:00:00Z to "
	    "2021-01-01T00:00:00Z (measured)",
	    "renew it" },
	{ HTTPS,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_HEAD,
		.is_tls = true,
		.is_connected = true,
		.alert_received = 117 },
	    1000, "tls_client_cert_required",
	    "remote error: tls: certificate required",
	    GET_TLS "remote error: tls: certificate required", NULL,
	    "TLS alert 116 (certificate required) received (measured); "
	    "targets[node].tls_config.cert_file is not set "
	    "(scrapegate.yml:12) (measured)",
	    "cert_file" },
	{ HTTPS,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_TLS,
		.is_tls = true,
		.is_connected = true,
		.curl_code = 35,
		.tls_first = "HTTP/",
		.tls_first_len = 5,
		.alert_sent = 71 },
	    1000, "tls_server_speaks_http",
	    "http: server gave HTTP response to HTTPS client",
	    GET_TLS "http: server gave HTTP response to HTTPS client", NULL,
	    "its first bytes are \"HTTP/\" (measured)", "http://" },
	{ TCP,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_HEAD,
		DIALLED,
		.judge = { .verdict = VERDICT_NOT_HTTP,
		    .has_any_byte = true,
		    .detail = "malformed HTTP response \"SSH-2.0-x\"",
		    .first_bytes = "SSH-2.0-x\\r\\n" } },
	    1000, "http_malformed_response",
	    "net/http: HTTP/1.x transport connection broken: malformed HTTP "
	    "response",
	    GET "net/http: HTTP/1.x transport connection broken: malformed "
		"HTTP response \"SSH-2.0-x\"",
	    NULL, "malformed HTTP response \"SSH-2.0-x\" (measured)",
	    "ss -ltnp | grep :9100" },
	/* libcurl's own verdict: it keeps such a line to itself. */
	{ TCP,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_HEAD,
		DIALLED,
		.curl_code = 1,
		.curl_error = "Invalid status line" },
	    1000, "http_malformed_response",
	    "net/http: HTTP/1.x transport connection broken: malformed HTTP "
	    "response",
	    GET "net/http: HTTP/1.x transport connection broken: malformed "
		"HTTP response",
	    NULL, "", "ss -ltnp | grep :9100" },
	{ TCP,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_BODY,
		DIALLED,
		.wire_bytes = 512,
		.is_reused = true,
		.was_retried = true,
		.judge = { .verdict = VERDICT_BODY_TRUNCATED,
		    .status = 200,
		    .is_head_complete = true,
		    .has_any_byte = true,
		    .has_length = true,
		    .content_length = 1000 } },
	    1000, "body_truncated",
	    "unexpected EOF: 512 of 1000 bytes received", "unexpected EOF",
	    NULL, "tried twice", NULL },
	/* What no direct scrape would refuse has no words of Prometheus. */
	{ TCP,
	    { .end = ATTEMPT_COMPLETE,
		.step = STEP_BODY,
		DIALLED,
		.wire_bytes = 4,
		.judge = { .verdict = VERDICT_BODY_TRUNCATED,
		    .is_stricter = true,
		    .detail = "breaks off",
		    .status = 200,
		    .is_head_complete = true,
		    .has_any_byte = true } },
	    1000, "body_truncated",
	    "the answer may have been cut: no length was told and no final "
	    "newline came",
	    "", "omits the last line's end", "breaks off (inferred)",
	    "tail -c" },
	{ TCP,
	    { .end = ATTEMPT_COMPLETE,
		.step = STEP_BODY,
		DIALLED,
		.wire_bytes = 4,
		.judge = { .verdict = VERDICT_BODY_TRUNCATED,
		    .is_stricter = true,
		    .detail = "breaks off",
		    .status = 200,
		    .content_type = "Application/OpenMetrics-text; version=1",
		    .is_head_complete = true,
		    .has_any_byte = true } },
	    1000, "body_truncated",
	    "the answer may have been cut: no length was told and no final "
	    "# EOF came",
	    "", NULL, NULL, NULL },
	{ TCP,
	    { .end = ATTEMPT_COMPLETE,
		.step = STEP_HEAD,
		DIALLED,
		.judge = { .verdict = VERDICT_BAD_FRAMING,
		    .is_stricter = true,
		    .detail = "Transfer-Encoding: chunked beside "
			      "Content-Length \"3\"",
		    .has_any_byte = true } },
	    1000, "http_bad_framing",
	    "exporter's Content-Length or Transfer-Encoding cannot be "
	    "trusted",
	    "", "the gate does not guess", "beside", NULL },
	{ TCP,
	    { .end = ATTEMPT_COMPLETE,
		.step = STEP_HEAD,
		DIALLED,
		.judge = { .verdict = VERDICT_HEADER_MALFORMED,
		    .is_stricter = true,
		    .detail = "malformed MIME header line: "
			      "\"Content-Length : 3\"",
		    .has_any_byte = true } },
	    1000, "http_malformed_header",
	    "net/http: HTTP/1.x transport connection broken: malformed MIME "
	    "header",
	    "", "may overlook it", NULL, NULL },
	{ TCP,
	    { .end = ATTEMPT_COMPLETE,
		.step = STEP_HEAD,
		DIALLED,
		.judge = { .verdict = VERDICT_HEADER_MALFORMED,
		    .detail = "malformed MIME header: missing colon: "
			      "\"foo\"",
		    .has_any_byte = true } },
	    1000, "http_malformed_header",
	    "net/http: HTTP/1.x transport connection broken: malformed MIME "
	    "header",
	    GET "net/http: HTTP/1.x transport connection broken: malformed "
		"MIME header: missing colon: \"foo\"",
	    "Prometheus would refuse it too", NULL, NULL },
	{ TCP,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_HEAD,
		DIALLED,
		.is_connected = true,
		.curl_code = 92,
		.curl_error = "strange" },
	    1000, "unexplained",
	    "the attempt failed in a way no rule explains: waiting for the "
	    "head, libcurl code 92, errno 0",
	    GET "waiting for the head, libcurl code 92, errno 0", "Unknown",
	    "libcurl says \"strange\" (measured)", NULL },
	{ TCP,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_HEAD,
		DIALLED,
		.curl_code = 8,
		.curl_error = "Header without colon",
		.judge = { .verdict = VERDICT_CLOSED_IN_HEADERS,
		    .has_any_byte = true,
		    .detail = "unexpected EOF",
		    .first_bytes = "HTTP/1.1 200 OK" } },
	    1000, "http_malformed_header",
	    "net/http: HTTP/1.x transport connection broken: malformed MIME "
	    "header",
	    GET "net/http: HTTP/1.x transport connection broken: malformed "
		"MIME header",
	    NULL,
	    "libcurl says \"Header without colon\" (measured); it begins "
	    "\"HTTP/1.1 200 OK\" (measured)",
	    NULL },
	{ HTTPS,
	    { .end = ATTEMPT_FAILED,
		.step = STEP_HEAD,
		.is_tls = true,
		.is_connected = true,
		.curl_code = 55,
		.os_errno = EPIPE },
	    1000, "http_reset_before_response",
	    "exporter reset the connection before its answer's head was "
	    "complete",
	    GET_TLS "read tcp db.example:9104: read: connection reset by peer",
	    "wants a client certificate", "ended with EPIPE", "cert_file" },
};

static void
check_part(const char *id, const char *text, const char *part)
{
	if (part != NULL && strstr(text, part) == NULL)
		fail_msg("%s: no \"%s\" in \"%s\"", id, part, text);
}

static void
test_examples(void **state)
{
	struct finding finding;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *example = &examples[i];

		finding_describe(&finding, classify(&example->report),
		    &example->report, &example->target, example->elapsed_us,
		    10000);
		assert_string_equal(
		    reason_row(finding.reason)->id, example->id);
		assert_string_equal(finding.words, example->words);
		assert_string_equal(finding.lasterror, example->lasterror);
		check_part(example->id, finding.cause, example->cause);
		check_part(example->id, finding.seen, example->seen);
		check_part(example->id, finding.fix, example->fix);
	}
}

static void
test_ok(void **state)
{
	static const struct report report;
	struct finding finding;

	(void)state;
	memset(&finding, 'x', sizeof(finding));
	finding_describe(
	    &finding, REASON_OK, &report, &examples[0].target, 1, 1);
	assert_int_equal(finding.reason, REASON_OK);
	assert_string_equal(finding.words, "");
	assert_string_equal(finding.lasterror, "");
	assert_string_equal(finding.seen, "");
}

/* An exporter's words that look like evidence are one piece of it. */
static void
test_forged_evidence(void **state)
{
	static const struct report report = {
		.end = ATTEMPT_COMPLETE,
		.step = STEP_DONE,
		.error_text = "a (measured); all is well (measured); ",
		.wire_bytes = 9,
		.judge = { .verdict = VERDICT_WHOLE,
		    .status = 500,
		    .has_any_byte = true,
		    .is_head_complete = true },
	};
	struct finding finding;
	const char *cursor = finding.seen;
	struct part part;

	(void)state;
	finding_describe(&finding, classify(&report), &report,
	    &examples[0].target, 1000, 10000);
	check_part("forged", finding.seen,
	    "a [measured]; all is well [measured]; \" (measured)");
	assert_true(parts_next(&cursor, &part));
	assert_false(parts_next(&cursor, &part));
}

/* Fills what the exporter decides with a mark, to its last byte. */
#define POISON(field) poison(field, sizeof(field))

static void
poison(char *field, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size; i++)
		field[i] = "EVIL\\x00"[i % 8];
	field[size - 1] = '\0';
}

static void
make_hostile(struct report *report)
{
	memset(report, 0, sizeof(*report));
	POISON(report->judge.detail);
	POISON(report->judge.reason);
	POISON(report->judge.content_type);
	POISON(report->judge.content_encoding);
	POISON(report->judge.www_authenticate);
	POISON(report->judge.location);
	POISON(report->judge.first_bytes);
	POISON(report->certificate_names);
	POISON(report->error_text);
	memcpy(report->tls_first, "EVIL!", 5);
	report->tls_first_len = 5;
	report->judge.status = 599;
	report->judge.has_any_byte = true;
	report->judge.has_length = true;
	report->judge.content_length = UINT64_MAX;
	report->wire_bytes = UINT64_MAX;
	report->body_bytes = UINT64_MAX;
	report->last_byte_ago_us = UINT64_MAX;
	memset(report->address, 'a', sizeof(report->address) - 1);
	memset(report->name_server, '9', sizeof(report->name_server) - 1);
	memset(report->curl_error, '\n', sizeof(report->curl_error) - 1);
	memset(report->certificate_not_after, '1',
	    sizeof(report->certificate_not_after) - 1);
	memset(report->certificate_not_before, '1',
	    sizeof(report->certificate_not_before) - 1);
}

static void
check_printable(
    const char *id, const char *text, size_t size, bool may_hold_newlines)
{
	size_t i;

	assert_non_null(memchr(text, '\0', size));
	for (i = 0; text[i] != '\0'; i++)
		if ((text[i] < 0x20 || text[i] > 0x7e) &&
		    !(text[i] == '\n' && may_hold_newlines))
			fail_msg("%s: not printable: %s", id, text);
}

static void
check_hostile(enum reason reason, const struct report *report,
    const struct conf_target *target)
{
	static const char *const marks[] = { "(measured)", "(inferred)",
		"(unknown)" };
	const struct reason_row *row = reason_row(reason);
	struct finding finding;
	bool is_marked = false;
	size_t i, len;

	memset(&finding, 'x', sizeof(finding));
	finding_describe(
	    &finding, reason, report, target, 123456789, INT64_MAX / 2000);
	check_printable(row->id, finding.words, sizeof(finding.words), false);
	check_printable(
	    row->id, finding.lasterror, sizeof(finding.lasterror), false);
	check_printable(row->id, finding.cause, sizeof(finding.cause), true);
	check_printable(row->id, finding.seen, sizeof(finding.seen), true);
	check_printable(row->id, finding.fix, sizeof(finding.fix), true);
	assert_true(strlen(row->id) + 2 + strlen(finding.words) <= 200);
	assert_null(strstr(finding.words, "EVIL"));
	assert_null(strstr(finding.cause, "EVIL"));
	assert_null(strstr(finding.fix, "EVIL"));
	if (reason == REASON_OK || row->layer == LAYER_GATE)
		return;
	len = strlen(finding.seen);
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (len > strlen(marks[i]) &&
		    strcmp(finding.seen + len - strlen(marks[i]), marks[i]) ==
			0)
			is_marked = true;
	if (!is_marked)
		fail_msg("%s: evidence is not marked: \"%s\"", row->id,
		    finding.seen);
}

static void
test_hostile(void **state)
{
	static char name[300], host[300], url[3000];
	struct conf_target target = { .name = name,
		.place = { name, 1, 1 },
		.url = { .text = url,
		    .host = host,
		    .path = url,
		    .unix_path = url,
		    .port = 65535 } };
	struct report report;
	int i, step;
	size_t k;
	static const enum conf_scheme schemes[] = { CONF_HTTP, CONF_HTTPS,
		CONF_UNIX, CONF_FILE };

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	memcpy(name, "\x01\xc3\xa9", 3);
	memset(host, 'h', sizeof(host) - 1);
	memset(url, '$', sizeof(url) - 1);
	make_hostile(&report);
	for (k = 0; k < sizeof(schemes) / sizeof(schemes[0]); k++) {
		target.url.scheme = schemes[k];
		for (i = 0; i < REASON_COUNT; i++)
			for (step = 0; step < 4; step++) {
				report.judge.is_head_complete = step & 1;
				report.is_proxy_used = step & 2;
				report.os_errno = step & 2 ? ENOENT : 0;
				check_hostile((enum reason)i, &report, &target);
			}
	}
}

/* Nothing was measured at all. */
static void
test_empty(void **state)
{
	static const struct report report;
	static const struct conf_target target = { .name = "t",
		.url = { .text = "http://h/", .host = "h", .path = "/" } };
	struct finding finding;
	int i;

	(void)state;
	for (i = 0; i < REASON_COUNT; i++) {
		check_hostile((enum reason)i, &report, &target);
		finding_describe(
		    &finding, (enum reason)i, &report, &target, 0, 0);
		assert_true(i == REASON_OK || finding.words[0] != '\0');
	}
}

/* Ours, but quoted for the shell that it is meant for. */
static void
test_shell(void **state)
{
	static const struct conf_target query = { .name = "t",
		.url = { .text = "http://h:1/m?a=1&b=2",
		    .host = "h",
		    .port = 1,
		    .path = "/m",
		    .query = "a=1&b=2" } };
	static const struct report report = { .judge = { .status = 404 } };
	struct finding finding;

	(void)state;
	finding_describe(
	    &finding, REASON_HTTP_NOT_FOUND, &report, &query, 1, 1);
	assert_non_null(strstr(finding.fix, "'http://h:1/m?a=1&b=2'"));
	finding_describe(&finding, REASON_HTTP_NOT_FOUND, &report,
	    &examples[8].target, 1, 1);
	assert_non_null(strstr(finding.fix,
	    "--unix-socket /run/e.sock 'http://localhost/metrics'"));
}

#define MS UINT64_C(1000)
#define S UINT64_C(1000000)

/* What was so besides: in the words of what ran out of time, and of what was
 * slow. */
static void
test_circumstances(void **state)
{
	static const struct conf_target target = { .name = "node",
		.url = { .text = "http://h:9100/metrics",
		    .host = "h",
		    .port = 9100,
		    .path = "/metrics" } };
	static const struct {
		enum reason reason;
		uint64_t elapsed_us;
		struct phases phases;
		struct baseline_verdict baseline;
		uint64_t last_good_wall_us;
		const char *words;
		const char *seen;
		const char *fix;
	} rows[] = {
		{ REASON_TIMEOUT_HEADERS, 9500 * MS,
		    { .us = { [PHASE_PROCESSING] = 9500 * MS } },
		    { .normal = { .us = { [PHASE_PROCESSING] = 310 * MS } },
			.normal_duration_us = 320 * MS },
		    1795338153 * S,
		    "exporter sent nothing for 9.5s, normally 0.31s",
		    "; last good 09:02:33 UTC (measured)", "" },
		{ REASON_TIMEOUT_HEADERS, 9500 * MS,
		    { .us = { [PHASE_PROCESSING] = 9500 * MS } },
		    { .slowness = SLOW_NOT }, 0,
		    "exporter sent nothing for 9.5s", "processing 9.5 s", "" },
		{ REASON_TIMEOUT_BODY, 9500 * MS, { .us = { 0 } },
		    { .normal_duration_us = 320 * MS },
		    (1795338153 - 86400) * S,
		    "body not finished in 9.5s, normally 0.32s: 0 bytes "
		    "received, not one after the head (stalled)",
		    "; last good yesterday 09:02 UTC (measured)", "" },
		{ REASON_CONNECT_REFUSED, 1 * MS, { .us = { 0 } },
		    { .normal_duration_us = 320 * MS },
		    (1795338153 - 10 * 86400) * S,
		    "dial tcp h:9100: connect: connection refused",
		    "last good 2026-11-12 09:02 UTC (measured)", "" },
		{ REASON_SCRAPE_SLOW, 4150 * MS,
		    { .us = { [PHASE_PROCESSING] = 4100 * MS } },
		    { .slowness = SLOW_FAR,
			.normal = { .us = { [PHASE_PROCESSING] = 310 * MS } },
			.normal_duration_us = 320 * MS,
			.phase = PHASE_PROCESSING,
			.sufficient_ms = 5000 },
		    1795338153 * S, "processing 4.1s, normally 0.31s",
		    "took 4.15 s: processing 4.1 s (measured); normally 0.32 "
		    "s: processing 0.31 s (measured)",
		    "needs a scrape_timeout of 5s (now 10s)" },
		{ REASON_SCRAPE_SLOW, 4150 * MS, { .us = { 0 } },
		    { .slowness = SLOW_FAR,
			.normal_duration_us = 320 * MS,
			.normal_bytes = 100,
			.has_grown = true,
			.phase = PHASE_COUNT,
			.sufficient_ms = 5000 },
		    0, "scrape took 4.15s, normally 0.32s",
		    "; 777 bytes, normally 100 (measured)", "" },
		{ REASON_TIMEOUT_NEAR, 8200 * MS,
		    { .us = { [PHASE_TRANSFER] = 8100 * MS } },
		    { .slowness = SLOW_NEAR,
			.phase = PHASE_TRANSFER,
			.sufficient_ms = 11000 },
		    0,
		    "transfer 8.1s of 8.2s: more than 80 % of the "
		    "scrape_timeout 10s",
		    "; what is normal: fewer than 20 good scrapes so far "
		    "(unknown)",
		    "else scrape_timeout 11s (now 10s) leaves this one room" },
	};
	struct circumstances circumstances;
	struct finding finding;
	struct report report;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&report, 0, sizeof(report));
		report.phases = rows[i].phases;
		report.body_bytes = 777;
		circumstances = (struct circumstances){
			.baseline = &rows[i].baseline,
			.now_wall_us = (1795338153 + 100) * S,
			.last_good_wall_us = rows[i].last_good_wall_us,
		};
		finding_describe_in(&finding, rows[i].reason, &report, &target,
		    rows[i].elapsed_us, 10000, &circumstances);
		assert_string_equal(finding.words, rows[i].words);
		check_part("seen", finding.seen, rows[i].seen);
		check_part("fix", finding.fix, rows[i].fix);
		assert_int_equal(finding.slow_phase,
		    rows[i].baseline.slowness != SLOW_NOT &&
			    rows[i].baseline.phase < PHASE_COUNT
			? rows[i].baseline.phase + 1
			: 0);
	}
}

/* The timeout that would have done is told with what was learned late. */
static void
test_sufficient(void **state)
{
	static const struct lateness late = {
		.end = LATE_WHOLE, .needed_us = 12300000, .timeout_ms = 10000
	};
	struct finding finding = { .reason = REASON_TIMEOUT_HEADERS,
		.fix = "x." };

	(void)state;
	finding_amend(&finding, &late);
	assert_string_equal(
	    finding.fix, "x. scrape_timeout 14s would have sufficed.");
	memset(&finding, 0, sizeof(finding));
	finding_recall(&finding, &late);
	assert_string_equal(
	    finding.fix, "scrape_timeout 14s would have sufficed.");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_forged_evidence),
		cmocka_unit_test(test_ok),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_circumstances),
		cmocka_unit_test(test_sufficient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
