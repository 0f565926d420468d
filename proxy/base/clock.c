#include "proxy/base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
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

uint64_t
clock_later(uint64_t from_us, uint64_t by_us)
{
	return by_us > UINT64_MAX - from_us ? UINT64_MAX : from_us + by_us;
}

uint64_t
clock_earlier(uint64_t a_us, uint64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
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

/* `count` digits at *text, which moves on; -1 if they are none. */
static int
read_digits(const char **text, int count)
{
	int value = 0;

	for (; count > 0; count--, ++*text) {
		if (!isdigit((unsigned char)**text))
			return -1;
		value = value * 10 + (**text - '0');
	}
	return value;
}

static bool
skip(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

/* "2026-11-22T10:57:13", in whichever zone. */
static bool
read_civil(const char **text, uint64_t *seconds)
{
	struct tm tm = { .tm_isdst = 0 }, again;
	int year, month;
	time_t time;

	year = read_digits(text, 4);
	if (year < 1970 || !skip(text, '-'))
		return false;
	month = read_digits(text, 2);
	if (month < 1 || !skip(text, '-'))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = read_digits(text, 2);
	if (!skip(text, 'T') && !skip(text, 't'))
		return false;
	tm.tm_hour = read_digits(text, 2);
	if (!skip(text, ':'))
		return false;
	tm.tm_min = read_digits(text, 2);
	if (!skip(text, ':'))
		return false;
	tm.tm_sec = read_digits(text, 2);
	again = tm;
	time = timegm(&again);
	*seconds = (uint64_t)time;
	/* The 31st of April would be the 1st of May. */
	return time >= 0 && again.tm_mon == tm.tm_mon &&
	       again.tm_mday == tm.tm_mday && again.tm_hour == tm.tm_hour &&
	       again.tm_min == tm.tm_min && again.tm_sec == tm.tm_sec;
}

static bool
read_fraction(const char **text, uint64_t *us)
{
	uint64_t unit = 100000;

	*us = 0;
	if (!skip(text, '.'))
		return true;
	if (!isdigit((unsigned char)**text))
		return false;
	for (; isdigit((unsigned char)**text); ++*text, unit /= 10)
		*us += unit * (uint64_t)(**text - '0');
	return true;
}

/* "Z" or "+01:00": what is to be taken off. */
static bool
read_offset(const char **text, int64_t *seconds)
{
	int sign, hours, minutes;

	*seconds = 0;
	if (skip(text, 'Z') || skip(text, 'z'))
		return true;
	sign = skip(text, '+') ? 1 : skip(text, '-') ? -1 : 0;
	hours = sign != 0 ? read_digits(text, 2) : -1;
	if (hours < 0 || hours > 23 || !skip(text, ':'))
		return false;
	minutes = read_digits(text, 2);
	*seconds = sign * (hours * 3600 + minutes * 60);
	return minutes >= 0 && minutes < 60;
}

bool
clock_read(const char *text, uint64_t *wall_us)
{
	uint64_t seconds, us;
	int64_t offset;

	if (!read_civil(&text, &seconds) || !read_fraction(&text, &us) ||
	    !read_offset(&text, &offset) || *text != '\0' ||
	    (int64_t)seconds < offset)
		return false;
	*wall_us = ((uint64_t)((int64_t)seconds - offset)) * 1000000 + us;
	return true;
}
