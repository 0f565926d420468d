/*
 * A second cause: which one is picked, from what is known, as a table; its
 * words; and the way from a made-up /proc to a verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/thread.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/resources.h"
#include "proxy/diagnosis/resources_facts.h"
#include "proxy/diagnosis/resources_parts.h"
#include "proxy/exposition/facts.h"
#include "proxy/fetch/report.h"

#define MS UINT64_C(1000)
#define S UINT64_C(1000000)

/* An exporter about which everything is known and nothing is wrong. */
static struct resources_facts
well(void)
{
	return (struct resources_facts){
		.sight = SIGHT_ALIVE,
		.unseen = "",
		.container = "",
		.unit = "",
		.cgroup = "/exporter",
		.elapsed_us = 10 * S,
		.stat = { .pid = 4711, .name = "node_exporter", .state = 'S' },
		.age_us = 3600 * S,
		.has_cpu_used = true,
		.cpu_used_us = 2 * S,
		.cpu_span_us = 10 * S,
		.has_fds = true,
		.open_fds = 9,
		.max_fds = 1024,
		.exporter = { .is_known = true,
		    .span_us = 10 * S,
		    .periods = 100,
		    .has_limit = true,
		    .limit_millis = 100,
		    .period_us = 100 * MS },
		.gate = { .is_known = true,
		    .span_us = 10 * S,
		    .periods = 100,
		    .has_limit = true,
		    .limit_millis = 50,
		    .period_us = 100 * MS },
		.has_memory = true,
		.memory = 60 << 20,
		.has_working_set = true,
		.working_set = 50 << 20,
		.has_memory_limit = true,
		.memory_limit = 128 << 20,
		.has_hits = true,
		.has_kills = true,
		.has_cpu_pressure = true,
		.queue = { true, LISTENER_EXACT, 0, 128 },
	};
}

static void
throttle(struct resources_facts *facts)
{
	facts->exporter.throttled_us = 8900 * MS;
	facts->exporter.throttled_periods = 94;
}

static void
throttle_at_edge(struct resources_facts *facts)
{
	facts->exporter.throttled_us = 2000 * MS; /* 20 %, and 25 % */
	facts->exporter.throttled_periods = 25;
}

static void
throttle_by_periods(struct resources_facts *facts)
{
	facts->exporter.throttled_us = 1000 * MS;
	facts->exporter.throttled_periods = 26;
}

static void
throttle_by_periods_briefly(struct resources_facts *facts)
{
	facts->exporter.throttled_us = 999 * MS;
	facts->exporter.throttled_periods = 90;
}

static void
throttle_by_time(struct resources_facts *facts)
{
	facts->exporter.throttled_us = 2001 * MS;
	facts->exporter.throttled_periods = 20;
}

/* All of it may have been before the scrape. */
static void
throttle_before(struct resources_facts *facts)
{
	facts->exporter.span_us = 40 * S;
	facts->exporter.periods = 400;
	facts->exporter.throttled_us = 29 * S;
	facts->exporter.throttled_periods = 300;
}

/* That much does not fit into the time before it. */
static void
throttle_before_and_in(struct resources_facts *facts)
{
	throttle_before(facts);
	facts->exporter.throttled_periods = 390;
}

static void
throttle_one_period(struct resources_facts *facts)
{
	facts->elapsed_us = 900 * MS;
	facts->exporter.throttled_us = 100 * MS;
	facts->exporter.periods = 1;
	facts->exporter.throttled_periods = 1;
}

static void
throttle_gate(struct resources_facts *facts)
{
	facts->gate.throttled_us = 9 * S;
	facts->gate.throttled_periods = 95;
}

static void
throttle_both_gate_more(struct resources_facts *facts)
{
	throttle(facts);
	throttle_gate(facts);
}

static void
throttle_both_gate_less(struct resources_facts *facts)
{
	throttle_both_gate_more(facts);
	facts->gate.throttled_us = 3 * S;
}

static void
throttle_gate_inside(struct resources_facts *facts)
{
	throttle_both_gate_more(facts);
	facts->is_gate_inside = true;
}

static void
throttle_gate_exporter_unknown(struct resources_facts *facts)
{
	throttle_gate(facts);
	facts->exporter.is_known = false;
}

static void
forget_cgroup(struct resources_facts *facts)
{
	throttle(facts);
	facts->exporter.is_known = false;
	facts->has_memory = facts->has_working_set = false;
	facts->has_memory_limit = facts->has_hits = facts->has_kills = false;
	facts->has_cpu_pressure = false;
}

static void
burn_as_declared(struct resources_facts *facts)
{
	forget_cgroup(facts);
	facts->has_body = facts->has_body_cpu = facts->has_declared_cpu = true;
	facts->body_cpu = 0.08;
	facts->declared_cpu_millis = 100;
}

static void
burn_less_than_declared(struct resources_facts *facts)
{
	burn_as_declared(facts);
	facts->body_cpu = 0.079;
}

/* Where the kernel says that it was not throttled, nothing is inferred. */
static void
burn_but_known(struct resources_facts *facts)
{
	burn_as_declared(facts);
	facts->exporter = well().exporter;
}

