/*
 * What the kernel, and the exporter's own metrics, say of the exporter while
 * it fails or is slow: a second cause beside the reason of a finding.
 *
 * Lives on the fetch thread and never waits: what is read at each scrape is
 * read from descriptors that are kept, a few microseconds in all, and who
 * listens at the exporter's address is looked up on a thread that lives just
 * as long.  Only exporters on this machine are looked at: loopback, an address
 * of its own, a unix socket.
 *
 * What cannot be read is unknown, and is said to be.
 */
#ifndef PROXY_DIAGNOSIS_RESOURCES_H
#define PROXY_DIAGNOSIS_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proxy/diagnosis/reasons.h"
#include "proxy/kernel/cgroup.h"

struct conf;
struct conf_target;
struct exposition_facts;
struct mailbox;
struct report;
struct resources;
struct resources_book;

/* In the order in which one is picked, among those as well known. */
enum resources_cause {
	RESOURCES_NONE,
	RESOURCES_OOM_KILLED,
	RESOURCES_EXPORTER_STUCK,
	RESOURCES_GATE_THROTTLED,
	RESOURCES_CPU_THROTTLED,
	RESOURCES_FDS_EXHAUSTED,
	RESOURCES_ACCEPT_QUEUE_FULL,
	RESOURCES_RESTARTED,
	RESOURCES_MEMORY_NEAR_LIMIT,
	RESOURCES_EXPOSITION_GROWTH,
	RESOURCES_CPU_PRESSURE,
	RESOURCES_CAUSE_COUNT
};

/* How each is known, as a part of reasons_manual(). */
void resources_manual(FILE *out);

/* How a cause is known, in the manual's words; inferred NULL: never. */
const char *resources_how_measured(enum resources_cause cause);
const char *resources_how_inferred(enum resources_cause cause);

/* "cpu_throttled"; "" for none. */
const char *resources_cause_id(enum resources_cause cause);

enum resources_kind {
	RESOURCES_UNKNOWN,
	RESOURCES_INFERRED,
	RESOURCES_MEASURED
};

/* "measured". */
const char *resources_kind_name(enum resources_kind kind);

/* Where an attempt began: kept beside it, so that several may run. */
struct resources_mark {
	unsigned generation; /* of what was looked at; 0: nothing yet */
	uint64_t at_us;
	struct cgroup_sample cgroup;
	struct cgroup_sample gate;
	bool has_cpu;
	uint64_t cpu_us; /* processor time of the process */
};

struct resources_question {
	enum reason reason;
	const struct report *report;
	const struct resources_mark *mark;
	/* What this very answer tells of the exporter; NULL: nothing. */
	const struct exposition_facts *facts;
	bool is_slow;      /* delivered, and late */
	uint64_t begin_us; /* monotonic; when the attempt began */
	/* Of this answer as far as it came, and of one as usual; 0: not known.
	 */
	uint64_t bytes;
	uint64_t samples;
	uint64_t usual_bytes;
	uint64_t usual_samples;
};

/* Printable ASCII; empty where there is nothing to say. */
struct resources_verdict {
	enum resources_cause cause;
	enum resources_kind kind; /* of the cause */
	/* For the status line, only if measured: "cpu_throttled 8.9s at limit
	 * 100m". */
	char bracket[72];
	char cause_text[320]; /* sentences for Cause, and for Do */
	char fix_text[320];
	char seen[640]; /* pieces of evidence, joined by "; ", each marked */
};

/*
 * All targets of the configuration in force, by name: what is known of one
 * outlives a reload that leaves its upstream and `resources` as they are.
 * `root` is in front of /proc and /sys, "" but in tests.
 */
struct resources_book *resources_book_new(
    struct mailbox *mailbox, const char *root);
void resources_book_switch(
    struct resources_book *book, const struct conf *conf);

/* The mailbox may deliver later. */
void resources_book_free(struct resources_book *book);

/* NULL: nothing is known of it and nothing can be. */
struct resources *resources_of(
    struct resources_book *book, const struct conf_target *target);

/* All below take NULL for a target without resources. */

/* An attempt starts. */
void resources_begin(struct resources *resources, struct resources_mark *mark);

/* It brought a whole answer; `facts` may be NULL, if nobody read it. */
void resources_learn(struct resources *resources,
    const struct resources_mark *mark, const struct report *report,
    const struct exposition_facts *facts, uint64_t wall_us);

/*
 * Before classify(): a connection that is not accepted in time may have met a
 * full queue, which the report then says.
 */
void resources_look_at_listener(
    struct resources *resources, struct report *report);

/* It failed or was slow. */
void resources_judge(struct resources *resources,
    const struct resources_question *question,
    struct resources_verdict *verdict);

/* Process id of the exporter; 0: not known.  For the API. */
unsigned resources_pid(const struct resources *resources);

/* When that process began; 0: not known. */
uint64_t resources_began_wall_us(const struct resources *resources);

#endif
