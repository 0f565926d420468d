#include "proxy/admin/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

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

void
process_measure(struct process_usage *usage)
{
	usage->cpu_seconds = read_cpu();
	read_memory(usage);
	usage->open_fds = count_fds();
	usage->max_fds = read_max_fds();
}
