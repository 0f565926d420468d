/*
 * The admin listener's /api/v1/: JSON in Prometheus' envelope and shapes,
 * our own fields beside theirs under extra keys.  From the view to text;
 * sends nothing.
 */
#ifndef PROXY_ADMIN_API_H
#define PROXY_ADMIN_API_H

#include "proxy/admin/response.h"

void api_targets(const struct admin_view *view, const char *query,
    struct response *response);
void api_scrape_pools(const struct admin_view *view, const char *query,
    struct response *response);

/* TLS handshakes that failed, newest first. */
void api_tls_handshakes(const struct admin_view *view, const char *query,
    struct response *response);

void api_status_config(const struct admin_view *view, const char *query,
    struct response *response);
void api_status_buildinfo(const struct admin_view *view, const char *query,
    struct response *response);
void api_status_runtimeinfo(const struct admin_view *view, const char *query,
    struct response *response);

#endif
