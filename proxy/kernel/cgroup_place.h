/*
 * Where the files of a process' cgroup are: from the texts of
 * /proc/PID/cgroup and of a mountinfo.  Pure.
 *
 * Both versions, and both at once ("hybrid", where version 2 is mounted
 * without controllers): a controller that the process has under version 1 is
 * looked for there, any other under version 2.
 */
#ifndef PROXY_KERNEL_CGROUP_PLACE_H
#define PROXY_KERNEL_CGROUP_PLACE_H

#include <stdbool.h>
#include <stddef.h>

enum cgroup_controller { CGROUP_CPU, CGROUP_MEMORY, CGROUP_CONTROLLERS };

struct cgroup_place {
	int version;      /* 1 or 2; 0: not found */
	size_t mount_len; /* the part of `dir` that is the mount point */
	char dir[512];    /* of the cgroup itself */
	char path[256];   /* in its hierarchy: what /proc/PID/cgroup says */
};

/*
 * False, with version 0, if the process is in no such hierarchy or its cgroup
 * is outside of what is mounted, as a neighbour's is in a container.
 */
bool cgroup_place_find(struct cgroup_place *place,
    enum cgroup_controller controller, const char *cgroup,
    const char *mountinfo);

/*
 * As if a process were in the cgroup `path`, in all hierarchies.  A path may
 * also begin with /sys/fs/cgroup and, under version 1, a controller's folder.
 */
bool cgroup_place_named(struct cgroup_place *place,
    enum cgroup_controller controller, const char *path, const char *mountinfo);

/* One level up; false at the mount point. */
bool cgroup_place_up(struct cgroup_place *place);

#endif
