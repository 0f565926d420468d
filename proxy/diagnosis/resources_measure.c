#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/clock.h"
#include "proxy/diagnosis/resources_parts.h"
#include "proxy/exposition/facts.h"
#include "proxy/fetch/report.h"
#include "proxy/kernel/flat.h"

/*
 * What is known of the exporter now and since the attempt began, when a
 * failure or a slow scrape is to be explained.
 */

/* By how much two start times of one process may differ: some exporters work
 * theirs out anew each time, and clocks are adjusted. */
#define SAME_START_S 2.0

/* No start time is later, whatever the clock. */
#define START_MAX_S 1e12

static void
compare(struct throttling *throttling, const struct cgroup_sample *from,
    const struct cgroup_sample *to, const struct cgroup_state *state)
{
	memset(throttling, 0, sizeof(*throttling));
	if (from->at_us == 0 || to->at_us <= from->at_us || !from->has_cpu ||
	    !to->has_cpu || to->periods < from->periods ||
	    to->throttled_periods < from->throttled_periods ||
	    to->throttled_us < from->throttled_us)
		return;
	throttling->is_known = true;
	throttling->span_us = to->at_us - from->at_us;
	throttling->periods = to->periods - from->periods;
	throttling->throttled_periods =
	    to->throttled_periods - from->throttled_periods;
	throttling->throttled_us = to->throttled_us - from->throttled_us;
	throttling->has_limit = state->has_cpu_limit;
	throttling->limit_millis = state->cpu_limit_millis;
	throttling->period_us = state->period_us;
}

static void
measure_gate(struct resources_book *book, const struct resources_mark *mark,
    struct resources_facts *facts)
{
	struct cgroup_state state;
	struct cgroup_sample now;

	cgroup_take_cpu(&book->gate, &now, clock_now_us());
	cgroup_look(&book->gate, &state);
	compare(&facts->gate, &mark->gate, &now, &state);
	book->gate_last = now;
}

static void
measure_memory(struct resources *resources, struct resources_facts *facts,
    const struct cgroup_state *state)
{
	const struct cgroup_sample *now = &resources->last;
	const struct cgroup_sample *since =
	    resources->good.at_us != 0 ? &resources->good : &resources->base;

	facts->has_memory = now->has_memory;
	facts->memory = now->memory;
	facts->has_memory_limit = state->has_memory_limit;
	facts->memory_limit = state->memory_limit;
	facts->has_working_set = state->has_working_set;
	facts->working_set = state->working_set;
	if (since->has_hits && now->has_hits && now->hits >= since->hits) {
		facts->has_hits = true;
		facts->hits = now->hits - since->hits;
	}
	/* In the root of all, they are whoever's. */
	if (since->has_kills && now->has_kills && now->kills >= since->kills &&
	    (state->has_memory_limit ||
		strcmp(resources->cgroup->path, "/") != 0)) {
		facts->has_kills = true;
		facts->kills = now->kills - since->kills;
		facts->kill_age_us = clock_now_us() - resources->kill_at_us;
	}
	facts->has_memory_pressure = state->has_memory_pressure;
	facts->memory_pressure = state->memory_pressure;
}

static void
measure_pressure(const struct resources *resources,
    struct resources_facts *facts, const struct cgroup_state *state)
{
	char path[512], text[FLAT_SIZE];

	facts->has_cpu_pressure = state->has_cpu_pressure;
	facts->cpu_pressure = state->cpu_pressure;
	if (state->has_cpu_pressure)
		return;
	snprintf(
	    path, sizeof(path), "%s/proc/pressure/cpu", resources->book->root);
	facts->has_cpu_pressure =
	    flat_load(AT_FDCWD, path, text, sizeof(text)) > 0 &&
	    flat_pressure(text, "some", &facts->cpu_pressure);
	facts->is_pressure_of_node = true;
}

