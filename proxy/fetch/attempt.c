#include "proxy/fetch/attempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/http_client.h"
#include "proxy/fetch/attempt_parts.h"
#include "proxy/fetch/fetcher.h"
#include "proxy/fetch/inspect.h"
#include "proxy/fetch/redirect.h"
#include "proxy/fetch/request.h"
#include "tls/client.h"

/* The first finds a connection, the second makes one: see on_done(). */
#define RESOLVES_MAX 2

/* Whoever waits ends the attempt; left alone, libcurl would so much later. */
#define CONNECT_SLACK_US 200000

static void begin_hop(struct attempt *a);

static void
free_attempt(struct attempt *a)
{
	if (a->call != NULL)
		http_call_cancel(a->call);
	if (a->query != NULL)
		resolver_cancel(a->query);
	file_source_free(a->file);
	event_free(a->later);
	tls_facts_unref(a->facts);
	intake_fini(&a->intake);
	inspection_free(a->inspection);
	http_url_fini(&a->own);
	http_url_fini(&a->here);
	free(a->accept);
	free(a->identity);
	free(a->pool);
	free(a);
}

/* Its last step is part of what reading it costs. */
static void
finish_inspection(struct attempt *a)
{
	uint64_t begin_us = clock_now_us();

	intake_report_scan(&a->intake, &a->report);
	a->report.phases.us[PHASE_PARSE] += clock_now_us() - begin_us;
}

void
attempt_finish(struct attempt *a, enum attempt_end end)
{
	struct payload payload = { NULL, NULL };
	bool is_good;

	a->end = end;
	attempt_view(a, &a->report);
	is_good = end == ATTEMPT_COMPLETE &&
		  a->report.judge.verdict == VERDICT_WHOLE &&
		  (a->own_call != NULL || a->report.judge.status == 200);
	if (is_good) {
		finish_inspection(a);
		intake_take_payload(&a->intake, &payload);
	}
	a->done(&a->report, &payload, a->arg);
	free_attempt(a);
}

static void
on_later(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	attempt_finish(arg, ATTEMPT_FAILED);
}

/* What fails at once is told by the loop all the same. */
static void
fail_later(struct attempt *a, const char *words)
{
	static const struct timeval now = { 0, 0 };

	snprintf(a->report.curl_error, sizeof(a->report.curl_error), "%.255s",
	    words);
	evtimer_add(a->later, &now);
}

/* Hooks: what libcurl, OpenSSL and the file tell while the call runs. */

static void
on_connecting(void *arg, const char *address)
{
	struct attempt *a = arg;

	if (a->has_sent)
		attempt_begin_retry(a);
	snprintf(a->report.address, sizeof(a->report.address), "%s", address);
	timeline_enter(&a->line, PHASE_CONNECT, clock_now_us());
}

static int
on_tls(void *arg, void *ssl_ctx)
{
	struct attempt *a = arg;
	struct err err;

	/* One connection's facts each: a retry makes another. */
	tls_facts_unref(a->facts);
	a->facts = tls_facts_new();
	if (tls_client_setup(a->fetcher->tls, ssl_ctx, &a->target->tls_config,
		a->here.host, a->facts, &err) == 0)
		return 0;
	a->report.tls_files_unreadable = true;
	snprintf(a->report.curl_error, sizeof(a->report.curl_error), "%.255s",
	    err.text);
	return -1;
}

static void
on_sending(void *arg, const char *address, bool is_reused)
{
	struct attempt *a = arg;

	if (a->has_sent)
		attempt_begin_retry(a);
	attempt_catch_up_tls(&a->line, a->facts);
	timeline_enter(&a->line, PHASE_PROCESSING, clock_now_us());
	snprintf(a->report.address, sizeof(a->report.address), "%s", address);
	a->report.is_connected = true;
	a->report.is_reused = is_reused;
	a->has_sent = true;
}

int
attempt_take(struct attempt *a,
    int (*intake)(struct intake *intake, const char *bytes, size_t len),
    const char *bytes, size_t len)
{
	uint64_t begin_us = clock_now_us();
	int result;

	if (a->line.phase != PHASE_TRANSFER)
		timeline_enter(&a->line, PHASE_TRANSFER, begin_us);
	a->last_byte_us = begin_us;
	result = intake(&a->intake, bytes, len);
	timeline_parsed(&a->line, clock_now_us() - begin_us);
	return result;
}

/* What may still come on this connection is not the next answer's. */
static int
keep_or_forbid(struct attempt *a, int taken)
{
	const struct judge_result *result = judge_result(a->intake.judge);

	if (result->is_head_complete && !result->is_keep_alive)
		http_call_forbid_reuse(a->call);
	return taken;
}

static int
on_head_line(void *arg, const char *bytes, size_t len)
{
	return keep_or_forbid(
	    arg, attempt_take(arg, intake_head_line, bytes, len));
}

static int
on_body(void *arg, const char *bytes, size_t len)
{
	return keep_or_forbid(arg, attempt_take(arg, intake_body, bytes, len));
}

