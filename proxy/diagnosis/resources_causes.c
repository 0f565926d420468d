#include "proxy/diagnosis/resources_facts.h"

#include <string.h>

/*
 * Rules of thumb that are said in the manual: see failures of the kind
 * "resource" there.
 */
#define THROTTLED_PERIODS 0.25 /* of all periods */
#define THROTTLED_TIME 0.2     /* of the scrape */
#define WORTH_TIME 0.1 /* less is not what it waited for, however often */
#define PERIODS_MIN 2  /* less is no pattern */
#define NEAR_LIMIT 0.9
#define PRESSURE_CPU 20.0
#define PRESSURE_MEMORY 5.0
#define GROWTH 2
#define STUCK_CPU 0.05 /* of the scrape: who works more is not stuck */
#define BUSY_CPU 0.1   /* of the scrape: who works less is not starved */
#define AT_LIMIT 0.8   /* of the declared processors, on average */
#define RECENT_US (UINT64_C(60) * 1000000)
/* What avg10 of a pressure file is about. */
#define PRESSURE_WINDOW_US (UINT64_C(5) * 1000000)

/* What a failure looks like: which causes can explain it at all. */
enum class {
	CLASS_GONE = 1 << 0,  /* refused, reset, hung up, cut */
	CLASS_LATE = 1 << 1,  /* connected, and out of time */
	CLASS_ERROR = 1 << 2, /* answered that it cannot */
	CLASS_LIMIT = 1 << 3, /* answered too much */
	CLASS_SLOW = 1 << 4,  /* good, but slow */
	CLASS_GATE = 1 << 5   /* where only the gate's own trouble matters */
};

static const struct {
	enum reason reason;
	unsigned class;
} classes[] = {
	{ REASON_CONNECT_REFUSED, CLASS_GONE },
	{ REASON_CONNECT_RESET, CLASS_GONE },
	{ REASON_TLS_HANDSHAKE_CLOSED, CLASS_GONE },
	{ REASON_TLS_HANDSHAKE_RESET, CLASS_GONE },
	{ REASON_HTTP_CLOSED_BEFORE_RESPONSE, CLASS_GONE },
	{ REASON_HTTP_RESET_BEFORE_RESPONSE, CLASS_GONE },
	{ REASON_HTTP_CLOSED_IN_HEADERS, CLASS_GONE },
	{ REASON_BODY_TRUNCATED, CLASS_GONE },
	{ REASON_BODY_RESET, CLASS_GONE },
	{ REASON_CONNECT_BACKLOG_FULL, CLASS_LATE },
	{ REASON_TIMEOUT_TLS, CLASS_LATE },
	{ REASON_TIMEOUT_HEADERS, CLASS_LATE },
	{ REASON_TIMEOUT_BODY, CLASS_LATE },
	{ REASON_TIMEOUT_CONNECT, CLASS_GATE },
	{ REASON_TIMEOUT_DNS, CLASS_GATE },
	{ REASON_HTTP_UNAVAILABLE, CLASS_ERROR },
	{ REASON_HTTP_SERVER_ERROR, CLASS_ERROR },
	{ REASON_LIMIT_BODY_SIZE, CLASS_LIMIT },
	{ REASON_LIMIT_SAMPLES, CLASS_LIMIT },
};

static unsigned
class_of(enum reason reason)
{
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].reason == reason)
			return classes[i].class;
	return 0;
}

static unsigned
class_asked(const struct resources_question *question)
{
	return question->is_slow ? CLASS_SLOW : class_of(question->reason);
}

bool
resources_may_explain(const struct resources_question *question)
{
	return class_asked(question) != 0;
}

bool
resources_is_late(enum reason reason)
{
	return class_of(reason) == CLASS_LATE;
}

bool
resources_is_gone(enum reason reason)
{
	return class_of(reason) == CLASS_GONE;
}

double
throttling_share(const struct throttling *throttling)
{
	double share;

	if (!throttling->is_known || throttling->periods == 0)
		return 0;
	share =
	    (double)throttling->throttled_periods / (double)throttling->periods;
	return share < 1 ? share : 1;
}

/* The least of the scrape's periods that were throttled, as a share: those of
 * the time outside of it are given away. */
static double
least_share(const struct throttling *throttling, uint64_t outside_us,
    uint64_t elapsed_us)
{
	uint64_t outside = outside_us / throttling->period_us + 1;
	uint64_t periods = elapsed_us / throttling->period_us + 1;

	return throttling->throttled_periods > outside
		   ? (double)(throttling->throttled_periods - outside) /
			 (double)periods
		   : 0;
}

/*
 * Throttled for a good part of the scrape.  The samples may lie further apart
 * than it was long.
 */
static bool
is_throttled(const struct throttling *throttling, uint64_t elapsed_us)
{
	uint64_t outside_us = throttling->span_us > elapsed_us
				  ? throttling->span_us - elapsed_us
				  : 0;

	if (!throttling->is_known || throttling->throttled_us == 0)
		return false;
	if (outside_us > elapsed_us / 2)
		return throttling->period_us > 0 &&
		       least_share(throttling, outside_us, elapsed_us) >
			   THROTTLED_PERIODS;
	return (double)throttling->throttled_us >
		   THROTTLED_TIME * (double)elapsed_us ||
	       (throttling->throttled_periods >= PERIODS_MIN &&
		   (double)throttling->throttled_us >=
		       WORTH_TIME * (double)elapsed_us &&
		   throttling_share(throttling) > THROTTLED_PERIODS);
}

