/*
 * The guard in front of evhttp: sees every byte of a client before evhttp
 * parses it and lets one strict GET or HEAD head through at a time.  evhttp is
 * too lenient to be trusted with that (it runs a HEAD's body as a second
 * request).  Because no request may carry a body, nothing but whole heads ever
 * crosses, and request smuggling has nothing to work with.
 *
 * Pure: no loop, no clock, no allocation; feed it in any chunks, the verdict
 * is the same.  RFC 9112, stricter than required; http-parser judges the
 * syntax, own byte rules what its packaged (lenient) build lets pass.
 */
#ifndef PROXY_GATE_GUARD_H
#define PROXY_GATE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <http_parser.h>

#include "proxy/diagnosis/reasons.h"

struct guard_limits {
	size_t head_max;      /* 16 KiB: 431; at most 64 KiB (asserted) */
	unsigned headers_max; /* 100:    431 headers_too_large */
	size_t target_max;    /* 4 KiB:  414 uri_too_long */
	bool allow_post;      /* admin: POST with an empty body passes too */
};

extern const struct guard_limits guard_default_limits;

enum guard_verdict {
	GUARD_MORE,    /* all bytes used, no head is complete yet */
	GUARD_HEAD,    /* a good head ended after *used bytes */
	GUARD_REFUSED, /* see guard->refusal; the connection is done for */
};

/*
 * Storage is the caller's; the members are the guard's own.  What they say
 * about a head stays readable from its GUARD_HEAD to the next guard_feed().
 */
struct guard {
	const struct guard_limits *limits;
	const char *detail;  /* static words: what was wrong */
	enum reason refusal; /* REQUEST_MALFORMED, METHOD_NOT_ALLOWED, ... */
	unsigned header_count;
	unsigned underscore_count; /* names with '_', never forwarded */
	size_t head_len;           /* bytes of this head so far, lead too */
	size_t target_len;
	char method[33];    /* as far as seen, printable; for 405's words */
	unsigned char lead; /* 0, or 2: a CRLF came first, which the caller
			     * drops because evhttp refuses it */

	/* private */
	unsigned char state;
	unsigned char part;      /* where in a structured value */
	unsigned char seen;      /* set of known headers seen */
	unsigned char minor;     /* '0' or '1' of HTTP/1.x */
	unsigned char token_len; /* of token[] or method[] */
	bool has_underscore;     /* the name being read */
	bool has_body;           /* a body was announced */
	bool is_agreed;          /* http-parser saw the end, too */
	char token[24];          /* name or list member, lower case */
	uint32_t number;         /* port, or digits of a length */
	http_parser parser;
};

void guard_init(struct guard *guard, const struct guard_limits *limits);

/*
 * Looks at `bytes`, stopping behind the first complete head.  On GUARD_HEAD
 * the caller goes on with the rest as a new head; guard->lead bytes at the
 * begin of the head are to be dropped.  On GUARD_REFUSED nothing from the
 * begin of this head on may reach anybody, and *used is where the first byte
 * stands that made the refusal certain.
 *
 * When several things are wrong the first certain one is told, with one
 * exception: a head that announces a body is read on to its end, since only
 * then it is known whether its framing contradicts itself (400) or it merely
 * asks for what is not served (413).
 */
enum guard_verdict guard_feed(
    struct guard *guard, const char *bytes, size_t len, size_t *used);

/* Did the head that was let through say who asks, or hold cookies? */
bool guard_has_secrets(const struct guard *guard);

#endif
