#include "proxy/gate/transport.h"

#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#include "proxy/base/log.h"
#include "tls/socket.h"

#define READ_BYTES 4096

/* Of an answer, before other connections have their turn. */
#define WRITE_BYTES ((size_t)128 * 1024)

/* Through evhttp's own path for a peer that closed; it is gone after. */
static void
end(struct transport *transport)
{
	bufferevent_trigger_event(
	    transport->bev, BEV_EVENT_EOF | BEV_EVENT_READING, 0);
}

static bool
is_evhttp_reading(const struct transport *transport)
{
	return (bufferevent_get_enabled(transport->bev) & EV_READ) != 0;
}

static size_t
unread(const struct transport *transport)
{
	return evbuffer_get_length(bufferevent_get_input(transport->bev));
}

/* Moves to evhttp's input what has come; the guard sees to it there. */
static enum tls_io
read_turn(struct transport *transport)
{
	struct evbuffer *input = bufferevent_get_input(transport->bev);
	char bytes[READ_BYTES];
	enum tls_io io;
	size_t len;

	do {
		io =
		    tls_socket_read(transport->ssl, bytes, sizeof(bytes), &len);
		if (io == TLS_IO_DONE)
			evbuffer_add(input, bytes, len);
	} while (io == TLS_IO_DONE && tls_socket_has_more(transport->ssl));
	tls_socket_rest(transport->ssl);
	return io;
}

static void on_writable(evutil_socket_t fd, short events, void *arg);

/* Most connections never need it. */
static void
await_writable(struct transport *transport)
{
	if (transport->writable == NULL)
		transport->writable = event_new(
		    bufferevent_get_base(transport->bev), transport->fd,
		    EV_WRITE | EV_PERSIST, on_writable, transport);
	if (transport->writable == NULL) {
		log_error("out of memory for a connection", NULL);
		abort();
	}
	event_add(transport->writable, NULL);
}

static void
stop_reading(struct transport *transport)
{
	event_del(&transport->readable);
}

/* True if the connection broke, or ended with nothing more to do. */
static bool
note_outcome(struct transport *transport, enum tls_io io)
{
	switch (io) {
	case TLS_IO_DONE:
	case TLS_IO_WANT_READ:
		break;
	case TLS_IO_WANT_WRITE:
		/* What else came makes the socket readable all the time. */
		transport->is_reading_stuck = true;
		stop_reading(transport);
		await_writable(transport);
		break;
	case TLS_IO_CLOSED:
		transport->has_ended = true;
		stop_reading(transport);
		return is_evhttp_reading(transport) && unread(transport) == 0;
	case TLS_IO_FAILED:
		stop_reading(transport);
		return true;
	}
	if (unread(transport) >= transport->input_max) {
		transport->is_paused = true;
		stop_reading(transport);
	}
	return false;
}

static void
on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct transport *transport = arg;
	size_t before = unread(transport);

	(void)fd;
	(void)events;
	if (transport->is_reading_stuck) {
		transport->is_reading_stuck = false;
		event_add(&transport->readable, NULL);
	}
	if (note_outcome(transport, read_turn(transport)))
		end(transport);
	else if (unread(transport) > before && is_evhttp_reading(transport))
		bufferevent_trigger(transport->bev, EV_READ, 0);
}

static void
write_turn(struct transport *transport)
{
	struct evbuffer *output = bufferevent_get_output(transport->bev);
	struct evbuffer_iovec piece;
	enum tls_io io;

	if (evbuffer_peek(output, -1, NULL, &piece, 1) < 1)
		return;
	if (piece.iov_len > WRITE_BYTES)
		piece.iov_len = WRITE_BYTES;
	io = tls_socket_write(transport->ssl, piece.iov_base, piece.iov_len,
	    piece.iov_len < evbuffer_get_length(output));
	if (io == TLS_IO_DONE) {
		evbuffer_drain(output, piece.iov_len);
		if (evbuffer_get_length(output) == 0) {
			event_del(transport->writable);
			/* Nothing is left for the client to take, so there is
			 * no time for that; whoever has more says so. */
			bufferevent_disable(transport->bev, EV_WRITE);
			bufferevent_trigger(transport->bev, EV_WRITE, 0);
			return;
		}
	} else if (io != TLS_IO_WANT_WRITE) {
		end(transport);
		return;
	}
	/* It took some: the time it may take begins anew. */
	bufferevent_enable(transport->bev, EV_WRITE);
}

static void
on_writable(evutil_socket_t fd, short events, void *arg)
{
	struct transport *transport = arg;
	struct evbuffer *output = bufferevent_get_output(transport->bev);

	if (transport->is_reading_stuck) {
		if (evbuffer_get_length(output) == 0)
			event_del(transport->writable);
		on_readable(fd, events, transport);
	} else if (evbuffer_get_length(output) > 0) {
		write_turn(transport);
	} else {
		event_del(transport->writable);
	}
}

static void
on_output(
    struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
	struct transport *transport = arg;

	(void)output;
	if (info->n_added > 0)
		await_writable(transport);
}

int
transport_start(struct transport *transport, struct bufferevent *bev, SSL *ssl,
    struct tls_intake *intake, size_t input_max)
{
	struct event_base *base = bufferevent_get_base(bev);
	evutil_socket_t fd = bufferevent_getfd(bev);

	if (tls_socket_attach(ssl, fd, intake) == -1)
		return -1;
	transport->bev = bev;
	transport->ssl = ssl;
	transport->fd = fd;
	transport->input_max = input_max;
	bufferevent_setfd(bev, -1);
	event_assign(&transport->readable, base, fd, EV_READ | EV_PERSIST,
	    on_readable, transport);
	evbuffer_add_cb(bufferevent_get_output(bev), on_output, transport);
	event_add(&transport->readable, NULL);
	return 0;
}

void
transport_stop(struct transport *transport)
{
	event_del(&transport->readable);
	if (transport->writable != NULL)
		event_free(transport->writable);
	evbuffer_remove_cb(
	    bufferevent_get_output(transport->bev), on_output, transport);
}

void
transport_resume(struct transport *transport)
{
	if (!transport->is_paused || transport->has_ended ||
	    unread(transport) >= transport->input_max)
		return;
	transport->is_paused = false;
	event_add(&transport->readable, NULL);
}

bool
transport_is_over(const struct transport *transport)
{
	return transport->has_ended && unread(transport) == 0;
}
