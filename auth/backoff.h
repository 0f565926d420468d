/*
 * How long to leave a service alone that has failed: half a second, doubled
 * with each failure up to 30 s, and up to half of that more or less, so that a
 * thousand sidecars do not come back at one time.  Pure.
 */
#ifndef AUTH_BACKOFF_H
#define AUTH_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_US 500000
#define BACKOFF_MAX_US 30000000
#define BACKOFF_RETRY_AFTER_MAX_S 60

/* All zero: nothing has failed.  Times are monotonic. */
struct backoff {
	unsigned failures; /* since the last success */
	uint64_t failed_us;
	uint64_t until_us;
};

/*
 * A call that began at `began_us` has failed.  Those that were on their way
 * together count as one failure.  `retry_after_s` is what the service asks for,
 * or 0; `random` any number.
 */
void backoff_failed(struct backoff *backoff, uint64_t began_us, uint64_t now_us,
    unsigned retry_after_s, uint32_t random);

void backoff_succeeded(struct backoff *backoff);

bool backoff_is_over(const struct backoff *backoff, uint64_t now_us);

#endif
