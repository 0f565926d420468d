#include "proxy/diagnosis/resources_facts.h"

#include <inttypes.h>

#include "proxy/diagnosis/evidence.h"
#include "proxy/diagnosis/sketch.h"
#include "proxy/kernel/quantity.h"

/* Less is not worth the words. */
#define WORTH_US 50000
#define WORTH_MEMORY 0.8
#define WORTH_FDS 0.8

/* "throttled 8.9 s, in 94 of 95 periods over 9.6 s, limit 100m". */
static void
show_throttling(struct evidence *evidence, const char *who,
    const struct throttling *throttling)
{
	char took[SKETCH_DURATION_SIZE], span[SKETCH_DURATION_SIZE];
	char limit[QUANTITY_SIZE] = "none found";

	if (throttling->has_limit)
		quantity_cpu(limit, throttling->limit_millis);
	sketch_duration(took, throttling->throttled_us, " ");
	sketch_duration(span, throttling->span_us, " ");
	MEASURED("%s was throttled %s in %" PRIu64 " of %" PRIu64
		 " periods over %s, CPU limit %s",
	    who, took, throttling->throttled_periods, throttling->periods, span,
	    limit);
}

static void
show_cpu(struct evidence *evidence, const struct resources_facts *facts)
{
	char used[SKETCH_DURATION_SIZE], span[SKETCH_DURATION_SIZE];
	char limit[QUANTITY_SIZE];

	if (facts->exporter.is_known &&
	    (facts->exporter.throttled_us >= WORTH_US ||
		facts->exporter.has_limit))
		show_throttling(evidence, "exporter", &facts->exporter);
	if (!facts->exporter.is_known && facts->sight == SIGHT_ALIVE)
		UNKNOWN("whether the exporter's CPU was throttled: its cgroup "
			"does not tell");
	if (facts->gate.is_known && facts->gate.throttled_us >= WORTH_US &&
	    !facts->is_gate_inside)
		show_throttling(evidence, "the gate", &facts->gate);
	if (facts->has_cpu_used)
		MEASURED("exporter used %s of CPU in %s",
		    sketch_duration(used, facts->cpu_used_us, " "),
		    sketch_duration(span, facts->cpu_span_us, " "));
	if (!facts->exporter.is_known && facts->has_body_cpu)
		INFERRED("by its own metrics it used %.0f%% of a CPU between "
			 "the last two answers%s%s",
		    facts->body_cpu * 100,
		    facts->has_declared_cpu ? ", limit " : "",
		    facts->has_declared_cpu
			? quantity_cpu(limit, facts->declared_cpu_millis)
			: "");
}

static void
show_memory(struct evidence *evidence, const struct resources_facts *facts,
    const struct resources_verdict *verdict)
{
	char used[QUANTITY_SIZE], limit[QUANTITY_SIZE];
	char ago[SKETCH_DURATION_SIZE];
	bool is_topic = verdict->cause == RESOURCES_MEMORY_NEAR_LIMIT ||
			verdict->cause == RESOURCES_OOM_KILLED;

	if (facts->has_kills && facts->kills > 0)
		MEASURED("oom_kill of its cgroup rose by %" PRIu64
			 " since the last good answer, seen %s ago",
		    facts->kills,
		    sketch_duration(ago, facts->kill_age_us, " "));
	if (facts->has_memory && facts->has_memory_limit &&
	    (is_topic || (double)facts->memory >
			     WORTH_MEMORY * (double)facts->memory_limit))
		MEASURED("memory %s of %s", quantity_bytes(used, facts->memory),
		    quantity_bytes(limit, facts->memory_limit));
	if (facts->has_hits && facts->hits > 0 && is_topic)
		MEASURED("met its memory limit %" PRIu64
			 " times since the last good answer",
		    facts->hits);
	if (facts->was_near_limit)
		MEASURED("its memory was close to the limit when last seen, "
			 "and its cgroup is gone");
	if (!facts->has_memory && facts->has_body_memory &&
	    facts->has_declared_memory && is_topic)
		INFERRED("by its own metrics %s resident %s ago, limit %s",
		    quantity_bytes(used, (uint64_t)facts->body_memory),
		    sketch_duration(ago, facts->body_age_us, " "),
		    quantity_bytes(limit, facts->declared_memory));
}

