/*
 * /api/v1/openapi.json: the document of the admin API.  Its one home is
 * openapi.json, which the build puts into the program; tests hold it against
 * the table of endpoints and against real answers, so who adds an endpoint or
 * a field adds it there, too.
 */
#ifndef PROXY_ADMIN_OPENAPI_H
#define PROXY_ADMIN_OPENAPI_H

#include "proxy/admin/response.h"

/* One line of JSON. */
extern const char openapi_text[];

void openapi_answer(const struct admin_view *view, const char *query,
    struct response *response);

#endif
