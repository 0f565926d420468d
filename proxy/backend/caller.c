#include "proxy/backend/caller.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "proxy/backend/explain.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/file.h"
#include "proxy/base/hash.h"
#include "proxy/base/http_client.h"
#include "proxy/cache/wire.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/report.h"

#define TOKEN_MAX ((size_t)64 << 10)
#define CA_MAX ((size_t)1 << 20)

struct caller {
	struct event_base *base;
	struct fetcher *fetcher;
	struct auth_transport transport;
	LIST_HEAD(, call) calls;
};

struct call {
	LIST_ENTRY(call) link;
	struct caller *caller;
	auth_reply_fn *done;
	void *arg;

	/* What is called, put as the target that it is to an attempt. */
	struct conf_target target;
	struct http_url url; /* the parts of target.url */
	struct attempt_call own;
	char *body; /* own.body; may hold a scraper's token: wiped */
	unsigned timeout_ms;

	struct attempt *attempt; /* NULL: `error` waits to be told */
	struct event *timer;
	char error[sizeof(((struct err *)NULL)->text)];
};

static void
wipe(char *text)
{
	file_wipe(text, text != NULL ? strlen(text) : 0);
}

static void
free_call(struct call *call)
{
	if (call->attempt != NULL)
		attempt_cancel(call->attempt);
	event_free(call->timer);
	http_url_fini(&call->url);
	free(call->target.name);
	free(call->target.url.text);
	free(call->target.tls_config.ca_file);
	wipe(call->target.authorization.credentials);
	file_wipe(call->body, call->own.len);
	free(call);
}

/* The one end that is told. */
static void
settle(struct call *call, const struct auth_reply *reply)
{
	LIST_REMOVE(call, link);
	call->done(reply, call->arg);
	free_call(call);
}

static void
fail(struct call *call)
{
	struct auth_reply reply = { .body = "", .error = call->error };

	settle(call, &reply);
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct call *call = arg;
	struct report report;

	(void)fd;
	(void)events;
	if (call->attempt != NULL) {
		attempt_view(call->attempt, &report);
		report.end = ATTEMPT_TIMEOUT;
		explain_failure(call->error, sizeof(call->error), &report,
		    &call->target, call->timeout_ms);
	}
	fail(call);
}

static void
on_answer(const struct report *report, struct payload *payload, void *arg)
{
	struct call *call = arg;
	struct auth_reply reply = { .error = "" };

	call->attempt = NULL;
	if (payload->text == NULL) {
		explain_failure(call->error, sizeof(call->error), report,
		    &call->target, call->timeout_ms);
		fail(call);
		return;
	}
	reply.status = report->judge.status;
	reply.retry_after_s = report->judge.retry_after_s;
	reply.len = wire_body_len(payload->text);
	wire_append(payload->text, "", 1); /* the terminator */
	reply.body = wire_body(payload->text);
	settle(call, &reply);
	/* A TokenReview comes back with the token in it. */
	wire_wipe(payload->text);
	wire_unref(payload->text);
}

/* Setting up a call; -1 with `err`. */

static int
set_url(struct call *call, const char *url, struct err *err)
{
	struct conf_url *to = &call->target.url;

	if (http_url_parse(&call->url, NULL, url) == -1)
		/* Not quoted, whatever it holds: it was checked before. */
		return err_set(err, ERR_INVALID, "parse: no URL with a host");
	to->text = xstrdup(url);
	to->scheme =
	    strcmp(call->url.scheme, "https") == 0 ? CONF_HTTPS : CONF_HTTP;
	to->host = call->url.host;
	to->port = call->url.port;
	to->path = call->url.target;
	if (to->scheme == CONF_HTTPS || strcmp(call->url.scheme, "http") == 0)
		return 0;
	return err_set(err, ERR_INVALID, "unsupported protocol scheme \"%s\"",
	    call->url.scheme);
}

/*
 * White space around it goes; what is left is one word that can stand in a
 * header.  Returns where it begins, ended by NUL; NULL if there is none.
 */
static char *
find_token(char *text, size_t len)
{
	static const char blanks[] = " \t\r\n";
	char *token = text + strspn(text, blanks), *p;

	while (len > 0 && memchr(blanks, text[len - 1], sizeof(blanks) - 1))
		text[--len] = '\0';
	/* Stops at a NUL within, too. */
	for (p = token; *p > ' ' && *p < 0x7f; p++)
		continue;
	return p > token && p == text + len ? token : NULL;
}

