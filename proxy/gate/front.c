#include "proxy/gate/front.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/gate/connection.h"
#include "proxy/gate/handshakes.h"
#include "proxy/gate/known.h"
#include "proxy/gate/socket_name.h"
#include "proxy/gate/stats.h"
#include "proxy/gate/tally.h"
#include "tls/handshake.h"
#include "tls/socket.h"

/* After descriptors or memory ran out: look again this often. */
#define ACCEPT_PAUSE_MS 100L

/* How often one line tells of connections that were refused. */
#define REFUSALS_US (UINT64_C(60) * 1000000)

struct door {
	LIST_ENTRY(door) link;
	int fd;
	char *name;
	struct evhttp_bound_socket *bound;
};

/* Log lines about connections that were refused. */
struct refusal_pace {
	uint64_t told_us; /* 0: never */
	unsigned count;   /* since then */
};

struct front {
	LIST_ENTRY(front) link;
	struct front_options options;
	struct evhttp *http;
	struct connection_list connections;
	size_t connection_count;
	void *by_evcon; /* tsearch tree of struct connection */
	LIST_HEAD(, door) doors;
	struct event *resume;
	struct handshake_pace pace;
	struct tls_intake *intake;
	struct known *known;
	struct refusal_pace refused[TALLY_LIMIT_COUNT];
	bool is_paused; /* accepts nobody for now */
	bool is_draining;
};

/*
 * All fronts of the process: a listener's error callback is handed the evhttp
 * (evhttp_bind_listener() takes its argument over) and has to find the front.
 */
static LIST_HEAD(, front) fronts = LIST_HEAD_INITIALIZER(fronts);
static pthread_mutex_t fronts_lock = PTHREAD_MUTEX_INITIALIZER;

/* Connections by evhttp's object, which is what a request knows. */

static int
compare(const void *a, const void *b)
{
	const struct connection *left = a, *right = b;

	return left->evcon < right->evcon ? -1 : left->evcon > right->evcon;
}

static struct connection *
find_connection(const struct front *front, struct evhttp_connection *evcon)
{
	struct connection wanted = { .evcon = evcon };
	void *node = tfind(&wanted, &front->by_evcon, compare);

	return node == NULL ? NULL : *(struct connection **)node;
}

/* Accepting. */

/* Who holds connections without using them makes room for those who do. */
static struct connection *
oldest_idle(const struct front *front)
{
	struct connection *connection;

	TAILQ_FOREACH_REVERSE(
	    connection, &front->connections, connection_list, link)
	if (!connection->is_busy && connection->evcon != NULL)
		break;
	return connection;
}

static void
set_accepting(struct front *front, bool on)
{
	struct door *door;

	front->is_paused = !on;
	LIST_FOREACH (door, &front->doors, link) {
		struct evconnlistener *listener =
		    evhttp_bound_socket_get_listener(door->bound);

		if (on)
			evconnlistener_enable(listener);
		else
			evconnlistener_disable(listener);
	}
}

/* Looks again after a while: what is short may come back elsewhere. */
static void
pause_accepting(struct front *front)
{
	static const struct timeval pause = { .tv_usec =
						  ACCEPT_PAUSE_MS * 1000 };

	set_accepting(front, false);
	evtimer_add(front->resume, &pause);
}

static void
resume_accepting(evutil_socket_t fd, short events, void *arg)
{
	struct front *front = arg;

	(void)fd;
	(void)events;
	if (tally_is_full(front->options.tally) && oldest_idle(front) == NULL)
		pause_accepting(front);
	else
		set_accepting(front, true);
}

static struct front *
find_front(const struct evhttp *http)
{
	struct front *front;

	pthread_mutex_lock(&fronts_lock);
	LIST_FOREACH (front, &fronts, link)
		if (front->http == http)
			break;
	pthread_mutex_unlock(&fronts_lock);
	return front;
}

