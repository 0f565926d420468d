#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proxy/base/log.h"
#include "proxy/diagnosis/incidents.h"
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
	struct fixture f;
	uint64_t first;
	size_t i;

	(void)state;
	fixture_init(&f, 2);
	fixture_add(&f, 1, REASON_OK);
	first = board_record(f.board, 0)->id;
	for (i = 0; i < BOARD_RECORDS + 10; i++)
		fixture_add(&f, 0, REASON_OK);
	assert_int_equal(
	    board_record(f.board, 0)->id, first + BOARD_RECORDS + 10);
	assert_int_equal(
	    board_record(f.board, BOARD_RECORDS - 1)->id, first + 11);
	assert_null(board_record(f.board, BOARD_RECORDS));
	assert_int_equal(board_target(f.board, 1)->last->id, first);
	assert_int_equal(board_target(f.board, 1)->last->samples, 77);
	fixture_add(&f, 1, REASON_OK);
	assert_int_equal(
	    board_target(f.board, 1)->last->id, board_record(f.board, 0)->id);
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

/* Everything about a record survives being kept. */
static void
packs_without_loss(void **state)
{
	const struct record *kept;
	struct record *record;
	struct fixture f;
	int i;

	(void)state;
	fixture_init(&f, 1);
	record = fixture_record(&f, 0, REASON_TIMEOUT_HEADERS);
	for (i = 0; i < PHASE_COUNT; i++)
		record->phases.us[i] = (uint64_t)i * 1000 + 1;
	record->is_reused = record->has_restarted = true;
	record->lateness = (struct lateness){
		.end = LATE_WHOLE, .needed_us = 7, .timeout_ms = 8
	};
	record->wire_bytes = UINT64_C(1) << 40;
	board_add(f.board, record);
	kept = board_record(f.board, 0);
	record->message = kept->message;
	assert_string_equal(kept->target_name, record->target_name);
	assert_string_equal(kept->scraper, record->scraper);
	assert_memory_equal(kept->own, record->own, sizeof(kept->own[0]));
	assert_memory_equal(
	    &kept->phases, &record->phases, sizeof(kept->phases));
	assert_memory_equal(
	    &kept->lateness, &record->lateness, sizeof(kept->lateness));
	assert_int_equal(kept->id, record->id);
	assert_int_equal(kept->wall_us, record->wall_us);
	assert_int_equal(kept->duration_us, 701563);
	assert_int_equal(kept->timeout_ms, 1250);
	assert_int_equal(kept->waiters, 2);
	assert_int_equal(kept->wire_bytes, record->wire_bytes);
	assert_true(kept->is_reused && kept->has_restarted);
	assert_false(kept->is_delivered);
	fixture_fini(&f);
}

