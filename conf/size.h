/*
 * Sizes as Prometheus writes them: 8MB and 8MiB are both 8 * 2^20; a plain
 * number is bytes.  Units B KB MB GB TB PB EB and KiB ... EiB.
 */
#ifndef CONF_SIZE_H
#define CONF_SIZE_H

#include <stdint.h>

struct err;

#define CONF_SIZE_SIZE 32

/* -1 with err that says what to write. */
int conf_size_parse(const char *text, uint64_t *bytes, struct err *err);

/* The same notation back, exact, e.g. "64MB" or "1500"; returns `out`. */
const char *conf_size_text(uint64_t bytes, char out[CONF_SIZE_SIZE]);

#endif
