/*
 * What becomes of those who wait when an answer turns out to be long; the
 * attempts are played by the test, as in test_cache.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/mailbox.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/cache.h"
#include "proxy/cache/tap.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/record.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/report.h"
#include "proxy/scrape.h"

struct attempt {
	attempt_done_fn *done;
	void *arg;
	struct attempt_flow flow;
	bool is_paused;
};

struct stage {
	struct event_base *base;
	struct mailbox *mailbox; /* of both threads */
	struct cache *cache;
	struct conf_target target;
	struct scrape *back[8];
	unsigned back_count;
	enum reason recorded[8];
	uint64_t samples[8];
	unsigned record_count;
	unsigned publications;
};

static struct attempt *attempts[8];
static unsigned started, cancelled;

struct attempt *
attempt_start(struct fetcher *fetcher, const struct attempt_request *request,
    attempt_done_fn *done, void *arg)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	(void)fetcher;
	attempt->done = done;
	attempt->arg = arg;
	attempt->flow = request->flow;
	attempts[started++] = attempt;
	return attempt;
}

static void
fill_report(struct report *report)
{
	memset(report, 0, sizeof(*report));
	report->step = STEP_BODY;
	report->is_connected = true;
	report->judge.status = 200;
	report->judge.is_head_complete = report->judge.has_any_byte = true;
}

void
attempt_view(const struct attempt *attempt, struct report *report)
{
	(void)attempt;
	fill_report(report);
}

void
attempt_cancel(struct attempt *attempt)
{
	free(attempt);
	cancelled++;
}

void
attempt_pause(struct attempt *attempt)
{
	attempt->is_paused = true;
}

void
attempt_resume(struct attempt *attempt)
{
	attempt->is_paused = false;
}

static void
take_record(struct record *record, void *arg)
{
	struct stage *stage = arg;

	stage->samples[stage->record_count] = record->samples;
	stage->recorded[stage->record_count++] = record->finding->reason;
	conf_unref(record->target->conf);
	free(record);
}

static void
take_publication(const struct key *key, struct answer *answer,
    uint64_t expires_us, void *arg)
{
	struct stage *stage = arg;

	(void)key;
	(void)expires_us;
	if (answer != NULL)
		stage->publications++;
}

static void
take_back(struct message *message, void *owner)
{
	struct stage *stage = owner;

	stage->back[stage->back_count++] = (struct scrape *)message;
}

static int
set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	struct cache_options options = { .body_max = 64 << 20,
		.record = take_record,
		.publish = take_publication,
		.arg = stage };
	struct err err;

	started = cancelled = 0;
	stage->base = event_base_new();
	stage->mailbox = mailbox_new(stage->base, stage, &err);
	options.base = stage->base;
	options.mailbox = stage->mailbox;
	stage->cache = cache_new(&options);
	stage->target.name = (char *)"node";
	stage->target.url.text = (char *)"http://127.0.0.1:9100/metrics";
	stage->target.url.host = (char *)"127.0.0.1";
	stage->target.url.path = (char *)"/metrics";
	stage->target.url.port = 9100;
	stage->target.stream_above = 10;
	stage->target.cache_ttl = 60000;
	*state = stage;
	return 0;
}

static int
tear_down(void **state)
{
	struct stage *stage = *state;
	unsigned i;

	for (i = 0; i < stage->back_count; i++) {
		if (stage->back[i]->tap != NULL)
			tap_close(stage->back[i]->tap, TAP_CLOSE_GONE);
		stage->back[i]->tap = NULL;
		scrape_unref(stage->back[i]);
	}
	event_base_loop(stage->base, EVLOOP_NONBLOCK);
	cache_free(stage->cache);
	mailbox_free(stage->mailbox);
	event_base_free(stage->base);
	free(stage);
	return 0;
}

static struct scrape *
ask(struct stage *stage, bool is_head, uint64_t wait_ms)
{
	struct scrape *scrape;
	struct key key;

	key_init(&key, &stage->target, "", "x", "");
	scrape = scrape_new(&key);
	scrape->reply_to = stage->mailbox;
	scrape->back = take_back;
	scrape->is_cacheable = true;
	scrape->is_head = is_head;
	scrape->scraper = 1;
	scrape->timeout_ms = (int64_t)wait_ms;
	scrape->arrival_us = clock_now_us();
	scrape->deadline_us = scrape->arrival_us + wait_ms * 1000;
	cache_scrape(stage->cache, scrape);
	return scrape;
}

static void
turn(struct stage *stage)
{
	event_base_loop(stage->base, EVLOOP_NONBLOCK);
}

static void
collect(struct stage *stage, unsigned count)
{
	while (stage->back_count < count)
		event_base_loop(stage->base, EVLOOP_ONCE);
}

static void
begin(struct attempt *attempt)
{
	struct payload payload = { .text = wire_new(0) };
	struct report report;

	fill_report(&report);
	wire_append(payload.text, "one 1\ntwo 2\n", 12);
	attempt->flow.begin(attempt->arg, &report.judge, &payload);
}

static void
finish(struct attempt *attempt, enum verdict verdict)
{
	struct payload payload = { NULL, NULL };
	struct report report;

	fill_report(&report);
	report.end = ATTEMPT_COMPLETE;
	report.judge.verdict = verdict;
	attempt->done(&report, &payload, attempt->arg);
	free(attempt);
}

