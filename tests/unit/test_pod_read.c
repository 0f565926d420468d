/*
 * What is read of a Pod and its events: what there is, what is missing, what
 * is not as it should be, and which container is the exporter's.
 */
#include "proxy/backend/pod_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/base/err.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

#define POD(annotations, statuses)                                             \
	"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{"               \
	"\"name\":\"shop-0\",\"managedFields\":[{\"fieldsV1\":{\"f:spec\":{"   \
	"\"f:containers\":{\"k:{}\":{\"f:env\":{\"k:{}\":{\"f:valueFrom\":"    \
	"{}}}}}}}}],\"annotations\":" annotations "},\"spec\":{\"a\":[[[]]]}," \
	"\"status\":{\"phase\":\"Running\",\"containerStatuses\":" statuses    \
	"}}"

static const char whole[] = POD(
    "{\"prometheus.io/scrape\":\"true\",\"prometheus.io/port\":\"9104\","
    "\"prometheus.io/scheme\":\"http\",\"prometheus.io/path\":\"/m\","
    "\"other\":\"x\"}",
    "[{\"name\":\"mysqld\",\"restartCount\":4,\"state\":{\"waiting\":"
    "{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off\"}},"
    "\"lastState\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\","
    "\"startedAt\":\"2026-11-22T10:00:00Z\","
    "\"finishedAt\":\"2026-11-22T10:57:13Z\"}}},"
    "{\"name\":\"scrapegate\",\"restartCount\":0,\"state\":{\"running\":"
    "{\"startedAt\":\"2026-11-22T09:00:00Z\"}},\"lastState\":{}}]");

static int
read_text(struct pod_status *status, const char *text)
{
	struct err err = { .text = "" };
	int result = pod_read(status, text, strlen(text), &err);

	assert_true((result == -1) == (err.text[0] != '\0'));
	return result;
}

static void
all_of_a_pod(void **state)
{
	const struct pod_container *container;
	struct pod_status status;

	(void)state;
	assert_int_equal(read_text(&status, whole), 0);
	assert_string_equal(status.phase, "Running");
	assert_string_equal(status.annotations.scrape, "true");
	assert_string_equal(status.annotations.port, "9104");
	assert_string_equal(status.annotations.scheme, "http");
	assert_string_equal(status.annotations.path, "/m");
	assert_int_equal(status.container_count, 2);
	container = &status.containers[0];
	assert_string_equal(container->name, "mysqld");
	assert_int_equal(container->restarts, 4);
	assert_false(container->is_running);
	assert_string_equal(container->waiting, "CrashLoopBackOff");
	assert_string_equal(container->ended, "OOMKilled");
	assert_int_equal(container->exit_code, 137);
	assert_true(container->ended_wall_us == 1795345033000000);
	container = &status.containers[1];
	assert_true(container->is_running);
	assert_true(container->started_wall_us == 1795338000000000);
	assert_string_equal(container->ended, "");
	assert_string_equal(container->waiting, "");
}

/* How it ended now beats how it ended the time before. */
static void
one_that_is_down(void **state)
{
	struct pod_status status;

	(void)state;
	assert_int_equal(
	    read_text(&status,
		POD("null",
		    "[{\"name\":\"e\",\"state\":{\"terminated\":{\"exitCode\":"
		    "2,"
		    "\"reason\":\"Error\"}},\"lastState\":{\"terminated\":"
		    "{\"exitCode\":137,\"reason\":\"OOMKilled\"}}}]")),
	    0);
	assert_string_equal(status.containers[0].ended, "Error");
	assert_int_equal(status.containers[0].exit_code, 2);
	assert_true(status.containers[0].ended_wall_us == 0);
	assert_string_equal(status.annotations.scrape, "");
}

static void
what_is_no_pod(void **state)
{
	static const char *const texts[] = { "", "{}", "[]", "null", "<html>",
		"{\"kind\":\"Status\",\"message\":\"no\"}",
		"{\"kind\":\"PodList\",\"items\":[]}", "{\"kind\":1}",
		"{\"kind\":\"Pod\"", "{\"kind\":\"Pod\",\"kind\":\"Pod\"}" };
	struct pod_status status;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(read_text(&status, texts[i]), -1);
		assert_int_equal(status.container_count, 0);
	}
}

