#include "proxy/gate/exchange_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/http.h>

#include "auth/identity.h"
#include "conf/conf.h"
#include "conf/target.h"
#include "proxy/base/alloc.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/keeper.h"
#include "proxy/cache/shelf.h"
#include "proxy/gate/attendance.h"
#include "proxy/gate/front.h"
#include "proxy/gate/request.h"
#include "proxy/gate/routes.h"
#include "proxy/scrape.h"

/* Targets. */

static struct scrape *
new_scrape(const struct exchange *x, const struct key *key, bool is_extended)
{
	struct scrape *scrape = scrape_new(key);
	const struct conf_target *target = x->target;
	int64_t answer_ms;

	scrape->is_cacheable = !is_extended;
	scrape->is_head = x->is_head;
	scrape->wants_gzip =
	    request_accepts_gzip(exchange_header(x, "Accept-Encoding"));
	scrape->scraper = x->scraper;
	snprintf(scrape->scraper_text, sizeof(scrape->scraper_text), "%s",
	    connection_peer(x->connection));
	scrape->timeout_ms = request_timeout_ms(
	    exchange_header(x, "X-Prometheus-Scrape-Timeout-Seconds"),
	    target->scrape_timeout, target->max_scrape_timeout);
	answer_ms =
	    request_answer_ms(scrape->timeout_ms, target->timeout_offset);
	scrape->arrival_us = x->arrival_us;
	scrape->deadline_us = x->arrival_us + (uint64_t)answer_ms * 1000;
	return scrape;
}

/* Has it still to be made for this scraper? */
static bool
lacks_gzip(const struct exchange *x, const struct answer *answer)
{
	return answer_wants_gzip(answer) &&
	       request_accepts_gzip(exchange_header(x, "Accept-Encoding"));
}

/* Takes the key over. */
static void
serve_key(struct exchange *x, struct key *key, bool is_extended)
{
	struct answer *answer = NULL;
	struct scrape *scrape;

	if (x->target->cache_ttl > 0 && !is_extended)
		answer = shelf_take(
		    x->context->shelf, key, x->scraper, x->arrival_us);
	if (answer != NULL && !lacks_gzip(x, answer)) {
		exchange_finish(x, answer, CACHE_HIT);
		answer_unref(answer);
		key_fini(key);
		return;
	}
	scrape = new_scrape(x, key, is_extended);
	scrape->answer = answer;
	if (answer != NULL) /* else the fetch thread says what it was */
		scrape->use = CACHE_HIT;
	exchange_wait(x, scrape);
	keeper_scrape(x->context->keeper, scrape);
}

/* Whatever comes of it, somebody scrapes this target. */
static void
note_attendance(const struct exchange *x)
{
	size_t index = (size_t)(x->target - x->conf->targets);
	const char *user =
	    x->identity != NULL ? auth_identity_user(x->identity) : NULL;
	struct message *message;

	if (!attendance_note(x->targets->items[index]->attendance, x->scraper,
		connection_peer(x->connection), user, x->arrival_us))
		return;
	message = xcalloc(1, sizeof(*message));
	message->deliver = x->context->attended;
	mailbox_post_late(x->context->main, message);
}

static void
serve_target(struct exchange *x, const char *query, const char *skip)
{
	char refused[96];
	struct key key;
	char *canonical, *identity;
	bool is_extended;

	note_attendance(x);
	canonical = request_query(
	    x->target, query, skip, &is_extended, refused, sizeof(refused));
	if (canonical == NULL) {
		exchange_refuse(x, REASON_QUERY_NOT_ALLOWED, refused);
		return;
	}
	identity =
	    auth_identity_headers(x->identity, &x->conf->auth.identity_headers);
	key_init(&key, x->target, canonical,
	    request_accept(exchange_header(x, "Accept")),
	    identity == NULL ? "" : identity);
	free(identity);
	free(canonical);
	serve_key(x, &key, is_extended);
}

/* Endpoints of ours. */

static void
serve_page(struct exchange *x, const char *body)
{
	struct answer *answer = answer_new_page(
	    200, "text/plain; charset=utf-8", body, strlen(body));

	exchange_finish(x, answer, CACHE_NONE);
	answer_unref(answer);
}

static void
serve_healthy(struct exchange *x, const char *query)
{
	(void)query;
	serve_page(x, "scrapegate is healthy\n");
}

/* What the main thread knows: it answers to the request target. */
static void
serve_by_main(struct exchange *x, const char *query)
{
	struct key key;
	struct scrape *scrape;

	(void)query;
	key_init(&key, NULL, evhttp_request_get_uri(x->req), "", "");
	scrape = scrape_new(&key);
	exchange_wait(x, scrape);
	scrape->message.deliver = x->context->own_scrape;
	mailbox_post(x->context->main, &scrape->message);
}

/* A worker runs only when configuration and certificates are loaded; how an
 * exporter is, the main thread knows. */
static void
serve_ready(struct exchange *x, const char *query)
{
	char *name =
	    query == NULL ? NULL : request_query_value(query, "target");

	if (name != NULL)
		serve_by_main(x, query);
	else
		serve_page(x, "scrapegate is ready\n");
	free(name);
}

/* exporter_exporter's convention. */
static const struct conf_target *
find_module(const struct exchange *x, const char *query)
{
	char *module =
	    query == NULL ? NULL : request_query_value(query, "module");
	const struct conf_target *target =
	    module == NULL ? NULL : conf_find_target(x->conf, module);

	free(module);
	return target;
}

static void
serve_proxy(struct exchange *x, const char *query)
{
	x->target = find_module(x, query);
	if (x->target == NULL)
		exchange_refuse(x, REASON_PATH_UNKNOWN, NULL);
	else
		serve_target(x, query, "module");
}

static const struct endpoint {
	const char *path;
	bool is_probe; /* what a kubelet looks at */
	void (*serve)(struct exchange *x, const char *query);
} endpoints[] = {
	{ "/-/healthy", true, serve_healthy },
	{ "/-/ready", true, serve_ready },
	{ "/-/metrics", false, serve_by_main },
	{ "/proxy", false, serve_proxy },
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

void
exchange_route(struct exchange *x)
{
	const struct endpoint *endpoint;
	size_t path_len;
	const char *query;

	request_split(evhttp_request_get_uri(x->req), &path_len, &query);
	endpoint = find_endpoint(x->path, path_len);
	if (endpoint != NULL) {
		endpoint->serve(x, query);
		return;
	}
	x->target = routes_find_path(x->conf, x->path);
	if (x->target == NULL)
		exchange_refuse(x, REASON_PATH_UNKNOWN, NULL);
	else
		serve_target(x, query, NULL);
}

/*
 * A target has up to three spellings: its path, /metrics for the first one, and
 * /proxy?module=.  Rules mean the target, however it is spelt.
 */
void
exchange_name(struct exchange *x)
{
	size_t len = strlen(x->path);
	const struct endpoint *endpoint = find_endpoint(x->path, len);
	const struct conf_target *target;
	const char *query;

	request_split(evhttp_request_get_uri(x->req), &len, &query);
	x->name = x->path;
	if (endpoint == NULL) {
		target = routes_find_path(x->conf, x->path);
	} else {
		target = endpoint->serve == serve_proxy ? find_module(x, query)
							: NULL;
		if (target != NULL)
			x->name = target->path;
	}
	if (target != NULL)
		x->other_name = routes_other_path(target, x->name);
}

bool
exchange_is_probe(const struct exchange *x)
{
	const struct endpoint *endpoint =
	    find_endpoint(x->path, strlen(x->path));

	return endpoint != NULL && endpoint->is_probe;
}
