#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/backend/pod_read.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/evidence.h"
#include "proxy/diagnosis/resources.h"
#include "proxy/diagnosis/sketch.h"

/* Into the status line, whose words make room for it. */
static void
add_bracket(struct finding *finding, const char *bracket)
{
	const char *id = reason_row(finding->reason)->id;
	size_t room = sizeof(finding->words) - strlen(id) - strlen(": ");
	size_t wanted = strlen(bracket) + strlen(" []");
	size_t len = strlen(finding->words);

	if (len + wanted > room) {
		len = room - wanted;
		memcpy(finding->words + len - 3, "...", 3);
	}
	sketch_print(finding->words + len, sizeof(finding->words) - len,
	    " [%s]", bracket);
}

static void
add_text(char *text, size_t size, const char *more, bool instead)
{
	size_t len = instead ? 0 : strlen(text);

	if (more[0] != '\0')
		sketch_print(
		    text + len, size - len, "%s%s", len > 0 ? " " : "", more);
}

void
finding_explain(
    struct finding *finding, const struct resources_verdict *verdict)
{
	bool is_sure = verdict->cause != RESOURCES_NONE &&
		       verdict->kind == RESOURCES_MEASURED;
	char seen[sizeof(finding->seen)];

	if (verdict->bracket[0] != '\0')
		add_bracket(finding, verdict->bracket);
	add_text(finding->cause, sizeof(finding->cause), verdict->cause_text,
	    is_sure);
	add_text(
	    finding->fix, sizeof(finding->fix), verdict->fix_text, is_sure);
	memcpy(seen, finding->seen, sizeof(seen));
	finding->seen[0] = '\0';
	/* What explains it first: there may not be room for all. */
	evidence_add_pieces(finding->seen, sizeof(finding->seen),
	    is_sure ? verdict->seen : seen);
	evidence_add_pieces(finding->seen, sizeof(finding->seen),
	    is_sure ? seen : verdict->seen);
}

/* What Kubernetes says. */

/* How it ended is of interest for so long if no scrape has gone well since. */
#define ENDED_US (UINT64_C(300) * 1000000)

static uint64_t
age_of(uint64_t wall_us, uint64_t now_us)
{
	return now_us > wall_us ? now_us - wall_us : 0;
}

static void
see_end(struct evidence *evidence, const struct pod_container *container,
    uint64_t now_us)
{
	char age[SKETCH_DURATION_SIZE];

	if (container->ended[0] == '\0' && container->restarts == 0)
		MEASURED("Kubernetes: container %s has not restarted",
		    container->name);
	else if (container->ended[0] == '\0')
		MEASURED("Kubernetes: container %s restarted %u times",
		    container->name, container->restarts);
	else if (container->ended_wall_us == 0)
		MEASURED("Kubernetes: container %s restarted %u times, ended "
			 "%s (exit code %d) last",
		    container->name, container->restarts, container->ended,
		    container->exit_code);
	else
		MEASURED("Kubernetes: container %s restarted %u times, ended "
			 "%s (exit code %d) %s ago",
		    container->name, container->restarts, container->ended,
		    container->exit_code,
		    sketch_duration(
			age, age_of(container->ended_wall_us, now_us), " "));
}

static void
see_container(struct evidence *evidence, const struct pod_status *status,
    const struct pod_container *container, uint64_t now_us)
{
	const struct pod_event *event = pod_find_event(status, container);
	char age[SKETCH_DURATION_SIZE];

	see_end(evidence, container, now_us);
	if (container->waiting[0] != '\0')
		MEASURED("Kubernetes: container %s waits: %s", container->name,
		    container->waiting);
	if (event != NULL && event->last_wall_us != 0)
		MEASURED("Kubernetes: event %s %s ago: %s", event->reason,
		    sketch_duration(
			age, age_of(event->last_wall_us, now_us), " "),
		    event->message);
}

/* Is it this failure that the end of the container explains? */
static bool
is_killed(const struct pod_container *container, uint64_t now_us,
    uint64_t last_good_us)
{
	uint64_t since_us = last_good_us != 0 || now_us < ENDED_US
				? last_good_us
				: now_us - ENDED_US;

	return strcmp(container->ended, "OOMKilled") == 0 &&
	       container->ended_wall_us > since_us;
}

/* An address may have brackets, too, but not at the end. */
static bool
has_bracket(const struct finding *finding)
{
	size_t len = strlen(finding->words);

	return len > 0 && finding->words[len - 1] == ']';
}

/* The node's own want of memory ends a container with the same word. */
static void
blame_memory(struct finding *finding, const struct pod_container *container)
{
	char bracket[96], text[256];

	if (!has_bracket(finding)) {
		sketch_print(bracket, sizeof(bracket),
		    "oom_killed: container %.48s", container->name);
		add_bracket(finding, bracket);
	}
	add_text(finding->cause, sizeof(finding->cause),
	    "Kubernetes says that the exporter's container was killed for want "
	    "of memory: at its limit, or because the node had none left.",
	    false);
	sketch_print(text, sizeof(text),
	    "raise resources.limits.memory of container %s, if it was that; "
	    "kubectl logs POD -c %s --previous.",
	    container->name, container->name);
	add_text(finding->fix, sizeof(finding->fix), text, false);
}

void
finding_explain_pod(struct finding *finding, const struct conf_target *target,
    const struct pod_status *status, const struct circumstances *circumstances)
{
	const char *name = target->resources.container;
	const struct pod_container *container =
	    pod_find(status, name != NULL ? name : "");
	uint64_t now_us = circumstances->now_wall_us;
	char seen[512] = "";
	struct evidence whole = { .out = seen, .size = sizeof(seen) };
	struct evidence *evidence = &whole;

	if (container != NULL)
		see_container(evidence, status, container, now_us);
	else if (name != NULL)
		UNKNOWN("Kubernetes: the pod has no container %s", name);
	else
		UNKNOWN("Kubernetes: which container is the exporter's; set "
			"resources: {container: ...} in targets[%s]",
		    target->name);
	if (container != NULL &&
	    is_killed(container, now_us, circumstances->last_good_wall_us))
		blame_memory(finding, container);
	evidence_add_pieces(finding->seen, sizeof(finding->seen), seen);
}