/* Without this libevent would spin on a listener that cannot accept. */
static void
accept_failed(struct evconnlistener *listener, void *http)
{
	struct front *front = find_front(http);
	int error = EVUTIL_SOCKET_ERROR();

	(void)listener;
	if (front == NULL)
		return;
	stats_add(&front->options.stats->accept_errors);
	log_debug("accept failed", "error", strerror(error), NULL);
	pause_accepting(front);
}

/* Connections. */

static void
count_failure(const struct connection *connection)
{
	struct front *front = connection->front;
	enum tls_failure failure = connection_failure(connection);
	struct handshake *handshake;
	unsigned count;

	/* Nobody's fault: it is we who close. */
	if ((front->is_draining || connection->is_retired) &&
	    failure == TLS_FAILURE_CLOSED)
		return;
	stats_add(&front->options.stats->handshakes_failed[failure]);
	if (front->options.failed == NULL)
		return;
	count = handshake_pace_next(&front->pace, failure, clock_now_us());
	if (count == 0)
		return;
	handshake = connection_describe_failure(connection, failure);
	handshake->count = count;
	front->options.failed(handshake, front->options.failed_arg);
}

/* There is room for one more, or one that can make room. */
static void
resume_if_paused(struct front *front)
{
	if (front->is_paused && !front->is_draining)
		set_accepting(front, true);
}

static void
forget(struct connection *connection)
{
	struct front *front = connection->front;
	struct stats *stats = front->options.stats;

	if (connection->working != NULL)
		front->options.gone(connection->working);
	if (connection->ssl != NULL) {
		if (!connection->is_open) {
			count_failure(connection);
			connection_empty(connection);
		}
		tls_handshake_forget(connection->ssl);
	}
	if (connection->evcon != NULL)
		tdelete(connection, &front->by_evcon, compare);
	TAILQ_REMOVE(&front->connections, connection, link);
	front->connection_count--;
	stats_sub(&stats->connections_open);
	tally_leave(front->options.tally, &connection->place);
	tally_remove(front->options.tally);
	connection_free(connection);
	resume_if_paused(front);
}

static void
on_close(struct evhttp_connection *evcon, void *arg)
{
	(void)evcon;
	forget(arg);
}

/* The first at once, then one line a minute with how many there were. */
static void
log_refused(struct front *front, const struct connection *connection,
    enum tally_limit limit)
{
	struct refusal_pace *pace = &front->refused[limit];
	uint64_t now_us = clock_now_us();
	char count[16];

	pace->count++;
	if (pace->told_us != 0 && now_us - pace->told_us < REFUSALS_US)
		return;
	snprintf(count, sizeof(count), "%u", pace->count);
	pace->told_us = now_us;
	pace->count = 0;
	log_warn("connection refused", "limit", tally_limit_name(limit), "peer",
	    connection_peer(connection), "listener",
	    connection_listener(connection), "count", count, NULL);
}

/* Before its handshake costs anything. */
static bool
admit(struct connection *connection)
{
	struct front *front = connection->front;
	enum tally_limit limit =
	    tally_enter(front->options.tally, &connection->place,
		connection_peer(connection), connection_listener(connection));

	if (limit == TALLY_NO_LIMIT)
		return true;
	stats_add(&front->options.stats->connections_refused[limit]);
	log_refused(front, connection, limit);
	connection->is_retired = true; /* its handshake has not failed */
	return false;
}

/*
 * evhttp tells nobody about a connection before its first request; but it
 * has made itself the argument of the bufferevent's callbacks.
 */
void
front_adopt(struct connection *connection)
{
	struct front *front = connection->front;
	struct bufferevent *bev = connection->bev;
	bufferevent_event_cb on_event;
	void *evcon;

	bufferevent_getcb(bev, NULL, NULL, &on_event, &evcon);
	if (on_event == NULL) {
		forget(connection); /* evhttp gave it up at once */
	} else {
		connection_adopted(connection, evcon, front->intake,
		    front->known, front->options.keeps_heads);
		tsearch(connection, &front->by_evcon, compare);
		evhttp_connection_set_closecb(evcon, on_close, connection);
		if (connection->is_retired || !admit(connection))
			connection_kill(connection);
	}
	bufferevent_decref(bev);
}

