#include "proxy/admin/endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/admin/api.h"
#include "proxy/admin/api_records.h"
#include "proxy/admin/envelope.h"
#include "proxy/admin/health.h"
#include "proxy/admin/last_bad_answer.h"
#include "proxy/admin/metrics.h"
#include "proxy/admin/openapi.h"
#include "proxy/admin/page.h"
#include "proxy/admin/pod.h"
#include "proxy/admin/reasons_page.h"
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

#define ADMIN ENDPOINTS_ADMIN
#define HEALTH ENDPOINTS_HEALTH
#define GATE ENDPOINTS_GATE

static const struct endpoint {
	const char *path;
	const char *methods; /* as in Allow; HEAD goes with GET */
	response_fn make;    /* or, if the path has a {name}: */
	unsigned listeners;  /* where it is served */
	response_named_fn make_named;
} endpoints[] = {
	{ "/", "GET, HEAD", answer_root, ADMIN, NULL },
	{ "/targets", "GET, HEAD", page_targets, ADMIN, NULL },
	{ "/reasons", "GET, HEAD", reasons_page, ADMIN, NULL },
	{ "/metrics", "GET, HEAD", answer_metrics, ADMIN, NULL },
	{ "/-/metrics", "GET, HEAD", answer_metrics, GATE, NULL },
	{ "/-/healthy", "GET, HEAD", health_alive, ADMIN | HEALTH, NULL },
	{ "/-/ready", "GET, HEAD", health_ready, ADMIN | HEALTH | GATE, NULL },
	{ "/-/reload", "POST", answer_reload, ADMIN, NULL },
	{ "/api/v1/targets", "GET, HEAD", api_targets, ADMIN, NULL },
	{ "/api/v1/targets/{name}/last-bad-answer", "GET, HEAD", NULL, ADMIN,
	    last_bad_answer },
	{ "/api/v1/scrape_pools", "GET, HEAD", api_scrape_pools, ADMIN, NULL },
	{ "/api/v1/scrapes", "GET, HEAD", api_scrapes, ADMIN, NULL },
	{ "/api/v1/failures", "GET, HEAD", api_failures, ADMIN, NULL },
	{ "/api/v1/incidents", "GET, HEAD", api_incidents, ADMIN, NULL },
	{ "/api/v1/tls_handshakes", "GET, HEAD", api_tls_handshakes, ADMIN,
	    NULL },
	{ "/api/v1/pod", "GET, HEAD", pod_api, ADMIN, NULL },
	{ "/api/v1/refusals", "GET, HEAD", refusals_api, ADMIN, NULL },
	{ "/api/v1/status/config", "GET, HEAD", api_status_config, ADMIN,
	    NULL },
	{ "/api/v1/status/buildinfo", "GET, HEAD", api_status_buildinfo, ADMIN,
	    NULL },
	{ "/api/v1/openapi.json", "GET, HEAD", openapi_answer, ADMIN, NULL },
	{ "/api/v1/status/runtimeinfo", "GET, HEAD", api_status_runtimeinfo,
	    ADMIN, NULL },
};

#undef ADMIN
#undef HEALTH
#undef GATE

/*
 * Whether the path fits the pattern, in which {name} stands for a whole
 * segment; *name is then that segment, or NULL if the pattern has none.
 */
static bool
fits(const char *pattern, const char *path, size_t len, char **name)
{
	const char *open = strchrnul(pattern, '{');
	size_t before = (size_t)(open - pattern), after, segment;
	const char *behind = *open == '\0' ? open : strchr(open, '}') + 1;

	*name = NULL;
	if (len < before || memcmp(pattern, path, before) != 0)
		return false;
	path += before;
	len -= before;
	if (*open == '\0')
		return len == 0;
	after = strlen(behind);
	if (len <= after)
		return false;
	segment = len - after;
	if (memchr(path, '/', segment) != NULL ||
	    memcmp(path + segment, behind, after) != 0)
		return false;
	*name = xstrndup(path, segment);
	return true;
}

/* Paths are compared as they came: no decoding, no tricks with %2f or %00. */
static const struct endpoint *
find_endpoint(
    enum endpoints_listener listener, const char *path, size_t len, char **name)
{
	size_t i;

	for (i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		if ((endpoints[i].listeners & (unsigned)listener) != 0 &&
		    fits(endpoints[i].path, path, len, name))
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

static void
make_answer(const struct endpoint *endpoint, const char *method,
    const struct admin_view *view, const char *name, const char *query,
    struct response *response)
{
	if (!may_use(endpoint->methods, method)) {
		response_set_text(response, 405, "method not allowed\n");
		response->allow = endpoint->methods;
	} else if (name != NULL) {
		endpoint->make_named(view, name, query, response);
	} else {
		endpoint->make(view, query, response);
	}
}

void
endpoints_answer(enum endpoints_listener listener, const char *method,
    const char *uri, const struct admin_view *view, struct response *response)
{
	size_t len = strcspn(uri, "?");
	const char *query = uri[len] == '?' ? uri + len + 1 : NULL;
	char *name = NULL;
	const struct endpoint *endpoint =
	    find_endpoint(listener, uri, len, &name);

	memset(response, 0, sizeof(*response));
	if (endpoint == NULL)
		answer_unknown_path(uri, response);
	else
		make_answer(endpoint, method, view, name, query, response);
	free(name);
}

const char *
endpoints_path(size_t i, const char **methods, unsigned *listeners)
{
	if (i >= sizeof(endpoints) / sizeof(endpoints[0]))
		return NULL;
	*methods = endpoints[i].methods;
	*listeners = endpoints[i].listeners;
	return endpoints[i].path;
}
