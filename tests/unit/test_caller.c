/*
 * Calls of our own against scripted servers: what is sent, which answers are
 * answers, and why there was none, in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "certs.h"
#include "proxy/backend/caller.h"
#include "proxy/base/err.h"
#include "proxy/fetch/attempt.h"
#include "scripted.h"

#define ANSWER_MAX 1000
#define REVIEW "{\"kind\":\"TokenReview\"}"
#define CREATED                                                                \
	"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"           \
	"Content-Length: 2\r\n\r\n{}"

struct asker {
	struct event_base *base;
	struct fetcher *fetcher;
	struct caller *caller;
	const struct auth_transport *transport;

	unsigned replies;
	int status;
	char body[2 * ANSWER_MAX];
	size_t len;
	char error[512];
	unsigned retry_after_s;
};

static void
asker_open(struct asker *asker)
{
	struct err err;

	memset(asker, 0, sizeof(*asker));
	asker->base = event_base_new();
	asker->fetcher = fetcher_new(asker->base, &err);
	assert_non_null(asker->fetcher);
	asker->caller = caller_new(asker->base, asker->fetcher);
	asker->transport = caller_transport(asker->caller);
}

static void
asker_close(struct asker *asker)
{
	caller_free(asker->caller);
	fetcher_free(asker->fetcher);
	event_base_free(asker->base);
}

static void
on_reply(const struct auth_reply *reply, void *arg)
{
	struct asker *asker = arg;

	asker->replies++;
	asker->status = reply->status;
	asker->len = reply->len;
	asker->retry_after_s = reply->retry_after_s;
	assert_true(reply->len < sizeof(asker->body));
	memcpy(asker->body, reply->body, reply->len + 1);
	assert_int_equal(asker->body[reply->len], '\0');
	snprintf(asker->error, sizeof(asker->error), "%s", reply->error);
	assert_int_equal(reply->status == 0, reply->error[0] != '\0');
}

static void *
start(struct asker *asker, const struct auth_call *call)
{
	void *started;

	asker->replies = 0;
	started = asker->transport->start(
	    asker->transport->transport, call, on_reply, asker);
	assert_int_equal(asker->replies, 0);
	return started;
}

static void
wait_for(struct asker *asker)
{
	while (asker->replies == 0)
		event_base_loop(asker->base, EVLOOP_ONCE);
	assert_int_equal(asker->replies, 1);
}

static void
ask(struct asker *asker, const struct auth_call *call)
{
	start(asker, call);
	wait_for(asker);
}

static const char *
url_of(unsigned port, bool is_tls)
{
	static char url[128];

	snprintf(url, sizeof(url), "%s://127.0.0.1:%u/apis/reviews?x=1",
	    is_tls ? "https" : "http", port);
	return url;
}

static struct auth_call
post_to(const char *url)
{
	return (struct auth_call){ .url = url,
		.body = REVIEW,
		.body_len = strlen(REVIEW),
		.answer_max = ANSWER_MAX,
		.timeout_ms = 10000 };
}

/* A new file of these bytes; `path` ends in XXXXXX. */
static void
write_new(char *path, const char *bytes, size_t len)
{
	int fd = mkstemp(path);

	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

/* As Kubernetes does it: another file under the same name. */
static void
replace(const char *path, const char *bytes, size_t len)
{
	char other[] = "/tmp/test_caller_XXXXXX";

	write_new(other, bytes, len);
	assert_int_equal(rename(other, path), 0);
}

/* One server that has `replies`, one asker that asks as often. */
static void
run(struct asker *asker, struct scripted *s, const struct reply *replies,
    size_t count, unsigned asks)
{
	struct auth_call call;

	scripted_start(s, replies, count, NULL, NULL);
	asker_open(asker);
	call = post_to(url_of(s->port, false));
	while (asks-- > 0)
		ask(asker, &call);
	asker_close(asker);
	scripted_stop(s);
}

static void
test_post(void **state)
{
	static const struct reply good = { .bytes = CREATED };
	char token[] = "/tmp/test_caller_XXXXXX", url[128];
	char body[] = REVIEW, expected[1024];
	struct auth_call call = post_to(url);
	struct asker asker;
	struct scripted s;

	(void)state;
	write_new(token, " \n s3cret.t-_~+/= \r\n", 19);
	scripted_start(&s, &good, 1, NULL, NULL);
	asker_open(&asker);
	snprintf(url, sizeof(url), "%s", url_of(s.port, false));
	call.body = body;
	call.token_file = token;
	start(&asker, &call);
	/* All copied. */
	memset(body, 'x', strlen(body));
	memset(url, 'x', strlen(url));
	unlink(token);
	memset(token, 'x', strlen(token));
	wait_for(&asker);
	assert_string_equal(asker.error, "");
	assert_int_equal(asker.status, 201);
	assert_string_equal(asker.body, "{}");
	assert_int_equal(asker.retry_after_s, 0);
	asker_close(&asker);
	scripted_stop(&s);
	snprintf(expected, sizeof(expected),
	    "POST /apis/reviews?x=1 HTTP/1.1\r\n"
	    "Host: 127.0.0.1:%u\r\n"
	    "User-Agent: scrapegate/" SCRAPEGATE_VERSION "\r\n"
	    "Accept: application/json, application/jwk-set+json\r\n"
	    "Accept-Encoding: identity\r\n"
	    "Content-Type: application/json\r\n"
	    "Authorization: Bearer s3cret.t-_~+/=\r\n"
	    "Content-Length: %zu\r\n\r\n" REVIEW,
	    s.port, strlen(REVIEW));
	assert_string_equal(s.requests[0], expected);
}

static void
test_get(void **state)
{
	static const struct reply good = { .bytes = CREATED };
	struct asker asker;
	struct scripted s;
	struct auth_call call;
	char expected[1024];

	(void)state;
	scripted_start(&s, &good, 1, NULL, NULL);
	asker_open(&asker);
	call = post_to(url_of(s.port, false));
	call.body = NULL;
	ask(&asker, &call);
	assert_int_equal(asker.status, 201);
	asker_close(&asker);
	scripted_stop(&s);
	snprintf(expected, sizeof(expected),
	    "GET /apis/reviews?x=1 HTTP/1.1\r\n"
	    "Host: 127.0.0.1:%u\r\n"
	    "User-Agent: scrapegate/" SCRAPEGATE_VERSION "\r\n"
	    "Accept: application/json, application/jwk-set+json\r\n"
	    "Accept-Encoding: identity\r\n\r\n",
	    s.port);
	assert_string_equal(s.requests[0], expected);
}

#define HEAD(status, rest) "HTTP/1.1 " status "\r\n" rest "\r\n"

/* Whole answers, whatever they say. */
static void
test_answers(void **state)
{
	static const struct {
		struct reply reply;
		int status;
		const char *body;
		unsigned retry_after_s;
	} rows[] = {
		{ { .bytes = HEAD("200 OK",
			"Transfer-Encoding: chunked\r\n") "3\r\n{\"a\r\n4;x="
							  "y\r\n\":1}"
							  "\r\n0\r\n\r\n" },
		    200, "{\"a\":1}", 0 },
		/* Nothing but the end ends it: JSON tells by itself. */
		{ { .bytes = HEAD("200 OK", "") "{\"a\":1}" }, 200, "{\"a\":1}",
		    0 },
		{ { .bytes = HEAD("200 OK", "Content-Length: 0\r\n") }, 200, "",
		    0 },
		{ { .bytes = HEAD("204 No Content", "") }, 204, "", 0 },
		{ { .bytes = HEAD("100 Continue", "")
			  HEAD("200 OK", "Content-Length: 2\r\n") "{}" },
		    200, "{}", 0 },
		{ { .bytes = HEAD("200 OK",
			"Content-Type: text/html\r\nContent-Length: "
			"6\r\n") "<html>" },
		    200, "<html>", 0 },
		{ { .bytes =
			  HEAD("302 Found", "Location: http://127.0.0.1:1/\r\n"
					    "Content-Length: 2\r\n") "no" },
		    302, "no", 0 },
		{ { .bytes = HEAD("307 Temporary Redirect",
			"Location: ::bad::\r\nContent-Length: 0\r\n") },
		    307, "", 0 },
		{ { .bytes = HEAD(
			"401 Unauthorized", "Content-Length: 2\r\n") "{}" },
		    401, "{}", 0 },
		{ { .bytes = HEAD("429 Too Many Requests",
			"Retry-After: 7\r\nContent-Length: 2\r\n") "{}" },
		    429, "{}", 7 },
		{ { .bytes = HEAD("503 Service Unavailable",
			"retry-after:  86400 \r\nContent-Length: 0\r\n") },
		    503, "", 3600 },
		{ { .bytes = HEAD("503 Service Unavailable",
			"Retry-After: 99999999999999999999\r\n"
			"Content-Length: 0\r\n") },
		    503, "", 3600 },
		{ { .bytes = HEAD("503 Service Unavailable",
			"Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n"
			"Content-Length: 0\r\n") },
		    503, "", 0 },
		{ { .bytes = HEAD("503 Service Unavailable",
			"Retry-After: -5\r\nContent-Length: 0\r\n") },
		    503, "", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asker asker;
		struct scripted s;

		run(&asker, &s, &rows[i].reply, 1, 1);
		assert_string_equal(asker.error, "");
		assert_int_equal(asker.status, rows[i].status);
		assert_string_equal(asker.body, rows[i].body);
		assert_int_equal(asker.retry_after_s, rows[i].retry_after_s);
		assert_int_equal(s.accepted, 1);
	}
}

/* "" stands for "127.0.0.1:PORT". */
static void
assert_error(const struct asker *asker, unsigned port, const char *before,
    const char *after)
{
	char expected[512], address[32] = "";

	if (port != 0)
		snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	snprintf(expected, sizeof(expected), "%s%s%s", before, address, after);
	assert_string_equal(asker->error, expected);
	assert_int_equal(asker->status, 0);
	assert_string_equal(asker->body, "");
}

/* No whole answer, no HTTP, none at all. */
static void
test_no_answers(void **state)
{
	static const struct {
		struct reply reply;
		const char *before;
		bool has_address;
		const char *after;
	} rows[] = {
		{ { .bytes = HEAD("200 OK", "Content-Length: 30\r\n") "{\"a" },
		    "unexpected EOF: got 3 of 30 bytes", false, "" },
		{ { .bytes = HEAD(
			"201 Created", "Content-Length: 30\r\n") "{\"a" },
		    "unexpected EOF: got 3 of 30 bytes", false, "" },
		{ { .bytes =
			  HEAD("500 Oops", "Content-Length: 30\r\n") "{\"a" },
		    "unexpected EOF: got 3 of 30 bytes", false, "" },
		{ { .bytes = HEAD("302 Found",
			"Location: /x\r\nContent-Length: 30\r\n") "{\"a" },
		    "unexpected EOF: got 3 of 30 bytes", false, "" },
		{ { .bytes = HEAD("200 OK",
			"Transfer-Encoding: chunked\r\n") "3\r\n{\"a\r\n" },
		    "unexpected EOF: no last chunk after 3 bytes", false, "" },
		{ { .bytes = HEAD("200 OK", "Content-Length: 1001\r\n") "{" },
		    "the answer is larger than 1000 bytes", false, "" },
		{ { .bytes = HEAD(
			"403 Forbidden", "Content-Length: 1001\r\n") "{" },
		    "the answer is larger than 1000 bytes", false, "" },
		{ { .bytes = HEAD("200 OK",
			"Content-Length: 2\r\nContent-Length: 3\r\n") "{}" },
		    "net/http: HTTP/1.x transport connection broken: http: "
		    "message cannot contain multiple Content-Length "
		    "headers; got [\"2\" \"3\"]",
		    false, "" },
		{ { .bytes = "SSH-2.0-OpenSSH_9.2\r\n" },
		    "net/http: HTTP/1.x transport connection broken: malformed "
		    "HTTP response \"SSH-2.0-OpenSSH_9.2\"",
		    false, "" },
		{ { .bytes = NULL }, "EOF: ", true,
		    " closed without an answer" },
		{ { .bytes = NULL, .then = THEN_RESET }, "read tcp ", true,
		    ": read: connection reset by peer" },
		/* A rule of ours that Go has not. */
		{ { .bytes = HEAD("200 OK", "Transfer-Encoding : x\r\n") "{}" },
		    "malformed MIME header line: \"Transfer-Encoding : x\"",
		    false, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asker asker;
		struct scripted s;

		run(&asker, &s, &rows[i].reply, 1, 1);
		assert_error(&asker, rows[i].has_address ? s.port : 0,
		    rows[i].before, rows[i].after);
	}
}

/* `len` zeros as a chunk, as they are or in gzip. */
static size_t
make_large(char *out, size_t size, size_t len, bool is_gzip)
{
	char *zeros = calloc(1, len);
	z_stream z = { .next_in = (unsigned char *)zeros,
		.avail_in = (unsigned)len };
	char coded[4096];
	size_t used;

	if (is_gzip) {
		z.next_out = (unsigned char *)coded;
		z.avail_out = sizeof(coded);
		deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		len = z.total_out;
		deflateEnd(&z);
	}
	used = (size_t)snprintf(out, size,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n%zx\r\n",
	    is_gzip ? "Content-Encoding: gzip\r\n" : "", len);
	memcpy(out + used, is_gzip ? coded : zeros, len);
	free(zeros);
	used += len;
	return used +
	       (size_t)snprintf(out + used, size - used, "\r\n0\r\n\r\n");
}

/* Counted is what comes out, chunks and gzip taken off. */
static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 1, ANSWER_MAX, ANSWER_MAX + 1, 3000 };
	char bytes[8192];
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t len = sizes[i / 2];
		struct reply reply = { .bytes = bytes };
		struct asker asker;
		struct scripted s;

		reply.len = make_large(bytes, sizeof(bytes), len, i % 2 != 0);
		run(&asker, &s, &reply, 1, 1);
		if (len <= ANSWER_MAX) {
			assert_int_equal(asker.status, 200);
			assert_int_equal(asker.len, len);
		} else {
			assert_error(&asker, 0,
			    "the answer is larger than 1000 bytes", "");
		}
	}
}