static void
kill_it(struct resources_facts *facts)
{
	facts->sight = SIGHT_ENDED;
	facts->kills = 1;
	facts->kill_age_us = 2 * S;
	facts->has_hits = true;
	facts->hits = 47;
}

/* For want of memory of the whole machine. */
static void
kill_it_for_others(struct resources_facts *facts)
{
	kill_it(facts);
	facts->hits = 0;
}

/* Another has taken its place already. */
static void
kill_it_before(struct resources_facts *facts)
{
	kill_it(facts);
	facts->sight = SIGHT_ALIVE;
	facts->is_successor = true;
	facts->age_us = 1 * S;
}

/* The exporter itself was there before and is there still. */
static void
kill_a_child(struct resources_facts *facts)
{
	kill_it(facts);
	facts->sight = SIGHT_ALIVE;
}

static void
kill_it_long_ago(struct resources_facts *facts)
{
	kill_it(facts);
	facts->sight = SIGHT_ALIVE;
	facts->kill_age_us = 3600 * S;
}

static void
kill_it_for_good(struct resources_facts *facts)
{
	kill_it_long_ago(facts);
	facts->sight = SIGHT_ENDED;
}

static void
vanish_near_limit(struct resources_facts *facts)
{
	forget_cgroup(facts);
	facts->sight = SIGHT_ENDED;
	facts->was_near_limit = true;
	facts->has_memory_limit = true;
}

/* It ended, and the kernel says that it was not for memory. */
static void
vanish_unkilled(struct resources_facts *facts)
{
	facts->sight = SIGHT_ENDED;
	facts->was_near_limit = true;
}

static void
replace_near_limit(struct resources_facts *facts)
{
	forget_cgroup(facts);
	facts->is_successor = true;
	facts->was_near_limit = true;
}

static void
vanish(struct resources_facts *facts)
{
	facts->sight = SIGHT_ENDED;
}

static void
stop_it(struct resources_facts *facts)
{
	facts->stat.state = 'T';
	facts->cpu_used_us = 0;
}

static void
sleep_on_disk(struct resources_facts *facts)
{
	facts->stat.state = 'D';
	facts->cpu_used_us = 500 * MS; /* 5 % */
}

static void
work_on_disk(struct resources_facts *facts)
{
	facts->stat.state = 'D';
	facts->cpu_used_us = 501 * MS;
}

static void
lock_up(struct resources_facts *facts)
{
	facts->is_in_lock = true;
	facts->cpu_used_us = 0;
}

static void
lock_up_unknown_cpu(struct resources_facts *facts)
{
	facts->is_in_lock = true;
	facts->has_cpu_used = false;
}

static void
use_up_fds(struct resources_facts *facts)
{
	facts->open_fds = 922; /* 0.9 is 921.6 */
}

static void
use_many_fds(struct resources_facts *facts)
{
	facts->open_fds = 921;
}

static void
tell_of_fds(struct resources_facts *facts)
{
	facts->has_fds = false;
	facts->has_body = facts->has_body_fds = true;
	facts->body_open_fds = 1000;
	facts->body_max_fds = 1024;
}

/* Seen now beats what was told then. */
static void
tell_of_fds_but_seen(struct resources_facts *facts)
{
	tell_of_fds(facts);
	facts->has_fds = true;
}

static void
fill_queue(struct resources_facts *facts)
{
	facts->queue.waiting = 129;
}

static void
restart(struct resources_facts *facts)
{
	facts->is_successor = true;
	facts->age_us = 12 * S;
}

static void
restart_by_body(struct resources_facts *facts)
{
	facts->sight = SIGHT_UNSEEN;
	facts->has_body = facts->has_body_start = true;
	facts->body_start_age_us = 12 * S;
}

static void
restart_and_throttle(struct resources_facts *facts)
{
	restart(facts);
	throttle(facts);
}

static void
fill_memory(struct resources_facts *facts)
{
	facts->memory = facts->working_set = 127 << 20;
}

static void
fill_memory_and_reclaim(struct resources_facts *facts)
{
	fill_memory(facts);
	facts->hits = 1;
}

static void
fill_memory_under_pressure(struct resources_facts *facts)
{
	fill_memory(facts);
	facts->has_memory_pressure = true;
	facts->memory_pressure = 5.1;
}

/* A cache of files takes what nobody else wants. */
static void
fill_cache(struct resources_facts *facts)
{
	facts->memory = 128 << 20;
	facts->hits = 1000;
}

static void
tell_of_memory(struct resources_facts *facts)
{
	forget_cgroup(facts);
	facts->has_body = facts->has_body_memory = true;
	facts->body_memory = 127 << 20;
	facts->has_declared_memory = true;
	facts->declared_memory = 128 << 20;
}

static void
press(struct resources_facts *facts)
{
	facts->cpu_pressure = 20.1;
}

static void
press_at_edge(struct resources_facts *facts)
{
	facts->cpu_pressure = 20;
}

static void
press_briefly(struct resources_facts *facts)
{
	press(facts);
	facts->elapsed_us = 4 * S;
}

