/*
 * Whose socket is it?  Walks through /proc/PID/fd, which takes long where
 * there are many processes: not for an event loop, and bounded.
 */
#ifndef PROXY_KERNEL_OWNERS_H
#define PROXY_KERNEL_OWNERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct owner {
	uint64_t inode; /* wanted; 0: none */
	unsigned pid;   /* 0: not found */
	/* Of several that share it the first one started, which is the master
	 * that made it. */
	uint64_t start_ticks;
};

struct owners_limits {
	unsigned processes;
	unsigned links;
	uint64_t until_us; /* monotonic */
};

struct owners_result {
	unsigned processes; /* looked into */
	unsigned denied;    /* of others, not to be looked into */
	bool gave_up;       /* a limit was met, or it was told to stop */
};

/*
 * Leaves out processes that hold the sockets of others: the own one, systemd
 * and what forwards a container's ports.
 */
void owners_find(struct owner *owners, size_t count, const char *root,
    const struct owners_limits *limits, const atomic_bool *stop,
    struct owners_result *result);

#endif
