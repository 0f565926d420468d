/*
 * HTTPS calls of our own, to the Kubernetes API and to the URL of a key set:
 * auth/transport.h over the attempts of proxy/fetch, so names, addresses, TLS,
 * kept connections and the judging of answers are as with an exporter.
 *
 * A whole answer of any status is one; no redirect is followed.  The token and
 * the CA file are read for each call, so a rotated one needs nothing: no
 * connection that was verified by another CA serves a call.  Fetch thread.
 */
#ifndef PROXY_BACKEND_CALLER_H
#define PROXY_BACKEND_CALLER_H

#include "auth/transport.h"

struct caller;
struct event_base;
struct fetcher;

/* `fetcher` outlives it; fetcher_renew() is for its connections too. */
struct caller *caller_new(struct event_base *base, struct fetcher *fetcher);

/* Ends all calls without a callback. */
void caller_free(struct caller *caller);

/* Valid as long as the caller. */
const struct auth_transport *caller_transport(const struct caller *caller);

#endif
