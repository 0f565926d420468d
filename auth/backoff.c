#include "auth/backoff.h"

#include <string.h>

/* 2^6 half seconds are more than 30 s. */
#define DOUBLINGS_MAX 6

static uint64_t
delay_us(unsigned failures, uint32_t random)
{
	unsigned doublings = failures - 1;
	uint64_t us;

	us = (uint64_t)BACKOFF_FIRST_US
	     << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
	if (us > BACKOFF_MAX_US)
		us = BACKOFF_MAX_US;
	return us / 2 + ((us * random) >> 32);
}

void
backoff_failed(struct backoff *backoff, uint64_t began_us, uint64_t now_us,
    unsigned retry_after_s, uint32_t random)
{
	uint64_t wanted_us, until_us;

	if (retry_after_s > BACKOFF_RETRY_AFTER_MAX_S)
		retry_after_s = BACKOFF_RETRY_AFTER_MAX_S;
	if (backoff->failures == 0 || began_us >= backoff->failed_us) {
		backoff->failures++;
		backoff->failed_us = now_us;
		backoff->until_us =
		    now_us + delay_us(backoff->failures, random);
	}
	wanted_us = (uint64_t)retry_after_s * 1000000;
	until_us = now_us + wanted_us;
	if (wanted_us > 0 && backoff->until_us < until_us)
		backoff->until_us = until_us;
}

void
backoff_succeeded(struct backoff *backoff)
{
	memset(backoff, 0, sizeof(*backoff));
}

bool
backoff_is_over(const struct backoff *backoff, uint64_t now_us)
{
	return now_us >= backoff->until_us;
}
