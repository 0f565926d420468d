/*
 * Which target a path means.  Pure.  Only plain paths (conf/path.h) get here,
 * and they are matched byte for byte: there is one spelling of each to match,
 * authorize, cache and send.
 */
#ifndef PROXY_GATE_ROUTES_H
#define PROXY_GATE_ROUTES_H

struct conf;
struct conf_target;

/* NULL if nothing is served there. */
const struct conf_target *routes_find_path(
    const struct conf *conf, const char *path);

/*
 * The other name of what is served at a path of `target`'s: the first target
 * has two.  NULL if there is none.
 */
const char *routes_other_path(
    const struct conf_target *target, const char *path);

#endif
