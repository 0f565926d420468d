/*
 * The access log: one line for each request to the gate, however it ended.
 * Neither queries nor headers are in it, for they may hold secrets; bytes are
 * those of the body, handed over to be sent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <event2/http.h>

#include "auth/identity.h"
#include "conf/conf.h"
#include "conf/duration.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/diagnosis/reasons.h"
#include "proxy/gate/exchange_parts.h"
#include "proxy/gate/front.h"
#include "proxy/gate/request.h"
#include "proxy/scrape.h"

/* Of a path that is not plain, the beginning. */
#define PATH_SIZE 256

/* The connection may be gone, but for who waited somebody has noted it. */
static const char *
find_peer(const struct exchange *x)
{
	if (x->scrape != NULL && x->scrape->scraper_text[0] != '\0')
		return x->scrape->scraper_text;
	return x->connection != NULL ? connection_peer(x->connection) : NULL;
}

static const char *
find_method(const struct exchange *x)
{
	if (x->target == NULL && x->connection != NULL)
		return connection_guard(x->connection)->method;
	return x->is_head ? "HEAD" : "GET";
}

static const char *
find_path(const struct exchange *x, char text[PATH_SIZE])
{
	const char *uri;

	if (x->is_stand_in)
		return NULL;
	if (x->path[0] != '\0')
		return x->path;
	uri = evhttp_request_get_uri(x->req);
	facts_escape(text, PATH_SIZE, uri, strcspn(uri, "?"));
	return text;
}

/* NULL where there is none. */
static const char *
find_timeout(const struct exchange *x, char text[CONF_DURATION_SIZE])
{
	int64_t ms;

	if (x->target == NULL)
		return NULL;
	if (x->scrape != NULL)
		ms = x->scrape->timeout_ms;
	else if (x->connection != NULL)
		ms = request_timeout_ms(
		    exchange_header(x, "X-Prometheus-Scrape-Timeout-Seconds"),
		    x->target->scrape_timeout, x->target->max_scrape_timeout);
	else
		return NULL;
	return conf_duration_text(ms, text);
}

void
exchange_log(const struct exchange *x, int status, enum reason reason,
    enum cache_use use, uint64_t bytes)
{
	enum log_level level =
	    x->conf->log_access ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	char path[PATH_SIZE], timeout[CONF_DURATION_SIZE];
	char code[16], sent[24], seconds[24];

	if (!log_is_on(level))
		return;
	snprintf(code, sizeof(code), "%d", status);
	snprintf(sent, sizeof(sent), "%" PRIu64, bytes);
	snprintf(seconds, sizeof(seconds), "%.6f",
	    (double)(clock_now_us() - x->arrival_us) / 1e6);
	log_line(level, "request", "peer", find_peer(x), "user",
	    x->identity != NULL ? auth_identity_user(x->identity) : NULL,
	    "method", find_method(x), "path", find_path(x, path), "status",
	    status != 0 ? code : NULL, "reason", reason_row(reason)->id,
	    "target", x->target != NULL ? x->target->name : NULL, "cache",
	    cache_use_name(use), "bytes", sent, "duration", seconds, "timeout",
	    find_timeout(x, timeout), NULL);
}
