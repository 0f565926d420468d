/*
 * exporter-toolkit's rate_limit: one token bucket for all requests of the
 * gate, as Go's rate.NewLimiter(rate.Every(interval), burst).  The bucket
 * starts full, holds `burst` tokens and gets one each interval; without a
 * burst nothing is let through, which is what it does there too.
 *
 * Any thread: one atomic word, and the limit comes with each call, so a
 * reload neither fills the bucket nor needs a word with the workers.
 */
#ifndef AUTH_LIMITER_H
#define AUTH_LIMITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct conf_rate_limit;

/* All zero: full. */
struct limiter {
	/* When the bucket will be full again, monotonic. */
	_Atomic uint64_t full_us;
};

/* False: refused, with the whole seconds (at least 1) until it may fit. */
bool limiter_take(struct limiter *limiter, const struct conf_rate_limit *limit,
    uint64_t now_us, unsigned *retry_after_s);

#endif
