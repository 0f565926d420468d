/*
 * The beginning of what an exporter said, as it came: its head, and then as
 * much of the body as fits.  Of a coded body what it inflates to, as soon as
 * there is any of that; else the bytes on the wire, chunk sizes and all.
 *
 * Every answer is noted, and nearly none is ever shown, so noting only copies.
 * What is kept of a bad one is masked first: values that are secrets between
 * the exporter and its clients (cookies, tokens) go no further than this.
 */
#ifndef PROXY_FETCH_SAID_H
#define PROXY_FETCH_SAID_H

#include <stdbool.h>
#include <stddef.h>

#define SAID_MAX 4096

struct said {
	size_t len;
	size_t head_len;  /* of these, the head's */
	bool is_cut;      /* there was more */
	bool is_inflated; /* the body is what it inflated to */
	char bytes[SAID_MAX];
};

void said_reset(struct said *said);

/* One line of a head, its line end included. */
void said_head(struct said *said, const char *line, size_t len);
void said_body(struct said *said, const char *bytes, size_t len);
void said_inflated(struct said *said, const char *text, size_t len);

/* The same, with what is secret in its head left out. */
void said_mask(const struct said *said, struct said *masked);

#endif
