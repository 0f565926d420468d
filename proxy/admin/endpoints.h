/*
 * What the admin and health listeners serve, and what the gate asks here, from
 * method and path to an answer.  Needs no connection; whether the asker may ask
 * is origin.h's.
 */
#ifndef PROXY_ADMIN_ENDPOINTS_H
#define PROXY_ADMIN_ENDPOINTS_H

#include <stddef.h>

#include "proxy/admin/response.h"

/*
 * Of the gate's own paths it has only those that a worker hands on, because
 * the main thread alone knows.
 */
enum endpoints_listener {
	ENDPOINTS_ADMIN = 1,
	ENDPOINTS_HEALTH = 2,
	ENDPOINTS_GATE = 4
};

/*
 * `uri` is the raw request target.  Always makes an answer, an error if it
 * must be; for HEAD that of GET, whose body is then not to be sent.
 */
void endpoints_answer(enum endpoints_listener listener, const char *method,
    const char *uri, const struct admin_view *view, struct response *response);

/* The i-th of the table: its path, which may have a {name} in it, its methods
 * and listeners; NULL past the end. */
const char *endpoints_path(size_t i, const char **methods, unsigned *listeners);

#endif
