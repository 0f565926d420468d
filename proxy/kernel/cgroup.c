#include "proxy/kernel/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/base/clock.h"
#include "proxy/base/file.h"
#include "proxy/kernel/flat.h"

/* How far up a limit is looked for. */
#define LEVELS_MAX 16
/* Version 1 writes "no limit" as the largest multiple of a page. */
#define NO_LIMIT (UINT64_C(1) << 60)
#define MOUNTINFO_MAX (1024 * 1024)
#define PATH_SIZE 720
/* A sample of a few hundred nanoseconds a file is cheap; so many in a row that
 * take longer are not. */
#define DEAR_US 30
#define DEAR_READS 8

static long
load_in(const char *dir, const char *file, char *text, size_t size)
{
	char path[PATH_SIZE];

	text[0] = '\0';
	if (dir[0] == '\0')
		return -1;
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return flat_load(AT_FDCWD, path, text, size);
}

/* "10000 100000": microseconds of each period; "max 100000" is no limit. */
static bool
read_cpu_limit(
    const char *dir, int version, uint64_t *quota_us, uint64_t *period_us)
{
	char text[128], *second;

	if (version == 1)
		return load_in(dir, "cpu.cfs_quota_us", text, sizeof(text)) >
			   0 &&
		       flat_whole(text, quota_us) &&
		       load_in(dir, "cpu.cfs_period_us", text, sizeof(text)) >
			   0 &&
		       flat_whole(text, period_us) && *period_us > 0;
	if (load_in(dir, "cpu.max", text, sizeof(text)) <= 0)
		return false;
	second = strchr(text, ' ');
	if (second == NULL)
		return false;
	*second++ = '\0';
	return flat_whole(text, quota_us) && flat_whole(second, period_us) &&
	       *period_us > 0;
}

static bool
read_memory_limit(const char *dir, int version, uint64_t *bytes)
{
	char text[128];

	return load_in(dir,
		   version == 2 ? "memory.max" : "memory.limit_in_bytes", text,
		   sizeof(text)) > 0 &&
	       flat_whole(text, bytes) && *bytes < NO_LIMIT;
}

static bool
has_limit(const char *dir, int version, enum cgroup_controller controller)
{
	uint64_t value, period;

	return controller == CGROUP_CPU
		   ? read_cpu_limit(dir, version, &value, &period)
		   : read_memory_limit(dir, version, &value);
}

/* The nearest level that is limited; else the own one. */
static void
find_level(char *out, size_t size, const struct cgroup_place *place,
    const char *root, enum cgroup_controller controller)
{
	struct cgroup_place level = *place;
	char dir[sizeof(((struct cgroup *)0)->cpu_dir)];
	int i;

	snprintf(out, size, "%s%s", root, place->dir);
	for (i = 0; i < LEVELS_MAX; i++) {
		snprintf(dir, sizeof(dir), "%s%s", root, level.dir);
		if (has_limit(dir, place->version, controller)) {
			snprintf(out, size, "%s", dir);
			return;
		}
		if (!cgroup_place_up(&level))
			return;
	}
}

void
cgroup_init(struct cgroup *cgroup)
{
	memset(cgroup, 0, sizeof(*cgroup));
	kept_file_init(&cgroup->cpu_stat);
	kept_file_init(&cgroup->memory_usage);
	kept_file_init(&cgroup->memory_kills);
	kept_file_init(&cgroup->memory_hits);
}

void
cgroup_close_memory(struct cgroup *cgroup)
{
	kept_file_close(&cgroup->memory_usage);
	kept_file_close(&cgroup->memory_kills);
	kept_file_close(&cgroup->memory_hits);
}

void
cgroup_close(struct cgroup *cgroup)
{
	kept_file_close(&cgroup->cpu_stat);
	cgroup_close_memory(cgroup);
	cgroup_init(cgroup);
}

unsigned
cgroup_kept(const struct cgroup *cgroup)
{
	return (unsigned)(cgroup->cpu_stat.fd != -1) +
	       (cgroup->memory_usage.fd != -1) +
	       (cgroup->memory_kills.fd != -1) + (cgroup->memory_hits.fd != -1);
}

void
cgroup_let_go(struct cgroup *cgroup)
{
	kept_file_let_go(&cgroup->cpu_stat);
	kept_file_let_go(&cgroup->memory_usage);
	kept_file_let_go(&cgroup->memory_kills);
	kept_file_let_go(&cgroup->memory_hits);
}

bool
cgroup_is_open(const struct cgroup *cgroup)
{
	return kept_file_is_there(&cgroup->cpu_stat) ||
	       kept_file_is_there(&cgroup->memory_usage);
}

