#include "proxy/gate/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/gate/handshakes.h"
#include "proxy/gate/known.h"
#include "proxy/gate/stats.h"
#include "tls/control.h"
#include "tls/handshake.h"

/* Prometheus closes idle connections after five minutes; being slower than
 * the client removes the race of a request that meets our close. */
const struct front_deadlines front_default_deadlines = {
	.handshake_ms = 5000,
	.head_ms = 5000,
	.idle_ms = 330000,
	.write_stall_ms = 10000,
};

/* Must exceed the longest head; bounds what a client can make us buffer
 * while it is being answered. */
#define READ_MAX_BYTES (32 * 1024)

/* Of 4 KiB, read from a client whose handshake failed. */
#define UNREAD_PIECES_MAX 16

/* Makes evhttp call the handler in the refused request's place. */
static const char stand_in[] =
    "GET / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";

/* Deadlines: the timer sleeps to the earliest time it was ever asked for and
 * looks then, so moving a deadline away costs nothing. */

static void
set_timer(struct connection *connection, uint64_t due_us)
{
	struct timeval wait = clock_until(due_us);

	connection->timer_due_us = due_us;
	event_add(&connection->timer, &wait);
}

static void
set_deadline(struct connection *connection, uint64_t deadline_us)
{
	connection->deadline_us = deadline_us;
	if (connection->timer_due_us == 0 ||
	    connection->timer_due_us > deadline_us)
		set_timer(connection, deadline_us);
}

static void
set_deadline_in(struct connection *connection, unsigned ms)
{
	set_deadline(connection, clock_now_us() + (uint64_t)ms * 1000);
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct connection *connection = arg;
	const struct front_deadlines *deadlines = connection->deadlines;

	(void)fd;
	(void)events;
	connection->timer_due_us = 0;
	if (connection->evcon == NULL) {
		set_deadline_in(connection, connection->ssl != NULL
						? deadlines->handshake_ms
						: deadlines->idle_ms);
		front_adopt(connection);
		return;
	}
	if (connection->deadline_us == 0)
		return;
	if (connection->deadline_us > clock_now_us()) {
		set_timer(connection, connection->deadline_us);
		return;
	}
	connection->is_late = true;
	connection_kill(connection);
}

/* The guard's glue. */

/* Idle connections, which are most, have none. */
static struct guard *
begin_guard(struct connection *connection)
{
	if (connection->guard == NULL) {
		connection->guard = xmalloc(sizeof(*connection->guard));
		guard_init(connection->guard, connection->limits);
	}
	return connection->guard;
}

static void
drop_guard_if_idle(struct connection *connection)
{
	if (connection->heads > 0 || connection->held != NULL ||
	    connection->is_refused)
		return;
	free(connection->guard);
	connection->guard = NULL;
}

static void
count_head(struct connection *connection)
{
	connection->heads++;
	if (connection->guard->underscore_count > 0)
		stats_add(&connection->stats->underscore_headers);
}

/*
 * evhttp gets the request line of a head that is known, and the empty line;
 * who asks for a header finds it in the head.  The input was empty before, so
 * this is the next request.
 */
static void
shorten(struct connection *connection, struct evbuffer *input,
    struct known_head *head, size_t len)
{
	size_t line_len = known_head_line_len(head);
	char *bytes = (char *)evbuffer_pullup(input, (ev_ssize_t)len);

	if (connection->guard->minor != '1' || connection->head != NULL ||
	    line_len + 2 >= len)
		return;
	memmove(bytes + len - 2 - line_len, bytes, line_len);
	evbuffer_drain(input, len - 2 - line_len);
	connection->head = known_head_ref(head);
}

/* The usual case, and nothing to do: one whole head, alone in the buffer. */
static bool
is_one_head(struct connection *connection, struct evbuffer *input)
{
	size_t len = evbuffer_get_contiguous_space(input), used;
	struct guard *guard = begin_guard(connection), before;
	struct known_head *head;
	const char *bytes;

	if (len != evbuffer_get_length(input))
		return false;
	bytes = (const char *)evbuffer_pullup(input, (ev_ssize_t)len);
	head = known_recall(connection->known, bytes, len, guard);
	if (head != NULL) {
		if (connection->keeps_heads)
			shorten(connection, input, head, len);
		return true;
	}
	before = *guard;
	if (guard_feed(guard, bytes, len, &used) == GUARD_HEAD && used == len &&
	    guard->lead == 0) {
		known_keep(connection->known, bytes, len, guard);
		return true;
	}
	*guard = before;
	return false;
}

/* Nothing of the refused head, or behind it, reaches evhttp. */
static void
refuse(struct connection *connection, struct evbuffer *input,
    struct evbuffer *fresh)
{
	connection->is_refused = true;
	evbuffer_drain(fresh, evbuffer_get_length(fresh));
	evbuffer_drain(connection->held, evbuffer_get_length(connection->held));
	evbuffer_add(input, stand_in, sizeof(stand_in) - 1);
}

