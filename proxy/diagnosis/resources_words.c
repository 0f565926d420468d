#include "proxy/diagnosis/resources_facts.h"

#include <inttypes.h>
#include <stdio.h>

#include "proxy/diagnosis/sketch.h"
#include "proxy/kernel/quantity.h"

/*
 * The words for each cause: bracket, Cause, Do.  What to do depends on who
 * runs the exporter; the kernel's own file names are for those who have
 * neither systemd nor Kubernetes.
 */

#define BRACKET(...)                                                           \
	sketch_print(verdict->bracket, sizeof(verdict->bracket), __VA_ARGS__)
#define CAUSE(...)                                                             \
	sketch_print(                                                          \
	    verdict->cause_text, sizeof(verdict->cause_text), __VA_ARGS__)
#define FIX(...)                                                               \
	sketch_print(verdict->fix_text, sizeof(verdict->fix_text), __VA_ARGS__)

/* "of container mysqld-exporter". */
static const char *
of_container(char out[96], const struct resources_facts *facts)
{
	if (facts->container[0] == '\0')
		snprintf(out, 96, "of the exporter's container");
	else
		snprintf(out, 96, "of container %s", facts->container);
	return out;
}

/* What to raise a limit of `millis` to, for a start. */
static uint64_t
more_cpu(uint64_t millis, double share)
{
	uint64_t wanted = share > 0.8 ? millis * 5 : millis * 2;

	/* Round figures are what people write. */
	return wanted < 1000 ? (wanted + 49) / 50 * 50
			     : (wanted + 499) / 500 * 500;
}

static void
raise_cpu(const struct resources_facts *facts, const struct throttling *limited,
    struct resources_verdict *verdict)
{
	uint64_t wanted =
	    more_cpu(limited->limit_millis, throttling_share(limited));
	char is[QUANTITY_SIZE], to[QUANTITY_SIZE], of[96];

	if (!limited->has_limit) {
		FIX("find the cgroup that limits it (cpu.max, "
		    "cpu.cfs_quota_us) and raise that.");
		return;
	}
	quantity_cpu(is, limited->limit_millis);
	quantity_cpu(to, wanted);
	if (facts->host == HOST_KUBERNETES)
		FIX("raise limits.cpu %s from %s to %s, or remove it. A longer "
		    "scrape_timeout would only hide this.",
		    of_container(of, facts), is, to);
	else if (facts->host == HOST_SYSTEMD)
		FIX("systemctl set-property %s CPUQuota=%" PRIu64
		    "%% (now %" PRIu64
		    "%%). A longer scrape_timeout would only hide this.",
		    facts->unit, wanted / 10, limited->limit_millis / 10);
	else
		FIX("raise the CPU quota of cgroup %.100s from %s to %s. A "
		    "longer scrape_timeout would only hide this.",
		    facts->cgroup, is, to);
}

static void
raise_memory(
    const struct resources_facts *facts, struct resources_verdict *verdict)
{
	char of[96];

	if (facts->host == HOST_KUBERNETES)
		FIX("raise limits.memory %s; kubectl describe pod shows "
		    "lastState and restarts; look for growth in its samples.",
		    of_container(of, facts));
	else if (facts->host == HOST_SYSTEMD)
		FIX("systemctl set-property %s MemoryMax=...; journalctl -k "
		    "| grep -i oom; look for growth in its samples.",
		    facts->unit);
	else
		FIX("raise the memory limit of cgroup %.100s; dmesg | grep -i "
		    "oom; look for growth in its samples.",
		    facts->cgroup);
}

static const char *
memory_limit(char out[QUANTITY_SIZE], const struct resources_facts *facts)
{
	return facts->has_memory_limit
		   ? quantity_bytes(out, facts->memory_limit)
		   : "unknown";
}

/*
 * The count of kills holds those for want of memory of the whole machine, too:
 * the limit is to blame only if it was met.
 */
static void
tell_oom(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	bool is_limit =
	    facts->has_memory_limit && facts->has_hits && facts->hits > 0;
	char limit[QUANTITY_SIZE];

	(void)question;
	memory_limit(limit, facts);
	if (is_limit)
		BRACKET("oom_killed at limit %s", limit);
	else
		BRACKET("oom_killed");
	if (verdict->kind == RESOURCES_MEASURED)
		CAUSE("The kernel killed a process of the exporter for want "
		      "of memory%s%s.%s",
		    is_limit ? " at its limit of " : "", is_limit ? limit : "",
		    is_limit || !facts->has_hits
			? ""
			: " It met no limit of its own: the machine or a "
			  "cgroup above had too little.");
	else if (facts->has_kills && facts->kills > 0)
		CAUSE(
		    "The kernel killed a process in the exporter's cgroup for "
		    "want of memory; the exporter's own still runs: it may "
		    "have been a child of it.");
	else
		CAUSE("The exporter ended while its memory was close to its "
		      "limit of %s: most likely the kernel killed it for "
		      "that.",
		    limit);
	raise_memory(facts, verdict);
}

