/*
 * Who was not let in of late, and why: what a scraper's 401 or 403 does not say
 * (auth/refusals.h), for the API and the page.
 */
#ifndef PROXY_ADMIN_REFUSALS_H
#define PROXY_ADMIN_REFUSALS_H

#include <stdio.h>

#include "proxy/admin/response.h"

/* Newest first. */
void refusals_api(const struct admin_view *view, const char *query,
    struct response *response);

/* A section, or nothing if there were none. */
void refusals_page(FILE *out, const struct admin_view *view);

#endif
