/* Who scrapes how often, and what is to be said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/diagnosis/notices.h"
#include "proxy/gate/attendance.h"

#define SECOND UINT64_C(1000000)

/* One scraper comes at these times, in tenths of a second. */
static uint64_t
learned(const unsigned *times, size_t count)
{
	struct attendance *attendance = attendance_new();
	struct attendee all[ATTENDANCE_MAX];
	uint64_t interval_us;
	size_t i;

	for (i = 0; i < count; i++)
		attendance_note(
		    attendance, 7, "10.0.0.9", NULL, times[i] * SECOND / 10);
	assert_int_equal(attendance_read(attendance, all), 1);
	assert_int_equal(all[0].scraper, 7);
	assert_string_equal(all[0].who, "10.0.0.9");
	assert_int_equal(all[0].last_us, times[count - 1] * SECOND / 10);
	interval_us = all[0].interval_us;
	attendance_unref(attendance);
	return interval_us;
}

static void
learns_intervals(void **state)
{
	static const struct {
		unsigned times[12]; /* ended by 0 */
		unsigned low, high; /* tenths; 0: not known */
	} rows[] = {
		{ { 10 }, 0, 0 },
		{ { 10, 160 }, 0, 0 },
		{ { 10, 160, 310 }, 0, 0 },
		{ { 10, 160, 310, 460 }, 150, 150 },
		/* A little off, as they are. */
		{ { 10, 158, 311, 460, 612 }, 145, 155 },
		/* One was lost, then two. */
		{ { 10, 160, 310, 460, 760, 910, 1360, 1510 }, 150, 150 },
		/* A hand that asks now and then. */
		{ { 10, 30, 200, 220, 500, 900, 910 }, 0, 0 },
		/* Another interval from now on: known again in the end. */
		{ { 10, 160, 310, 460, 1060, 1660, 2260, 2860, 3460, 4060 },
		    600, 600 },
		/* Faster than anybody scrapes. */
		{ { 10, 11, 12, 13, 14, 15, 16, 17, 18 }, 0, 0 },
		/* The same moment twice, as when a login is asked again. */
		{ { 10, 10, 160, 160, 310, 310, 460, 460 }, 150, 150 },
	};
	uint64_t us;
	size_t i, count;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (count = 0; count < 12 && rows[i].times[count] != 0;)
			count++;
		us = learned(rows[i].times, count);
		if (us < rows[i].low * SECOND / 10 ||
		    us > rows[i].high * SECOND / 10)
			fail_msg("row %zu: %llu us", i, (unsigned long long)us);
	}
}

static void
scrape_often(struct attendance *attendance, uint64_t scraper, unsigned times)
{
	unsigned i;

	for (i = 0; i < times; i++)
		attendance_note(attendance, scraper, "peer", "user",
		    (scraper + i * 15) * SECOND);
}

static bool
is_there(const struct attendance *attendance, uint64_t scraper)
{
	struct attendee all[ATTENDANCE_MAX];
	size_t i, count = attendance_read(attendance, all);

	for (i = 0; i < count; i++)
		if (all[i].scraper == scraper)
			return true;
	return false;
}

static void
keeps_who_matters(void **state)
{
	struct attendance *attendance = attendance_new();
	struct attendee all[ATTENDANCE_MAX];
	uint64_t i;

	(void)state;
	assert_int_equal(attendance_read(attendance, all), 0);
	scrape_often(attendance, 1, 5);
	for (i = 100; i < 1000; i++)
		attendance_note(attendance, i, "10.0.0.1", NULL, i * SECOND);
	assert_int_equal(attendance_read(attendance, all), ATTENDANCE_MAX);
	assert_true(is_there(attendance, 1)); /* its interval is known */
	assert_true(is_there(attendance, 999));
	assert_true(is_there(attendance, 985));
	assert_false(is_there(attendance, 984));
	attendance_unref(attendance_ref(attendance));
	attendance_unref(attendance);
}

