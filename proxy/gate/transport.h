/*
 * Between the socket of a TLS client and evhttp's bufferevent.  libevent's
 * own TLS bufferevent reads twice per record and re-arms its events with each
 * request; here the socket stays in the epoll set as long as the connection
 * lives, and evhttp has a bufferevent without a descriptor: what the client
 * sends is put into its input, what evhttp puts into its output is sent.
 *
 * The bufferevent's own flags go on saying what evhttp wants (reading is off
 * while a request is in work), and its write timeout goes on limiting how
 * long a client may not take its answer.
 *
 * Used on the thread of its event_base.
 */
#ifndef PROXY_GATE_TRANSPORT_H
#define PROXY_GATE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include <event2/event_struct.h>

struct bufferevent;
struct tls_intake;

/* Storage is the caller's; the members are the transport's own. */
struct transport {
	struct bufferevent *bev;
	SSL *ssl;
	int fd;
	size_t input_max;
	struct event readable;
	struct event *writable; /* NULL until something did not fit */
	bool is_paused;         /* as much is unread as may be */
	bool has_ended;         /* the client sends no more */
	bool is_reading_stuck;  /* until the socket is writable */
};

/*
 * Takes the descriptor out of `bev`, which evhttp goes on using and closes.
 * Neither it nor `ssl` is owned.  While evhttp has `input_max` bytes before
 * it, no more are read.  -1: out of memory.
 */
int transport_start(struct transport *transport, struct bufferevent *bev,
    SSL *ssl, struct tls_intake *intake, size_t input_max);
void transport_stop(struct transport *transport);

/* An answer is out: there may be room for what the client sent meanwhile. */
void transport_resume(struct transport *transport);

/*
 * The client has closed its side and all it had sent was served: the
 * connection is to be ended.
 */
bool transport_is_over(const struct transport *transport);

#endif
