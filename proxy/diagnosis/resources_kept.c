#include <errno.h>
#include <sys/resource.h>

#include "proxy/diagnosis/resources_parts.h"

/*
 * How many descriptors are kept for all exporters together.  There may be
 * hundreds of them on one host, while it is connections that descriptors are
 * for: an exporter that finds no room is looked at by opening its files each
 * time, which costs a few microseconds more.
 */

#define KEPT_MAX 128
/* For listeners, threads, the journal, files that are being loaded. */
#define RESERVE 64

unsigned
resources_kept_max(uint64_t soft)
{
	uint64_t share = soft > RESERVE ? (soft - RESERVE) / 4 : 0;

	return share < KEPT_MAX ? (unsigned)share : KEPT_MAX;
}

static unsigned
count_kept(const struct resources *resources)
{
	unsigned count = resources->folder != -1;

	if (resources->cgroup != NULL)
		count += cgroup_kept(resources->cgroup);
	return count;
}

unsigned
resources_room(const struct resources_book *book)
{
	const struct resources *resources;
	struct rlimit limit;
	unsigned kept = 0, max;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 0;
	max = resources_kept_max(limit.rlim_cur);
	TAILQ_FOREACH (resources, &book->all, link)
		kept += count_kept(resources);
	return kept < max ? max - kept : 0;
}

/* Its number may have been given to another meanwhile. */
static int
open_again(struct resources *resources)
{
	int folder = process_open(resources->book->root, resources->pid);
	struct process_stat stat;
	bool has_stat;

	if (folder == -1) {
		if (errno == ENOENT)
			resources_lose(resources);
		return -1;
	}
	has_stat = process_read_stat(folder, &stat);
	if (has_stat
		? stat.is_exiting || stat.start_ticks != resources->start_ticks
		: errno == ENOENT || errno == ESRCH)
		resources_lose(resources);
	if (resources->has_ended || !has_stat)
		process_close(&folder);
	return folder;
}

int
resources_hold_process(struct resources *resources)
{
	if (resources->has_ended || resources->pid == 0)
		return -1;
	if (resources->folder == -1)
		return open_again(resources);
	if (!process_has_ended(resources->folder))
		return resources->folder;
	resources_lose(resources);
	return -1;
}

void
resources_release_process(const struct resources *resources, int folder)
{
	if (folder != resources->folder)
		process_close(&folder);
}
