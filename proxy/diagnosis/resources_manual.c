#include <stddef.h>

#include "proxy/diagnosis/resources.h"

/*
 * The manual of the second causes: how each is known, which is the rules of
 * resources_causes.c in words.
 */

static const char introduction[] =
    "\n## second causes\n"
    "\n"
    "Why an exporter on this machine failed or was slow, as far as the kernel "
    "or its own\nmetrics tell. At most one is picked: a measured one before an "
    "inferred one, then in\nthis order. A measured one stands in brackets at "
    "the end of the status line and takes\nthe place of Cause and Do; an "
    "inferred one is only added to them. What cannot be read\nis unknown, and "
    "Seen says so. See `resources` of the targets' keys for where is\n"
    "looked.\n";

static const struct {
	const char *measured;
	const char *inferred; /* NULL: never */
} texts[RESOURCES_CAUSE_COUNT] = {
	[RESOURCES_OOM_KILLED] = { "oom_kill of its cgroup rose since the "
				   "last good answer, its process has ended "
				   "or is a new one, and that was within the "
				   "last minute or nobody listens since",
	    "oom_kill rose but its process goes on; or its cgroup is gone, "
	    "and it needed more than 90 % of its memory limit when last "
	    "seen" },
	[RESOURCES_EXPORTER_STUCK] = { "its first thread is stopped (T, t), "
				       "or in uninterruptible sleep (D) and "
				       "it used less than 5 % CPU",
	    "all its threads wait for a lock, and it used less than 5 % CPU" },
	[RESOURCES_GATE_THROTTLED] = { "the gate's own cgroup was throttled, "
				       "by the rule of cpu_throttled, and "
				       "longer than the exporter's",
	    NULL },
	[RESOURCES_CPU_THROTTLED] = { "its cgroup was throttled for more "
				      "than 20 % of the scrape, or in more "
				      "than 25 % of the periods and for at "
				      "least 10 % of the scrape",
	    "its process_cpu_seconds_total rises by at least 80 % of "
	    "SCRAPEGATE_EXPORTER_CPU_LIMIT" },
	[RESOURCES_FDS_EXHAUSTED] = { "more than 90 % of its file "
				      "descriptors are open",
	    "they were by process_open_fds and process_max_fds of the last "
	    "good answer" },
	[RESOURCES_ACCEPT_QUEUE_FULL] = { "its listener's queue holds more "
					  "than its backlog",
	    NULL },
	[RESOURCES_RESTARTED] = { "another process listens than gave the "
				  "last good answer; in a slow answer, "
				  "process_start_time_seconds moved",
	    NULL },
	[RESOURCES_MEMORY_NEAR_LIMIT] = { "its working set is above 90 % of "
					  "the limit, and the limit was met "
					  "since the last good answer or "
					  "memory pressure (full avg10) is "
					  "above 5 %",
	    "only the first of these; or process_resident_memory_bytes is "
	    "above 90 % of SCRAPEGATE_EXPORTER_MEMORY_LIMIT" },
	[RESOURCES_EXPOSITION_GROWTH] = { "more than twice the usual bytes "
					  "or samples",
	    NULL },
	[RESOURCES_CPU_PRESSURE] = { "CPU pressure (some avg10) of its "
				     "cgroup is above 20 %, it worked, and "
				     "the scrape took at least 5 s",
	    "the same of the machine, or in a shorter scrape" },
};

const char *
resources_how_measured(enum resources_cause cause)
{
	return texts[cause].measured;
}

const char *
resources_how_inferred(enum resources_cause cause)
{
	return texts[cause].inferred;
}

void
resources_manual(FILE *out)
{
	int i;

	fputs(introduction, out);
	for (i = RESOURCES_NONE + 1; i < RESOURCES_CAUSE_COUNT; i++) {
		fprintf(out, "\n### %s\n\n- Measured: %s.\n",
		    resources_cause_id((enum resources_cause)i),
		    texts[i].measured);
		if (texts[i].inferred != NULL)
			fprintf(out, "- Inferred: %s.\n", texts[i].inferred);
	}
}
