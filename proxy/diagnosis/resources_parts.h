/*
 * What the resources of a target are made of.  Private: resources.c has the
 * book and a scrape's course, resources_find.c the search for the process,
 * resources_kept.c how many descriptors are kept, resources_measure.c what is
 * read when something is to be explained, resources_causes.c and its words what
 * that means.
 */
#ifndef PROXY_DIAGNOSIS_RESOURCES_PARTS_H
#define PROXY_DIAGNOSIS_RESOURCES_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proxy/base/mailbox.h"
#include "proxy/diagnosis/resources.h"
#include "proxy/diagnosis/resources_facts.h"
#include "proxy/kernel/cgroup.h"
#include "proxy/kernel/listeners.h"

struct conf_resources;

/* What a good answer told of the exporter itself. */
struct body_facts {
	uint64_t wall_us; /* 0: nothing yet */
	uint64_t at_us;
	bool has_start, has_fds, has_memory, has_cpu;
	double start_s;
	double open_fds, max_fds;
	double memory;
	double cpu_s;
};

struct resources {
	TAILQ_ENTRY(resources) link;
	struct resources_book *book;
	char *name; /* the target's */
	char *upstream;
	char *pid_setting;
	char *cgroup_setting;
	char *container;
	bool is_behind_proxy;
	struct listener_address address; /* NONE: not known yet */
	char dialled[128];               /* the newest that was dialled */
	bool may_be_v6;                  /* "localhost", not dialled yet */
	bool is_here;                    /* on this machine */

	/* Looking for it. */
	uint64_t search_at_us; /* not before */
	uint64_t wait_us;      /* until the next, doubled each time */
	const char *unseen;    /* why it was not found */

	/* What was found. */
	unsigned generation; /* changes with each process; 0: nothing */
	unsigned pid;        /* 0: not known */
	int folder;          /* of the process; -1: not kept */
	uint64_t start_ticks;
	bool has_ended;
	struct cgroup *cgroup; /* NULL: nothing could be opened */

	/* Since when deltas are told. */
	struct cgroup_sample base;  /* when the cgroup was found */
	struct cgroup_sample first; /* when the process was */
	uint64_t first_us;
	struct cgroup_sample last; /* the newest */
	struct cgroup_sample good; /* when the last good scrape began */
	uint64_t first_cpu_us;     /* of the process, at `first` */
	bool has_first_cpu;
	unsigned good_pid; /* of the last good answer */
	uint64_t good_start_ticks;
	uint64_t kill_at_us;      /* when one was first seen; 0: none */
	bool was_near_limit;      /* at `last` */
	bool was_gone_near_limit; /* in a cgroup that is no more */
	uint64_t memory_limit;    /* 0: none known */
	struct body_facts body, body_before;
};

struct search;

struct resources_book {
	TAILQ_HEAD(resources_list, resources) all;
	const struct conf *conf; /* whose targets `by_index` is about */
	struct resources **by_index;
	size_t count;
	struct mailbox *mailbox;
	char *root;
	struct search *search; /* under way, or NULL */
	unsigned last_generation;
	/* What was just measured: many may wait for one attempt. */
	struct resources_facts newest;
	const struct resources *newest_of; /* NULL: nothing */
	uint64_t newest_mark_us;
	uint64_t newest_at_us;
	struct cgroup gate;
	struct cgroup_sample gate_last;
	/* Set by the search: the kernel has what it takes to ask. */
	atomic_bool has_asked_queue;
	bool is_in_kubernetes;
	bool has_declared_cpu;
	bool has_declared_memory;
	uint64_t declared_cpu_millis;
	uint64_t declared_memory;
	char *declared_for; /* container; NULL: the only target */
};

/* Looking for it. */

/* Is it time, and nobody looks yet?  Then somebody does. */
void resources_search(struct resources *resources, uint64_t now_us);

/* Waits for the thread; its message may be delivered later. */
void resources_search_stop(struct resources_book *book);

/* What the thread finds for it is nobody's. */
void resources_search_forget(struct resources *resources);

/* As configured: with nobody to look for. */
bool resources_is_off(const struct resources *resources);

/* Its process has ended: looked for again with the next scrape. */
void resources_lose(struct resources *resources);

/*
 * Descriptors that may be kept in all, where a process may have `soft` of them:
 * those that scrapes need are never short of any for this.  Pure.
 */
unsigned resources_kept_max(uint64_t soft);

/* How many of them are free. */
unsigned resources_room(const struct resources_book *book);

/*
 * The folder of its process, kept or opened for the moment.  -1: it has ended,
 * which is noted, or cannot be looked at now.
 */
int resources_hold_process(struct resources *resources);
void resources_release_process(const struct resources *resources, int folder);

/* Of the process that is there now; has_cpu false: there is none. */
void resources_take_cpu(struct resources *resources, bool *has, uint64_t *us);

/* A new sample, and what it means for kills and limits.  False: the cgroup is
 * no more, or there is none. */
bool resources_take(struct resources *resources, uint64_t now_us);

void body_facts_copy(
    struct body_facts *body, const struct exposition_facts *facts);

/* Everything there is to know now. */
void resources_measure(struct resources *resources,
    const struct resources_question *question, struct resources_facts *facts);

#endif
