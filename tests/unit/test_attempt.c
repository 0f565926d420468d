/* Attempts against a scripted upstream, without TLS and without DNS. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <zlib.h>

#include "tests/unit/attempting.h"
#include "tests/unit/scripted.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define GOOD OK_HEAD "Content-Length: 5\r\n\r\nup 1\n"
#define HEAD_OF(n) OK_HEAD "Content-Length: " n "\r\n\r\n"

/* One reply, one attempt: what the report has to say. */
struct reply_case {
	const char *name;
	struct reply replies[3];
	enum attempt_end end;
	enum step step;
	enum verdict verdict;
	int status;
	int curl_code;
	int os_errno;
	bool has_payload;
};

static const struct reply_case reply_cases[] = {
	{ "good", { { .bytes = GOOD } }, ATTEMPT_COMPLETE, STEP_DONE,
	    VERDICT_WHOLE, 200, 0, 0, true },
	{ "chunked",
	    { { .bytes = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
				 "5\r\nup 1\n\r\n0\r\n\r\n" } },
	    ATTEMPT_COMPLETE, STEP_DONE, VERDICT_WHOLE, 200, 0, 0, true },
	{ "until close", { { .bytes = OK_HEAD "\r\nup 1\n" } },
	    ATTEMPT_COMPLETE, STEP_DONE, VERDICT_WHOLE, 200, 0, 0, true },
	{ "until reset",
	    { { .bytes = OK_HEAD "\r\nup 1\n", .then = THEN_RESET } },
	    ATTEMPT_FAILED, STEP_BODY, VERDICT_BODY_TRUNCATED, 200, 56,
	    ECONNRESET, false },
	{ "interim first",
	    { { .bytes = "HTTP/1.1 103 Early Hints\r\n\r\n" GOOD } },
	    ATTEMPT_COMPLETE, STEP_DONE, VERDICT_WHOLE, 200, 0, 0, true },
	{ "empty body", { { .bytes = HEAD_OF("0") } }, ATTEMPT_COMPLETE,
	    STEP_DONE, VERDICT_WHOLE, 200, 0, 0, true },
	{ "closed before response", { { .bytes = NULL } }, ATTEMPT_FAILED,
	    STEP_HEAD, VERDICT_PENDING, 0, 52, 0, false },
	{ "reset before response", { { .then = THEN_RESET } }, ATTEMPT_FAILED,
	    STEP_HEAD, VERDICT_PENDING, 0, 56, ECONNRESET, false },
	{ "cut in head", { { .bytes = "HTTP/1.1 200 OK\r\nContent-Ty" } },
	    ATTEMPT_COMPLETE, STEP_HEAD, VERDICT_CLOSED_IN_HEADERS, 200, 0, 0,
	    false },
	{ "head without blank line", { { .bytes = OK_HEAD } }, ATTEMPT_COMPLETE,
	    STEP_HEAD, VERDICT_CLOSED_IN_HEADERS, 200, 0, 0, false },
	{ "short body", { { .bytes = HEAD_OF("50") "up 1\n" } }, ATTEMPT_FAILED,
	    STEP_BODY, VERDICT_BODY_TRUNCATED, 200, 18, 0, false },
	{ "reset in body",
	    { { .bytes = HEAD_OF("50") "up 1\n", .then = THEN_RESET } },
	    ATTEMPT_FAILED, STEP_BODY, VERDICT_BODY_TRUNCATED, 200, 56,
	    ECONNRESET, false },
	{ "two lengths",
	    { { .bytes = OK_HEAD "Content-Length: 5\r\n"
				 "Content-Length: 6\r\n\r\nup 1\n" } },
	    ATTEMPT_COMPLETE, STEP_HEAD, VERDICT_BAD_FRAMING, 200, 0, 0,
	    false },
	{ "bad chunk",
	    { { .bytes = OK_HEAD "Transfer-Encoding: chunked\r\n"
				 "\r\nzz\r\n",
		.then = THEN_HANG } },
	    ATTEMPT_COMPLETE, STEP_BODY, VERDICT_CHUNK_MALFORMED, 200, 0, 0,
	    false },
	{ "unknown coding",
	    { { .bytes = OK_HEAD "Content-Encoding: br\r\n"
				 "Content-Length: 5\r\n\r\nup 1\n" } },
	    ATTEMPT_COMPLETE, STEP_BODY, VERDICT_ENCODING_UNSUPPORTED, 200, 0,
	    0, false },
	{ "not found",
	    { { .bytes = "HTTP/1.1 404 Not Found\r\n"
			 "Content-Length: 9\r\n\r\nno\nsuch\t!" } },
	    ATTEMPT_COMPLETE, STEP_DONE, VERDICT_WHOLE, 404, 0, 0, false },
	{ "redirect",
	    { { .bytes = "HTTP/1.1 302 Found\r\nLocation: /other\r\n"
			 "Content-Length: 0\r\n\r\n",
		  .then = THEN_KEEP },
		{ .bytes = GOOD } },
	    ATTEMPT_COMPLETE, STEP_DONE, VERDICT_WHOLE, 200, 0, 0, true },
};