static void
measure_cgroup(struct resources *resources, const struct resources_mark *mark,
    struct resources_facts *facts)
{
	const struct cgroup_sample *from =
	    mark->generation == resources->generation ? &mark->cgroup
						      : &resources->first;
	struct cgroup_state state;

	if (resources->cgroup == NULL)
		return;
	if (!resources_take(resources, clock_now_us())) {
		facts->was_near_limit = resources->was_near_limit;
		facts->has_memory_limit = resources->memory_limit != 0;
		facts->memory_limit = resources->memory_limit;
		return;
	}
	cgroup_look(resources->cgroup, &state);
	resources->memory_limit =
	    state.has_memory_limit ? state.memory_limit : 0;
	compare(&facts->exporter, from, &resources->last, &state);
	measure_memory(resources, facts, &state);
	measure_pressure(resources, facts, &state);
	facts->is_gate_inside = strcmp(resources->cgroup->cpu_dir,
				    resources->book->gate.cpu_dir) == 0;
}

static void
measure_process(struct resources *resources, int folder,
    const struct resources_question *question, struct resources_facts *facts)
{
	const struct resources_mark *mark = question->mark;
	bool is_same = mark->generation == resources->generation;
	bool had_cpu = is_same ? mark->has_cpu : resources->has_first_cpu;
	uint64_t before = is_same ? mark->cpu_us : resources->first_cpu_us;
	uint64_t since = is_same ? mark->at_us : resources->first_us, now;

	if (!process_read_stat(folder, &facts->stat)) {
		resources->has_ended = errno == ESRCH || errno == ENOENT;
		return;
	}
	facts->sight = SIGHT_ALIVE;
	facts->age_us = process_age_us(facts->stat.start_ticks);
	facts->is_successor =
	    resources->good_pid != 0 &&
	    (resources->good_pid != resources->pid ||
		resources->good_start_ticks != resources->start_ticks);
	facts->has_fds =
	    process_count_fds(folder, &facts->open_fds, &facts->max_fds);
	facts->is_in_lock =
	    resources_is_late(question->reason) && process_is_in_lock(folder);
	if (had_cpu && process_cpu_us(resources->pid, &now) && now >= before) {
		facts->has_cpu_used = true;
		facts->cpu_used_us = now - before;
		facts->cpu_span_us = clock_now_us() - since;
	}
}

static void
look_at_process(struct resources *resources,
    const struct resources_question *question, struct resources_facts *facts)
{
	int folder;

	facts->sight = SIGHT_UNSEEN;
	facts->unseen =
	    resources->unseen != NULL ? resources->unseen : "not found yet";
	if (strcmp(resources->pid_setting, "off") == 0)
		facts->sight = SIGHT_OFF;
	if (resources->pid == 0)
		return;
	folder = resources_hold_process(resources);
	facts->unseen = "one that cannot be looked at now";
	if (folder != -1)
		measure_process(resources, folder, question, facts);
	resources_release_process(resources, folder);
	if (resources->has_ended) {
		facts->sight = SIGHT_ENDED;
		facts->stat.pid = resources->pid;
	}
}

void
body_facts_copy(struct body_facts *body, const struct exposition_facts *facts)
{
	body->at_us = clock_now_us();
	body->has_start = facts->has_value[FACT_START_TIME];
	body->start_s = facts->value[FACT_START_TIME];
	body->has_fds =
	    facts->has_value[FACT_OPEN_FDS] && facts->has_value[FACT_MAX_FDS];
	body->open_fds = facts->value[FACT_OPEN_FDS];
	body->max_fds = facts->value[FACT_MAX_FDS];
	body->has_memory = facts->has_value[FACT_RESIDENT_BYTES];
	body->memory = facts->value[FACT_RESIDENT_BYTES];
	body->has_cpu = facts->has_value[FACT_CPU_SECONDS];
	body->cpu_s = facts->value[FACT_CPU_SECONDS];
}