static void
press_node(struct resources_facts *facts)
{
	press(facts);
	facts->is_pressure_of_node = true;
}

static void
press_idle(struct resources_facts *facts)
{
	press(facts);
	facts->cpu_used_us = 500 * MS;
}

static void
see_nothing(struct resources_facts *facts)
{
	const struct resources_facts nothing = {
		.sight = SIGHT_UNSEEN,
		.unseen = "nobody",
		.container = "",
		.unit = "",
		.cgroup = "",
		.elapsed_us = 10 * S,
	};

	*facts = nothing;
}

#define M RESOURCES_MEASURED
#define I RESOURCES_INFERRED
#define U RESOURCES_UNKNOWN
#define LATE REASON_TIMEOUT_HEADERS
#define GONE REASON_HTTP_CLOSED_BEFORE_RESPONSE
#define ERROR REASON_HTTP_UNAVAILABLE
#define SLOW REASON_OK

static const struct {
	void (*set)(struct resources_facts *facts);
	enum reason reason; /* SLOW: good, and slow */
	enum resources_cause cause;
	enum resources_kind kind;
	const char *bracket;
} cases[] = {
	{ NULL, LATE, RESOURCES_NONE, U, "" },
	{ NULL, GONE, RESOURCES_NONE, U, "" },
	{ NULL, SLOW, RESOURCES_NONE, U, "" },
	{ see_nothing, LATE, RESOURCES_NONE, U, "" },
	{ see_nothing, GONE, RESOURCES_NONE, U, "" },

	{ throttle, LATE, RESOURCES_CPU_THROTTLED, M,
	    "cpu_throttled 8.9s at limit 100m" },
	{ throttle, SLOW, RESOURCES_CPU_THROTTLED, M,
	    "cpu_throttled 8.9s at limit 100m" },
	{ throttle, REASON_CONNECT_BACKLOG_FULL, RESOURCES_CPU_THROTTLED, M,
	    "cpu_throttled 8.9s at limit 100m" },
	{ throttle, GONE, RESOURCES_NONE, U, "" },
	{ throttle, REASON_HTTP_NOT_FOUND, RESOURCES_NONE, U, "" },
	{ throttle, REASON_TIMEOUT_CONNECT, RESOURCES_NONE, U, "" },
	{ throttle, REASON_CLIENT_GONE, RESOURCES_NONE, U, "" },
	{ throttle_at_edge, LATE, RESOURCES_NONE, U, "" },
	{ throttle_by_periods, LATE, RESOURCES_CPU_THROTTLED, M,
	    "cpu_throttled 1s at limit 100m" },
	{ throttle_by_periods_briefly, LATE, RESOURCES_NONE, U, "" },
	{ throttle_by_time, LATE, RESOURCES_CPU_THROTTLED, M,
	    "cpu_throttled 2s at limit 100m" },
	{ throttle_one_period, LATE, RESOURCES_NONE, U, "" },
	{ throttle_before, LATE, RESOURCES_NONE, U, "" },
	{ throttle_before_and_in, LATE, RESOURCES_CPU_THROTTLED, M,
	    "cpu_throttled 29s at limit 100m" },
	{ forget_cgroup, LATE, RESOURCES_NONE, U, "" },
	{ burn_as_declared, LATE, RESOURCES_CPU_THROTTLED, I, "" },
	{ burn_less_than_declared, LATE, RESOURCES_NONE, U, "" },
	{ burn_but_known, LATE, RESOURCES_NONE, U, "" },

	{ throttle_gate, LATE, RESOURCES_GATE_THROTTLED, M,
	    "gate_throttled 9s at limit 50m" },
	{ throttle_gate, REASON_TIMEOUT_CONNECT, RESOURCES_GATE_THROTTLED, M,
	    "gate_throttled 9s at limit 50m" },
	{ throttle_gate, REASON_TIMEOUT_DNS, RESOURCES_GATE_THROTTLED, M,
	    "gate_throttled 9s at limit 50m" },
	{ throttle_gate_exporter_unknown, LATE, RESOURCES_GATE_THROTTLED, M,
	    "gate_throttled 9s at limit 50m" },
	{ throttle_both_gate_more, LATE, RESOURCES_GATE_THROTTLED, M,
	    "gate_throttled 9s at limit 50m" },
	{ throttle_both_gate_less, LATE, RESOURCES_CPU_THROTTLED, M,
	    "cpu_throttled 8.9s at limit 100m" },
	{ throttle_gate_inside, LATE, RESOURCES_CPU_THROTTLED, M,
	    "cpu_throttled 8.9s at limit 100m" },

	{ kill_it, GONE, RESOURCES_OOM_KILLED, M, "oom_killed at limit 128Mi" },
	{ kill_it, LATE, RESOURCES_OOM_KILLED, M, "oom_killed at limit 128Mi" },
	{ kill_it, ERROR, RESOURCES_OOM_KILLED, M,
	    "oom_killed at limit 128Mi" },
	{ kill_it_for_others, GONE, RESOURCES_OOM_KILLED, M, "oom_killed" },
	{ kill_it_before, GONE, RESOURCES_OOM_KILLED, M,
	    "oom_killed at limit 128Mi" },
	{ kill_a_child, GONE, RESOURCES_OOM_KILLED, I, "" },
	{ kill_it, SLOW, RESOURCES_NONE, U, "" },
	{ kill_it_long_ago, GONE, RESOURCES_NONE, U, "" },
	{ kill_it_for_good, GONE, RESOURCES_OOM_KILLED, M,
	    "oom_killed at limit 128Mi" },
	{ kill_it_for_good, REASON_CONNECT_REFUSED, RESOURCES_OOM_KILLED, M,
	    "oom_killed at limit 128Mi" },
	{ vanish_near_limit, GONE, RESOURCES_OOM_KILLED, I, "" },
	{ replace_near_limit, LATE, RESOURCES_RESTARTED, M,
	    "restarted 3600s ago" },
	{ vanish_unkilled, GONE, RESOURCES_NONE, U, "" },
	{ vanish, GONE, RESOURCES_NONE, U, "" },

	{ stop_it, LATE, RESOURCES_EXPORTER_STUCK, M,
	    "exporter_stuck: process state T" },
	{ stop_it, GONE, RESOURCES_NONE, U, "" },
	{ sleep_on_disk, LATE, RESOURCES_EXPORTER_STUCK, M,
	    "exporter_stuck: process state D" },
	{ work_on_disk, LATE, RESOURCES_NONE, U, "" },
	{ lock_up, LATE, RESOURCES_EXPORTER_STUCK, I, "" },
	{ lock_up_unknown_cpu, LATE, RESOURCES_NONE, U, "" },

	{ use_up_fds, LATE, RESOURCES_FDS_EXHAUSTED, M,
	    "fds_exhausted 922 of 1024" },
	{ use_up_fds, GONE, RESOURCES_FDS_EXHAUSTED, M,
	    "fds_exhausted 922 of 1024" },
	{ use_many_fds, GONE, RESOURCES_NONE, U, "" },
	{ tell_of_fds, GONE, RESOURCES_FDS_EXHAUSTED, I, "" },
	{ tell_of_fds_but_seen, GONE, RESOURCES_NONE, U, "" },

	{ fill_queue, LATE, RESOURCES_ACCEPT_QUEUE_FULL, M,
	    "accept_queue_full 129 of 128" },
	{ fill_queue, REASON_CONNECT_BACKLOG_FULL, RESOURCES_NONE, U, "" },

	{ restart, GONE, RESOURCES_RESTARTED, M, "restarted 12s ago" },
	{ restart, LATE, RESOURCES_RESTARTED, M, "restarted 12s ago" },
	{ restart, ERROR, RESOURCES_RESTARTED, M, "restarted 12s ago" },
	{ restart, SLOW, RESOURCES_RESTARTED, M, "restarted 12s ago" },
	{ restart_by_body, SLOW, RESOURCES_RESTARTED, M, "restarted 12s ago" },
	{ restart_by_body, LATE, RESOURCES_NONE, U, "" },
	{ restart_and_throttle, LATE, RESOURCES_CPU_THROTTLED, M,
	    "cpu_throttled 8.9s at limit 100m" },
	{ restart_and_throttle, GONE, RESOURCES_RESTARTED, M,
	    "restarted 12s ago" },

	{ fill_memory, LATE, RESOURCES_MEMORY_NEAR_LIMIT, I, "" },
	{ fill_memory_and_reclaim, LATE, RESOURCES_MEMORY_NEAR_LIMIT, M,
	    "memory_near_limit 127Mi of 128Mi" },
	{ fill_memory_under_pressure, SLOW, RESOURCES_MEMORY_NEAR_LIMIT, M,
	    "memory_near_limit 127Mi of 128Mi" },
	{ fill_cache, LATE, RESOURCES_NONE, U, "" },
	{ tell_of_memory, GONE, RESOURCES_MEMORY_NEAR_LIMIT, I, "" },

	{ press, LATE, RESOURCES_CPU_PRESSURE, M,
	    "cpu_pressure 20% of the exporter" },
	{ press_at_edge, LATE, RESOURCES_NONE, U, "" },
	{ press_briefly, LATE, RESOURCES_CPU_PRESSURE, I, "" },
	{ press_node, LATE, RESOURCES_CPU_PRESSURE, I, "" },
	{ press_idle, LATE, RESOURCES_NONE, U, "" },
	{ press, GONE, RESOURCES_NONE, U, "" },
};

