#include "proxy/kernel/owners.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/base/clock.h"
#include "proxy/kernel/entry.h"
#include "proxy/kernel/folder.h"
#include "proxy/kernel/process.h"

struct walk {
	struct owner *owners;
	size_t count;
	const struct owners_limits *limits;
	const atomic_bool *stop;
	struct owners_result *result;
	unsigned links;
};

/* Their own troubles are not those of whom they hold the socket for. */
static bool
is_stand_in(const struct process_stat *stat)
{
	static const char *const names[] = { "docker-proxy", "rootlessport",
		"slirp4netns", "pasta", "pasta.avx2", "conmon" };
	size_t i;

	if (stat->pid == (unsigned)getpid() ||
	    (stat->pid == 1 && strcmp(stat->name, "systemd") == 0))
		return true;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(stat->name, names[i]) == 0)
			return true;
	return false;
}

static bool
is_over(struct walk *walk)
{
	const struct owners_limits *limits = walk->limits;

	if (!atomic_load_explicit(walk->stop, memory_order_relaxed) &&
	    walk->result->processes < limits->processes &&
	    walk->links < limits->links && clock_now_us() < limits->until_us)
		return false;
	walk->result->gave_up = true;
	return true;
}

static void
claim(struct walk *walk, uint64_t inode, const struct process_stat *stat)
{
	struct owner *owner;
	size_t i;

	for (i = 0; i < walk->count; i++) {
		owner = &walk->owners[i];
		if (owner->inode != inode ||
		    (owner->pid != 0 &&
			owner->start_ticks <= stat->start_ticks))
			continue;
		owner->pid = stat->pid;
		owner->start_ticks = stat->start_ticks;
	}
}

static void
read_links(
    struct walk *walk, struct folder *fds, const struct process_stat *stat)
{
	const char *name;
	char target[64];
	uint64_t inode;
	ssize_t len;

	while (walk->links < walk->limits->links &&
	       (name = folder_next(fds)) != NULL) {
		walk->links++;
		len = readlinkat(fds->fd, name, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1)
			claim(walk, inode, stat);
	}
}

static void
look_into(struct walk *walk, int proc, const char *name)
{
	struct process_stat stat;
	struct folder fds;
	int folder = entry_open(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (folder == -1)
		return;
	if (process_read_stat(folder, &stat) && !is_stand_in(&stat)) {
		walk->result->processes++;
		if (folder_open(&fds, folder, "fd")) {
			read_links(walk, &fds, &stat);
			folder_close(&fds);
		} else if (errno == EACCES || errno == EPERM) {
			walk->result->denied++;
		}
	}
	close(folder);
}

void
owners_find(struct owner *owners, size_t count, const char *root,
    const struct owners_limits *limits, const atomic_bool *stop,
    struct owners_result *result)
{
	struct walk walk = { .owners = owners,
		.count = count,
		.limits = limits,
		.stop = stop,
		.result = result };
	struct folder proc;
	char path[512];
	const char *name;

	memset(result, 0, sizeof(*result));
	snprintf(path, sizeof(path), "%s/proc", root);
	if (!folder_open(&proc, AT_FDCWD, path))
		return;
	while ((name = folder_next(&proc)) != NULL) {
		if (!isdigit((unsigned char)name[0]))
			continue;
		if (is_over(&walk))
			break;
		look_into(&walk, proc.fd, name);
	}
	folder_close(&proc);
}