/* The newest answer is the one in question, if it tells anything. */
static void
recall_body(const struct resources *resources,
    const struct resources_question *question, struct resources_facts *facts)
{
	bool is_own = question->facts != NULL;
	const struct body_facts *now = &resources->body;
	const struct body_facts *before =
	    is_own ? &resources->body : &resources->body_before;
	struct body_facts own;
	double between_s;

	if (is_own) {
		body_facts_copy(&own, question->facts);
		own.wall_us = clock_wall_us();
		now = &own;
	}
	facts->has_body = now->wall_us != 0;
	if (!facts->has_body)
		return;
	facts->body_age_us = clock_now_us() - now->at_us;
	facts->has_body_fds = now->has_fds;
	facts->body_open_fds = now->open_fds;
	facts->body_max_fds = now->max_fds;
	facts->has_body_memory =
	    now->has_memory && now->memory >= 0 && now->memory < 1e18;
	facts->body_memory = now->memory;
	if (before->wall_us == 0)
		return;
	facts->has_body_start = now->has_start && before->has_start &&
				now->start_s > 0 &&
				now->start_s < START_MAX_S &&
				now->start_s - before->start_s > SAME_START_S;
	if (facts->has_body_start &&
	    now->start_s * 1e6 < (double)clock_wall_us())
		facts->body_start_age_us =
		    clock_wall_us() - (uint64_t)(now->start_s * 1e6);
	between_s = (double)(now->at_us - before->at_us) / 1e6;
	facts->has_body_cpu = now->has_cpu && before->has_cpu &&
			      !facts->has_body_start && between_s > 1 &&
			      now->cpu_s >= before->cpu_s;
	if (facts->has_body_cpu)
		facts->body_cpu = (now->cpu_s - before->cpu_s) / between_s;
}

/* The declared limits are of one container: of which, if there are more? */
static void
recall_declared(
    const struct resources *resources, struct resources_facts *facts)
{
	const struct resources_book *book = resources->book;
	bool is_it = book->declared_for != NULL
			 ? strcmp(book->declared_for, resources->container) == 0
			 : book->count == 1;

	if (!is_it || !resources->is_here)
		return;
	facts->has_declared_cpu = book->has_declared_cpu;
	facts->declared_cpu_millis = book->declared_cpu_millis;
	facts->has_declared_memory = book->has_declared_memory;
	facts->declared_memory = book->declared_memory;
}

static void
find_host(const struct resources *resources, struct resources_facts *facts)
{
	static const char service[] = ".service";
	const char *path =
	    resources->cgroup != NULL ? resources->cgroup->path : "";
	const char *last = strrchr(path, '/');
	size_t len = last != NULL ? strlen(last) : 0;

	facts->container = resources->container;
	facts->cgroup = path;
	facts->unit = "";
	facts->host = HOST_PLAIN;
	if (resources->book->is_in_kubernetes ||
	    resources->container[0] != '\0' || strstr(path, "kubepods") != NULL)
		facts->host = HOST_KUBERNETES;
	else if (len >= sizeof(service) &&
		 strcmp(last + len - (sizeof(service) - 1), service) == 0) {
		facts->host = HOST_SYSTEMD;
		facts->unit = last + 1;
	}
}

void
resources_measure(struct resources *resources,
    const struct resources_question *question, struct resources_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->elapsed_us = clock_now_us() - question->begin_us;
	measure_gate(resources->book, question->mark, facts);
	if (!resources_is_off(resources)) {
		look_at_process(resources, question, facts);
		measure_cgroup(resources, question->mark, facts);
		facts->was_near_limit =
		    facts->was_near_limit || resources->was_gone_near_limit;
		if (resources->book->has_asked_queue)
			sock_diag_ask(&resources->address, &facts->queue);
		resources_search(resources, clock_now_us());
	}
	recall_body(resources, question, facts);
	recall_declared(resources, facts);
	find_host(resources, facts);
}