/* Moves whole heads from `fresh` to `input`, what is left to held. */
static void
sort_heads(struct connection *connection, struct evbuffer *input,
    struct evbuffer *fresh)
{
	struct guard *guard = begin_guard(connection);
	struct evbuffer *held = connection->held;
	size_t len, used;

	while ((len = evbuffer_get_contiguous_space(fresh)) > 0) {
		const char *bytes =
		    (const char *)evbuffer_pullup(fresh, (ev_ssize_t)len);
		enum guard_verdict verdict =
		    guard_feed(guard, bytes, len, &used);

		if (verdict == GUARD_REFUSED) {
			refuse(connection, input, fresh);
			return;
		}
		evbuffer_remove_buffer(fresh, held, used);
		if (verdict == GUARD_HEAD) {
			count_head(connection);
			evbuffer_drain(held, guard->lead);
			evbuffer_add_buffer(input, held);
		}
	}
}

/*
 * `released` bytes of `input` are whole heads that evhttp has not got round
 * to; behind them is what just arrived.
 */
static void
sort_input(
    struct connection *connection, struct evbuffer *input, size_t released)
{
	bool was_partial = connection->held != NULL;
	struct evbuffer *waiting, *fresh;

	if (released == 0 && !was_partial && is_one_head(connection, input)) {
		count_head(connection);
		return;
	}
	waiting = evbuffer_new();
	fresh = evbuffer_new();
	if (!was_partial)
		connection->held = evbuffer_new();
	evbuffer_remove_buffer(input, waiting, released);
	evbuffer_add_buffer(fresh, input);
	evbuffer_add_buffer(input, waiting);
	sort_heads(connection, input, fresh);
	evbuffer_free(waiting);
	evbuffer_free(fresh);
	if (evbuffer_get_length(connection->held) == 0) {
		evbuffer_free(connection->held);
		connection->held = NULL;
	} else if (!was_partial) {
		/* Only a head's first byte starts its clock: a byte now and
		 * then does not push it away. */
		set_deadline_in(connection, connection->deadlines->head_ms);
	}
}

static void
on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct connection *connection = arg;

	if (info->n_added == 0 || connection->is_moving)
		return;
	connection->is_moving = true;
	connection->is_open = true;
	if (connection->is_refused) {
		/* The stand-in is the last thing evhttp gets to see. */
		if (info->orig_size == 0)
			evbuffer_drain(input, info->n_added);
	} else {
		sort_input(connection, input, info->orig_size);
	}
	connection->is_moving = false;
}

enum reason
connection_next_request(struct connection *connection)
{
	connection->deadline_us = 0;
	connection->is_busy = true;
	if (connection->heads > 0) {
		connection->heads--;
		return REASON_OK;
	}
	/* evhttp saw a request that the guard did not: never serve it. */
	return connection->is_refused ? connection->guard->refusal
				      : REASON_REQUEST_MALFORMED;
}

/* Life. */

struct connection *
connection_new(struct front *front, struct bufferevent *bev, SSL *ssl,
    const struct front_options *options)
{
	struct connection *connection = xcalloc(1, sizeof(*connection));
	unsigned stall_ms = options->deadlines->write_stall_ms;
	struct timeval write_stall = { .tv_sec = stall_ms / 1000,
		.tv_usec = (suseconds_t)(stall_ms % 1000) * 1000 };

	connection->front = front;
	connection->bev = bev;
	connection->ssl = ssl;
	connection->stats = options->stats;
	connection->deadlines = options->deadlines;
	connection->is_open = ssl == NULL;
	connection->limits = options->limits;
	/* Until evhttp has its own object for it, the bufferevent could be
	 * freed without a word. */
	bufferevent_incref(bev);
	if (ssl == NULL)
		bufferevent_setwatermark(bev, EV_READ, 0, READ_MAX_BYTES);
	bufferevent_set_timeouts(bev, NULL, &write_stall);
	connection->watch =
	    evbuffer_add_cb(bufferevent_get_input(bev), on_input, connection);
	event_assign(&connection->timer, bufferevent_get_base(bev), -1, 0,
	    on_timer, connection);
	/* Runs before anything can happen on the new descriptor. */
	event_active(&connection->timer, EV_TIMEOUT, 1);
	return connection;
}

void
connection_free(struct connection *connection)
{
	event_del(&connection->timer);
	evbuffer_remove_cb_entry(
	    bufferevent_get_input(connection->bev), connection->watch);
	if (connection->ssl != NULL && connection->evcon != NULL)
		transport_stop(&connection->transport);
	SSL_free(connection->ssl);
	if (connection->held != NULL)
		evbuffer_free(connection->held);
	known_head_unref(connection->head);
	free(connection->guard);
	free(connection);
}

void
connection_adopted(struct connection *connection,
    struct evhttp_connection *evcon, struct tls_intake *intake,
    struct known *known, bool keeps_heads)
{
	connection->evcon = evcon;
	connection->known = known;
	connection->keeps_heads = keeps_heads;
	if (connection->ssl == NULL)
		return;
	if (transport_start(&connection->transport, connection->bev,
		connection->ssl, intake, READ_MAX_BYTES) == -1) {
		log_error("out of memory for a connection", NULL);
		abort();
	}
}

