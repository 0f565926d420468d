#include "proxy/exposition/learn.h"

#include <assert.h>
#include <string.h>

#include "proxy/exposition/fingerprint.h"

/* Milliseconds before 1973, and after 5138. */
#define SECONDS_BELOW ((int64_t)100000000000)
#define MICRO_ABOVE ((int64_t)100000000000000)

/* Of a known value: more than any exporter has bytes. */
#define VALUE_MAX 1e18

#define TEXT(text) text, sizeof(text) - 1

static const struct {
	const char *name;
	size_t len;
	const char *labels; /* between the braces */
} known[FACT_COUNT] = {
	[FACT_START_TIME] = { TEXT("process_start_time_seconds"), "" },
	[FACT_OPEN_FDS] = { TEXT("process_open_fds"), "" },
	[FACT_MAX_FDS] = { TEXT("process_max_fds"), "" },
	[FACT_RESIDENT_BYTES] = { TEXT("process_resident_memory_bytes"), "" },
	[FACT_CPU_SECONDS] = { TEXT("process_cpu_seconds_total"), "" },
	[FACT_GO_ALLOC_BYTES] = { TEXT("go_memstats_alloc_bytes"), "" },
	[FACT_GO_HEAP_INUSE_BYTES] = { TEXT("go_memstats_heap_inuse_bytes"),
	    "" },
	[FACT_GO_HEAP_ALLOC_BYTES] = { TEXT("go_memstats_heap_alloc_bytes"),
	    "" },
	[FACT_GO_SYS_BYTES] = { TEXT("go_memstats_sys_bytes"), "" },
	[FACT_GO_NEXT_GC_BYTES] = { TEXT("go_memstats_next_gc_bytes"), "" },
	[FACT_GO_LAST_GC_TIME] = { TEXT("go_memstats_last_gc_time_seconds"),
	    "" },
	[FACT_GO_GOROUTINES] = { TEXT("go_goroutines"), "" },
	[FACT_GO_GC_MAX_SECONDS] = { TEXT("go_gc_duration_seconds"),
	    "quantile=\"1\"" },
	[FACT_GO_GC_SUM_SECONDS] = { TEXT("go_gc_duration_seconds_sum"), "" },
	[FACT_GO_GC_COUNT] = { TEXT("go_gc_duration_seconds_count"), "" },
};

const char *
fact_name(enum fact_value value)
{
	assert((unsigned)value < FACT_COUNT);
	return known[value].name;
}

void
learn_init(struct learn *learn, size_t slot_max, struct warnings *warnings)
{
	memset(learn, 0, sizeof(*learn));
	series_memory_init(&learn->own, slot_max);
	learn->warnings = warnings;
	learn->memory = &learn->own;
	families_init(&learn->families);
}

void
learn_fini(struct learn *learn)
{
	series_memory_fini(&learn->own);
	families_fini(&learn->families);
}

void
learn_begin(struct learn *learn, int64_t now_ms, bool keeps_series,
    bool stops_when_full, struct series_memory *memory)
{
	learn->memory = memory != NULL ? memory : &learn->own;
	learn->seed = learn->memory->seed;
	memset(&learn->facts, 0, sizeof(learn->facts));
	learn->facts.has_series_before = learn->memory->has_baseline;
	warnings_reset(learn->warnings);
	learn->now_ms = now_ms;
	learn->keeps_series = keeps_series;
	learn->stops_when_full = stops_when_full;
	learn->line = 1;
	learn->name_len = 0;
	learn->known = -1;
	learn->last_series = 0;
	learn->last_has_timestamp = false;
	families_begin(&learn->families, learn->seed);
}

static void
warn(struct learn *learn, enum warning warning)
{
	warnings_add(learn->warnings, warning, learn->line,
	    learn->families.name, learn->families.name_len);
}

void
learn_metadata(struct learn *learn, enum parse_end kind,
    const unsigned char *name, size_t len, size_t bytes)
{
	bool is_late;

	/* The next sample is looked at anew, whatever its name. */
	learn->name_len = 0;
	families_open(&learn->families, name, len);
	learn->families.bytes += bytes;
	if (kind == PARSE_HELP &&
	    !families_mark(&learn->families, FAMILIES_HELPED))
		warn(learn, WARNING_TYPE_TWICE);
	if (kind != PARSE_TYPE)
		return;
	is_late = families_is(&learn->families, FAMILIES_SAMPLED);
	if (!families_mark(&learn->families, FAMILIES_TYPED))
		warn(learn, WARNING_TYPE_TWICE);
	else if (is_late)
		warn(learn, WARNING_TYPE_LATE);
}

