/*
 * What the kernel counts of a cgroup: processor time withheld, memory used,
 * processes killed for want of memory.  Both versions.
 *
 * Limits bind whatever is below them, so each is looked for upwards from the
 * process' own cgroup, as far as is mounted; throttling and memory in use are
 * those of the nearest cgroup that has the limit, kills those of the process'
 * own.  What is asked for at every scrape is read from descriptors that are
 * kept, or opened each time once they were let go; either tells that the cgroup
 * is no more.
 */
#ifndef PROXY_KERNEL_CGROUP_H
#define PROXY_KERNEL_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/kernel/cgroup_place.h"
#include "proxy/kernel/kept_file.h"

struct cgroup {
	/* With the prefix they are to be read under; "" without. */
	char cpu_dir[600];
	char memory_dir[600];
	char path[256]; /* of the process' own, as /proc/PID/cgroup has it */
	int cpu_version;
	int memory_version;
	struct kept_file cpu_stat;
	struct kept_file memory_usage;
	struct kept_file memory_kills;
	struct kept_file memory_hits; /* of the limit; version 1 */
	unsigned slow_reads;          /* samples in a row that took long */
};

/* Counts since the cgroup was made; has_: they could be read. */
struct cgroup_sample {
	uint64_t at_us; /* monotonic; 0: never taken */
	bool is_gone;   /* the cgroup itself */
	bool has_cpu;
	bool has_memory;
	bool has_kills;
	bool has_hits;
	uint64_t periods;
	uint64_t throttled_periods;
	uint64_t throttled_us; /* over all its processors */
	uint64_t memory;       /* bytes */
	uint64_t kills;
	uint64_t hits;
};

/* What is read only when something is to be explained. */
struct cgroup_state {
	bool has_cpu_limit;
	bool has_memory_limit;
	bool has_working_set;
	bool has_cpu_pressure;
	bool has_memory_pressure;
	uint64_t cpu_limit_millis; /* thousandths of a processor */
	uint64_t period_us;
	uint64_t memory_limit;
	uint64_t working_set;   /* memory less what can be dropped at once */
	double cpu_pressure;    /* some avg10, %, of it alone */
	double memory_pressure; /* full avg10, % */
};

void cgroup_init(struct cgroup *cgroup);

/*
 * As configured: a folder of such files, or a path for all hierarchies.  `root`
 * is in front of /proc and of the folders that the texts name; see
 * cgroup_place_find() for those.  Opens what there is; false: nothing.
 */
bool cgroup_open_named(struct cgroup *cgroup, const char *root,
    const char *path, const char *mountinfo);

/* Of process `pid`, or the own (0); a container's through its root folder. */
bool cgroup_open_of(struct cgroup *cgroup, const char *root, unsigned pid);

/* Where only the processor matters. */
void cgroup_close_memory(struct cgroup *cgroup);

/* How many descriptors it keeps. */
unsigned cgroup_kept(const struct cgroup *cgroup);

/* Keeps none from now on: a sample takes longer. */
void cgroup_let_go(struct cgroup *cgroup);

void cgroup_close(struct cgroup *cgroup);

bool cgroup_is_open(const struct cgroup *cgroup);

/* Of one; `now_us` is noted as the time of the sample. */
void cgroup_take(
    struct cgroup *cgroup, struct cgroup_sample *sample, uint64_t now_us);

/* The same without memory. */
void cgroup_take_cpu(
    const struct cgroup *cgroup, struct cgroup_sample *sample, uint64_t now_us);

/*
 * Does a sample take long?  Version 2 gathers counts of all processors when
 * it is read, which on a large machine is work.
 */
bool cgroup_is_dear(const struct cgroup *cgroup);

void cgroup_look(const struct cgroup *cgroup, struct cgroup_state *state);

#endif