/* Empty blocks without end inflate to nothing. */
static void
test_empty_blocks(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Encoding: gzip\r\n\r\n"
				   "\x1f\x8b\x08\0\0\0\0\0\0\x03";
	char bytes[8192];
	struct reply reply = { .bytes = bytes, .then = THEN_HANG };
	struct asker asker;
	struct scripted s;

	(void)state;
	memcpy(bytes, head, sizeof(head) - 1);
	reply.len = sizeof(head) - 1;
	while (reply.len + 5 <= sizeof(bytes)) {
		memcpy(bytes + reply.len, "\0\0\0\xff\xff", 5);
		reply.len += 5;
	}
	run(&asker, &s, &reply, 1, 1);
	assert_error(&asker, 0, "the answer is larger than 1000 bytes", "");
}

static void
test_slow(void **state)
{
	static const struct {
		struct reply reply;
		bool is_tls;
		const char *before;
	} rows[] = {
		{ { .then = THEN_HANG }, false, "no answer from " },
		{ { .bytes = "HTTP/1.1 200 O", .then = THEN_HANG }, false,
		    "no answer from " },
		{ { .bytes = HEAD("200 OK", "Content-Length: 30\r\n") "{\"a",
		      .then = THEN_HANG },
		    false, "unfinished answer from " },
		{ { .bytes = HEAD("503 No", "Content-Length: 30\r\n") "{\"a",
		      .then = THEN_HANG },
		    false, "unfinished answer from " },
		{ { .is_deaf = true, .is_plain = true, .then = THEN_HANG },
		    true, "TLS handshake with " },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asker asker;
		struct scripted s;
		struct auth_call call;

		scripted_start(&s, &rows[i].reply, 1, NULL, NULL);
		asker_open(&asker);
		call = post_to(url_of(s.port, rows[i].is_tls));
		/* So long that the server has had its say. */
		call.timeout_ms = 2500;
		ask(&asker, &call);
		assert_error(&asker, s.port, rows[i].before,
		    ": context deadline exceeded after 2500 ms");
		asker_close(&asker);
		scripted_stop(&s);
	}
}

