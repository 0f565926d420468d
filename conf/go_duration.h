/*
 * Durations as Go's time.ParseDuration() reads them: 1s, 1.5h, 500ms, 1m30s.
 * Only where exporter-toolkit takes one; all others are Prometheus'.
 */
#ifndef CONF_GO_DURATION_H
#define CONF_GO_DURATION_H

#include <stdint.h>

struct err;

#define CONF_GO_DURATION_SIZE 64

/* Rounded up to a whole millisecond; -1 with err that says what to write. */
int conf_go_duration_parse(const char *text, int64_t *ms, struct err *err);

/* The same notation back, e.g. "1h30m"; returns `out`. */
const char *conf_go_duration_text(int64_t ms, char out[CONF_GO_DURATION_SIZE]);

#endif
