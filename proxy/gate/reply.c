#include "proxy/gate/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/cache/wire.h"
#include "proxy/gate/front.h"
#include "tls/socket.h"

/* The most that one TLS record holds, and that is copied per answer. */
#define RECORD_BYTES 16384

/* Age, Transfer-Encoding and Connection with their values, and the blank
 * line. */
#define EXTRA_BYTES 96

/* OpenSSL would write all it is given in one go while others wait. */
#define CHUNK_BYTES (128 * 1024)

/* Of an answer that is awaited: sent first, so that the scraper decrypts it
 * while we encrypt the rest. */
#define HEAD_START_BYTES (2 * (size_t)RECORD_BYTES)

/* What a closing connection may still have sent us, read and dropped so that
 * close(2) does not reset the connection under our answer. */
#define LINGER_BYTES (64 * 1024)

/* Bytes to send: those in scratch first, then those in the wire. */
struct parts {
	char own[RECORD_BYTES];
	char *scratch; /* own, or larger and allocated */
	size_t scratch_size;
	size_t scratch_len;
	const struct wire *wire;
	const char *rest;
	size_t rest_len;
	size_t head_start; /* of the rest, 0: none */
};

/* Most heads are far below one record, but operators may say much. */
static void
make_scratch(struct parts *parts, const struct reply *reply)
{
	const struct conf_http_server *http = reply->http;
	size_t needed = wire_head_len(reply->wire) + EXTRA_BYTES, i;

	for (i = 0; i < http->header_count; i++)
		needed += strlen(http->headers[i].name) +
			  strlen(http->headers[i].value) + strlen(": \r\n");
	parts->scratch = parts->own;
	parts->scratch_size = sizeof(parts->own);
	if (needed > sizeof(parts->own)) {
		parts->scratch = xmalloc(needed);
		parts->scratch_size = needed;
	}
}

static void
put(struct parts *parts, const char *text)
{
	size_t len = strlen(text);

	memcpy(parts->scratch + parts->scratch_len, text, len);
	parts->scratch_len += len;
}

static void
put_age(struct parts *parts, uint64_t seconds)
{
	char digits[24], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do
		*--p = (char)('0' + seconds % 10);
	while ((seconds /= 10) > 0);
	put(parts, "Age: ");
	put(parts, p);
	put(parts, "\r\n");
}

static void
put_head(struct parts *parts, const struct reply *reply)
{
	const struct conf_http_server *http = reply->http;
	size_t i;

	parts->scratch_len = wire_head_len(reply->wire) - strlen("\r\n");
	memcpy(parts->scratch, wire_bytes(reply->wire), parts->scratch_len);
	for (i = 0; i < http->header_count; i++) {
		put(parts, http->headers[i].name);
		put(parts, ": ");
		put(parts, http->headers[i].value);
		put(parts, "\r\n");
	}
	if (reply->age_s >= 0)
		put_age(parts, (uint64_t)reply->age_s);
	if (reply->is_chunked)
		put(parts, "Transfer-Encoding: chunked\r\n");
	if (reply->is_close)
		put(parts, "Connection: close\r\n");
	put(parts, "\r\n");
}

/*
 * A plain answer is the wire image itself.  What differs from it (Age, close,
 * HEAD, configured headers: those of now, however old the answer) is put
 * together in scratch with so much of the body that the rest, which follows
 * from the wire, makes full records.
 */
static void
compose(struct parts *parts, const struct reply *reply)
{
	const struct wire *wire = reply->wire;
	size_t body_len = reply->is_head ? 0 : wire_body_len(wire);
	size_t len, fill;

	parts->wire = wire;
	parts->scratch = parts->own;
	parts->scratch_len = 0;
	parts->rest = wire_bytes(wire);
	parts->rest_len = wire_head_len(wire) + body_len;
	if (reply->age_s < 0 && !reply->is_close && !reply->is_chunked &&
	    reply->http->header_count == 0)
		return;
	make_scratch(parts, reply);
	put_head(parts, reply);
	/* As much as is left over when the rest fills whole records. */
	len = parts->scratch_len;
	fill = (len + body_len - 1) % RECORD_BYTES + 1;
	fill = fill > len ? fill - len : 0;
	if (fill > parts->scratch_size - len)
		fill = parts->scratch_size - len;
	memcpy(parts->scratch + len, wire_body(wire), fill);
	parts->scratch_len = len + fill;
	parts->rest = wire_body(wire) + fill;
	parts->rest_len = body_len - fill;
}