static void
test_plain_for_tls(void **state)
{
	static const struct reply plain = {
		.bytes = HEAD("400 Bad Request", "Content-Length: 0\r\n"),
		.is_deaf = true,
	};
	struct asker asker;
	struct scripted s;
	struct auth_call call;

	(void)state;
	scripted_start(&s, &plain, 1, NULL, NULL);
	asker_open(&asker);
	call = post_to(url_of(s.port, true));
	ask(&asker, &call);
	assert_error(
	    &asker, 0, "http: server gave HTTP response to HTTPS client", "");
	asker_close(&asker);
	scripted_stop(&s);
}

/* Nobody accepts and the backlog is full: SYNs are dropped. */
static void
test_dropped(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), first;
	struct asker asker;
	struct auth_call call;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 0), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(first, (struct sockaddr *)&in, len), 0);
	asker_open(&asker);
	call = post_to(url_of(ntohs(in.sin_port), true));
	call.timeout_ms = 300;
	ask(&asker, &call);
	assert_error(&asker, ntohs(in.sin_port), "dial tcp ",
	    ": context deadline exceeded after 300 ms");
	asker_close(&asker);
	close(first);
	close(fd);
}

static void
test_refused(void **state)
{
	struct asker asker;
	struct scripted s;
	struct auth_call call;

	(void)state;
	scripted_start(&s, NULL, 0, NULL, NULL);
	scripted_stop(&s);
	asker_open(&asker);
	call = post_to(url_of(s.port, false));
	ask(&asker, &call);
	assert_error(
	    &asker, s.port, "dial tcp ", ": connect: connection refused");
	asker_close(&asker);
}

