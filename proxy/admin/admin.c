#include "proxy/admin/admin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "conf/conf.h"
#include "proxy/admin/response.h"
#include "proxy/admin/origin.h"
#include "proxy/admin/endpoints.h"
#include "proxy/admin/view.h"
#include "proxy/base/alloc.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 302, "Found" },
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
};

static const struct {
	enum evhttp_cmd_type type;
	const char *name;
} methods[] = {
	{ EVHTTP_REQ_GET, "GET" },
	{ EVHTTP_REQ_HEAD, "HEAD" },
	{ EVHTTP_REQ_POST, "POST" },
	{ EVHTTP_REQ_PUT, "PUT" },
	{ EVHTTP_REQ_DELETE, "DELETE" },
	{ EVHTTP_REQ_OPTIONS, "OPTIONS" },
	{ EVHTTP_REQ_TRACE, "TRACE" },
	{ EVHTTP_REQ_CONNECT, "CONNECT" },
	{ EVHTTP_REQ_PATCH, "PATCH" },
};

static const char *
reason_phrase(int status)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

static const char *
method_name(struct evhttp_request *req)
{
	enum evhttp_cmd_type type = evhttp_request_get_command(req);
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].type == type)
			return methods[i].name;
	return "";
}

static void
add_headers(struct evkeyvalq *headers, const struct response *response)
{
	char length[24];

	snprintf(length, sizeof(length), "%zu", response->len);
	evhttp_add_header(headers, "Content-Length", length);
	evhttp_add_header(headers, "Content-Type", response->content_type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "Content-Security-Policy",
	    "default-src 'none'; style-src 'unsafe-inline'; "
	    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
	if (response->location != NULL)
		evhttp_add_header(headers, "Location", response->location);
	if (response->allow != NULL)
		evhttp_add_header(headers, "Allow", response->allow);
}

/*
 * The only place that sends.  evhttp would send a body to HEAD too, and the
 * client would take it for the next answer.
 */
static void
respond(struct evhttp_request *req, const struct admin_view *view,
    struct response *response)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *body = NULL;

	add_headers(headers, response);
	if (view->is_draining)
		evhttp_add_header(headers, "Connection", "close");
	if (evhttp_request_get_command(req) != EVHTTP_REQ_HEAD) {
		body = xrequire(evbuffer_new());
		if (evbuffer_add(body, response->body, response->len) == -1)
			xrequire(NULL);
	}
	evhttp_send_reply(
	    req, response->status, reason_phrase(response->status), body);
	if (body != NULL)
		evbuffer_free(body);
	response_fini(response);
}

/* Absent if there is more than one: which would be the right one? */
static const char *
find_host(struct evhttp_request *req)
{
	const char *host = NULL;
	struct evkeyval *header;

	TAILQ_FOREACH (header, evhttp_request_get_input_headers(req), next) {
		if (strcasecmp(header->key, "Host") != 0)
			continue;
		if (host != NULL)
			return NULL;
		host = header->value;
	}
	return host;
}

static const char *
find_refusal(struct evhttp_request *req, const struct admin_view *view)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);

	return origin_refusal(find_host(req),
	    evhttp_find_header(headers, "Origin"),
	    evhttp_find_header(headers, "Sec-Fetch-Site"),
	    &view->conf->admin_listen);
}

void
admin_handle(struct evhttp_request *req, const struct admin_view *view)
{
	const char *refusal = find_refusal(req, view);
	struct response response = { 0 };

	if (refusal != NULL)
		response_set_text(&response, 403, refusal);
	else
		endpoints_answer(ENDPOINTS_ADMIN, method_name(req),
		    evhttp_request_get_uri(req), view, &response);
	respond(req, view, &response);
}

void
admin_handle_health(struct evhttp_request *req, const struct admin_view *view)
{
	struct response response;

	endpoints_answer(ENDPOINTS_HEALTH, method_name(req),
	    evhttp_request_get_uri(req), view, &response);
	respond(req, view, &response);
}
