/*
 * The manual of reasons and notices as a page, made of the table itself: where
 * the last line of a failed answer's body points, and each id on the targets
 * page.  An id is its own anchor: /reasons#connect_refused.
 */
#ifndef PROXY_ADMIN_REASONS_PAGE_H
#define PROXY_ADMIN_REASONS_PAGE_H

#include "proxy/admin/response.h"

void reasons_page(const struct admin_view *view, const char *query,
    struct response *response);

#endif
