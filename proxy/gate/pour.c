#include "proxy/gate/pour.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/tap.h"
#include "proxy/cache/wire.h"
#include "proxy/gate/front.h"
#include "proxy/gate/reply.h"

/* With the connection at a time; what the kernel buffers comes on top. */
#define FLIGHT_BYTES ((size_t)256 << 10)

/* OpenSSL writes all it is given in one go while others wait. */
#define SLICE_BYTES ((size_t)128 << 10)

static const char last_chunk[] = "0\r\n\r\n";

struct pour {
	struct pour_options options;
	struct bufferevent *bev;
	bool is_chunked;
	bool is_close;
	bool has_begun;
	bool has_drained; /* the head is out */
	enum pour_end end;
	struct answer *failure;
	struct event *turn;
	struct event *deadline;
	struct evbuffer *next; /* empty but while it is put together */
	struct wire *piece;    /* being sent, or NULL */
	size_t offset, stop;   /* what is left of it */
	size_t in_flight;      /* of pieces, with the connection */
	uint64_t bytes;        /* of the body, handed over so far */
	bool is_writing;
};

static void
free_pour(struct pour *pour)
{
	event_free(pour->turn);
	event_free(pour->deadline);
	evbuffer_free(pour->next);
	wire_unref(pour->piece);
	free(pour);
}

static void
leave(struct pour *pour)
{
	const struct pour_options options = pour->options;
	struct answer *failure = pour->failure;
	enum pour_end end = pour->end;
	uint64_t bytes = pour->bytes;

	free_pour(pour);
	options.ended(options.arg, end, bytes, failure);
	answer_unref(failure);
}

/*
 * Without chunks a FIN would be the end of a whole body, and evhttp sends one
 * before it closes.  On Linux this resets the connection at once.  There is no
 * such thing on a unix socket.
 */
static void
reset(const struct pour *pour)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	(void)connect(
	    connection_fd(pour->options.connection), &nobody, sizeof(nobody));
}

/* Called before evhttp closes the connection. */
void
pour_gone(struct pour *pour)
{
	if (!pour->is_chunked)
		reset(pour);
	evhttp_send_reply_end(pour->options.req); /* only frees it */
	if (pour->options.tap != NULL)
		tap_close(pour->options.tap, TAP_CLOSE_GONE);
	leave(pour);
}

/* Comes back by pour_gone(). */
static void
break_off(struct pour *pour, enum tap_close why)
{
	struct answer *failure = tap_failure(pour->options.tap);

	pour->failure = failure == NULL ? NULL : answer_ref(failure);
	tap_close(pour->options.tap, why);
	pour->options.tap = NULL;
	pour->end = POUR_BROKEN;
	connection_kill(pour->options.connection);
}

static void
finish(struct pour *pour)
{
	const struct pour_options options = pour->options;

	tap_close(options.tap, TAP_CLOSE_DONE);
	pour->end = POUR_DONE;
	reply_end(options.connection, options.req, pour->is_close);
	leave(pour);
}

static void
release(const void *data, size_t len, void *piece)
{
	(void)data;
	(void)len;
	wire_unref(piece);
}

/* The size line in front and the CRLF behind are part of a chunk only. */
static bool
open_piece(struct pour *pour)
{
	struct wire *piece = tap_next(pour->options.tap);

	if (piece == NULL)
		return false;
	pour->piece = piece;
	pour->offset = pour->is_chunked ? 0 : wire_head_len(piece);
	pour->stop = wire_len(piece) - (pour->is_chunked ? 0 : 2);
	pour->in_flight += wire_len(piece) - (pour->stop - pour->offset);
	pour->bytes += wire_body_len(piece) - 2;
	return true;
}