static size_t
chunk_of(const struct parts *parts)
{
	if (parts->head_start > 0)
		return parts->head_start;
	return parts->rest_len < CHUNK_BYTES ? parts->rest_len : CHUNK_BYTES;
}

static void
advance(struct parts *parts, size_t len)
{
	parts->rest += len;
	parts->rest_len -= len;
	parts->head_start = 0;
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
		advance(parts, len);
	}
	bufferevent_enable(bev, EV_WRITE);
}

/* True if all of it went out; what did not stays in `parts`. */
static bool
write_tls(SSL *ssl, struct parts *parts)
{
	bool is_early;
	size_t len;

	if (parts->scratch_len > 0) {
		if (tls_socket_write(ssl, parts->scratch, parts->scratch_len,
			parts->rest_len > 0) != TLS_IO_DONE)
			return false;
		parts->scratch_len = 0;
	}
	do {
		is_early = parts->head_start > 0;
		len = chunk_of(parts);
		if (len == 0)
			break;
		if (tls_socket_write(ssl, parts->rest, len,
			!is_early && len < parts->rest_len) != TLS_IO_DONE)
			return false;
		advance(parts, len);
	} while (is_early);
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
		memmove(
		    parts->scratch, parts->scratch + len, parts->scratch_len);
		return false;
	}
	len -= parts->scratch_len;
	parts->scratch_len = 0;
	advance(parts, len);
	return parts->rest_len == 0;
}

/* The answer is with the kernel, evhttp closes next: end in good order. */
static void
say_goodbye(struct connection *connection)
{
	SSL *ssl = connection_ssl(connection);
	int fd = connection_fd(connection);
	char dropped[4096];
	size_t total = 0;
	ssize_t len;

	if (ssl != NULL)
		SSL_shutdown(ssl);
	shutdown(fd, SHUT_WR);
	while (total < LINGER_BYTES &&
	       (len = recv(fd, dropped, sizeof(dropped), MSG_DONTWAIT)) > 0)
		total += (size_t)len;
}

/* evhttp's completion callbacks: not called if the connection broke. */

static void
sent(struct evhttp_request *req, void *arg)
{
	(void)req;
	connection_done(arg);
}

static void
sent_last(struct evhttp_request *req, void *arg)
{
	(void)req;
	say_goodbye(arg);
	connection_done(arg);
}

static void
prepare_end(
    struct connection *connection, struct evhttp_request *req, bool is_close)
{
	if (is_close)
		/* Seen by evhttp only; the wire says it by itself. */
		evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Connection", "close");
	evhttp_request_set_on_complete_cb(
	    req, is_close ? sent_last : sent, connection);
	connection_working(connection, NULL);
}

void
reply_head(struct evbuffer *out, const struct reply *reply)
{
	struct parts parts;

	parts.wire = reply->wire;
	make_scratch(&parts, reply);
	put_head(&parts, reply);
	evbuffer_add(out, parts.scratch, parts.scratch_len);
	if (parts.scratch != parts.own)
		free(parts.scratch);
}

void
reply_end(
    struct connection *connection, struct evhttp_request *req, bool is_close)
{
	prepare_end(connection, req, is_close);
	evhttp_send_reply_end(req);
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
	parts.head_start = reply->is_awaited && ssl != NULL &&
				   parts.rest_len > HEAD_START_BYTES
			       ? HEAD_START_BYTES
			       : 0;
	prepare_end(connection, req, reply->is_close);
	/* Whatever an error means, the queue meets it again and evhttp closes
	 * in its own way. */
	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0 ||
	    !(ssl != NULL ? write_tls(ssl, &parts)
			  : write_plain(connection_fd(connection), &parts)))
		queue(bev, &parts);
	if (parts.scratch != parts.own)
		free(parts.scratch);
	evhttp_send_reply_end(req);
}
