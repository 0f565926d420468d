/*
 * What the admin and health listeners serve, from method and path to an
 * answer.  Needs no connection; whether the asker may ask is origin.h's.
 */
#ifndef PROXY_ADMIN_ENDPOINTS_H
#define PROXY_ADMIN_ENDPOINTS_H

#include "proxy/admin/response.h"

enum endpoints_listener { ENDPOINTS_ADMIN, ENDPOINTS_HEALTH };

/*
 * `uri` is the raw request target.  Always makes an answer, an error if it
 * must be; for HEAD that of GET, whose body is then not to be sent.
 */
void endpoints_answer(enum endpoints_listener listener, const char *method,
    const char *uri, const struct admin_view *view, struct response *response);

#endif
