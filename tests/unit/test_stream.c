/*
 * A stream and its taps, both threads played by one loop: what the readers
 * get, how much of it is on its way at a time, and how it ends.
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

#include "proxy/base/alloc.h"
#include "proxy/base/deflate.h"
#include "proxy/base/err.h"
#include "proxy/base/inflate.h"
#include "proxy/base/mailbox.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/stream.h"
#include "proxy/cache/tap.h"
#include "proxy/base/budget.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/fetch/attempt.h"

#define WINDOW STREAM_WINDOW_MIN
#define PIECE 1000 /* of what comes in, at a time */
/* A piece of the stream's own, and what one turn of gzip may make. */
#define SLACK ((size_t)512 << 10)

struct reader {
	struct tap *tap;
	struct wire *body; /* framing taken off */
	bool is_lazy;
	unsigned calls;
};

struct stage {
	struct event_base *base;
	struct mailbox *fetch;
	struct mailbox *worker;
	struct stream_list streams;
	struct stream *stream;
	struct reader readers[3];
	unsigned reader_count;
	bool is_paused;
	unsigned pauses;
	unsigned deserted;
	enum tap_close why;
	bool was_full;
	size_t wires; /* bytes, before */
};

static void
on_pause(void *arg)
{
	struct stage *stage = arg;

	assert_false(stage->is_paused);
	stage->is_paused = true;
	stage->pauses++;
}

static void
on_resume(void *arg)
{
	struct stage *stage = arg;

	assert_true(stage->is_paused);
	stage->is_paused = false;
}

static void
on_deserted(void *arg, enum tap_close why, bool was_full)
{
	struct stage *stage = arg;

	stage->deserted++;
	stage->why = why;
	stage->was_full = was_full;
}

static int
set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	struct stream_options options = {
		.window = WINDOW,
		.is_counting = true,
		.pause = on_pause,
		.resume = on_resume,
		.deserted = on_deserted,
		.arg = stage,
	};
	struct err err;

	stage->wires = budget_used();
	stage->base = event_base_new();
	stage->fetch = mailbox_new(stage->base, stage, &err);
	stage->worker = mailbox_new(stage->base, stage, &err);
	LIST_INIT(&stage->streams);
	options.base = stage->base;
	options.streams = &stage->streams;
	stage->stream = stream_new(&options);
	*state = stage;
	return 0;
}

static int
tear_down(void **state)
{
	struct stage *stage = *state;
	unsigned i;

	for (i = 0; i < stage->reader_count; i++) {
		if (stage->readers[i].tap != NULL)
			tap_close(stage->readers[i].tap, TAP_CLOSE_GONE);
		wire_unref(stage->readers[i].body);
	}
	mailbox_free(stage->worker);
	mailbox_free(stage->fetch);
	stream_free_all(&stage->streams);
	event_base_free(stage->base);
	assert_int_equal(budget_used(), stage->wires);
	free(stage);
	return 0;
}

/* A chunk is what RFC 9112 says, and its size is that of its data. */
static void
take_piece(struct reader *reader, struct wire *piece)
{
	char size_line[24];
	size_t len = wire_body_len(piece) - 2;

	snprintf(size_line, sizeof(size_line), "%zx\r\n", len);
	assert_true(len > 0);
	assert_int_equal(wire_head_len(piece), strlen(size_line));
	assert_memory_equal(wire_bytes(piece), size_line, strlen(size_line));
	assert_memory_equal(wire_body(piece) + len, "\r\n", 2);
	wire_append(reader->body, wire_body(piece), len);
}

static void
read_all(struct reader *reader)
{
	struct wire *piece;

	while ((piece = tap_next(reader->tap)) != NULL) {
		take_piece(reader, piece);
		tap_taken(reader->tap, wire_len(piece));
		wire_unref(piece);
	}
}

static void
on_ready(void *arg)
{
	struct reader *reader = arg;

	reader->calls++;
	if (!reader->is_lazy)
		read_all(reader);
}

static struct reader *
join(struct stage *stage, bool is_gzip)
{
	struct reader *reader = &stage->readers[stage->reader_count++];

	reader->tap = tap_new(stage->fetch, stage->worker, is_gzip);
	reader->body = wire_new(0);
	tap_listen(reader->tap, on_ready, reader);
	stream_join(stage->stream, reader->tap);
	return reader;
}

