/*
 * What all attempts stand on.  Private to proxy/fetch; attempt.h has what
 * others may do with it.
 */
#ifndef PROXY_FETCH_FETCHER_H
#define PROXY_FETCH_FETCHER_H

struct credentials;
struct event_base;
struct http_client;
struct inspector;
struct resolver;
struct tls_client;

struct fetcher {
	struct event_base *base;
	struct http_client *http;
	struct resolver *resolver;
	struct tls_client *tls;
	struct credentials *credentials;
	struct inspector *inspector;
};

#endif
