/*
 * Sharing and deadlines, with the attempts played by the test: what defines
 * attempt_start() and friends here keeps the real ones out of the link.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "conf/multiple.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/mailbox.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/cache.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/record.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/report.h"
#include "proxy/scrape.h"

struct attempt {
	attempt_done_fn *done;
	void *arg;
};

struct stage {
	struct event_base *base;
	struct mailbox *mailbox; /* of the "worker" */
	struct cache *cache;
	struct conf_target target;
	struct scrape *back[16];
	unsigned back_count;
	enum reason recorded[16];
	unsigned record_count;
	unsigned record_waiters;
	uint64_t record_id; /* of the last one */
	struct record *amended;
	unsigned amendments;
	char seen[1024];
	unsigned publications;
	unsigned evictions;
};

static struct attempt *running; /* the last one started, until it ends */
static unsigned started, cancelled;
static bool is_paused;

struct attempt *
attempt_start(struct fetcher *fetcher, const struct attempt_request *request,
    attempt_done_fn *done, void *arg)
{
	(void)fetcher;
	(void)request;
	assert_null(running);
	running = calloc(1, sizeof(*running));
	running->done = done;
	running->arg = arg;
	started++;
	return running;
}

void
attempt_view(const struct attempt *attempt, struct report *report)
{
	(void)attempt;
	memset(report, 0, sizeof(*report));
	report->step = STEP_HEAD;
	report->is_connected = true;
}

void
attempt_cancel(struct attempt *attempt)
{
	assert_ptr_equal(attempt, running);
	free(running);
	running = NULL;
	cancelled++;
}

void
attempt_pause(struct attempt *attempt)
{
	assert_ptr_equal(attempt, running);
	assert_false(is_paused);
	is_paused = true;
}

void
attempt_resume(struct attempt *attempt)
{
	assert_ptr_equal(attempt, running);
	assert_true(is_paused);
	is_paused = false;
}

static void
finish(const struct report *report, struct payload *payload)
{
	struct attempt *attempt = running;

	running = NULL;
	attempt->done(report, payload, attempt->arg);
	free(attempt);
}

static void
finish_with(const char *body)
{
	struct report report = { .end = ATTEMPT_COMPLETE, .step = STEP_DONE };
	struct payload payload = { .text = wire_new(0) };

	report.is_connected = true;
	report.judge.verdict = VERDICT_WHOLE;
	report.judge.status = 200;
	report.judge.is_head_complete = true;
	wire_append(payload.text, body, strlen(body));
	finish(&report, &payload);
}

static void
finish_refused(void)
{
	struct report report = { .end = ATTEMPT_FAILED,
		.step = STEP_CONNECT,
		.curl_code = 7,
		.os_errno = 111 };
	struct payload payload = { NULL, NULL };

	finish(&report, &payload);
}

static void
take_record(struct record *record, void *arg)
{
	struct stage *stage = arg;

	if (record->is_amendment) {
		free(stage->amended);
		stage->amended = record_copy(record);
		stage->amendments++;
	} else {
		stage->recorded[stage->record_count++] =
		    record->finding->reason;
		stage->record_waiters = record->waiters;
		stage->record_id = record->id;
		snprintf(stage->seen, sizeof(stage->seen), "%s",
		    record->finding->seen);
	}
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
	else
		stage->evictions++;
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
	struct cache_options options = { .body_max = 1 << 20,
		.record = take_record,
		.publish = take_publication,
		.arg = stage };
	struct err err;

	started = cancelled = 0;
	running = NULL;
	stage->base = event_base_new();
	stage->mailbox = mailbox_new(stage->base, stage, &err);
	options.base = stage->base;
	stage->cache = cache_new(&options);
	stage->target.name = (char *)"node";
	stage->target.url.text = (char *)"http://127.0.0.1:9100/metrics";
	stage->target.url.host = (char *)"127.0.0.1";
	stage->target.url.path = (char *)"/metrics";
	stage->target.url.port = 9100;
	stage->target.cache_once_per_scraper = true;
	*state = stage;
	return 0;
}

static int
tear_down(void **state)
{
	struct stage *stage = *state;
	unsigned i;

	for (i = 0; i < stage->back_count; i++)
		scrape_unref(stage->back[i]);
	cache_free(stage->cache);
	mailbox_free(stage->mailbox);
	event_base_free(stage->base);
	free(stage->amended);
	free(stage);
	return 0;
}