/* The end of a hop. */

static bool
follow_redirect(struct attempt *a)
{
	const struct judge_result *result = judge_result(a->intake.judge);
	struct http_url next;

	if (!result->is_head_complete)
		return false;
	switch (redirect_judge(a->target->follow_redirects, &a->own, &a->here,
	    result->status, a->intake.has_location ? a->intake.location : NULL,
	    a->report.redirects, &next)) {
	case REDIRECT_NONE:
		return false;
	case REDIRECT_REFUSED:
		a->report.redirect_refused = true;
		return false;
	case REDIRECT_BAD:
		a->report.redirect_bad = true;
		return false;
	case REDIRECT_LOOP:
		a->report.redirect_loop = true;
		return false;
	case REDIRECT_FOLLOW:
		break;
	}
	a->report.redirects++;
	http_url_fini(&a->here);
	a->here = next;
	return true;
}

/* True if the peer closed in an orderly way, which ends some bodies. */
static bool
is_closed_cleanly(const struct http_result *result)
{
	return result->code == HTTP_FINE || result->code == HTTP_PARTIAL ||
	       result->code == HTTP_EMPTY_REPLY;
}

static void
end_hop(struct attempt *a, const struct http_result *result)
{
	enum attempt_end end = ATTEMPT_COMPLETE;
	enum verdict verdict;

	judge_end(a->intake.judge, is_closed_cleanly(result));
	verdict = judge_result(a->intake.judge)->verdict;
	/*
	 * A whole answer stands whatever became of the connection after it,
	 * and what we stopped ourselves is no failure of libcurl.
	 */
	if (result->code != HTTP_FINE && verdict != VERDICT_WHOLE &&
	    (!result->was_stopped || a->report.tls_files_unreadable)) {
		attempt_note_failure(a, result);
		end = ATTEMPT_FAILED;
	}
	if (end == ATTEMPT_COMPLETE && follow_redirect(a))
		begin_hop(a);
	else
		attempt_finish(a, end);
}

static void resolve(struct attempt *a);

/*
 * A pod that was replaced has another address long before the time to live of
 * its old one has passed, and Prometheus would ask for it.
 */
static void
forget_address(struct attempt *a)
{
	if (a->is_address_kept)
		resolver_forget(a->fetcher->resolver, a->dial_host);
	a->is_address_kept = false;
}

static bool
may_have_moved(const struct attempt *a, const struct http_result *result)
{
	return a->is_address_kept && a->resolves < RESOLVES_MAX &&
	       !a->report.is_connected && result->code == HTTP_CONNECT_FAILED;
}

static void
on_done(void *arg, const struct http_result *result)
{
	struct attempt *a = arg;

	a->call = NULL;
	a->has_received = result->has_received;
	attempt_catch_up_tls(&a->line, a->facts);
	if (may_have_moved(a, result)) {
		a->resolves++;
		forget_address(a);
		resolve(a);
		return;
	}
	if (!result->needs_connect || a->resolves == RESOLVES_MAX) {
		end_hop(a, result);
		return;
	}
	/*
	 * No kept-alive connection, or one that died, maybe while another
	 * attempt learnt other addresses: now the name.
	 */
	a->resolves++;
	a->is_fresh = a->has_sent;
	timeline_enter(&a->line, PHASE_QUEUE, clock_now_us());
	resolve(a);
}

/* The beginning of a hop: who to dial, then the call. */

static bool
is_at_home(const struct attempt *a)
{
	return redirect_is_same_origin(&a->own, &a->here);
}

static bool
is_unix(const struct attempt *a)
{
	return a->target->url.scheme == CONF_UNIX && is_at_home(a);
}

static int
build_request(struct attempt *a, struct fetch_request *request)
{
	uint64_t now_us = clock_now_us();
	struct fetch_request_facts facts = {
		.target = a->target,
		.accept = a->accept,
		.identity = a->identity,
		.left_us =
		    a->deadline_us > now_us ? a->deadline_us - now_us : 0,
		.has_credentials = is_at_home(a),
		.is_via_proxy = a->target->proxy_url != NULL && !is_unix(a),
		.call = a->own_call,
	};
	struct err err;

	if (fetch_request_build(
		request, &a->here, &facts, a->fetcher->credentials, &err) == 0)
		return 0;
	a->report.credentials_unreadable = true;
	fail_later(a, err.text);
	return -1;
}

/* An address that keeps silent must not use up the next one's time. */
static uint64_t
connect_us(const struct attempt *a, const struct addresses *addresses)
{
	uint64_t now_us = clock_now_us();

	if (addresses->count < 2)
		return 0;
	return (a->deadline_us > now_us ? a->deadline_us - now_us : 0) +
	       CONNECT_SLACK_US;
}

