#include "proxy/admin/endpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/admin/api.h"
#include "proxy/admin/api_records.h"
#include "proxy/admin/envelope.h"
#include "proxy/admin/metrics.h"
#include "proxy/admin/page.h"
#include "proxy/admin/refusals.h"
#include "proxy/admin/view.h"
#include "proxy/base/alloc.h"

static void
answer_root(
    const struct admin_view *view, const char *query, struct response *response)
{
	(void)view;
	(void)query;
	response_set_text(response, 302, "see /targets\n");
	response->location = "/targets";
}

static void
answer_metrics(
    const struct admin_view *view, const char *query, struct response *response)
{
	size_t len;

	(void)query;
	response_set(
	    response, 200, METRICS_CONTENT_TYPE, metrics_render(view, &len));
}

static void
answer_healthy(
    const struct admin_view *view, const char *query, struct response *response)
{
	(void)view;
	(void)query;
	response_set_text(response, 200, "healthy\n");
}

/* Configuration and certificates; never the exporter's health. */
static void
answer_ready(
    const struct admin_view *view, const char *query, struct response *response)
{
	char text[128];

	(void)query;
	if (view->is_draining) {
		response_set_text(response, 503, "not ready: draining\n");
		return;
	}
	if (view->is_ready) {
		response_set_text(response, 200, "ready\n");
		return;
	}
	snprintf(text, sizeof(text), "not ready: %s\n",
	    view->not_ready_reason != NULL ? view->not_ready_reason
					   : "starting");
	response_set_text(response, 503, text);
}

/* The text is whole here, where somebody waits for it. */
static void
answer_reload(
    const struct admin_view *view, const char *query, struct response *response)
{
	const char *error = view->reload(view->reload_arg);
	char *text;

	(void)query;
	if (error == NULL) {
		response_set_text(response, 200, "reloaded\n");
		return;
	}
	text = xasprintf("failed to reload, the %s:\n%s\n",
	    view->is_ready ? "old configuration stays" : "gate stays closed",
	    error);
	response_set_text(response, 500, text);
	free(text);
}

static const struct endpoint {
	const char *path;
	const char *methods; /* as in Allow; HEAD goes with GET */
	response_fn make;
	bool is_health; /* served on the health listener too */
} endpoints[] = {
	{ "/", "GET, HEAD", answer_root, false },
	{ "/targets", "GET, HEAD", page_targets, false },
	{ "/metrics", "GET, HEAD", answer_metrics, false },
	{ "/-/healthy", "GET, HEAD", answer_healthy, true },
	{ "/-/ready", "GET, HEAD", answer_ready, true },
	{ "/-/reload", "POST", answer_reload, false },
	{ "/api/v1/targets", "GET, HEAD", api_targets, false },
	{ "/api/v1/scrape_pools", "GET, HEAD", api_scrape_pools, false },
	{ "/api/v1/scrapes", "GET, HEAD", api_scrapes, false },
	{ "/api/v1/failures", "GET, HEAD", api_failures, false },
	{ "/api/v1/incidents", "GET, HEAD", api_incidents, false },
	{ "/api/v1/tls_handshakes", "GET, HEAD", api_tls_handshakes, false },
	{ "/api/v1/refusals", "GET, HEAD", refusals_api, false },
	{ "/api/v1/status/config", "GET, HEAD", api_status_config, false },
	{ "/api/v1/status/buildinfo", "GET, HEAD", api_status_buildinfo,
	    false },
	{ "/api/v1/status/runtimeinfo", "GET, HEAD", api_status_runtimeinfo,
	    false },
};

/* Paths are compared as they came: no decoding, no tricks with %2f or %00. */
static const struct endpoint *
find_endpoint(enum endpoints_listener listener, const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		if ((listener == ENDPOINTS_ADMIN || endpoints[i].is_health) &&
		    strlen(endpoints[i].path) == len &&
		    memcmp(endpoints[i].path, path, len) == 0)
			return &endpoints[i];
	return NULL;
}

/* Whether the list of an Allow header holds the method. */
static bool
may_use(const char *methods, const char *method)
{
	size_t len = strlen(method);
	const char *at;

	if (len == 0)
		return false;
	for (at = methods; (at = strstr(at, method)) != NULL; at += len)
		if ((at == methods || at[-1] == ' ') &&
		    (at[len] == '\0' || at[len] == ','))
			return true;
	return false;
}

static void
answer_unknown_path(const char *uri, struct response *response)
{
	if (strncmp(uri, "/api/", 5) == 0)
		envelope_error(response, 404, "not_found", "path not found");
	else
		response_set_text(response, 404, "not found\n");
}

void
endpoints_answer(enum endpoints_listener listener, const char *method,
    const char *uri, const struct admin_view *view, struct response *response)
{
	size_t len = strcspn(uri, "?");
	const struct endpoint *endpoint = find_endpoint(listener, uri, len);

	memset(response, 0, sizeof(*response));
	if (endpoint == NULL) {
		answer_unknown_path(uri, response);
		return;
	}
	if (!may_use(endpoint->methods, method)) {
		response_set_text(response, 405, "method not allowed\n");
		response->allow = endpoint->methods;
		return;
	}
	endpoint->make(view, uri[len] == '?' ? uri + len + 1 : NULL, response);
}
