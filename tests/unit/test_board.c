#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proxy/base/log.h"
#include "tests/unit/admin_fixture.h"

/* Standard error, where the log goes, while a test looks at it. */
struct capture {
	int fd;
	int saved;
};

static void
capture_begin(struct capture *capture)
{
	capture->fd = memfd_create("log", MFD_CLOEXEC);
	capture->saved = dup(STDERR_FILENO);
	assert_int_not_equal(capture->fd, -1);
	dup2(capture->fd, STDERR_FILENO);
}

static void
capture_end(struct capture *capture, char *text, size_t size)
{
	ssize_t len = pread(capture->fd, text, size - 1, 0);

	dup2(capture->saved, STDERR_FILENO);
	close(capture->saved);
	close(capture->fd);
	assert_true(len >= 0);
	text[len] = '\0';
}

static void
assert_logs(struct fixture *f, struct record *record, const char *expected)
{
	struct capture capture;
	char text[8192], *ts;

	capture_begin(&capture);
	board_add(f->board, record);
	capture_end(&capture, text, sizeof(text));
	ts = strstr(text, " ts=");
	if (ts != NULL)
		*ts = '\0';
	assert_string_equal(text, expected);
}

static struct conf_target amended_target; /* outlives the record */

static void
counts_what_comes(void **state)
{
	const struct board_target *target;
	struct fixture f;

	(void)state;
	fixture_init(&f, 2);
	target = board_target(f.board, 0);
	assert_int_equal(board_target_count(f.board), 2);
	assert_int_equal(board_health(target), BOARD_UNKNOWN);
	assert_null(board_record(f.board, 0));

	fixture_add(&f, 0, REASON_OK);
	assert_int_equal(board_health(target), BOARD_UP);
	assert_int_equal(target->scrapes[REASON_OK], 1);
	assert_int_equal(target->samples, 77);
	assert_int_equal(target->body_bytes, 5120);
	assert_int_equal(target->duration_sum_us, 701563);
	assert_int_equal(target->duration_buckets[3], 1); /* 0.5 to 2.5 s */
	assert_int_equal(target->phase_count[PHASE_CONNECT], 1);
	assert_int_equal(target->phase_sum_us[PHASE_PROCESSING], 700000);
	assert_int_equal(target->phase_count[PHASE_TLS], 0);
	assert_int_equal(target->last_success_wall_us, target->last->wall_us);

	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	assert_int_equal(board_health(target), BOARD_DOWN);
	assert_int_equal(target->failures[LAYER_TCP], 1);
	assert_int_equal(target->failure_count, 1);
	assert_int_equal(target->samples, 77);
	assert_int_equal(board_health(board_target(f.board, 1)), BOARD_UNKNOWN);
	fixture_fini(&f);
}

static void
sorts_durations_into_buckets(void **state)
{
	static const struct {
		uint64_t us;
		size_t bucket;
	} rows[] = {
		{ 0, 0 },
		{ 10000, 0 }, /* a bound belongs to its bucket */
		{ 10001, 1 },
		{ 30000000, BOARD_BUCKETS - 1 },
		{ 30000001, BOARD_BUCKETS },
	};
	struct record *record;
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture_init(&f, 1);
		record = fixture_record(&f, 0, REASON_OK);
		record->duration_us = rows[i].us;
		board_add(f.board, record);
		assert_int_equal(
		    board_target(f.board, 0)->duration_buckets[rows[i].bucket],
		    1);
		fixture_fini(&f);
	}
}

/* A scraper that went away says nothing about the exporter. */
static void
ignores_client_gone(void **state)
{
	const struct board_target *target;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	target = board_target(f.board, 0);
	fixture_add(&f, 0, REASON_CLIENT_GONE);
	assert_int_equal(board_health(target), BOARD_UNKNOWN);
	assert_int_equal(target->scrapes[REASON_CLIENT_GONE], 1);
	assert_int_equal(target->failures[LAYER_TIMEOUT], 0);
	assert_int_equal(target->duration_sum_us, 0);
	assert_non_null(board_record(f.board, 0));

	fixture_add(&f, 0, REASON_TIMEOUT_BODY);
	fixture_add(&f, 0, REASON_CLIENT_GONE);
	assert_int_equal(board_health(target), BOARD_DOWN);
	assert_int_equal(target->last->finding->reason, REASON_TIMEOUT_BODY);
	assert_int_equal(target->failure_count, 1);
	fixture_fini(&f);
}

static void
takes_a_warning_for_success(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 1);
	fixture_add(&f, 0, REASON_BODY_EMPTY);
	assert_int_equal(board_health(board_target(f.board, 0)), BOARD_UP);
	assert_int_equal(board_target(f.board, 0)->failures[LAYER_BODY], 0);
	fixture_fini(&f);
}

