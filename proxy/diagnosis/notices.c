#include "proxy/diagnosis/notices.h"

#include <string.h>

#include "proxy/diagnosis/evidence.h"
#include "proxy/diagnosis/sketch.h"
#include "proxy/gate/attendance.h"

#define SECOND_US UINT64_C(1000000)

/* So many intervals without a scrape are none that was only late. */
#define MISSED_INTERVALS 3

/* Of a target that nobody has ever scraped: with longer intervals Prometheus
 * itself shows gaps. */
#define NEVER_US (300 * SECOND_US)

/* Intervals differ if one is longer by more than this part. */
#define DIFFER_PART 4

static const struct row {
	const char *id;
	const char *meaning;
	const char *cause;
	const char *fix;
} rows[NOTICE_COUNT] = {
	[NOTICE_NOT_SCRAPED] = { "not_scraped",
	    "No scrape has come for three times the interval that the "
	    "scrapers kept; or, if none ever came, for five minutes.",
	    "Prometheus does not find the gate, or cannot reach it: service "
	    "discovery lost the target, prometheus.io/port or "
	    "prometheus.io/scheme name another listener, a NetworkPolicy or "
	    "firewall drops the way here, or Prometheus itself is down. The "
	    "exporter has no part in it.",
	    "look for the target in Prometheus' /targets and "
	    "/service-discovery; kubectl get networkpolicy; compare port and "
	    "scheme of the scrape job with the gate's listen." },
	[NOTICE_SCRAPERS_DIFFER] = { "scrapers_differ",
	    "Two scrapers of one target keep different intervals.",
	    "Two Prometheus servers or two jobs have different "
	    "scrape_interval for it: their rates and alerts disagree, and a "
	    "shared answer is older for one than for the other.",
	    "give both jobs the same scrape_interval; if they are meant to "
	    "differ, ignore this." },
	[NOTICE_UPSTREAM_EXPOSED] = { "upstream_exposed",
	    "The exporter's port answers at an address of this host or pod "
	    "that others can reach, not only at loopback.",
	    "Most likely the exporter listens on all addresses; then whoever "
	    "reaches this one can read its metrics around the gate, without "
	    "TLS or login.",
	    "have the exporter listen on 127.0.0.1 only, as with "
	    "--web.listen-address=127.0.0.1:PORT." },
};

const char *
notice_id(enum notice_kind kind)
{
	return rows[kind].id;
}

const char *
notice_meaning(enum notice_kind kind)
{
	return rows[kind].meaning;
}

const char *
notice_cause(enum notice_kind kind)
{
	return rows[kind].cause;
}

const char *
notice_fix(enum notice_kind kind)
{
	return rows[kind].fix;
}

/* 15 s for one that was 14.98: nobody configures those. */
static uint64_t
rounded(uint64_t us)
{
	uint64_t unit_us = us < 10 * SECOND_US ? SECOND_US / 10 : SECOND_US;

	return (us + unit_us / 2) / unit_us * unit_us;
}

static const char *
interval_text(char out[SKETCH_DURATION_SIZE], uint64_t us)
{
	return sketch_duration(out, rounded(us), " ");
}

/* Who keeps an interval and came last; NULL: nobody does. */
static const struct attendee *
find_newest(const struct notices_view *view)
{
	const struct attendee *newest = NULL;
	size_t i;

	for (i = 0; i < view->count; i++) {
		const struct attendee *one = &view->attendees[i];

		if (one->interval_us != 0 &&
		    (newest == NULL || one->last_us > newest->last_us))
			newest = one;
	}
	return newest;
}

/* Had it left already when `at_us` was? */
static bool
is_there(const struct attendee *one, uint64_t at_us)
{
	return one->interval_us != 0 &&
	       (one->last_us >= at_us ||
		   at_us - one->last_us <= MISSED_INTERVALS * one->interval_us);
}

/* The longest and the shortest of those who are there together. */
static void
find_extremes(const struct notices_view *view, const struct attendee **longest,
    const struct attendee **shortest)
{
	const struct attendee *newest = find_newest(view);
	size_t i;

	*longest = *shortest = newest;
	for (i = 0; newest != NULL && i < view->count; i++) {
		const struct attendee *one = &view->attendees[i];

		if (!is_there(one, newest->last_us))
			continue;
		if (one->interval_us > (*longest)->interval_us)
			*longest = one;
		if (one->interval_us < (*shortest)->interval_us)
			*shortest = one;
	}
}

/* Whoever came counts as a sign of life, with an interval or without. */
static const struct attendee *
find_last(const struct notices_view *view)
{
	const struct attendee *last = NULL;
	size_t i;

	for (i = 0; i < view->count; i++)
		if (last == NULL || view->attendees[i].last_us > last->last_us)
			last = &view->attendees[i];
	return last;
}

int64_t
notices_interval_ms(const struct notices_view *view)
{
	const struct attendee *newest = find_newest(view);

	return newest == NULL ? 0
			      : (int64_t)(rounded(newest->interval_us) / 1000);
}

