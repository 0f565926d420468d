#include "proxy/gate/attendance.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"

#define WHO_WORDS (ATTENDANCE_WHO_SIZE / 8)

/* A seat that is being given to somebody; no scraper has this number. */
#define CHANGING UINT64_MAX

/* Who comes more often measures something, and scrapes nothing. */
#define INTERVAL_MIN_US UINT64_C(250000)

/* Two times are the same interval if they differ by at most this part. */
#define SAME_PART 5

/* An interval counts as known when so many have confirmed it, */
#define STEADY_KNOWN 2
/* and no more than that many have to contradict until it is not. */
#define STEADY_MAX 6

typedef atomic_uint_fast64_t word;

struct seat {
	word scraper; /* 0: free; or CHANGING */
	word last_us;
	word interval_us;
	word steady;
	word who[WHO_WORDS];
};

struct attendance {
	atomic_uint refs;
	atomic_bool is_missed;
	struct seat seats[ATTENDANCE_MAX];
};

static uint64_t
get(const word *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static void
set(word *to, uint64_t value)
{
	atomic_store_explicit(to, value, memory_order_relaxed);
}

struct attendance *
attendance_new(void)
{
	struct attendance *attendance = xcalloc(1, sizeof(*attendance));

	atomic_init(&attendance->refs, 1);
	return attendance;
}

struct attendance *
attendance_ref(struct attendance *attendance)
{
	atomic_fetch_add_explicit(&attendance->refs, 1, memory_order_relaxed);
	return attendance;
}

void
attendance_unref(struct attendance *attendance)
{
	if (atomic_fetch_sub(&attendance->refs, 1) == 1)
		free(attendance);
}

static bool
is_same(uint64_t a_us, uint64_t b_us)
{
	uint64_t gap_us = a_us > b_us ? a_us - b_us : b_us - a_us;

	return gap_us <= b_us / SAME_PART;
}

/* One scrape or two were lost on the way; the interval is as it was. */
static bool
has_gap(uint64_t delta_us, uint64_t interval_us)
{
	return is_same(delta_us / 2, interval_us) ||
	       is_same(delta_us / 3, interval_us);
}

/* True if the interval has just become known. */
static bool
learn(struct seat *seat, uint64_t delta_us)
{
	uint64_t interval_us = get(&seat->interval_us);
	uint64_t steady = get(&seat->steady);

	if (delta_us < INTERVAL_MIN_US)
		return false;
	if (interval_us != 0 && is_same(delta_us, interval_us)) {
		set(&seat->interval_us, (interval_us * 3 + delta_us) / 4);
		if (steady < STEADY_MAX)
			set(&seat->steady, steady + 1);
		return steady + 1 == STEADY_KNOWN;
	} else if (steady == 0) {
		set(&seat->interval_us, delta_us);
	} else if (!has_gap(delta_us, interval_us)) {
		set(&seat->steady, steady - 1);
	}
	return false;
}

static struct seat *
find(struct attendance *attendance, uint64_t scraper)
{
	size_t i;

	for (i = 0; i < ATTENDANCE_MAX; i++)
		if (get(&attendance->seats[i].scraper) == scraper)
			return &attendance->seats[i];
	return NULL;
}

/* Is the first of the two easier to do without? */
static bool
is_lesser(const struct seat *a, const struct seat *b)
{
	bool a_known = get(&a->steady) >= STEADY_KNOWN;
	bool b_known = get(&b->steady) >= STEADY_KNOWN;

	if (a_known != b_known)
		return b_known;
	return get(&a->last_us) < get(&b->last_us);
}

static struct seat *
choose(struct attendance *attendance)
{
	struct seat *chosen = &attendance->seats[0];
	size_t i;

	for (i = 0; i < ATTENDANCE_MAX; i++) {
		struct seat *seat = &attendance->seats[i];

		if (get(&seat->scraper) == 0)
			return seat;
		if (is_lesser(seat, chosen))
			chosen = seat;
	}
	return chosen;
}

static void
write_who(struct seat *seat, const char *peer, const char *user)
{
	char text[ATTENDANCE_WHO_SIZE] = "";
	uint64_t value;
	size_t i;
	char *at;

	if (user != NULL)
		snprintf(text, sizeof(text), "%.30s from %.27s", user, peer);
	else
		snprintf(text, sizeof(text), "%.63s", peer);
	/* Names are in any script, and may be cut inside a letter. */
	for (at = text; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	for (i = 0; i < WHO_WORDS; i++) {
		memcpy(&value, text + i * 8, 8);
		atomic_store_explicit(
		    &seat->who[i], value, memory_order_release);
	}
}

/* If another thread is at it already, the next request will do. */
static void
take_seat(struct seat *seat, uint64_t scraper, const char *peer,
    const char *user, uint64_t now_us)
{
	uint_fast64_t before = get(&seat->scraper);

	if (before == CHANGING ||
	    !atomic_compare_exchange_strong(&seat->scraper, &before, CHANGING))
		return;
	set(&seat->last_us, now_us);
	set(&seat->interval_us, 0);
	set(&seat->steady, 0);
	write_who(seat, peer, user);
	atomic_store_explicit(&seat->scraper, scraper, memory_order_release);
}

bool
attendance_note(struct attendance *attendance, uint64_t scraper,
    const char *peer, const char *user, uint64_t now_us)
{
	struct seat *seat;
	uint64_t last_us;
	bool is_news = false;

	if (scraper == CHANGING)
		scraper--;
	seat = find(attendance, scraper);
	if (seat == NULL) {
		take_seat(choose(attendance), scraper, peer, user, now_us);
	} else {
		last_us = get(&seat->last_us);
		if (now_us > last_us) {
			set(&seat->last_us, now_us);
			is_news = learn(seat, now_us - last_us);
		}
	}
	if (atomic_load_explicit(&attendance->is_missed, memory_order_relaxed))
		is_news |= atomic_exchange(&attendance->is_missed, false);
	return is_news;
}

void
attendance_miss(struct attendance *attendance)
{
	atomic_store(&attendance->is_missed, true);
}

/* False if it changed hands meanwhile. */
static bool
read_seat(const struct seat *seat, struct attendee *attendee)
{
	uint64_t value;
	size_t i;

	attendee->scraper =
	    atomic_load_explicit(&seat->scraper, memory_order_acquire);
	if (attendee->scraper == 0 || attendee->scraper == CHANGING)
		return false;
	attendee->last_us = get(&seat->last_us);
	attendee->interval_us =
	    get(&seat->steady) >= STEADY_KNOWN ? get(&seat->interval_us) : 0;
	for (i = 0; i < WHO_WORDS; i++) {
		value =
		    atomic_load_explicit(&seat->who[i], memory_order_acquire);
		memcpy(attendee->who + i * 8, &value, 8);
	}
	/* Whose name has been seen has been seen to come, too. */
	return get(&seat->scraper) == attendee->scraper;
}

size_t
attendance_read(
    const struct attendance *attendance, struct attendee all[ATTENDANCE_MAX])
{
	size_t i, count = 0;

	for (i = 0; i < ATTENDANCE_MAX; i++)
		if (read_seat(&attendance->seats[i], &all[count]))
			count++;
	return count;
}
