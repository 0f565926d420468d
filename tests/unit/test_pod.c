/*
 * Who asks Kubernetes about the pod, when and for what: only if it is allowed,
 * only when something failed, not twice in a row, and with what it is told to
 * ask with.
 */
#include "proxy/backend/pod.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include <cmocka.h>

#include "auth/transport.h"
#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"

/* A transport that notes what it is asked, and answers when told. */
struct desk {
	struct event_base *base;
	struct auth_transport transport;
	struct pod *pod;
	unsigned calls;
	unsigned cancelled;
	unsigned news;
	char url[256];
	char ca_file[64];
	char token_file[64];
	auth_reply_fn *done;
	void *arg;
};

static void *
start(void *transport, const struct auth_call *call, auth_reply_fn *done,
    void *arg)
{
	struct desk *desk = transport;

	assert_null(desk->done); /* one at a time */
	assert_null(call->body);
	desk->calls++;
	snprintf(desk->url, sizeof(desk->url), "%s", call->url);
	snprintf(desk->ca_file, sizeof(desk->ca_file), "%s", call->ca_file);
	snprintf(
	    desk->token_file, sizeof(desk->token_file), "%s", call->token_file);
	desk->done = done;
	desk->arg = arg;
	return desk;
}

static void
cancel(void *transport, void *started)
{
	struct desk *desk = transport;

	assert_ptr_equal(started, desk);
	desk->done = NULL;
	desk->cancelled++;
}

static void
on_news(const struct pod_status *status, void *arg)
{
	struct desk *desk = arg;

	assert_ptr_equal(status, pod_status(desk->pod));
	desk->news++;
}

static void
answer(struct desk *desk, int status, const char *body)
{
	struct auth_reply reply = { .status = status,
		.body = body,
		.len = strlen(body),
		.error = status == 0 ? "dial tcp: refused" : "" };
	auth_reply_fn *done = desk->done;

	assert_non_null(done);
	desk->done = NULL;
	done(&reply, desk->arg);
}

static struct conf *
load(const char *pod)
{
	char *text = xasprintf("self_signed: true\npod: %s\ntargets: "
			       "[{name: a, url: \"http://127.0.0.1:1\"}]\n",
	    pod);
	struct conf_source source = {
		.file = "x.yml", .text = text, .text_len = strlen(text)
	};
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);

	if (conf == NULL)
		fail_msg("%s", report.errors);
	conf_report_fini(&report);
	free(text);
	return conf;
}

static void
use(struct desk *desk, const char *pod)
{
	struct conf *conf = load(pod);

	pod_switch(desk->pod, conf);
	conf_unref(conf);
}

static void
desk_open(struct desk *desk, const char *pod)
{
	struct pod_options options;

	memset(desk, 0, sizeof(*desk));
	desk->base = event_base_new();
	desk->transport = (struct auth_transport){
		.start = start, .cancel = cancel, .transport = desk
	};
	options = (struct pod_options){ .base = desk->base,
		.transport = &desk->transport,
		.news = on_news,
		.arg = desk };
	desk->pod = pod_new(&options);
	use(desk, pod);
}

static void
desk_close(struct desk *desk)
{
	pod_free(desk->pod);
	event_base_free(desk->base);
}

/* Until the random wait is over; at once if there is none. */
static void
let_it_ask(struct desk *desk)
{
	pod_wonder(desk->pod);
	event_base_dispatch(desk->base);
}

#define ALL                                                                    \
	"{status: true, api_server: \"https://10.96.0.1\", ca_file: /a/ca, "   \
	"token_file: /a/token, namespace: shop, name: shop-0}"
#define POD "{\"kind\":\"Pod\",\"status\":{\"phase\":\"Running\"}}"

static void
a_round(void **state)
{
	struct desk desk;

	(void)state;
	desk_open(&desk, ALL);
	assert_null(pod_status(desk.pod));
	let_it_ask(&desk);
	assert_int_equal(desk.calls, 1);
	assert_string_equal(
	    desk.url, "https://10.96.0.1/api/v1/namespaces/shop/pods/shop-0");
	assert_string_equal(desk.ca_file, "/a/ca");
	assert_string_equal(desk.token_file, "/a/token");
	let_it_ask(&desk); /* it is asking already */
	assert_int_equal(desk.calls, 1);
	answer(&desk, 200, POD);
	assert_int_equal(desk.calls, 2);
	assert_string_equal(desk.url,
	    "https://10.96.0.1/api/v1/namespaces/shop/events?"
	    "fieldSelector=involvedObject.name%3Dshop-0&limit=100");
	assert_int_equal(desk.news, 0);
	answer(&desk, 200,
	    "{\"kind\":\"EventList\",\"items\":[{\"type\":\"Warning\","
	    "\"reason\":\"BackOff\"}]}");
	assert_int_equal(desk.news, 1);
	assert_string_equal(pod_status(desk.pod)->phase, "Running");
	assert_string_equal(pod_status(desk.pod)->events[0].reason, "BackOff");
	assert_true(pod_status(desk.pod)->read_wall_us > 0);
	/* It has just been asked. */
	let_it_ask(&desk);
	assert_int_equal(desk.calls, 2);
	desk_close(&desk);
}