uint64_t
notices_due_us(const struct notices_view *view)
{
	const struct attendee *longest, *shortest;
	const struct attendee *last = find_last(view);

	if (last == NULL)
		return view->served_since_us + NEVER_US;
	find_extremes(view, &longest, &shortest);
	if (longest == NULL)
		return 0;
	return last->last_us + MISSED_INTERVALS * longest->interval_us;
}

static struct evidence
evidence_of(struct notice *notice)
{
	notice->seen[0] = '\0';
	return (struct evidence){ .out = notice->seen,
		.size = sizeof(notice->seen) };
}

/* Prometheus may well come, and not get in. */
static void
add_refused(struct evidence *evidence, const struct notices_view *view)
{
	if (view->failed_handshakes > 0)
		MEASURED("at least %llu TLS handshakes failed meanwhile, see "
			 "/api/v1/tls_handshakes: a scraper may speak plain "
			 "HTTP or trust another authority",
		    (unsigned long long)view->failed_handshakes);
	if (view->refused > 0)
		MEASURED("the gate refused at least %llu requests meanwhile, "
			 "see its log and /api/v1/refusals",
		    (unsigned long long)view->refused);
}

static void
say_never(const struct notices_view *view, struct notice *notice)
{
	struct evidence whole = evidence_of(notice), *evidence = &whole;
	char age[SKETCH_DURATION_SIZE];

	sketch_duration(age, view->now_us - view->served_since_us, " ");
	sketch_print(notice->words, sizeof(notice->words),
	    "nobody has scraped it since the gate began to serve it");
	MEASURED("no request for it in the first %s", age);
	add_refused(evidence, view);
	UNKNOWN("at what interval it should be scraped");
}

static void
say_missed(const struct notices_view *view, const struct attendee *last,
    const struct attendee *longest, struct notice *notice)
{
	struct evidence whole = evidence_of(notice), *evidence = &whole;
	char age[SKETCH_DURATION_SIZE], interval[SKETCH_DURATION_SIZE];

	sketch_duration(age, view->now_us - last->last_us, " ");
	interval_text(interval, longest->interval_us);
	sketch_print(notice->words, sizeof(notice->words),
	    "nobody scrapes it any more; before, a scrape came every %s",
	    interval);
	MEASURED(
	    "the last one was %s, %s before this was noticed", last->who, age);
	add_refused(evidence, view);
	INFERRED("%s scraped it every %s", longest->who, interval);
}

bool
notice_not_scraped(const struct notices_view *view, struct notice *notice)
{
	const struct attendee *last = find_last(view);
	const struct attendee *longest, *shortest;
	uint64_t due_us = notices_due_us(view);

	if (due_us == 0 || view->now_us < due_us)
		return false;
	find_extremes(view, &longest, &shortest);
	if (last == NULL)
		say_never(view, notice);
	else
		say_missed(view, last, longest, notice);
	sketch_print(notice->fix, sizeof(notice->fix), "%s",
	    rows[NOTICE_NOT_SCRAPED].fix);
	return true;
}

bool
notice_scrapers_differ(const struct notices_view *view, struct notice *notice)
{
	struct evidence whole = evidence_of(notice), *evidence = &whole;
	char a[SKETCH_DURATION_SIZE], b[SKETCH_DURATION_SIZE];
	const struct attendee *longest, *shortest;

	find_extremes(view, &longest, &shortest);
	if (longest == NULL || longest->interval_us - shortest->interval_us <=
				   shortest->interval_us / DIFFER_PART)
		return false;
	interval_text(a, shortest->interval_us);
	interval_text(b, longest->interval_us);
	sketch_print(notice->words, sizeof(notice->words),
	    "scraped every %s by %s, but every %s by %s", a, shortest->who, b,
	    longest->who);
	INFERRED("%s every %s", shortest->who, a);
	INFERRED("%s every %s", longest->who, b);
	sketch_print(notice->fix, sizeof(notice->fix), "%s",
	    rows[NOTICE_SCRAPERS_DIFFER].fix);
	return true;
}

void
notice_upstream_exposed(struct notice *notice, const char *upstream,
    const char *addresses, uint16_t port)
{
	struct evidence whole = evidence_of(notice), *evidence = &whole;

	sketch_print(notice->words, sizeof(notice->words),
	    "port %u answers around the gate, at %s", port, addresses);
	MEASURED("connected to %s from here", addresses);
	INFERRED("it is the exporter that answers there, as at %s", upstream);
	UNKNOWN("whether a NetworkPolicy or firewall keeps others out");
	sketch_print(notice->fix, sizeof(notice->fix),
	    "have the exporter listen on loopback only, as with "
	    "--web.listen-address=127.0.0.1:%u; until then close port %u to "
	    "others with a firewall or NetworkPolicy.",
	    port, port);
}

void
notice_add_seen(struct notice *notice, const char *piece)
{
	struct evidence whole = {
		.out = notice->seen,
		.size = sizeof(notice->seen),
		.len = strlen(notice->seen),
	};
	struct evidence *evidence = &whole;

	if (notice->is_on && strstr(notice->seen, piece) == NULL)
		MEASURED("%s", piece);
}