static struct scrape *
ask(struct stage *stage, const char *accept, uint64_t scraper, uint64_t wait_ms)
{
	struct scrape *scrape;
	struct key key;

	key_init(&key, &stage->target, "", accept, "");
	scrape = scrape_new(&key);
	scrape->reply_to = stage->mailbox;
	scrape->back = take_back;
	scrape->is_cacheable = true;
	scrape->scraper = scraper;
	scrape->timeout_ms = (int64_t)wait_ms;
	scrape->arrival_us = clock_now_us();
	scrape->deadline_us = scrape->arrival_us + wait_ms * 1000;
	cache_scrape(stage->cache, scrape);
	return scrape;
}

static void
collect(struct stage *stage, unsigned count)
{
	while (stage->back_count < count)
		event_base_loop(stage->base, EVLOOP_ONCE);
	assert_int_equal(stage->back_count, count);
}

static void
test_one_attempt_for_all(void **state)
{
	struct stage *stage = *state;
	struct scrape *a = ask(stage, "x", 1, 60000);
	struct scrape *b = ask(stage, "x", 2, 60000);

	assert_int_equal(started, 1);
	finish_with("a 1\n");
	collect(stage, 2);
	assert_ptr_equal(a->answer, b->answer);
	assert_int_equal(a->use, CACHE_MISS);
	assert_int_equal(b->use, CACHE_SHARED);
	assert_int_equal(stage->record_count, 1);
	assert_int_equal(stage->recorded[0], REASON_OK);
	assert_int_equal(stage->record_waiters, 2);
	assert_int_equal(stage->publications, 0);
}

static void
test_without_ttl_nothing_is_kept(void **state)
{
	struct stage *stage = *state;

	ask(stage, "x", 1, 60000);
	finish_with("a 1\n");
	ask(stage, "x", 2, 60000);
	assert_int_equal(started, 2);
	finish_with("a 2\n");
	collect(stage, 2);
}

static void
test_once_per_scraper(void **state)
{
	struct stage *stage = *state;

	stage->target.cache_ttl = 60000;
	ask(stage, "x", 1, 60000);
	finish_with("a 1\n");
	ask(stage, "x", 2, 60000); /* the other one of the pair */
	collect(stage, 2);
	assert_int_equal(started, 1);
	assert_int_equal(stage->back[1]->use, CACHE_HIT);
	assert_int_equal(stage->publications, 1);
	ask(stage, "x", 2, 60000); /* had it: never twice */
	assert_int_equal(started, 2);
	finish_with("a 2\n");
	ask(stage, "x", 1, 60000);
	collect(stage, 4);
	assert_int_equal(started, 2);
}

static void
test_kept_for_everybody(void **state)
{
	struct stage *stage = *state;

	stage->target.cache_ttl = 60000;
	stage->target.cache_once_per_scraper = false;
	ask(stage, "x", 1, 60000);
	finish_with("a 1\n");
	ask(stage, "x", 1, 60000);
	ask(stage, "x", 1, 60000);
	collect(stage, 3);
	assert_int_equal(started, 1);
}

static void
test_an_extended_query_is_never_kept(void **state)
{
	struct stage *stage = *state;
	struct scrape *scrape;

	stage->target.cache_ttl = 60000;
	scrape = ask(stage, "x", 1, 60000);
	scrape->is_cacheable = false;
	finish_with("a 1\n");
	assert_int_equal(stage->publications, 0);
	collect(stage, 1);
}

static void
test_a_failure_is_for_those_who_wait_only(void **state)
{
	struct stage *stage = *state;

	stage->target.cache_ttl = 60000;
	ask(stage, "x", 1, 60000);
	ask(stage, "x", 2, 60000);
	finish_refused();
	collect(stage, 2);
	assert_int_equal(
	    answer_reason(stage->back[0]->answer), REASON_CONNECT_REFUSED);
	assert_int_equal(answer_status(stage->back[1]->answer), 502);
	ask(stage, "x", 3, 60000);
	assert_int_equal(started, 2);
	finish_with("a 1\n");
	collect(stage, 3);
}