static void
close_reader(struct reader *reader, enum tap_close why)
{
	tap_close(reader->tap, why);
	reader->tap = NULL;
}

static void
turn(struct stage *stage)
{
	event_base_loop(stage->base, EVLOOP_NONBLOCK);
}

static char *
make_text(size_t len)
{
	char *text = xmalloc(len);
	size_t at = 0;
	int n;

	while (at < len) {
		char line[64];

		n = snprintf(line, sizeof(line),
		    "demo_seconds_total{pod=\"%zu\"} %zu\n", at * 7919 % 100003,
		    at);
		if ((size_t)n > len - at)
			n = (int)(len - at);
		memcpy(text + at, line, (size_t)n);
		at += (size_t)n;
	}
	return text;
}

static void
begin(struct stage *stage, const char *text, size_t len)
{
	struct payload payload = { .text = wire_new(0) };

	wire_append(payload.text, text, len);
	stream_begin(stage->stream, &payload);
	assert_null(payload.text);
}

/* What comes in stops while it is told to. */
static void
feed(struct stage *stage, const char *text, size_t len)
{
	size_t n;

	while (len > 0) {
		while (stage->is_paused)
			turn(stage);
		n = len < PIECE ? len : PIECE;
		stream_text(stage->stream, text, n);
		text += n;
		len -= n;
		assert_true(
		    budget_used() - stage->wires < 16 * ((size_t)1 << 20));
	}
}

static int
append_to_wire(void *arg, const char *bytes, size_t len)
{
	wire_append(arg, bytes, len);
	return 0;
}

static void
assert_is(const struct wire *body, const char *text, size_t len)
{
	assert_int_equal(wire_body_len(body), len);
	assert_memory_equal(wire_body(body), text, len);
}

static void
assert_unzips_to(const struct wire *body, const char *text, size_t len)
{
	struct wire *plain = wire_new(len);
	struct inflate *z = inflate_new(append_to_wire, plain);

	assert_int_equal(
	    inflate_feed(z, wire_body(body), wire_body_len(body)), 0);
	assert_int_equal(inflate_end(z), INFLATE_WHOLE);
	assert_is(plain, text, len);
	inflate_free(z);
	wire_unref(plain);
}

static void
wait_for_end(struct stage *stage, const struct reader *reader)
{
	unsigned i;

	for (i = 0; i < 100000 && tap_state(reader->tap) == TAP_OPEN; i++)
		turn(stage);
	assert_int_not_equal(tap_state(reader->tap), TAP_OPEN);
}

#define TEXT_LEN (5 * ((size_t)1 << 20) + 12345)

static void
test_both_variants_are_whole(void **state)
{
	struct stage *stage = *state;
	struct reader *plain = join(stage, false), *zipped = join(stage, true);
	char *text = make_text(TEXT_LEN);

	begin(stage, text, 70000);
	feed(stage, text + 70000, TEXT_LEN - 70000);
	assert_true(stream_samples(stage->stream) > 100000);
	stream_end(stage->stream);
	wait_for_end(stage, plain);
	wait_for_end(stage, zipped);
	assert_int_equal(tap_state(plain->tap), TAP_WHOLE);
	assert_int_equal(tap_state(zipped->tap), TAP_WHOLE);
	assert_is(plain->body, text, TEXT_LEN);
	assert_unzips_to(zipped->body, text, TEXT_LEN);
	assert_true(LIST_EMPTY(&stage->streams));
	assert_int_equal(stage->deserted, 0);
	free(text);
}

/* What else a loop has to do. */
struct rival {
	struct event *event;
	const struct tap *tap;
	unsigned turns;
};

static void
on_rival(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval now = { 0, 0 };
	struct rival *rival = arg;

	(void)fd;
	(void)events;
	rival->turns++;
	if (tap_state(rival->tap) == TAP_OPEN)
		evtimer_add(rival->event, &now);
}

/* A begin that is all there is, and more than a turn's work. */
static void
test_gzip_takes_turns(void **state)
{
	struct stage *stage = *state;
	struct reader *zipped = join(stage, true);
	char *text = make_text(TEXT_LEN);
	struct rival rival = { .tap = zipped->tap };

	rival.event = evtimer_new(stage->base, on_rival, &rival);
	begin(stage, text, TEXT_LEN);
	assert_true(stage->is_paused);
	stream_end(stage->stream);
	on_rival(-1, 0, &rival);
	wait_for_end(stage, zipped);
	assert_true(rival.turns >= TEXT_LEN / ((size_t)256 << 10));
	event_free(rival.event);
	assert_unzips_to(zipped->body, text, TEXT_LEN);
	free(text);
}

