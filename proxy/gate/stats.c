#include "proxy/gate/stats.h"

#include <assert.h>
#include <stdlib.h>

#include "proxy/base/alloc.h"

const int stats_codes[STATS_CODES] = { 200, 400, 401, 403, 404, 405, 413, 414,
	417, 429, 431, 500, 502, 503, 504, 0 };

static const char *const use_names[CACHE_USE_COUNT] = { "none", "hit", "miss",
	"shared" };

const char *
cache_use_name(enum cache_use use)
{
	return use_names[use];
}

struct stats *
stats_new(size_t target_count)
{
	struct stats *stats = xcalloc(1, sizeof(*stats));

	stats->target_count = target_count;
	stats->requests = xcalloc(target_count + 1, sizeof(*stats->requests));
	return stats;
}

void
stats_free(struct stats *stats)
{
	if (stats == NULL)
		return;
	free(stats->requests);
	free(stats);
}

/* With one writer a load and a store do; they cost no bus lock. */
void
stats_add(stats_counter *counter)
{
	atomic_store_explicit(counter,
	    atomic_load_explicit(counter, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

void
stats_sub(stats_counter *counter)
{
	atomic_store_explicit(counter,
	    atomic_load_explicit(counter, memory_order_relaxed) - 1,
	    memory_order_relaxed);
}

uint64_t
stats_read(const stats_counter *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static size_t
find_code(int status)
{
	size_t i;

	/* Only the gate's own tables choose a status: each has its slot. */
	for (i = 0; stats_codes[i] != status; i++)
		assert(stats_codes[i] != 0);
	return i;
}

void
stats_request(struct stats *stats, size_t target, int status,
    enum cache_use use)
{
	assert(target <= stats->target_count);
	stats_add(&stats->requests[target][find_code(status)][use]);
}
