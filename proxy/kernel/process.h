/*
 * Another process, as /proc shows it.
 *
 * Held by a descriptor of its folder: once the process has ended nothing can
 * be read through it any more, even if its number is given to another.
 */
#ifndef PROXY_KERNEL_PROCESS_H
#define PROXY_KERNEL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#define PROCESS_NAME_SIZE 20

struct process_stat {
	unsigned pid;
	char name[PROCESS_NAME_SIZE]; /* printable ASCII */
	char state;                   /* of its first thread: R S D T t Z ... */
	bool is_exiting;              /* it closes its files, or has already */
	uint64_t start_ticks;         /* since boot */
	uint64_t threads;
};

/* Pure: the one line of /proc/PID/stat. */
bool process_parse_stat(const char *text, struct process_stat *stat);

/* Pure: the soft limit of open files, of /proc/PID/limits. */
bool process_parse_limits(const char *text, uint64_t *max_fds);

/* The folder below ROOT/proc; -1 with errno. */
int process_open(const char *root, unsigned pid);

void process_close(int *folder); /* and -1 it is; -1 is fine */

/* False with errno: ESRCH or ENOENT once it has ended. */
bool process_read_stat(int folder, struct process_stat *stat);

bool process_has_ended(int folder);

/*
 * How many descriptors it has open, and how many it may have; false if the
 * folder may not be read or the count would take long.
 */
bool process_count_fds(int folder, uint64_t *open, uint64_t *max);

/*
 * Do all its threads wait for a lock (a futex)?  False too if that may not be
 * read, or there are too many.
 */
bool process_is_in_lock(int folder);

/* How long a process has run that began at `start_ticks`. */
uint64_t process_age_us(uint64_t start_ticks);

/*
 * Processor time of process `pid` of the own namespace so far, by one system
 * call; false once there is none.  For comparing: the number may have been
 * given to another.
 */
bool process_cpu_us(unsigned pid, uint64_t *cpu_us);

/* For the words: 'D' is "uninterruptible sleep"; NULL: nothing odd. */
const char *process_odd_state(char state);

#endif