/* A thousand failures, each in other words of a usual length. */
static void
fits_its_bounds(void **state)
{
	struct finding finding = { .reason = REASON_TIMEOUT_HEADERS };
	struct record *record, *made;
	const struct record *last;
	struct board_fold fold;
	size_t i, count = 0;
	struct fixture f;

	(void)state;
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	fixture_init(&f, 3);
	printf("an empty board: %zu bytes\n", board_bytes(f.board));
	for (i = 0; i < BOARD_RECORDS; i++)
		fixture_add(&f, i % 3, REASON_OK);
	printf("%d good scrapes: %zu bytes\n", BOARD_RECORDS,
	    board_bytes(f.board));
	assert_true(board_bytes(f.board) < 200 * 1024);
	for (i = 0; i < BOARD_RECORDS; i++) {
		snprintf(finding.words, sizeof(finding.words),
		    "exporter sent nothing for %zu.5s, normally 0.31s "
		    "[needs 12.3s, scrape_timeout is 10s]",
		    i);
		snprintf(finding.seen, sizeof(finding.seen),
		    "connected, request sent, nothing received in %zu.5 s "
		    "(measured); connect 0.2 ms, processing 9.5 s (measured); "
		    "last good 22:10:03 UTC (measured)",
		    i);
		snprintf(finding.lasterror, sizeof(finding.lasterror),
		    "Get \"%s\": context deadline exceeded",
		    fixture_urls[i % 3]);
		snprintf(finding.cause, sizeof(finding.cause), "%s",
		    reason_row(finding.reason)->cause);
		snprintf(finding.fix, sizeof(finding.fix), "%s %s",
		    reason_row(finding.reason)->fix, fixture_urls[i % 3]);
		record = record_new(&finding);
		made = fixture_record(&f, i % 3, REASON_OK);
		record->target = made->target;
		record->id = made->id;
		memcpy(record->target_name, made->target_name,
		    sizeof(record->target_name));
		free(made);
		board_add(f.board, record);
	}
	printf("%d usual failures: %zu bytes\n", BOARD_RECORDS,
	    board_bytes(f.board));
	assert_non_null(board_record(f.board, BOARD_RECORDS - 1));
	assert_true(board_bytes(f.board) <= BOARD_BYTES);
	assert_non_null(strstr(
	    board_record(f.board, BOARD_RECORDS - 1)->finding->seen, "0.5 s"));

	/* Much was seen: as many, but of the older ones only the words. */
	for (i = 0; i < BOARD_RECORDS; i++) {
		record = fixture_record(&f, i % 3, REASON_TIMEOUT_BODY);
		memset(record->own[0].seen, 's', 1000);
		record->own[0].seen[1000] = '\0';
		board_add(f.board, record);
	}
	printf("%d failures of which much was seen: %zu bytes\n", BOARD_RECORDS,
	    board_bytes(f.board));
	assert_true(board_bytes(f.board) <= BOARD_BYTES);
	last = board_record(f.board, BOARD_RECORDS - 1);
	assert_non_null(last);
	assert_string_equal(last->finding->words, "words of <timeout_body>");
	assert_string_equal(last->finding->seen, "");
	assert_int_equal(strlen(board_record(f.board, 0)->finding->seen), 1000);
	assert_int_equal(
	    strlen(board_failure(f.board, 0, &fold)->finding->seen), 1000);
	/* As long as they can be, and nothing alike: fewer, but no more. */
	for (i = 0; i < BOARD_RECORDS; i++) {
		memset(&finding, 0, sizeof(finding));
		finding.reason = (enum reason)(1 + i % (REASON_COUNT - 1));
		memset(finding.words, 'w', sizeof(finding.words) - 1);
		memset(finding.seen, 's', sizeof(finding.seen) - 1);
		snprintf(
		    finding.lasterror, sizeof(finding.lasterror), "%0500zu", i);
		snprintf(finding.cause, sizeof(finding.cause), "%0501zu", i);
		snprintf(finding.fix, sizeof(finding.fix), "%0502zu", i);
		record = record_new(&finding);
		record->target = &f.targets[0];
		snprintf(record->target_name, sizeof(record->target_name),
		    "%060zu", i);
		record->id = 1000000 + i;
		board_add(f.board, record);
		assert_true(board_bytes(f.board) <= BOARD_BYTES);
	}
	while (board_record(f.board, count) != NULL)
		count++;
	printf("%zu failures with all the words there can be: %zu bytes\n",
	    count, board_bytes(f.board));
	assert_true(count >= 100);
	fixture_fini(&f);
}

static void
add_slow(struct fixture *f, size_t target)
{
	struct record *record, *good = fixture_record(f, target, REASON_OK);
	struct finding finding = { .reason = REASON_SCRAPE_SLOW,
		.words = "processing 4.1s, normally 0.31s",
		.slow_phase = PHASE_PROCESSING + 1 };

	record = record_new(&finding);
	record->id = good->id;
	record->target = good->target;
	memcpy(record->target_name, good->target_name,
	    sizeof(record->target_name));
	record->wall_us = good->wall_us;
	record->is_delivered = true;
	free(good);
	board_add(f->board, record);
}

static void
folds_repeats(void **state)
{
	const struct record *record;
	struct board_fold fold;
	uint64_t before;
	struct fixture f;

	(void)state;
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	fixture_init(&f, 2);
	assert_null(board_failure(f.board, 0, &fold));
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	fixture_add(&f, 1, REASON_CONNECT_REFUSED);
	fixture_add(&f, 0, REASON_TIMEOUT_HEADERS);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	record = board_failure(f.board, 0, &fold);
	assert_int_equal(record->finding->reason, REASON_CONNECT_REFUSED);
	assert_string_equal(record->target_name, "node");
	assert_int_equal(fold.fold.count, 2);
	assert_int_equal(
	    fold.fold.last_wall_us - fold.fold.first_wall_us, 3000000);
	assert_int_equal(fold.fold.episode_wall_us, fold.fold.first_wall_us);
	before = fold.sequence;
	record = board_failure(f.board, 1, &fold);
	assert_int_equal(record->finding->reason, REASON_TIMEOUT_HEADERS);
	assert_true(fold.sequence < before);
	assert_string_equal(
	    board_failure(f.board, 2, &fold)->target_name, "mysql");
	assert_null(board_failure(f.board, 3, &fold));

	/* Another incident, another entry. */
	fixture_add(&f, 0, REASON_OK);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	board_failure(f.board, 0, &fold);
	assert_int_equal(fold.fold.count, 1);
	assert_non_null(board_failure(f.board, 3, &fold));

	/* Slow ones are a row until one is not. */
	add_slow(&f, 1);
	add_slow(&f, 1);
	record = board_failure(f.board, 0, &fold);
	assert_int_equal(record->finding->reason, REASON_SCRAPE_SLOW);
	assert_int_equal(fold.fold.count, 2);
	assert_int_equal(board_health(board_target(f.board, 1)), BOARD_UP);
	fixture_add(&f, 1, REASON_OK);
	add_slow(&f, 1);
	board_failure(f.board, 0, &fold);
	assert_int_equal(fold.fold.count, 1);
	fixture_fini(&f);
}

