#include "proxy/gate/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/keeper.h"
#include "proxy/cache/shelf.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/gate/front.h"
#include "proxy/gate/reply.h"
#include "proxy/gate/request.h"
#include "proxy/gate/routes.h"
#include "proxy/gate/stats.h"
#include "proxy/scrape.h"

/* How often a waiting scraper is looked after. */
#define WATCH_MS 250

struct exchange {
	TAILQ_ENTRY(exchange) link; /* while waiting */
	struct exchange_context *context;
	struct connection *connection; /* NULL: the scraper has gone */
	struct evhttp_request *req;
	const struct conf_target *target; /* NULL: an endpoint of ours */
	struct scrape *scrape;            /* out on another thread, or NULL */
	uint64_t arrival_us;
	bool is_head;
	bool is_close;
};

static const char *
find_header(const struct exchange *x, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(x->req),
	    name);
}

static size_t
target_index(const struct exchange *x)
{
	const struct conf *conf = x->context->conf;

	return x->target == NULL ? conf->target_count :
				   (size_t)(x->target - conf->targets);
}

/* The end. */

static const struct wire *
pick_wire(const struct answer *answer, bool wants_gzip)
{
	const struct wire *gzip = wants_gzip ? answer_gzip(answer) : NULL;

	return gzip != NULL ? gzip : answer_identity(answer);
}

static void
log_exchange(const struct exchange *x, int status, enum cache_use use)
{
	char code[8], seconds[24];

	if (!log_is_on(LOG_LEVEL_DEBUG))
		return;
	snprintf(code, sizeof(code), "%d", status);
	snprintf(seconds, sizeof(seconds), "%.6f",
	    (double)(clock_now_us() - x->arrival_us) / 1e6);
	log_debug("request", "target", x->target ? x->target->name : NULL,
	    "code", code, "cache", cache_use_name(use), "duration", seconds,
	    NULL);
}

/*
 * The one way an exchange ends.  `answer` is NULL if the scraper left before
 * there was one.  `req`, `connection` and the exchange are gone after.
 */
static void
exchange_finish(struct exchange *x, const struct answer *answer,
    enum cache_use use)
{
	struct exchange_context *context = x->context;
	int status = answer == NULL ? 0 : answer_status(answer);

	if (answer != NULL) {
		stats_request(context->stats, target_index(x), status, use);
		log_exchange(x, status, use);
	}
	if (x->connection == NULL) {
		evhttp_send_reply_end(x->req); /* only frees it */
	} else {
		struct reply reply = {
			.wire = pick_wire(answer, request_accepts_gzip(
			    find_header(x, "Accept-Encoding"))),
			.is_head = x->is_head,
			.is_close = x->is_close || context->is_draining,
			.age_s = -1,
		};

		if (use == CACHE_HIT)
			reply.age_s = (int64_t)((clock_now_us() -
			    answer_fetched_us(answer)) / 1000000);
		reply_send(x->connection, x->req, &reply);
	}
	free(x);
}

static void
refuse(struct exchange *x, enum reason reason, const char *detail)
{
	char path[96], method[40];
	const char *uri = evhttp_request_get_uri(x->req);
	struct facts facts = { .detail = detail, .path = path,
		.method = method };
	struct finding finding;
	struct answer *answer;

	facts_escape(path, sizeof(path), uri, strcspn(uri, "?"));
	snprintf(method, sizeof(method), "%s",
	    connection_guard(x->connection)->method);
	finding_refuse(&finding, reason, &facts);
	answer = answer_new_failure(&finding, NULL);
	stats_add(&x->context->stats->refusals[reason]);
	exchange_finish(x, answer, CACHE_NONE);
	answer_unref(answer);
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
	if (x->target != NULL)
		keeper_abandon(x->context->keeper, x->scrape);
}

static void
take_back(struct message *message, void *owner)
{
	struct scrape *scrape = (struct scrape *)message;
	struct exchange *x = scrape->exchange;

	(void)owner;
	TAILQ_REMOVE(&x->context->waiting, x, link);
	if (x->connection != NULL)
		exchange_finish(x, scrape->answer, scrape->use);
	else
		exchange_finish(x, NULL, scrape->use);
	scrape_unref(scrape);
}

static void
wait_for(struct exchange *x, struct scrape *scrape)
{
	struct exchange_context *context = x->context;

	scrape->reply_to = context->mailbox;
	scrape->back = take_back;
	scrape->exchange = x;
	x->scrape = scrape;
	if (TAILQ_EMPTY(&context->waiting)) {
		static const struct timeval first = { .tv_usec =
							  WATCH_MS * 1000 };

		evtimer_add(context->watch, &first);
	}
	TAILQ_INSERT_TAIL(&context->waiting, x, link);
	connection_working(x->connection, x);
}

/* Targets. */

static uint64_t
identify(const struct exchange *x)
{
	const char *peer = connection_peer(x->connection);
	uint64_t hash = key_hash(1, peer, strlen(peer));

	return hash == 0 ? 1 : hash;
}