static void
test_the_exporters_gzip_is_passed_on(void **state)
{
	struct stage *stage = *state;
	struct reader *plain = join(stage, false), *zipped = join(stage, true);
	char *text = make_text(TEXT_LEN);
	struct wire *packed = wire_new(0);
	struct payload payload = { wire_new(0), wire_new(0) };
	size_t len;

	deflate_gzip(text, TEXT_LEN, append_to_wire, packed);
	len = wire_body_len(packed);
	wire_append(payload.gzip, wire_body(packed), 1000);
	wire_append(payload.text, text, 5000);
	stream_begin(stage->stream, &payload);
	stream_raw(stage->stream, wire_body(packed) + 1000, len - 1000);
	feed(stage, text + 5000, TEXT_LEN - 5000);
	stream_end(stage->stream);
	wait_for_end(stage, plain);
	wait_for_end(stage, zipped);
	assert_is(plain->body, text, TEXT_LEN);
	assert_is(zipped->body, wire_body(packed), len);
	wire_unref(packed);
	free(text);
}

static void
test_the_window(void **state)
{
	struct stage *stage = *state;
	struct reader *slow = join(stage, false), *quick = join(stage, false);
	char *text = make_text(TEXT_LEN);
	size_t at = PIECE;

	slow->is_lazy = true;
	begin(stage, text, PIECE);
	assert_int_equal(stream_reserved(&stage->streams) / WINDOW, 0);
	while (!stage->is_paused && at < TEXT_LEN) {
		stream_text(stage->stream, text + at, PIECE);
		at += PIECE;
		turn(stage);
	}
	assert_true(stage->is_paused);
	assert_true(at > WINDOW && at < WINDOW + SLACK);
	assert_true(budget_used() - stage->wires < 3 * WINDOW + SLACK);
	assert_int_equal(stream_reserved(&stage->streams), 0);
	/* The quick one has what there is; it goes on when the other does. */
	assert_true(wire_body_len(quick->body) > WINDOW);
	turn(stage);
	assert_true(stage->is_paused);
	read_all(slow);
	turn(stage);
	assert_false(stage->is_paused);
	slow->is_lazy = false;
	feed(stage, text + at, TEXT_LEN - at);
	stream_end(stage->stream);
	wait_for_end(stage, slow);
	assert_is(slow->body, text, TEXT_LEN);
	assert_is(quick->body, text, TEXT_LEN);
	assert_true(stage->pauses >= 1);
	free(text);
}

/* Who leaves holds nobody any more. */
static void
test_who_leaves_frees_the_others(void **state)
{
	struct stage *stage = *state;
	struct reader *slow = join(stage, true), *quick = join(stage, false);
	char *text = make_text(TEXT_LEN);

	slow->is_lazy = true;
	begin(stage, text, TEXT_LEN / 2);
	while (stage->readers[0].calls == 0 || !stage->is_paused)
		turn(stage);
	close_reader(slow, TAP_CLOSE_GONE);
	while (stage->is_paused)
		turn(stage);
	assert_int_equal(stage->deserted, 0);
	feed(stage, text + TEXT_LEN / 2, TEXT_LEN - TEXT_LEN / 2);
	stream_end(stage->stream);
	wait_for_end(stage, quick);
	assert_is(quick->body, text, TEXT_LEN);
	assert_int_equal(wire_body_len(slow->body), 0);
	free(text);
}

static void
test_the_last_one_tells_why(void **state)
{
	struct stage *stage = *state;
	struct reader *one = join(stage, false), *other = join(stage, true);
	char *text = make_text(WINDOW * 2);

	one->is_lazy = true;
	begin(stage, text, WINDOW * 2);
	assert_true(stage->is_paused);
	turn(stage);
	close_reader(other, TAP_CLOSE_GONE);
	turn(stage);
	assert_int_equal(stage->deserted, 0);
	assert_true(stage->is_paused);
	close_reader(one, TAP_CLOSE_LATE);
	turn(stage);
	assert_int_equal(stage->deserted, 1);
	assert_int_equal(stage->why, TAP_CLOSE_LATE);
	assert_true(stage->was_full);
	assert_false(stage->is_paused);
	assert_false(stream_has_readers(stage->stream));
	/* Somebody else may want the attempt's end: no byte is kept then. */
	stream_text(stage->stream, text, WINDOW);
	turn(stage);
	assert_true(budget_used() - stage->wires < WINDOW);
	stream_break(stage->stream, NULL);
	assert_true(LIST_EMPTY(&stage->streams));
	free(text);
}

