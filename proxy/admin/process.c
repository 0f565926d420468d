#include "proxy/admin/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "proxy/base/clock.h"
#include "proxy/kernel/cgroup.h"

static double
read_cpu(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == -1)
		return -1;
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
read_memory(struct process_usage *usage)
{
	FILE *file = fopen("/proc/self/statm", "re");
	double page = (double)sysconf(_SC_PAGESIZE);
	unsigned long all, resident;

	usage->virtual_bytes = usage->resident_bytes = -1;
	if (file == NULL)
		return;
	if (fscanf(file, "%lu %lu", &all, &resident) == 2) {
		usage->virtual_bytes = (double)all * page;
		usage->resident_bytes = (double)resident * page;
	}
	fclose(file);
}

static double
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *item;
	double count = 0;

	if (dir == NULL)
		return -1;
	while ((item = readdir(dir)) != NULL)
		if (item->d_name[0] != '.')
			count++;
	closedir(dir);
	return count - 1; /* less the folder's own */
}

static double
read_max_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return -1;
	return (double)limit.rlim_cur;
}

static double
read_throttled(void)
{
	struct cgroup_sample sample;
	struct cgroup cgroup;

	if (!cgroup_open_of(&cgroup, "", 0))
		return -1;
	cgroup_take_cpu(&cgroup, &sample, clock_now_us());
	cgroup_close(&cgroup);
	return sample.has_cpu ? (double)sample.throttled_us / 1e6 : -1;
}

void
process_measure(struct process_usage *usage)
{
	usage->cpu_seconds = read_cpu();
	read_memory(usage);
	usage->open_fds = count_fds();
	usage->max_fds = read_max_fds();
	usage->throttled_seconds = read_throttled();
}