/* A Pod all the same, of which nothing is believed. */
static void
what_is_of_another_kind(void **state)
{
	static const char *const texts[] = { "{\"kind\":\"Pod\"}",
		"{\"kind\":\"Pod\",\"metadata\":[],\"status\":7}",
		POD("[]", "{}"), POD("{\"prometheus.io/port\":9}", "[]"),
		POD("7", "\"x\"") };
	struct pod_status status;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(read_text(&status, texts[i]), 0);
		assert_int_equal(status.container_count, 0);
		assert_string_equal(status.annotations.port, "");
	}
	assert_int_equal(
	    read_text(&status,
		POD("{}", "[7,{\"name\":[],\"restartCount\":1e300,\"state\":{"
			  "\"terminated\":{\"exitCode\":\"x\",\"finishedAt\":"
			  "\"soon\"}}}]")),
	    0);
	assert_int_equal(status.container_count, 2);
	assert_string_equal(status.containers[1].name, "");
	assert_int_equal(status.containers[1].restarts, 0);
	assert_string_equal(status.containers[1].ended, "Ended");
	assert_int_equal(status.containers[1].exit_code, 0);
}

/* More than there is room for, and bytes that belong on no page. */
static void
foreign_text_is_bounded(void **state)
{
	char *text = calloc(1, 1 << 16);
	struct pod_status status;
	size_t at, i;

	(void)state;
	at = (size_t)sprintf(text,
	    "{\"kind\":\"Pod\",\"status\":{\"phase\":"
	    "\"\\u0007%0*d\",\"containerStatuses\":[",
	    500, 0);
	for (i = 0; i < 20; i++)
		at += (size_t)sprintf(text + at,
		    "%s{\"name\":\"c%zu%0*d\",\"state\":{\"waiting\":"
		    "{\"reason\":\"a\\nb<script>\"}}}",
		    i > 0 ? "," : "", i, 200, 0);
	sprintf(text + at, "]}}");
	assert_int_equal(read_text(&status, text), 0);
	assert_int_equal(status.container_count, POD_CONTAINERS);
	assert_string_equal(status.containers[0].waiting, "a\\nb<script>");
	assert_int_equal(strlen(status.containers[0].name), POD_NAME_SIZE - 1);
	assert_memory_equal(status.phase, "\\a000", 5);
	free(text);
}

static void
warnings_newest_first(void **state)
{
	static const char text[] =
	    "{\"kind\":\"EventList\",\"items\":["
	    "{\"type\":\"Normal\",\"reason\":\"Pulled\","
	    "\"lastTimestamp\":\"2026-11-22T12:00:00Z\"},"
	    "{\"type\":\"Warning\",\"reason\":\"B\",\"message\":\"m\","
	    "\"count\":7,\"lastTimestamp\":\"2026-11-22T10:00:00Z\","
	    "\"involvedObject\":{\"fieldPath\":\"spec.containers{mysqld}\"}},"
	    "{\"type\":\"Warning\",\"reason\":\"A\",\"eventTime\":"
	    "\"2026-11-22T11:00:00.123456Z\",\"involvedObject\":{}},"
	    "{\"type\":\"Warning\",\"reason\":\"E\"},"
	    "{\"type\":\"Warning\",\"reason\":\"C\",\"lastTimestamp\":"
	    "\"2026-11-22T09:00:00Z\"},"
	    "{\"type\":\"Warning\",\"reason\":\"D\",\"lastTimestamp\":"
	    "\"2026-11-22T08:00:00Z\"},"
	    "{\"type\":\"Warning\",\"reason\":\"F\"}]}";
	static const char *const order[] = { "A", "B", "C", "D" };
	const struct pod_container *mysqld;
	struct pod_status status;
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(read_text(&status, whole), 0);
	assert_int_equal(pod_read_events(&status, text, strlen(text), &err), 0);
	assert_int_equal(status.event_count, POD_EVENTS);
	for (i = 0; i < POD_EVENTS; i++)
		assert_string_equal(status.events[i].reason, order[i]);
	assert_int_equal(status.events[1].count, 7);
	assert_string_equal(status.events[1].container, "mysqld");
	/* The newest of the container's own and the whole pod's. */
	mysqld = pod_find(&status, "mysqld");
	assert_string_equal(pod_find_event(&status, mysqld)->reason, "A");
	snprintf(status.events[0].container, sizeof(status.events[0].container),
	    "other");
	assert_string_equal(pod_find_event(&status, mysqld)->reason, "B");
	assert_int_equal(pod_read_events(&status, "{}", 2, &err), -1);
	assert_int_equal(status.event_count, POD_EVENTS);
}

