/*
 * Long answers: where an attempt hands them over, and that it stands still
 * whenever it is told to, without losing a byte or its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "attempting.h"
#include "proxy/base/alloc.h"
#include "proxy/base/deflate.h"
#include "scripted.h"

#define ABOVE 5000
#define LONG (1024 * 1024 + 17)

struct flow {
	struct client *client;
	struct attempt *attempt;
	struct event *resume;
	unsigned begun;
	unsigned pauses;
	unsigned pause_every; /* pieces; 0: never */
	unsigned pieces;
	bool is_paused;
	char content_type[256];
	struct wire *text; /* all of it */
	struct wire *raw;
	bool is_over;
	bool was_given; /* a payload at the end */
};

static void
resume(evutil_socket_t fd, short events, void *arg)
{
	struct flow *f = arg;

	(void)fd;
	(void)events;
	f->is_paused = false;
	/* It may have been told at its last piece. */
	if (f->attempt != NULL)
		attempt_resume(f->attempt);
}

static void
pause_now_and_then(struct flow *f)
{
	static const struct timeval soon = { .tv_usec = 300 };

	if (f->pause_every == 0 || ++f->pieces % f->pause_every != 0)
		return;
	f->pauses++;
	f->is_paused = true;
	attempt_pause(f->attempt);
	evtimer_add(f->resume, &soon);
}

static void
on_begin(void *arg, const struct judge_result *head, struct payload *so_far)
{
	struct flow *f = arg;

	f->begun++;
	assert_int_equal(head->status, 200);
	snprintf(
	    f->content_type, sizeof(f->content_type), "%s", head->content_type);
	assert_true(wire_body_len(so_far->text) > ABOVE);
	f->text = so_far->text;
	f->raw = so_far->gzip;
	pause_now_and_then(f);
}

static void
on_text(void *arg, const char *bytes, size_t len)
{
	struct flow *f = arg;

	assert_int_equal(f->begun, 1);
	wire_append(f->text, bytes, len);
	pause_now_and_then(f);
}

static void
on_raw(void *arg, const char *bytes, size_t len)
{
	struct flow *f = arg;

	wire_append(f->raw, bytes, len);
}

static void
on_done(const struct report *report, struct payload *payload, void *arg)
{
	struct flow *f = arg;

	f->is_over = true;
	f->attempt = NULL;
	f->client->report = *report;
	f->was_given = payload->text != NULL;
	wire_unref(payload->text);
	wire_unref(payload->gzip);
}

static void
flow_start(struct flow *f, struct client *c, const struct conf_target *target,
    uint64_t above)
{
	struct attempt_request request = {
		.target = target,
		.query = "",
		.accept = "text/plain",
		.arrival_us = clock_now_us(),
		.deadline_us = clock_now_us() + 10000000,
		.body_max = 64 << 20,
		.flow = { .above = above,
		    .begin = on_begin,
		    .text = on_text,
		    .raw = on_raw },
	};

	f->client = c;
	f->resume = evtimer_new(c->base, resume, f);
	f->attempt = attempt_start(c->fetcher, &request, on_done, f);
}

static void
flow_run(struct flow *f)
{
	while (
	    !f->is_over && event_base_loop(f->client->base, EVLOOP_ONCE) == 0)
		;
	assert_true(f->is_over);
}

static void
flow_close(struct flow *f)
{
	event_free(f->resume);
	wire_unref(f->text);
	wire_unref(f->raw);
}

static char *
make_text(size_t len)
{
	char *text = xmalloc(len + 1);
	size_t at;

	for (at = 0; at < len; at++)
		text[at] = (char)('a' + at * 31 / 7 % 26);
	for (at = 60; at < len; at += 61)
		text[at] = '\n';
	text[len - 1] = '\n';
	text[len] = '\0';
	return text;
}

/* A reply that is freed by the test. */
static struct reply
make_reply(const char *head, const char *body, size_t len, const char *tail)
{
	size_t head_len = strlen(head), tail_len = strlen(tail);
	char *bytes = xmalloc(head_len + len + tail_len);

	memcpy(bytes, head, head_len);
	memcpy(bytes + head_len, body, len);
	memcpy(bytes + head_len + len, tail, tail_len);
	return (struct reply){
		.bytes = bytes,
		.len = head_len + len + tail_len,
		.then = THEN_CLOSE,
	};
}