/* The ring turns over; the last word on a quiet target stays. */
static void
keeps_the_newest(void **state)
{
	const struct record *first;
	struct fixture f;
	size_t i;

	(void)state;
	fixture_init(&f, 2);
	fixture_add(&f, 1, REASON_OK);
	first = board_record(f.board, 0);
	for (i = 0; i < BOARD_RECORDS + 10; i++)
		fixture_add(&f, 0, REASON_OK);
	assert_int_equal(
	    board_record(f.board, 0)->id, first->id + BOARD_RECORDS + 10);
	assert_int_equal(
	    board_record(f.board, BOARD_RECORDS - 1)->id, first->id + 11);
	assert_null(board_record(f.board, BOARD_RECORDS));
	assert_ptr_equal(board_target(f.board, 1)->last, first);
	assert_int_equal(first->samples, 77);
	fixture_add(&f, 1, REASON_OK);
	assert_ptr_equal(
	    board_target(f.board, 1)->last, board_record(f.board, 0));
	fixture_fini(&f);
}

static void
knows_targets_by_name_after_a_reload(void **state)
{
	static struct conf_target gone;
	char removed[] = "removed";
	struct record *record;
	struct fixture f;

	(void)state;
	fixture_init(&f, 2);
	gone.name = f.targets[1].name;
	record = fixture_record(&f, 1, REASON_OK);
	record->target = &gone;
	board_add(f.board, record);
	assert_int_equal(board_target(f.board, 1)->scrapes[REASON_OK], 1);

	gone.name = removed;
	record = fixture_record(&f, 1, REASON_OK);
	record->target = &gone;
	strcpy(record->target_name, "removed");
	board_add(f.board, record);
	assert_int_equal(board_target(f.board, 1)->scrapes[REASON_OK], 1);
	assert_string_equal(board_record(f.board, 0)->target_name, "removed");
	fixture_fini(&f);
}

static void
keeps_the_history_of_what_stays(void **state)
{
	struct conf_target targets[2];
	struct conf next = { .targets = targets, .target_count = 2 };
	char added[] = "added";
	struct fixture f;
	size_t i;

	(void)state;
	fixture_init(&f, 3);
	for (i = 0; i < 3; i++)
		fixture_add(&f, i, REASON_CONNECT_REFUSED);
	memset(targets, 0, sizeof(targets));
	targets[0].name = added;
	targets[1].name = f.targets[1].name;
	board_switch(f.board, &next);
	assert_int_equal(board_target_count(f.board), 2);
	assert_ptr_equal(board_target(f.board, 0)->conf, &targets[0]);
	assert_int_equal(board_health(board_target(f.board, 0)), BOARD_UNKNOWN);
	assert_ptr_equal(board_target(f.board, 1)->conf, &targets[1]);
	assert_int_equal(board_health(board_target(f.board, 1)), BOARD_DOWN);
	assert_int_equal(board_target(f.board, 1)->failure_count, 1);
	/* The records are all there, those of targets that went, too. */
	assert_non_null(board_record(f.board, 2));

	/* What left the ring goes with its target. */
	for (i = 0; i < BOARD_RECORDS; i++)
		fixture_add(&f, 0, REASON_OK);
	assert_int_equal(board_health(board_target(f.board, 1)), BOARD_DOWN);
	next.target_count = 1;
	board_switch(f.board, &next);
	board_switch(f.board, &f.conf);
	assert_int_equal(board_health(board_target(f.board, 1)), BOARD_UNKNOWN);
	fixture_fini(&f);
}

static void
logs_start_change_and_end(void **state)
{
	struct record *record;
	struct fixture f;
	uint64_t start;

	(void)state;
	log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	fixture_init(&f, 1);
	assert_logs(&f, fixture_record(&f, 0, REASON_OK), "");
	record = fixture_record(&f, 0, REASON_CONNECT_REFUSED);
	start = record->wall_us;
	assert_logs(&f, record,
	    "level=warn msg=\"scrape failed\" "
	    "target=node reason=connect_refused "
	    "words=\"words of <connect_refused>\" cause=\"a cause\" "
	    "status=502 duration=0.702s");
	assert_logs(&f, fixture_record(&f, 0, REASON_CONNECT_REFUSED), "");
	assert_logs(&f, fixture_record(&f, 0, REASON_CLIENT_GONE), "");
	assert_logs(&f, fixture_record(&f, 0, REASON_TIMEOUT_HEADERS),
	    "level=warn msg=\"scrape failure changed\" target=node "
	    "reason=timeout_headers was=connect_refused "
	    "words=\"words of <timeout_headers>\" cause=\"a cause\" "
	    "status=504 duration=0.702s failures=3");
	record = fixture_record(&f, 0, REASON_OK);
	record->wall_us = start + 123000000;
	assert_logs(&f, record,
	    "level=info msg=\"scrape recovered\" "
	    "target=node after=2m3s failures=3 reason=timeout_headers");
	assert_logs(&f, fixture_record(&f, 0, REASON_OK), "");
	assert_int_equal(board_target(f.board, 0)->failing_since_wall_us, 0);
	fixture_fini(&f);
}