static void
show_process(struct evidence *evidence, const struct resources_facts *facts,
    const struct resources_question *question)
{
	char age[SKETCH_DURATION_SIZE];
	const char *odd;

	switch (facts->sight) {
	case SIGHT_OFF:
		break;
	case SIGHT_UNSEEN:
		/* Who answered that it cannot is known well enough. */
		if (question->is_slow || resources_is_late(question->reason) ||
		    resources_is_gone(question->reason))
			UNKNOWN(
			    "which process listens there: %s", facts->unseen);
		break;
	case SIGHT_ENDED:
		MEASURED(
		    "the exporter's process %u has ended", facts->stat.pid);
		break;
	case SIGHT_ALIVE:
		odd = process_odd_state(facts->stat.state);
		MEASURED("process %u (%s), %s old%s%s", facts->stat.pid,
		    facts->stat.name, sketch_duration(age, facts->age_us, " "),
		    odd != NULL ? ", " : "", odd != NULL ? odd : "");
		if (facts->is_in_lock && resources_is_late(question->reason))
			MEASURED("all its threads wait for a lock");
		break;
	}
}

static void
show_rest(struct evidence *evidence, const struct resources_facts *facts,
    const struct resources_question *question,
    const struct resources_verdict *verdict)
{
	char ago[SKETCH_DURATION_SIZE];

	if (facts->has_fds &&
	    (double)facts->open_fds > WORTH_FDS * (double)facts->max_fds)
		MEASURED("%" PRIu64 " of %" PRIu64 " file descriptors open",
		    facts->open_fds, facts->max_fds);
	else if (!facts->has_fds && verdict->cause == RESOURCES_FDS_EXHAUSTED)
		INFERRED("by its own metrics %.0f of %.0f file descriptors "
			 "open %s ago",
		    facts->body_open_fds, facts->body_max_fds,
		    sketch_duration(ago, facts->body_age_us, " "));
	if (facts->queue.is_known && facts->queue.waiting > 0 &&
	    question->reason != REASON_CONNECT_BACKLOG_FULL)
		MEASURED("%u connection%s not accepted yet, backlog %u",
		    facts->queue.waiting, facts->queue.waiting > 1 ? "s" : "",
		    facts->queue.room);
	/* Of a slow one this is told in any case. */
	if (verdict->cause == RESOURCES_EXPOSITION_GROWTH && !question->is_slow)
		MEASURED("%" PRIu64 " bytes and %" PRIu64
			 " samples, usually %" PRIu64 " and %" PRIu64,
		    question->bytes, question->samples, question->usual_bytes,
		    question->usual_samples);
	if (facts->has_cpu_pressure && verdict->cause == RESOURCES_CPU_PRESSURE)
		evidence_add(evidence, resources_kind_name(verdict->kind),
		    "CPU pressure of %s %.0f%% over 10 s",
		    facts->is_pressure_of_node ? "the machine" : "its cgroup",
		    facts->cpu_pressure);
	if (facts->has_body_start && question->is_slow)
		MEASURED("its process_start_time_seconds is another than in "
			 "the answer before");
}

void
resources_show(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	struct evidence mine = { .out = verdict->seen,
		.size = sizeof(verdict->seen) };
	struct evidence *evidence = &mine;

	if (resources_is_late(question->reason) || question->is_slow ||
	    verdict->cause == RESOURCES_GATE_THROTTLED)
		show_cpu(evidence, facts);
	show_memory(evidence, facts, verdict);
	show_rest(evidence, facts, question, verdict);
	show_process(evidence, facts, question);
}
