#include "proxy/admin/metrics_parts.h"

#include "proxy/admin/view.h"

static void
put_start_time(struct metrics_output *out)
{
	metrics_put(out, metrics_seconds(out->view->start_wall_us), NULL);
}

/* What could not be read has no sample. */
static void
put_known(struct metrics_output *out, double value)
{
	if (value >= 0)
		metrics_put(out, value, NULL);
}

static void
put_cpu(struct metrics_output *out)
{
	put_known(out, out->usage.cpu_seconds);
}

static void
put_resident(struct metrics_output *out)
{
	put_known(out, out->usage.resident_bytes);
}

static void
put_virtual(struct metrics_output *out)
{
	put_known(out, out->usage.virtual_bytes);
}

static void
put_open_fds(struct metrics_output *out)
{
	put_known(out, out->usage.open_fds);
}

static void
put_max_fds(struct metrics_output *out)
{
	put_known(out, out->usage.max_fds);
}

static void
put_throttled(struct metrics_output *out)
{
	put_known(out, out->usage.throttled_seconds);
}

static const struct metric metrics[] = {
	{ "scrapegate_gate_throttled_seconds_total", "counter",
	    "Time the gate was paused at its CPU limit, over all CPUs.",
	    put_throttled, NULL },
	{ "process_start_time_seconds", "gauge",
	    "Start of the process since the epoch.", put_start_time, NULL },
	{ "process_cpu_seconds_total", "counter",
	    "User and system CPU time spent.", put_cpu, NULL },
	{ "process_resident_memory_bytes", "gauge", "Resident memory.",
	    put_resident, NULL },
	{ "process_virtual_memory_bytes", "gauge", "Virtual memory.",
	    put_virtual, NULL },
	{ "process_open_fds", "gauge", "Open file descriptors.", put_open_fds,
	    NULL },
	{ "process_max_fds", "gauge", "Limit of open file descriptors.",
	    put_max_fds, NULL },
};

const struct metrics_room metrics_process = METRICS_ROOM(metrics);
