#include "proxy/backend/pod_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/escape.h"
#include "proxy/base/json.h"

/* How the gate's own container is called, as far as it has a usual name. */
#define OWN_NAME "scrapegate"

static void
copy(char *out, size_t size, const struct cJSON *value)
{
	const char *text = json_string(value);

	out[0] = '\0';
	if (text != NULL)
		escape_words(out, size, text, strlen(text));
}

#define COPY(field, parent, name)                                              \
	copy(field, sizeof(field), json_get(parent, name))

static uint64_t
time_of(const struct cJSON *parent, const char *name)
{
	const char *text = json_string(json_get(parent, name));
	uint64_t wall_us = 0;

	return text != NULL && clock_read(text, &wall_us) ? wall_us : 0;
}

/* 0 for what is no whole number within `max`. */
static long
number_of(const struct cJSON *parent, const char *name, long max)
{
	double number;

	if (!json_number(json_get(parent, name), &number) ||
	    number < (double)-max || number > (double)max)
		return 0;
	return (long)number;
}

static void
read_end(struct pod_container *container, const struct cJSON *terminated)
{
	if (!json_is_object(terminated))
		return;
	COPY(container->ended, terminated, "reason");
	if (container->ended[0] == '\0')
		snprintf(container->ended, sizeof(container->ended), "Ended");
	container->exit_code = (int)number_of(terminated, "exitCode", 255);
	container->ended_wall_us = time_of(terminated, "finishedAt");
}

static void
read_container(struct pod_container *container, const struct cJSON *from)
{
	const struct cJSON *state = json_get(from, "state");
	const struct cJSON *running = json_get(state, "running");

	COPY(container->name, from, "name");
	container->restarts =
	    (unsigned)labs(number_of(from, "restartCount", 1000000000));
	container->is_running = json_is_object(running);
	container->started_wall_us = time_of(running, "startedAt");
	COPY(container->waiting, json_get(state, "waiting"), "reason");
	read_end(
	    container, json_get(json_get(from, "lastState"), "terminated"));
	read_end(container, json_get(state, "terminated"));
}

static void
read_containers(struct pod_status *status, const struct cJSON *list)
{
	const struct cJSON *each;

	for (each = json_first(list);
	     each != NULL && status->container_count < POD_CONTAINERS;
	     each = json_next(each))
		read_container(
		    &status->containers[status->container_count++], each);
}

static struct cJSON *
parse(const char *text, size_t len, const char *kind, struct err *err)
{
	struct cJSON *root = json_parse_deep(text, len, POD_DEPTH_MAX, err);
	const char *is;

	if (root == NULL)
		return NULL;
	is = json_string(json_get(root, "kind"));
	if (is != NULL && strcmp(is, kind) == 0)
		return root;
	json_free(root);
	err_set(err, ERR_INVALID, "not a %s", kind);
	return NULL;
}

int
pod_read(
    struct pod_status *status, const char *text, size_t len, struct err *err)
{
	struct cJSON *root = parse(text, len, "Pod", err);
	const struct cJSON *part;

	memset(status, 0, sizeof(*status));
	if (root == NULL)
		return -1;
	part = json_get(json_get(root, "metadata"), "annotations");
	COPY(status->annotations.scrape, part, "prometheus.io/scrape");
	COPY(status->annotations.scheme, part, "prometheus.io/scheme");
	COPY(status->annotations.port, part, "prometheus.io/port");
	COPY(status->annotations.path, part, "prometheus.io/path");
	part = json_get(root, "status");
	COPY(status->phase, part, "phase");
	read_containers(status, json_get(part, "containerStatuses"));
	/* A gate that is a native sidecar stands there. */
	read_containers(status, json_get(part, "initContainerStatuses"));
	json_free(root);
	return 0;
}

