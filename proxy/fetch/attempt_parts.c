#include "proxy/fetch/attempt_parts.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/hash.h"
#include "proxy/fetch/fetcher.h"
#include "proxy/fetch/inspect.h"
#include "tls/client.h"

static uint64_t
hash(uint64_t value, const char *text)
{
	/* The closing NUL keeps neighbours apart, and "" from none. */
	return text == NULL ? hash_bytes(value, "\1", 2)
			    : hash_bytes(value, text, strlen(text) + 1);
}

/* Connections made under other TLS settings are not ours to use. */
static char *
name_pool(const struct conf_target *target)
{
	const struct conf_tls_client *tls = &target->tls_config;
	uint64_t value = 0;

	value = hash(value, tls->ca_file);
	value = hash(value, tls->ca);
	value = hash(value, tls->cert_file);
	value = hash(value, tls->cert);
	value = hash(value, tls->key_file);
	value = hash(value, tls->key);
	value = hash(value, tls->server_name);
	value = hash(value, tls->insecure_skip_verify ? "skip" : "verify");
	value = hash(value, tls->min_version);
	value = hash(value, tls->max_version);
	return xasprintf("%s-%016" PRIx64, target->name, value);
}

static void
set_url(struct http_url *url, const struct conf_url *conf, const char *query)
{
	url->scheme = xstrdup(conf->scheme == CONF_HTTPS ? "https" : "http");
	url->host = xstrdup(conf->host != NULL ? conf->host : "localhost");
	url->port =
	    conf->scheme == CONF_UNIX || conf->port == 0 ? 80 : conf->port;
	url->target =
	    xasprintf("%s%s%s", conf->path, query[0] != '\0' ? "?" : "", query);
}

static void
copy_url(struct http_url *to, const struct http_url *from)
{
	to->scheme = xstrdup(from->scheme);
	to->host = xstrdup(from->host);
	to->port = from->port;
	to->target = xstrdup(from->target);
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = (char)tolower((unsigned char)*text);
}

static void
begin_flow(void *arg, struct payload *so_far)
{
	struct attempt *a = arg;

	if (a->is_file)
		attempt_judge_file(a, VERDICT_PENDING);
	a->flow.begin(a->arg,
	    a->is_file ? &a->report.judge : judge_result(a->intake.judge),
	    so_far);
}

static void
pass_text(void *arg, const char *bytes, size_t len)
{
	struct attempt *a = arg;

	a->flow.text(a->arg, bytes, len);
}

static void
pass_raw(void *arg, const char *bytes, size_t len)
{
	struct attempt *a = arg;

	a->flow.raw(a->arg, bytes, len);
}

static struct intake_flow
flow_of(struct attempt *a)
{
	return (struct intake_flow){
		.above = a->flow.above,
		.begin = begin_flow,
		.text = pass_text,
		.raw = pass_raw,
		.arg = a,
	};
}

void
attempt_pause(struct attempt *a)
{
	if (a->call != NULL)
		http_call_pause(a->call);
	if (a->file != NULL)
		file_source_pause(a->file);
}

void
attempt_resume(struct attempt *a)
{
	if (a->call != NULL)
		http_call_resume(a->call);
	if (a->file != NULL)
		file_source_resume(a->file);
}

struct attempt *
attempt_new(struct fetcher *fetcher, const struct attempt_request *request)
{
	const struct conf_target *target = request->target;
	struct attempt *a = xcalloc(1, sizeof(*a));

	a->fetcher = fetcher;
	a->target = target;
	a->accept = xstrdup(request->accept);
	a->identity =
	    xstrdup(request->identity == NULL ? "" : request->identity);
	a->deadline_us = request->deadline_us;
	a->own_call = request->call;
	a->flow = request->flow;
	a->pool = name_pool(target);
	set_url(&a->own, &target->url, request->query);
	/* To compare with a redirect's, which libcurl writes small. */
	lower(a->own.host);
	copy_url(&a->here, &a->own);
	intake_init(&a->intake,
	    request->call == NULL ? INTAKE_METRICS : INTAKE_ANY,
	    target->body_size_limit, request->body_max);
	if (a->flow.above > 0)
		a->intake.flow = flow_of(a);
	if (a->own_call == NULL)
		a->inspection = inspection_new(fetcher->inspector, target,
		    request->query, request->accept);
	a->intake.inspection = a->inspection;
	timeline_start(&a->line, request->arrival_us, clock_now_us());
	return a;
}

void
attempt_reset_hop(struct attempt *a)
{
	struct report *report = &a->report;

	intake_reset(&a->intake);
	tls_facts_unref(a->facts);
	a->facts = NULL;
	a->has_sent = a->is_fresh = a->is_address_kept = false;
	a->resolves = 0;
	report->address[0] = '\0';
	report->is_connected = report->is_reused = false;
	report->name_server[0] = '\0';
	report->resolve = RESOLVE_OK;
	a->last_byte_us = 0;
}

