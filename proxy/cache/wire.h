/*
 * An answer's bytes as they go on the wire: head and body in one contiguous
 * buffer, so a small answer leaves by one write and one TLS record.  The body
 * comes first (it is appended while it arrives), the head is put in front of
 * it when the answer is sealed.
 *
 * Counted, and in the budget; immutable once sealed.  Before that it has one
 * owner and is used on one thread.
 */
#ifndef PROXY_CACHE_WIRE_H
#define PROXY_CACHE_WIRE_H

#include <stddef.h>

struct wire;

struct wire *wire_new(size_t size_hint);
struct wire *wire_ref(struct wire *wire); /* any thread */
void wire_unref(struct wire *wire);       /* any thread; NULL is fine */

void wire_append(struct wire *wire, const char *bytes, size_t len);

/* Overwrites the body, which was a secret; before it is sealed. */
void wire_wipe(struct wire *wire);

/*
 * Puts the head in front and gives back spare memory.  `head` ends with the
 * CRLF of its last header line; the blank line is added here.
 */
void wire_seal(struct wire *wire, const char *head, size_t head_len);

const char *wire_bytes(const struct wire *wire); /* from the head on */
size_t wire_len(const struct wire *wire);
size_t wire_head_len(const struct wire *wire); /* blank line included */
const char *wire_body(const struct wire *wire);
size_t wire_body_len(const struct wire *wire);

#endif