static void
test_different_accept_is_another_attempt(void **state)
{
	struct stage *stage = *state;
	struct attempt *first;

	ask(stage, "x", 1, 60000);
	first = running;
	running = NULL;
	ask(stage, "y", 1, 60000);
	assert_int_equal(started, 2);
	finish_with("y 1\n");
	running = first;
	finish_with("x 1\n");
	collect(stage, 2);
	assert_ptr_not_equal(stage->back[0]->answer, stage->back[1]->answer);
}

/* The one whose time is up gets 504; the other one still gets its answer. */
static void
test_each_has_a_deadline(void **state)
{
	struct stage *stage = *state;
	struct scrape *patient = ask(stage, "x", 1, 60000);
	struct scrape *hasty = ask(stage, "x", 2, 1);

	collect(stage, 1);
	assert_ptr_equal(stage->back[0], hasty);
	assert_int_equal(answer_reason(hasty->answer), REASON_TIMEOUT_HEADERS);
	assert_int_equal(cancelled, 0);
	assert_int_equal(stage->record_count, 0);
	finish_with("a 1\n");
	collect(stage, 2);
	assert_int_equal(answer_status(patient->answer), 200);
	assert_int_equal(stage->recorded[0], REASON_OK);
}

static void
test_the_last_deadline_ends_the_attempt(void **state)
{
	struct stage *stage = *state;

	ask(stage, "x", 1, 1);
	ask(stage, "x", 2, 2);
	collect(stage, 2);
	assert_int_equal(cancelled, 1);
	assert_int_equal(stage->record_count, 1);
	assert_int_equal(stage->recorded[0], REASON_TIMEOUT_HEADERS);
}

static void
test_who_leaves_harms_nobody(void **state)
{
	struct stage *stage = *state;
	struct scrape *leaver = ask(stage, "x", 1, 60000);
	struct scrape *stayer = ask(stage, "x", 2, 60000);

	cache_abandon(stage->cache, leaver);
	collect(stage, 1);
	assert_null(leaver->answer);
	assert_int_equal(cancelled, 0);
	finish_with("a 1\n");
	collect(stage, 2);
	assert_int_equal(answer_status(stayer->answer), 200);
	cache_abandon(stage->cache, stayer); /* too late: nothing happens */
	assert_int_equal(stage->back_count, 2);
}

static void
test_when_all_have_left_it_is_cancelled(void **state)
{
	struct stage *stage = *state;

	cache_abandon(stage->cache, ask(stage, "x", 1, 60000));
	assert_int_equal(cancelled, 1);
	collect(stage, 1);
	assert_int_equal(stage->recorded[0], REASON_CLIENT_GONE);
}

/* Its exporter was told a time that is too short for this one. */
static void
test_a_short_attempt_is_not_joined(void **state)
{
	struct stage *stage = *state;
	struct attempt *first;

	ask(stage, "x", 1, 1000);
	ask(stage, "x", 2, 2000);
	assert_int_equal(started, 1);
	first = running;
	running = NULL;
	ask(stage, "x", 3, 2100);
	assert_int_equal(started, 2);
	finish_with("a 1\n");
	running = first;
	finish_with("a 1\n");
	collect(stage, 3);
}

/* Kept answers give way before a scrape is refused, and the workers hear. */
static void
test_the_budget(void **state)
{
	struct stage *stage = *state;
	static char body[600 * 1024];

	stage->target.cache_ttl = 60000;
	memset(body, 'a', sizeof(body) - 1);
	ask(stage, "x", 1, 60000);
	finish_with(body); /* more than half of the budget: 1 MB */
	collect(stage, 1);
	assert_int_equal(stage->publications, 1);
	scrape_unref(stage->back[--stage->back_count]);
	ask(stage, "y", 1, 60000);
	assert_int_equal(stage->evictions, 1);
	assert_int_equal(started, 2);
	finish_with(body);
	collect(stage, 1);
	/* That one is still on its way to its scraper. */
	ask(stage, "z", 1, 60000);
	assert_int_equal(started, 3);
	finish_with(body);
	collect(stage, 2);
	ask(stage, "z", 2, 60000);
	collect(stage, 3);
	assert_int_equal(started, 3);
	assert_int_equal(answer_reason(stage->back[2]->answer),
	    REASON_MEMORY_BUDGET_EXCEEDED);
}

