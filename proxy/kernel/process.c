#include "proxy/kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proxy/kernel/flat.h"
#include "proxy/kernel/folder.h"

/* Counted one by one where the kernel (before 6.2) does not tell. */
#define COUNT_MAX 4096
#define THREADS_MAX 64
/* PF_EXITING of the kernel, whose flags are no secret. */
#define FLAG_EXITING 0x4

static void
copy_name(char out[PROCESS_NAME_SIZE], const char *from, const char *end)
{
	size_t i;

	for (i = 0; from < end && i < PROCESS_NAME_SIZE - 1; i++, from++)
		out[i] = *from < 0x20 || *from > 0x7e ? '?' : *from;
	out[i] = '\0';
}

bool
process_parse_stat(const char *text, struct process_stat *stat)
{
	/* The name may hold anything, ") R 1" too: the last one counts. */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned flags;

	memset(stat, 0, sizeof(*stat));
	if (open == NULL || close == NULL || close < open ||
	    sscanf(text, "%u", &stat->pid) != 1)
		return false;
	copy_name(stat->name, open + 1, close);
	if (sscanf(close + 1,
		" %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d "
		"%*d %*d %" SCNu64 " %*d %" SCNu64,
		&stat->state, &flags, &stat->threads, &stat->start_ticks) != 4)
		return false;
	stat->is_exiting = (flags & FLAG_EXITING) != 0 || stat->state == 'Z' ||
			   stat->state == 'X';
	return true;
}

bool
process_parse_limits(const char *text, uint64_t *max_fds)
{
	static const char key[] = "Max open files";
	const char *line = strstr(text, key);

	return line != NULL &&
	       sscanf(line + sizeof(key) - 1, " %" SCNu64, max_fds) == 1;
}

int
process_open(const char *root, unsigned pid)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/proc/%u", root, pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void
process_close(int *folder)
{
	if (*folder != -1)
		close(*folder);
	*folder = -1;
}

bool
process_read_stat(int folder, struct process_stat *stat)
{
	char text[FLAT_SIZE];

	if (flat_load(folder, "stat", text, sizeof(text)) <= 0)
		return false;
	errno = EINVAL;
	return process_parse_stat(text, stat);
}

bool
process_has_ended(int folder)
{
	struct process_stat stat;

	if (!process_read_stat(folder, &stat))
		return errno == ESRCH || errno == ENOENT;
	return stat.is_exiting;
}

static bool
count_entries(int folder, uint64_t *count)
{
	struct folder fds;

	if (!folder_open(&fds, folder, "fd"))
		return false;
	*count = 0;
	while (*count < COUNT_MAX && folder_next(&fds) != NULL)
		++*count;
	folder_close(&fds);
	return *count < COUNT_MAX;
}

bool
process_count_fds(int folder, uint64_t *open, uint64_t *max)
{
	char text[FLAT_SIZE];
	struct stat st;

	if (flat_load(folder, "limits", text, sizeof(text)) <= 0 ||
	    !process_parse_limits(text, max) || *max == 0)
		return false;
	/* Who may not read the folder gets the size all the same; before 6.2
	 * it is 0. */
	if (fstatat(folder, "fd", &st, 0) == 0 && st.st_size > 0) {
		*open = (uint64_t)st.st_size;
		return true;
	}
	return count_entries(folder, open);
}

static bool
is_in_lock(int tasks, const char *thread)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "%.32s/wchan", thread);
	return flat_load(tasks, path, text, sizeof(text)) > 0 &&
	       strncmp(text, "futex", 5) == 0;
}

bool
process_is_in_lock(int folder)
{
	struct folder tasks;
	const char *thread;
	unsigned count = 0;
	bool are_all = true;

	if (!folder_open(&tasks, folder, "task"))
		return false;
	while (are_all && (thread = folder_next(&tasks)) != NULL)
		are_all =
		    ++count <= THREADS_MAX && is_in_lock(tasks.fd, thread);
	folder_close(&tasks);
	return are_all && count > 0;
}

uint64_t
process_age_us(uint64_t start_ticks)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t start_us = start_ticks * 1000000 / hz, now_us;
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	return now_us > start_us ? now_us - start_us : 0;
}

bool
process_cpu_us(unsigned pid, uint64_t *cpu_us)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid((pid_t)pid, &clock) != 0 ||
	    clock_gettime(clock, &used) == -1)
		return false;
	*cpu_us =
	    (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
	return true;
}

const char *
process_odd_state(char state)
{
	switch (state) {
	case 'D':
		return "in uninterruptible sleep (disk or network storage)";
	case 'T':
		return "stopped by a signal";
	case 't':
		return "stopped by a debugger";
	default:
		return NULL;
	}
}