static void
names_who(void **state)
{
	static const char user[] =
	    "system:serviceaccount:monitoring:prometheus-k8s";
	struct attendance *attendance = attendance_new();
	struct attendee all[ATTENDANCE_MAX];

	(void)state;
	attendance_note(
	    attendance, UINT64_MAX, "2001:db8:1:2:3:4:5:6", user, SECOND);
	assert_int_equal(attendance_read(attendance, all), 1);
	assert_string_equal(all[0].who,
	    "system:serviceaccount:monitori from 2001:db8:1:2:3:4:5:6");
	attendance_unref(attendance);
	attendance = attendance_new();
	attendance_note(attendance, 1, "::1", "\xc3\xa4\x01\x7f", SECOND);
	attendance_read(attendance, all);
	assert_string_equal(all[0].who, "???? from ::1");
	attendance_unref(attendance);
}

static void
tells_news_once(void **state)
{
	struct attendance *attendance = attendance_new();
	static const bool is_news[] = { false, true, false, true, false,
		false };
	size_t i;

	(void)state;
	/* Missed before the second; known with the fourth. */
	for (i = 0; i < sizeof(is_news) / sizeof(is_news[0]); i++) {
		if (i == 1)
			attendance_miss(attendance);
		assert_int_equal(
		    attendance_note(attendance, 1, "a", NULL, (i + 1) * SECOND),
		    is_news[i]);
	}
	attendance_unref(attendance);
}

/* Seconds. */
struct one {
	unsigned last, interval;
};

static void
fill(struct notices_view *view, struct attendee *all, const struct one *ones,
    size_t count, unsigned now)
{
	size_t i;

	memset(view, 0, sizeof(*view));
	for (i = 0; i < count; i++) {
		memset(&all[i], 0, sizeof(all[i]));
		all[i].scraper = i + 1;
		all[i].last_us = ones[i].last * SECOND;
		all[i].interval_us = ones[i].interval * SECOND;
		snprintf(all[i].who, sizeof(all[i].who), "10.0.0.%zu", i + 1);
	}
	view->attendees = all;
	view->count = count;
	view->now_us = now * SECOND;
	view->served_since_us = 1000 * SECOND;
}

static void
knows_when_it_is_missed(void **state)
{
	static const struct {
		struct one ones[3];
		size_t count;
		unsigned due; /* 0: never */
	} rows[] = {
		{ { { 0 } }, 0, 1300 },    /* nobody yet */
		{ { { 2000, 0 } }, 1, 0 }, /* at no interval */
		{ { { 2000, 15 } }, 1, 2045 },
		/* The longer interval of two that are there. */
		{ { { 2000, 15 }, { 1990, 60 } }, 2, 2180 },
		/* One has left long ago: what it kept does not count. */
		{ { { 2000, 15 }, { 1000, 60 } }, 2, 2045 },
		/* Somebody without an interval is a sign of life. */
		{ { { 2000, 15 }, { 2040, 0 } }, 2, 2085 },
	};
	struct notices_view view;
	struct attendee all[3];
	struct notice notice;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fill(&view, all, rows[i].ones, rows[i].count, 0);
		assert_int_equal(notices_due_us(&view), rows[i].due * SECOND);
		view.now_us = rows[i].due * SECOND;
		assert_int_equal(
		    notice_not_scraped(&view, &notice), rows[i].due != 0);
		view.now_us--;
		if (rows[i].due != 0)
			assert_false(notice_not_scraped(&view, &notice));
	}
}