static void
open_cpu(
    struct cgroup *cgroup, const struct cgroup_place *place, const char *root)
{
	find_level(
	    cgroup->cpu_dir, sizeof(cgroup->cpu_dir), place, root, CGROUP_CPU);
	cgroup->cpu_version = place->version;
	kept_file_open(&cgroup->cpu_stat, cgroup->cpu_dir, "cpu.stat");
}

static void
open_memory(
    struct cgroup *cgroup, const struct cgroup_place *place, const char *root)
{
	char own[sizeof(cgroup->memory_dir)];
	bool is_v2 = place->version == 2;

	snprintf(own, sizeof(own), "%s%s", root, place->dir);
	find_level(cgroup->memory_dir, sizeof(cgroup->memory_dir), place, root,
	    CGROUP_MEMORY);
	cgroup->memory_version = place->version;
	kept_file_open(&cgroup->memory_usage, cgroup->memory_dir,
	    is_v2 ? "memory.current" : "memory.usage_in_bytes");
	kept_file_open(&cgroup->memory_kills, own,
	    is_v2 ? "memory.events" : "memory.oom_control");
	if (!is_v2)
		kept_file_open(
		    &cgroup->memory_hits, cgroup->memory_dir, "memory.failcnt");
}

static bool
open_cgroup(struct cgroup *cgroup, const char *root, const char *procs,
    const char *mountinfo)
{
	struct cgroup_place place;

	cgroup_init(cgroup);
	if (cgroup_place_find(&place, CGROUP_CPU, procs, mountinfo)) {
		memcpy(cgroup->path, place.path, sizeof(cgroup->path));
		open_cpu(cgroup, &place, root);
	}
	if (cgroup_place_find(&place, CGROUP_MEMORY, procs, mountinfo)) {
		/* Where they differ, the one with a name says more. */
		if (strlen(place.path) > strlen(cgroup->path))
			memcpy(cgroup->path, place.path, sizeof(cgroup->path));
		open_memory(cgroup, &place, root);
	}
	return cgroup_is_open(cgroup);
}

/* A folder that is itself a cgroup, wherever it is mounted. */
static bool
is_folder_of_files(const char *root, const char *path)
{
	char dir[600], text[FLAT_SIZE];

	snprintf(dir, sizeof(dir), "%s%s", root, path);
	return load_in(dir, "cpu.stat", text, sizeof(text)) > 0 &&
	       load_in(dir, "cgroup.controllers", text, sizeof(text)) >= 0;
}

bool
cgroup_open_named(struct cgroup *cgroup, const char *root, const char *path,
    const char *mountinfo)
{
	struct cgroup_place place = { .version = 2 };

	cgroup_init(cgroup);
	snprintf(cgroup->path, sizeof(cgroup->path), "%s", path);
	if (strlen(path) < sizeof(place.dir) &&
	    is_folder_of_files(root, path)) {
		snprintf(place.dir, sizeof(place.dir), "%s", path);
		place.mount_len = strlen(path);
		open_cpu(cgroup, &place, root);
		open_memory(cgroup, &place, root);
		return cgroup_is_open(cgroup);
	}
	if (cgroup_place_named(&place, CGROUP_CPU, path, mountinfo))
		open_cpu(cgroup, &place, root);
	if (cgroup_place_named(&place, CGROUP_MEMORY, path, mountinfo))
		open_memory(cgroup, &place, root);
	return cgroup_is_open(cgroup);
}

/* With the mounts of `whose`, "self" or a PID, seen below `under`. */
static bool
open_seen_by(struct cgroup *cgroup, const char *root, const char *under,
    const char *procs, const char *whose)
{
	char path[600], *mountinfo;
	bool is_open = false;
	size_t len;

	snprintf(path, sizeof(path), "%s/proc/%s/mountinfo", root, whose);
	mountinfo = file_load(path, MOUNTINFO_MAX, &len);
	if (mountinfo == NULL)
		return false;
	snprintf(path, sizeof(path), "%s%s", root, under);
	is_open = open_cgroup(cgroup, path, procs, mountinfo);
	free(mountinfo);
	return is_open;
}

bool
cgroup_open_of(struct cgroup *cgroup, const char *root, unsigned pid)
{
	char whose[16] = "self", path[600], under[40], procs[FLAT_SIZE];

	cgroup_init(cgroup);
	if (pid != 0)
		snprintf(whose, sizeof(whose), "%u", pid);
	snprintf(path, sizeof(path), "%s/proc/%s/cgroup", root, whose);
	if (flat_load(AT_FDCWD, path, procs, sizeof(procs)) <= 0)
		return false;
	if (open_seen_by(cgroup, root, "", procs, "self"))
		return true;
	cgroup_close(cgroup);
	/* In a container of its own, with its own mounts. */
	snprintf(under, sizeof(under), "/proc/%s/root", whose);
	return pid != 0 && open_seen_by(cgroup, root, under, procs, whose);
}

