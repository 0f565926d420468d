/*
 * Which target a path means.  Pure.  Paths are matched byte for byte, so the
 * bytes that are authorized are the bytes that are routed.
 */
#ifndef PROXY_GATE_ROUTES_H
#define PROXY_GATE_ROUTES_H

#include <stddef.h>

struct conf;
struct conf_target;

/* NULL if nothing is served there. */
const struct conf_target *routes_find_path(
    const struct conf *conf, const char *path, size_t len);

const struct conf_target *routes_find_name(
    const struct conf *conf, const char *name);

#endif
