/*
 * Targets by their names, which are unique.  Pure.
 */
#ifndef CONF_TARGET_H
#define CONF_TARGET_H

struct conf;
struct conf_target;

/* NULL if `conf`, which may be NULL, does not name it. */
const struct conf_target *conf_find_target(
    const struct conf *conf, const char *name);

/* Its place in conf->targets, or -1. */
int conf_find_index(const struct conf *conf, const char *name);

#endif