static void
start_call(
    struct attempt *a, const char *pinned, bool may_connect, uint64_t max_us)
{
	static const struct http_hooks hooks = {
		.connecting = on_connecting,
		.sending = on_sending,
		.tls = on_tls,
		.head_line = on_head_line,
		.body = on_body,
		.done = on_done,
	};
	struct http_hooks mine = hooks;
	struct fetch_request built;
	struct http_request request = { .pinned = pinned,
		.pool = a->pool,
		.may_connect = may_connect,
		.connect_us = max_us,
		.is_fresh = a->is_fresh };
	struct err err;

	if (build_request(a, &built) == 0) {
		mine.arg = a;
		request.origin = built.origin;
		request.target = built.target;
		request.headers = (const char *const *)built.headers.items;
		request.header_count = built.headers.count;
		if (a->own_call != NULL) {
			request.body = a->own_call->body;
			request.body_len = a->own_call->len;
		}
		request.unix_path =
		    is_unix(a) ? a->target->url.unix_path : NULL;
		request.proxy_url = is_unix(a) ? NULL : a->target->proxy_url;
		a->call =
		    http_call_start(a->fetcher->http, &request, &mine, &err);
		if (a->call == NULL)
			fail_later(a, err.text);
	}
	fetch_request_fini(&built);
}

static void
start_call_to(struct attempt *a, const struct addresses *addresses)
{
	char *pinned = addresses_pin(addresses, a->dial_host, a->dial_port);

	start_call(a, pinned, true, connect_us(a, addresses));
	free(pinned);
}

static void
on_resolved(const struct resolver_answer *answer, void *arg)
{
	struct attempt *a = arg;

	a->query = NULL;
	a->report.resolve = answer->result;
	memcpy(a->report.name_server, answer->name_server,
	    sizeof(a->report.name_server));
	if (answer->result != RESOLVE_OK) {
		snprintf(a->report.curl_error, sizeof(a->report.curl_error),
		    "lookup %.200s", a->dial_host);
		attempt_finish(a, ATTEMPT_FAILED);
		return;
	}
	timeline_enter(&a->line, PHASE_QUEUE, clock_now_us());
	start_call_to(a, &answer->addresses);
}

static void
resolve(struct attempt *a)
{
	struct resolver_answer answer;

	if (resolver_at_hand(a->fetcher->resolver, a->dial_host, &answer)) {
		a->is_address_kept = answer.is_kept;
		start_call_to(a, &answer.addresses);
		return;
	}
	timeline_enter(&a->line, PHASE_RESOLVE, clock_now_us());
	a->query =
	    resolver_ask(a->fetcher->resolver, a->dial_host, on_resolved, a);
}

/* With a connection left from before, nobody needs the name. */
static void
start_call_if_kept(struct attempt *a)
{
	static const struct addresses none;
	char *pinned = addresses_pin(&none, a->dial_host, a->dial_port);

	start_call(a, pinned, false, 0);
	free(pinned);
}

/* Whom to dial: the exporter, or the proxy in front of it. */
static int
choose_dial(struct attempt *a)
{
	struct http_url proxy;

	snprintf(a->dial_host, sizeof(a->dial_host), "%s", a->here.host);
	a->dial_port = a->here.port;
	if (a->target->proxy_url == NULL)
		return 0;
	a->report.is_proxy_used = true;
	if (http_url_parse(&proxy, NULL, a->target->proxy_url) == -1)
		return -1;
	snprintf(a->dial_host, sizeof(a->dial_host), "%s", proxy.host);
	a->dial_port = proxy.port;
	http_url_fini(&proxy);
	return 0;
}

static void
begin_hop(struct attempt *a)
{
	struct resolver_answer answer;

	attempt_reset_hop(a);
	timeline_enter(&a->line, PHASE_QUEUE, clock_now_us());
	a->report.is_unix = is_unix(a);
	a->report.is_tls = strcmp(a->here.scheme, "https") == 0;
	if (is_unix(a)) {
		start_call(a, NULL, true, 0);
		return;
	}
	if (choose_dial(a) == -1) {
		fail_later(a, "proxy_url cannot be parsed");
		return;
	}
	if (address_is_literal(a->dial_host))
		start_call(a, NULL, true, 0);
	else if (resolver_at_hand(
		     a->fetcher->resolver, a->dial_host, &answer)) {
		a->is_address_kept = answer.is_kept;
		start_call_to(a, &answer.addresses);
	} else {
		start_call_if_kept(a);
	}
}

struct attempt *
attempt_start(struct fetcher *fetcher, const struct attempt_request *request,
    attempt_done_fn *done, void *arg)
{
	struct attempt *a = attempt_new(fetcher, request);

	a->done = done;
	a->arg = arg;
	a->later = evtimer_new(fetcher->base, on_later, a);
	if (a->target->url.scheme == CONF_FILE)
		attempt_begin_file(a);
	else
		begin_hop(a);
	return a;
}

void
attempt_cancel(struct attempt *attempt)
{
	/* Nobody has accepted there in all that time. */
	if (!attempt->report.is_connected)
		forget_address(attempt);
	free_attempt(attempt);
}