static void
who_may_not_list_events(void **state)
{
	static const char *const bodies[] = { "", "{\"kind\":\"Status\"}",
		"{\"kind\":\"EventList\",\"items\":[" };
	struct desk desk;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		desk_open(&desk, ALL);
		let_it_ask(&desk);
		answer(&desk, 200, POD);
		answer(&desk, i == 2 ? 200 : 403, bodies[i]);
		assert_int_equal(desk.news, 1);
		assert_int_equal(pod_status(desk.pod)->event_count, 0);
		desk_close(&desk);
	}
}

static void
what_fails_is_left_alone_for_a_while(void **state)
{
	static const struct {
		int status;
		const char *body;
	} cases[] = { { 0, "" }, { 403, "{\"message\":\"pods is forbidden\"}" },
		{ 500, "<html>" }, { 200, "" }, { 200, "{}" },
		{ 404, "{\"message\":7}" } };
	struct desk desk;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		desk_open(&desk, ALL);
		let_it_ask(&desk);
		answer(&desk, cases[i].status, cases[i].body);
		assert_null(desk.done);
		assert_null(pod_status(desk.pod));
		let_it_ask(&desk);
		assert_int_equal(desk.calls, 1);
		desk_close(&desk);
	}
}

static void
what_was_known_stays_until_it_is_not_allowed(void **state)
{
	struct desk desk;

	(void)state;
	desk_open(&desk, ALL);
	let_it_ask(&desk);
	answer(&desk, 200, POD);
	answer(&desk, 403, "");
	use(&desk, ALL); /* and it may be asked anew */
	assert_non_null(pod_status(desk.pod));
	let_it_ask(&desk);
	assert_int_equal(desk.calls, 3);
	answer(&desk, 500, "");
	assert_non_null(pod_status(desk.pod));
	use(&desk, "{status: false}");
	assert_null(pod_status(desk.pod));
	desk_close(&desk);
}

static void
not_unless_it_is_allowed(void **state)
{
	struct desk desk;

	(void)state;
	desk_open(&desk, "{status: false}");
	let_it_ask(&desk);
	assert_int_equal(desk.calls, 0);
	desk_close(&desk);
	/* Nor if nobody could say whom, or about what. */
	unsetenv("KUBERNETES_SERVICE_HOST");
	desk_open(&desk, "{status: true, namespace: a, name: b}");
	let_it_ask(&desk);
	assert_int_equal(desk.calls, 0);
	setenv("POD_NAME", "b/../../secrets", 1);
	use(&desk, "{status: true, api_server: \"https://a\", namespace: a}");
	let_it_ask(&desk);
	assert_int_equal(desk.calls, 0);
	unsetenv("POD_NAME");
	desk_close(&desk);
}

static void
what_a_pod_knows_itself(void **state)
{
	struct desk desk;

	(void)state;
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "6443", 1);
	setenv("POD_NAME", "shop-7", 1);
	desk_open(&desk, "{status: true, namespace: a}");
	let_it_ask(&desk);
	assert_string_equal(
	    desk.url, "https://[fd00::1]:6443/api/v1/namespaces/a/pods/shop-7");
	assert_string_equal(desk.token_file,
	    "/var/run/secrets/kubernetes.io/serviceaccount/token");
	desk_close(&desk); /* in the middle of a call */
	assert_int_equal(desk.cancelled, 1);
	unsetenv("KUBERNETES_SERVICE_HOST");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_round),
		cmocka_unit_test(who_may_not_list_events),
		cmocka_unit_test(what_fails_is_left_alone_for_a_while),
		cmocka_unit_test(what_was_known_stays_until_it_is_not_allowed),
		cmocka_unit_test(not_unless_it_is_allowed),
		cmocka_unit_test(what_a_pod_knows_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
