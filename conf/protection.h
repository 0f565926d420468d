/*
 * What stands between a scraper's network and the metrics, and whether another
 * configuration would have less of it.
 */
#ifndef CONF_PROTECTION_H
#define CONF_PROTECTION_H

struct conf;
struct err;

/* -1 with `err`, which names the keys, if `next` is less than `was`. */
int conf_protection_keep(
    const struct conf *was, const struct conf *next, struct err *err);

#endif
