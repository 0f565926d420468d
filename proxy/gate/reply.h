/*
 * Sends an answer's wire image on a front's connection, past evhttp's own
 * reply code: a small answer leaves by one write of one contiguous buffer.
 * The only place that writes to a client of the gate.
 */
#ifndef PROXY_GATE_REPLY_H
#define PROXY_GATE_REPLY_H

#include <stdbool.h>
#include <stdint.h>

struct conf_http_server;
struct connection;
struct evbuffer;
struct evhttp_request;
struct wire;

struct reply {
	const struct wire *wire;
	bool is_head;    /* HEAD: everything but the body */
	bool is_close;   /* say so, and close afterwards */
	bool is_chunked; /* say so: the body does not stand in the wire */
	int64_t age_s;   /* of a kept answer; -1: no Age header */
	/* The scraper has waited for it: the first bytes leave at once, for a
	 * little more work of ours. */
	bool is_awaited;
	const struct conf_http_server *http; /* headers for every answer */
};

/*
 * Hands the bytes to the kernel or to the connection's queue and ends the
 * request: neither `req` nor `connection` may be used after.  The wire is
 * referenced as long as it is needed.
 */
void reply_send(struct connection *connection, struct evhttp_request *req,
    const struct reply *reply);

/* Only the head, copied; the body follows, and then reply_end(). */
void reply_head(struct evbuffer *out, const struct reply *reply);

/*
 * Ends the request when all that is queued has gone out: neither `req` nor
 * `connection` may be used after.
 */
void reply_end(
    struct connection *connection, struct evhttp_request *req, bool is_close);

#endif
