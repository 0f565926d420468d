#include "proxy/cache/wire.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/budget.h"

/* Kept free in front of the body: our heads fit, so sealing moves nothing. */
#define HEADROOM 1024

/*
 * From here on malloc maps memory by itself, and a trimmed tail goes back to
 * the system; below, trimming would only leave holes in the heap.
 */
#define TRIM_FROM (128 * 1024)

#define SIZE_MIN 4096

static const char blank_line[2] = "\r\n";

/*
 *   0 .. start         unused headroom (start is `body` until sealed)
 *   start .. body      head, blank line included
 *   body .. end        body
 *   end .. capacity    spare
 */
struct wire {
	atomic_uint refs;
	bool is_sealed;
	size_t start;
	size_t body;
	size_t end;
	size_t capacity;
	char *bytes;
};

struct wire *
wire_new(size_t size_hint)
{
	struct wire *wire = xmalloc(sizeof(*wire));

	atomic_init(&wire->refs, 1);
	wire->is_sealed = false;
	wire->start = wire->body = wire->end = HEADROOM;
	if (size_hint < SIZE_MIN - HEADROOM)
		size_hint = SIZE_MIN - HEADROOM;
	wire->capacity = HEADROOM + size_hint;
	wire->bytes = xmalloc(wire->capacity);
	budget_take(wire->capacity);
	return wire;
}

struct wire *
wire_ref(struct wire *wire)
{
	atomic_fetch_add_explicit(&wire->refs, 1, memory_order_relaxed);
	return wire;
}

void
wire_unref(struct wire *wire)
{
	if (wire == NULL)
		return;
	if (atomic_fetch_sub_explicit(&wire->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	budget_give(wire->capacity);
	free(wire->bytes);
	free(wire);
}

static void
set_capacity(struct wire *wire, size_t capacity)
{
	wire->bytes = xrealloc(wire->bytes, capacity);
	budget_take(capacity);
	budget_give(wire->capacity);
	wire->capacity = capacity;
}

/* Half as much again: doubling 200 MB would hold 400. */
static void
make_room(struct wire *wire, size_t len)
{
	size_t wanted = wire->capacity + wire->capacity / 2;

	if (len <= wire->capacity - wire->end)
		return;
	set_capacity(wire, wanted - wire->end < len ? wire->end + len : wanted);
}

void
wire_append(struct wire *wire, const char *bytes, size_t len)
{
	assert(!wire->is_sealed);
	if (len == 0)
		return;
	make_room(wire, len);
	memcpy(wire->bytes + wire->end, bytes, len);
	wire->end += len;
}

void
wire_wipe(struct wire *wire)
{
	assert(!wire->is_sealed);
	explicit_bzero(wire->bytes + wire->body, wire->end - wire->body);
}

/* For a head that does not fit the headroom. */
static void
move_body(struct wire *wire, size_t head_len)
{
	size_t shift = head_len - wire->body;

	make_room(wire, shift);
	memmove(wire->bytes + head_len, wire->bytes + wire->body,
	    wire->end - wire->body);
	wire->body += shift;
	wire->end += shift;
}

void
wire_seal(struct wire *wire, const char *head, size_t head_len)
{
	size_t whole_len = head_len + sizeof(blank_line);

	assert(!wire->is_sealed);
	if (whole_len > wire->body)
		move_body(wire, whole_len);
	wire->start = wire->body - whole_len;
	if (head_len > 0)
		memcpy(wire->bytes + wire->start, head, head_len);
	memcpy(wire->bytes + wire->start + head_len, blank_line,
	    sizeof(blank_line));
	wire->is_sealed = true;
	if (wire->capacity >= TRIM_FROM)
		set_capacity(wire, wire->end);
}

const char *
wire_bytes(const struct wire *wire)
{
	return wire->bytes + wire->start;
}

size_t
wire_len(const struct wire *wire)
{
	return wire->end - wire->start;
}

size_t
wire_head_len(const struct wire *wire)
{
	return wire->body - wire->start;
}

const char *
wire_body(const struct wire *wire)
{
	return wire->bytes + wire->body;
}

size_t
wire_body_len(const struct wire *wire)
{
	return wire->end - wire->body;
}