static void
test_causes(void **state)
{
	struct resources_question question;
	struct resources_verdict verdict;
	struct resources_facts facts;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		facts = well();
		if (cases[i].set != NULL)
			cases[i].set(&facts);
		question = (struct resources_question){
			.reason = cases[i].reason,
			.is_slow = cases[i].reason == SLOW,
		};
		resources_conclude(&facts, &question, &verdict);
		if (verdict.cause != cases[i].cause ||
		    verdict.kind != cases[i].kind ||
		    strcmp(verdict.bracket, cases[i].bracket) != 0)
			fail_msg("case %zu: %s (%s) [%s]", i,
			    resources_cause_id(verdict.cause),
			    resources_kind_name(verdict.kind), verdict.bracket);
		/* A cause has its words, an advice and its evidence. */
		assert_int_equal(verdict.cause != RESOURCES_NONE,
		    verdict.cause_text[0] != '\0');
		assert_int_equal(verdict.cause != RESOURCES_NONE,
		    verdict.fix_text[0] != '\0');
		if (verdict.cause != RESOURCES_NONE)
			assert_true(verdict.seen[0] != '\0');
	}
	/* Every cause was met. */
	for (i = RESOURCES_NONE + 1; i < RESOURCES_CAUSE_COUNT; i++) {
		size_t k;

		if (i == RESOURCES_EXPOSITION_GROWTH)
			continue;
		for (k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
			if (cases[k].cause == i)
				break;
		assert_true(k < sizeof(cases) / sizeof(cases[0]));
	}
}

