/*
 * The guard against good and hostile heads.  Each row is fed whole, byte by
 * byte and in every two-way split, and must end the same way each time.
 */
#include "proxy/gate/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE "GET /metrics HTTP/1.1\r\n"
#define HOST "Host: a:9100\r\n"
#define HEAD LINE HOST

/* The second half begins with the byte that makes the refusal certain. */
#define BAD(reason, before, after)                                             \
	{                                                                      \
		before after, sizeof(before after) - 1, sizeof(before) - 1,    \
		    REASON_##reason, 0, 0, 0                                   \
	}
#define MALFORMED(before, after) BAD(REQUEST_MALFORMED, before, after)
#define GOOD(headers, underscores, lead, text)                                 \
	{                                                                      \
		text, sizeof(text) - 1, sizeof(text) - 1, REASON_OK, headers,  \
		    underscores, lead                                          \
	}

struct row {
	const char *bytes;
	size_t len;
	size_t used;
	enum reason refusal; /* REASON_OK: a good head */
	unsigned header_count;
	unsigned underscore_count;
	unsigned lead;
};

static const struct guard_limits limits = {
	.head_max = 400, .headers_max = 6, .target_max = 32
};
static const struct guard_limits post_limits = {
	.head_max = 400, .headers_max = 6, .target_max = 32, .allow_post = true
};