static void
on_handshake_done(void *arg)
{
	struct connection *connection = arg;

	stats_add(&connection->front->options.stats->handshakes_ok);
	connection_opened(connection);
}

/* The descriptor of a TLS connection is evhttp's to close. */
static struct bufferevent *
new_tls_bufferevent(struct front *front, SSL **ssl)
{
	*ssl = SSL_new(front->options.tls);
	return *ssl == NULL
		   ? NULL
		   : bufferevent_socket_new(front->options.base, -1, 0);
}

void
front_rejuvenate(struct connection *connection)
{
	struct front *front = connection->front;

	TAILQ_REMOVE(&front->connections, connection, link);
	TAILQ_INSERT_HEAD(&front->connections, connection, link);
	resume_if_paused(front);
}

/* The new one is counted.  Others may be idle at another worker's: then one
 * too many is here until it accepts the next. */
static void
make_room(struct front *front)
{
	struct tally *tally = front->options.tally;
	struct connection *idle;

	if (tally_is_over(tally) && (idle = oldest_idle(front)) != NULL)
		connection_kill(idle);
	if (tally_is_full(tally) && oldest_idle(front) == NULL)
		pause_accepting(front);
}

/* evhttp's bufferevent callback.  On NULL it would go on in plain text, even
 * on a TLS listener, so running out of memory here stops the process. */
static struct bufferevent *
new_bufferevent(struct event_base *base, void *arg)
{
	struct front *front = arg;
	struct connection *connection;
	struct bufferevent *bev;
	SSL *ssl = NULL;

	bev = front->options.tls != NULL
		  ? new_tls_bufferevent(front, &ssl)
		  : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL) {
		log_error("out of memory for a connection", NULL);
		abort();
	}
	connection = connection_new(front, bev, ssl, &front->options);
	if (ssl != NULL)
		tls_handshake_watch(ssl, on_handshake_done, connection);
	TAILQ_INSERT_HEAD(&front->connections, connection, link);
	stats_add(&front->options.stats->connections_open);
	front->connection_count++;
	tally_add(front->options.tally);
	make_room(front);
	return bev;
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct front *front = arg;
	struct connection *connection =
	    find_connection(front, evhttp_request_get_connection(req));
	enum reason refusal;

	/* Adopted before its first byte could be read. */
	if (connection == NULL)
		abort();
	refusal = connection_next_request(connection);
	front->options.handle(req, connection, refusal, front->options.arg);
}

/* Life. */

struct front *
front_new(const struct front_options *options, struct err *err)
{
	struct front *front = xcalloc(1, sizeof(*front));

	front->options = *options;
	TAILQ_INIT(&front->connections);
	LIST_INIT(&front->doors);
	front->http = evhttp_new(options->base);
	if (front->http == NULL) {
		err_set(err, ERR_SYSTEM, "cannot make an HTTP server");
		free(front);
		return NULL;
	}
	front->options.tls = NULL;
	front_set_tls(front, options->tls);
	front->intake = tls_intake_new();
	front->known = known_new();
	front->resume = evtimer_new(options->base, resume_accepting, front);
	/* The guard decides about methods and sizes; evhttp passes all. */
	evhttp_set_allowed_methods(front->http, 0xffff);
	evhttp_set_max_headers_size(
	    front->http, (ev_ssize_t)options->limits->head_max);
	evhttp_set_max_body_size(front->http, 0);
	evhttp_set_default_content_type(front->http, NULL);
	evhttp_set_bevcb(front->http, new_bufferevent, front);
	evhttp_set_gencb(front->http, on_request, front);
	pthread_mutex_lock(&fronts_lock);
	LIST_INSERT_HEAD(&fronts, front, link);
	pthread_mutex_unlock(&fronts_lock);
	return front;
}

