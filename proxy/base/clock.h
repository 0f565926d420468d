/*
 * The two clocks.  Durations and deadlines use the monotonic one, records and
 * certificates the wall clock; both in microseconds.
 */
#ifndef PROXY_BASE_CLOCK_H
#define PROXY_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

uint64_t clock_now_us(void);  /* CLOCK_MONOTONIC */
uint64_t clock_wall_us(void); /* since 1970-01-01 UTC */

/* `by_us` after; never, rather than too early. */
uint64_t clock_later(uint64_t from_us, uint64_t by_us);
uint64_t clock_earlier(uint64_t a_us, uint64_t b_us);

/* From now until `deadline_us` (monotonic), zero if it has passed. */
struct timeval clock_until(uint64_t deadline_us);

#define CLOCK_TEXT_SIZE 32

/* RFC 3339 in UTC with milliseconds, as in 2026-11-22T10:57:13.123Z. */
const char *clock_text(uint64_t wall_us, char text[CLOCK_TEXT_SIZE]);

/* RFC 3339 back, with any fraction and offset; false if it is none. */
bool clock_read(const char *text, uint64_t *wall_us);

#endif
