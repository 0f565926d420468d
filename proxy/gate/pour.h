/*
 * The body of a stream on its way to one scraper: takes pieces from its tap
 * and hands them to the connection, a bounded number of bytes at a time, so
 * that a slow reader holds nothing but its place in the stream.
 *
 * The end is the point of it.  A whole body gets its last chunk; one that
 * failed gets none and the connection is closed at once, so that no scraper
 * takes it for whole.  A scraper of HTTP/1.0 knows no chunks: for it only a
 * reset tells the difference.
 *
 * Lives on the worker's thread, as long as its exchange.
 */
#ifndef PROXY_GATE_POUR_H
#define PROXY_GATE_POUR_H

#include <stdint.h>

struct answer;
struct connection;
struct event_base;
struct evhttp_request;
struct pour;
struct reply;
struct tap;

enum pour_end {
	POUR_DONE,
	POUR_GONE,   /* the scraper closed, or took nothing any more */
	POUR_BROKEN, /* by us */
	POUR_UNBEGUN /* it failed before the head was out: answer otherwise */
};

struct pour_options {
	struct event_base *base;
	struct connection *connection;
	struct evhttp_request *req;
	struct tap *tap;           /* taken over */
	const struct reply *reply; /* the head; only during pour_new() */
	uint64_t deadline_us;
	void (*begun)(void *arg); /* the head goes out */
	/*
	 * Last.  The request is not the caller's any more, but if it has not
	 * begun: `failure` is its answer then.  Of one that was broken it says
	 * why; NULL: time ran out.  `bytes` of the body were handed over.
	 */
	void (*ended)(void *arg, enum pour_end end, uint64_t bytes,
	    struct answer *failure);
	void *arg;
};

/* Starts from the loop: ended() is not called before it returns. */
struct pour *pour_new(const struct pour_options *options);

/* The connection is gone: calls ended(). */
void pour_gone(struct pour *pour);

#endif
