#include "proxy/backend/pod.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/util.h>

#include "auth/endpoint.h"
#include "auth/transport.h"
#include "conf/conf.h"
#include "conf/kubernetes_name.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/escape.h"
#include "proxy/base/file.h"
#include "proxy/base/json.h"
#include "proxy/base/log.h"

#define ANSWER_MAX ((size_t)1 << 20)
#define TIMEOUT_MS 3000
#define JITTER_US 1000000

struct pod {
	struct pod_options options;
	struct conf *conf;
	struct event *timer; /* pending: a round is about to begin */
	void *call;          /* the transport's, or NULL */
	char *base_url;      /* of this round */
	char *name;
	uint64_t next_us; /* monotonic: no round before it */
	unsigned failures;
	bool is_told_down;
	bool has_status;
	struct pod_status status;
	struct pod_status fresh; /* of the round that is under way */
};

static void
end_round(struct pod *pod)
{
	free(pod->base_url);
	free(pod->name);
	pod->base_url = pod->name = NULL;
}

static void
rest(struct pod *pod)
{
	uint64_t rest_s = POD_REST_S;
	unsigned i;

	for (i = 0; i < pod->failures && rest_s < POD_REST_MAX_S; i++)
		rest_s *= 2;
	if (rest_s > POD_REST_MAX_S)
		rest_s = POD_REST_MAX_S;
	pod->next_us = clock_now_us() + rest_s * 1000000;
}

static void
fail(struct pod *pod, const char *words)
{
	end_round(pod);
	pod->failures++;
	rest(pod);
	if (pod->is_told_down)
		return;
	pod->is_told_down = true;
	log_warn(
	    "Kubernetes does not say how the pod is", "error", words, NULL);
}

static void
succeed(struct pod *pod)
{
	end_round(pod);
	pod->failures = 0;
	rest(pod);
	if (pod->is_told_down)
		log_info("Kubernetes says how the pod is, again", NULL);
	pod->is_told_down = false;
	pod->fresh.read_wall_us = clock_wall_us();
	pod->status = pod->fresh;
	pod->has_status = true;
	pod->options.news(&pod->status, pod->options.arg);
}

/* A refusal's own words are in a Status; else its number has to do. */
static void
fail_by(struct pod *pod, const struct auth_reply *reply)
{
	struct cJSON *root;
	const char *message;
	char words[256];
	struct err err;

	if (reply->status == 0) {
		fail(pod, reply->error);
		return;
	}
	root = json_parse_deep(reply->body, reply->len, POD_DEPTH_MAX, &err);
	message = json_string(json_get(root, "message"));
	if (message != NULL)
		escape_words(words, sizeof(words), message, strlen(message));
	else
		snprintf(words, sizeof(words), "HTTP status %d", reply->status);
	json_free(root);
	fail(pod, words);
}

/* From the file that every pod has; malloc'd, NULL if there is none. */
static char *
namespace_of_pod(void)
{
	size_t len;
	char *text = file_load(
	    ENDPOINT_POD_FOLDER "namespace", KUBERNETES_NAME_MAX + 2, &len);

	if (text != NULL)
		text[strcspn(text, " \r\n")] = '\0';
	return text;
}

static char *
name_of_pod(void)
{
	const char *given = getenv("POD_NAME");
	char host[KUBERNETES_NAME_MAX + 2] = "";

	if (given != NULL && *given != '\0')
		return xstrdup(given);
	if (gethostname(host, sizeof(host) - 1) == -1)
		host[0] = '\0';
	return xstrdup(host);
}

/* NULL, or what is missing. */
static const char *
begin_round(struct pod *pod)
{
	const struct conf_pod *conf = &pod->conf->pod;
	char *server = conf->api_server != NULL ? xstrdup(conf->api_server)
						: endpoint_in_cluster();
	char *space = conf->namespace != NULL ? xstrdup(conf->namespace)
					      : namespace_of_pod();
	const char *fault = NULL;

	pod->name = conf->name != NULL ? xstrdup(conf->name) : name_of_pod();
	if (server == NULL)
		fault = "not in a pod (KUBERNETES_SERVICE_HOST is not set): "
			"set pod.api_server, ca_file and token_file";
	else if (space == NULL || !kubernetes_is_label(space))
		fault = "no namespace: set pod.namespace";
	else if (!kubernetes_is_name(pod->name))
		fault = "no name of a pod that could be one: set pod.name";
	else
		pod->base_url =
		    xasprintf("%s/api/v1/namespaces/%s", server, space);
	free(server);
	free(space);
	return fault;
}