static void
test_bad_urls(void **state)
{
	static const struct {
		const char *url;
		const char *error;
	} rows[] = {
		{ "", "parse: no URL with a host" },
		{ "no url", "parse: no URL with a host" },
		{ "/apis", "parse: no URL with a host" },
		{ "https://", "parse: no URL with a host" },
		{ "https://a b/", "parse: no URL with a host" },
		{ "ftp://a/", "unsupported protocol scheme \"ftp\"" },
		{ "unix://a/", "unsupported protocol scheme \"unix\"" },
	};
	struct asker asker;
	size_t i;

	(void)state;
	asker_open(&asker);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_call call = post_to(rows[i].url);

		ask(&asker, &call);
		assert_error(&asker, 0, rows[i].error, "");
	}
	asker_close(&asker);
}

/* Nothing is sent without the token that was asked for. */
static void
test_bad_tokens(void **state)
{
	static char large[(64 << 10) + 1];
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "", 0 },
		{ " \r\n\t", 4 },
		{ "two words", 9 },
		{ "two\nlines", 9 },
		{ "bell\a", 5 },
		{ "nul\0", 4 },
		{ "a\0b", 3 },
		{ "\xc3\xa4", 2 },
		{ "del\x7f", 4 },
	};
	char path[] = "/tmp/test_caller_XXXXXX", words[128];
	struct asker asker;
	struct scripted s;
	struct auth_call call;
	size_t i;

	(void)state;
	scripted_start(&s, NULL, 0, NULL, NULL);
	asker_open(&asker);
	call = post_to(url_of(s.port, false));
	call.token_file = path;
	write_new(path, "good", 4);
	snprintf(words, sizeof(words),
	    "token_file: %s does not hold a token: one word of visible ASCII",
	    path);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		replace(path, rows[i].bytes, rows[i].len);
		ask(&asker, &call);
		assert_error(&asker, 0, words, "");
	}
	memset(large, 'a', sizeof(large));
	replace(path, large, sizeof(large));
	ask(&asker, &call);
	snprintf(
	    words, sizeof(words), "token_file: read %s: file too large", path);
	assert_error(&asker, 0, words, "");
	unlink(path);
	ask(&asker, &call);
	snprintf(words, sizeof(words),
	    "token_file: open %s: no such file or directory", path);
	assert_error(&asker, 0, words, "");
	asker_close(&asker);
	scripted_stop(&s);
	assert_int_equal(s.accepted, 0);
}

