#include "proxy/expiry.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "tls/certificate.h"

#define DAY_S INT64_C(86400)

static const int thresholds[] = { 0, 1, 7, 30 };
#define THRESHOLD_COUNT (sizeof(thresholds) / sizeof(thresholds[0]))

struct one {
	struct tls_certificate certificate;
	int told_days; /* the last threshold that was spoken of */
};

struct expiry {
	struct event *timer;
	struct one *all;
	size_t count;
};

/* Whoever lasts a day is renewed within it, and that is no news. */
static int64_t
first_s(int64_t life_s)
{
	int64_t most_s = thresholds[THRESHOLD_COUNT - 1] * DAY_S;

	return life_s > 0 && life_s / 3 < most_s ? life_s / 3 : most_s;
}

int
expiry_days(int64_t left_s, int64_t life_s)
{
	size_t i;

	if (left_s > 0 && left_s > first_s(life_s))
		return -1;
	for (i = 0; i < THRESHOLD_COUNT; i++)
		if (left_s <= thresholds[i] * DAY_S)
			return thresholds[i];
	return -1;
}

int64_t
expiry_wait_s(int64_t left_s, int64_t life_s)
{
	size_t i;

	if (left_s > 0 && left_s > first_s(life_s))
		return left_s - first_s(life_s);
	for (i = THRESHOLD_COUNT; i > 0; i--)
		if (left_s > thresholds[i - 1] * DAY_S)
			return left_s - thresholds[i - 1] * DAY_S;
	return 0;
}

static int64_t
left_of(const struct tls_certificate *certificate)
{
	return certificate->not_after - (int64_t)(clock_wall_us() / 1000000);
}

/* How long it lasts from beginning to end. */
static int64_t
life_of(const struct tls_certificate *certificate)
{
	return certificate->not_after - certificate->not_before;
}

static void
say(const struct tls_certificate *certificate, int days)
{
	bool is_list = strcmp(certificate->role, "crl") == 0;
	uint64_t end_us = (uint64_t)certificate->not_after * 1000000;
	char end[CLOCK_TEXT_SIZE], within[16];

	snprintf(within, sizeof(within), "%dd", days);
	log_warn(is_list ? (days > 0 ? "a revocation list ends soon"
				     : "a revocation list has ended")
			 : (days > 0 ? "a certificate ends soon"
				     : "a certificate has ended"),
	    "role", certificate->role, "subject", certificate->subject,
	    "within", days > 0 ? within : NULL, "not_after",
	    clock_text(end_us, end), NULL);
}

/* Returns how long until the next word about it, 0 for never. */
static int64_t
look_at(struct one *one)
{
	int64_t left_s = left_of(&one->certificate);
	int64_t life_s = life_of(&one->certificate);
	int days = expiry_days(left_s, life_s);

	if (one->certificate.not_after == 0)
		return 0; /* a revocation list without an end */
	if (days != -1 && days < one->told_days) {
		one->told_days = days;
		say(&one->certificate, days);
	}
	return expiry_wait_s(left_s, life_s);
}

static void
look(evutil_socket_t fd, short events, void *arg)
{
	struct expiry *expiry = arg;
	struct timeval wait = { .tv_sec = DAY_S };
	bool is_any = false;
	size_t i;

	(void)fd;
	(void)events;
	for (i = 0; i < expiry->count; i++) {
		int64_t wait_s = look_at(&expiry->all[i]);

		if (wait_s == 0)
			continue;
		is_any = true;
		if (wait_s < (int64_t)wait.tv_sec)
			wait.tv_sec = (time_t)wait_s;
	}
	if (is_any)
		evtimer_add(expiry->timer, &wait);
}

struct expiry *
expiry_new(struct event_base *base)
{
	struct expiry *expiry = xcalloc(1, sizeof(*expiry));

	expiry->timer = evtimer_new(base, look, expiry);
	return expiry;
}

void
expiry_free(struct expiry *expiry)
{
	if (expiry == NULL)
		return;
	event_free(expiry->timer);
	free(expiry->all);
	free(expiry);
}

/* Of one that was not there: nothing, unless it has ended, which was said by
 * who loaded it. */
static int
find_told(
    const struct expiry *expiry, const struct tls_certificate *certificate)
{
	size_t i;

	for (i = 0; i < expiry->count; i++) {
		const struct tls_certificate *old = &expiry->all[i].certificate;

		if (old->not_after == certificate->not_after &&
		    strcmp(old->role, certificate->role) == 0 &&
		    strcmp(old->serial, certificate->serial) == 0 &&
		    strcmp(old->subject, certificate->subject) == 0)
			return expiry->all[i].told_days;
	}
	return left_of(certificate) <= 0 ? 0 : INT_MAX;
}

void
expiry_set(struct expiry *expiry, const struct tls_certificate *certificates,
    size_t count)
{
	struct one *all = xcalloc(count + 1, sizeof(*all));
	size_t i;

	for (i = 0; i < count; i++) {
		all[i].certificate = certificates[i];
		all[i].told_days = find_told(expiry, &certificates[i]);
	}
	free(expiry->all);
	expiry->all = all;
	expiry->count = count;
	event_del(expiry->timer);
	look(-1, 0, expiry);
}
