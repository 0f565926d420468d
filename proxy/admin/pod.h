/*
 * GET /api/v1/pod: what Kubernetes says of the gate's own pod, as it was read
 * last.  Main thread.
 */
#ifndef PROXY_ADMIN_POD_H
#define PROXY_ADMIN_POD_H

struct admin_view;
struct response;

void pod_api(const struct admin_view *view, const char *query,
    struct response *response);

#endif