static void
reminds_every_ten_minutes(void **state)
{
	const uint64_t minute_us = 60000000;
	struct board_target *target;
	struct fixture f;

	(void)state;
	log_init(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
	fixture_init(&f, 1);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	/* Only the board may write there; a test moves its time. */
	target = (struct board_target *)(uintptr_t)board_target(f.board, 0);
	target->last_logged_us -= 9 * minute_us;
	assert_logs(&f, fixture_record(&f, 0, REASON_CONNECT_REFUSED), "");
	target->last_logged_us -= minute_us;
	assert_logs(&f, fixture_record(&f, 0, REASON_CONNECT_REFUSED),
	    "level=warn msg=\"scrape still failing\" target=node "
	    "reason=connect_refused words=\"words of <connect_refused>\" "
	    "cause=\"a cause\" status=502 duration=0.702s failures=3");
	assert_logs(&f, fixture_record(&f, 0, REASON_CONNECT_REFUSED), "");
	fixture_fini(&f);
}

static struct record *
amendment_of(const struct record *record)
{
	struct record *copy = record_copy(record);

	copy->target = &amended_target;
	copy->is_amendment = true;
	copy->lateness = (struct lateness){
		.end = LATE_WHOLE, .needed_us = 12300000, .timeout_ms = 10000
	};
	finding_amend(&copy->own[0], &copy->lateness);
	return copy;
}

static void
an_amendment_takes_its_place(void **state)
{
	const struct board_target *target;
	const struct record *first;
	struct fixture f;

	(void)state;
	log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	fixture_init(&f, 2);
	target = board_target(f.board, 0);
	amended_target = f.targets[0];
	fixture_add(&f, 0, REASON_TIMEOUT_HEADERS);
	fixture_add(&f, 1, REASON_OK);
	first = board_record(f.board, 1);
	assert_logs(&f, amendment_of(first),
	    "level=info msg=\"scrape finished late\" target=node "
	    "after=12.3s scrape_timeout=10s");
	assert_non_null(strstr(target->last->finding->seen,
	    "; finished late: needs 12.3 s, scrape_timeout is 10 s "
	    "(measured)"));
	assert_string_equal(target->last->finding->words,
	    "words of <timeout_headers> [needs 12.3s, scrape_timeout is "
	    "10s]");
	assert_ptr_equal(target->last, board_record(f.board, 1));
	assert_null(board_record(f.board, 2));
	assert_int_equal(target->failure_count, 1);
	assert_int_equal(target->scrapes[REASON_TIMEOUT_HEADERS], 1);
	assert_int_equal(target->failures[LAYER_TIMEOUT], 1);
	fixture_fini(&f);
}

/* The last word on a target outlives the ring, and what it is about may be
 * gone altogether. */
static void
an_amendment_may_come_late(void **state)
{
	const struct board_target *target;
	struct record *early, *lost;
	struct fixture f;
	int i;

	(void)state;
	fixture_init(&f, 2);
	target = board_target(f.board, 0);
	amended_target = f.targets[0];
	fixture_add(&f, 0, REASON_TIMEOUT_BODY);
	lost = amendment_of(board_record(f.board, 0));
	fixture_add(&f, 0, REASON_TIMEOUT_BODY);
	early = amendment_of(board_record(f.board, 0));
	for (i = 0; i < BOARD_RECORDS; i++)
		fixture_add(&f, 1, REASON_OK);
	board_add(f.board, early);
	assert_ptr_equal(target->last, early);
	board_add(f.board, lost);
	assert_ptr_equal(target->last, early);
	assert_null(board_record(f.board, BOARD_RECORDS));
	fixture_add(&f, 0, REASON_OK);
	assert_int_equal(board_health(target), BOARD_UP);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_comes),
		cmocka_unit_test(sorts_durations_into_buckets),
		cmocka_unit_test(ignores_client_gone),
		cmocka_unit_test(takes_a_warning_for_success),
		cmocka_unit_test(keeps_the_newest),
		cmocka_unit_test(knows_targets_by_name_after_a_reload),
		cmocka_unit_test(keeps_the_history_of_what_stays),
		cmocka_unit_test(logs_start_change_and_end),
		cmocka_unit_test(reminds_every_ten_minutes),
		cmocka_unit_test(an_amendment_takes_its_place),
		cmocka_unit_test(an_amendment_may_come_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