static void
which_is_the_exporter(void **state)
{
	static const struct {
		const char *names[4];
		const char *asked;
		const char *found;
	} cases[] = {
		{ { "mysqld", "scrapegate" }, "", "mysqld" },
		{ { "scrapegate-tls", "mysqld" }, "", "mysqld" },
		{ { "mysqld", "exporter", "scrapegate" }, "", NULL },
		{ { "mysqld", "exporter", "scrapegate" }, "exporter",
		    "exporter" },
		{ { "mysqld" }, "gone", NULL },
		{ { "scrapegate" }, "", NULL },
		{ { "scrapegate" }, "scrapegate", "scrapegate" },
		{ { NULL }, "", NULL },
	};
	const struct pod_container *found;
	struct pod_status status;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		memset(&status, 0, sizeof(status));
		for (j = 0; cases[i].names[j] != NULL; j++)
			snprintf(
			    status.containers[status.container_count++].name,
			    POD_NAME_SIZE, "%s", cases[i].names[j]);
		found = pod_find(&status, cases[i].asked);
		if (cases[i].found == NULL)
			assert_null(found);
		else
			assert_string_equal(found->name, cases[i].found);
	}
}

static void
what_annotations_lead_to(void **state)
{
	static const struct {
		struct pod_annotations annotations;
		unsigned port;
		bool is_tls;
		const char *words;
	} cases[] = {
		{ { .scrape = "" }, 8443, true, "" },
		{ { "true", "https", "8443", "" }, 8443, true, "" },
		{ { "true", "", "8443", "" }, 8443, false, "" },
		{ { "True", "https", "8443", "" }, 8443, true,
		    "annotation prometheus.io/scrape is \"True\", not "
		    "\"true\"" },
		{ { "true", "https", "9104", "" }, 8443, true,
		    "annotation prometheus.io/port is \"9104\", the gate "
		    "listens on 8443" },
		{ { "true", "https", "9104", "" }, 0, true, "" },
		{ { "true", "https", "http", "" }, 8443, true,
		    "annotation prometheus.io/port is \"http\", the gate "
		    "listens on 8443" },
		{ { "true", "", "8443", "" }, 8443, true,
		    "annotation prometheus.io/scheme is not set, the gate "
		    "speaks https" },
		{ { "true", "http", "", "" }, 8443, true,
		    "annotation prometheus.io/scheme is \"http\", the gate "
		    "speaks https" },
		{ { "true", "https", "", "" }, 8443, false,
		    "annotation prometheus.io/scheme is \"https\", the gate "
		    "speaks http" },
	};
	char words[160];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
		    pod_judge_annotations(&cases[i].annotations, cases[i].port,
			cases[i].is_tls, words, sizeof(words)),
		    cases[i].words[0] != '\0');
		assert_string_equal(words, cases[i].words);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_pod),
		cmocka_unit_test(one_that_is_down),
		cmocka_unit_test(what_is_no_pod),
		cmocka_unit_test(what_is_of_another_kind),
		cmocka_unit_test(foreign_text_is_bounded),
		cmocka_unit_test(warnings_newest_first),
		cmocka_unit_test(which_is_the_exporter),
		cmocka_unit_test(what_annotations_lead_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