void
connection_opened(struct connection *connection)
{
	tls_control_watch(connection->ssl, &connection->control_records);
	connection->is_open = true;
	set_deadline_in(connection, connection->deadlines->idle_ms);
}

/* Handshakes that failed. */

static struct tls_signs
signs_of(const struct connection *connection)
{
	const struct tls_handshake *noted = tls_handshake_of(connection->ssl);
	struct tls_signs signs = noted->signs;

	signs.is_late = connection->is_late;
	return signs;
}

enum tls_failure
connection_failure(const struct connection *connection)
{
	struct tls_signs signs = signs_of(connection);

	return tls_failure_of(&signs);
}

static void
describe_peer(const struct connection *connection, struct handshake *out)
{
	char *address;
	ev_uint16_t port;

	/* Without an evhttp connection it went before it was accepted. */
	if (connection->evcon == NULL)
		return;
	evhttp_connection_get_peer(connection->evcon, &address, &port);
	out->port = port;
	snprintf(out->address, sizeof(out->address), "%s",
	    port == 0 ? "unix" : address);
}

struct handshake *
connection_describe_failure(
    const struct connection *connection, enum tls_failure failure)
{
	const struct tls_handshake *noted = tls_handshake_of(connection->ssl);
	struct tls_signs signs = signs_of(connection);
	struct handshake *out = xcalloc(1, sizeof(*out));

	out->wall_us = clock_wall_us();
	out->failure = failure;
	out->count = 1;
	describe_peer(connection, out);
	tls_failure_words(failure, &signs, out->words, sizeof(out->words));
	memcpy(out->subject, noted->subject, sizeof(out->subject));
	memcpy(out->server_name, noted->server_name, sizeof(out->server_name));
	return out;
}

/*
 * With TLS 1.3 a client has sent all the rest of its handshake by the time its
 * certificate is refused.  A reset would cost it the alert that says why.
 */
void
connection_empty(const struct connection *connection)
{
	int fd = connection_fd(connection);
	char bytes[4096];
	unsigned i;

	for (i = 0; i < UNREAD_PIECES_MAX; i++)
		if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
			break;
}

void
connection_working(struct connection *connection, void *state)
{
	connection->working = state;
}

/*
 * Its last answer was under way before it was retired, so the client was not
 * told.  Not from inside evhttp, which goes on with this connection; what the
 * client sends until then reaches nobody.
 */
static void
end_soon(struct connection *connection)
{
	struct evbuffer *input = bufferevent_get_input(connection->bev);

	connection->is_refused = true;
	evbuffer_drain(input, evbuffer_get_length(input));
	set_deadline(connection, clock_now_us());
}

void
connection_done(struct connection *connection)
{
	const struct front_deadlines *deadlines = connection->deadlines;

	connection->is_busy = false;
	if (connection->is_retired ||
	    (connection->ssl != NULL &&
		transport_is_over(&connection->transport))) {
		end_soon(connection);
		return;
	}
	drop_guard_if_idle(connection);
	if (connection->ssl != NULL)
		transport_resume(&connection->transport);
	front_rejuvenate(connection);
	set_deadline_in(connection,
	    connection->held != NULL ? deadlines->head_ms : deadlines->idle_ms);
}

void
connection_kill(struct connection *connection)
{
	bufferevent_trigger_event(
	    connection->bev, BEV_EVENT_EOF | BEV_EVENT_READING, 0);
}

void
connection_retire(struct connection *connection)
{
	connection->is_retired = true;
	/* Without an evhttp connection: as soon as it has one. */
	if (connection->evcon != NULL && !connection->is_busy)
		connection_kill(connection);
}

bool
connection_is_retired(const struct connection *connection)
{
	return connection->is_retired;
}

SSL *
connection_ssl(const struct connection *connection)
{
	return connection->ssl;
}

int
connection_fd(const struct connection *connection)
{
	if (connection->ssl != NULL && connection->evcon != NULL)
		return connection->transport.fd;
	return bufferevent_getfd(connection->bev);
}

const char *
connection_peer(const struct connection *connection)
{
	char *address;
	ev_uint16_t port;

	evhttp_connection_get_peer(connection->evcon, &address, &port);
	return port == 0 ? "unix" : address;
}

struct known_head *
connection_take_head(struct connection *connection)
{
	struct known_head *head = connection->head;

	connection->head = NULL;
	return head;
}

const struct guard *
connection_guard(const struct connection *connection)
{
	static const struct guard none;

	return connection->guard != NULL ? connection->guard : &none;
}

bool
connection_is_dead(const struct connection *connection)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(connection_fd(connection), IPPROTO_TCP, TCP_INFO, &info,
		&len) == -1)
		return false; /* a unix socket: found out when written to */
	/* TLS has no half-close worth waiting for; plain HTTP has: a client
	 * may shut down its sending side and still read the answer. */
	return info.tcpi_state == TCP_CLOSE ||
	       (connection->ssl != NULL && info.tcpi_state == TCP_CLOSE_WAIT);
}
