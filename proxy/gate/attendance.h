/*
 * Who scrapes a target, and how often: for each of the last few scrapers the
 * time of its newest request and the interval that its requests keep.  Requests
 * served from what is kept count like any other.
 *
 * Written by the workers as requests come, read by the main thread; atomics
 * and no lock.  A scraper asks one question at a time, so two workers hardly
 * ever write of the same one; if they do, an interval is learned later.
 */
#ifndef PROXY_GATE_ATTENDANCE_H
#define PROXY_GATE_ATTENDANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attendance;

/* More scrapers than that are not told apart: those whose interval is not
 * known make way first, then who has been away longest. */
#define ATTENDANCE_MAX 16

#define ATTENDANCE_WHO_SIZE 64 /* a multiple of 8 */

/* One scraper; times are monotonic. */
struct attendee {
	uint64_t scraper; /* identity and address, hashed */
	uint64_t last_us;
	uint64_t interval_us; /* 0: not known, or there is none */
	char who[ATTENDANCE_WHO_SIZE];
};

/* The first reference. */
struct attendance *attendance_new(void);
struct attendance *attendance_ref(struct attendance *attendance);
void attendance_unref(struct attendance *attendance);

/*
 * A request of `scraper` (never 0) that came at `now_us`, from `peer`, as
 * `user` (NULL: nobody).  True if that is news for the main thread: its
 * interval is known now, or it was missed.  Any thread.
 */
bool attendance_note(struct attendance *attendance, uint64_t scraper,
    const char *peer, const char *user, uint64_t now_us);

/* Somebody waits for the next request: that is news, once. */
void attendance_miss(struct attendance *attendance);

/* Those there are, in no order; their number. */
size_t attendance_read(
    const struct attendance *attendance, struct attendee all[ATTENDANCE_MAX]);

#endif