/* On one and the same kept connection, too. */
static void
test_token_rotated(void **state)
{
	static const struct reply replies[] = {
		{ .bytes =
			HEAD("401 Unauthorized", "Content-Length: 2\r\n") "{}",
		    .then = THEN_KEEP },
		{ .bytes = CREATED },
	};
	char path[] = "/tmp/test_caller_XXXXXX";
	struct asker asker;
	struct scripted s;
	struct auth_call call;

	(void)state;
	write_new(path, "old1", 4);
	scripted_start(&s, replies, 2, NULL, NULL);
	asker_open(&asker);
	call = post_to(url_of(s.port, false));
	call.token_file = path;
	ask(&asker, &call);
	assert_int_equal(asker.status, 401);
	replace(path, "new1", 4);
	ask(&asker, &call);
	assert_int_equal(asker.status, 201);
	asker_close(&asker);
	scripted_stop(&s);
	unlink(path);
	assert_int_equal(s.accepted, 1);
	assert_non_null(strstr(s.requests[0], "Bearer old1\r\n"));
	assert_non_null(strstr(s.requests[1], "Bearer new1\r\n"));
	assert_null(strstr(s.requests[1], "old1"));
}

static void
test_kept(void **state)
{
	static const struct reply kept[] = {
		{ .bytes = CREATED, .then = THEN_KEEP },
		{ .bytes = CREATED, .then = THEN_KEEP },
		{ .bytes = CREATED },
	};
	/* It dies with the second request on it; the third is that again. */
	static const struct reply dies[] = {
		{ .bytes = CREATED, .then = THEN_KEEP },
		{ .bytes = NULL },
		{ .bytes = CREATED },
	};
	/* A second time is not tried a third time. */
	static const struct reply dies_twice[] = {
		{ .bytes = CREATED, .then = THEN_KEEP },
		{ .bytes = NULL },
		{ .bytes = NULL },
	};
	struct asker asker;
	struct scripted s;

	(void)state;
	run(&asker, &s, kept, 3, 3);
	assert_int_equal(asker.status, 201);
	assert_int_equal(s.accepted, 1);
	run(&asker, &s, dies, 3, 2);
	assert_int_equal(asker.status, 201);
	assert_int_equal(s.accepted, 2);
	assert_int_equal(s.request_count, 3);
	assert_string_equal(s.requests[1], s.requests[2]);
	run(&asker, &s, dies_twice, 3, 2);
	assert_error(&asker, s.port, "EOF: ", " closed without an answer");
	assert_int_equal(s.request_count, 3);
}

