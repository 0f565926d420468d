/*
 * The targets page: what Prometheus' own page shows, with the reason, the
 * phases, what has been noticed, incidents and the recent scrapes beside it.
 * One HTML text that needs no script and nothing from elsewhere.
 */
#ifndef PROXY_ADMIN_PAGE_H
#define PROXY_ADMIN_PAGE_H

#include "proxy/admin/response.h"

void page_targets(const struct admin_view *view, const char *query,
    struct response *response);

#endif