static void
test_growth(void **state)
{
	static const struct {
		enum reason reason;
		uint64_t bytes, usual_bytes, samples, usual_samples;
		const char *bracket;
	} grown[] = {
		{ LATE, 2001, 1000, 0, 0,
		    "exposition_growth 2001 bytes, usually 1000" },
		{ LATE, 2000, 1000, 0, 0, "" },
		{ LATE, 2001, 0, 0, 0, "" },
		{ SLOW, 0, 0, 21, 10,
		    "exposition_growth 21 samples, usually 10" },
		{ REASON_LIMIT_SAMPLES, 0, 0, 21, 10,
		    "exposition_growth 21 samples, usually 10" },
		{ REASON_LIMIT_BODY_SIZE, 3000, 1000, 0, 0,
		    "exposition_growth 3000 bytes, usually 1000" },
		{ GONE, 3000, 1000, 0, 0, "" },
	};
	struct resources_facts facts = well();
	struct resources_verdict verdict;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(grown) / sizeof(grown[0]); i++) {
		struct resources_question question = {
			.reason = grown[i].reason,
			.is_slow = grown[i].reason == SLOW,
			.bytes = grown[i].bytes,
			.usual_bytes = grown[i].usual_bytes,
			.samples = grown[i].samples,
			.usual_samples = grown[i].usual_samples,
		};

		resources_conclude(&facts, &question, &verdict);
		assert_string_equal(verdict.bracket, grown[i].bracket);
	}
}

static void
assert_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void
test_words(void **state)
{
	struct resources_question question = { .reason = LATE };
	struct resources_facts facts = well();
	struct resources_verdict verdict;

	(void)state;
	throttle(&facts);
	resources_conclude(&facts, &question, &verdict);
	assert_string_equal(verdict.cause_text,
	    "The kernel paused the exporter at its CPU limit. Not the "
	    "network.");
	assert_string_equal(verdict.fix_text,
	    "raise the CPU quota of cgroup /exporter from 100m to 500m. A "
	    "longer scrape_timeout would only hide this.");
	assert_string_equal(verdict.seen,
	    "exporter was throttled 8.9 s in 94 of 100 periods over 10 s, CPU "
	    "limit 100m (measured); exporter used 2 s of CPU in 10 s "
	    "(measured); process 4711 (node_exporter), 3600 s old (measured)");
	facts.host = HOST_KUBERNETES;
	resources_conclude(&facts, &question, &verdict);
	assert_in(verdict.fix_text,
	    "raise limits.cpu of the exporter's container from 100m to 500m");
	facts.container = "mysqld-exporter";
	resources_conclude(&facts, &question, &verdict);
	assert_in(verdict.fix_text,
	    "raise limits.cpu of container mysqld-exporter from 100m to 500m");
	facts.host = HOST_SYSTEMD;
	facts.unit = "node.service";
	resources_conclude(&facts, &question, &verdict);
	assert_in(verdict.fix_text,
	    "systemctl set-property node.service CPUQuota=50% (now 10%)");
	see_nothing(&facts);
	resources_conclude(&facts, &question, &verdict);
	assert_string_equal(
	    verdict.seen, "which process listens there: nobody (unknown)");
	question.reason = ERROR;
	resources_conclude(&facts, &question, &verdict);
	assert_string_equal(verdict.seen, "");
	question.reason = LATE;
	/* Nothing to say of what nobody looks at. */
	facts.sight = SIGHT_OFF;
	resources_conclude(&facts, &question, &verdict);
	assert_string_equal(verdict.seen, "");
	/* Names in any script do not get through. */
	facts = well();
	throttle(&facts);
	facts.cgroup = "/\xc3\xa4\n";
	resources_conclude(&facts, &question, &verdict);
	assert_in(verdict.fix_text, "of cgroup /??? from");
}

