#include "proxy/admin/metrics_parts.h"

#include <stdio.h>

#include "conf/conf.h"
#include "proxy/admin/view.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/notices.h"
#include "proxy/diagnosis/reading.h"
#include "proxy/diagnosis/record.h"

/* The rest is the gate's own and refuses a scrape before there is one. */
static bool
is_of_attempts(size_t reason)
{
	return reason_row((enum reason)reason)->layer != LAYER_GATE ||
	       reason == REASON_MEMORY_BUDGET_EXCEEDED ||
	       reason == REASON_UNEXPLAINED;
}

static void
put_scrapes(struct metrics_output *out, const struct board_target *target)
{
	bool is_full = metrics_is_full(out);
	size_t reason;

	for (reason = 0; reason < REASON_COUNT; reason++)
		if (reason == REASON_OK || target->scrapes[reason] > 0 ||
		    (is_full && is_of_attempts(reason)))
			metrics_put(out, (double)target->scrapes[reason],
			    "target", target->conf->name, "reason",
			    reason_row((enum reason)reason)->id, NULL);
}

/* From the start, so that rate() sees the first failure. */
static void
put_failures(struct metrics_output *out, const struct board_target *target)
{
	size_t layer;

	for (layer = LAYER_NONE + 1; layer < LAYER_COUNT; layer++)
		metrics_put(out, (double)target->failures[layer], "target",
		    target->conf->name, "layer", layer_name((enum layer)layer),
		    NULL);
}

static void
put_failure_info(struct metrics_output *out, const struct board_target *target)
{
	if (board_health(target) == BOARD_DOWN)
		metrics_put(out, 1, "target", target->conf->name, "reason",
		    reason_row(target->last->finding->reason)->id, NULL);
}

/* While there is one. */
static void
put_notices(struct metrics_output *out)
{
	const struct admin_view *view = out->view;
	size_t i, kind;

	for (i = 0; view->notices != NULL && i < view->conf->target_count; i++)
		for (kind = 0; kind < NOTICE_COUNT; kind++)
			if (view->notices[i].of[kind].is_on)
				metrics_put(out, 1, "target",
				    view->conf->targets[i].name, "notice",
				    notice_id((enum notice_kind)kind), NULL);
}

static void
put_phase_sums(
    struct metrics_output *out, const struct board_target *target, size_t phase)
{
	const char *name = phase_name((enum phase)phase);

	metrics_put_suffixed(out, "_sum",
	    metrics_seconds(target->phase_sum_us[phase]), "target",
	    target->conf->name, "phase", name, NULL);
	metrics_put_suffixed(out, "_count", (double)target->phase_count[phase],
	    "target", target->conf->name, "phase", name, NULL);
}

/* Of the two below, one has something to say: a summary without quantiles
 * becomes a histogram of the same sums and counts. */
static void
put_phases(struct metrics_output *out, const struct board_target *target)
{
	size_t phase;

	for (phase = 0; !metrics_is_full(out) && phase < PHASE_COUNT; phase++)
		put_phase_sums(out, target, phase);
}

static void
put_phase_buckets(
    struct metrics_output *out, const struct board_target *target, size_t phase)
{
	const char *name = phase_name((enum phase)phase);
	uint64_t sum = 0;
	char bound[32];
	size_t i;

	for (i = 0; i < BOARD_PHASE_BUCKETS; i++) {
		sum += target->phase_buckets[phase][i];
		snprintf(bound, sizeof(bound), "%g", board_phase_bounds[i]);
		metrics_put_suffixed(out, "_bucket", (double)sum, "target",
		    target->conf->name, "phase", name, "le", bound, NULL);
	}
	metrics_put_suffixed(out, "_bucket", (double)target->phase_count[phase],
	    "target", target->conf->name, "phase", name, "le", "+Inf", NULL);
}

static void
put_phase_histograms(
    struct metrics_output *out, const struct board_target *target)
{
	size_t phase;

	for (phase = 0; metrics_is_full(out) && phase < PHASE_COUNT; phase++) {
		put_phase_buckets(out, target, phase);
		put_phase_sums(out, target, phase);
	}
}