static int
append_to_wire(void *arg, const char *bytes, size_t len)
{
	wire_append(arg, bytes, len);
	return 0;
}

enum framing { LENGTH, CHUNKED, UNTIL_CLOSE, FRAMING_COUNT };

static struct reply
frame(const char *text, size_t len, enum framing framing, bool is_gzip)
{
	char head[256];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%s",
	    is_gzip ? "Content-Encoding: gzip\r\n" : "");

	if (framing == LENGTH)
		snprintf(head + n, sizeof(head) - (size_t)n,
		    "Content-Length: %zu\r\n\r\n", len);
	else if (framing == CHUNKED)
		snprintf(head + n, sizeof(head) - (size_t)n,
		    "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", len);
	else
		snprintf(head + n, sizeof(head) - (size_t)n, "\r\n");
	return make_reply(
	    head, text, len, framing == CHUNKED ? "\r\n0\r\n\r\n" : "");
}

/* Also from a connection that stays open: nothing but the bytes end it. */
static void
check_http(enum framing framing, bool is_gzip, unsigned pause_every)
{
	char *text = make_text(LONG);
	struct wire *packed = wire_new(0);
	struct reply reply;
	struct scripted s;
	struct client c;
	struct conf_target target;
	struct flow f = { .pause_every = pause_every };

	deflate_gzip(text, LONG, append_to_wire, packed);
	if (is_gzip)
		reply = frame(
		    wire_body(packed), wire_body_len(packed), framing, true);
	else
		reply = frame(text, LONG, framing, false);
	if (framing != UNTIL_CLOSE)
		reply.then = THEN_HANG;
	scripted_start(&s, &reply, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	flow_start(&f, &c, &target, ABOVE);
	flow_run(&f);
	assert_int_equal(c.report.judge.verdict, VERDICT_WHOLE);
	assert_int_equal(c.report.body_bytes, LONG);
	assert_int_equal(f.begun, 1);
	assert_false(f.was_given);
	assert_int_equal(wire_body_len(f.text), LONG);
	assert_memory_equal(wire_body(f.text), text, LONG);
	if (is_gzip) {
		assert_int_equal(wire_body_len(f.raw), wire_body_len(packed));
		assert_memory_equal(
		    wire_body(f.raw), wire_body(packed), wire_body_len(packed));
	}
	if (pause_every != 0)
		assert_true(f.pauses >= 2);
	flow_close(&f);
	client_close(&c);
	scripted_stop(&s);
	free((char *)(uintptr_t)reply.bytes);
	wire_unref(packed);
	free(text);
}

static void
test_all_of_it_arrives(void **state)
{
	static const unsigned every[] = { 0, 1, 2, 7 };
	enum framing framing;
	size_t i;

	(void)state;
	for (framing = LENGTH; framing < FRAMING_COUNT; framing++)
		for (i = 0; i < sizeof(every) / sizeof(every[0]); i++) {
			check_http(framing, false, every[i]);
			check_http(framing, true, every[i]);
		}
}

static void
test_a_file(void **state)
{
	char path[] = "/tmp/test_flow_XXXXXX";
	char *text = make_text(LONG);
	struct client c;
	struct conf_target target;
	struct flow f = { .pause_every = 1 };
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, text, LONG), LONG);
	close(fd);
	client_open(&c);
	target_init(&target, CONF_FILE, "localhost", 0);
	target.url.path = path;
	flow_start(&f, &c, &target, ABOVE);
	flow_run(&f);
	unlink(path);
	assert_int_equal(c.report.judge.verdict, VERDICT_WHOLE);
	assert_string_equal(f.content_type, "text/plain; version=0.0.4");
	assert_int_equal(wire_body_len(f.text), LONG);
	assert_memory_equal(wire_body(f.text), text, LONG);
	flow_close(&f);
	client_close(&c);
	free(text);
}

