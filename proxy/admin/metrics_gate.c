#include "proxy/admin/metrics_parts.h"

#include <stddef.h>

#include "conf/conf.h"
#include "proxy/admin/view.h"
#include "proxy/gate/stats.h"
#include "proxy/gate/tally.h"

static void
put_connections(struct metrics_output *out)
{
	metrics_put(out,
	    (double)metrics_sum(out, offsetof(struct stats, connections_open)),
	    NULL);
}

static void
put_refused_connections(struct metrics_output *out)
{
	size_t i;

	for (i = 0; i < TALLY_LIMIT_COUNT; i++) {
		uint64_t sum = metrics_sum(
		    out, offsetof(struct stats, connections_refused) +
			     i * sizeof(stats_counter));

		if (sum > 0)
			metrics_put(out, (double)sum, "limit",
			    tally_limit_name((enum tally_limit)i), NULL);
	}
}

static void
put_accept_errors(struct metrics_output *out)
{
	metrics_put_if_any(out, offsetof(struct stats, accept_errors));
}

/* The gate stays closed while it is not ready, and closes to drain. */
static void
put_listeners(struct metrics_output *out)
{
	const struct admin_view *view = out->view;
	const char *admin = view->conf->admin_listen.text;

	metrics_put(
	    out, view->is_ready && !view->is_draining, "role", "gate", NULL);
	if (admin != NULL && *admin != '\0')
		metrics_put(
		    out, !view->admin_listen_failed, "role", "admin", NULL);
}

static void
put_reload_ok(struct metrics_output *out)
{
	metrics_put(out, out->view->last_reload_ok, NULL);
}

static void
put_reload_time(struct metrics_output *out)
{
	metrics_put(
	    out, metrics_seconds(out->view->config_loaded_wall_us), NULL);
}

static void
put_build_info(struct metrics_output *out)
{
	metrics_put(out, 1, "version", SCRAPEGATE_VERSION, NULL);
}

static const struct metric metrics[] = {
	{ "scrapegate_connections", "gauge", "Open connections to the gate.",
	    put_connections, NULL },
	{ "scrapegate_connections_refused_total", "counter",
	    "Connections closed at once, by the limit they would have broken.",
	    put_refused_connections, NULL },
	{ "scrapegate_accept_errors_total", "counter",
	    "Connections that could not be accepted.", put_accept_errors,
	    NULL },
	{ "scrapegate_listener_up", "gauge",
	    "Whether a listener accepts connections.", put_listeners, NULL },
	{ "scrapegate_config_last_reload_successful", "gauge",
	    "Whether the last load of the configuration succeeded.",
	    put_reload_ok, NULL },
	{ "scrapegate_config_last_reload_success_timestamp_seconds", "gauge",
	    "When the configuration in force was loaded.", put_reload_time,
	    NULL },
	{ "scrapegate_build_info", "gauge",
	    "1, with the version of this program.", put_build_info, NULL },
};

const struct metrics_room metrics_gate = METRICS_ROOM(metrics);