static bool
is_gone(long len)
{
	return len == -1 && errno == ENODEV;
}

static void
take_cpu(const struct cgroup *cgroup, struct cgroup_sample *sample)
{
	bool is_v2 = cgroup->cpu_version == 2;
	char text[FLAT_SIZE];
	uint64_t time;
	long len = kept_file_read(&cgroup->cpu_stat, text, sizeof(text));

	if (is_gone(len))
		sample->is_gone = true;
	sample->has_cpu =
	    len > 0 && flat_value(text, "nr_periods", &sample->periods) &&
	    flat_value(text, "nr_throttled", &sample->throttled_periods) &&
	    flat_value(
		text, is_v2 ? "throttled_usec" : "throttled_time", &time);
	if (sample->has_cpu)
		sample->throttled_us = is_v2 ? time : time / 1000;
}

static void
take_memory(const struct cgroup *cgroup, struct cgroup_sample *sample)
{
	char text[FLAT_SIZE];
	long len = kept_file_read(&cgroup->memory_usage, text, sizeof(text));

	if (is_gone(len))
		sample->is_gone = true;
	sample->has_memory = len > 0 && flat_whole(text, &sample->memory);
	len = kept_file_read(&cgroup->memory_kills, text, sizeof(text));
	sample->has_kills =
	    len > 0 && flat_value(text, "oom_kill", &sample->kills);
	sample->has_hits = cgroup->memory_version == 2 && len > 0 &&
			   flat_value(text, "max", &sample->hits);
	if (!kept_file_is_there(&cgroup->memory_hits))
		return;
	len = kept_file_read(&cgroup->memory_hits, text, sizeof(text));
	sample->has_hits = len > 0 && flat_whole(text, &sample->hits);
}

void
cgroup_take(
    struct cgroup *cgroup, struct cgroup_sample *sample, uint64_t now_us)
{
	memset(sample, 0, sizeof(*sample));
	if (!cgroup_is_open(cgroup))
		return;
	sample->at_us = now_us;
	take_cpu(cgroup, sample);
	take_memory(cgroup, sample);
	/* One slow read, or a few, may be the scheduler's doing. */
	if (clock_now_us() - now_us <= DEAR_US)
		cgroup->slow_reads = 0;
	else if (cgroup->slow_reads < DEAR_READS)
		cgroup->slow_reads++;
}

void
cgroup_take_cpu(
    const struct cgroup *cgroup, struct cgroup_sample *sample, uint64_t now_us)
{
	memset(sample, 0, sizeof(*sample));
	if (!kept_file_is_there(&cgroup->cpu_stat))
		return;
	sample->at_us = now_us;
	take_cpu(cgroup, sample);
}

bool
cgroup_is_dear(const struct cgroup *cgroup)
{
	return cgroup->slow_reads == DEAR_READS;
}

/* Memory in use that is not just a copy of files nobody has touched lately. */
static bool
read_working_set(const struct cgroup *cgroup, uint64_t *bytes)
{
	char text[FLAT_SIZE];
	uint64_t used, inactive;

	if (kept_file_read(&cgroup->memory_usage, text, sizeof(text)) <= 0 ||
	    !flat_whole(text, &used) ||
	    load_in(cgroup->memory_dir, "memory.stat", text, sizeof(text)) <=
		0 ||
	    !flat_value(text,
		cgroup->memory_version == 2 ? "inactive_file"
					    : "total_inactive_file",
		&inactive))
		return false;
	*bytes = used > inactive ? used - inactive : 0;
	return true;
}

void
cgroup_look(const struct cgroup *cgroup, struct cgroup_state *state)
{
	char text[FLAT_SIZE];
	uint64_t quota_us;

	memset(state, 0, sizeof(*state));
	state->has_cpu_limit = read_cpu_limit(
	    cgroup->cpu_dir, cgroup->cpu_version, &quota_us, &state->period_us);
	if (state->has_cpu_limit)
		state->cpu_limit_millis = quota_us * 1000 / state->period_us;
	state->has_memory_limit = read_memory_limit(
	    cgroup->memory_dir, cgroup->memory_version, &state->memory_limit);
	state->has_working_set = read_working_set(cgroup, &state->working_set);
	state->has_cpu_pressure =
	    load_in(cgroup->cpu_dir, "cpu.pressure", text, sizeof(text)) > 0 &&
	    flat_pressure(text, "some", &state->cpu_pressure);
	state->has_memory_pressure =
	    load_in(cgroup->memory_dir, "memory.pressure", text, sizeof(text)) >
		0 &&
	    flat_pressure(text, "full", &state->memory_pressure);
}