static void
tell_stuck(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	const char *odd = process_odd_state(facts->stat.state);
	unsigned pid = facts->stat.pid;

	(void)question;
	BRACKET("exporter_stuck: process state %c", facts->stat.state);
	if (odd == NULL) {
		CAUSE("All threads of the exporter wait for a lock and none "
		      "ran: most likely a deadlock. Not the network.");
		FIX("take a stack dump of process %u (Go: kill -QUIT %u), "
		    "restart it, and report it to its authors.",
		    pid, pid);
	} else {
		CAUSE("The exporter's process is %s and cannot answer. Not "
		      "the network.",
		    odd);
		if (facts->stat.state == 'D')
			FIX("cat /proc/%u/stack; look at the disks and mounts "
			    "it reads (df hangs too?).",
			    pid);
		else
			FIX("kill -CONT %u; find who stopped it.", pid);
	}
}

static void
tell_gate(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	const struct throttling *gate = &facts->gate;
	char took[SKETCH_DURATION_SIZE], limit[QUANTITY_SIZE];

	(void)question;
	sketch_duration(took, gate->throttled_us, "");
	if (gate->has_limit)
		BRACKET("gate_throttled %s at limit %s", took,
		    quantity_cpu(limit, gate->limit_millis));
	else
		BRACKET("gate_throttled %s", took);
	CAUSE("The kernel paused the gate itself at its CPU limit: the times "
	      "here are the gate's, the exporter may be fine.");
	FIX("raise or remove the CPU limit of the gate's own %s.",
	    facts->host == HOST_KUBERNETES ? "container" : "cgroup");
}

static void
tell_throttled(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	struct throttling limited = facts->exporter;
	char took[SKETCH_DURATION_SIZE], limit[QUANTITY_SIZE];

	(void)question;
	if (verdict->kind != RESOURCES_MEASURED) {
		limited.has_limit = true;
		limited.limit_millis = facts->declared_cpu_millis;
		CAUSE("The exporter uses as much CPU as its limit of %s "
		      "allows, all the time: most likely the kernel pauses "
		      "it.",
		    quantity_cpu(limit, facts->declared_cpu_millis));
		raise_cpu(facts, &limited, verdict);
		return;
	}
	sketch_duration(took, limited.throttled_us, "");
	if (limited.has_limit)
		BRACKET("cpu_throttled %s at limit %s", took,
		    quantity_cpu(limit, limited.limit_millis));
	else
		BRACKET("cpu_throttled %s", took);
	CAUSE("The kernel paused the exporter at its CPU limit%s. Not the "
	      "network.",
	    facts->is_gate_inside ? ", and the gate with it: they share one "
				    "cgroup"
				  : "");
	raise_cpu(facts, &limited, verdict);
}

static void
tell_fds(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	double open =
	    facts->has_fds ? (double)facts->open_fds : facts->body_open_fds;
	double max =
	    facts->has_fds ? (double)facts->max_fds : facts->body_max_fds;

	(void)question;
	BRACKET("fds_exhausted %.0f of %.0f", open, max);
	CAUSE("The exporter has %.0f of at most %.0f file descriptors open: "
	      "it can accept no more connections, or open no more files.",
	    open, max);
	if (facts->host == HOST_SYSTEMD)
		FIX("systemctl edit %s: LimitNOFILE=65536; ls -l "
		    "/proc/%u/fd shows what it keeps open.",
		    facts->unit, facts->stat.pid);
	else
		FIX("raise its limit of open files (ulimit -n, LimitNOFILE=); "
		    "ls -l /proc/PID/fd shows what it keeps open.");
}

static void
tell_queue(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	(void)question;
	BRACKET("accept_queue_full %u of %u", facts->queue.waiting,
	    facts->queue.room);
	CAUSE("The exporter's queue of connections is full: it does not "
	      "accept, being stuck, starved of CPU, or busy with another "
	      "scrape.");
	FIX("ss -ltn (Recv-Q above Send-Q); look at what the exporter does; "
	    "raise its listen backlog.");
}

