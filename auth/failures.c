#include "auth/failures.h"

uint64_t
failures_add(struct failures *failures, uint64_t now_us)
{
	uint64_t due_us =
	    atomic_load_explicit(&failures->next_line_us, memory_order_relaxed);

	atomic_fetch_add_explicit(&failures->count, 1, memory_order_relaxed);
	if (now_us < due_us ||
	    !atomic_compare_exchange_strong(&failures->next_line_us, &due_us,
		now_us + FAILURES_LINE_SECONDS * UINT64_C(1000000)))
		return 0;
	return atomic_exchange_explicit(
	    &failures->count, 0, memory_order_relaxed);
}
