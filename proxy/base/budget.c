#include "proxy/base/budget.h"

#include <stdatomic.h>

static atomic_size_t used;

void
budget_take(size_t bytes)
{
	atomic_fetch_add_explicit(&used, bytes, memory_order_relaxed);
}

void
budget_give(size_t bytes)
{
	atomic_fetch_sub_explicit(&used, bytes, memory_order_relaxed);
}

size_t
budget_used(void)
{
	return atomic_load_explicit(&used, memory_order_relaxed);
}