/* Those that are open have references of their own. */
void
front_set_tls(struct front *front, SSL_CTX *tls)
{
	if (tls != NULL)
		SSL_CTX_up_ref(tls);
	SSL_CTX_free(front->options.tls);
	front->options.tls = tls;
}

int
front_listen(struct front *front, int fd, const char *name, struct err *err)
{
	struct door *door;
	struct evconnlistener *listener = evconnlistener_new(
	    front->options.base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, fd);

	if (listener == NULL)
		return err_set(err, ERR_SYSTEM, "cannot accept connections: %s",
		    strerror(errno));
	door = xcalloc(1, sizeof(*door));
	door->fd = fd;
	door->name = xstrdup(name);
	door->bound = evhttp_bind_listener(front->http, listener);
	evconnlistener_set_error_cb(listener, accept_failed);
	LIST_INSERT_HEAD(&front->doors, door, link);
	return 0;
}

static void
close_door(struct front *front, struct door *door)
{
	evhttp_del_accept_socket(front->http, door->bound);
	LIST_REMOVE(door, link);
	free(door->name);
	free(door);
}

static void
close_doors(struct front *front)
{
	struct door *door;

	while ((door = LIST_FIRST(&front->doors)) != NULL)
		close_door(front, door);
	event_del(front->resume);
}

const char *
connection_listener(const struct connection *connection)
{
	const struct door *door, *found = NULL;
	struct socket_name name;

	LIST_FOREACH (door, &connection->front->doors, link) {
		socket_name_of(door->fd, &name);
		if (name.as.any.sa_family == AF_UNSPEC ||
		    !socket_name_covers(&name, connection_fd(connection)))
			continue;
		if (found != NULL)
			return NULL;
		found = door;
	}
	return found == NULL ? NULL : found->name;
}

static void
retire_from(struct front *front, const struct socket_name *name)
{
	struct connection *connection, *next;

	for (connection = TAILQ_FIRST(&front->connections); connection != NULL;
	     connection = next) {
		next = TAILQ_NEXT(connection, link);
		if (name == NULL ||
		    socket_name_covers(name, connection_fd(connection)))
			connection_retire(connection);
	}
}

void
front_retire(struct front *front)
{
	retire_from(front, NULL);
}

void
front_unlisten(struct front *front, int fd)
{
	struct door *door, *next;
	struct socket_name name;

	/* evhttp does not say which door a connection came through. */
	socket_name_of(fd, &name);
	retire_from(front, &name);
	for (door = LIST_FIRST(&front->doors); door != NULL; door = next) {
		next = LIST_NEXT(door, link);
		if (door->fd == fd)
			close_door(front, door);
	}
}

/*
 * Through evhttp's own path for a peer that closed: evhttp_free() would free
 * requests that are still being worked on.
 */
static void
close_connections(struct front *front, bool are_working)
{
	struct connection *connection, *next;

	for (connection = TAILQ_FIRST(&front->connections); connection != NULL;
	     connection = next) {
		next = TAILQ_NEXT(connection, link);
		if (connection->evcon != NULL &&
		    (are_working || !connection->is_busy))
			connection_kill(connection);
	}
}

void
front_drain(struct front *front)
{
	front->is_draining = true;
	close_doors(front);
	close_connections(front, false);
}

size_t
front_connection_count(const struct front *front)
{
	return front->connection_count;
}

void
front_free(struct front *front)
{
	struct connection *connection;

	if (front == NULL)
		return;
	front->is_draining = true;
	close_doors(front);
	close_connections(front, true);
	pthread_mutex_lock(&fronts_lock);
	LIST_REMOVE(front, link);
	pthread_mutex_unlock(&fronts_lock);
	evhttp_free(front->http);
	/* Accepted a moment ago and not adopted: the last reference is ours. */
	while ((connection = TAILQ_FIRST(&front->connections)) != NULL) {
		struct bufferevent *bev = connection->bev;

		forget(connection);
		bufferevent_decref(bev);
	}
	event_free(front->resume);
	tls_intake_free(front->intake);
	known_free(front->known);
	SSL_CTX_free(front->options.tls);
	free(front);
}