static void
says_that_nobody_comes(void **state)
{
	static const struct one ones[] = { { 2000, 15 }, { 2010, 0 } };
	struct notices_view view;
	struct attendee all[2];
	struct notice notice;

	(void)state;
	fill(&view, all, ones, 2, 2055);
	assert_true(notice_not_scraped(&view, &notice));
	assert_string_equal(notice.words,
	    "nobody scrapes it any more; before, a scrape came every 15 s");
	assert_string_equal(notice.seen,
	    "the last one was 10.0.0.2, 45 s before this was noticed "
	    "(measured); 10.0.0.1 scraped it every 15 s (inferred)");
	view.refused = 3;
	view.failed_handshakes = 7;
	assert_true(notice_not_scraped(&view, &notice));
	assert_non_null(
	    strstr(notice.seen, "at least 7 TLS handshakes failed meanwhile"));
	assert_non_null(
	    strstr(notice.seen, "refused at least 3 requests meanwhile"));
	fill(&view, all, ones, 0, 1300);
	assert_true(notice_not_scraped(&view, &notice));
	assert_string_equal(notice.words,
	    "nobody has scraped it since the gate began to serve it");
	assert_string_equal(notice.seen,
	    "no request for it in the first 300 s (measured); at what "
	    "interval it should be scraped (unknown)");
}

static void
says_that_scrapers_differ(void **state)
{
	static const struct {
		struct one ones[3];
		size_t count;
		const char *words; /* NULL: they do not */
	} rows[] = {
		{ { { 0 } }, 0, NULL },
		{ { { 2000, 15 } }, 1, NULL },
		{ { { 2000, 15 }, { 2001, 15 } }, 2, NULL },
		{ { { 2000, 15 }, { 2001, 18 } }, 2, NULL },
		{ { { 2000, 15 }, { 2001, 0 } }, 2, NULL },
		{ { { 2000, 15 }, { 1980, 60 } }, 2,
		    "scraped every 15 s by 10.0.0.1, but every 60 s by "
		    "10.0.0.2" },
		{ { { 2000, 60 }, { 1999, 60 }, { 1990, 30 } }, 3,
		    "scraped every 30 s by 10.0.0.3, but every 60 s by "
		    "10.0.0.1" },
		/* One that has left does not differ any more. */
		{ { { 2000, 15 }, { 1800, 60 } }, 2, NULL },
	};
	struct notices_view view;
	struct attendee all[3];
	struct notice notice;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fill(&view, all, rows[i].ones, rows[i].count, 2001);
		if (notice_scrapers_differ(&view, &notice) !=
		    (rows[i].words != NULL))
			fail_msg("row %zu", i);
		if (rows[i].words != NULL)
			assert_string_equal(notice.words, rows[i].words);
	}
}

static void
rounds_intervals(void **state)
{
	struct attendee one = { .scraper = 1, .interval_us = 14982345 };
	const struct notices_view view = { .attendees = &one, .count = 1 };
	const struct notices_view nobody = { .count = 0 };

	(void)state;
	assert_int_equal(notices_interval_ms(&view), 15000);
	one.interval_us = 1049999;
	assert_int_equal(notices_interval_ms(&view), 1000);
	one.interval_us = 0;
	assert_int_equal(notices_interval_ms(&view), 0);
	assert_int_equal(notices_interval_ms(&nobody), 0);
}

static void
says_that_it_is_exposed(void **state)
{
	struct notice notice;

	(void)state;
	notice_upstream_exposed(&notice, "http://127.0.0.1:9100/metrics",
	    "10.0.0.5:9100, [2001:db8::5]:9100", 9100);
	assert_string_equal(notice.words,
	    "port 9100 answers around the gate, at 10.0.0.5:9100, "
	    "[2001:db8::5]:9100");
	assert_non_null(strstr(notice.seen, "(measured)"));
	assert_non_null(strstr(notice.seen, "(inferred)"));
	assert_non_null(strstr(notice.seen, "(unknown)"));
	assert_non_null(strstr(notice.fix, "127.0.0.1:9100"));
	/* Who answers there is inferred, and so is the cause. */
	assert_non_null(
	    strstr(notice_cause(NOTICE_UPSTREAM_EXPOSED), "Most likely"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learns_intervals),
		cmocka_unit_test(keeps_who_matters),
		cmocka_unit_test(names_who),
		cmocka_unit_test(tells_news_once),
		cmocka_unit_test(knows_when_it_is_missed),
		cmocka_unit_test(says_that_nobody_comes),
		cmocka_unit_test(says_that_scrapers_differ),
		cmocka_unit_test(rounds_intervals),
		cmocka_unit_test(says_that_it_is_exposed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
