/*
 * scrapegate's own metrics in the text format 0.0.4 (design: at most 60
 * series for one target; passes `promtool check metrics`).
 */
#ifndef PROXY_ADMIN_METRICS_H
#define PROXY_ADMIN_METRICS_H

#include <stddef.h>

struct admin_view;

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* malloc'd text; *len without the terminating NUL. */
char *metrics_render(const struct admin_view *view, size_t *len);

#endif
