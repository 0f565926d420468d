#include "proxy/base/http_client.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/http_client_call.h"

/* Prometheus' own idle time for connections to a target. */
#define IDLE_MAX_S 300L
#define CONNECTIONS_MAX 32L

/* A socket that libcurl asked to watch. */
struct http_socket {
	LIST_ENTRY(http_socket) link;
	struct http_client *client;
	struct http_call *call; /* whose transfer it serves, NULL: none */
	curl_socket_t fd;
	struct event *event;
};

struct http_client {
	CURLM *multi;
	struct event_base *base;
	struct event *timer;
	LIST_HEAD(, http_socket) sockets;
	LIST_HEAD(, http_call) calls;
	bool is_inside; /* in libcurl: no call may start or end */
};

static void
release_call(struct http_client *client, struct http_call *call)
{
	struct http_socket *s;

	LIST_FOREACH(s, &client->sockets, link)
		if (s->call == call)
			s->call = NULL;
	client->is_inside = true;
	curl_multi_remove_handle(client->multi, call->easy);
	client->is_inside = false;
	LIST_REMOVE(call, link);
	http_call_free(call);
}

static void
finish_call(struct http_client *client, struct http_call *call, CURLcode code)
{
	struct http_hooks hooks = call->hooks;
	struct http_result result;

	http_call_result(call, code, &result);
	release_call(client, call);
	hooks.done(hooks.arg, &result);
}

/* After each step: hands over what ended.  done() may end other calls. */
static void
reap(struct http_client *client)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(client->multi, &left)) != NULL) {
		struct http_call *call = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
		    (char **)&call);
		finish_call(client, call, msg->data.result);
	}
}

static bool
has_socket(const struct http_call *call)
{
	struct http_socket *s;

	LIST_FOREACH(s, &call->client->sockets, link)
		if (s->call == call)
			return true;
	return false;
}

/*
 * libcurl gives an address up, chooses the next one and then waits for some
 * event before it dials that; without a socket there is none.
 */
static void
nudge(struct http_client *client)
{
	struct http_call *call;

	client->is_inside = true;
	LIST_FOREACH(call, &client->calls, link) {
		if (!call->has_lost_socket &&
		    (call->dials == call->nudged || has_socket(call)))
			continue;
		call->has_lost_socket = false;
		call->nudged = call->dials;
		curl_easy_pause(call->easy, CURLPAUSE_RECV);
		curl_easy_pause(call->easy, CURLPAUSE_CONT);
	}
	client->is_inside = false;
}

static void
act(struct http_client *client, curl_socket_t fd, int mask)
{
	int running;

	client->is_inside = true;
	curl_multi_socket_action(client->multi, fd, mask, &running);
	client->is_inside = false;
	reap(client);
	nudge(client);
}

/* libcurl shows whole lines only, so the kernel is asked before it reads. */
static void
note_received(const struct http_socket *s)
{
	int waiting = 0;

	if (s->call == NULL || s->call->sends == 0 || s->call->has_received)
		return;
	s->call->has_received = ioctl(s->fd, FIONREAD, &waiting) == 0 &&
	    waiting > 0;
}

static void
socket_ready(evutil_socket_t fd, short events, void *arg)
{
	struct http_socket *s = arg;
	int mask = 0;

	if (events & EV_READ) {
		note_received(s);
		mask |= CURL_CSELECT_IN;
	}
	if (events & EV_WRITE)
		mask |= CURL_CSELECT_OUT;
	act(s->client, fd, mask);
}

static void
timer_ready(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void
watch_socket(struct http_client *client, struct http_socket *s, int what)
{
	short events = EV_PERSIST;

	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	if (s->event != NULL)
		event_free(s->event);
	s->event = event_new(client->base, s->fd, events, socket_ready, s);
	event_add(s->event, NULL);
}

static void
forget_socket(struct http_client *client, struct http_socket *s)
{
	curl_multi_assign(client->multi, s->fd, NULL);
	if (s->call != NULL && s->call->opens > 0)
		s->call->has_lost_socket = true;
	event_free(s->event);
	LIST_REMOVE(s, link);
	free(s);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http_client *client = arg;
	struct http_socket *s = socket_arg;

	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			forget_socket(client, s);
		return 0;
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->client = client;
		s->fd = fd;
		LIST_INSERT_HEAD(&client->sockets, s, link);
		curl_multi_assign(client->multi, fd, s);
	}
	/* NULL for libcurl's own handle, which closes old connections. */
	s->call = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s->call);
	watch_socket(client, s, what);
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_client *client = arg;
	struct timeval tv;

	(void)multi;
	if (timeout_ms < 0) {
		evtimer_del(client->timer);
		return 0;
	}
	tv.tv_sec = timeout_ms / 1000;
	tv.tv_usec = timeout_ms % 1000 * 1000;
	evtimer_add(client->timer, &tv);
	return 0;
}

static void
init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct http_client *
http_client_new(struct event_base *base, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_client *client;
	CURLM *multi;

	pthread_once(&once, init_curl);
	multi = curl_multi_init();
	if (multi == NULL) {
		err_set(err, ERR_SYSTEM, "cannot start libcurl");
		return NULL;
	}
	client = xcalloc(1, sizeof(*client));
	client->multi = multi;
	client->base = base;
	client->timer = evtimer_new(base, timer_ready, client);
	LIST_INIT(&client->sockets);
	LIST_INIT(&client->calls);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return client;
}

void
http_client_free(struct http_client *client)
{
	struct http_call *call;
	struct http_socket *s;

	if (client == NULL)
		return;
	while ((call = LIST_FIRST(&client->calls)) != NULL)
		release_call(client, call);
	/* Still calls back while it closes the connections. */
	curl_multi_cleanup(client->multi);
	while ((s = LIST_FIRST(&client->sockets)) != NULL) {
		event_free(s->event);
		LIST_REMOVE(s, link);
		free(s);
	}
	event_free(client->timer);
	free(client);
}

struct http_call *
http_call_start(struct http_client *client, const struct http_request *request,
    const struct http_hooks *hooks, struct err *err)
{
	struct http_call *call = http_call_new(request, hooks, err);
	CURLMcode code;

	assert(!client->is_inside);
	if (call == NULL)
		return NULL;
	call->client = client;
	curl_easy_setopt(call->easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	LIST_INSERT_HEAD(&client->calls, call, link);
	code = curl_multi_add_handle(client->multi, call->easy);
	if (code != CURLM_OK) {
		err_set(err, ERR_SYSTEM, "%s", curl_multi_strerror(code));
		LIST_REMOVE(call, link);
		http_call_free(call);
		return NULL;
	}
	return call;
}

void
http_call_cancel(struct http_call *call)
{
	assert(!call->client->is_inside);
	release_call(call->client, call);
}

static bool
is_established(curl_socket_t fd)
{
	struct tcp_info info;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
		return info.tcpi_state != TCP_SYN_SENT &&
		    info.tcpi_state != TCP_CLOSE;
	len = sizeof(peer); /* a unix socket */
	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

bool
http_call_has_received(const struct http_call *call)
{
	return call->has_received;
}

bool
http_call_is_connected(const struct http_call *call)
{
	struct http_socket *s;

	LIST_FOREACH(s, &call->client->sockets, link)
		if (s->call == call && is_established(s->fd))
			return true;
	return false;
}
