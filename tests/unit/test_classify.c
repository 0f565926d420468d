/*
 * From a report to an id: one line per way a scrape can go wrong, as libcurl
 * 7.88.1, OpenSSL 3.0 and the judge tell it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/diagnosis/classify.h"
#include "proxy/fetch/report.h"

#define FAILED .end = ATTEMPT_FAILED
#define RUNNING .end = ATTEMPT_RUNNING
#define TIMEOUT .end = ATTEMPT_TIMEOUT
#define COMPLETE .end = ATTEMPT_COMPLETE

#define AT_RESOLVE .step = STEP_RESOLVE
#define AT_CONNECT .step = STEP_CONNECT
#define AT_TLS .step = STEP_TLS, .is_connected = true, .is_tls = true
#define AT_HEAD .step = STEP_HEAD, .is_connected = true
#define AT_BODY .step = STEP_BODY, .is_connected = true
#define AT_DONE .step = STEP_DONE, .is_connected = true

#define SSL(reason) .ssl_error = 0x0A000000ul | (reason)
#define ALERT(number) .alert_received = (number) + 1
#define FIRST(bytes) .tls_first = bytes, .tls_first_len = 5

#define VERDICT(name) .judge.verdict = VERDICT_##name
#define BYTES .judge.has_any_byte = true
#define STATUS(code)                                                           \
	BYTES, .judge.is_head_complete = true, .judge.status = (code)
#define ANSWER(code)                                                           \
	{                                                                      \
		COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(code)                \
	}

struct fixture {
	struct report report;
	enum reason expected;
};

static const struct fixture fixtures[] = {
	/* Good ones. */
	{ ANSWER(200), REASON_OK },
	{ { COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(200), .is_tls = true,
	      ALERT(0) },
	    REASON_OK },
	{ { COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(200), .is_tls = true,
	      .verify_result = 18, .is_name_mismatch = true },
	    REASON_OK },
	{ { COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(200),
	      .judge.interim_count = 1, .is_reused = true },
	    REASON_OK },
	{ { FAILED, AT_DONE, VERDICT(WHOLE), STATUS(200), .curl_code = 56,
	      .os_errno = ECONNRESET },
	    REASON_OK },

	/* The name. */
	{ { FAILED, AT_RESOLVE, .resolve = RESOLVE_NXDOMAIN },
	    REASON_DNS_NXDOMAIN },
	{ { FAILED, AT_RESOLVE, .resolve = RESOLVE_NODATA },
	    REASON_DNS_NODATA },
	{ { FAILED, AT_RESOLVE, .resolve = RESOLVE_SERVER_FAILURE },
	    REASON_DNS_SERVER_FAILURE },
	{ { FAILED, AT_RESOLVE, .resolve = RESOLVE_TIMEOUT },
	    REASON_TIMEOUT_DNS },
	{ { FAILED, AT_RESOLVE, .resolve = RESOLVE_UNREACHABLE },
	    REASON_DNS_SERVER_UNREACHABLE },
	{ { FAILED, AT_RESOLVE, .resolve = RESOLVE_TRUNCATED },
	    REASON_DNS_TRUNCATED },

	/* Time. */
	{ { RUNNING, AT_RESOLVE }, REASON_TIMEOUT_DNS },
	{ { TIMEOUT, AT_RESOLVE }, REASON_TIMEOUT_DNS },
	{ { RUNNING, AT_CONNECT }, REASON_TIMEOUT_CONNECT },
	{ { FAILED, AT_CONNECT, .curl_code = 28 }, REASON_TIMEOUT_CONNECT },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = ETIMEDOUT },
	    REASON_TIMEOUT_CONNECT },
	{ { RUNNING, AT_CONNECT, .is_connected = true },
	    REASON_TIMEOUT_HEADERS },
	{ { RUNNING, AT_CONNECT, .is_connected = true, .is_tls = true },
	    REASON_TIMEOUT_TLS },
	{ { RUNNING, AT_CONNECT, .is_connected = true, .is_tls = true,
	      .is_proxy_used = true },
	    REASON_TIMEOUT_CONNECT },
	{ { RUNNING, AT_TLS }, REASON_TIMEOUT_TLS },
	{ { TIMEOUT, AT_TLS, FIRST("\x16\x03\x03\x00\x7a") },
	    REASON_TIMEOUT_TLS },
	{ { RUNNING, AT_HEAD }, REASON_TIMEOUT_HEADERS },
	{ { RUNNING, AT_HEAD, BYTES }, REASON_TIMEOUT_HEADERS },
	{ { TIMEOUT, AT_HEAD, .is_reused = true }, REASON_TIMEOUT_HEADERS },
	{ { TIMEOUT, AT_HEAD, BYTES, .judge.interim_count = 2 },
	    REASON_TIMEOUT_HEADERS },
	{ { RUNNING, AT_BODY, STATUS(200) }, REASON_TIMEOUT_BODY },
	{ { TIMEOUT, AT_BODY, STATUS(200), .wire_bytes = 4096 },
	    REASON_TIMEOUT_BODY },
	{ { RUNNING, AT_DONE, STATUS(200), VERDICT(WHOLE) },
	    REASON_TIMEOUT_BODY },
	/* Its status was said before the body stalled. */
	{ { TIMEOUT, AT_BODY, STATUS(500) }, REASON_HTTP_SERVER_ERROR },
	{ { RUNNING, AT_BODY, STATUS(401) }, REASON_AUTH_UNAUTHORIZED },
	{ { RUNNING }, REASON_UNEXPLAINED },
	{ { .end = ATTEMPT_CANCELLED, AT_HEAD }, REASON_CLIENT_GONE },
	{ { .end = ATTEMPT_CANCELLED, AT_RESOLVE, .resolve = RESOLVE_NXDOMAIN },
	    REASON_CLIENT_GONE },

	/* The connection. */
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = ECONNREFUSED },
	    REASON_CONNECT_REFUSED },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = ENOENT,
	      .is_unix = true },
	    REASON_CONNECT_REFUSED },
	{ { FAILED, AT_CONNECT, .curl_code = 37, .os_errno = ENOENT },
	    REASON_CONNECT_REFUSED },
	{ { FAILED, AT_CONNECT, .curl_code = 37, .os_errno = EACCES },
	    REASON_CONNECT_DENIED },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = EHOSTUNREACH },
	    REASON_CONNECT_NO_ROUTE },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = ENETUNREACH },
	    REASON_CONNECT_NET_UNREACHABLE },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = EACCES },
	    REASON_CONNECT_DENIED },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = EPERM },
	    REASON_CONNECT_DENIED },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = EAGAIN,
	      .is_unix = true },
	    REASON_CONNECT_BACKLOG_FULL },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = EAGAIN },
	    REASON_CONNECT_OTHER },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = ECONNRESET },
	    REASON_CONNECT_RESET },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = EADDRNOTAVAIL },
	    REASON_CONNECT_NO_LOCAL_PORT },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = EADDRINUSE },
	    REASON_CONNECT_NO_LOCAL_PORT },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = EMFILE },
	    REASON_TOO_MANY_OPEN_FILES },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = ENFILE },
	    REASON_TOO_MANY_OPEN_FILES },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = EINVAL },
	    REASON_CONNECT_OTHER },
	{ { FAILED, AT_CONNECT, .curl_code = 7 }, REASON_CONNECT_OTHER },
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = ECONNREFUSED,
	      .is_tls = true },
	    REASON_CONNECT_REFUSED },

	/* A proxy in between. */
	{ { FAILED, AT_CONNECT, .curl_code = 7, .os_errno = ECONNREFUSED,
	      .is_proxy_used = true },
	    REASON_PROXY_CONNECT_FAILED },
	{ { FAILED, AT_CONNECT, .curl_code = 5, .is_proxy_used = true },
	    REASON_PROXY_CONNECT_FAILED },
	{ { FAILED, AT_CONNECT, .curl_code = 97, .is_proxy_used = true },
	    REASON_PROXY_CONNECT_FAILED },
	{ { FAILED, AT_CONNECT, .curl_code = 56, .is_proxy_used = true,
	      .curl_error = "CONNECT tunnel failed, response 403" },
	    REASON_PROXY_CONNECT_FAILED },
	{ { FAILED, AT_CONNECT, .curl_code = 56, .is_proxy_used = true,
	      .curl_error = "Received HTTP code 407 from proxy after CONNECT" },
	    REASON_PROXY_AUTH_REQUIRED },
	{ { RUNNING, AT_CONNECT, .is_proxy_used = true },
	    REASON_TIMEOUT_CONNECT },

	/* TLS: alerts beat whatever libcurl makes of them. */
	{ { FAILED, AT_TLS, ALERT(70), .curl_code = 35, SSL(1070) },
	    REASON_TLS_PROTOCOL_VERSION },
	{ { FAILED, AT_TLS, ALERT(40), .curl_code = 35, SSL(1040) },
	    REASON_TLS_HANDSHAKE_FAILURE },
	{ { FAILED, AT_TLS, .curl_code = 35, SSL(1040) },
	    REASON_TLS_HANDSHAKE_FAILURE },
	{ { FAILED, AT_TLS, ALERT(71), .curl_code = 35 },
	    REASON_TLS_HANDSHAKE_FAILURE },
	{ { FAILED, AT_HEAD, .is_tls = true, ALERT(116), .curl_code = 56 },
	    REASON_TLS_CLIENT_CERT_REQUIRED },
	{ { FAILED, AT_HEAD, .is_tls = true, .curl_code = 56, SSL(1116) },
	    REASON_TLS_CLIENT_CERT_REQUIRED },
	{ { FAILED, AT_TLS, ALERT(48), .curl_code = 35 },
	    REASON_TLS_CLIENT_CERT_REJECTED },
	{ { FAILED, AT_TLS, ALERT(45), .curl_code = 60 },
	    REASON_TLS_CLIENT_CERT_REJECTED },
	{ { FAILED, AT_HEAD, .is_tls = true, ALERT(42), .curl_code = 56 },
	    REASON_TLS_CLIENT_CERT_REJECTED },
	{ { FAILED, AT_TLS, ALERT(44) }, REASON_TLS_CLIENT_CERT_REJECTED },
	{ { FAILED, AT_TLS, ALERT(43) }, REASON_TLS_CLIENT_CERT_REJECTED },
	{ { FAILED, AT_TLS, ALERT(46) }, REASON_TLS_CLIENT_CERT_REJECTED },
	{ { FAILED, AT_TLS, ALERT(49) }, REASON_TLS_CLIENT_CERT_REJECTED },
	{ { FAILED, AT_TLS, ALERT(51) }, REASON_TLS_CLIENT_CERT_REJECTED },
	{ { FAILED, AT_TLS, ALERT(112), .curl_code = 35 },
	    REASON_TLS_SNI_UNRECOGNIZED },
	{ { FAILED, AT_TLS, ALERT(80), .curl_code = 35 },
	    REASON_TLS_ALERT_OTHER },
	{ { FAILED, AT_TLS, ALERT(120), .curl_code = 35 },
	    REASON_TLS_ALERT_OTHER },
	{ { FAILED, AT_HEAD, .is_tls = true, ALERT(0), .curl_code = 52 },
	    REASON_HTTP_CLOSED_BEFORE_RESPONSE },

	/* TLS: not TLS at all; OpenSSL answers that with alert 70. */
	{ { FAILED, AT_TLS, FIRST("HTTP/"), .curl_code = 35, SSL(267),
	      .alert_sent = 71 },
	    REASON_TLS_SERVER_SPEAKS_HTTP },
	{ { FAILED, AT_TLS, FIRST("SSH-2"), .curl_code = 35, SSL(267) },
	    REASON_TLS_NOT_TLS },
	{ { FAILED, AT_TLS, .tls_first = "+", .tls_first_len = 1,
	      .curl_code = 35, SSL(267) },
	    REASON_TLS_NOT_TLS },
	{ { FAILED, AT_HEAD, VERDICT(NOT_HTTP), BYTES,
	      .judge.first_bytes = "\\x15\\x03\\x01\\x00\\x02\\x02F" },
	    REASON_HTTP_SERVER_SPEAKS_TLS },
	{ { FAILED, AT_HEAD, VERDICT(NOT_HTTP), BYTES, .curl_code = 1,
	      .judge.first_bytes = "\\x16\\x03\\x03" },
	    REASON_HTTP_SERVER_SPEAKS_TLS },
	{ { COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(400),
	      .error_text = "Client sent an HTTP request to an HTTPS server."
			    "\\n" },
	    REASON_HTTP_SERVER_SPEAKS_TLS },
	{ { COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(400),
	      .error_text = "<html>The plain HTTP request was sent to HTTPS "
			    "port</html>" },
	    REASON_HTTP_SERVER_SPEAKS_TLS },
	{ { COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(400), .is_tls = true,
	      .error_text = "The plain HTTP request was sent to HTTPS port" },
	    REASON_HTTP_BAD_REQUEST },

	/* TLS: the certificate. */
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 20 },
	    REASON_TLS_UNKNOWN_AUTHORITY },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 18,
	      .is_name_mismatch = true, .alert_sent = 49 },
	    REASON_TLS_UNKNOWN_AUTHORITY },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 19 },
	    REASON_TLS_UNKNOWN_AUTHORITY },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 21 },
	    REASON_TLS_UNKNOWN_AUTHORITY },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 7 },
	    REASON_TLS_UNKNOWN_AUTHORITY },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 10,
	      .alert_sent = 46 },
	    REASON_TLS_CERT_EXPIRED },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 9 },
	    REASON_TLS_CERT_NOT_YET_VALID },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 26 },
	    REASON_TLS_CERT_BAD_USAGE },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 62 },
	    REASON_TLS_HOSTNAME_MISMATCH },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 64 },
	    REASON_TLS_HOSTNAME_MISMATCH },
	{ { FAILED, AT_TLS, .curl_code = 35, .is_name_mismatch = true },
	    REASON_TLS_HOSTNAME_MISMATCH },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 1,
	      .curl_error = "SSL: no alternative certificate subject name "
			    "matches target host name 'h'" },
	    REASON_TLS_HOSTNAME_MISMATCH },
	{ { FAILED, AT_TLS, .curl_code = 60, .has_no_san = true,
	      .verify_result = 62 },
	    REASON_TLS_CERT_NO_SAN },
	{ { FAILED, AT_TLS, .curl_code = 60, .has_no_san = true,
	      .is_name_mismatch = true, .verify_result = 64 },
	    REASON_TLS_HOSTNAME_MISMATCH },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 23 },
	    REASON_TLS_CERT_INVALID },
	{ { FAILED, AT_TLS, .curl_code = 60, .verify_result = 66 },
	    REASON_TLS_CERT_INVALID },

	/* TLS: the rest of the handshake. */
	{ { FAILED, AT_TLS, .curl_code = 35, SSL(258), .alert_sent = 71 },
	    REASON_TLS_PROTOCOL_VERSION },
	{ { FAILED, AT_TLS, .curl_code = 35, SSL(333) },
	    REASON_TLS_PROTOCOL_VERSION },
	{ { FAILED, AT_TLS, .curl_code = 35, .alert_sent = 71,
	      FIRST("\x16\x03\x01\x00\x10") },
	    REASON_TLS_PROTOCOL_VERSION },
	{ { FAILED, AT_TLS, .curl_code = 35, .alert_sent = 48 },
	    REASON_TLS_ALERT_OTHER },
	{ { FAILED, AT_TLS, .curl_code = 35 }, REASON_TLS_HANDSHAKE_CLOSED },
	{ { FAILED, AT_TLS, .curl_code = 35, SSL(294) },
	    REASON_TLS_HANDSHAKE_CLOSED },
	{ { FAILED, AT_TLS, .curl_code = 35, .os_errno = ECONNRESET },
	    REASON_TLS_HANDSHAKE_RESET },
	{ { FAILED, AT_TLS, .curl_code = 35, .ssl_error = 0x0A0000FFul },
	    REASON_UNEXPLAINED },
	{ { FAILED, .tls_files_unreadable = true },
	    REASON_TLS_LOCAL_FILES_UNREADABLE },
	{ { FAILED, AT_CONNECT, .curl_code = 77 },
	    REASON_TLS_LOCAL_FILES_UNREADABLE },
	{ { FAILED, AT_CONNECT, .curl_code = 58 },
	    REASON_TLS_LOCAL_FILES_UNREADABLE },
	{ { FAILED, .credentials_unreadable = true },
	    REASON_AUTH_CREDENTIALS_UNREADABLE },

	/* Without verification, a bad certificate explains nothing. */
	{ { FAILED, AT_HEAD, .is_tls = true, .verify_result = 18,
	      .curl_code = 52 },
	    REASON_HTTP_CLOSED_BEFORE_RESPONSE },

	/* The head. */
	{ { FAILED, AT_HEAD, .curl_code = 52, VERDICT(CLOSED_IN_HEADERS) },
	    REASON_HTTP_CLOSED_BEFORE_RESPONSE },
	{ { FAILED, AT_HEAD, .curl_code = 52 },
	    REASON_HTTP_CLOSED_BEFORE_RESPONSE },
	{ { FAILED, AT_HEAD, .curl_code = 56, .os_errno = ECONNRESET },
	    REASON_HTTP_RESET_BEFORE_RESPONSE },
	{ { FAILED, AT_HEAD, .curl_code = 55, .os_errno = EPIPE },
	    REASON_HTTP_RESET_BEFORE_RESPONSE },
	{ { FAILED, AT_HEAD, .curl_code = 56, .os_errno = ECONNRESET, BYTES,
	      VERDICT(CLOSED_IN_HEADERS) },
	    REASON_HTTP_RESET_BEFORE_RESPONSE },
	{ { COMPLETE, AT_HEAD, BYTES, VERDICT(CLOSED_IN_HEADERS) },
	    REASON_HTTP_CLOSED_IN_HEADERS },
	{ { COMPLETE, AT_DONE, BYTES, VERDICT(PENDING) },
	    REASON_HTTP_CLOSED_IN_HEADERS },
	{ { FAILED, AT_HEAD, BYTES, VERDICT(CLOSED_IN_HEADERS),
	      .judge.interim_count = 1, .curl_code = 52 },
	    REASON_HTTP_CLOSED_IN_HEADERS },
	{ { FAILED, AT_HEAD, BYTES, VERDICT(NOT_HTTP), .curl_code = 1,
	      .judge.first_bytes = "SSH-2.0-OpenSSH_9.2\\r\\n" },
	    REASON_HTTP_MALFORMED_RESPONSE },
	{ { FAILED, AT_HEAD, .curl_code = 1 }, REASON_HTTP_MALFORMED_RESPONSE },
	{ { FAILED, AT_HEAD, BYTES, VERDICT(HEADER_MALFORMED) },
	    REASON_HTTP_MALFORMED_HEADER },
	{ { FAILED, AT_HEAD, BYTES, .curl_code = 8 },
	    REASON_HTTP_MALFORMED_HEADER },
	{ { FAILED, AT_HEAD, BYTES, VERDICT(BAD_FRAMING) },
	    REASON_HTTP_BAD_FRAMING },
	{ { COMPLETE, AT_DONE, STATUS(500), VERDICT(BAD_FRAMING) },
	    REASON_HTTP_BAD_FRAMING },
	{ { FAILED, AT_HEAD, BYTES, .curl_code = 61 },
	    REASON_HTTP_BAD_FRAMING },
	{ { FAILED, AT_HEAD, BYTES, VERDICT(HEADER_TOO_LARGE),
	      .curl_code = 23 },
	    REASON_HTTP_HEADER_TOO_LARGE },
	{ { FAILED, AT_HEAD, BYTES, .curl_code = 27 },
	    REASON_HTTP_HEADER_TOO_LARGE },
	{ { RUNNING, AT_HEAD, BYTES, VERDICT(HEADER_TOO_LARGE) },
	    REASON_HTTP_HEADER_TOO_LARGE },

	/* The status. */
	{ ANSWER(401), REASON_AUTH_UNAUTHORIZED },
	{ ANSWER(403), REASON_AUTH_FORBIDDEN },
	{ ANSWER(407), REASON_PROXY_AUTH_REQUIRED },
	{ ANSWER(404), REASON_HTTP_NOT_FOUND },
	{ ANSWER(429), REASON_HTTP_RATE_LIMITED },
	{ ANSWER(400), REASON_HTTP_BAD_REQUEST },
	{ ANSWER(405), REASON_HTTP_METHOD_NOT_ALLOWED },
	{ ANSWER(406), REASON_HTTP_NOT_ACCEPTABLE },
	{ ANSWER(415), REASON_HTTP_NOT_ACCEPTABLE },
	{ ANSWER(418), REASON_HTTP_CLIENT_ERROR },
	{ ANSWER(502), REASON_HTTP_BAD_GATEWAY },
	{ ANSWER(503), REASON_HTTP_UNAVAILABLE },
	{ ANSWER(504), REASON_HTTP_GATEWAY_TIMEOUT },
	{ ANSWER(500), REASON_HTTP_SERVER_ERROR },
	{ ANSWER(599), REASON_HTTP_SERVER_ERROR },
	{ ANSWER(302), REASON_HTTP_REDIRECT_NOT_FOLLOWED },
	{ ANSWER(304), REASON_HTTP_UNEXPECTED_SUCCESS },
	{ ANSWER(204), REASON_HTTP_UNEXPECTED_SUCCESS },
	{ ANSWER(206), REASON_HTTP_UNEXPECTED_SUCCESS },
	{ ANSWER(666), REASON_UNEXPLAINED },
	{ { FAILED, AT_HEAD, STATUS(101), .curl_code = 52 },
	    REASON_HTTP_UNEXPECTED_SUCCESS },
	/* A cut body of an error page changes nothing. */
	{ { FAILED, AT_BODY, STATUS(503), VERDICT(BODY_TRUNCATED),
	      .curl_code = 18 },
	    REASON_HTTP_UNAVAILABLE },
	{ { COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(302),
	      .redirect_refused = true },
	    REASON_HTTP_REDIRECT_NOT_FOLLOWED },
	{ { COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(302),
	      .redirect_loop = true, .redirects = 10 },
	    REASON_HTTP_REDIRECT_LOOP },
	{ { FAILED, AT_DONE, STATUS(301), .curl_code = 47 },
	    REASON_HTTP_REDIRECT_LOOP },
	{ { COMPLETE, AT_DONE, VERDICT(WHOLE), STATUS(302),
	      .redirect_bad = true },
	    REASON_HTTP_REDIRECT_BAD },

	/* The body. */
	{ { FAILED, AT_BODY, STATUS(200), VERDICT(BODY_TRUNCATED),
	      .curl_code = 18 },
	    REASON_BODY_TRUNCATED },
	{ { COMPLETE, AT_DONE, STATUS(200), VERDICT(BODY_TRUNCATED) },
	    REASON_BODY_TRUNCATED },
	{ { FAILED, AT_BODY, STATUS(200), .curl_code = 18 },
	    REASON_BODY_TRUNCATED },
	{ { FAILED, AT_BODY, STATUS(200), .curl_code = 56, .is_tls = true },
	    REASON_BODY_TRUNCATED },
	{ { COMPLETE, AT_DONE, STATUS(200), VERDICT(GZIP_TRUNCATED) },
	    REASON_BODY_TRUNCATED },
	{ { FAILED, AT_BODY, STATUS(200), VERDICT(BODY_TRUNCATED),
	      .curl_code = 56, .os_errno = ECONNRESET },
	    REASON_BODY_RESET },
	{ { FAILED, AT_BODY, STATUS(200), .curl_code = 56,
	      .os_errno = ECONNRESET },
	    REASON_BODY_RESET },
	{ { FAILED, AT_BODY, STATUS(200), VERDICT(CHUNK_MALFORMED) },
	    REASON_BODY_CHUNK_MALFORMED },
	{ { COMPLETE, AT_DONE, STATUS(200), VERDICT(GZIP_EMPTY) },
	    REASON_BODY_GZIP_EMPTY },
	{ { COMPLETE, AT_DONE, STATUS(200), VERDICT(GZIP_HEADER) },
	    REASON_BODY_GZIP_INVALID_HEADER },
	{ { COMPLETE, AT_DONE, STATUS(200), VERDICT(GZIP_CHECKSUM) },
	    REASON_BODY_GZIP_CHECKSUM },
	{ { COMPLETE, AT_DONE, STATUS(200), VERDICT(GZIP_CORRUPT) },
	    REASON_BODY_GZIP_CORRUPT },
	{ { FAILED, AT_BODY, STATUS(200), VERDICT(ENCODING_UNSUPPORTED) },
	    REASON_BODY_ENCODING_UNSUPPORTED },
	{ { FAILED, AT_BODY, STATUS(200), VERDICT(SINK_REFUSED),
	      .is_over_limit = true, .curl_code = 23 },
	    REASON_LIMIT_BODY_SIZE },
	{ { FAILED, AT_BODY, STATUS(200), VERDICT(SINK_REFUSED),
	      .is_over_budget = true },
	    REASON_MEMORY_BUDGET_EXCEEDED },
	{ { COMPLETE, AT_DONE, STATUS(200), VERDICT(WHOLE),
	      .is_over_limit = true },
	    REASON_LIMIT_BODY_SIZE },
	{ { COMPLETE, AT_DONE, STATUS(500), VERDICT(SINK_REFUSED),
	      .is_over_limit = true },
	    REASON_HTTP_SERVER_ERROR },
	{ { FAILED, AT_BODY, STATUS(200), VERDICT(SINK_REFUSED) },
	    REASON_UNEXPLAINED },
};

