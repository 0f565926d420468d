/*
 * Hints for those who write exporters: names, units and metadata against
 * Prometheus' own naming practices.  Prometheus takes what is hinted at, so
 * this has nothing to do with the verdict.
 *
 * Reads a whole body that Prometheus 3 accepts; of another it reads what
 * stands before the refusal.  Pure.
 */
#ifndef PROXY_EXPOSITION_LINT_H
#define PROXY_EXPOSITION_LINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lint_hint {
	const char *id;    /* "help_missing" */
	const char *words; /* a sentence about the metric */
	uint64_t line;
	const unsigned char *name; /* of the metric, raw; during the call */
	size_t name_len;
};

typedef void lint_hint_fn(const struct lint_hint *hint, void *arg);

/* Each hint once for a metric, in the order of their lines. */
void lint_run(const unsigned char *bytes, size_t len, bool is_openmetrics,
    lint_hint_fn *hint, void *arg);

#endif
