/*
 * What one scan of an exposition learned: evidence for a diagnosis, without
 * any privilege.  Plain data.
 */
#ifndef PROXY_EXPOSITION_FACTS_H
#define PROXY_EXPOSITION_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACTS_NAME_MAX 96
#define FACTS_FAMILIES 10

/* What exporters tell of themselves, by client_golang's names. */
enum fact_value {
	FACT_START_TIME, /* process_start_time_seconds */
	FACT_OPEN_FDS,
	FACT_MAX_FDS,
	FACT_RESIDENT_BYTES,
	FACT_CPU_SECONDS,
	FACT_GO_ALLOC_BYTES, /* go_memstats_alloc_bytes */
	FACT_GO_HEAP_INUSE_BYTES,
	FACT_GO_HEAP_ALLOC_BYTES,
	FACT_GO_SYS_BYTES,
	FACT_GO_NEXT_GC_BYTES,
	FACT_GO_LAST_GC_TIME,
	FACT_GO_GOROUTINES,
	FACT_GO_GC_MAX_SECONDS, /* go_gc_duration_seconds{quantile="1"} */
	FACT_GO_GC_SUM_SECONDS,
	FACT_GO_GC_COUNT,
	FACT_COUNT
};

struct fact_family {
	char name[FACTS_NAME_MAX]; /* raw, cut */
	uint64_t bytes;            /* of its lines, metadata included */
	uint64_t samples;
};

struct exposition_facts {
	uint64_t bytes;
	uint64_t lines; /* read: none behind a refusal */
	uint64_t samples;
	uint64_t families;
	uint64_t exemplars;
	uint64_t histograms; /* native ones */
	uint64_t timestamps; /* samples that bring their own */
	uint64_t repeats;    /* of a series in this scrape, without timestamp */
	uint64_t untracked;  /* that the table had no room for: maybe repeats */

	struct fact_family top[FACTS_FAMILIES]; /* by bytes, largest first */
	size_t top_count;

	/* Since the last good scan of the same scanner. */
	bool has_series;        /* they were tracked, all of them */
	bool has_series_before; /* and in the scan before too */
	uint64_t series_added;
	uint64_t series_gone;

	bool has_value[FACT_COUNT];
	double value[FACT_COUNT];
};

/* "process_open_fds", for JSON. */
const char *fact_name(enum fact_value value);

#endif