struct lines {
	char *text[64];
	size_t count;
};

static void
take_line(const char *json, size_t len, void *arg)
{
	struct lines *lines = arg;

	assert_true(lines->count < 64);
	assert_int_equal(json[len], '\0');
	lines->text[lines->count++] = xstrndup(json, len);
}

static void
lines_fini(struct lines *lines)
{
	size_t i;

	for (i = 0; i < lines->count; i++)
		free(lines->text[i]);
}

/* What the journal is told of, and how often. */
static void
tells_the_journal(void **state)
{
	static const struct {
		enum reason reason;
		int times;
		size_t lines; /* in all, then */
		const char *has;
	} steps[] = {
		{ REASON_OK, 50, 0, "" },
		{ REASON_CONNECT_REFUSED, 1, 1,
		    "{\"v\":1,\"kind\":\"failure\",\"event\":\"started\"," },
		{ REASON_CONNECT_REFUSED, 1, 2, "\"event\":\"repeated\"" },
		{ REASON_CONNECT_REFUSED, 1, 2, "" },
		{ REASON_CONNECT_REFUSED, 1, 3, "\"count\":4," },
		{ REASON_TIMEOUT_BODY, 1, 4,
		    "\"event\":\"changed\",\"was\":\"connect_refused\"" },
		{ REASON_CONNECT_REFUSED, 60, 9, "" },
		{ REASON_OK, 1, 10,
		    "{\"v\":1,\"kind\":\"incident\",\"event\":\"ended\"" },
		{ REASON_SCRAPE_SLOW, 16, 26,
		    "{\"v\":1,\"kind\":\"slow\",\"event\":\"slow\"" },
		{ REASON_SCRAPE_SLOW, 15, 26, "" },
		{ REASON_SCRAPE_SLOW, 1, 27, "\"count\":32," },
	};
	struct lines lines = { .count = 0 };
	struct fixture f;
	size_t i;
	int n;

	(void)state;
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	fixture_init(&f, 1);
	board_keep_journal(f.board, take_line, &lines);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (n = 0; n < steps[i].times; n++)
			if (steps[i].reason == REASON_SCRAPE_SLOW)
				add_slow(&f, 0);
			else
				fixture_add(&f, 0, steps[i].reason);
		if (lines.count != steps[i].lines)
			fail_msg("step %zu: %zu lines", i, lines.count);
		if (lines.count > 0 &&
		    strstr(lines.text[lines.count - 1], steps[i].has) == NULL)
			fail_msg(
			    "step %zu: %s", i, lines.text[lines.count - 1]);
	}
	board_flush(f.board);
	assert_int_equal(lines.count, 28);
	assert_non_null(strstr(lines.text[27], "\"kind\":\"summary\""));
	assert_non_null(strstr(lines.text[27], "\"count\":83,"));
	assert_non_null(strstr(lines.text[27], "\"durationMax\":0.701563,"));
	lines_fini(&lines);
	fixture_fini(&f);
}

