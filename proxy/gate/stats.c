#include "proxy/gate/stats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/target.h"
#include "proxy/base/alloc.h"
#include "proxy/gate/attendance.h"

const int stats_codes[STATS_CODES] = { 200, 400, 401, 403, 404, 405, 413, 414,
	417, 429, 431, 500, 502, 503, 504, 0 };

static const char *const use_names[CACHE_USE_COUNT] = { "none", "hit", "miss",
	"shared" };

const char *
cache_use_name(enum cache_use use)
{
	return use_names[use];
}

static struct stats_target *
new_target(void)
{
	struct stats_target *target = xcalloc(1, sizeof(*target));

	atomic_init(&target->refs, 1);
	target->attendance = attendance_new();
	return target;
}

static void
unref_target(struct stats_target *target)
{
	if (atomic_fetch_sub(&target->refs, 1) > 1)
		return;
	attendance_unref(target->attendance);
	free(target);
}

static struct stats_target *
ref_target(struct stats_target *target)
{
	atomic_fetch_add_explicit(&target->refs, 1, memory_order_relaxed);
	return target;
}

static struct stats_targets *
new_targets(size_t count)
{
	struct stats_targets *targets = xcalloc(
	    1, sizeof(*targets) + (count + 1) * sizeof(targets->items[0]));

	atomic_init(&targets->refs, 1);
	targets->count = count;
	return targets;
}

struct stats *
stats_new(size_t target_count)
{
	struct stats *stats = xcalloc(1, sizeof(*stats));
	size_t i;

	stats->targets = new_targets(target_count);
	for (i = 0; i <= target_count; i++)
		stats->targets->items[i] = new_target();
	return stats;
}

void
stats_free(struct stats *stats)
{
	if (stats == NULL)
		return;
	stats_targets_unref(stats->targets);
	free(stats);
}

/* One that stays is shared; NULL if `was` does not name it. */
static struct stats_target *
find_target(
    const struct stats_targets *old, const struct conf *was, const char *name)
{
	int i = conf_find_index(was, name);

	return i != -1 ? ref_target(old->items[i]) : NULL;
}

struct stats_targets *
stats_targets_next(const struct stats_targets *old, const struct conf *was,
    const struct conf *conf)
{
	struct stats_targets *next = new_targets(conf->target_count);
	size_t i;

	assert(old->count == was->target_count);
	for (i = 0; i < conf->target_count; i++) {
		next->items[i] = find_target(old, was, conf->targets[i].name);
		if (next->items[i] == NULL)
			next->items[i] = new_target();
	}
	next->items[i] = ref_target(old->items[old->count]);
	return next;
}

/* One that stays has it in common already. */
void
stats_targets_share(
    struct stats_targets *targets, const struct stats_targets *first)
{
	size_t i;

	assert(targets->count == first->count);
	for (i = 0; i <= targets->count; i++) {
		struct attendance *shared = first->items[i]->attendance;

		if (targets->items[i]->attendance == shared)
			continue;
		attendance_unref(targets->items[i]->attendance);
		targets->items[i]->attendance = attendance_ref(shared);
	}
}

struct stats_targets *
stats_targets_ref(struct stats_targets *targets)
{
	atomic_fetch_add_explicit(&targets->refs, 1, memory_order_relaxed);
	return targets;
}

void
stats_targets_unref(struct stats_targets *targets)
{
	size_t i;

	if (targets == NULL || atomic_fetch_sub(&targets->refs, 1) > 1)
		return;
	for (i = 0; i <= targets->count; i++)
		unref_target(targets->items[i]);
	free(targets);
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
stats_request(struct stats_targets *targets, size_t target, int status,
    enum cache_use use)
{
	assert(target <= targets->count);
	stats_add(&targets->items[target]->requests[find_code(status)][use]);
}