static void
tell_restart(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	uint64_t age_us = facts->sight == SIGHT_ALIVE && facts->is_successor
			      ? facts->age_us
			      : facts->body_start_age_us;
	char ago[SKETCH_DURATION_SIZE];

	(void)question;
	sketch_duration(ago, age_us, "");
	BRACKET("restarted %s ago", ago);
	CAUSE("The exporter was restarted %s ago: it may still be starting, "
	      "or it crashes again and again.",
	    ago);
	if (facts->host == HOST_KUBERNETES)
		FIX("kubectl describe pod POD (restarts, lastState); kubectl "
		    "logs POD -c %s --previous.",
		    facts->container[0] != '\0' ? facts->container
						: "CONTAINER");
	else if (facts->host == HOST_SYSTEMD)
		FIX("systemctl status %s; journalctl -u %s.", facts->unit,
		    facts->unit);
	else
		FIX("the exporter's log says why it ended.");
}

static void
tell_memory(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	char used[QUANTITY_SIZE], limit[QUANTITY_SIZE];
	bool is_own = facts->has_working_set && facts->has_memory_limit;

	(void)question;
	quantity_bytes(
	    used, is_own ? facts->working_set : (uint64_t)facts->body_memory);
	quantity_bytes(
	    limit, is_own ? facts->memory_limit : facts->declared_memory);
	BRACKET("memory_near_limit %s of %s", used, limit);
	CAUSE("The exporter needs %s of its memory limit of %s: near it the "
	      "kernel reclaims memory instead of letting it work, and then "
	      "kills it.",
	    used, limit);
	raise_memory(facts, verdict);
}

static void
tell_growth(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	bool is_bytes = question->usual_bytes > 0 &&
			question->bytes > 2 * question->usual_bytes;
	uint64_t now = is_bytes ? question->bytes : question->samples;
	uint64_t usual =
	    is_bytes ? question->usual_bytes : question->usual_samples;

	(void)facts;
	BRACKET("exposition_growth %" PRIu64 " %s, usually %" PRIu64, now,
	    is_bytes ? "bytes" : "samples", usual);
	CAUSE("The answer has grown to %.1f times its usual size: new series, "
	      "a label with ever more values.",
	    (double)now / (double)usual);
	FIX("see which families are large (scrapeFacts in "
	    "/api/v1/targets); drop the label, or leave the collector out.");
}

static void
tell_pressure(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	(void)question;
	BRACKET("cpu_pressure %.0f%% of %s", facts->cpu_pressure,
	    facts->is_pressure_of_node ? "the node" : "the exporter");
	CAUSE("The CPUs are overloaded: %s waited for one %.0f%% of the time "
	      "(the last 10 s). Not its own limit.",
	    facts->is_pressure_of_node ? "somebody on this machine"
				       : "the exporter",
	    facts->cpu_pressure);
	if (facts->host == HOST_KUBERNETES)
		FIX("kubectl top node; raise requests.cpu of the exporter's "
		    "container, or move the pod.");
	else
		FIX("top; give the exporter more weight, or the machine less "
		    "work.");
}

void
resources_tell(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	static void (*const tellers[RESOURCES_CAUSE_COUNT])(
	    const struct resources_facts *facts,
	    const struct resources_question *question,
	    struct resources_verdict *verdict) = {
		[RESOURCES_OOM_KILLED] = tell_oom,
		[RESOURCES_EXPORTER_STUCK] = tell_stuck,
		[RESOURCES_GATE_THROTTLED] = tell_gate,
		[RESOURCES_CPU_THROTTLED] = tell_throttled,
		[RESOURCES_FDS_EXHAUSTED] = tell_fds,
		[RESOURCES_ACCEPT_QUEUE_FULL] = tell_queue,
		[RESOURCES_RESTARTED] = tell_restart,
		[RESOURCES_MEMORY_NEAR_LIMIT] = tell_memory,
		[RESOURCES_EXPOSITION_GROWTH] = tell_growth,
		[RESOURCES_CPU_PRESSURE] = tell_pressure,
	};

	if (verdict->cause == RESOURCES_NONE)
		return;
	tellers[verdict->cause](facts, question, verdict);
	/* The status line holds what was measured, and nothing else. */
	if (verdict->kind != RESOURCES_MEASURED)
		verdict->bracket[0] = '\0';
}