static void
test_finding(void **state)
{
	struct resources_question question = { .reason = LATE };
	struct resources_facts facts = well();
	struct resources_verdict verdict;
	struct finding finding = { .reason = LATE };

	(void)state;
	throttle(&facts);
	resources_conclude(&facts, &question, &verdict);
	strcpy(finding.words, "exporter sent nothing for 9.5s");
	strcpy(finding.cause, "First.");
	strcpy(finding.fix, "do this.");
	strcpy(finding.seen, "one (measured); two (measured)");
	finding_explain(&finding, &verdict);
	assert_string_equal(finding.words,
	    "exporter sent nothing for 9.5s [cpu_throttled 8.9s at limit "
	    "100m]");
	assert_in(finding.cause, "The kernel paused");
	assert_null(strstr(finding.cause, "First."));
	assert_in(finding.seen, "(measured); one (measured); two (measured)");
	assert_in(finding.seen, "exporter was throttled");
	/* What is only inferred is added, and not to the status line. */
	facts = well();
	fill_memory(&facts);
	resources_conclude(&facts, &question, &verdict);
	strcpy(finding.words, "exporter sent nothing for 9.5s");
	strcpy(finding.cause, "First.");
	strcpy(finding.fix, "do this.");
	strcpy(finding.seen, "one (measured)");
	finding_explain(&finding, &verdict);
	assert_string_equal(finding.words, "exporter sent nothing for 9.5s");
	assert_in(finding.cause, "First. The exporter needs 127Mi");
	assert_in(finding.fix, "do this. raise the memory limit");
	assert_in(finding.seen, "one (measured); exporter was throttled 0 s");
	/* Long words make room: the line keeps its 200 bytes. */
	facts = well();
	throttle(&facts);
	resources_conclude(&facts, &question, &verdict);
	memset(finding.words, 'w', sizeof(finding.words) - 1);
	finding_explain(&finding, &verdict);
	assert_int_equal(
	    strlen("timeout_headers: ") + strlen(finding.words), 200);
	assert_in(finding.words, "www... [cpu_throttled 8.9s at limit 100m]");
	/* Evidence that is full takes whole pieces only. */
	memset(finding.seen, 'e', sizeof(finding.seen) - 1);
	finding.seen[sizeof(finding.seen) - 1] = '\0';
	finding_explain(&finding, &verdict);
	assert_in(finding.seen, "old (measured)");
	assert_null(strstr(finding.seen, "ee"));
	/* What is quoted may look like the end of one. */
	snprintf(finding.seen, sizeof(finding.seen),
	    "begins \"f(); %0950d\" (measured)", 0);
	finding_explain(&finding, &verdict);
	assert_null(strstr(finding.seen, "begins"));
	/* And nothing changes nothing. */
	memset(&verdict, 0, sizeof(verdict));
	strcpy(finding.words, "w");
	strcpy(finding.seen, "s (measured)");
	finding_explain(&finding, &verdict);
	assert_string_equal(finding.words, "w");
	assert_string_equal(finding.seen, "s (measured)");
}

/* From a made-up /proc to a verdict.  The process is a real one: the kernel
 * is asked for its CPU time. */

static char root[64];
static pid_t child;
static struct event_base *base;
static struct mailbox *mailbox;

