/*
 * Which files a configuration needs the contents of.
 */
#ifndef PROXY_MATERIAL_OF_H
#define PROXY_MATERIAL_OF_H

#include <stddef.h>

struct conf;
struct material;

/*
 * The files that `conf` names: certificates, keys, authorities, revocation
 * lists, tokens and passwords, of the gate and of its targets.  A malloc'd
 * array of strings that belong to `conf`.
 */
const char **conf_named_files(const struct conf *conf, size_t *count);

/* Reads them now.  Main thread. */
struct material *conf_material(const struct conf *conf);

#endif