static enum resources_kind
judge_oom(const struct resources_facts *facts,
    const struct resources_question *question)
{
	bool is_still_down =
	    facts->sight != SIGHT_ALIVE && resources_is_gone(question->reason);

	/* Who is older than that was not killed, but maybe a child of it. */
	bool was_another = facts->sight == SIGHT_ALIVE &&
			   !facts->is_successor &&
			   facts->age_us > facts->kill_age_us;

	/* One of long ago explains nothing, unless nobody came back since. */
	if (facts->has_kills && facts->kills > 0 &&
	    (is_still_down || facts->kill_age_us <= RECENT_US ||
		facts->kill_age_us <= facts->elapsed_us))
		return was_another ? RESOURCES_INFERRED : RESOURCES_MEASURED;
	/* Its count went with the cgroup. */
	if (!facts->has_kills && facts->was_near_limit &&
	    (facts->sight == SIGHT_ENDED || facts->is_successor))
		return RESOURCES_INFERRED;
	return RESOURCES_UNKNOWN;
}

static enum resources_kind
judge_stuck(const struct resources_facts *facts,
    const struct resources_question *question)
{
	bool is_idle =
	    facts->has_cpu_used && (double)facts->cpu_used_us <=
				       STUCK_CPU * (double)facts->cpu_span_us;

	(void)question;
	if (facts->sight != SIGHT_ALIVE)
		return RESOURCES_UNKNOWN;
	if (facts->stat.state == 'T' || facts->stat.state == 't')
		return RESOURCES_MEASURED;
	/* Seen at one moment only: it may come and go, if it also works. */
	if (facts->stat.state == 'D' && is_idle)
		return RESOURCES_MEASURED;
	return facts->is_in_lock && is_idle ? RESOURCES_INFERRED
					    : RESOURCES_UNKNOWN;
}

static enum resources_kind
judge_gate(const struct resources_facts *facts,
    const struct resources_question *question)
{
	(void)question;
	if (!is_throttled(&facts->gate, facts->elapsed_us))
		return RESOURCES_UNKNOWN;
	/* In one cgroup it is the same time; the exporter's says more. */
	if (facts->exporter.is_known &&
	    (facts->is_gate_inside ||
		facts->exporter.throttled_us >= facts->gate.throttled_us))
		return RESOURCES_UNKNOWN;
	return RESOURCES_MEASURED;
}

static enum resources_kind
judge_throttled(const struct resources_facts *facts,
    const struct resources_question *question)
{
	(void)question;
	if (is_throttled(&facts->exporter, facts->elapsed_us))
		return RESOURCES_MEASURED;
	/* All the time as much as it may: then that is what it waits for. */
	if (!facts->exporter.is_known && facts->has_body_cpu &&
	    facts->has_declared_cpu && facts->declared_cpu_millis > 0 &&
	    facts->body_cpu * 1000 >=
		AT_LIMIT * (double)facts->declared_cpu_millis)
		return RESOURCES_INFERRED;
	return RESOURCES_UNKNOWN;
}

static enum resources_kind
judge_fds(const struct resources_facts *facts,
    const struct resources_question *question)
{
	(void)question;
	if (facts->has_fds)
		return (double)facts->open_fds >
			       NEAR_LIMIT * (double)facts->max_fds
			   ? RESOURCES_MEASURED
			   : RESOURCES_UNKNOWN;
	return facts->has_body_fds && facts->body_max_fds > 0 &&
		       facts->body_open_fds > NEAR_LIMIT * facts->body_max_fds
		   ? RESOURCES_INFERRED
		   : RESOURCES_UNKNOWN;
}

static enum resources_kind
judge_queue(const struct resources_facts *facts,
    const struct resources_question *question)
{
	/* Then that is the reason itself. */
	if (question->reason == REASON_CONNECT_BACKLOG_FULL)
		return RESOURCES_UNKNOWN;
	return listen_queue_is_full(&facts->queue) ? RESOURCES_MEASURED
						   : RESOURCES_UNKNOWN;
}

static enum resources_kind
judge_restart(const struct resources_facts *facts,
    const struct resources_question *question)
{
	if (facts->sight == SIGHT_ALIVE && facts->is_successor)
		return RESOURCES_MEASURED;
	/* Only this very answer can tell. */
	return question->is_slow && facts->has_body_start ? RESOURCES_MEASURED
							  : RESOURCES_UNKNOWN;
}

