/*
 * Private to the guard: its states, and what guard.c (the frame of a head)
 * and guard_fields.c (the headers whose values are looked into) share.
 *
 * A step reads as many bytes as its state takes and returns the first that it
 * did not; a refusing step returns the byte it refuses.  It is never called
 * without a byte to look at.
 */
#ifndef PROXY_GATE_GUARD_STEPS_H
#define PROXY_GATE_GUARD_STEPS_H

#include <stdbool.h>

#include "proxy/gate/guard.h"

enum guard_state {
	STATE_START,   /* before the method; a CRLF may come first */
	STATE_LEAD_LF, /* that CRLF's LF */
	STATE_METHOD,
	STATE_PRI,    /* behind "PRI ", which may begin an HTTP/2 preface */
	STATE_TARGET, /* from here on http-parser judges, too */
	STATE_VERSION,
	STATE_LF,   /* CR seen */
	STATE_LINE, /* first byte of a line behind the request line */
	STATE_NAME,
	STATE_VALUE,
	STATE_HOST, /* values that are looked into */
	STATE_LENGTH,
	STATE_CONNECTION,
	STATE_END_LF, /* CR of the empty line seen */
	STATE_COMPLETE,
};

/* What a byte may be part of. */
enum guard_class {
	CLASS_TOKEN = 1,  /* RFC 9110 5.6.2: methods and header names */
	CLASS_TARGET = 2, /* visible ASCII but '#' */
	CLASS_VALUE = 4,  /* HT and SP to '~'; no obs-text */
	CLASS_HOST = 8,   /* RFC 3986 unreserved, less '.' */
	CLASS_IP6 = 16,   /* inside [ ] */
};

extern const unsigned char guard_classes[256];

static inline bool
is_class(char byte, int class)
{
	return (guard_classes[(unsigned char)byte] & class) != 0;
}

static inline bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static inline char
to_lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte + 'a' - 'A') : byte;
}

/* Both return `p`. */
const char *guard_refuse(
    struct guard *guard, enum reason reason, const char *detail, const char *p);
/* 400; a byte that is never allowed is named instead of `detail`. */
const char *guard_malformed(
    struct guard *guard, const char *detail, const char *p);

/* At the colon of the name in guard->token: checks it, picks the reader. */
const char *guard_end_name(struct guard *guard, const char *p);

const char *guard_step_value(
    struct guard *guard, const char *p, const char *end);
const char *guard_step_host(
    struct guard *guard, const char *p, const char *end);
const char *guard_step_length(
    struct guard *guard, const char *p, const char *end);
const char *guard_step_connection(
    struct guard *guard, const char *p, const char *end);

/* Is there a header that a head of this version cannot do without? */
bool guard_lacks_host(const struct guard *guard);

#endif
