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
	struct http_lane *lane;
	struct http_call *call; /* whose transfer it serves, NULL: none */
	curl_socket_t fd;
	struct event *event;
};

/*
 * A multi handle with its connections.  libcurl cannot be told to close the
 * idle ones, so http_client_renew() opens another lane, and the old one goes
 * when its last call has ended.
 */
struct http_lane {
	LIST_ENTRY(http_lane) link;
	struct http_client *client;
	CURLM *multi;
	struct event *timer;
	struct event *resume; /* active: a call goes on */
	LIST_HEAD(, http_socket) sockets;
	LIST_HEAD(, http_call) calls;
	unsigned acting; /* on the stack: may not be freed */
	bool is_inside;  /* in libcurl: no call may start or end */
};

struct http_client {
	struct event_base *base;
	LIST_HEAD(, http_lane) lanes; /* the first one takes new calls */
	CURL *spare;                  /* of a call before, or NULL */
};

static void
release_call(struct http_call *call, bool is_fine)
{
	struct http_lane *lane = call->lane;
	struct http_socket *s;

	LIST_FOREACH (s, &lane->sockets, link)
		if (s->call == call)
			s->call = NULL;
	lane->is_inside = true;
	curl_multi_remove_handle(lane->multi, call->easy);
	lane->is_inside = false;
	LIST_REMOVE(call, link);
	if (is_fine && lane->client->spare == NULL)
		lane->client->spare = http_call_leave_easy(call);
	http_call_free(call);
}

static void
free_lane(struct http_lane *lane)
{
	struct http_socket *s;

	/* Still calls back while it closes the connections. */
	curl_multi_cleanup(lane->multi);
	while ((s = LIST_FIRST(&lane->sockets)) != NULL) {
		event_free(s->event);
		LIST_REMOVE(s, link);
		free(s);
	}
	event_free(lane->timer);
	event_free(lane->resume);
	LIST_REMOVE(lane, link);
	free(lane);
}

static void
drop_if_over(struct http_lane *lane)
{
	if (lane != LIST_FIRST(&lane->client->lanes) && lane->acting == 0 &&
	    LIST_EMPTY(&lane->calls))
		free_lane(lane);
}

static void
finish_call(struct http_call *call, CURLcode code)
{
	struct http_hooks hooks = call->hooks;
	struct http_result result;

	http_call_result(call, code, &result);
	release_call(call, code == CURLE_OK);
	hooks.done(hooks.arg, &result);
}

/* After each step: hands over what ended.  done() may end other calls. */
static void
reap(struct http_lane *lane)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(lane->multi, &left)) != NULL) {
		struct http_call *call = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(
		    msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		call->has_ended = true;
		call->code = msg->data.result;
		if (call->kept_len == 0)
			finish_call(call, call->code);
	}
}

static bool
has_socket(const struct http_call *call)
{
	struct http_socket *s;

	LIST_FOREACH (s, &call->lane->sockets, link)
		if (s->call == call)
			return true;
	return false;
}

/*
 * libcurl gives an address up, chooses the next one and then waits for some
 * event before it dials that; without a socket there is none.
 */
static void
nudge(struct http_lane *lane)
{
	struct http_call *call;

	lane->is_inside = true;
	LIST_FOREACH (call, &lane->calls, link) {
		if (call->is_paused || call->is_resumed ||
		    (!call->has_lost_socket &&
			(call->dials == call->nudged || has_socket(call))))
			continue;
		call->has_lost_socket = false;
		call->nudged = call->dials;
		curl_easy_pause(call->easy, CURLPAUSE_RECV);
		curl_easy_pause(call->easy, CURLPAUSE_CONT);
	}
	lane->is_inside = false;
}

/* Those that have been paused meanwhile read no more. */
static void
halt_calls(struct http_lane *lane)
{
	struct http_call *call;

	LIST_FOREACH (call, &lane->calls, link)
		if (call->is_paused && !call->has_ended)
			http_call_halt(call);
}

static void
act(struct http_lane *lane, curl_socket_t fd, int mask)
{
	int running;

	lane->acting++;
	lane->is_inside = true;
	curl_multi_socket_action(lane->multi, fd, mask, &running);
	lane->is_inside = false;
	reap(lane);
	halt_calls(lane);
	nudge(lane);
	lane->acting--;
	drop_if_over(lane);
}

/* libcurl shows whole lines only, so the kernel is asked before it reads. */
static void
note_received(const struct http_socket *s)
{
	int waiting = 0;

	if (s->call == NULL || s->call->sends == 0 || s->call->has_received)
		return;
	s->call->has_received =
	    ioctl(s->fd, FIONREAD, &waiting) == 0 && waiting > 0;
}

static void
socket_ready(evutil_socket_t fd, short events, void *arg)
{
	struct http_socket *s = arg;
	int mask = 0;

	if (s->call != NULL)
		s->call->turn_bytes = 0;
	if (events & EV_READ) {
		note_received(s);
		mask |= CURL_CSELECT_IN;
	}
	if (events & EV_WRITE)
		mask |= CURL_CSELECT_OUT;
	act(s->lane, fd, mask);
}

