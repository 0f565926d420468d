#include "proxy/gate/exchange_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>

#include "auth/auth.h"
#include "auth/identity.h"
#include "auth/policy.h"
#include "conf/conf.h"
#include "conf/load.h"
#include "conf/path.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/keeper.h"
#include "proxy/cache/shelf.h"
#include "proxy/cache/tap.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/gate/front.h"
#include "proxy/gate/known.h"
#include "proxy/gate/pour.h"
#include "proxy/gate/reply.h"
#include "proxy/gate/request.h"
#include "proxy/scrape.h"

/* How often a waiting scraper is looked after. */
#define WATCH_MS 250

const char *
exchange_header(const struct exchange *x, const char *name)
{
	if (x->head != NULL)
		return known_head_find(x->head, name);
	return evhttp_find_header(
	    evhttp_request_get_input_headers(x->req), name);
}

static size_t
target_index(const struct exchange *x)
{
	return x->target == NULL ? x->conf->target_count
				 : (size_t)(x->target - x->conf->targets);
}

/* The end. */

/* RFC 9112, 7.1: who speaks HTTP/1.0 has never heard of chunks. */
static bool
is_chunkable(const struct evhttp_request *req)
{
	return req->major == 1 && req->minor > 0;
}

static const struct wire *
pick_wire(const struct answer *answer, bool wants_gzip)
{
	const struct wire *gzip = wants_gzip ? answer_gzip(answer) : NULL;

	return gzip != NULL ? gzip : answer_identity(answer);
}

void
exchange_drop_scrape(struct exchange *x)
{
	if (!x->is_back)
		return;
	/* Of a stream that nobody here reads. */
	if (x->scrape->tap != NULL)
		tap_close(x->scrape->tap, TAP_CLOSE_GONE);
	x->scrape->tap = NULL;
	scrape_unref(x->scrape);
	x->scrape = NULL;
	x->is_back = false;
}

static void
free_exchange(struct exchange *x)
{
	exchange_drop_scrape(x);
	auth_identity_unref(x->identity);
	auth_policy_unref(x->policy);
	conf_unref(x->conf);
	stats_targets_unref(x->targets);
	free(x->path);
	known_head_unref(x->head);
	free(x);
}

static void
count(const struct exchange *x, int status, enum cache_use use)
{
	stats_request(x->targets, target_index(x), status, use);
}

static void
begin_poured(void *arg)
{
	const struct exchange *x = arg;

	count(x, 200, x->scrape->use);
}

static enum reason
reason_of(enum pour_end end, const struct answer *failure)
{
	if (end == POUR_DONE)
		return REASON_OK;
	if (end == POUR_GONE)
		return REASON_CLIENT_GONE;
	return failure != NULL ? answer_reason(failure) : REASON_TIMEOUT_BODY;
}

static void
end_poured(void *arg, enum pour_end end, uint64_t bytes, struct answer *failure)
{
	struct exchange *x = arg;

	TAILQ_REMOVE(&x->context->waiting, x, link);
	x->pour = NULL;
	if (end == POUR_UNBEGUN) {
		exchange_finish(x, failure, x->scrape->use);
		return;
	}
	exchange_log(x, 200, reason_of(end, failure), x->scrape->use, bytes);
	if (end == POUR_BROKEN)
		stats_add(&x->targets->items[target_index(x)]->broken);
	free_exchange(x);
}

/* The answer's head goes out, its body comes when it comes. */
static void
begin_pour(struct exchange *x, const struct reply *reply)
{
	struct pour_options options = {
		.base = x->context->base,
		.connection = x->connection,
		.req = x->req,
		.tap = x->scrape->tap,
		.reply = reply,
		.deadline_us = x->scrape->deadline_us,
		.begun = begin_poured,
		.ended = end_poured,
		.arg = x,
	};

	x->scrape->tap = NULL; /* the pour's now */
	exchange_park(x);
	x->pour = pour_new(&options);
}

