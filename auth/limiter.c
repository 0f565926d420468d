#include "auth/limiter.h"

#include <limits.h>

#include "conf/conf.h"

/* A year, and a sum of both times that is far from overflowing. */
#define INTERVAL_MAX_US ((uint64_t)1 << 45)
#define BUCKET_MAX_US ((uint64_t)1 << 62)

static uint64_t
multiply(uint64_t a, uint64_t b, uint64_t max)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product) || product > max)
		return max;
	return product;
}

static unsigned
whole_seconds(uint64_t us)
{
	uint64_t seconds = us / 1000000 + (us % 1000000 != 0);

	if (seconds == 0)
		return 1;
	return seconds > UINT_MAX ? UINT_MAX : (unsigned)seconds;
}

bool
limiter_take(struct limiter *limiter, const struct conf_rate_limit *limit,
    uint64_t now_us, unsigned *retry_after_s)
{
	uint64_t interval_us, empty_us, full_us, next_us;

	if (limit->interval <= 0)
		return true;
	interval_us =
	    multiply((uint64_t)limit->interval, 1000, INTERVAL_MAX_US);
	empty_us = multiply(interval_us, limit->burst, BUCKET_MAX_US);
	full_us = atomic_load_explicit(&limiter->full_us, memory_order_relaxed);
	do {
		uint64_t from_us = full_us > now_us ? full_us : now_us;

		/* Emptier than empty: a reload made the bucket smaller. */
		if (from_us > now_us + empty_us)
			from_us = now_us + empty_us;
		next_us = from_us + interval_us;
		if (next_us > now_us + empty_us) {
			*retry_after_s =
			    whole_seconds(next_us - now_us - empty_us);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(&limiter->full_us,
	    &full_us, next_us, memory_order_relaxed, memory_order_relaxed));
	return true;
}