static enum resources_kind
judge_memory(const struct resources_facts *facts,
    const struct resources_question *question)
{
	bool is_near = facts->has_working_set && facts->has_memory_limit &&
		       (double)facts->working_set >
			   NEAR_LIMIT * (double)facts->memory_limit;
	bool hurts = (facts->has_hits && facts->hits > 0) ||
		     (facts->has_memory_pressure &&
			 facts->memory_pressure > PRESSURE_MEMORY);

	(void)question;
	if (is_near)
		return hurts ? RESOURCES_MEASURED : RESOURCES_INFERRED;
	return !facts->has_working_set && facts->has_body_memory &&
		       facts->has_declared_memory &&
		       facts->body_memory >
			   NEAR_LIMIT * (double)facts->declared_memory
		   ? RESOURCES_INFERRED
		   : RESOURCES_UNKNOWN;
}

static enum resources_kind
judge_growth(const struct resources_facts *facts,
    const struct resources_question *question)
{
	(void)facts;
	return (question->usual_bytes > 0 &&
		   question->bytes > GROWTH * question->usual_bytes) ||
		       (question->usual_samples > 0 &&
			   question->samples > GROWTH * question->usual_samples)
		   ? RESOURCES_MEASURED
		   : RESOURCES_UNKNOWN;
}

static enum resources_kind
judge_pressure(const struct resources_facts *facts,
    const struct resources_question *question)
{
	(void)question;
	if (!facts->has_cpu_pressure || facts->cpu_pressure <= PRESSURE_CPU)
		return RESOURCES_UNKNOWN;
	/* Who hardly wants the processor does not wait for it. */
	if (facts->has_cpu_used &&
	    (double)facts->cpu_used_us < BUSY_CPU * (double)facts->cpu_span_us)
		return RESOURCES_UNKNOWN;
	/* The machine's is mostly about others, and the average mostly about
	 * the time before a short scrape. */
	return facts->has_cpu_used && !facts->is_pressure_of_node &&
		       facts->elapsed_us >= PRESSURE_WINDOW_US
		   ? RESOURCES_MEASURED
		   : RESOURCES_INFERRED;
}

static const struct {
	const char *id;
	unsigned classes;
	enum resources_kind (*judge)(const struct resources_facts *facts,
	    const struct resources_question *question);
} causes[RESOURCES_CAUSE_COUNT] = {
	[RESOURCES_NONE] = { "", 0, NULL },
	[RESOURCES_OOM_KILLED] = { "oom_killed",
	    CLASS_GONE | CLASS_LATE | CLASS_ERROR, judge_oom },
	[RESOURCES_EXPORTER_STUCK] = { "exporter_stuck", CLASS_LATE,
	    judge_stuck },
	[RESOURCES_GATE_THROTTLED] = { "gate_throttled",
	    CLASS_LATE | CLASS_SLOW | CLASS_GATE, judge_gate },
	[RESOURCES_CPU_THROTTLED] = { "cpu_throttled", CLASS_LATE | CLASS_SLOW,
	    judge_throttled },
	[RESOURCES_FDS_EXHAUSTED] = { "fds_exhausted",
	    CLASS_GONE | CLASS_LATE | CLASS_ERROR, judge_fds },
	[RESOURCES_ACCEPT_QUEUE_FULL] = { "accept_queue_full",
	    CLASS_GONE | CLASS_LATE, judge_queue },
	[RESOURCES_RESTARTED] = { "restarted",
	    CLASS_GONE | CLASS_LATE | CLASS_ERROR | CLASS_SLOW, judge_restart },
	[RESOURCES_MEMORY_NEAR_LIMIT] = { "memory_near_limit",
	    CLASS_GONE | CLASS_LATE | CLASS_ERROR | CLASS_SLOW, judge_memory },
	[RESOURCES_EXPOSITION_GROWTH] = { "exposition_growth",
	    CLASS_LATE | CLASS_LIMIT | CLASS_SLOW, judge_growth },
	[RESOURCES_CPU_PRESSURE] = { "cpu_pressure", CLASS_LATE | CLASS_SLOW,
	    judge_pressure },
};

const char *
resources_cause_id(enum resources_cause cause)
{
	return causes[cause].id;
}

const char *
resources_kind_name(enum resources_kind kind)
{
	static const char *const names[] = {
		[RESOURCES_UNKNOWN] = "unknown",
		[RESOURCES_INFERRED] = "inferred",
		[RESOURCES_MEASURED] = "measured",
	};

	return names[kind];
}

/* Names of processes, units and cgroups may be in any script. */
static void
clean(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

void
resources_conclude(const struct resources_facts *facts,
    const struct resources_question *question,
    struct resources_verdict *verdict)
{
	unsigned class = class_asked(question);
	enum resources_kind kind;
	int i;

	memset(verdict, 0, sizeof(*verdict));
	if (class == 0)
		return;
	for (i = RESOURCES_NONE + 1; i < RESOURCES_CAUSE_COUNT; i++) {
		if ((causes[i].classes & class) == 0)
			continue;
		kind = causes[i].judge(facts, question);
		if (kind > verdict->kind) {
			verdict->kind = kind;
			verdict->cause = (enum resources_cause)i;
		}
	}
	resources_tell(facts, question, verdict);
	clean(verdict->bracket);
	clean(verdict->cause_text);
	clean(verdict->fix_text);
	if (facts->sight != SIGHT_OFF || facts->gate.is_known ||
	    facts->has_body)
		resources_show(facts, question, verdict);
}