/* Of a run that was killed at any line, the next one knows what was told. */
static void
recovers_what_was_told(void **state)
{
	struct lines lines = { .count = 0 }, more = { .count = 0 };
	const struct incident *was, *is;
	struct board_fold fold, again;
	const struct record *record;
	struct fixture f, g;
	char words[200];
	size_t i;

	(void)state;
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	fixture_init(&f, 3);
	fixture_init(&g, 3);
	board_keep_journal(f.board, take_line, &lines);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	fixture_add(&f, 0, REASON_TIMEOUT_BODY);
	fixture_add(&f, 0, REASON_OK);
	add_slow(&f, 1);
	fixture_add(&f, 2, REASON_CONNECT_REFUSED);
	fixture_add(&f, 2, REASON_CONNECT_REFUSED);
	board_flush(f.board);
	for (i = 0; i < lines.count; i++)
		board_recover(g.board, lines.text[i], strlen(lines.text[i]));

	for (i = 0; (record = board_failure(f.board, i, &fold)) != NULL; i++) {
		snprintf(words, sizeof(words), "%s", record->finding->words);
		record = board_failure(g.board, i, &again);
		assert_non_null(record);
		assert_string_equal(record->finding->words, words);
		assert_int_equal(again.fold.count, fold.fold.count);
		/* Lines know milliseconds. */
		assert_int_equal(again.fold.last_wall_us / 1000,
		    fold.fold.last_wall_us / 1000);
	}
	assert_null(board_failure(g.board, i, &again));
	assert_int_equal(i, 4);
	for (i = 0; (was = board_incident(f.board, i)) != NULL; i++) {
		is = board_incident(g.board, i);
		assert_non_null(is);
		assert_string_equal(is->target, was->target);
		assert_int_equal(is->state, was->state);
		assert_int_equal(is->count, was->count);
		assert_int_equal(
		    is->end_wall_us / 1000, was->end_wall_us / 1000);
		assert_int_equal(is->reason_count, was->reason_count);
	}
	assert_int_equal(i, 2);

	/* The one that goes on does, and is said to. */
	board_keep_journal(g.board, take_line, &more);
	fixture_add(&g, 2, REASON_CONNECT_REFUSED);
	is = board_incident(g.board, 0);
	assert_int_equal(is->count, 3);
	assert_int_equal(is->gate_restarts, 1);
	assert_int_equal(board_target(g.board, 2)->failure_count, 3);
	assert_int_equal(
	    board_target(g.board, 2)->failing_since_wall_us, is->first_wall_us);
	board_failure(g.board, 0, &again);
	assert_int_equal(again.fold.count, 3);
	fixture_add(&g, 2, REASON_OK);
	assert_int_equal(is->state, INCIDENT_RECOVERED);
	assert_int_equal(more.count, 2);
	lines_fini(&lines);
	lines_fini(&more);
	fixture_fini(&f);
	fixture_fini(&g);
}

/* The next run may meet the failure before it has read what was told. */
static void
joins_what_goes_on(void **state)
{
	struct lines lines = { .count = 0 };
	const struct incident *incident;
	const struct record *record;
	struct board_fold fold;
	struct fixture f, g;
	size_t i;

	(void)state;
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	fixture_init(&f, 2);
	fixture_init(&g, 2);
	board_keep_journal(f.board, take_line, &lines);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	fixture_add(&f, 0, REASON_TIMEOUT_BODY);
	fixture_add(&g, 0, REASON_TIMEOUT_BODY);
	fixture_add(&g, 0, REASON_DNS_NXDOMAIN);
	fixture_add(&g, 1, REASON_DNS_NXDOMAIN);
	for (i = 0; i < lines.count; i++)
		board_recover(g.board, lines.text[i], strlen(lines.text[i]));
	board_settle(g.board);

	incident = board_incident(g.board, 1);
	assert_null(board_incident(g.board, 2));
	assert_string_equal(incident->target, "node");
	assert_int_equal(incident->count, 5);
	assert_int_equal(incident->gate_restarts, 1);
	assert_int_equal(incident->reason, REASON_DNS_NXDOMAIN);
	assert_int_equal(incident->reason_count, 3);
	assert_int_equal(incident->reasons[1].reason, REASON_TIMEOUT_BODY);
	assert_int_equal(incident->reasons[1].count, 2);
	assert_int_equal(board_target(g.board, 0)->failure_count, 5);
	for (i = 0; (record = board_failure(g.board, i, &fold)) != NULL; i++) {
		if (strcmp(record->target_name, "node") != 0)
			continue;
		assert_int_equal(
		    fold.fold.episode_wall_us, incident->first_wall_us);
		assert_int_equal(fold.fold.count,
		    record->finding->reason == REASON_DNS_NXDOMAIN ? 1 : 2);
	}
	assert_int_equal(i, 4);
	fixture_add(&g, 0, REASON_TIMEOUT_BODY);
	board_failure(g.board, 0, &fold);
	assert_int_equal(fold.fold.count, 3);
	lines_fini(&lines);
	fixture_fini(&f);
	fixture_fini(&g);
}