/* Before it is sent, while it is, and when it had failed at once. */
static void
test_cancel(void **state)
{
	static const struct reply hangs[] = { { .then = THEN_HANG },
		{ .bytes = CREATED } };
	struct asker asker;
	struct scripted s;
	struct auth_call call;
	void *started;

	(void)state;
	scripted_start(&s, hangs, 2, NULL, NULL);
	asker_open(&asker);
	call = post_to("nonsense");
	asker.transport->cancel(
	    asker.transport->transport, start(&asker, &call));
	call = post_to(url_of(s.port, false));
	asker.transport->cancel(
	    asker.transport->transport, start(&asker, &call));
	event_base_loop(asker.base, EVLOOP_NONBLOCK);
	started = start(&asker, &call);
	while (s.request_count == 0)
		event_base_loop(asker.base, EVLOOP_NONBLOCK);
	asker.transport->cancel(asker.transport->transport, started);
	assert_int_equal(asker.replies, 0);
	ask(&asker, &call);
	assert_int_equal(asker.status, 201);
	/* Some are left to caller_free(). */
	start(&asker, &call);
	call = post_to("nonsense");
	start(&asker, &call);
	asker_close(&asker);
	assert_int_equal(asker.replies, 0);
	scripted_stop(&s);
}

struct chain {
	struct asker *asker;
	struct auth_call call;
	void *other;
	unsigned left;
};

static void
on_link(const struct auth_reply *reply, void *arg)
{
	struct chain *chain = arg;
	const struct auth_transport *transport = chain->asker->transport;

	assert_int_equal(reply->status, 201);
	if (chain->other != NULL)
		transport->cancel(transport->transport, chain->other);
	chain->other = NULL;
	if (--chain->left > 0)
		transport->start(
		    transport->transport, &chain->call, on_link, chain);
}

