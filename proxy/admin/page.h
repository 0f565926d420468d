/*
 * The targets page: what Prometheus' own page shows, with the reason, the
 * phases and the recent scrapes beside it.  One HTML text that needs no
 * script and nothing from elsewhere.
 */
#ifndef PROXY_ADMIN_PAGE_H
#define PROXY_ADMIN_PAGE_H

#include "proxy/admin/response.h"

#define PAGE_CONTENT_TYPE "text/html; charset=utf-8"

void page_targets(const struct admin_view *view, const char *query,
    struct response *response);

#endif