static void __attribute__((format(printf, 2, 3)))
put(const char *text, const char *format, ...)
{
	char path[512];
	size_t len = strlen(root);
	va_list args;
	char *slash;
	FILE *file;

	memcpy(path, root, len);
	va_start(args, format);
	vsnprintf(path + len, sizeof(path) - len, format, args);
	va_end(args);
	for (slash = strchr(path + len + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
put_process(pid_t pid, char state)
{
	char text[256], path[512];

	snprintf(text, sizeof(text),
	    "%d (hog) %c 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 100 1\n",
	    (int)pid, state);
	put(text, "/proc/%d/stat", (int)pid);
	put("0::/x\n", "/proc/%d/cgroup", (int)pid);
	put("", "/proc/%d/fd/0", (int)pid);
	snprintf(path, sizeof(path), "%s/proc/%d/fd/3", root, (int)pid);
	unlink(path);
	assert_int_equal(symlink("socket:[77]", path), 0);
}

static void
put_counts(unsigned periods, unsigned throttled, unsigned usec)
{
	char text[256];

	snprintf(text, sizeof(text),
	    "nr_periods %u\nnr_throttled %u\nthrottled_usec %u\n", periods,
	    throttled, usec);
	put(text, "/sys/fs/cgroup/x/cpu.stat");
}

static int
set_up(void **state)
{
	struct err err;

	(void)state;
	snprintf(root, sizeof(root), "/tmp/test_resources.XXXXXX");
	assert_non_null(mkdtemp(root));
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	put("  sl  local_address rem_address   st\n"
	    "   0: 0100007F:238C 00000000:0000 0A 00000000:00000000 "
	    "00:00000000 00000000     0        0 77 1 0 100 0 0 10 0\n",
	    "/proc/self/net/tcp");
	put("0::/gate\n", "/proc/self/cgroup");
	put("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
	    "/proc/self/mountinfo");
	put("nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
	    "/sys/fs/cgroup/gate/cpu.stat");
	put("10000 100000\n", "/sys/fs/cgroup/x/cpu.max");
	put("500000\n", "/sys/fs/cgroup/x/memory.current");
	put("1048576\n", "/sys/fs/cgroup/x/memory.max");
	put("oom_kill 3\nmax 0\n", "/sys/fs/cgroup/x/memory.events");
	put("inactive_file 0\n", "/sys/fs/cgroup/x/memory.stat");
	put_counts(100, 5, 100);
	put_process(child, 'S');
	base = thread_base_new(&err);
	mailbox = mailbox_new(base, NULL, &err);
	return base == NULL || mailbox == NULL;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	mailbox_free(mailbox);
	event_base_free(base);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct conf_target target = {
	.name = (char *)"node",
	.url = { .text = (char *)"http://127.0.0.1:9100/metrics",
	    .scheme = CONF_HTTP,
	    .host = (char *)"127.0.0.1",
	    .port = 9100 },
	.resources = { .pid = (char *)"auto", .cgroup = (char *)"auto" },
};

static struct conf conf = { .targets = &target, .target_count = 1 };

static const struct report report = { .address = "127.0.0.1:9100" };

/* Scrapes until the thread has found it. */
static struct resources *
find_it(struct resources_book *book, struct resources_mark *mark)
{
	struct resources *resources = resources_of(book, &target);
	uint64_t until_us = clock_now_us() + 20 * S;

	while (mark->generation == 0) {
		assert_true(clock_now_us() < until_us);
		resources_begin(resources, mark);
		usleep(1000);
		mailbox_deliver(mailbox);
	}
	return resources;
}

static void
ask(struct resources *resources, const struct resources_mark *mark,
    enum reason reason, struct resources_verdict *verdict)
{
	struct resources_question question = {
		.reason = reason,
		.report = &report,
		.mark = mark,
		.begin_us = mark->at_us - 1,
	};

	usleep(21000); /* or what was measured before is still good */
	resources_judge(resources, &question, verdict);
}

static void
test_whole_way(void **state)
{
	struct resources_book *book = resources_book_new(mailbox, root);
	struct resources_mark mark = { .generation = 0 };
	struct resources_verdict verdict;
	struct resources *resources;

	(void)state;
	resources_book_switch(book, &conf);
	resources = find_it(book, &mark);
	assert_int_equal(resources_pid(resources), child);
	assert_true(mark.has_cpu && mark.cgroup.has_cpu);
	resources_learn(resources, &mark, &report, NULL, 1);
	/* Nothing has happened. */
	resources_begin(resources, &mark);
	ask(resources, &mark, LATE, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_NONE);
	assert_in(verdict.seen, "(hog)");
	/* Then it was throttled, and only then. */
	resources_begin(resources, &mark);
	usleep(2000);
	put_counts(200, 99, 9400100);
	ask(resources, &mark, LATE, &verdict);
	assert_string_equal(
	    verdict.bracket, "cpu_throttled 9.4s at limit 100m");
	assert_in(verdict.seen, "in 94 of 100 periods");
	resources_begin(resources, &mark);
	ask(resources, &mark, LATE, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_NONE);
	/* Somebody rotates the counters: unknown, not a large number. */
	put_counts(0, 0, 0);
	ask(resources, &mark, LATE, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_NONE);
	assert_in(verdict.seen, "its cgroup does not tell (unknown)");
	/* Killed, in the same cgroup. */
	put("oom_kill 4\nmax 0\n", "/sys/fs/cgroup/x/memory.events");
	ask(resources, &mark, GONE, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_OOM_KILLED);
	assert_int_equal(verdict.kind, RESOURCES_INFERRED);
	assert_in(verdict.seen, "oom_kill of its cgroup rose by 1 ");
	resources_learn(resources, &mark, &report, NULL, 1);
	resources_begin(resources, &mark);
	resources_learn(resources, &mark, &report, NULL, 1);
	ask(resources, &mark, GONE, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_NONE);
	/* A reload that changes nothing keeps what is known ... */
	resources_book_switch(book, &conf);
	assert_ptr_equal(resources_of(book, &target), resources);
	/* ... and one that turns it off forgets. */
	target.resources.pid = (char *)"off";
	resources_book_switch(book, &conf);
	resources = resources_of(book, &target);
	assert_int_equal(resources_pid(resources), 0);
	resources_begin(resources, &mark);
	assert_int_equal(mark.generation, 0);
	ask(resources, &mark, LATE, &verdict);
	assert_string_equal(verdict.seen, "");
	target.resources.pid = (char *)"auto";
	resources_book_free(book);
}

static void
test_process_ends(void **state)
{
	struct resources_book *book = resources_book_new(mailbox, root);
	struct resources_mark mark = { .generation = 0 };
	struct resources_verdict verdict;
	struct resources *resources;
	char path[512];

	(void)state;
	resources_book_switch(book, &conf);
	resources = find_it(book, &mark);
	resources_learn(resources, &mark, &report, NULL, 1);
	snprintf(path, sizeof(path), "%s/proc/%d/stat", root, (int)child);
	unlink(path);
	ask(resources, &mark, GONE, &verdict);
	assert_in(verdict.seen, "has ended (measured)");
	assert_int_equal(resources_pid(resources), 0);
	assert_int_equal(verdict.cause, RESOURCES_NONE);
	/* Freed while the search for its successor runs. */
	resources_book_free(book);
	mailbox_deliver(mailbox);
}

/* What the exporter itself tells is all there is of one elsewhere. */
static void
test_body_alone(void **state)
{
	struct exposition_facts facts = { .bytes = 1 };
	struct resources_mark mark;
	struct resources_verdict verdict;
	struct resources *resources;
	struct resources_book *book;
	struct resources_question slow = {
		.reason = REASON_OK,
		.report = &report,
		.mark = &mark,
		.is_slow = true,
		.begin_us = clock_now_us(),
	};

	(void)state;
	setenv("SCRAPEGATE_EXPORTER_CPU_LIMIT", "100m", 1);
	setenv("SCRAPEGATE_EXPORTER_MEMORY_LIMIT", "128Mi", 1);
	book = resources_book_new(mailbox, root);
	unsetenv("SCRAPEGATE_EXPORTER_CPU_LIMIT");
	unsetenv("SCRAPEGATE_EXPORTER_MEMORY_LIMIT");
	target.resources.pid = (char *)"off";
	resources_book_switch(book, &conf);
	resources = resources_of(book, &target);
	resources_begin(resources, &mark);
	facts.has_value[FACT_OPEN_FDS] = facts.has_value[FACT_MAX_FDS] = true;
	facts.value[FACT_OPEN_FDS] = 1000;
	facts.value[FACT_MAX_FDS] = 1024;
	facts.has_value[FACT_RESIDENT_BYTES] = true;
	facts.value[FACT_RESIDENT_BYTES] = 127 << 20;
	resources_learn(resources, &mark, &report, &facts, 1);
	ask(resources, &mark, GONE, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_FDS_EXHAUSTED);
	assert_int_equal(verdict.kind, RESOURCES_INFERRED);
	assert_in(verdict.seen, "by its own metrics 1000 of 1024");
	facts.value[FACT_OPEN_FDS] = 10;
	resources_learn(resources, &mark, &report, &facts, 1);
	ask(resources, &mark, GONE, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_MEMORY_NEAR_LIMIT);
	assert_in(verdict.seen, "by its own metrics 127Mi resident");
	assert_in(verdict.seen, "limit 128Mi (inferred)");
	/* A slow answer may tell itself of a restart. */
	facts.has_value[FACT_START_TIME] = true;
	facts.value[FACT_START_TIME] = (double)clock_wall_us() / 1e6 - 3600;
	resources_learn(resources, &mark, &report, &facts, 1);
	facts.value[FACT_START_TIME] += 1;
	slow.facts = &facts;
	resources_begin(resources, &mark);
	resources_judge(resources, &slow, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_MEMORY_NEAR_LIMIT);
	facts.value[FACT_START_TIME] += 3588;
	resources_begin(resources, &mark);
	resources_judge(resources, &slow, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_RESTARTED);
	assert_in(verdict.bracket, "restarted 11");
	/* No process began before 1970, or for ever from now. */
	facts.value[FACT_START_TIME] = -100;
	resources_learn(resources, &mark, &report, &facts, 1);
	facts.value[FACT_START_TIME] = -5;
	resources_begin(resources, &mark);
	resources_judge(resources, &slow, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_MEMORY_NEAR_LIMIT);
	facts.value[FACT_START_TIME] = HUGE_VAL;
	resources_begin(resources, &mark);
	resources_judge(resources, &slow, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_MEMORY_NEAR_LIMIT);
	/* Numbers that no process has. */
	facts.value[FACT_RESIDENT_BYTES] = 1e300;
	facts.value[FACT_MAX_FDS] = 0;
	resources_learn(resources, &mark, &report, &facts, 1);
	ask(resources, &mark, GONE, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_NONE);
	/* Without resources, nothing at all. */
	resources_begin(NULL, &mark);
	resources_learn(NULL, &mark, &report, &facts, 1);
	ask(NULL, &mark, GONE, &verdict);
	assert_int_equal(verdict.cause, RESOURCES_NONE);
	assert_int_equal(resources_pid(NULL), 0);
	target.resources.pid = (char *)"auto";
	resources_book_free(book);
}

static void
test_kept_max(void **state)
{
	(void)state;
	assert_int_equal(resources_kept_max(0), 0);
	assert_int_equal(resources_kept_max(64), 0);
	assert_int_equal(resources_kept_max(256), 48);
	assert_int_equal(resources_kept_max(1024), 128);
	assert_int_equal(resources_kept_max(RLIM_INFINITY), 128);
}

/* Where none may be kept, everything is found out all the same. */
static int
set_up_unkept(void **state)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return -1;
	limit.rlim_cur = 64;
	return setrlimit(RLIMIT_NOFILE, &limit) == -1 ? -1 : set_up(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_causes),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_finding),
		cmocka_unit_test_setup_teardown(
		    test_whole_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_process_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_body_alone, set_up, tear_down),
		cmocka_unit_test(test_kept_max),
		{ "test_whole_way unkept", test_whole_way, set_up_unkept,
		    tear_down, NULL },
		{ "test_process_ends unkept", test_process_ends, set_up_unkept,
		    tear_down, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