static int
set_token(struct call *call, const char *path, struct err *err)
{
	struct conf_authorization *to = &call->target.authorization;
	const char *token;
	size_t len;
	char *text;

	if (path == NULL)
		return 0;
	text = file_load(path, TOKEN_MAX, &len);
	if (text == NULL) {
		file_fail(path, err);
		err_prefix(err, "token_file");
		return -1;
	}
	token = find_token(text, len);
	to->is_set = token != NULL;
	if (token != NULL)
		to->credentials = xstrdup(token);
	file_wipe(text, len);
	if (to->is_set)
		return 0;
	return err_set(err, ERR_INVALID,
	    "token_file: %s does not hold a token: one word of visible ASCII",
	    path);
}

/*
 * Attempts share connections if the names of their targets are the same, so the
 * content of the CA is in the name.  A file that cannot be read is the
 * handshake's to report: it verifies nothing.
 */
static void
set_authorities(struct call *call, const char *path)
{
	uint64_t content = 0;
	size_t len;
	char *text;

	if (path != NULL && call->target.url.scheme == CONF_HTTPS) {
		call->target.tls_config.is_set = true;
		call->target.tls_config.ca_file = xstrdup(path);
		text = file_load(path, CA_MAX, &len);
		if (text != NULL)
			content = hash_bytes(0, text, len);
		free(text);
	}
	/* No configured target has a blank in its name. */
	call->target.name = xasprintf("(own call) %016" PRIx64, content);
}

static int
set_up(struct call *call, const struct auth_call *asked, struct err *err)
{
	if (set_url(call, asked->url, err) == -1 ||
	    set_token(call, asked->token_file, err) == -1)
		return -1;
	set_authorities(call, asked->ca_file);
	/* Fails at the limit itself, not above it. */
	call->target.body_size_limit = (uint64_t)asked->answer_max + 1;
	call->target.follow_redirects = CONF_REDIRECTS_NONE;
	if (asked->body == NULL)
		return 0;
	call->body = xmalloc(asked->body_len + 1);
	memcpy(call->body, asked->body, asked->body_len);
	call->own.content_type = "application/json";
	call->own.body = call->body;
	call->own.len = asked->body_len;
	return 0;
}

static void
begin(struct call *call)
{
	uint64_t now_us = clock_now_us();
	struct attempt_request request = {
		.target = &call->target,
		.query = "",
		/* A Kubernetes API has its key set as the latter only. */
		.accept = "application/json, application/jwk-set+json",
		.arrival_us = now_us,
		.deadline_us = now_us + (uint64_t)call->timeout_ms * 1000,
		.body_max = UINT64_MAX, /* answer_max is less */
		.call = &call->own,
	};

	call->attempt =
	    attempt_start(call->caller->fetcher, &request, on_answer, call);
}

static void *
start(void *transport, const struct auth_call *asked, auth_reply_fn *done,
    void *arg)
{
	struct caller *caller = transport;
	struct call *call = xcalloc(1, sizeof(*call));
	struct timeval timeout = { 0, 0 };
	struct err err;

	call->caller = caller;
	call->done = done;
	call->arg = arg;
	call->timeout_ms = asked->timeout_ms;
	call->timer = evtimer_new(caller->base, on_timer, call);
	LIST_INSERT_HEAD(&caller->calls, call, link);
	if (set_up(call, asked, &err) == 0) {
		begin(call);
		timeout.tv_sec = asked->timeout_ms / 1000;
		timeout.tv_usec = asked->timeout_ms % 1000 * 1000L;
	} else {
		snprintf(call->error, sizeof(call->error), "%s", err.text);
	}
	evtimer_add(call->timer, &timeout);
	return call;
}

static void
cancel(void *transport, void *started)
{
	struct call *call = started;

	(void)transport;
	LIST_REMOVE(call, link);
	free_call(call);
}

struct caller *
caller_new(struct event_base *base, struct fetcher *fetcher)
{
	struct caller *caller = xcalloc(1, sizeof(*caller));

	caller->base = base;
	caller->fetcher = fetcher;
	caller->transport = (struct auth_transport){
		.start = start, .cancel = cancel, .transport = caller
	};
	LIST_INIT(&caller->calls);
	return caller;
}

void
caller_free(struct caller *caller)
{
	struct call *call;

	if (caller == NULL)
		return;
	while ((call = LIST_FIRST(&caller->calls)) != NULL) {
		LIST_REMOVE(call, link);
		free_call(call);
	}
	free(caller);
}

const struct auth_transport *
caller_transport(const struct caller *caller)
{
	return &caller->transport;
}
