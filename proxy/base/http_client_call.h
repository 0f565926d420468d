/*
 * One call: its easy handle, options and callbacks.  Private to http_client.
 */
#ifndef PROXY_BASE_HTTP_CLIENT_CALL_H
#define PROXY_BASE_HTTP_CLIENT_CALL_H

#include <sys/queue.h>

#include <curl/curl.h>

#include "proxy/base/http_client.h"

struct http_call {
	LIST_ENTRY(http_call) link;
	struct http_client *client;
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *pinned;
	struct http_hooks hooks;
	char error[CURL_ERROR_SIZE];
	char *unix_path;
	bool may_connect;
	bool needs_connect;
	bool was_stopped;
	bool has_connected; /* a socket was opened since the last sending */
	unsigned sends;
	bool has_received; /* see http_result */
};

struct http_call *http_call_new(const struct http_request *request,
    const struct http_hooks *hooks, struct err *err);
void http_call_free(struct http_call *call);
void http_call_result(struct http_call *call, CURLcode code,
    struct http_result *result);

#endif