/* One answer of `len` bytes; returns how often it began. */
static unsigned
count_begins(const char *head, size_t len, uint64_t above)
{
	char *text = make_text(len);
	struct reply reply = make_reply(head, text, len, "");
	struct scripted s;
	struct client c;
	struct conf_target target;
	struct flow f = { 0 };

	scripted_start(&s, &reply, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	flow_start(&f, &c, &target, above);
	flow_run(&f);
	flow_close(&f);
	client_close(&c);
	scripted_stop(&s);
	free((char *)(uintptr_t)reply.bytes);
	free(text);
	return f.begun;
}

static void
test_who_goes_there(void **state)
{
	static const char good[] = "HTTP/1.1 200 OK\r\n\r\n";

	(void)state;
	assert_int_equal(count_begins(good, ABOVE, ABOVE), 0);
	assert_int_equal(count_begins(good, ABOVE + 1, ABOVE), 1);
	assert_int_equal(count_begins(good, 200000, 0), 0);
	assert_int_equal(
	    count_begins("HTTP/1.1 500 No\r\n\r\n", 20000, ABOVE), 0);
	assert_int_equal(
	    count_begins("HTTP/1.1 404 No\r\n\r\n", 200000, ABOVE), 0);
}

/* The piece that is refused came while it stood still, and nothing follows:
 * the attempt ends all the same. */
static void
test_refused_when_it_goes_on(void **state)
{
	char *text = make_text(60000);
	struct reply reply = make_reply(
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nea60\r\n",
	    text, 60000, "\r\nzz\r\n");
	struct scripted s;
	struct client c;
	struct conf_target target;
	struct flow f = { .pause_every = 1 };

	(void)state;
	reply.then = THEN_HANG;
	scripted_start(&s, &reply, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	flow_start(&f, &c, &target, ABOVE);
	flow_run(&f);
	assert_int_equal(c.report.judge.verdict, VERDICT_CHUNK_MALFORMED);
	assert_true(f.pauses > 1);
	flow_close(&f);
	client_close(&c);
	scripted_stop(&s);
	free((char *)(uintptr_t)reply.bytes);
	free(text);
}

static void
test_cancelled_while_it_stands_still(void **state)
{
	char *text = make_text(LONG);
	struct reply reply = frame(text, LONG, LENGTH, false);
	struct scripted s;
	struct client c;
	struct conf_target target;
	struct flow f = { .pause_every = 3 };

	(void)state;
	scripted_start(&s, &reply, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	flow_start(&f, &c, &target, ABOVE);
	while (!f.is_paused)
		assert_int_equal(event_base_loop(c.base, EVLOOP_ONCE), 0);
	attempt_resume(f.attempt); /* on its way when it is cancelled */
	attempt_cancel(f.attempt);
	assert_false(f.is_over);
	flow_close(&f);
	client_close(&c);
	scripted_stop(&s);
	free((char *)(uintptr_t)reply.bytes);
	free(text);
}

/* The budget is for what is here at a time, not for what is announced. */
static void
test_the_budget_is_not_the_length(void **state)
{
	char *text = make_text(LONG);
	struct reply reply = frame(text, LONG, LENGTH, false);
	struct scripted s;
	struct client c;
	struct conf_target target;
	struct flow f = { 0 };
	struct attempt_request request = {
		.target = &target,
		.query = "",
		.accept = "",
		.arrival_us = clock_now_us(),
		.deadline_us = clock_now_us() + 10000000,
		.body_max = LONG / 2,
		.flow = { .above = ABOVE,
		    .begin = on_begin,
		    .text = on_text,
		    .raw = on_raw },
	};

	(void)state;
	scripted_start(&s, &reply, 1, NULL, NULL);
	client_open(&c);
	target_init(&target, CONF_HTTP, "127.0.0.1", s.port);
	f.client = &c;
	f.resume = evtimer_new(c.base, resume, &f);
	f.attempt = attempt_start(c.fetcher, &request, on_done, &f);
	flow_run(&f);
	/* This flow keeps all of it, which is too much at last. */
	assert_int_equal(f.begun, 1);
	assert_true(c.report.is_over_budget);
	assert_true(c.report.body_bytes > LONG / 4);
	flow_close(&f);
	client_close(&c);
	scripted_stop(&s);
	free((char *)(uintptr_t)reply.bytes);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it_arrives),
		cmocka_unit_test(test_a_file),
		cmocka_unit_test(test_who_goes_there),
		cmocka_unit_test(test_refused_when_it_goes_on),
		cmocka_unit_test(test_cancelled_while_it_stands_still),
		cmocka_unit_test(test_the_budget_is_not_the_length),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
