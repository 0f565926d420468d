/*
 * What Kubernetes says of the exporter's container, as evidence and as the
 * second cause of a failure.
 */
#include "proxy/diagnosis/classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "proxy/backend/pod_read.h"

#define SECOND UINT64_C(1000000)
#define NOW (UINT64_C(1795345093) * SECOND)

static struct pod_status
killed(const char *ended, uint64_t ended_us)
{
	struct pod_status status = { .container_count = 2 };
	struct pod_container *container = &status.containers[0];

	snprintf(container->name, sizeof(container->name), "mysqld");
	snprintf(container->ended, sizeof(container->ended), "%s", ended);
	container->restarts = 4;
	container->exit_code = 137;
	container->ended_wall_us = ended_us;
	snprintf(status.containers[1].name, POD_NAME_SIZE, "scrapegate");
	return status;
}

static void
explain(struct finding *finding, const char *words, const char *container,
    const struct pod_status *status, uint64_t last_good_us)
{
	struct conf_target target = { .name = (char *)"node" };
	struct circumstances circumstances = { .now_wall_us = NOW,
		.last_good_wall_us = last_good_us };

	memset(finding, 0, sizeof(*finding));
	finding->reason = REASON_CONNECT_REFUSED;
	snprintf(finding->words, sizeof(finding->words), "%s", words);
	snprintf(finding->seen, sizeof(finding->seen), "first (measured)");
	target.resources.container = (char *)container;
	finding_explain_pod(finding, &target, status, &circumstances);
}

static void
who_was_killed_since_the_last_good_scrape(void **state)
{
	static const struct {
		const char *ended;
		uint64_t ended_us, last_good_us;
		bool is_blamed;
	} cases[] = {
		{ "OOMKilled", NOW - 14 * SECOND, NOW - 30 * SECOND, true },
		{ "OOMKilled", NOW - 31 * SECOND, NOW - 30 * SECOND, false },
		{ "OOMKilled", NOW - 299 * SECOND, 0, true },
		{ "OOMKilled", NOW - 301 * SECOND, 0, false },
		{ "OOMKilled", 0, 0, false }, /* nobody says when */
		{ "OOMKilled", NOW + 5 * SECOND, NOW - SECOND, true },
		{ "Error", NOW - 14 * SECOND, NOW - 30 * SECOND, false },
		{ "", 0, 0, false },
	};
	struct pod_status status;
	struct finding finding;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		status = killed(cases[i].ended, cases[i].ended_us);
		explain(
		    &finding, "refused", NULL, &status, cases[i].last_good_us);
		assert_string_equal(finding.words,
		    cases[i].is_blamed
			? "refused [oom_killed: container mysqld]"
			: "refused");
		assert_int_equal(strstr(finding.fix, "limits.memory") != NULL,
		    cases[i].is_blamed);
	}
}

static void
the_kernel_was_first(void **state)
{
	struct pod_status status = killed("OOMKilled", NOW - SECOND);
	struct finding finding;

	(void)state;
	explain(
	    &finding, "refused [oom_killed at limit 128Mi]", NULL, &status, 0);
	assert_string_equal(
	    finding.words, "refused [oom_killed at limit 128Mi]");
	/* Brackets of an address are no cause. */
	explain(&finding, "dial tcp [::1]:9100: refused", NULL, &status, 0);
	assert_string_equal(finding.words,
	    "dial tcp [::1]:9100: refused [oom_killed: container mysqld]");
	/* The word does not tell whose memory it was. */
	assert_non_null(strstr(finding.cause, "or because the node"));
}

static void
what_is_seen(void **state)
{
	struct pod_status status = killed("Error", NOW - 14 * SECOND);
	struct finding finding;

	(void)state;
	snprintf(
	    status.containers[0].waiting, POD_REASON_SIZE, "CrashLoopBackOff");
	status.event_count = 1;
	status.events[0] = (struct pod_event){ .reason = "BackOff",
		.message = "restarting",
		.last_wall_us = NOW - 3 * SECOND };
	explain(&finding, "refused", NULL, &status, 0);
	assert_string_equal(finding.seen,
	    "first (measured); Kubernetes: container mysqld restarted 4 "
	    "times, ended Error (exit code 137) 14 s ago (measured); "
	    "Kubernetes: container mysqld waits: CrashLoopBackOff (measured); "
	    "Kubernetes: event BackOff 3 s ago: restarting (measured)");
	status = killed("", 0);
	status.containers[0].restarts = 0;
	explain(&finding, "refused", "mysqld", &status, 0);
	assert_string_equal(finding.seen,
	    "first (measured); Kubernetes: container mysqld has not "
	    "restarted (measured)");
}

static void
which_container_is_not_guessed(void **state)
{
	struct pod_status status = killed("OOMKilled", NOW - SECOND);
	struct finding finding;

	(void)state;
	snprintf(status.containers[1].name, POD_NAME_SIZE, "other");
	explain(&finding, "refused", NULL, &status, 0);
	assert_string_equal(finding.words, "refused");
	assert_non_null(strstr(finding.seen,
	    "which container is the exporter's; set resources: {container: "
	    "...} in targets[node] (unknown)"));
	explain(&finding, "refused", "gone", &status, 0);
	assert_non_null(
	    strstr(finding.seen, "has no container gone (unknown)"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_was_killed_since_the_last_good_scrape),
		cmocka_unit_test(the_kernel_was_first),
		cmocka_unit_test(what_is_seen),
		cmocka_unit_test(which_container_is_not_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
