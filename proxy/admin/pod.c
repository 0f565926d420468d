#include "proxy/admin/pod.h"

#include <stdbool.h>

#include "conf/conf.h"
#include "proxy/admin/envelope.h"
#include "proxy/admin/view.h"
#include "proxy/backend/pod_read.h"
#include "proxy/base/json.h"

/* Nothing, rather than Go's zero time: most containers have not ended yet. */
static void
add_time(struct cJSON *object, const char *key, uint64_t wall_us)
{
	if (wall_us != 0)
		envelope_time(object, key, wall_us);
}

static void
add_container(struct cJSON *list, const struct pod_container *container)
{
	struct cJSON *object = json_add_object(list, NULL);

	json_add_string(object, "name", container->name);
	json_add_bool(object, "running", container->is_running);
	add_time(object, "startedAt", container->started_wall_us);
	json_add_number(object, "restartCount", container->restarts);
	json_add_string(object, "waiting", container->waiting);
	json_add_string(object, "ended", container->ended);
	json_add_number(object, "exitCode", container->exit_code);
	add_time(object, "finishedAt", container->ended_wall_us);
}

static void
add_event(struct cJSON *list, const struct pod_event *event)
{
	struct cJSON *object = json_add_object(list, NULL);

	add_time(object, "time", event->last_wall_us);
	json_add_string(object, "reason", event->reason);
	json_add_string(object, "message", event->message);
	json_add_string(object, "container", event->container);
	json_add_number(object, "count", event->count);
}

static void
add_annotations(struct cJSON *data, const struct pod_annotations *annotations)
{
	struct cJSON *object = json_add_object(data, "annotations");

	json_add_string(object, "scrape", annotations->scrape);
	json_add_string(object, "scheme", annotations->scheme);
	json_add_string(object, "port", annotations->port);
	json_add_string(object, "path", annotations->path);
}

static void
add_status(struct cJSON *data, const struct pod_status *status)
{
	struct cJSON *list;
	size_t i;

	envelope_time(data, "time", status->read_wall_us);
	json_add_string(data, "phase", status->phase);
	add_annotations(data, &status->annotations);
	list = json_add_array(data, "containers");
	for (i = 0; i < status->container_count; i++)
		add_container(list, &status->containers[i]);
	list = json_add_array(data, "events");
	for (i = 0; i < status->event_count; i++)
		add_event(list, &status->events[i]);
}

void
pod_api(
    const struct admin_view *view, const char *query, struct response *response)
{
	struct cJSON *data = json_object_new();
	bool is_enabled = view->conf->pod.status;
	bool is_known = is_enabled && view->pod != NULL;

	(void)query;
	json_add_bool(data, "enabled", is_enabled);
	json_add_bool(data, "known", is_known);
	if (is_known)
		add_status(data, view->pod);
	envelope_data(response, data);
}
