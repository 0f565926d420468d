/*
 * How auth/ reaches services: one HTTP exchange, made by whoever has the loop,
 * the resolver and TLS (proxy/backend/caller.h), or by a test.
 *
 * The thread of the backend.
 */
#ifndef AUTH_TRANSPORT_H
#define AUTH_TRANSPORT_H

#include <stddef.h>

/* All copied. */
struct auth_call {
	const char *url;        /* http or https, absolute */
	const char *ca_file;    /* NULL: the system's authorities */
	const char *token_file; /* sent as Bearer; read now; NULL: none */
	const char *body;       /* JSON to POST; NULL: GET */
	size_t body_len;
	size_t answer_max;   /* a larger answer fails the call */
	unsigned timeout_ms; /* of all of it */
};

struct auth_reply {
	int status;       /* 0: no whole answer came */
	const char *body; /* terminated; may hold NUL */
	size_t len;
	/* Without an answer: why, in words for an operator: "dial tcp
	 * 10.0.0.1:443: connect: connection refused".  Else "". */
	const char *error;
	unsigned retry_after_s; /* of the answer; 0: it did not say */
};

typedef void auth_reply_fn(const struct auth_reply *reply, void *arg);

struct auth_transport {
	/* done() runs once, later, from the loop; never before this returns. */
	void *(*start)(void *transport, const struct auth_call *call,
	    auth_reply_fn *done, void *arg);
	/* No done() then. */
	void (*cancel)(void *transport, void *started);
	void *transport;
};

#endif