static int
find_known(const unsigned char *name, size_t len)
{
	int i;

	if (len < 4 ||
	    (memcmp(name, "go_", 3) != 0 && memcmp(name, "proc", 4) != 0))
		return -1;
	for (i = 0; i < FACT_COUNT; i++)
		if (known[i].len == len &&
		    memcmp(known[i].name, name, len) == 0)
			return i;
	return -1;
}

void
learn_name(struct learn *learn, const unsigned char *name, size_t len)
{
	struct families *families = &learn->families;

	learn->known = find_known(name, len);
	if (!families_is_open(families, name, len) &&
	    !families_has(families, name, len))
		families_open(families, name, len);
	/* One hash serves both if the family has that very name. */
	learn->name_hash = len == families->name_len
			       ? families->hash
			       : fingerprint_bytes(learn->seed, name, len);
	if (!families_sample(families))
		warn(learn, WARNING_INTERLEAVED);
	learn->name_len = 0;
	if (len <= sizeof(learn->name)) {
		memcpy(learn->name, name, len);
		learn->name_len = len;
	}
}

static void
see_series(struct learn *learn, uint64_t fingerprint)
{
	switch (series_set_see(&learn->memory->set, fingerprint)) {
	case SERIES_REPEATED:
		learn->facts.repeats++;
		warn(learn, WARNING_DUPLICATE);
		break;
	case SERIES_UNTRACKED:
		learn->facts.untracked++;
		break;
	case SERIES_NEW:
	case SERIES_KEPT:
		break;
	}
}

void
learn_series(struct learn *learn, uint64_t fingerprint)
{
	if (learn_looks_up(learn))
		see_series(learn, fingerprint);
	learn->last_has_timestamp = false;
}

static void
judge_timestamp(struct learn *learn, int64_t timestamp_ms)
{
	int64_t now_ms = learn->now_ms;

	if (timestamp_ms > 0 && timestamp_ms < SECONDS_BELOW)
		warn(learn, WARNING_TIMESTAMP_SECONDS);
	else if (timestamp_ms > MICRO_ABOVE)
		warn(learn, WARNING_TIMESTAMP_MICRO);
	else if (now_ms > 0 && timestamp_ms > now_ms + LEARN_AHEAD_MAX_MS)
		warn(learn, WARNING_TIMESTAMP_FUTURE);
	else if (now_ms > 0 && timestamp_ms < now_ms - LEARN_BEHIND_MAX_MS)
		warn(learn, WARNING_TIMESTAMP_OLD);
}

/*
 * With timestamps a series may well come several times, in order; only those
 * that follow one another are compared.
 */
void
learn_timed_series(
    struct learn *learn, uint64_t fingerprint, int64_t timestamp_ms)
{
	learn->facts.timestamps++;
	judge_timestamp(learn, timestamp_ms);
	if (learn->last_has_timestamp && learn->last_series == fingerprint) {
		if (timestamp_ms < learn->last_timestamp_ms)
			warn(learn, WARNING_OUT_OF_ORDER);
		else if (timestamp_ms == learn->last_timestamp_ms)
			warn(learn, WARNING_DUPLICATE);
	} else if (learn_looks_up(learn))
		series_set_see(&learn->memory->set, fingerprint);
	learn->last_has_timestamp = true;
	learn->last_series = fingerprint;
	learn->last_timestamp_ms = timestamp_ms;
}

void
learn_value(struct learn *learn, const unsigned char *labels, size_t labels_len,
    double value)
{
	const char *wanted = known[learn->known].labels;

	if (strlen(wanted) != labels_len ||
	    memcmp(wanted, labels, labels_len) != 0)
		return;
	/* NaN, infinite or negative: it cannot be true. */
	if (!(value >= 0 && value < VALUE_MAX))
		return;
	learn->facts.has_value[learn->known] = true;
	learn->facts.value[learn->known] = value;
}

void
learn_end(struct learn *learn, bool is_good)
{
	struct exposition_facts *facts = &learn->facts;
	struct series_memory *memory = learn->memory;

	learn->memory = &learn->own;
	families_end(&learn->families, facts);
	warnings_sort(learn->warnings);
	facts->has_series =
	    learn->keeps_series && is_good && !memory->set.is_full;
	facts->series_added = memory->set.added;
	facts->series_gone = series_set_gone(&memory->set);
	if (!learn->keeps_series)
		return;
	if (is_good)
		memory->has_baseline = !memory->set.is_full;
	series_set_end(&memory->set, is_good);
}