static void
test_its_readers_get_a_tap(void **state)
{
	struct stage *stage = *state;
	struct scrape *one = ask(stage, false, 60000);
	struct scrape *two = ask(stage, false, 60000);

	assert_int_equal(started, 1);
	assert_int_equal(attempts[0]->flow.above, 10);
	begin(attempts[0]);
	collect(stage, 2);
	assert_non_null(one->tap);
	assert_non_null(two->tap);
	assert_ptr_not_equal(one->tap, two->tap);
	assert_true(answer_is_stream(one->answer));
	attempts[0]->flow.text(attempts[0]->arg, "three 3\n", 8);
	finish(attempts[0], VERDICT_WHOLE);
	turn(stage);
	assert_int_equal(tap_state(one->tap), TAP_WHOLE);
	assert_int_equal(stage->record_count, 1);
	assert_int_equal(stage->recorded[0], REASON_OK);
	assert_int_equal(stage->samples[0], 3);
	assert_int_equal(stage->publications, 0);
	/* Nothing was kept of it. */
	ask(stage, false, 60000);
	assert_int_equal(started, 2);
	finish(attempts[1], VERDICT_BODY_TRUNCATED);
	collect(stage, 3);
}

static void
test_it_is_not_joined(void **state)
{
	struct stage *stage = *state;
	struct scrape *late;

	ask(stage, false, 60000);
	begin(attempts[0]);
	late = ask(stage, false, 60000);
	assert_int_equal(started, 2);
	finish(attempts[0], VERDICT_WHOLE);
	begin(attempts[1]);
	finish(attempts[1], VERDICT_WHOLE);
	collect(stage, 2);
	turn(stage);
	assert_int_equal(tap_state(late->tap), TAP_WHOLE);
	assert_int_equal(stage->record_count, 2);
}

static void
test_a_head_waits_for_the_end(void **state)
{
	struct stage *stage = *state;
	struct scrape *reader = ask(stage, false, 60000);
	struct scrape *only_head = ask(stage, true, 60000);

	begin(attempts[0]);
	collect(stage, 1);
	assert_ptr_equal(stage->back[0], reader);
	tap_close(reader->tap, TAP_CLOSE_GONE);
	reader->tap = NULL;
	turn(stage);
	assert_int_equal(cancelled, 0);
	finish(attempts[0], VERDICT_BODY_TRUNCATED);
	collect(stage, 2);
	assert_null(only_head->tap);
	assert_int_equal(answer_status(only_head->answer), 502);
	assert_int_equal(stage->record_count, 1);
	assert_int_equal(stage->recorded[0], REASON_BODY_TRUNCATED);
}

static void
test_a_head_has_a_deadline(void **state)
{
	struct stage *stage = *state;
	struct scrape *only_head = ask(stage, true, 20);

	begin(attempts[0]);
	collect(stage, 1);
	assert_int_equal(answer_status(only_head->answer), 504);
	assert_int_equal(stage->recorded[0], REASON_TIMEOUT_BODY);
	assert_int_equal(cancelled, 1);
}

static void
test_a_failure_breaks_it(void **state)
{
	struct stage *stage = *state;
	struct scrape *reader = ask(stage, false, 60000);

	begin(attempts[0]);
	finish(attempts[0], VERDICT_CHUNK_MALFORMED);
	collect(stage, 1);
	turn(stage);
	assert_int_equal(tap_state(reader->tap), TAP_BROKEN);
	assert_int_equal(answer_reason(tap_failure(reader->tap)),
	    REASON_BODY_CHUNK_MALFORMED);
	assert_int_equal(stage->recorded[0], REASON_BODY_CHUNK_MALFORMED);
}

static void
test_whose_fault_it_is(void **state)
{
	static const struct {
		enum tap_close why;
		size_t more; /* text that the reader leaves where it is */
		enum reason reason;
	} rows[] = {
		{ TAP_CLOSE_LATE, 0, REASON_TIMEOUT_BODY },
		{ TAP_CLOSE_LATE, 5 << 20, REASON_CLIENT_GONE },
		{ TAP_CLOSE_GONE, 0, REASON_CLIENT_GONE },
	};
	struct stage *stage = *state;
	char *text = calloc(1, 5 << 20);
	unsigned i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scrape *reader = ask(stage, false, 60000);

		begin(attempts[i]);
		attempts[i]->flow.text(attempts[i]->arg, text, rows[i].more);
		assert_int_equal(attempts[i]->is_paused, rows[i].more > 0);
		collect(stage, i + 1);
		tap_close(reader->tap, rows[i].why);
		reader->tap = NULL;
		turn(stage);
		assert_int_equal(stage->record_count, i + 1);
		assert_int_equal(stage->recorded[i], rows[i].reason);
		assert_int_equal(cancelled, i + 1);
	}
	free(text);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(its_readers_get_a_tap),
		TEST(it_is_not_joined),
		TEST(a_head_waits_for_the_end),
		TEST(a_head_has_a_deadline),
		TEST(a_failure_breaks_it),
		TEST(whose_fault_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
