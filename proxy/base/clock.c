#include "proxy/base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
clock_now_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t
clock_wall_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

struct timeval
clock_until(uint64_t deadline_us)
{
	uint64_t now = clock_now_us();
	uint64_t left = deadline_us > now ? deadline_us - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(left / 1000000),
		.tv_usec = (suseconds_t)(left % 1000000) };

	return tv;
}

const char *
clock_text(uint64_t wall_us, char text[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, CLOCK_TEXT_SIZE - len, ".%03uZ",
	    (unsigned)(wall_us / 1000 % 1000));
	return text;
}