static void
timer_ready(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static struct http_call *
next_resumed(const struct http_lane *lane)
{
	struct http_call *call;

	LIST_FOREACH (call, &lane->calls, link)
		if (call->is_resumed)
			return call;
	return NULL;
}

static void
resume_call(struct http_call *call)
{
	struct http_lane *lane = call->lane;
	int result;

	call->is_resumed = false;
	call->turn_bytes = 0;
	lane->is_inside = true;
	result = http_call_hand_on(call);
	lane->is_inside = false;
	if (result == -1) {
		finish_call(call, CURLE_WRITE_ERROR);
	} else if (call->is_paused) {
		return;
	} else if (call->has_ended) {
		finish_call(call, call->code);
	} else if (call->is_halted) {
		call->is_halted = false;
		curl_easy_pause(call->easy, CURLPAUSE_CONT);
	}
}

static void
resume_calls(evutil_socket_t fd, short events, void *arg)
{
	struct http_lane *lane = arg;
	struct http_call *call;

	(void)fd;
	(void)events;
	lane->acting++;
	while ((call = next_resumed(lane)) != NULL)
		resume_call(call);
	lane->acting--;
	drop_if_over(lane);
}

void
http_call_pause(struct http_call *call)
{
	call->is_paused = true;
	call->is_resumed = false;
}

void
http_call_resume(struct http_call *call)
{
	if (!call->is_paused)
		return;
	call->is_paused = false;
	call->is_resumed = true;
	event_active(call->lane->resume, EV_TIMEOUT, 1);
}

/* By a timer, so that the loop looks at everybody's descriptors first. */
void
http_call_rest(struct http_call *call)
{
	static const struct timeval now = { 0, 0 };

	call->is_resumed = true;
	http_call_halt(call);
	evtimer_add(call->lane->resume, &now);
}

static void
watch_socket(struct http_lane *lane, struct http_socket *s, int what)
{
	short events = EV_PERSIST;

	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	if (s->event != NULL)
		event_free(s->event);
	s->event =
	    event_new(lane->client->base, s->fd, events, socket_ready, s);
	event_add(s->event, NULL);
}

static void
forget_socket(struct http_lane *lane, struct http_socket *s)
{
	curl_multi_assign(lane->multi, s->fd, NULL);
	if (s->call != NULL && s->call->opens > 0)
		s->call->has_lost_socket = true;
	event_free(s->event);
	LIST_REMOVE(s, link);
	free(s);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http_lane *lane = arg;
	struct http_socket *s = socket_arg;

	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			forget_socket(lane, s);
		return 0;
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->lane = lane;
		s->fd = fd;
		LIST_INSERT_HEAD(&lane->sockets, s, link);
		curl_multi_assign(lane->multi, fd, s);
	}
	/* NULL for libcurl's own handle, which closes old connections. */
	s->call = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s->call);
	watch_socket(lane, s, what);
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_lane *lane = arg;
	struct timeval tv;

	(void)multi;
	if (timeout_ms < 0) {
		evtimer_del(lane->timer);
		return 0;
	}
	/* In this turn of the loop, with no look at the clock before. */
	if (timeout_ms == 0) {
		event_active(lane->timer, EV_TIMEOUT, 1);
		return 0;
	}
	tv.tv_sec = timeout_ms / 1000;
	tv.tv_usec = timeout_ms % 1000 * 1000;
	evtimer_add(lane->timer, &tv);
	return 0;
}

static void
init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* -1 if there is no memory for it. */
static int
add_lane(struct http_client *client)
{
	CURLM *multi = curl_multi_init();
	struct http_lane *lane;

	if (multi == NULL)
		return -1;
	lane = xcalloc(1, sizeof(*lane));
	lane->client = client;
	lane->multi = multi;
	lane->timer = evtimer_new(client->base, timer_ready, lane);
	lane->resume = evtimer_new(client->base, resume_calls, lane);
	LIST_INIT(&lane->sockets);
	LIST_INIT(&lane->calls);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, lane);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, lane);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	LIST_INSERT_HEAD(&client->lanes, lane, link);
	return 0;
}

struct http_client *
http_client_new(struct event_base *base, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_client *client = xcalloc(1, sizeof(*client));

	pthread_once(&once, init_curl);
	client->base = base;
	LIST_INIT(&client->lanes);
	if (add_lane(client) == -1) {
		err_set(err, ERR_SYSTEM, "cannot start libcurl");
		free(client);
		return NULL;
	}
	return client;
}

void
http_client_renew(struct http_client *client)
{
	struct http_lane *old = LIST_FIRST(&client->lanes);

	assert(!old->is_inside);
	if (add_lane(client) == -1)
		xrequire(NULL);
	drop_if_over(old);
}

void
http_client_free(struct http_client *client)
{
	struct http_lane *lane;
	struct http_call *call;

	if (client == NULL)
		return;
	while ((lane = LIST_FIRST(&client->lanes)) != NULL) {
		while ((call = LIST_FIRST(&lane->calls)) != NULL)
			release_call(call, false);
		free_lane(lane);
	}
	curl_easy_cleanup(client->spare);
	free(client);
}

struct http_call *
http_call_start(struct http_client *client, const struct http_request *request,
    const struct http_hooks *hooks, struct err *err)
{
	struct http_lane *lane = LIST_FIRST(&client->lanes);
	struct http_call *call =
	    http_call_new(request, hooks, client->spare, err);
	CURLMcode code;

	assert(!lane->is_inside);
	client->spare = NULL;
	if (call == NULL)
		return NULL;
	call->lane = lane;
	curl_easy_setopt(call->easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	LIST_INSERT_HEAD(&lane->calls, call, link);
	code = curl_multi_add_handle(lane->multi, call->easy);
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
	struct http_lane *lane = call->lane;

	assert(!lane->is_inside);
	release_call(call, false);
	drop_if_over(lane);
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

	LIST_FOREACH (s, &call->lane->sockets, link)
		if (s->call == call && is_established(s->fd))
			return true;
	return false;
}