static void
ask(struct pod *pod, const char *url, auth_reply_fn *done)
{
	const struct conf_pod *conf = &pod->conf->pod;
	const struct auth_call call = {
		.url = url,
		.ca_file = conf->ca_file != NULL ? conf->ca_file
						 : ENDPOINT_POD_FOLDER "ca.crt",
		.token_file = conf->token_file != NULL ? conf->token_file
						       : ENDPOINT_POD_FOLDER
				  "token",
		.answer_max = ANSWER_MAX,
		.timeout_ms = TIMEOUT_MS,
	};
	const struct auth_transport *transport = pod->options.transport;

	pod->call = transport->start(transport->transport, &call, done, pod);
}

/* Events are a bonus: whoever may not list them learns of the containers. */
static void
take_events(const struct auth_reply *reply, void *arg)
{
	struct pod *pod = arg;
	struct err err;

	pod->call = NULL;
	if (reply->status == 200)
		pod_read_events(&pod->fresh, reply->body, reply->len, &err);
	succeed(pod);
}

static void
take_pod(const struct auth_reply *reply, void *arg)
{
	struct pod *pod = arg;
	struct err err;
	char *url;

	pod->call = NULL;
	if (reply->status != 200) {
		fail_by(pod, reply);
		return;
	}
	if (pod_read(&pod->fresh, reply->body, reply->len, &err) == -1) {
		fail(pod, err.text);
		return;
	}
	url = xasprintf("%s/events?fieldSelector=involvedObject.name%%3D%s&"
			"limit=100",
	    pod->base_url, pod->name);
	ask(pod, url, take_events);
	free(url);
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct pod *pod = arg;
	const char *fault = begin_round(pod);
	char *url;

	(void)fd;
	(void)events;
	if (fault != NULL) {
		fail(pod, fault);
		return;
	}
	url = xasprintf("%s/pods/%s", pod->base_url, pod->name);
	ask(pod, url, take_pod);
	free(url);
}

struct pod *
pod_new(const struct pod_options *options)
{
	struct pod *pod = xcalloc(1, sizeof(*pod));

	pod->options = *options;
	pod->timer = evtimer_new(options->base, on_timer, pod);
	return pod;
}

static void
stop(struct pod *pod)
{
	const struct auth_transport *transport = pod->options.transport;

	evtimer_del(pod->timer);
	if (pod->call != NULL)
		transport->cancel(transport->transport, pod->call);
	pod->call = NULL;
	end_round(pod);
}

void
pod_free(struct pod *pod)
{
	if (pod == NULL)
		return;
	stop(pod);
	event_free(pod->timer);
	conf_unref(pod->conf);
	free(pod);
}

void
pod_switch(struct pod *pod, struct conf *conf)
{
	stop(pod);
	conf_ref(conf);
	conf_unref(pod->conf);
	pod->conf = conf;
	pod->next_us = 0;
	pod->failures = 0;
	pod->has_status = pod->has_status && conf->pod.status;
}

void
pod_wonder(struct pod *pod)
{
	struct timeval wait = { 0, 0 };
	uint32_t random = 0;

	if (pod->conf == NULL || !pod->conf->pod.status || pod->call != NULL ||
	    evtimer_pending(pod->timer, NULL) || clock_now_us() < pod->next_us)
		return;
	evutil_secure_rng_get_bytes(&random, sizeof(random));
	wait.tv_usec = (suseconds_t)(random % JITTER_US);
	evtimer_add(pod->timer, &wait);
}

const struct pod_status *
pod_status(const struct pod *pod)
{
	return pod->has_status ? &pod->status : NULL;
}