static void
test_fixtures(void **state)
{
	size_t i, count = sizeof(fixtures) / sizeof(fixtures[0]);
	enum reason got;
	int wrong = 0;

	(void)state;
	assert_true(count >= 90);
	for (i = 0; i < count; i++) {
		got = classify(&fixtures[i].report);
		if (got == fixtures[i].expected)
			continue;
		print_error("fixture %zu: expected %s, got %s\n", i,
		    reason_row(fixtures[i].expected)->id, reason_row(got)->id);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* A row that no report leads to is dead, unless others make it. */
static void
test_reachable(void **state)
{
	static const enum reason elsewhere[] = {
		REASON_BODY_EMPTY,
		REASON_REQUEST_MALFORMED,
		REASON_QUERY_NOT_ALLOWED,
		REASON_CREDENTIALS_MISSING,
		REASON_CREDENTIALS_INVALID,
		REASON_ACCESS_DENIED,
		REASON_PATH_UNKNOWN,
		REASON_METHOD_NOT_ALLOWED,
		REASON_BODY_REFUSED,
		REASON_URI_TOO_LONG,
		REASON_EXPECTATION_FAILED,
		REASON_TOO_MANY_REQUESTS,
		REASON_HEADERS_TOO_LARGE,
		REASON_DRAINING,
		REASON_AUTHN_BACKEND_UNAVAILABLE,
		REASON_AUTHZ_BACKEND_UNAVAILABLE,
		REASON_CERTIFICATE_MISSING,
		REASON_TIMEOUT_NEAR,
		REASON_SCRAPE_SLOW,
/* What the scanner finds in the body. */
#define REASON(name, id, layer, status, words, lasterror, cause, fix)          \
	REASON_##name,
#include "proxy/diagnosis/reasons_exposition.def"
#undef REASON
	};
	bool seen[REASON_COUNT] = { false };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		seen[elsewhere[i]] = true;
	for (i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++) {
		assert_int_not_equal(fixtures[i].expected, REASON_BODY_EMPTY);
		seen[fixtures[i].expected] = true;
	}
	for (i = 0; i < REASON_COUNT; i++)
		if (!seen[i])
			fail_msg("no fixture for %s",
			    reason_row((enum reason)i)->id);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixtures),
		cmocka_unit_test(test_reachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
