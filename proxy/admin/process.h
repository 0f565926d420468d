/*
 * What this process uses, as the system counts it: the figures behind the
 * process_* metrics.  What cannot be read is -1.
 */
#ifndef PROXY_ADMIN_PROCESS_H
#define PROXY_ADMIN_PROCESS_H

struct process_usage {
	double cpu_seconds;
	double resident_bytes;
	double virtual_bytes;
	double open_fds;
	double max_fds;
	double throttled_seconds; /* of its cgroup, for its CPU limit */
};

void process_measure(struct process_usage *usage);

#endif
