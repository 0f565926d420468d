#include "proxy/gate/reply.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "proxy/cache/wire.h"
#include "proxy/gate/front.h"

/* One TLS record, and the most that is ever copied per answer. */
#define SCRATCH_BYTES 16384

/* OpenSSL would write all it is given in one go while others wait. */
#define CHUNK_BYTES (128 * 1024)

/* What a closing connection may still have sent us, read and dropped so that
 * close(2) does not reset the connection under our answer. */
#define LINGER_BYTES (64 * 1024)

/* Bytes to send: those in scratch first, then those in the wire. */
struct parts {
	char scratch[SCRATCH_BYTES];
	size_t scratch_len;
	const struct wire *wire;
	const char *rest;
	size_t rest_len;
};

/*
 * A plain answer is the wire image itself.  What differs from it (Age, close,
 * HEAD) is put together in scratch, filled up with the body's begin to one
 * full record, and the rest follows from the wire.
 */
static void
compose(struct parts *parts, const struct reply *reply)
{
	const struct wire *wire = reply->wire;
	size_t head_len = wire_head_len(wire);
	size_t body_len = reply->is_head ? 0 : wire_body_len(wire);
	size_t len, fill;

	parts->wire = wire;
	parts->scratch_len = 0;
	parts->rest = wire_bytes(wire);
	parts->rest_len = head_len + body_len;
	if (reply->age_s < 0 && !reply->is_close)
		return;
	/* Heads are far below the size of scratch: see answer.c. */
	len = head_len - 2;
	memcpy(parts->scratch, wire_bytes(wire), len);
	if (reply->age_s >= 0)
		len += (size_t)sprintf(parts->scratch + len, "Age: %lld\r\n",
		    (long long)reply->age_s);
	if (reply->is_close)
		len += (size_t)sprintf(parts->scratch + len,
		    "Connection: close\r\n");
	len += (size_t)sprintf(parts->scratch + len, "\r\n");
	fill = sizeof(parts->scratch) - len;
	if (fill > body_len)
		fill = body_len;
	memcpy(parts->scratch + len, wire_body(wire), fill);
	parts->scratch_len = len + fill;
	parts->rest = wire_body(wire) + fill;
	parts->rest_len = body_len - fill;
}

static size_t
chunk_of(const struct parts *parts)
{
	return parts->rest_len < CHUNK_BYTES ? parts->rest_len : CHUNK_BYTES;
}

static void
release_wire(const void *data, size_t len, void *arg)
{
	(void)data;
	(void)len;
	wire_unref(arg);
}

/* The parts that the kernel did not take at once; pointers and lengths stay
 * what SSL_write() was called with, as its retry demands. */
static void
queue(struct bufferevent *bev, struct parts *parts)
{
	struct evbuffer *output = bufferevent_get_output(bev);

	if (parts->scratch_len > 0)
		evbuffer_add(output, parts->scratch, parts->scratch_len);
	while (parts->rest_len > 0) {
		size_t len = chunk_of(parts);

		evbuffer_add_reference(output, parts->rest, len, release_wire,
		    wire_ref((struct wire *)parts->wire));
		parts->rest += len;
		parts->rest_len -= len;
	}
	bufferevent_enable(bev, EV_WRITE);
}

/* True if all of it went out; what did not stays in `parts`. */
static bool
write_tls(SSL *ssl, struct parts *parts)
{
	ERR_clear_error();
	if (parts->scratch_len > 0) {
		if (SSL_write(ssl, parts->scratch, (int)parts->scratch_len) <=
		    0)
			return false;
		parts->scratch_len = 0;
	}
	if (parts->rest_len > 0) {
		size_t len = chunk_of(parts);

		if (SSL_write(ssl, parts->rest, (int)len) <= 0)
			return false;
		parts->rest += len;
		parts->rest_len -= len;
	}
	return parts->rest_len == 0;
}

static bool
write_plain(int fd, struct parts *parts)
{
	struct iovec vector[2] = {
		{ parts->scratch, parts->scratch_len },
		{ (char *)parts->rest, parts->rest_len },
	};
	ssize_t sent = writev(fd, vector, 2);
	size_t len = sent < 0 ? 0 : (size_t)sent;

	if (len < parts->scratch_len) {
		parts->scratch_len -= len;
		memmove(parts->scratch, parts->scratch + len,
		    parts->scratch_len);
		return false;
	}
	len -= parts->scratch_len;
	parts->scratch_len = 0;
	parts->rest += len;
	parts->rest_len -= len;
	return parts->rest_len == 0;
}

/* The answer is with the kernel, evhttp closes next: end in good order. */
static void
say_goodbye(struct evhttp_request *req, void *arg)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	char dropped[4096];
	size_t total = 0;
	SSL *ssl = arg;
	ssize_t len;
	int fd;

	if (ssl != NULL)
		SSL_shutdown(ssl);
	if (evcon == NULL)
		return;
	fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));
	shutdown(fd, SHUT_WR);
	while (total < LINGER_BYTES &&
	    (len = recv(fd, dropped, sizeof(dropped), MSG_DONTWAIT)) > 0)
		total += (size_t)len;
}

void
reply_send(struct connection *connection, struct evhttp_request *req,
    const struct reply *reply)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
	SSL *ssl = connection_ssl(connection);
	struct parts parts;

	compose(&parts, reply);
	if (reply->is_close) {
		/* Seen by evhttp only; the wire says it by itself. */
		evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Connection", "close");
		evhttp_request_set_on_complete_cb(req, say_goodbye, ssl);
	}
	/* Whatever an error means, the queue meets it again and evhttp closes
	 * in its own way. */
	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0 ||
	    !(ssl != NULL ? write_tls(ssl, &parts) :
			    write_plain(connection_fd(connection), &parts)))
		queue(bev, &parts);
	connection_done(connection);
	evhttp_send_reply_end(req);
}