/* From done(): the next call, and the end of another. */
static void
test_from_done(void **state)
{
	static const struct reply replies[] = {
		{ .bytes = CREATED, .then = THEN_KEEP },
		{ .bytes = CREATED, .then = THEN_KEEP },
		{ .bytes = CREATED },
	};
	struct chain chain = { .left = 3 };
	struct auth_call silent;
	struct scripted s, hanging;
	struct asker asker;
	static const struct reply hangs = { .then = THEN_HANG };
	char url[128];

	(void)state;
	scripted_start(&s, replies, 3, NULL, NULL);
	scripted_start(&hanging, &hangs, 1, NULL, NULL);
	asker_open(&asker);
	snprintf(url, sizeof(url), "%s", url_of(hanging.port, false));
	silent = post_to(url);
	chain.asker = &asker;
	chain.call = post_to(url_of(s.port, false));
	chain.other = start(&asker, &silent);
	asker.transport->start(
	    asker.transport->transport, &chain.call, on_link, &chain);
	while (chain.left > 0)
		event_base_loop(asker.base, EVLOOP_ONCE);
	assert_int_equal(asker.replies, 0);
	asker_close(&asker);
	scripted_stop(&s);
	scripted_stop(&hanging);
	assert_int_equal(s.accepted, 1);
}

/* A name server that says nothing, or is not there at all. */
static void
test_dns(void **state)
{
	static const struct reply good = { .bytes = CREATED };
	char conf[] = "/tmp/test_caller_XXXXXX";
	char hosts[] = "/tmp/test_caller_XXXXXX";
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	char text[128], url[128];
	struct auth_call call = post_to(url);
	struct scripted s;
	struct asker asker;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	snprintf(text, sizeof(text),
	    "nameserver 127.0.0.1:%u\noptions timeout:5 attempts:1\n",
	    ntohs(in.sin_port));
	write_new(conf, text, strlen(text));
	write_new(hosts, "127.0.0.1 api.test\n", 19);
	scripted_start(&s, &good, 1, NULL, NULL);
	asker_open(&asker);
	fetcher_set_resolver_files(asker.fetcher, conf, hosts);

	snprintf(url, sizeof(url), "http://API.test:%u/", s.port);
	ask(&asker, &call);
	assert_int_equal(asker.status, 201);

	snprintf(url, sizeof(url), "https://kubernetes.test/");
	call.timeout_ms = 300;
	ask(&asker, &call);
	assert_error(&asker, 0,
	    "dial tcp: lookup kubernetes.test: context deadline exceeded after "
	    "300 ms",
	    "");
	close(fd);
	call.timeout_ms = 10000;
	ask(&asker, &call);
	snprintf(text, sizeof(text),
	    "dial tcp: lookup kubernetes.test on 127.0.0.1:%u: read udp "
	    "127.0.0.1:%u: read: connection refused",
	    ntohs(in.sin_port), ntohs(in.sin_port));
	assert_error(&asker, 0, text, "");
	asker_close(&asker);
	scripted_stop(&s);
	unlink(conf);
	unlink(hosts);
}

struct pki {
	struct identity ca;
	struct identity other_ca;
	struct identity server;
	struct identity elsewhere; /* the right CA, another name */
	char *ca_text;
	char *other_text;
};

static void
pki_open(struct pki *pki)
{
	struct identity_options ca = {
		.cn = "CA", .to_s = 3600, .from_s = -60, .is_ca = true
	};
	struct identity_options leaf = { .cn = "api",
		.san = "IP:127.0.0.1",
		.from_s = -60,
		.to_s = 3600,
		.issuer = &pki->ca };

	pki->ca = identity_make(&ca);
	ca.cn = "other CA";
	pki->other_ca = identity_make(&ca);
	pki->server = identity_make(&leaf);
	leaf.san = "DNS:elsewhere.test";
	pki->elsewhere = identity_make(&leaf);
	pki->ca_text = identity_text(&pki->ca, false);
	pki->other_text = identity_text(&pki->other_ca, false);
}

static void
pki_close(struct pki *pki)
{
	identity_free(&pki->ca);
	identity_free(&pki->other_ca);
	identity_free(&pki->server);
	identity_free(&pki->elsewhere);
	free(pki->ca_text);
	free(pki->other_text);
}

#define X509_SAYS "tls: failed to verify certificate: x509: "

