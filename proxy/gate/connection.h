/*
 * One client connection of a front: the guard's glue to evhttp's input
 * buffer, and the deadlines.  Private to front.c and connection.c; users see
 * front.h.
 *
 * evhttp owns the bufferevent and says when it goes (its close callback);
 * struct connection is freed there, at the latest.
 */
#ifndef PROXY_GATE_CONNECTION_H
#define PROXY_GATE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event_struct.h>

#include "proxy/gate/front.h"
#include "proxy/gate/guard.h"
#include "proxy/gate/transport.h"
#include "proxy/gate/tally.h"
#include "tls/failure.h"

struct bufferevent;
struct evbuffer;
struct evbuffer_cb_entry;
struct evhttp_connection;
struct handshake;
struct known;
struct known_head;

struct connection {
	TAILQ_ENTRY(connection) link;
	struct front *front;
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until adopted */
	SSL *ssl;                        /* owned; NULL: plain */
	struct transport transport;      /* with TLS, once adopted */
	struct stats *stats;             /* the front's */
	const struct front_deadlines *deadlines;
	struct tally_place place;
	struct event timer;
	uint64_t deadline_us;  /* 0: none */
	uint64_t timer_due_us; /* 0: not pending */
	struct evbuffer_cb_entry *watch;
	const struct guard_limits *limits;
	struct guard *guard;     /* NULL while nothing is to be judged */
	struct known *known;     /* the front's */
	bool keeps_heads;        /* front_options */
	struct known_head *head; /* of the next request, or NULL */
	struct evbuffer *held;   /* begin of a head not complete yet, or NULL */
	unsigned control_records; /* see tls/control.h */
	unsigned heads;           /* let through and not served yet */
	bool is_refused;          /* the head after those was refused */
	bool is_moving;           /* we ourselves change the input buffer */
	bool is_open;             /* plain, or handshake completed */
	bool is_late;             /* ended by its deadline */
	bool is_retired;          /* serves no request but the one in work */
	bool is_busy;             /* from a request until its answer is out */
	void *working;            /* state of the request in work, or NULL */
};

TAILQ_HEAD(connection_list, connection);

/* In evhttp's bufferevent callback: a connection about to be set up.  Takes
 * `ssl` over. */
struct connection *connection_new(struct front *front, struct bufferevent *bev,
    SSL *ssl, const struct front_options *options);
void connection_free(struct connection *connection);

/* evhttp has set it up: from now on there may be a handshake. */
void connection_adopted(struct connection *connection,
    struct evhttp_connection *evcon, struct tls_intake *intake,
    struct known *known, bool keeps_heads);

/* The handshake is complete. */
void connection_opened(struct connection *connection);

/*
 * Why the handshake did not complete, and the details for people, malloc'd;
 * before the bufferevent goes.
 */
enum tls_failure connection_failure(const struct connection *connection);
struct handshake *connection_describe_failure(
    const struct connection *connection, enum tls_failure failure);

/* Before the close: what is unread would make it a reset. */
void connection_empty(const struct connection *connection);

/* Serves no further request; see front_retire(). */
void connection_retire(struct connection *connection);

/* A request reached the handler: the refusal it stands for, or REASON_OK. */
enum reason connection_next_request(struct connection *connection);

/* front.c: it is idle again, later than all others. */
void front_rejuvenate(struct connection *connection);

/* front.c: evhttp has set the connection up, or given it up. */
void front_adopt(struct connection *connection);

#endif