static void
test_gzip_is_made_when_asked_for(void **state)
{
	struct stage *stage = *state;
	struct scrape *plain, *gzip;
	char body[4096];

	memset(body, 'a', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	plain = ask(stage, "x", 1, 60000);
	finish_with(body);
	assert_null(answer_gzip(plain->answer));
	gzip = ask(stage, "x", 2, 60000);
	gzip->wants_gzip = true;
	finish_with(body);
	collect(stage, 2);
	assert_non_null(answer_gzip(gzip->answer));
	assert_true(wire_len(answer_gzip(gzip->answer)) < sizeof(body) / 4);
}

/* As conf_load() makes them: counted. */
static struct conf *
new_conf(void)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	atomic_init(&conf->refs, 1);
	return conf;
}

static unsigned
refs(struct conf *conf)
{
	return atomic_load(&conf->refs);
}

static void
test_a_switch_drops_what_is_kept(void **state)
{
	struct stage *stage = *state;
	struct conf *one = new_conf(), *two = new_conf();

	stage->target.conf = one;
	stage->target.cache_ttl = 60000;
	cache_switch(stage->cache, one);
	ask(stage, "x", 1, 60000);
	finish_with("a 1\n");
	ask(stage, "x", 2, 60000);
	collect(stage, 2);
	assert_int_equal(started, 1);
	/* Ours, the cache's, the entry's, and one of each scrape. */
	assert_int_equal(refs(one), 5);
	cache_switch(stage->cache, one);
	assert_int_equal(refs(one), 5);
	cache_switch(stage->cache, two);
	assert_int_equal(refs(one), 3);

	/* One that was on its way: for who waits, and kept for nobody. */
	ask(stage, "x", 3, 60000);
	assert_int_equal(started, 2);
	finish_with("a 2\n");
	collect(stage, 3);
	assert_int_equal(stage->publications, 1);
	assert_int_equal(refs(one), 4);
	conf_unref(one); /* the scrapes' remain, and end with the stage */
	conf_unref(two);
}

/* Going on late. */

/* Runs out of time with an attempt that goes on, if it may. */
static void
miss(struct stage *stage, const char *accept, uint64_t wait_ms)
{
	unsigned count = stage->back_count;

	ask(stage, accept, 1, wait_ms);
	collect(stage, count + 1);
	assert_int_equal(
	    stage->recorded[stage->record_count - 1], REASON_TIMEOUT_HEADERS);
}

static void
test_late_once_per_incident(void **state)
{
	struct stage *stage = *state;

	stage->target.late_finish = 1000 * CONF_MULTIPLE_ONE;
	miss(stage, "x", 20);
	assert_non_null(running);
	assert_int_equal(answer_status(stage->back[0]->answer), 504);
	assert_int_equal(cancelled, 0);
	finish_with("a 1\n");
	assert_int_equal(stage->record_count, 1);
	assert_int_equal(stage->amendments, 1);
	assert_int_equal(stage->amended->id, stage->record_id);
	assert_int_equal(stage->amended->lateness.end, LATE_WHOLE);
	assert_int_equal(
	    stage->amended->finding->reason, REASON_TIMEOUT_HEADERS);
	assert_in_range(stage->amended->lateness.needed_us, 20000, 20000000);
	assert_non_null(strstr(stage->amended->finding->words, " [needs "));
	assert_non_null(
	    strstr(stage->amended->finding->seen, "; finished late: needs "));

	/* The same incident: no other one, but it is remembered. */
	miss(stage, "x", 20);
	assert_null(running);
	assert_int_equal(cancelled, 1);
	assert_non_null(strstr(stage->seen, "; last time it needed "));
	assert_non_null(strstr(stage->seen, ", finished late (measured)"));

	/* A good answer ends it. */
	ask(stage, "x", 1, 60000);
	finish_with("a 1\n");
	collect(stage, 3);
	miss(stage, "x", 20);
	assert_non_null(running);
	assert_null(strstr(stage->seen, "last time"));
	finish_refused();
	assert_int_equal(stage->amended->lateness.end, LATE_FAILED);
	assert_int_equal(
	    stage->amended->lateness.reason, REASON_CONNECT_REFUSED);
	assert_int_equal(stage->amendments, 2);
}