/* With its line in the log, for when it is sent the request is gone. */
static void
send_answer(struct exchange *x, const struct answer *answer, enum cache_use use)
{
	bool is_stream = answer_is_stream(answer);
	/* Not who was refused meanwhile: that answer is another one. */
	bool is_poured = is_stream && x->is_back && x->scrape->tap != NULL;
	struct reply reply = {
		.wire = pick_wire(answer, request_accepts_gzip(exchange_header(
					      x, "Accept-Encoding"))),
		.is_head = x->is_head,
		.is_close = x->is_close || x->context->is_draining ||
			    connection_is_retired(x->connection) ||
			    (is_stream && !is_chunkable(x->req)),
		.is_chunked = is_stream && is_chunkable(x->req),
		.age_s = -1,
		.is_awaited = use != CACHE_HIT,
		.http = &x->conf->http_server_config,
	};

	if (is_poured) {
		begin_pour(x, &reply);
		return;
	}
	if (use == CACHE_HIT)
		reply.age_s =
		    (int64_t)((clock_now_us() - answer_fetched_us(answer)) /
			      1000000);
	count(x, answer_status(answer), use);
	exchange_log(x, answer_status(answer), answer_reason(answer), use,
	    x->is_head ? 0 : wire_body_len(reply.wire));
	reply_send(x->connection, x->req, &reply);
	free_exchange(x);
}

void
exchange_finish(
    struct exchange *x, const struct answer *answer, enum cache_use use)
{
	if (x->connection != NULL) {
		send_answer(x, answer, use);
		return;
	}
	/* An answer that nobody is there for counts all the same. */
	if (answer != NULL)
		count(x, answer_status(answer), use);
	exchange_log(x, 0, REASON_CLIENT_GONE, use, 0);
	evhttp_send_reply_end(x->req); /* only frees it */
	free_exchange(x);
}

void
exchange_refuse_for(struct exchange *x, enum reason reason, const char *detail,
    unsigned retry_after_s)
{
	char path[96], method[40];
	const char *uri = evhttp_request_get_uri(x->req);
	struct facts facts = {
		.detail = detail, .path = path, .method = method
	};
	struct finding finding;
	struct answer *answer;

	facts_escape(path, sizeof(path), uri, strcspn(uri, "?"));
	snprintf(method, sizeof(method), "%s",
	    connection_guard(x->connection)->method);
	finding_refuse(&finding, reason, &facts);
	finding.retry_after_s = retry_after_s;
	finding.challenge = auth_policy_challenge(x->policy);
	answer = answer_new_failure(&finding, NULL);
	stats_add(&x->context->stats->refusals[reason]);
	exchange_finish(x, answer, CACHE_NONE);
	answer_unref(answer);
}

void
exchange_refuse(struct exchange *x, enum reason reason, const char *detail)
{
	exchange_refuse_for(x, reason, detail, 0);
}

/* Waiting for another thread. */

static void
watch_waiting(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval again = { .tv_usec = WATCH_MS * 1000 };
	struct exchange_context *context = arg;
	struct exchange *x, *next;

	(void)fd;
	(void)events;
	for (x = TAILQ_FIRST(&context->waiting); x != NULL; x = next) {
		next = TAILQ_NEXT(x, link);
		if (x->connection != NULL && connection_is_dead(x->connection))
			connection_kill(x->connection);
	}
	if (!TAILQ_EMPTY(&context->waiting))
		evtimer_add(context->watch, &again);
}

void
exchange_gone(void *exchange)
{
	struct exchange *x = exchange;

	x->connection = NULL;
	if (x->pour != NULL)
		pour_gone(x->pour);
	else if (x->target != NULL && !x->is_back)
		keeper_abandon(x->context->keeper, x->scrape);
}

/* It waited: meanwhile a token may have run out, or a reload have come. */
static bool
is_still_let_in(const struct exchange *x)
{
	return clock_now_us() < x->valid_until_us &&
	       auth_policy_is_equal(x->policy, x->context->policy);
}

static void
take_back(struct message *message, void *owner)
{
	struct scrape *scrape = (struct scrape *)message;
	struct exchange *x = scrape->exchange;

	(void)owner;
	TAILQ_REMOVE(&x->context->waiting, x, link);
	x->is_back = true;
	if (x->connection == NULL)
		exchange_finish(x, NULL, CACHE_NONE);
	else if (is_still_let_in(x))
		exchange_finish(x, scrape->answer, scrape->use);
	else
		exchange_authenticate(x);
}