void
attempt_begin_retry(struct attempt *a)
{
	intake_reset(&a->intake);
	a->report.was_retried = true;
	a->report.is_connected = false;
	a->has_sent = false;
	a->last_byte_us = 0;
}

static bool
has_errno(int code)
{
	return code == HTTP_CONNECT_FAILED || code == HTTP_TIMED_OUT ||
	       code == HTTP_TLS_FAILED || code == HTTP_SEND_FAILED ||
	       code == HTTP_RECEIVE_FAILED;
}

void
attempt_note_failure(struct attempt *a, const struct http_result *result)
{
	struct report *report = &a->report;

	report->curl_code = result->code;
	if (!report->tls_files_unreadable)
		snprintf(report->curl_error, sizeof(report->curl_error), "%s",
		    result->error);
	if (has_errno(result->code))
		report->os_errno = result->os_errno;
	if (result->code == HTTP_CONNECT_FAILED && !a->has_sent &&
	    result->failed_address[0] != '\0')
		memcpy(report->address, result->failed_address,
		    sizeof(report->address));
}

void
attempt_catch_up_tls(struct timeline *line, const struct tls_facts *facts)
{
	if (facts == NULL)
		return;
	if (line->phase == PHASE_CONNECT && facts->started_us != 0)
		timeline_enter(line, PHASE_TLS, facts->started_us);
	if (line->phase == PHASE_TLS && facts->done_us != 0)
		timeline_enter(line, PHASE_PROCESSING, facts->done_us);
}

static void
copy_facts(const struct tls_facts *facts, struct report *report)
{
	report->alert_received = facts->alert_received;
	report->alert_sent = facts->alert_sent;
	report->verify_result = facts->verify_result;
	report->is_name_mismatch = facts->is_name_mismatch;
	report->has_no_san = facts->has_no_san;
	report->ssl_error = facts->ssl_error;
	report->tls_first_len = facts->first_len;
	memcpy(report->tls_first, facts->first, sizeof(report->tls_first));
	snprintf(report->certificate_names, sizeof(report->certificate_names),
	    "%s", facts->names);
	snprintf(report->certificate_not_after,
	    sizeof(report->certificate_not_after), "%s", facts->not_after);
	snprintf(report->certificate_not_before,
	    sizeof(report->certificate_not_before), "%s", facts->not_before);
}

static enum step
step_of(const struct report *report, enum phase phase)
{
	static const enum step steps[PHASE_COUNT] = {
		[PHASE_QUEUE] = STEP_QUEUED,
		[PHASE_RESOLVE] = STEP_RESOLVE,
		[PHASE_CONNECT] = STEP_CONNECT,
		[PHASE_TLS] = STEP_TLS,
		[PHASE_PROCESSING] = STEP_HEAD,
		[PHASE_TRANSFER] = STEP_HEAD,
		[PHASE_PARSE] = STEP_HEAD,
	};

	if (report->judge.verdict == VERDICT_WHOLE)
		return STEP_DONE;
	if (steps[phase] == STEP_HEAD && report->judge.is_head_complete)
		return STEP_BODY;
	return steps[phase];
}

/*
 * The one header that libcurl reads before it hands it over, and gives up on:
 * the judge has not seen what was wrong.
 */
static void
judge_bad_length(struct report *report)
{
	if (report->curl_code != HTTP_WEIRD_ANSWER ||
	    strstr(report->curl_error, "Content-Length") == NULL)
		return;
	report->judge.verdict = VERDICT_BAD_FRAMING;
	snprintf(report->judge.detail, sizeof(report->judge.detail),
	    "bad Content-Length");
}

/* The judge never hears of a line that did not end. */
static bool
has_received_in_plain(const struct attempt *a)
{
	if (a->facts != NULL)
		return false;
	return a->has_received ||
	       (a->call != NULL && http_call_has_received(a->call));
}

void
attempt_view(const struct attempt *a, struct report *report)
{
	uint64_t now_us = clock_now_us();
	struct timeline line = a->line;
	struct judge_result judge = a->report.judge;

	if (report != &a->report)
		*report = a->report;
	report->end = a->end;
	intake_report(&a->intake, report);
	/* A file has no head that a judge could have seen. */
	if (a->is_file)
		report->judge = judge;
	judge_bad_length(report);
	if (has_received_in_plain(a))
		report->judge.has_any_byte = true;
	attempt_catch_up_tls(&line, a->facts);
	timeline_enter(&line, line.phase, now_us);
	report->phases = line.phases;
	report->step = step_of(report, line.phase);
	if (a->facts != NULL)
		copy_facts(a->facts, report);
	if (report->step >= STEP_TLS ||
	    (report->step == STEP_CONNECT && a->call != NULL &&
		http_call_is_connected(a->call)))
		report->is_connected = true;
	if (a->last_byte_us != 0 && now_us > a->last_byte_us)
		report->last_byte_ago_us = now_us - a->last_byte_us;
}
