/*
 * The request that goes upstream, built from an allow-list and nothing else.
 */
#ifndef PROXY_FETCH_REQUEST_H
#define PROXY_FETCH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

struct attempt_call;
struct credentials;
struct err;
struct http_url;

/* One hop: the target itself, or where it redirects to. */
struct fetch_request {
	char *origin; /* "http://[::1]:9100" */
	char *target; /* "/metrics?a=b"; absolute for a plain proxy */
	struct conf_strings headers; /* "Name: value" */
};

struct fetch_request_facts {
	const struct conf_target *target;
	const char *accept;
	const char *identity; /* who scrapes, as header lines; "" none */
	uint64_t left_us;     /* until the deadline */
	bool has_credentials; /* they go to the target's own origin only */
	bool is_via_proxy;
	const struct attempt_call *call; /* NULL: a scrape */
};

/* -1 with Prometheus' words if a credentials file cannot be read. */
int fetch_request_build(struct fetch_request *request,
    const struct http_url *url, const struct fetch_request_facts *facts,
    struct credentials *credentials, struct err *err);
void fetch_request_fini(struct fetch_request *request);

/* Seconds as their shortest decimal: "10", "0.5", "9.497". */
void fetch_request_seconds(uint64_t us, char *out, size_t size);

#endif
