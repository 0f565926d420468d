/*
 * A front: one evhttp and everything around it that evhttp lacks.
 *
 * Every connection is counted, carries the guard in front of evhttp's parser,
 * and has absolute deadlines (handshake, request head, idle).  evhttp only
 * ever sees whole heads the guard has let through, or a stand-in for one it
 * refused, which reaches the handler as that refusal.
 *
 * Used on the thread of its event_base; the gate has one per worker, the
 * admin and health listeners one each on the main thread.
 */
#ifndef PROXY_GATE_FRONT_H
#define PROXY_GATE_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "proxy/diagnosis/reasons.h"
#include "proxy/gate/guard.h"

struct connection;
struct err;
struct event_base;
struct evhttp_request;
struct front;
struct handshake;
struct known_head;
struct stats;
struct tally;

/* `refusal` is REASON_OK for a request that may be served. */
typedef void front_handler_fn(struct evhttp_request *req,
    struct connection *connection, enum reason refusal, void *arg);

/* The connection goes away; nothing of it may be used after. */
typedef void front_gone_fn(void *request_state);

/* A handshake failed; `handshake` is the callee's. */
typedef void front_failed_fn(struct handshake *handshake, void *arg);

/* Absolute: a byte now and then moves none of them, but that an answer stands
 * still while the client takes some of it. */
struct front_deadlines {
	unsigned handshake_ms;
	unsigned head_ms; /* of a request, from its first byte */
	unsigned idle_ms;
	unsigned write_stall_ms; /* while the client takes nothing */
};

extern const struct front_deadlines front_default_deadlines;

struct front_options {
	struct event_base *base;
	SSL_CTX *tls; /* NULL: plain; referenced as long as needed */
	const struct guard_limits *limits;
	const struct front_deadlines *deadlines;
	struct tally *tally; /* outlives it */
	struct stats *stats;
	/* The handler takes each request's head, see connection_take_head();
	 * if not, evhttp always has all headers. */
	bool keeps_heads;
	front_handler_fn *handle;
	front_gone_fn *gone; /* for a request in work, see below */
	void *arg;
	front_failed_fn *failed; /* NULL: only counted */
	void *failed_arg;
};

struct front *front_new(const struct front_options *options, struct err *err);

/* Closes what is open; `gone` is called for requests in work. */
void front_free(struct front *front);

/* Accepts from a listening descriptor, which stays the caller's.  `name` is
 * what connections from there are told by. */
int front_listen(
    struct front *front, int fd, const char *name, struct err *err);

/*
 * Leaves the descriptor alone, which must still be open; what was accepted
 * from it is retired.
 */
void front_unlisten(struct front *front, int fd);

/*
 * For connections accepted from now on; NULL for plain ones.  Takes a
 * reference of its own.
 */
void front_set_tls(struct front *front, SSL_CTX *tls);

/*
 * Ends what is open so far: idle connections and unfinished handshakes at
 * once, the others with the answer they are working on.
 */
void front_retire(struct front *front);

/* No new connections; idle ones are closed, the others after their answer. */
void front_drain(struct front *front);
size_t front_connection_count(const struct front *front);

/*
 * Once, at the begin of the handler's call: the head whose headers evhttp has
 * not got; the handler's to unref.  NULL: evhttp has them.
 */
struct known_head *connection_take_head(struct connection *connection);

/* From the handler's call until connection_done(). */
SSL *connection_ssl(const struct connection *connection); /* NULL: plain */
int connection_fd(const struct connection *connection);

/* "10.0.0.7" or "unix"; and with the port for display. */
const char *connection_peer(const struct connection *connection);

/* The name of the listening descriptor it came through, valid as long as that
 * is listened to; NULL if that cannot be told. */
const char *connection_listener(const struct connection *connection);

/* What the guard knows of a refused request: method, detail. */
const struct guard *connection_guard(const struct connection *connection);

/* `state` goes to front_options.gone if the peer goes away meanwhile; NULL
 * when there is nothing to tell any more. */
void connection_working(struct connection *connection, void *state);

/* Has the peer gone for good?  Never true for a mere half-close in plain. */
bool connection_is_dead(const struct connection *connection);

/* Is the answer to its request the last one, see front_retire()? */
bool connection_is_retired(const struct connection *connection);

/* Closes at once, through evhttp's own path; calls `gone`. */
void connection_kill(struct connection *connection);

/* The answer is out: back to idle.  In evhttp's completion callback. */
void connection_done(struct connection *connection);

#endif