static void
test_not_full_means_the_exporter(void **state)
{
	struct stage *stage = *state;
	struct reader *one = join(stage, false);

	begin(stage, "up 1\n", 5);
	turn(stage);
	close_reader(one, TAP_CLOSE_LATE);
	turn(stage);
	assert_int_equal(stage->deserted, 1);
	assert_false(stage->was_full);
	stream_break(stage->stream, NULL);
}

static struct answer *
make_failure(void)
{
	struct finding finding = { .reason = REASON_BODY_TRUNCATED };

	return answer_new_failure(&finding, NULL);
}

static void
test_a_break_reaches_everybody(void **state)
{
	struct stage *stage = *state;
	struct reader *plain = join(stage, false), *zipped = join(stage, true);
	struct answer *failure = make_failure();
	char *text = make_text(TEXT_LEN);

	plain->is_lazy = true;
	begin(stage, text, TEXT_LEN);
	turn(stage);
	stream_break(stage->stream, failure);
	answer_unref(failure);
	assert_true(LIST_EMPTY(&stage->streams));
	turn(stage);
	assert_int_equal(tap_state(plain->tap), TAP_BROKEN);
	assert_int_equal(tap_state(zipped->tap), TAP_BROKEN);
	assert_int_equal(
	    answer_reason(tap_failure(plain->tap)), REASON_BODY_TRUNCATED);
	assert_int_equal(stage->deserted, 0);
	/* Its words still come to somebody who is not there any more. */
	read_all(plain);
	close_reader(plain, TAP_CLOSE_GONE);
	turn(stage);
	free(text);
}

/* What is not enough for a piece goes out all the same. */
static void
test_a_little_does_not_wait_for_more(void **state)
{
	struct stage *stage = *state;
	struct reader *one = join(stage, false);
	unsigned i;

	begin(stage, "up 1\n", 5);
	stream_text(stage->stream, "down 0\n", 7);
	for (i = 0; i < 1000 && wire_body_len(one->body) < 12; i++)
		event_base_loop(stage->base, EVLOOP_ONCE);
	assert_is(one->body, "up 1\ndown 0\n", 12);
	assert_int_equal(stream_samples(stage->stream), 2);
	stream_break(stage->stream, NULL);
}

/* Those who come to their tap later find everything in it. */
static void
test_a_tap_keeps_until_it_is_listened_to(void **state)
{
	struct stage *stage = *state;
	struct reader *one = join(stage, false);

	tap_listen(one->tap, NULL, NULL);
	begin(stage, "up 1\n", 5);
	stream_end(stage->stream);
	turn(stage);
	assert_int_equal(one->calls, 0);
	assert_int_equal(tap_state(one->tap), TAP_WHOLE);
	read_all(one);
	assert_is(one->body, "up 1\n", 5);
}

/* Left behind when the thread ends. */
static void
test_the_end_of_all(void **state)
{
	struct stage *stage = *state;
	struct reader *one = join(stage, true);
	char *text = make_text(TEXT_LEN);

	begin(stage, text, TEXT_LEN);
	turn(stage);
	stream_end(stage->stream);
	close_reader(one, TAP_CLOSE_GONE);
	stream_free_all(&stage->streams);
	turn(stage);
	assert_int_equal(stage->deserted, 0);
	free(text);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(both_variants_are_whole),
		TEST(gzip_takes_turns),
		TEST(the_exporters_gzip_is_passed_on),
		TEST(the_window),
		TEST(who_leaves_frees_the_others),
		TEST(the_last_one_tells_why),
		TEST(not_full_means_the_exporter),
		TEST(a_break_reaches_everybody),
		TEST(a_little_does_not_wait_for_more),
		TEST(a_tap_keeps_until_it_is_listened_to),
		TEST(the_end_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