/* "spec.containers{NAME}". */
static void
read_container_name(char *out, size_t size, const struct cJSON *object)
{
	const char *path = json_string(json_get(object, "fieldPath"));
	const char *begin = path != NULL ? strchr(path, '{') : NULL;
	const char *end = begin != NULL ? strchr(begin, '}') : NULL;

	out[0] = '\0';
	if (end != NULL)
		escape_words(out, size, begin + 1, (size_t)(end - begin - 1));
}

static void
read_event(struct pod_event *event, const struct cJSON *from)
{
	COPY(event->reason, from, "reason");
	COPY(event->message, from, "message");
	read_container_name(event->container, sizeof(event->container),
	    json_get(from, "involvedObject"));
	event->count = (unsigned)labs(number_of(from, "count", 1000000000));
	event->last_wall_us = time_of(from, "lastTimestamp");
	if (event->last_wall_us == 0)
		event->last_wall_us = time_of(from, "eventTime");
}

/* Keeps the newest, sorted. */
static void
keep_event(struct pod_status *status, const struct pod_event *event)
{
	size_t at = status->event_count;

	while (
	    at > 0 && status->events[at - 1].last_wall_us < event->last_wall_us)
		at--;
	if (at == POD_EVENTS)
		return;
	if (status->event_count < POD_EVENTS)
		status->event_count++;
	memmove(&status->events[at + 1], &status->events[at],
	    (status->event_count - 1 - at) * sizeof(*event));
	status->events[at] = *event;
}

int
pod_read_events(
    struct pod_status *status, const char *text, size_t len, struct err *err)
{
	struct cJSON *root = parse(text, len, "EventList", err);
	const struct cJSON *each;
	const char *type;

	if (root == NULL)
		return -1;
	for (each = json_first(json_get(root, "items")); each != NULL;
	     each = json_next(each)) {
		struct pod_event event = { .count = 0 };

		type = json_string(json_get(each, "type"));
		if (type == NULL || strcmp(type, "Warning") != 0)
			continue;
		read_event(&event, each);
		keep_event(status, &event);
	}
	json_free(root);
	return 0;
}

const struct pod_container *
pod_find(const struct pod_status *status, const char *name)
{
	const struct pod_container *found = NULL, *each;
	size_t i;

	for (i = 0; i < status->container_count; i++) {
		each = &status->containers[i];
		if (*name != '\0'
			? strcmp(each->name, name) != 0
			: strncmp(each->name, OWN_NAME, strlen(OWN_NAME)) == 0)
			continue;
		if (found != NULL)
			return NULL;
		found = each;
	}
	return found;
}

const struct pod_event *
pod_find_event(
    const struct pod_status *status, const struct pod_container *container)
{
	const struct pod_event *event;
	size_t i;

	for (i = 0; i < status->event_count; i++) {
		event = &status->events[i];
		if (event->container[0] == '\0' ||
		    strcmp(event->container, container->name) == 0)
			return event;
	}
	return NULL;
}

bool
pod_judge_annotations(const struct pod_annotations *annotations, unsigned port,
    bool is_tls, char *out, size_t size)
{
	const char *scheme = annotations->scheme;
	const char *wanted = is_tls ? "https" : "http";

	out[0] = '\0';
	if (annotations->scrape[0] != '\0' &&
	    strcmp(annotations->scrape, "true") != 0)
		snprintf(out, size,
		    "annotation prometheus.io/scrape is \"%s\", not \"true\"",
		    annotations->scrape);
	else if (annotations->port[0] != '\0' && port != 0 &&
		 strtoul(annotations->port, NULL, 10) != port)
		snprintf(out, size,
		    "annotation prometheus.io/port is \"%s\", the gate listens "
		    "on %u",
		    annotations->port, port);
	else if (annotations->scrape[0] != '\0' &&
		 strcmp(*scheme != '\0' ? scheme : "http", wanted) != 0)
		snprintf(out, size,
		    "annotation prometheus.io/scheme is %s%s%s, the gate "
		    "speaks %s",
		    *scheme != '\0' ? "\"" : "",
		    *scheme != '\0' ? scheme : "not set",
		    *scheme != '\0' ? "\"" : "", wanted);
	return out[0] != '\0';
}
