/*
 * Durations as Prometheus writes them: 1h30m, 500ms, 2m, 0.  Units y w d h m s
 * ms, each at most once and in this order; whole numbers only.
 */
#ifndef CONF_DURATION_H
#define CONF_DURATION_H

#include <stdint.h>

struct err;

#define CONF_DURATION_SIZE 64

/* -1 with err that says what to write. */
int conf_duration_parse(const char *text, int64_t *ms, struct err *err);

/* The same notation back, e.g. "1h30m"; returns `out`. */
const char *conf_duration_text(int64_t ms, char out[CONF_DURATION_SIZE]);

#endif
