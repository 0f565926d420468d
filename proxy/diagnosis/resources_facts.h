/*
 * What was found out about an exporter's resources when it is to be judged:
 * plain data, so that the rules can be tested as a table.  Private to the
 * resources.
 */
#ifndef PROXY_DIAGNOSIS_RESOURCES_FACTS_H
#define PROXY_DIAGNOSIS_RESOURCES_FACTS_H

#include "proxy/diagnosis/resources.h"
#include "proxy/kernel/process.h"
#include "proxy/kernel/sock_diag.h"

/* Which process is the exporter? */
enum resources_sight {
	SIGHT_OFF,    /* nobody looks: not on this machine, or turned off */
	SIGHT_UNSEEN, /* looked for, not found: `unseen` says why */
	SIGHT_ALIVE,
	SIGHT_ENDED /* it was there, and no other listens instead */
};

/* Whose advice: the commands differ. */
enum resources_host { HOST_PLAIN, HOST_SYSTEMD, HOST_KUBERNETES };

/* What the scheduler withheld between two samples. */
struct throttling {
	bool is_known;
	uint64_t span_us; /* between the samples: may begin before the scrape */
	uint64_t throttled_us; /* over all processors */
	uint64_t periods;
	uint64_t throttled_periods;
	bool has_limit;
	uint64_t limit_millis;
	uint64_t period_us;
};

struct resources_facts {
	enum resources_sight sight;
	const char *unseen;
	enum resources_host host;
	const char *container; /* as configured, "" for none */
	const char *unit;      /* "x.service", "" for none */
	const char *cgroup;    /* path, "" for none */
	uint64_t elapsed_us;   /* of the attempt */

	struct process_stat stat; /* if ALIVE; pid alone if ENDED */
	uint64_t age_us;
	bool is_successor; /* of the one that gave the last good answer */
	bool is_in_lock;   /* all its threads */
	bool has_cpu_used;
	uint64_t cpu_used_us; /* during the attempt, or a part of it */
	uint64_t cpu_span_us;
	bool has_fds;
	uint64_t open_fds;
	uint64_t max_fds;

	struct throttling exporter;
	struct throttling gate;
	bool is_gate_inside; /* both are in one cgroup */

	bool has_memory;
	uint64_t memory;
	bool has_working_set;
	uint64_t working_set;
	bool has_memory_limit;
	uint64_t memory_limit;
	bool has_hits;
	uint64_t hits; /* of the limit, since the last good answer */
	bool has_kills;
	uint64_t kills;       /* likewise */
	uint64_t kill_age_us; /* since they were first seen */
	bool was_near_limit;  /* when last seen, and the cgroup is gone */

	bool has_cpu_pressure;
	double cpu_pressure;
	bool is_pressure_of_node;
	bool has_memory_pressure;
	double memory_pressure;

	struct listen_queue queue;

	/* From the exporter's own metrics. */
	bool has_body; /* any of them; how long ago: */
	uint64_t body_age_us;
	bool has_body_fds;
	double body_open_fds;
	double body_max_fds;
	bool has_body_memory;
	double body_memory;
	bool has_body_cpu; /* processors used between the last two answers */
	double body_cpu;
	bool has_body_start; /* it is another than in the answer before */
	uint64_t body_start_age_us;
	/* Declared for it by the environment. */
	bool has_declared_cpu;
	uint64_t declared_cpu_millis;
	bool has_declared_memory;
	uint64_t declared_memory;
};

/* Can it have to do with resources at all? */
bool resources_may_explain(const struct resources_question *question);

/* Pure. */
void resources_conclude(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict);

/* Pure; private to the conclusion: the words for a cause. */
void resources_tell(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict);

/* Likewise: the evidence. */
void resources_show(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict);

/* Whatever a rule needs more than once. */
bool resources_is_late(enum reason reason);
bool resources_is_gone(enum reason reason);

/* The part of `time` in which something was withheld, at most 1. */
double throttling_share(const struct throttling *throttling);

#endif
