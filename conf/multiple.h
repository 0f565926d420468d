/*
 * Multiples of something the configuration knows: "2x", "1.5x", or 0 for off.
 * Kept in thousandths, which is as fine as they are written.
 */
#ifndef CONF_MULTIPLE_H
#define CONF_MULTIPLE_H

#include <stdint.h>

struct err;

#define CONF_MULTIPLE_ONE 1000 /* 1x */
#define CONF_MULTIPLE_SIZE 24

/* -1 with err that says what to write. */
int conf_multiple_parse(
    const char *text, unsigned *thousandths, struct err *err);

/* The same notation back, exact; returns `out`. */
const char *conf_multiple_text(
    unsigned thousandths, char out[CONF_MULTIPLE_SIZE]);

/* Of `ms`; at most INT64_MAX. */
int64_t conf_multiple_of(unsigned thousandths, int64_t ms);

#endif