static void
test_replies(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(reply_cases) / sizeof(reply_cases[0]); i++) {
		const struct reply_case *row = &reply_cases[i];
		struct scripted s;
		struct client c;
		struct conf_target target;
		const struct report *report;

		print_message("  %s\n", row->name);
		scripted_start(&s, row->replies, 3, NULL, NULL);
		client_open(&c);
		target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
		report = client_fetch(&c, &target);
		assert_int_equal(report->judge.verdict, row->verdict);
		assert_int_equal(report->end, row->end);
		assert_int_equal(report->step, row->step);
		assert_int_equal(report->judge.status, row->status);
		assert_int_equal(report->curl_code, row->curl_code);
		assert_int_equal(report->os_errno, row->os_errno);
		assert_int_equal(c.has_text, row->has_payload);
		assert_true(report->is_connected);
		assert_false(report->is_reused);
		assert_false(report->was_retried);
		client_close(&c);
		scripted_stop(&s);
	}
}

static void
test_garbage(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *first; /* NULL: libcurl refused it by itself */
		int curl_code;
	} rows[] = {
		{ "SSH-2.0-OpenSSH_9.2\r\n", 21, "SSH-2.0-OpenSSH_9.2", 0 },
		{ "\x15\x03\x01\x00\x02\x02\x46", 7,
		    "\\x15\\x03\\x01\\x00\\x02\\x02F", 0 },
		{ "up 1\n", 5, "up 1", 0 },
		{ "HTTP/1.1 abc Odd\r\n\r\n", 20, NULL, 1 },
		{ "HTTP/3.7 200 OK\r\n\r\n", 19, NULL, 1 },
		{ OK_HEAD "Content-Length: abc\r\n\r\n", 0, NULL, 8 },
		{ OK_HEAD "Content-Length: -5\r\n\r\n", 0, NULL, 8 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reply reply = { .bytes = rows[i].bytes,
			.len = rows[i].len };
		struct scripted s;
		struct client c;
		struct conf_target target;
		const struct report *report;

		scripted_start(&s, &reply, 1, NULL, NULL);
		client_open(&c);
		target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
		report = client_fetch(&c, &target);
		assert_int_equal(report->curl_code, rows[i].curl_code);
		if (rows[i].first != NULL) {
			assert_int_equal(
			    report->judge.verdict, VERDICT_NOT_HTTP);
			assert_string_equal(
			    report->judge.first_bytes, rows[i].first);
			assert_true(report->judge.has_any_byte);
		}
		if (rows[i].curl_code == 8)
			assert_int_equal(
			    report->judge.verdict, VERDICT_BAD_FRAMING);
		assert_false(c.has_text);
		client_close(&c);
		scripted_stop(&s);
	}
}

