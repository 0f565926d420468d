/*
 * The metrics from inside, for the rooms that they are made of: a table of
 * metrics per subject, and the functions that read their values.  A new metric
 * is a row of its room's table; a new subject is a room in metrics.c's list.
 * Others see metrics.h.
 *
 * HELP and TYPE go out with a metric's first sample, so one without samples
 * does not appear at all.
 */
#ifndef PROXY_ADMIN_METRICS_PARTS_H
#define PROXY_ADMIN_METRICS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proxy/admin/process.h"

struct admin_view;
struct board_target;
struct metrics_output;

/* Rendered once, or once per target; one of the two functions is set. */
struct metric {
	const char *name;
	const char *type;
	const char *help;
	void (*render)(struct metrics_output *out);
	void (*render_target)(
	    struct metrics_output *out, const struct board_target *target);
};

struct metrics_room {
	const struct metric *metrics;
	size_t count;
};

#define METRICS_ROOM(table)                                                    \
	{                                                                      \
		.metrics = (table),                                            \
		.count = sizeof(table) / sizeof((table)[0])                    \
	}

extern const struct metrics_room metrics_targets;
extern const struct metrics_room metrics_requests;
extern const struct metrics_room metrics_auth;
extern const struct metrics_room metrics_tls;
extern const struct metrics_room metrics_gate;
extern const struct metrics_room metrics_journal;
extern const struct metrics_room metrics_process;

/* The text so far, and the metric that is being rendered. */
struct metrics_output {
	FILE *file;
	const struct admin_view *view;
	const struct metric *metric;
	bool has_head; /* HELP and TYPE are out: not before the first sample */
	struct process_usage usage;
};

/* One sample; labels are pairs of name and value, ended by a NULL name. */
void __attribute__((sentinel)) metrics_put_suffixed(
    struct metrics_output *out, const char *suffix, double value, ...);

#define metrics_put(out, ...) metrics_put_suffixed(out, "", __VA_ARGS__)

double metrics_seconds(uint64_t us);

/* metrics_detail: full. */
bool metrics_is_full(const struct metrics_output *out);

/* Over all workers; `offset` is that of a stats_counter in struct stats. */
uint64_t metrics_sum(const struct metrics_output *out, size_t offset);

/* Rare: the series comes with the first event. */
void metrics_put_if_any(struct metrics_output *out, size_t offset);

#endif
