/* The query of a request to the admin API.  Pure. */
#ifndef PROXY_ADMIN_QUERY_H
#define PROXY_ADMIN_QUERY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The first value of `name` in `query` (which may be NULL), decoded and cut to
 * `size`.  False, and an empty value, if there is none.  As in Prometheus a
 * part that cannot be decoded counts as absent.
 */
bool query_get(const char *query, const char *name, char *value, size_t size);

#endif