static void
test_request_bytes(void **state)
{
	static const struct reply replies[] = { { .bytes = GOOD } };
	char password[] = "/tmp/test_attempt_XXXXXX";
	struct conf_http_header header = { .name = (char *)"X-Team" };
	char *values[] = { (char *)"shop" };
	char expected[1024];
	struct scripted s;
	struct client c;
	struct conf_target target;
	struct attempt_request request;
	int fd = mkstemp(password);

	(void)state;
	assert_int_equal(write(fd, " open sesame \n", 14), 14);
	close(fd);
	scripted_start(&s, replies, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	target.url.path = (char *)"/a/../metrics";
	target.basic_auth.is_set = true;
	target.basic_auth.username = (char *)"ali";
	target.basic_auth.password_file = password;
	header.values.items = values;
	header.values.count = 1;
	target.http_headers = &header;
	target.http_header_count = 1;
	request = (struct attempt_request){ .target = &target,
		.query = "a%5B%5D=1&b=2",
		.accept = "text/plain;version=0.0.4",
		.arrival_us = clock_now_us(),
		.deadline_us = clock_now_us() + 3600000000,
		.body_max = 1024 };
	attempt_start(c.fetcher, &request, client_done, &c);
	while (c.calls == 0)
		event_base_loop(c.base, EVLOOP_ONCE);
	snprintf(expected, sizeof(expected),
	    "GET /a/../metrics?a%%5B%%5D=1&b=2 HTTP/1.1\r\n"
	    "Host: 127.0.0.1:%u\r\n"
	    "User-Agent: scrapegate/" SCRAPEGATE_VERSION "\r\n"
	    "Accept: text/plain;version=0.0.4\r\n"
	    "Accept-Encoding: identity\r\n"
	    "X-Prometheus-Scrape-Timeout-Seconds: 359",
	    s.port);
	client_close(&c);
	scripted_stop(&s);
	unlink(password);
	assert_memory_equal(s.requests[0], expected, strlen(expected));
	assert_string_equal(strchr(s.requests[0] + strlen(expected), '\r'),
	    "\r\nAuthorization: Basic YWxpOm9wZW4gc2VzYW1l\r\n"
	    "X-Team: shop\r\n\r\n");
}

static void
test_keep_alive(void **state)
{
	static const struct reply replies[] = {
		{ .bytes = GOOD, .then = THEN_KEEP },
		{ .bytes = GOOD, .then = THEN_KEEP },
	};
	struct scripted s;
	struct client c;
	struct conf_target target;
	const struct report *report;

	(void)state;
	scripted_start(&s, replies, 2, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	report = client_fetch(&c, &target);
	assert_false(report->is_reused);
	assert_true(report->phases.us[PHASE_CONNECT] > 0);
	report = client_fetch(&c, &target);
	assert_true(report->is_reused);
	assert_true(report->is_connected);
	assert_int_equal(report->phases.us[PHASE_CONNECT], 0);
	assert_int_equal(report->judge.verdict, VERDICT_WHOLE);
	assert_string_equal(c.text, "up 1\n");
	client_close(&c);
	scripted_stop(&s);
	assert_int_equal(s.accepted, 1);
}

/* The name is not needed while a connection is left. */
static void
test_keep_alive_of_a_name(void **state)
{
	static const struct reply replies[] = {
		{ .bytes = GOOD, .then = THEN_KEEP },
		{ .bytes = GOOD, .then = THEN_KEEP },
	};
	char hosts[] = "/tmp/test_attempt_XXXXXX";
	char resolv[] = "/tmp/test_attempt_XXXXXX";
	struct scripted s;
	struct client c;
	struct conf_target target;
	const struct report *report;
	int fd = mkstemp(hosts);

	(void)state;
	assert_int_equal(write(fd, "127.0.0.1 exporter.test\n", 24), 24);
	close(fd);
	close(mkstemp(resolv));
	scripted_start(&s, replies, 2, NULL, NULL);
	client_open(&c);
	fetcher_set_resolver_files(c.fetcher, resolv, hosts);
	target_init(&target, CONF_HTTP, "Exporter.test.", s.port);
	assert_int_equal(client_fetch(&c, &target)->judge.status, 200);
	unlink(hosts);
	report = client_fetch(&c, &target);
	assert_int_equal(report->judge.status, 200);
	assert_true(report->is_reused);
	assert_int_equal(report->phases.us[PHASE_RESOLVE], 0);
	client_close(&c);
	scripted_stop(&s);
	unlink(resolv);
	assert_int_equal(s.accepted, 1);
}

#define EVIL "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil\n"

/* What comes behind an answer is nobody's answer. */
static void
test_extra_bytes(void **state)
{
	static const struct {
		const char *bytes;
		int status;
	} rows[] = {
		{ GOOD EVIL, 200 },
		{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nup 1\n\r\n"
			  "0\r\n\r\n" EVIL,
		    200 },
		{ HEAD_OF("0") EVIL, 200 },
		{ "HTTP/1.1 204 No Content\r\n\r\n" EVIL, 204 },
		{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" EVIL,
		    304 },
		{ "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "0\r\n\r\n" EVIL,
		    404 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct reply replies[] = {
			{ .bytes = rows[i].bytes, .then = THEN_KEEP },
			{ .bytes = GOOD },
		};
		struct scripted s;
		struct client c;
		struct conf_target target;
		const struct report *report;

		scripted_start(&s, replies, 2, NULL, NULL);
		client_open(&c);
		target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
		assert_int_equal(
		    client_fetch(&c, &target)->judge.status, rows[i].status);
		report = client_fetch(&c, &target);
		assert_false(report->is_reused);
		assert_false(report->was_retried);
		assert_string_equal(c.text, "up 1\n");
		client_close(&c);
		scripted_stop(&s);
		assert_int_equal(s.accepted, 2);
	}
}

struct named {
	char hosts[32];
	char resolv[32];
	struct client client;
	struct conf_target target;
};

/* A target whose name has these addresses. */
static void
named_open(struct named *named, const char *const *addresses, unsigned port)
{
	int fd;

	strcpy(named->hosts, "/tmp/test_attempt_XXXXXX");
	strcpy(named->resolv, "/tmp/test_attempt_XXXXXX");
	fd = mkstemp(named->hosts);
	for (; *addresses != NULL; addresses++)
		dprintf(fd, "%s exporter.test\n", *addresses);
	close(fd);
	close(mkstemp(named->resolv));
	client_open(&named->client);
	fetcher_set_resolver_files(
	    named->client.fetcher, named->resolv, named->hosts);
	target_init(&named->target, CONF_HTTP, "exporter.test", port);
}

static void
named_close(struct named *named)
{
	client_close(&named->client);
	unlink(named->hosts);
	unlink(named->resolv);
}

/* The first address swallows SYNs: the second has its share of the time. */
static void
test_silent_address(void **state)
{
	static const char *const addresses[] = { "127.0.0.2", "127.0.0.1",
		NULL };
	static const struct reply reply = { .bytes = GOOD };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct attempt_request request = {
		.query = "", .accept = "*/*", .body_max = 1024
	};
	struct named n;
	struct scripted s;
	int fillers[4], fd, i;

	(void)state;
	inet_pton(AF_INET, "127.0.0.2", &in.sin_addr);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	scripted_start(&s, &reply, 1, NULL, NULL);
	in.sin_port = htons((uint16_t)s.port);
	/* A port that is free at both addresses. */
	while (bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1) {
		scripted_stop(&s);
		scripted_start(&s, &reply, 1, NULL, NULL);
		in.sin_port = htons((uint16_t)s.port);
	}
	assert_int_equal(listen(fd, 0), 0);
	for (i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fillers[i], (struct sockaddr *)&in, sizeof(in));
	}
	named_open(&n, addresses, s.port);
	request.target = &n.target;
	request.arrival_us = clock_now_us();
	request.deadline_us = request.arrival_us + 5000000;
	attempt_start(n.client.fetcher, &request, client_done, &n.client);
	while (n.client.calls == 0)
		event_base_loop(n.client.base, EVLOOP_ONCE);
	assert_int_equal(n.client.report.judge.status, 200);
	assert_memory_equal(n.client.report.address, "127.0.0.1:", 10);
	named_close(&n);
	for (i = 0; i < 4; i++)
		close(fillers[i]);
	close(fd);
	scripted_stop(&s);
}

/* Several addresses fail, each in its own way. */
static void
test_refused_addresses(void **state)
{
	/* TCP to the last is refused by the kernel: it is no one's. */
	static const char *const addresses[] = { "127.0.0.1", "255.255.255.255",
		NULL };
	const struct report *report;
	struct named n;
	struct scripted s;

	(void)state;
	scripted_start(&s, NULL, 0, NULL, NULL);
	scripted_stop(&s); /* a port that was free a moment ago */
	named_open(&n, addresses, s.port);
	report = client_fetch(&n.client, &n.target);
	assert_int_equal(report->curl_code, 7);
	assert_memory_equal(report->address, "127.0.0.1:", 10);
	assert_int_equal(report->os_errno, ECONNREFUSED);
	named_close(&n);
}

static void
test_stale_connection(void **state)
{
	static const struct {
		struct reply last;
		int curl_code;
	} rows[] = {
		{ { .bytes = GOOD }, 0 },
		{ { .bytes = NULL }, 52 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct reply replies[] = {
			{ .bytes = GOOD, .then = THEN_KEEP },
			{ .then = THEN_CLOSE }, /* reads, and dies */
			rows[i].last,
			{ .bytes = GOOD }, /* a second retry would get it */
		};
		struct scripted s;
		struct client c;
		struct conf_target target;
		const struct report *report;

		scripted_start(&s, replies, 4, NULL, NULL);
		client_open(&c);
		target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
		client_fetch(&c, &target);
		report = client_fetch(&c, &target);
		assert_true(report->was_retried);
		assert_false(report->is_reused);
		assert_int_equal(report->curl_code, rows[i].curl_code);
		assert_int_equal(c.has_text, rows[i].curl_code == 0);
		client_close(&c);
		scripted_stop(&s);
		assert_int_equal(s.accepted, 2);
		assert_int_equal(s.request_count, 3);
	}
}

/*
 * Two connections are left, both dead: the one retry has to be a fresh one.
 * A server of its own, since two connections are open at a time.
 */
static void *
run_two_stale(void *arg)
{
	struct scripted *s = arg;
	struct scripted_peer peers[3] = { { -1, NULL }, { -1, NULL },
		{ -1, NULL } };
	struct pollfd polls[3];
	unsigned i;

	for (i = 0; i < 2; i++)
		peers[i].fd = accept(s->fd, NULL, NULL);
	for (i = 0; i < 2; i++)
		scripted_read_request(s, &peers[i]);
	for (i = 0; i < 2; i++)
		scripted_write(&peers[i], GOOD, strlen(GOOD));
	/* The third request dies with its connection. */
	for (i = 0; i < 2; i++)
		polls[i] = (struct pollfd){ peers[i].fd, POLLIN, 0 };
	poll(polls, 2, -1);
	i = polls[0].revents != 0 ? 0 : 1;
	scripted_read_request(s, &peers[i]);
	close(peers[i].fd);
	peers[i].fd = -1;
	/* Where does the fourth come? */
	polls[0] = (struct pollfd){ peers[!i].fd, POLLIN, 0 };
	polls[1] = (struct pollfd){ s->fd, POLLIN, 0 };
	poll(polls, 2, -1);
	if (polls[1].revents != 0) {
		s->accepted++;
		peers[2].fd = accept(s->fd, NULL, NULL);
		scripted_read_request(s, &peers[2]);
		scripted_write(&peers[2], GOOD, strlen(GOOD));
	}
	for (i = 0; i < 3; i++)
		if (peers[i].fd != -1)
			close(peers[i].fd);
	return NULL;
}

static void
test_two_stale_connections(void **state)
{
	struct scripted s;
	struct client c;
	struct conf_target target;
	const struct report *report;
	pthread_t thread;

	(void)state;
	scripted_start(&s, NULL, 0, NULL, NULL);
	pthread_join(s.thread, NULL);
	pthread_create(&thread, NULL, run_two_stale, &s);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	client_start(&c, &target);
	client_start(&c, &target);
	while (c.calls < 2)
		event_base_loop(c.base, EVLOOP_ONCE);
	report = client_fetch(&c, &target);
	pthread_join(thread, NULL);
	assert_int_equal(report->judge.verdict, VERDICT_WHOLE);
	assert_true(report->was_retried);
	assert_int_equal(s.accepted, 1);
	client_close(&c);
	close(s.fd);
}

static void
test_refused(void **state)
{
	struct scripted s;
	struct client c;
	struct conf_target target;
	const struct report *report;
	char address[64];

	(void)state;
	scripted_start(&s, NULL, 0, NULL, NULL);
	scripted_stop(&s); /* a port that was free a moment ago */
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	report = client_fetch(&c, &target);
	snprintf(address, sizeof(address), "127.0.0.1:%u", s.port);
	assert_int_equal(report->end, ATTEMPT_FAILED);
	assert_int_equal(report->step, STEP_CONNECT);
	assert_int_equal(report->curl_code, 7);
	assert_int_equal(report->os_errno, ECONNREFUSED);
	assert_string_equal(report->address, address);
	assert_false(report->is_connected);
	client_close(&c);
}

static void
test_unix_socket(void **state)
{
	static const struct reply replies[] = {
		{ .bytes = GOOD, .then = THEN_KEEP }, { .bytes = GOOD }
	};
	char folder[] = "/tmp/test_attempt_XXXXXX";
	char path[64];
	struct scripted s;
	struct client c;
	struct conf_target target;
	const struct report *report;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/exporter.sock", folder);
	client_open(&c);
	target_init(&target, CONF_UNIX, "localhost", 0);
	target.url.unix_path = path;

	report = client_fetch(&c, &target);
	assert_int_equal(report->end, ATTEMPT_FAILED);
	assert_int_equal(report->os_errno, ENOENT);
	assert_int_equal(report->step, STEP_CONNECT);
	assert_true(report->is_unix);
	assert_string_equal(report->address, path);

	scripted_start(&s, replies, 2, NULL, path);
	report = client_fetch(&c, &target);
	assert_int_equal(report->judge.verdict, VERDICT_WHOLE);
	assert_string_equal(report->address, path);
	assert_int_equal(report->os_errno, 0);
	assert_non_null(strstr(s.requests[0], "\r\nHost: localhost\r\n"));
	report = client_fetch(&c, &target);
	assert_true(report->is_reused);
	client_close(&c);
	scripted_stop(&s);
	unlink(path);
	rmdir(folder);
}

static void
test_redirects(void **state)
{
	static const struct {
		const char *location;
		enum conf_redirects policy;
		unsigned refused, loop, bad;
		unsigned requests;
	} rows[] = {
		{ "/again", CONF_REDIRECTS_SAME_ORIGIN, 0, 1, 0, 11 },
		{ "/again", CONF_REDIRECTS_NONE, 1, 0, 0, 1 },
		{ "http://127.0.0.1:1/x", CONF_REDIRECTS_SAME_ORIGIN, 1, 0, 0,
		    1 },
		{ "https://127.0.0.1/x", CONF_REDIRECTS_SAME_ORIGIN, 1, 0, 0,
		    1 },
		{ "ftp://127.0.0.1/x", CONF_REDIRECTS_SAME_ORIGIN, 0, 0, 1, 1 },
		{ "http://[::1/", CONF_REDIRECTS_ANY, 0, 0, 1, 1 },
		{ NULL, CONF_REDIRECTS_ANY, 0, 0, 0, 1 },
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reply replies[13];
		char text[256];
		struct scripted s;
		struct client c;
		struct conf_target target;
		const struct report *report;

		snprintf(text, sizeof(text),
		    "HTTP/1.1 302 Found\r\n%s%s%s"
		    "Content-Length: 0\r\n\r\n",
		    rows[i].location != NULL ? "Location: " : "",
		    rows[i].location != NULL ? rows[i].location : "",
		    rows[i].location != NULL ? "\r\n" : "");
		memset(replies, 0, sizeof(replies));
		for (j = 0; j < 13; j++) {
			replies[j].bytes = text;
			replies[j].then = THEN_KEEP;
		}
		scripted_start(&s, replies, 13, NULL, NULL);
		client_open(&c);
		target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
		target.follow_redirects = rows[i].policy;
		report = client_fetch(&c, &target);
		assert_int_equal(report->end, ATTEMPT_COMPLETE);
		assert_int_equal(report->judge.status, 302);
		assert_int_equal(report->redirect_refused, rows[i].refused);
		assert_int_equal(report->redirect_loop, rows[i].loop);
		assert_int_equal(report->redirect_bad, rows[i].bad);
		client_close(&c);
		scripted_stop(&s);
		assert_int_equal(s.request_count, rows[i].requests);
	}
}

/* Credentials stay with the origin that they are for. */
static void
test_redirect_elsewhere(void **state)
{
	char text[256];
	struct reply first = { .bytes = text };
	struct reply second = { .bytes = GOOD };
	struct scripted a, b;
	struct client c;
	struct conf_target target;
	const struct report *report;

	(void)state;
	scripted_start(&b, &second, 1, NULL, NULL);
	snprintf(text, sizeof(text),
	    "HTTP/1.1 307 Temporary Redirect\r\n"
	    "Location: http://127.0.0.1:%u/there?x=1#y\r\n"
	    "Content-Length: 0\r\n\r\n",
	    b.port);
	scripted_start(&a, &first, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", a.port);
	target.follow_redirects = CONF_REDIRECTS_ANY;
	target.authorization.is_set = true;
	target.authorization.credentials = (char *)"secret";
	report = client_fetch(&c, &target);
	assert_int_equal(report->judge.status, 200);
	assert_int_equal(report->redirects, 1);
	assert_true(c.has_text);
	client_close(&c);
	scripted_stop(&a);
	scripted_stop(&b);
	assert_non_null(
	    strstr(a.requests[0], "\r\nAuthorization: Bearer secret\r\n"));
	assert_null(strstr(b.requests[0], "uthorization"));
	assert_memory_equal(b.requests[0], "GET /there?x=1 HTTP/1.1\r\n", 25);
}

static size_t
make_gzip_reply(char *out, size_t size, const char *text, size_t text_len)
{
	unsigned char packed[4096];
	z_stream z;
	size_t head;

	memset(&z, 0, sizeof(z));
	deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (unsigned char *)(uintptr_t)text;
	z.avail_in = (unsigned)text_len;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	head = (size_t)snprintf(out, size,
	    OK_HEAD "Content-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n",
	    z.total_out);
	memcpy(out + head, packed, z.total_out);
	head += z.total_out;
	deflateEnd(&z);
	return head;
}

static void
test_gzip(void **state)
{
	char bytes[4096];
	struct reply reply = { .bytes = bytes };
	struct scripted s;
	struct client c;
	struct conf_target target;
	const struct report *report;

	(void)state;
	reply.len = make_gzip_reply(bytes, sizeof(bytes), "up 1\n", 5);
	scripted_start(&s, &reply, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	target.url.is_loopback = false;
	report = client_fetch(&c, &target);
	assert_int_equal(report->judge.verdict, VERDICT_WHOLE);
	assert_string_equal(c.text, "up 1\n");
	assert_true(c.has_gzip);
	assert_int_equal(c.gzip_len, report->wire_bytes);
	assert_int_equal(report->body_bytes, 5);
	client_close(&c);
	scripted_stop(&s);
	assert_non_null(strstr(s.requests[0], "\r\nAccept-Encoding: gzip\r\n"));
}

static void
test_limits(void **state)
{
	static const struct {
		uint64_t limit;
		size_t text_len;
		bool is_over_limit;
		bool is_over_budget;
	} rows[] = {
		{ 101, 100, false, false },
		{ 100, 100, true, false },
		/* The budget counts what is allocated, not only the text. */
		{ 0, 1 << 19, false, false },
		{ 0, (1 << 20) + 1, false, true },
	};
	char *text = calloc(1, (1 << 20) + 1);
	size_t i;

	(void)state;
	memset(text, '\n', (1 << 20) + 1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char bytes[4096];
		struct reply reply = { .bytes = bytes, .then = THEN_HANG };
		struct scripted s;
		struct client c;
		struct conf_target target;
		const struct report *report;
		bool is_over = rows[i].is_over_limit || rows[i].is_over_budget;

		/* Small on the wire, long in the end: a bomb. */
		reply.len = make_gzip_reply(
		    bytes, sizeof(bytes), text, rows[i].text_len);
		scripted_start(&s, &reply, 1, NULL, NULL);
		client_open(&c);
		target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
		target.body_size_limit = rows[i].limit;
		report = client_fetch(&c, &target);
		assert_int_equal(report->end, ATTEMPT_COMPLETE);
		assert_int_equal(report->judge.verdict,
		    is_over ? VERDICT_SINK_REFUSED : VERDICT_WHOLE);
		assert_int_equal(report->is_over_limit, rows[i].is_over_limit);
		assert_int_equal(
		    report->is_over_budget, rows[i].is_over_budget);
		assert_int_equal(c.has_text, !is_over);
		client_close(&c);
		scripted_stop(&s);
	}
	free(text);
}

static void
test_error_text(void **state)
{
	char bytes[80 * 1024];
	struct reply reply = { .bytes = bytes, .then = THEN_HANG };
	struct scripted s;
	struct client c;
	struct conf_target target;
	const struct report *report;
	size_t head;

	(void)state;
	/* More than anybody wants to hear, and it never ends. */
	head = (size_t)snprintf(bytes, sizeof(bytes),
	    "HTTP/1.1 500 Internal Server Error\r\n"
	    "Content-Length: 1000000\r\n\r\ndb\n\x1b[31mdown\n");
	memset(bytes + head, 'x', sizeof(bytes) - head);
	reply.len = sizeof(bytes);
	scripted_start(&s, &reply, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	report = client_fetch(&c, &target);
	assert_int_equal(report->judge.status, 500);
	assert_int_equal(report->end, ATTEMPT_COMPLETE);
	assert_memory_equal(report->error_text, "db\\n\\x1b[31mdown\\nxxx", 20);
	assert_false(c.has_text);
	client_close(&c);
	scripted_stop(&s);
}

static void
test_file(void **state)
{
	char path[] = "/tmp/test_attempt_XXXXXX";
	struct client c;
	struct conf_target target;
	const struct report *report;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "up 1\n", 5), 5);
	close(fd);
	client_open(&c);
	target_init(&target, CONF_FILE, "localhost", 0);
	target.url.path = path;
	report = client_fetch(&c, &target);
	assert_int_equal(report->end, ATTEMPT_COMPLETE);
	assert_int_equal(report->judge.status, 200);
	assert_string_equal(
	    report->judge.content_type, "text/plain; version=0.0.4");
	assert_string_equal(c.text, "up 1\n");
	assert_int_equal(report->body_bytes, 5);
	target.body_size_limit = 5;
	report = client_fetch(&c, &target);
	assert_true(report->is_over_limit);
	assert_false(c.has_text);
	unlink(path);
	report = client_fetch(&c, &target);
	assert_int_equal(report->end, ATTEMPT_FAILED);
	assert_int_equal(report->os_errno, ENOENT);
	assert_int_equal(report->step, STEP_CONNECT);
	assert_string_equal(report->address, path);
	target.url.path = (char *)"/tmp";
	assert_int_equal(client_fetch(&c, &target)->os_errno, EISDIR);
	client_close(&c);
}

static void
test_credentials_unreadable(void **state)
{
	struct client c;
	struct conf_target target;
	const struct report *report;

	(void)state;
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", 1);
	target.authorization.is_set = true;
	target.authorization.credentials_file = (char *)"/nonexistent/token";
	report = client_fetch(&c, &target);
	assert_int_equal(report->end, ATTEMPT_FAILED);
	assert_true(report->credentials_unreadable);
	assert_string_equal(report->curl_error,
	    "unable to read authorization "
	    "credentials: unable to read file /nonexistent/token: open "
	    "/nonexistent/token: no such file or directory");
	client_close(&c);
}

static void
test_proxy(void **state)
{
	static const struct reply replies[] = { { .bytes = GOOD } };
	char proxy[64];
	struct scripted s;
	struct client c;
	struct conf_target target;
	const struct report *report;

	(void)state;
	scripted_start(&s, replies, 1, NULL, NULL);
	snprintf(proxy, sizeof(proxy), "http://ali:baba@127.0.0.1:%u", s.port);
	client_open(&c);
	/* A name that only the proxy has to know. */
	target_init(&target, CONF_HTTP, "exporter.invalid", 9100);
	target.proxy_url = proxy;
	report = client_fetch(&c, &target);
	assert_int_equal(report->judge.status, 200);
	assert_true(report->is_proxy_used);
	client_close(&c);
	scripted_stop(&s);
	assert_memory_equal(s.requests[0],
	    "GET http://exporter.invalid:9100/metrics HTTP/1.1\r\n", 51);
	assert_non_null(strstr(
	    s.requests[0], "\r\nProxy-Authorization: Basic YWxpOmJhYmE=\r\n"));
}

static void
test_view(void **state)
{
	static const struct reply replies[] = {
		{ .bytes = HEAD_OF("50") "up 1\n", .then = THEN_HANG },
	};
	struct scripted s;
	struct client c;
	struct conf_target target;
	struct attempt *a;
	struct report view;
	uint64_t begin_us = clock_now_us(), sum = 0;
	int i;

	(void)state;
	scripted_start(&s, replies, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	a = client_start(&c, &target);
	attempt_view(a, &view);
	assert_int_equal(view.end, ATTEMPT_RUNNING);
	assert_int_equal(view.step, STEP_QUEUED);
	do {
		event_base_loop(c.base, EVLOOP_ONCE);
		attempt_view(a, &view);
	} while (view.body_bytes < 5);
	assert_int_equal(view.step, STEP_BODY);
	assert_int_equal(view.judge.status, 200);
	assert_int_equal(view.judge.content_length, 50);
	for (i = 0; i < PHASE_COUNT; i++)
		sum += view.phases.us[i];
	assert_true(sum > 0 && sum <= clock_now_us() - begin_us);
	attempt_cancel(a);
	assert_int_equal(c.calls, 0);
	client_close(&c);
	scripted_stop(&s);
}

/* Nobody accepts and the backlog is full: SYNs are dropped. */
static void
test_view_in_connect(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	struct client c;
	struct conf_target target;
	struct attempt *a;
	struct report view;
	int fillers[4], fd, i;

	(void)state;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	assert_int_equal(listen(fd, 0), 0);
	for (i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fillers[i], (struct sockaddr *)&in, sizeof(in));
	}
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", ntohs(in.sin_port));
	a = client_start(&c, &target);
	do {
		event_base_loop(c.base, EVLOOP_ONCE);
		attempt_view(a, &view);
	} while (view.step < STEP_CONNECT);
	for (i = 0; i < 20; i++)
		event_base_loop(c.base, EVLOOP_NONBLOCK);
	attempt_view(a, &view);
	assert_int_equal(view.step, STEP_CONNECT);
	assert_false(view.is_connected);
	assert_int_equal(c.calls, 0);
	attempt_cancel(a);
	client_close(&c);
	for (i = 0; i < 4; i++)
		close(fillers[i]);
	close(fd);
}

/* Ends it after each turn of the loop that it takes, one by one. */
static void
test_cancel_at_each_turn(void **state)
{
	static const struct reply reply = { .bytes = GOOD };
	int turns = -1, turn;
	bool is_over = false;

	(void)state;
	while (!is_over) {
		struct scripted s;
		struct client c;
		struct conf_target target;
		struct attempt *a;

		scripted_start(&s, &reply, 1, NULL, NULL);
		client_open(&c);
		target_init(&target, CONF_HTTP, "localhost", s.port);
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
	assert_true(turns > 1);
}

static void
test_idle(void **state)
{
	static const struct reply reply = { .bytes = GOOD, .then = THEN_HANG };
	struct scripted s;
	struct client c;
	struct conf_target target;

	(void)state;
	scripted_start(&s, &reply, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	assert_int_equal(
	    event_base_get_num_events(c.base, EVENT_BASE_COUNT_ADDED), 0);
	client_fetch(&c, &target);
	/* The connection is kept, and nothing waits for it or for a time. */
	assert_int_equal(
	    event_base_get_num_events(c.base, EVENT_BASE_COUNT_ADDED), 0);
	client_close(&c);
	scripted_stop(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_request_bytes),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_keep_alive_of_a_name),
		cmocka_unit_test(test_extra_bytes),
		cmocka_unit_test(test_silent_address),
		cmocka_unit_test(test_refused_addresses),
		cmocka_unit_test(test_stale_connection),
		cmocka_unit_test(test_two_stale_connections),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_redirect_elsewhere),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_error_text),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_credentials_unreadable),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_view_in_connect),
		cmocka_unit_test(test_cancel_at_each_turn),
		cmocka_unit_test(test_idle),
	};

	alarm(60); /* a test that hangs fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