/* An incident of a target that the next run does not know is over. */
static void
ends_what_has_no_target(void **state)
{
	struct lines lines = { .count = 0 }, more = { .count = 0 };
	struct fixture f, g;
	size_t i;

	(void)state;
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	fixture_init(&f, 2);
	fixture_init(&g, 1);
	board_keep_journal(f.board, take_line, &lines);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	fixture_add(&f, 1, REASON_CONNECT_REFUSED);
	board_keep_journal(g.board, take_line, &more);
	for (i = 0; i < lines.count; i++)
		board_recover(g.board, lines.text[i], strlen(lines.text[i]));
	board_settle(g.board);
	assert_int_equal(
	    board_incident(g.board, 0)->state, INCIDENT_TARGET_REMOVED);
	assert_int_equal(board_incident(g.board, 1)->state, INCIDENT_OPEN);
	assert_int_equal(more.count, 1);
	assert_non_null(strstr(more.text[0], "\"state\":\"target_removed\""));
	lines_fini(&lines);
	lines_fini(&more);
	fixture_fini(&f);
	fixture_fini(&g);
}

static void
recovers_from_rubbish(void **state)
{
	static const char *const rubbish[] = { "", "{", "[]", "{}", "null",
		"{\"v\":1}", "{\"v\":2,\"kind\":\"failure\"}",
		"{\"v\":1,\"kind\":\"failure\"}",
		"{\"v\":1,\"kind\":\"failure\",\"reason\":\"no_such\","
		"\"target\":\"node\",\"time\":\"2026-11-22T09:02:33Z\"}",
		"{\"v\":1,\"kind\":\"failure\",\"reason\":"
		"\"connect_refused\",\"target\":\"node\",\"time\":"
		"\"2026-11-22T09:02:33Z\"}",
		"{\"v\":1,\"kind\":\"incident\",\"incident\":7}",
		"{\"v\":1,\"kind\":\"incident\",\"incident\":{\"target\":"
		"\"node\",\"count\":1e300,\"first\":\"x\"}}" };
	struct board_fold fold;
	struct fixture f;
	size_t i;

	(void)state;
	fixture_init(&f, 1);
	for (i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++)
		board_recover(f.board, rubbish[i], strlen(rubbish[i]));
	assert_null(board_failure(f.board, 0, &fold));
	assert_null(board_incident(f.board, 0));
	fixture_fini(&f);
}

/* With log.format json the line has all that the journal has. */
static void
logs_the_record_as_json(void **state)
{
	static const char *const parts[] = {
		"{\"level\":\"warn\",\"msg\":"
		"\"scrape failed\",\"v\":1,\"kind\":\"failure\","
		"\"event\":\"started\",\"time\":\"",
		"\"target\":\"node\"", "\"reason\":\"connect_refused\"",
		"\"cause\":\"a cause\"", "\"fix\":\"line one\\nline two\"",
		"{\"text\":\"no reply in 9.5 s\",\"kind\":\"measured\"}",
		"\"phases\":{\"queue\":0,", "\"duration\":0.701563,",
		"\"incident\":{\"id\":\"node@", "},\"ts\":\""
	};
	struct capture capture;
	char text[8192];
	struct fixture f;
	size_t i;

	(void)state;
	log_init(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	fixture_init(&f, 1);
	capture_begin(&capture);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	capture_end(&capture, text, sizeof(text));
	log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(text, parts[i]) == NULL)
			fail_msg("no %s in %s", parts[i], text);
	assert_string_equal(text + strlen(text) - 2, "}\n");
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
	assert_int_equal(target->last->id, board_record(f.board, 1)->id);
	assert_string_equal(target->last->finding->words,
	    board_record(f.board, 1)->finding->words);
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
		cmocka_unit_test(packs_without_loss),
		cmocka_unit_test(fits_its_bounds),
		cmocka_unit_test(folds_repeats),
		cmocka_unit_test(tells_the_journal),
		cmocka_unit_test(recovers_what_was_told),
		cmocka_unit_test(joins_what_goes_on),
		cmocka_unit_test(ends_what_has_no_target),
		cmocka_unit_test(recovers_from_rubbish),
		cmocka_unit_test(logs_the_record_as_json),
		cmocka_unit_test(an_amendment_takes_its_place),
		cmocka_unit_test(an_amendment_may_come_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
