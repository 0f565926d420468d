/*
 * Asks the Kubernetes API how the gate's own pod is, but only if the
 * configuration allows it and something has failed: two requests, at most one
 * round every POD_REST_S, later and later while they fail, and each a random
 * part of a second late, so that many sidecars that see the same trouble do
 * not come at once.
 *
 * Fetch thread.
 */
#ifndef PROXY_BACKEND_POD_H
#define PROXY_BACKEND_POD_H

#include "proxy/backend/pod_read.h"

struct auth_transport;
struct conf;
struct event_base;
struct pod;

#define POD_REST_S 30
#define POD_REST_MAX_S 600

struct pod_options {
	struct event_base *base;
	const struct auth_transport *transport; /* outlives it */
	/* Something new is known. */
	void (*news)(const struct pod_status *status, void *arg);
	void *arg;
};

struct pod *pod_new(const struct pod_options *options);
void pod_free(struct pod *pod); /* NULL is fine */

/* What `conf` says of it from now on; a reference is taken. */
void pod_switch(struct pod *pod, struct conf *conf);

/* Something has failed. */
void pod_wonder(struct pod *pod);

/* As it was read last; NULL: never, or not to be asked for. */
const struct pod_status *pod_status(const struct pod *pod);

#endif