static bool
add_slice(struct pour *pour)
{
	size_t len;

	if (pour->piece == NULL && !open_piece(pour))
		return false;
	len = pour->stop - pour->offset;
	if (len > SLICE_BYTES)
		len = SLICE_BYTES;
	evbuffer_add_reference(pour->next,
	    wire_bytes(pour->piece) + pour->offset, len, release,
	    wire_ref(pour->piece));
	pour->offset += len;
	pour->in_flight += len;
	if (pour->offset == pour->stop) {
		wire_unref(pour->piece);
		pour->piece = NULL;
	}
	return true;
}

static void on_drained(struct evhttp_connection *evcon, void *arg);

/*
 * evhttp enables reading here, to see a close; but then it would take a mere
 * half-close for one, and buffer what the client sends.
 */
static void
hand_over(struct pour *pour)
{
	pour->is_writing = true;
	evhttp_send_reply_chunk_with_cb(
	    pour->options.req, pour->next, on_drained, pour);
	bufferevent_disable(pour->bev, EV_READ);
}

static void
fail(struct pour *pour)
{
	struct answer *failure = tap_failure(pour->options.tap);

	/* Who sees not even a head may ask again at once, as Go does. */
	if (pour->has_begun && !pour->has_drained)
		return;
	if (pour->has_begun || failure == NULL) {
		break_off(pour, TAP_CLOSE_DONE);
		return;
	}
	pour->failure = answer_ref(failure);
	tap_close(pour->options.tap, TAP_CLOSE_DONE);
	pour->end = POUR_UNBEGUN;
	leave(pour);
}

static void
pump(struct pour *pour)
{
	bool is_end;

	if (tap_state(pour->options.tap) == TAP_BROKEN) {
		fail(pour);
		return;
	}
	if (pour->is_writing)
		return;
	while (evbuffer_get_length(pour->next) < FLIGHT_BYTES)
		if (!add_slice(pour))
			break;
	is_end = evbuffer_get_length(pour->next) < FLIGHT_BYTES &&
		 tap_state(pour->options.tap) == TAP_WHOLE;
	if (is_end && pour->is_chunked)
		evbuffer_add(pour->next, last_chunk, sizeof(last_chunk) - 1);
	if (evbuffer_get_length(pour->next) > 0)
		hand_over(pour);
	if (is_end)
		finish(pour);
}

static void
on_drained(struct evhttp_connection *evcon, void *arg)
{
	struct pour *pour = arg;

	(void)evcon;
	pour->is_writing = false;
	pour->has_drained = true;
	tap_taken(pour->options.tap, pour->in_flight);
	pour->in_flight = 0;
	pump(pour);
}

static void
on_ready(void *arg)
{
	pump(arg);
}

static void
on_turn(evutil_socket_t fd, short events, void *arg)
{
	struct pour *pour = arg;

	(void)fd;
	(void)events;
	tap_listen(pour->options.tap, on_ready, pour);
	if (tap_state(pour->options.tap) != TAP_BROKEN) {
		pour->has_begun = true;
		pour->options.begun(pour->options.arg);
	}
	pump(pour);
}

static void
on_deadline(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	break_off(arg, TAP_CLOSE_LATE);
}

struct pour *
pour_new(const struct pour_options *options)
{
	static const struct timeval now = { 0, 0 };
	struct timeval wait = clock_until(options->deadline_us);
	struct pour *pour = xcalloc(1, sizeof(*pour));

	pour->options = *options;
	pour->options.reply = NULL;
	pour->bev = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(options->req));
	pour->is_chunked = options->reply->is_chunked;
	pour->is_close = options->reply->is_close;
	pour->end = POUR_GONE;
	pour->next = evbuffer_new();
	reply_head(pour->next, options->reply);
	if (connection_ssl(options->connection) == NULL)
		bufferevent_set_max_single_write(pour->bev, FLIGHT_BYTES);
	pour->turn = evtimer_new(options->base, on_turn, pour);
	pour->deadline = evtimer_new(options->base, on_deadline, pour);
	evtimer_add(pour->turn, &now);
	evtimer_add(pour->deadline, &wait);
	return pour;
}
