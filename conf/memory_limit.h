/*
 * The memory limit of the cgroup that this process runs in.
 */
#ifndef CONF_MEMORY_LIMIT_H
#define CONF_MEMORY_LIMIT_H

#include <stdint.h>

/*
 * Bytes, the least of the own cgroup's and its parents'; 0: no limit, or none
 * to be found.  cgroup v2 (memory.max) and v1 (memory.limit_in_bytes), below
 * "ROOT/proc/self/cgroup" and "ROOT/sys/fs/cgroup"; root is "" but in tests.
 */
uint64_t conf_memory_limit(const char *root);

#endif