static const struct row rows[] = {
	/* What Prometheus, curl and probes send. */
	GOOD(5, 0, 0,
	    "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:20080\r\n"
	    "User-Agent: Prometheus/2.42.0+ds\r\n"
	    "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n"
	    "Accept-Encoding: gzip\r\n"
	    "X-Prometheus-Scrape-Timeout-Seconds: 2\r\n\r\n"),
	GOOD(1, 0, 0, HEAD "\r\n"),
	GOOD(1, 0, 0, "HEAD / HTTP/1.1\r\n" HOST "\r\n"),
	GOOD(0, 0, 0, "GET / HTTP/1.0\r\n\r\n"),
	GOOD(
	    1, 0, 0, "GET /m?collect%5B%5D=cpu&x=a+b HTTP/1.1\r\n" HOST "\r\n"),
	GOOD(1, 0, 0, "GET /x//y/../z?a=/// HTTP/1.1\r\n" HOST "\r\n"),
	GOOD(1, 0, 0,
	    "GET /!\"$%&'()*+,;<=>?@[\\]^`{|}~ HTTP/1.1\r\n" HOST "\r\n"),
	GOOD(1, 0, 2, "\r\n" HEAD "\r\n"),
	GOOD(2, 1, 0, HEAD "X_Remote_User: admin\r\n\r\n"),
	GOOD(3, 2, 0, HEAD "_: \r\na_b_c: 1\r\n\r\n"),
	GOOD(2, 0, 0, HEAD "!#$%&'*+-.^`|~9aZ: x\r\n\r\n"),
	GOOD(2, 0, 0, HEAD "A-name-that-is-longer-than-the-buffer: x\r\n\r\n"),
	GOOD(2, 0, 0, HEAD "X:\r\n\r\n"),
	GOOD(2, 0, 0, HEAD "X: \t a \t b\t \r\n\r\n"),
	GOOD(2, 0, 0, HEAD "Content-Length: 0\r\n\r\n"),
	GOOD(2, 0, 0, "HEAD / HTTP/1.1\r\n" HOST "Content-Length:0 \r\n\r\n"),
	GOOD(3, 0, 0,
	    HEAD "Connection: Upgrade, HTTP2-Settings\r\n"
		 "Upgrade: h2c\r\n\r\n"),
	GOOD(3, 0, 0, HEAD "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
	GOOD(2, 0, 0, HEAD "Connection: close, hos, hosts, x-remote\r\n\r\n"),
	GOOD(2, 0, 0, HEAD "Connection:\r\n\r\n"),
	GOOD(2, 0, 0, HEAD "Authorization: Basic eDp5\r\n\r\n"),
	GOOD(2, 0, 0, HEAD "Expected: y\r\n\r\n"),
	GOOD(2, 0, 0, HEAD "X-Transfer-Encoding: chunked\r\n\r\n"),
	GOOD(6, 0, 0, HEAD "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n"),
	GOOD(1, 0, 0,
	    "GET /2345678901234567890123456789012 HTTP/1.1\r\n" HOST "\r\n"),

	/* Host. */
	GOOD(1, 0, 0, LINE "hOST:a\r\n\r\n"),
	GOOD(1, 0, 0, LINE "Host: \t my_pod-1.ns.svc.:9100 \t\r\n\r\n"),
	GOOD(1, 0, 0, LINE "Host: [::1]:9100\r\n\r\n"),
	GOOD(1, 0, 0, LINE "Host: [fe80::1.2.3.4]\r\n\r\n"),
	GOOD(1, 0, 0, LINE "Host: a:65535\r\n\r\n"),
	GOOD(1, 0, 0, LINE "Host: a:\r\n\r\n"),
	GOOD(1, 0, 0, "GET / HTTP/1.0\r\n" HOST "\r\n"),
	MALFORMED(LINE, "\r\n"),
	MALFORMED(LINE "X: y\r\n", "\r\n"),
	MALFORMED(LINE "Hosts: a\r\n", "\r\n"),
	MALFORMED(HEAD "Host", ": a:9100\r\n\r\n"),
	MALFORMED("GET / HTTP/1.0\r\n" HOST "HOST", ": b\r\n\r\n"),
	MALFORMED(LINE "Host:", "\r\n\r\n"),
	MALFORMED(LINE "Host:  ", "\r\n\r\n"),
	MALFORMED(LINE "Host: a", "/b\r\n\r\n"),
	MALFORMED(LINE "Host: a", "@b\r\n\r\n"),
	MALFORMED(LINE "Host: a", ",b\r\n\r\n"),
	MALFORMED(LINE "Host: a ", "b\r\n\r\n"),
	MALFORMED(LINE "Host: a", "%00\r\n\r\n"),
	MALFORMED(LINE "Host: a", "?b\r\n\r\n"),
	MALFORMED(LINE "Host: a", "#b\r\n\r\n"),
	MALFORMED(LINE "Host: a", "\\b\r\n\r\n"),
	MALFORMED(LINE "Host: a.", ".b\r\n\r\n"),
	MALFORMED(LINE "Host: ", ".b\r\n\r\n"),
	MALFORMED(LINE "Host: ", ":80\r\n\r\n"),
	MALFORMED(LINE "Host: a:", "b\r\n\r\n"),
	MALFORMED(LINE "Host: a:80", ":80\r\n\r\n"),
	MALFORMED(LINE "Host: a:6553", "6\r\n\r\n"),
	MALFORMED(LINE "Host: a:", "-1\r\n\r\n"),
	MALFORMED(LINE "Host: [::1", "\r\n\r\n"),
	MALFORMED(LINE "Host: [", "]\r\n\r\n"),
	MALFORMED(LINE "Host: [:", "]\r\n\r\n"),
	MALFORMED(LINE "Host: [::1", " ]\r\n\r\n"),
	MALFORMED(LINE "Host: [", "g::1]\r\n\r\n"),
	MALFORMED(LINE "Host: [fe80::1", "%25eth0]\r\n\r\n"),
	MALFORMED(LINE "Host: [::1]", "a\r\n\r\n"),
	MALFORMED(LINE "Host: http:", "//a\r\n\r\n"),
	MALFORMED(LINE "Host: a", "\x80\r\n\r\n"),
	MALFORMED(LINE "Host: a", "\0\r\n\r\n"),

	/* Request line. */
	MALFORMED("", " GET / HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("", "\tGET / HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("", "\nGET / HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("", "\0GET / HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("", "\x16\x03\x01\x02\x00\x01\x00"),
	MALFORMED("\r", "GET / HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("\r", "\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("\r\n", "\r\n" HEAD "\r\n"),
	MALFORMED("\r\n", "\n" HEAD "\r\n"),
	MALFORMED("\r\n", " " HEAD "\r\n"),
	MALFORMED("GET", "\r\n\r\n"),
	MALFORMED("GET", "\n\n"),
	MALFORMED("GET", "\t/ HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GE", "\0T / HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GE", "\xc4T / HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET", "/metrics HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET ", " /metrics HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET ", "\t/metrics HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET ", "HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET ", "\r\n" HOST "\r\n"),
	MALFORMED("GET ", "metrics HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET ", "* HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET ", "?x HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET ", "a:80 HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET ", "http://a:9100/metrics HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET /", "/metrics HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET /", "#x HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET /x?y", "#z HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET /", "\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET /", "\x7f HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET /", "\x01 HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET /", "\0 HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET /", "\tHTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET /", "\r\n" HOST "\r\n"),
	MALFORMED("GET /", "\n" HOST "\r\n"),
	MALFORMED("GET / ", " HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET / ", "\r\n" HOST "\r\n"),
	MALFORMED("GET / ", "x HTTP/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET / ", "http/1.1\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/", "0.9\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/", "2.0\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/", "+1.+1\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/", "\t1.1\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/1", "\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/1", ",1\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/1.", "2\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/1.", "99\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/1.1", "0\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/1.1", " \r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/1.1", "\0\r\n" HOST "\r\n"),
	MALFORMED("GET / HTTP/1.1", "\n" HOST "\n"),
	MALFORMED("GET / HTTP/1.1\r", "Host: a\r\n\r\n"),
	MALFORMED("GET / HTTP/1.1\r", "\r\n" HOST "\r\n"),
	BAD(URI_TOO_LONG, "GET /2345678901234567890123456789012",
	    "3 HTTP/1.1\r\n"),
	MALFORMED("GET /2345678901234567890123456789012", "# HTTP/1.1\r\n"),

	/* Methods. */
	BAD(METHOD_NOT_ALLOWED, "POST", " / HTTP/1.1\r\n"),
	BAD(METHOD_NOT_ALLOWED, "PUT", " / HTTP/1.1\r\n"),
	BAD(METHOD_NOT_ALLOWED, "DELETE", " nonsense"),
	BAD(METHOD_NOT_ALLOWED, "OPTIONS", " * HTTP/1.1\r\n"),
	BAD(METHOD_NOT_ALLOWED, "CONNECT", " a:80 HTTP/1.1\r\n"),
	BAD(METHOD_NOT_ALLOWED, "TRACE", " / HTTP/1.1\r\n"),
	BAD(METHOD_NOT_ALLOWED, "get", " / HTTP/1.1\r\n"),
	BAD(METHOD_NOT_ALLOWED, "GETS", " / HTTP/1.1\r\n"),
	BAD(METHOD_NOT_ALLOWED, "GE", " / HTTP/1.1\r\n"),
	BAD(METHOD_NOT_ALLOWED, "PRI ", "/ HTTP/1.1\r\n"),
	BAD(METHOD_NOT_ALLOWED, "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'", " /"),
	MALFORMED("PRI ", "* HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	MALFORMED("ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'", "* / HTTP/1.1\r\n"),
	MALFORMED("POST", "(/ HTTP/1.1\r\n"),

	/* Header syntax. */
	MALFORMED(LINE, " Host: a\r\n\r\n"),
	MALFORMED(LINE, "\tHost: a\r\n\r\n"),
	MALFORMED(HEAD "X: 1\r\n", " 2\r\n\r\n"),
	MALFORMED(HEAD "X: 1\r\n", "\t\r\n\r\n"),
	MALFORMED(HEAD "X: 1\r\n", " \r2\r\n\r\n"),
	MALFORMED(HEAD "X", " : 1\r\n\r\n"),
	MALFORMED(HEAD "Content-Length", " : 3\r\n\r\n"),
	MALFORMED(HEAD "Content-Length", "\t: 3\r\n\r\n"),
	MALFORMED(HEAD "X", " Remote User: 1\r\n\r\n"),
	MALFORMED(HEAD, ": 1\r\n\r\n"),
	MALFORMED(HEAD "X", "\r\n\r\n"),
	MALFORMED(HEAD "X", "\n\r\n"),
	MALFORMED(HEAD "X", "(y): 1\r\n\r\n"),
	MALFORMED(HEAD, "\"X\": 1\r\n\r\n"),
	MALFORMED(HEAD, "\0\r\n\r\n"),
	MALFORMED(HEAD "X", "\0: 1\r\n\r\n"),
	MALFORMED(HEAD "X", "\x01: 1\r\n\r\n"),
	MALFORMED(HEAD "X", "\xe9: 1\r\n\r\n"),
	MALFORMED(HEAD "X", "\x7f: 1\r\n\r\n"),
	MALFORMED(HEAD "X: a", "\0z\r\n\r\n"),
	MALFORMED(HEAD "X: a", "\x0b\r\n\r\n"),
	MALFORMED(HEAD "X: a", "\x7f\r\n\r\n"),
	MALFORMED(HEAD "X: a", "\x80\r\n\r\n"),
	MALFORMED(HEAD "X: a", "\n\r\n"),
	MALFORMED(HEAD "X: a\r", "b\r\n\r\n"),
	MALFORMED(HEAD "X: a\r", "\r\n\r\n"),
	MALFORMED(HEAD, "\n"),
	MALFORMED(HEAD "\r", "\r\n"),
	MALFORMED(HEAD "\r", "GET /"),
	BAD(HEADERS_TOO_LARGE, HEAD "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n",
	    "F: 6\r\n\r\n"),
	MALFORMED(HEAD "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n", ": 6\r\n"),

	/* Bodies: refused at the end of the head ... */
	BAD(BODY_REFUSED, HEAD "Content-Length: 3\r\n\r", "\nabc"),
	BAD(BODY_REFUSED, "HEAD / HTTP/1.1\r\n" HOST "Content-Length: 31\r\n\r",
	    "\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD(BODY_REFUSED, HEAD "cONTENT-lENGTH:  10  \r\n\r", "\n"),
	BAD(BODY_REFUSED, HEAD "Content-Length: 123456789012345678\r\n\r",
	    "\n"),
	BAD(BODY_REFUSED, HEAD "Transfer-Encoding: chunked\r\n\r", "\n0\r\n"),
	BAD(BODY_REFUSED, HEAD "Transfer-Encoding: xchunked\r\n\r", "\n"),
	BAD(BODY_REFUSED, HEAD "Transfer-Encoding: gzip\r\n\r", "\n"),
	BAD(BODY_REFUSED, HEAD "Transfer-Encoding:\r\n\r", "\n"),
	BAD(BODY_REFUSED, "GET / HTTP/1.0\r\nTransfer-Encoding: x\r\n\r", "\n"),
	/* http-parser takes this name for the real one: no harm, no body. */
	MALFORMED(HEAD "Transfer-Encodings: d\r\n\r", "\n"),
	/* ... unless the framing contradicts itself or the rest is bad. */
	MALFORMED(
	    HEAD "Content-Length: 3\r\nTransfer-Encoding", ": chunked\r\n\r\n"),
	MALFORMED(
	    HEAD "Transfer-Encoding: chunked\r\nContent-Length", ": 3\r\n\r\n"),
	MALFORMED(
	    HEAD "Content-Length: 0\r\nTransfer-Encoding", ": chunked\r\n\r\n"),
	MALFORMED(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding",
	    ": identity\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 3\r\nContent-Length", ": 3\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 0\r\nContent-Length", ": 0\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 0\r\nContent-Length", ": 31\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 3\r\nX", " : y\r\n\r\n"),
	MALFORMED(HEAD "Transfer-Encoding: ", "\x0b"
					      "chunked\r\n\r\n"),
	MALFORMED(HEAD "Transfer-Encoding", " : chunked\r\n\r\n"),
	MALFORMED(HEAD "Content-Length:", "\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: ", "+3\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: ", "-0\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 0", "x3\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 0", "3\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 0", "0\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 3", ", 3\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 3 ", "3\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 3", "\t\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 123456789012345678", "9\r\n\r\n"),
	MALFORMED(HEAD "Content-Length: 1", "\0\r\n\r\n"),
	BAD(EXPECTATION_FAILED, HEAD "Expect", ": 100-continue\r\n\r\n"),
	BAD(EXPECTATION_FAILED, HEAD "eXPECT", ": y 100-continue\r\n\r\n"),
	BAD(EXPECTATION_FAILED, HEAD "Content-Length: 3\r\nExpect",
	    ": 100-continue\r\n\r\nabc"),

	/* Identity. */
	MALFORMED(HEAD "Authorization: Basic eDp5\r\nauthorization",
	    ": Bearer x\r\n\r\n"),
	MALFORMED(HEAD "Connection: Host", "\r\n\r\n"),
	MALFORMED(HEAD "Connection: close, authorization", "\r\n\r\n"),
	MALFORMED(HEAD "Connection:CONTENT-LENGTH", ", close\r\n\r\n"),
	MALFORMED(HEAD "Connection: Transfer-Encoding", " \r\n\r\n"),
	MALFORMED(
	    HEAD "Connection: x\r\nConnection: Transfer_Encoding", "\r\n\r\n"),
	MALFORMED(HEAD "Connection: X-Remote-User", "\r\n\r\n"),
	MALFORMED(HEAD "Connection: x-remote-extra-a-very-long-name-of-one",
	    ",y\r\n\r\n"),
	MALFORMED(HEAD "Connection: \"host", "\"\r\n\r\n"),
	MALFORMED(HEAD "Connection: close\r", "Host: a\r\n\r\n"),
};

/* Accepted only where POST is: the admin listener. */
static const struct row post_rows[] = {
	GOOD(1, 0, 0, "POST /-/reload HTTP/1.1\r\n" HOST "\r\n"),
	GOOD(2, 0, 0,
	    "POST /-/reload HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"),
	GOOD(1, 0, 0, HEAD "\r\n"),
	BAD(BODY_REFUSED, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r",
	    "\nx"),
	BAD(METHOD_NOT_ALLOWED, "PUT", " / HTTP/1.1\r\n"),
};

struct outcome {
	enum guard_verdict verdict;
	size_t used;
	struct guard guard;
};

/* Feeds pieces that end at `cut` and then after every `step` bytes. */
static void
feed_in_pieces(struct outcome *outcome, const struct guard_limits *with,
    const struct row *row, size_t cut, size_t step)
{
	size_t at = 0, used;
	size_t next = cut;
	/* An own copy of each piece, so that reading beyond it is noticed. */
	char *piece;

	guard_init(&outcome->guard, with);
	outcome->verdict = GUARD_MORE;
	while (outcome->verdict == GUARD_MORE && at < row->len) {
		if (next > row->len || next <= at)
			next = row->len;
		piece = malloc(next - at);
		assert_non_null(piece);
		memcpy(piece, row->bytes + at, next - at);
		outcome->verdict =
		    guard_feed(&outcome->guard, piece, next - at, &used);
		free(piece);
		if (outcome->verdict == GUARD_MORE && used != next - at)
			fail_msg("GUARD_MORE but %zu of %zu", used, next - at);
		at += used;
		next = at + step;
	}
	outcome->used = at;
}

static void
check_outcome(const struct row *row, const struct outcome *outcome,
    const struct guard *first, size_t cut, size_t step)
{
	const struct guard *guard = &outcome->guard;
	bool is_good = row->refusal == REASON_OK;

	if (outcome->verdict == (is_good ? GUARD_HEAD : GUARD_REFUSED) &&
	    guard->refusal == row->refusal && outcome->used == row->used &&
	    guard->head_len == row->used && guard->detail == first->detail &&
	    is_good == (guard->detail == NULL) &&
	    (!is_good || (guard->header_count == row->header_count &&
			     guard->underscore_count == row->underscore_count &&
			     guard->lead == row->lead)))
		return;
	fail_msg("cut %zu step %zu: verdict %d reason %d (%s) used %zu, "
		 "expected reason %d used %zu:\n%.*s",
	    cut, step, outcome->verdict, guard->refusal,
	    guard->detail ? guard->detail : "-", outcome->used, row->refusal,
	    row->used, (int)row->len, row->bytes);
}

static void
check_row(const struct row *row, const struct guard_limits *with)
{
	struct outcome outcome;
	struct guard first;
	size_t cut;

	feed_in_pieces(&outcome, with, row, row->len, row->len);
	first = outcome.guard;
	check_outcome(row, &outcome, &first, row->len, row->len);
	feed_in_pieces(&outcome, with, row, 1, 1);
	check_outcome(row, &outcome, &first, 1, 1);
	for (cut = 1; cut < row->len; cut++) {
		feed_in_pieces(&outcome, with, row, cut, row->len);
		check_outcome(row, &outcome, &first, cut, row->len);
	}
}

static void
verdicts_are_the_same_in_any_pieces(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], &limits);
}

static void
post_passes_where_it_is_allowed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(post_rows) / sizeof(post_rows[0]); i++)
		check_row(&post_rows[i], &post_limits);
}

static void
pipelined_heads_pass_one_by_one(void **state)
{
	static const char bytes[] =
	    HEAD "\r\n"
		 "\r\nHEAD /b HTTP/1.1\r\n" HOST "X_Y: 1\r\n\r\n"
		 "GET /cc HTTP/1.0\r\n\r\n"
		 "GET /d HTTP/1.1\r\nHost : a\r\n\r\n";
	static const struct {
		const char *method;
		size_t target_len;
		unsigned lead, header_count, underscore_count;
	} heads[] = { { "GET", 8, 0, 1, 0 }, { "HEAD", 2, 2, 2, 1 },
		{ "GET", 3, 0, 0, 0 } };
	struct guard guard;
	size_t at = 0, used, i;

	(void)state;
	guard_init(&guard, &limits);
	for (i = 0; i < 3; i++) {
		assert_int_equal(
		    GUARD_HEAD, guard_feed(&guard, bytes + at,
				    sizeof(bytes) - 1 - at, &used));
		assert_string_equal(guard.method, heads[i].method);
		assert_int_equal(guard.target_len, heads[i].target_len);
		assert_int_equal(guard.lead, heads[i].lead);
		assert_int_equal(guard.header_count, heads[i].header_count);
		assert_int_equal(
		    guard.underscore_count, heads[i].underscore_count);
		assert_int_equal(guard.head_len, used);
		at += used;
	}
	assert_int_equal(GUARD_REFUSED,
	    guard_feed(&guard, bytes + at, sizeof(bytes) - 1 - at, &used));
	assert_int_equal(guard.refusal, REASON_REQUEST_MALFORMED);
	/* And it stays refused. */
	assert_int_equal(GUARD_REFUSED,
	    guard_feed(&guard, HEAD "\r\n", sizeof(HEAD) + 1, &used));
	assert_int_equal(used, 0);
}

static void
nothing_fed_changes_nothing(void **state)
{
	struct guard guard;
	size_t used = 9;

	(void)state;
	guard_init(&guard, &limits);
	assert_int_equal(GUARD_MORE, guard_feed(&guard, "", 0, &used));
	assert_int_equal(used, 0);
	assert_int_equal(GUARD_HEAD,
	    guard_feed(&guard, HEAD "\r\n", sizeof(HEAD) + 1, &used));
	assert_int_equal(GUARD_MORE, guard_feed(&guard, "", 0, &used));
}

/* A head of exactly `len` bytes with its weight in one value. */
static char *
make_head(size_t len)
{
	char *bytes = malloc(len);
	size_t begin = sizeof(HEAD "X: ") - 1;

	assert_non_null(bytes);
	memset(bytes, 'x', len);
	memcpy(bytes, HEAD "X: ", begin);
	bytes[len - 4] = bytes[len - 2] = '\r';
	bytes[len - 3] = bytes[len - 1] = '\n';
	return bytes;
}

static void
limits_hold_to_the_byte(void **state)
{
	size_t max = guard_default_limits.head_max;
	char *fits = make_head(max);
	char *exceeds = make_head(max + 1);
	struct row good = { fits, max, max, REASON_OK, 2, 0, 0 };
	struct row bad = { exceeds, max + 1, max, REASON_HEADERS_TOO_LARGE, 2,
		0, 0 };
	struct outcome outcome;
	size_t cut;

	(void)state;
	for (cut = 1; cut < max; cut += 997) {
		feed_in_pieces(
		    &outcome, &guard_default_limits, &good, cut, 4096);
		check_outcome(&good, &outcome, &outcome.guard, cut, 4096);
		feed_in_pieces(
		    &outcome, &guard_default_limits, &bad, cut, 4096);
		check_outcome(&bad, &outcome, &outcome.guard, cut, 4096);
	}
	free(fits);
	free(exceeds);
}

static void
one_guard_per_connection_stays_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct guard) <= 256);
	assert_true(sizeof(rows) / sizeof(rows[0]) >= 120);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_are_the_same_in_any_pieces),
		cmocka_unit_test(post_passes_where_it_is_allowed),
		cmocka_unit_test(pipelined_heads_pass_one_by_one),
		cmocka_unit_test(nothing_fed_changes_nothing),
		cmocka_unit_test(limits_hold_to_the_byte),
		cmocka_unit_test(one_guard_per_connection_stays_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
