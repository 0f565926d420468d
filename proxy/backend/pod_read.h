/*
 * What the Kubernetes API says of the gate's own pod, as far as it explains why
 * a scrape fails: how its containers are and how they ended last, what has
 * happened, and what the annotations tell service discovery.
 *
 * Pure.  Answers are foreign: whatever they hold is escaped, cut and bounded.
 */
#ifndef PROXY_BACKEND_POD_READ_H
#define PROXY_BACKEND_POD_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define POD_CONTAINERS 8
#define POD_EVENTS 4
#define POD_NAME_SIZE 64
#define POD_REASON_SIZE 48
#define POD_MESSAGE_SIZE 128

/* A Pod with its managed fields is about half as deep. */
#define POD_DEPTH_MAX 40

/* core/v1 ContainerStatus.  Times are 0 where there is none. */
struct pod_container {
	char name[POD_NAME_SIZE];
	unsigned restarts;
	bool is_running;
	uint64_t started_wall_us;
	char waiting[POD_REASON_SIZE]; /* "CrashLoopBackOff", or "" */
	/* How it ended last: now, if it does not run; "" if it never has. */
	char ended[POD_REASON_SIZE]; /* "OOMKilled", "Error", "Completed" */
	int exit_code;
	uint64_t ended_wall_us;
};

/* core/v1 Event, the newest first. */
struct pod_event {
	char reason[POD_REASON_SIZE];
	char message[POD_MESSAGE_SIZE];
	char container[POD_NAME_SIZE]; /* "" if it is of the whole pod */
	unsigned count;
	uint64_t last_wall_us;
};

/* The annotations that most scrape configurations go by; NULL-free, "" if not
 * there. */
struct pod_annotations {
	char scrape[16];
	char scheme[16];
	char port[16];
	char path[96];
};

struct pod_status {
	uint64_t read_wall_us;
	char phase[24]; /* "Running" */
	struct pod_annotations annotations;
	struct pod_container containers[POD_CONTAINERS];
	size_t container_count;
	struct pod_event events[POD_EVENTS]; /* warnings only */
	size_t event_count;
};

/* The answer to GET .../pods/NAME.  -1 with `err`; then `status` is empty. */
int pod_read(
    struct pod_status *status, const char *text, size_t len, struct err *err);

/* The answer to GET .../events: into a status that is there.  Likewise. */
int pod_read_events(
    struct pod_status *status, const char *text, size_t len, struct err *err);

/*
 * The exporter's container: `name`, or if that is "" the one that is there
 * beside the gate's own (scrapegate*).  NULL if that cannot be told.
 */
const struct pod_container *pod_find(
    const struct pod_status *status, const char *name);

/* Its newest event, or the pod's; NULL: none. */
const struct pod_event *pod_find_event(
    const struct pod_status *status, const struct pod_container *container);

/*
 * What is wrong with the annotations for who comes by `port` (of the gate, 0:
 * not known) and `is_tls`; false if nothing is, or there are none.
 */
bool pod_judge_annotations(const struct pod_annotations *annotations,
    unsigned port, bool is_tls, char *out, size_t size);

#endif
