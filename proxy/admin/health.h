/*
 * /-/healthy and /-/ready, alike on every listener.
 *
 * Without a query, /-/ready is about this program: configuration and
 * certificates are loaded.  It never depends on an exporter, or a metrics
 * sidecar could take the pod's application out of its Service.  With
 * ?target=NAME it is about that exporter too, for who wants that: 503 with the
 * reason while its last verdict is a failure, 200 while it is good or there is
 * none yet (a probe that waited for the first scrape could keep the pod from
 * ever being scraped), 404 for a name that no target has.
 *
 * Who may not scrape may ask this, so it tells ids and no words.
 */
#ifndef PROXY_ADMIN_HEALTH_H
#define PROXY_ADMIN_HEALTH_H

#include "proxy/admin/response.h"

void health_alive(const struct admin_view *view, const char *query,
    struct response *response);
void health_ready(const struct admin_view *view, const char *query,
    struct response *response);

#endif