static void
put_durations(struct metrics_output *out, const struct board_target *target)
{
	const char *name = target->conf->name;
	uint64_t count = 0;
	char bound[32];
	size_t i;

	for (i = 0; i < BOARD_BUCKETS; i++) {
		count += target->duration_buckets[i];
		snprintf(bound, sizeof(bound), "%g", board_bucket_bounds[i]);
		metrics_put_suffixed(out, "_bucket", (double)count, "target",
		    name, "le", bound, NULL);
	}
	count += target->duration_buckets[BOARD_BUCKETS];
	metrics_put_suffixed(
	    out, "_bucket", (double)count, "target", name, "le", "+Inf", NULL);
	metrics_put_suffixed(out, "_sum",
	    metrics_seconds(target->duration_sum_us), "target", name, NULL);
	metrics_put_suffixed(
	    out, "_count", (double)count, "target", name, NULL);
}

static void
put_up(struct metrics_output *out, const struct board_target *target)
{
	if (board_health(target) != BOARD_UNKNOWN)
		metrics_put(out, board_health(target) == BOARD_UP, "target",
		    target->conf->name, NULL);
}

/* The figures of a good scrape: none before the first. */
static void
put_of_success(
    struct metrics_output *out, const struct board_target *target, double value)
{
	if (target->last_success_wall_us != 0)
		metrics_put(out, value, "target", target->conf->name, NULL);
}

static void
put_last_success(struct metrics_output *out, const struct board_target *target)
{
	put_of_success(
	    out, target, metrics_seconds(target->last_success_wall_us));
}

static void
put_samples(struct metrics_output *out, const struct board_target *target)
{
	put_of_success(out, target, (double)target->samples);
}

static void
put_body_bytes(struct metrics_output *out, const struct board_target *target)
{
	put_of_success(out, target, (double)target->body_bytes);
}

/* Only while there are any: most exporters never have one. */
static void
put_warnings(struct metrics_output *out, const struct board_target *target)
{
	const struct reading *reading = target->reading;
	size_t i;

	for (i = 0; reading != NULL && i < reading->warning_count; i++)
		metrics_put(out, (double)reading->warnings[i].count, "target",
		    target->conf->name, "warning", reading->warnings[i].id,
		    NULL);
}

static const struct metric metrics[] = {
	{ "scrapegate_scrapes_total", "counter",
	    "Upstream attempts by outcome.", NULL, put_scrapes },
	{ "scrapegate_scrape_failures_total", "counter",
	    "Failed upstream attempts by layer.", NULL, put_failures },
	{ "scrapegate_target_failure_info", "gauge",
	    "1 while the target fails, with the reason.", NULL,
	    put_failure_info },
	{ "scrapegate_target_notice_info", "gauge",
	    "1 while something is wrong with the target although no scrape "
	    "fails.",
	    put_notices, NULL },
	{ "scrapegate_scrape_phase_seconds", "summary",
	    "Time of upstream attempts by phase; counts those that had it.",
	    NULL, put_phases },
	{ "scrapegate_scrape_phase_seconds", "histogram",
	    "Time of upstream attempts by phase; counts those that had it.",
	    NULL, put_phase_histograms },
	{ "scrapegate_scrape_duration_seconds", "histogram",
	    "From a scrape's arrival to the end of its upstream attempt.", NULL,
	    put_durations },
	{ "scrapegate_target_up", "gauge",
	    "Whether the newest upstream attempt succeeded.", NULL, put_up },
	{ "scrapegate_target_last_success_timestamp_seconds", "gauge",
	    "When the newest good attempt started.", NULL, put_last_success },
	{ "scrapegate_target_samples", "gauge",
	    "Samples in the newest good answer.", NULL, put_samples },
	{ "scrapegate_target_body_bytes", "gauge",
	    "Size of the newest good answer, uncompressed.", NULL,
	    put_body_bytes },
	{ "scrapegate_target_warnings", "gauge",
	    "How often the newest good answer has what Prometheus, or one of "
	    "its releases, minds or drops.",
	    NULL, put_warnings },
};

const struct metrics_room metrics_targets = METRICS_ROOM(metrics);