static struct scrape *
new_scrape(const struct exchange *x, const struct key *key, bool is_extended)
{
	struct scrape *scrape = scrape_new(key);
	const struct conf_target *target = x->target;
	int64_t answer_ms;

	scrape->is_cacheable = !is_extended;
	scrape->wants_gzip = request_accepts_gzip(
	    find_header(x, "Accept-Encoding"));
	scrape->scraper = identify(x);
	snprintf(scrape->scraper_text, sizeof(scrape->scraper_text), "%s",
	    connection_peer(x->connection));
	scrape->timeout_ms = request_timeout_ms(
	    find_header(x, "X-Prometheus-Scrape-Timeout-Seconds"),
	    target->scrape_timeout, target->max_scrape_timeout);
	answer_ms = request_answer_ms(scrape->timeout_ms,
	    target->timeout_offset);
	scrape->arrival_us = x->arrival_us;
	scrape->deadline_us = x->arrival_us + (uint64_t)answer_ms * 1000;
	return scrape;
}

static void
serve_key(struct exchange *x, const struct key *key, bool is_extended)
{
	struct answer *answer = NULL;
	struct scrape *scrape;

	if (x->target->cache_ttl > 0 && !is_extended)
		answer = shelf_take(x->context->shelf, key, identify(x),
		    x->arrival_us);
	scrape = new_scrape(x, key, is_extended);
	if (answer == NULL ||
	    (scrape->wants_gzip && answer_wants_gzip(answer))) {
		scrape->answer = answer;
		scrape->use = CACHE_HIT;
		wait_for(x, scrape);
		keeper_scrape(x->context->keeper, scrape);
		return;
	}
	exchange_finish(x, answer, CACHE_HIT);
	answer_unref(answer);
	scrape_unref(scrape);
}

static void
serve_target(struct exchange *x, const char *query, const char *skip)
{
	char refused[96];
	struct key key;
	char *canonical;
	bool is_extended;

	canonical = request_query(x->target, query, skip, &is_extended,
	    refused, sizeof(refused));
	if (canonical == NULL) {
		refuse(x, REASON_QUERY_NOT_ALLOWED, refused);
		return;
	}
	key_init(&key, x->target, canonical,
	    request_accept(find_header(x, "Accept")));
	free(canonical);
	serve_key(x, &key, is_extended);
}

/* Endpoints of ours. */

static void
serve_page(struct exchange *x, const char *body)
{
	struct answer *answer = answer_new_page(200,
	    "text/plain; charset=utf-8", body, strlen(body));

	exchange_finish(x, answer, CACHE_NONE);
	answer_unref(answer);
}

static void
serve_healthy(struct exchange *x, const char *query)
{
	(void)query;
	serve_page(x, "scrapegate is healthy\n");
}

/* A worker runs only when configuration and certificates are loaded. */
static void
serve_ready(struct exchange *x, const char *query)
{
	(void)query;
	serve_page(x, "scrapegate is ready\n");
}

static void
serve_own_metrics(struct exchange *x, const char *query)
{
	struct key key;
	struct scrape *scrape;

	(void)query;
	key_init(&key, NULL, "", "");
	scrape = scrape_new(&key);
	wait_for(x, scrape);
	scrape->message.deliver = x->context->own_scrape;
	mailbox_post(x->context->main, &scrape->message);
}

/* exporter_exporter's convention. */
static void
serve_proxy(struct exchange *x, const char *query)
{
	char *module = query == NULL ? NULL :
				       request_query_value(query, "module");

	if (module != NULL)
		x->target = routes_find_name(x->context->conf, module);
	free(module);
	if (x->target == NULL)
		refuse(x, REASON_PATH_UNKNOWN, NULL);
	else
		serve_target(x, query, "module");
}

static const struct endpoint {
	const char *path;
	void (*serve)(struct exchange *x, const char *query);
} endpoints[] = {
	{ "/-/healthy", serve_healthy },
	{ "/-/ready", serve_ready },
	{ "/-/metrics", serve_own_metrics },
	{ "/proxy", serve_proxy },
};

static const struct endpoint *
find_endpoint(const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		if (strlen(endpoints[i].path) == len &&
		    memcmp(endpoints[i].path, path, len) == 0)
			return &endpoints[i];
	return NULL;
}

/* The begin. */

static bool
wants_close(const struct evhttp_request *req, const char *connection)
{
	if (connection != NULL && strcasestr(connection, "close") != NULL)
		return true;
	return req->major == 1 && req->minor == 0 &&
	    (connection == NULL ||
		strcasestr(connection, "keep-alive") == NULL);
}

void
exchange_begin(struct evhttp_request *req, struct connection *connection,
    enum reason refusal, void *arg)
{
	struct exchange *x = xcalloc(1, sizeof(*x));
	const char *uri = evhttp_request_get_uri(req);
	const struct endpoint *endpoint;
	const char *query;
	size_t path_len;

	x->context = arg;
	x->connection = connection;
	x->req = req;
	x->arrival_us = clock_now_us();
	x->is_head = evhttp_request_get_command(req) == EVHTTP_REQ_HEAD;
	x->is_close = refusal != REASON_OK ||
	    wants_close(req, find_header(x, "Connection"));
	if (refusal != REASON_OK) {
		refuse(x, refusal, connection_guard(connection)->detail);
		return;
	}
	request_split(uri, &path_len, &query);
	endpoint = find_endpoint(uri, path_len);
	if (endpoint != NULL) {
		endpoint->serve(x, query);
		return;
	}
	x->target = routes_find_path(x->context->conf, uri, path_len);
	if (x->target == NULL)
		refuse(x, REASON_PATH_UNKNOWN, NULL);
	else
		serve_target(x, query, NULL);
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
}
