#include "proxy/admin/metrics_parts.h"

#include <stddef.h>
#include <stdio.h>

#include "conf/conf.h"
#include "proxy/admin/view.h"
#include "proxy/gate/stats.h"

static uint64_t
sum_requests(
    const struct admin_view *view, size_t target, size_t code, size_t use)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < view->stats_count; i++)
		sum += stats_read(
		    &view->stats[i]->targets->items[target]->requests[code]
								     [use]);
	return sum;
}

static void
put_requests_of(struct metrics_output *out, size_t target, const char *name)
{
	size_t code, use;
	char text[16];

	for (code = 0; stats_codes[code] != 0; code++)
		for (use = 0; use < CACHE_USE_COUNT; use++) {
			uint64_t sum =
			    sum_requests(out->view, target, code, use);

			if (sum == 0)
				continue;
			snprintf(text, sizeof(text), "%d", stats_codes[code]);
			metrics_put(out, (double)sum, "target", name, "code",
			    text, "cache", cache_use_name((enum cache_use)use),
			    NULL);
		}
}

static void
put_requests(struct metrics_output *out)
{
	const struct conf *conf = out->view->conf;
	size_t i;

	for (i = 0; i < conf->target_count; i++)
		put_requests_of(out, i, conf->targets[i].name);
	/* Behind the targets: what was asked of none of them. */
	put_requests_of(out, i, "");
}

/* From the first use: most exporters are never streamed. */
static void
put_broken(struct metrics_output *out)
{
	const struct admin_view *view = out->view;
	size_t target, i;

	for (target = 0; target < view->conf->target_count; target++) {
		uint64_t sum = 0;

		for (i = 0; i < view->stats_count; i++)
			sum += stats_read(
			    &view->stats[i]->targets->items[target]->broken);
		if (sum > 0)
			metrics_put(out, (double)sum, "target",
			    view->conf->targets[target].name, NULL);
	}
}

static void
put_refusals(struct metrics_output *out)
{
	size_t reason;

	for (reason = 0; reason < REASON_COUNT; reason++) {
		uint64_t sum =
		    metrics_sum(out, offsetof(struct stats, refusals) +
					 reason * sizeof(stats_counter));
		bool is_ours =
		    reason_row((enum reason)reason)->layer == LAYER_GATE &&
		    reason != REASON_UNEXPLAINED;

		if (sum > 0 || (is_ours && metrics_is_full(out)))
			metrics_put(out, (double)sum, "reason",
			    reason_row((enum reason)reason)->id, NULL);
	}
}

static void
put_underscore_headers(struct metrics_output *out)
{
	metrics_put_if_any(out, offsetof(struct stats, underscore_headers));
}

static const struct metric metrics[] = {
	{ "scrapegate_requests_total", "counter",
	    "Requests to the gate; target is empty for its own endpoints.",
	    put_requests, NULL },
	{ "scrapegate_answers_broken_total", "counter",
	    "Answers above stream_above that failed when their head was out.",
	    put_broken, NULL },
	{ "scrapegate_refusals_total", "counter",
	    "Requests the gate itself refused, by reason.", put_refusals,
	    NULL },
	{ "scrapegate_underscore_headers_total", "counter",
	    "Request headers with '_' in the name, not forwarded.",
	    put_underscore_headers, NULL },
};

const struct metrics_room metrics_requests = METRICS_ROOM(metrics);
