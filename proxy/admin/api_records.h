/*
 * The record in the admin listener's /api/v1/: recent attempts, failures and
 * incidents, each newest first.  All take target, reason, since (a time, Unix
 * seconds, or how long ago: 1h), limit (100) and cursor (`next` of the page
 * before).
 */
#ifndef PROXY_ADMIN_API_RECORDS_H
#define PROXY_ADMIN_API_RECORDS_H

#include "proxy/admin/response.h"

void api_scrapes(const struct admin_view *view, const char *query,
    struct response *response);

/* With slow and odd scrapes; repeats as one. */
void api_failures(const struct admin_view *view, const char *query,
    struct response *response);

void api_incidents(const struct admin_view *view, const char *query,
    struct response *response);

#endif