/* Until it leaves the list again. */
void
exchange_park(struct exchange *x)
{
	struct exchange_context *context = x->context;

	if (TAILQ_EMPTY(&context->waiting)) {
		static const struct timeval first = { .tv_usec =
							  WATCH_MS * 1000 };

		evtimer_add(context->watch, &first);
	}
	TAILQ_INSERT_TAIL(&context->waiting, x, link);
	connection_working(x->connection, x);
}

void
exchange_wait(struct exchange *x, struct scrape *scrape)
{
	scrape->reply_to = x->context->mailbox;
	scrape->back = take_back;
	scrape->exchange = x;
	x->scrape = scrape;
	exchange_park(x);
}

/* The begin. */

/* As evhttp decides it, so that what we say is what happens; of 1.1 any
 * "close" counts, wherever it stands. */
static bool
wants_close(const struct evhttp_request *req, const char *connection)
{
	if (req->major == 1 && req->minor == 0)
		return connection == NULL ||
		       strncasecmp(connection, "keep-alive", 10) != 0;
	return connection != NULL && strcasestr(connection, "close") != NULL;
}

/* "" if it is not plain: nothing is served there, whoever asks, and no rule
 * has to know what it might mean. */
static char *
plain_path(const struct evhttp_request *req)
{
	const char *uri = evhttp_request_get_uri(req), *query;
	size_t len;
	char *path;

	request_split(uri, &len, &query);
	path = xstrndup(uri, len);
	if (!conf_path_is_plain(path))
		path[0] = '\0';
	return path;
}

void
exchange_begin(struct evhttp_request *req, struct connection *connection,
    enum reason refusal, void *arg)
{
	struct exchange *x = xcalloc(1, sizeof(*x));
	unsigned retry_after_s;

	x->context = arg;
	x->conf = conf_ref(x->context->conf);
	x->targets = stats_targets_ref(x->context->targets);
	x->policy = auth_policy_ref(x->context->policy);
	x->connection = connection;
	x->req = req;
	x->path = plain_path(req);
	x->head = connection_take_head(connection);
	x->arrival_us = clock_now_us();
	x->is_head = evhttp_request_get_command(req) == EVHTTP_REQ_HEAD;
	x->is_stand_in = refusal != REASON_OK;
	x->is_close = refusal != REASON_OK ||
		      wants_close(req, exchange_header(x, "Connection"));
	if (refusal != REASON_OK) {
		exchange_refuse(
		    x, refusal, connection_guard(connection)->detail);
		return;
	}
	/* Before the limit, which exporter-toolkit has in front of everything:
	 * scrapes that come too often shall not make a kubelet restart the
	 * pod, nor its probes take the scrapers' share. */
	exchange_name(x);
	if (exchange_is_probe(x) &&
	    auth_policy_is_anonymous(x->policy, x->path, NULL)) {
		x->valid_until_us = UINT64_MAX;
		exchange_route(x);
	} else if (!auth_admits(x->context->auth, x->conf, x->arrival_us,
		       &retry_after_s)) {
		exchange_refuse_for(x, REASON_TOO_MANY_REQUESTS,
		    "more requests than rate_limit allows", retry_after_s);
	} else {
		exchange_authenticate(x);
	}
}

void
exchange_context_init(struct exchange_context *context)
{
	TAILQ_INIT(&context->waiting);
	context->watch = evtimer_new(context->base, watch_waiting, context);
}

void
exchange_context_fini(struct exchange_context *context)
{
	event_free(context->watch);
	conf_unref(context->conf);
	auth_policy_unref(context->policy);
	stats_targets_unref(context->targets);
}

void
exchange_context_switch(struct exchange_context *context, struct conf *conf,
    struct auth_policy *policy, struct stats_targets *targets)
{
	bool is_other = context->conf != conf;

	conf_ref(conf);
	conf_unref(context->conf);
	context->conf = conf;
	auth_policy_ref(policy);
	auth_policy_unref(context->policy);
	context->policy = policy;
	stats_targets_ref(targets);
	stats_targets_unref(context->targets);
	context->targets = targets;
	if (is_other)
		shelf_clear(context->shelf);
}