static void
test_late_answer_is_for_nobody(void **state)
{
	struct stage *stage = *state;

	stage->target.late_finish = 1000 * CONF_MULTIPLE_ONE;
	stage->target.cache_ttl = 60000;
	miss(stage, "x", 20);
	finish_with("a 1\n");
	assert_int_equal(stage->publications, 0);
	ask(stage, "x", 2, 60000);
	assert_int_equal(started, 2);
	finish_with("a 2\n");
	collect(stage, 2);
	assert_int_equal(stage->back[1]->use, CACHE_MISS);
}

static void
test_late_gives_way(void **state)
{
	struct stage *stage = *state;

	stage->target.late_finish = 1000 * CONF_MULTIPLE_ONE;
	miss(stage, "x", 20);
	/* attempt_start() asserts that it is alone. */
	ask(stage, "x", 1, 60000);
	assert_int_equal(cancelled, 1);
	assert_int_equal(started, 2);
	assert_int_equal(stage->amendments, 1);
	assert_int_equal(stage->amended->lateness.end, LATE_CUT);
	assert_non_null(strstr(
	    stage->amended->finding->seen, "; went on: needs more than "));
	assert_null(strchr(stage->amended->finding->words, '['));
	finish_with("a 1\n");
	collect(stage, 2);
	assert_int_equal(answer_status(stage->back[1]->answer), 200);
}

static void
test_late_has_an_end(void **state)
{
	struct stage *stage = *state;

	/* Not before it has begun, which is after those 20 ms. */
	stage->target.late_finish = 150 * CONF_MULTIPLE_ONE;
	miss(stage, "x", 20);
	assert_non_null(running);
	while (running != NULL)
		event_base_loop(stage->base, EVLOOP_ONCE);
	assert_int_equal(cancelled, 1);
	assert_int_equal(stage->amended->lateness.end, LATE_CUT);
	assert_in_range(stage->amended->lateness.needed_us, 2900000, 20000000);
	assert_int_equal(stage->amended->lateness.timeout_ms, 20);
}

static void
test_late_makes_room(void **state)
{
	struct stage *stage = *state;
	static char bytes[(1 << 20) - 200 * 1024];
	struct wire *hog = wire_new(0);

	stage->target.late_finish = 1000 * CONF_MULTIPLE_ONE;
	wire_append(hog, bytes, sizeof(bytes));
	miss(stage, "x", 20);
	ask(stage, "y", 1, 60000); /* another key: may have two, has no room */
	assert_int_equal(cancelled, 1);
	assert_int_equal(started, 2);
	finish_with("a 1\n");
	collect(stage, 2);
	wire_unref(hog);
}

static void
test_late_can_be_off(void **state)
{
	struct stage *stage = *state;

	stage->target.late_finish = 0;
	miss(stage, "x", 20);
	assert_null(running);
	assert_int_equal(cancelled, 1);
	assert_int_equal(stage->amendments, 0);
}

static void
test_late_ends_by_a_switch(void **state)
{
	struct stage *stage = *state;
	struct conf *one = new_conf(), *two = new_conf();

	stage->target.late_finish = 1000 * CONF_MULTIPLE_ONE;
	stage->target.conf = one;
	cache_switch(stage->cache, one);
	miss(stage, "x", 20);
	assert_non_null(running);
	cache_switch(stage->cache, two);
	assert_null(running);
	assert_int_equal(stage->amended->lateness.end, LATE_CUT);
	assert_int_equal(refs(one), 2); /* ours, and the scrape's */
	conf_unref(one);
	conf_unref(two);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_attempt_for_all),
		TEST(without_ttl_nothing_is_kept),
		TEST(once_per_scraper),
		TEST(kept_for_everybody),
		TEST(an_extended_query_is_never_kept),
		TEST(a_failure_is_for_those_who_wait_only),
		TEST(different_accept_is_another_attempt),
		TEST(each_has_a_deadline),
		TEST(the_last_deadline_ends_the_attempt),
		TEST(who_leaves_harms_nobody),
		TEST(when_all_have_left_it_is_cancelled),
		TEST(a_short_attempt_is_not_joined),
		TEST(the_budget),
		TEST(gzip_is_made_when_asked_for),
		TEST(a_switch_drops_what_is_kept),
		TEST(late_once_per_incident),
		TEST(late_answer_is_for_nobody),
		TEST(late_gives_way),
		TEST(late_has_an_end),
		TEST(late_makes_room),
		TEST(late_can_be_off),
		TEST(late_ends_by_a_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