static void
test_tls(void **state)
{
	static const struct reply good = { .bytes = CREATED };
	enum ca { RIGHT, WRONG, MISSING, JUNK, SYSTEM };
	static const struct {
		enum ca ca;
		bool is_elsewhere;
		const char *error; /* its beginning; NULL: fine */
	} rows[] = {
		{ RIGHT, false, NULL },
		{ WRONG, false,
		    X509_SAYS "certificate signed by unknown authority" },
		{ SYSTEM, false,
		    X509_SAYS "certificate signed by unknown authority" },
		{ RIGHT, true,
		    X509_SAYS "cannot validate certificate for 127.0.0.1 "
			      "because it doesn't contain any IP SANs" },
		{ MISSING, false,
		    "unable to read CA cert: unable to read file "
		    "/tmp/test_caller_" },
		{ JUNK, false,
		    "unable to use specified CA cert file "
		    "/tmp/test_caller_" },
	};
	struct pki pki;
	size_t i;

	(void)state;
	pki_open(&pki);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[] = "/tmp/test_caller_XXXXXX";
		const char *text = rows[i].ca == RIGHT   ? pki.ca_text
				   : rows[i].ca == WRONG ? pki.other_text
							 : "junk";
		SSL_CTX *ctx = identity_server(
		    rows[i].is_elsewhere ? &pki.elsewhere : &pki.server);
		struct asker asker;
		struct scripted s;
		struct auth_call call;

		write_new(path, text, strlen(text));
		if (rows[i].ca == MISSING)
			unlink(path);
		scripted_start(&s, &good, 1, ctx, NULL);
		asker_open(&asker);
		call = post_to(url_of(s.port, true));
		call.ca_file = rows[i].ca == SYSTEM ? NULL : path;
		ask(&asker, &call);
		if (rows[i].error == NULL) {
			assert_string_equal(asker.error, "");
			assert_int_equal(asker.status, 201);
		} else {
			assert_int_equal(asker.status, 0);
			assert_memory_equal(
			    asker.error, rows[i].error, strlen(rows[i].error));
			/* Nothing went out. */
			assert_int_equal(s.request_count, 0);
		}
		asker_close(&asker);
		scripted_stop(&s);
		SSL_CTX_free(ctx);
		unlink(path);
	}
	pki_close(&pki);
}

/* The kept connection was verified by a CA that holds no more. */
static void
test_ca_rotated(void **state)
{
	static const struct reply replies[] = {
		{ .bytes = CREATED, .then = THEN_KEEP },
		{ .bytes = CREATED, .then = THEN_KEEP },
		{ .bytes = CREATED },
	};
	char path[] = "/tmp/test_caller_XXXXXX";
	struct pki pki;
	SSL_CTX *ctx;
	struct asker asker;
	struct scripted s;
	struct auth_call call;

	(void)state;
	pki_open(&pki);
	write_new(path, pki.ca_text, strlen(pki.ca_text));
	ctx = identity_server(&pki.server);
	scripted_start(&s, replies, 3, ctx, NULL);
	asker_open(&asker);
	call = post_to(url_of(s.port, true));
	call.ca_file = path;
	ask(&asker, &call);
	assert_int_equal(asker.status, 201);
	/* Another file with the same content is the same CA. */
	replace(path, pki.ca_text, strlen(pki.ca_text));
	ask(&asker, &call);
	assert_int_equal(asker.status, 201);
	assert_int_equal(s.accepted, 1);
	replace(path, pki.other_text, strlen(pki.other_text));
	call.timeout_ms = 3000;
	ask(&asker, &call);
	/* Dialled anew, and nobody takes that while the old one is open. */
	assert_error(&asker, s.port, "TLS handshake with ",
	    ": context deadline exceeded after 3000 ms");
	replace(path, pki.ca_text, strlen(pki.ca_text));
	call.timeout_ms = 10000;
	ask(&asker, &call);
	assert_int_equal(asker.status, 201);
	assert_int_equal(s.accepted, 1);
	asker_close(&asker);
	scripted_stop(&s);
	SSL_CTX_free(ctx);
	unlink(path);
	pki_close(&pki);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_empty_blocks),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_plain_for_tls),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_bad_tokens),
		cmocka_unit_test(test_token_rotated),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_from_done),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_ca_rotated),
	};

	alarm(120); /* a test that hangs fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
