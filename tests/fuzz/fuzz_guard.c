/*
 * The guard over any bytes: the same verdict in any pieces, and nothing but
 * plain heads let through.  The first two bytes of an input choose the pieces.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/gate/guard.h"
#include "proxy/gate/known.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s: %s\n", __func__, #condition);     \
			abort();                                               \
		}                                                              \
	} while (0)

/* Small, so that an input can exceed each of them. */
static const struct guard_limits limits[2] = {
	{ .head_max = 600, .headers_max = 8, .target_max = 40 },
	{ .head_max = 600,
	    .headers_max = 8,
	    .target_max = 40,
	    .allow_post = true },
};

/* How feeding a whole input ended. */
struct end {
	enum guard_verdict verdict;
	enum reason refusal;
	const char *detail;
	size_t total; /* bytes used */
	size_t heads;
	uint64_t seen; /* hash of what was said about each good head */
};

static void
check_head(const char *head, size_t len)
{
	size_t i;

	CHECK(len >= 18);
	CHECK(memcmp(head + len - 4, "\r\n\r\n", 4) == 0);
	for (i = 0; i < len; i++) {
		if (head[i] == '\r')
			CHECK(i + 1 < len && head[i + 1] == '\n');
		else if (head[i] == '\n')
			CHECK(i > 0 && head[i - 1] == '\r');
		else
			CHECK(head[i] == '\t' ||
			      (head[i] >= ' ' && head[i] <= '~'));
	}
	/* An empty line ends the head and stands nowhere else in it. */
	CHECK(memmem(head, len - 1, "\r\n\r\n", 4) == NULL);
}

/* Kept and recalled, a head is the same; one with credentials is not kept. */
static void
check_known(const char *head, const struct guard *guard)
{
	struct known *known = known_new();
	const struct known_head *found;
	struct guard again;

	guard_init(&again, guard->limits);
	known_keep(known, head, guard->head_len, guard);
	found = known_recall(known, head, guard->head_len, &again);
	CHECK((found == NULL) == guard_has_secrets(guard));
	if (found != NULL) {
		CHECK(again.header_count == guard->header_count);
		CHECK(memcmp(head + known_head_line_len(found) - 2, "\r\n",
			  2) == 0);
		CHECK(known_head_find(found, "Host") != NULL ||
		      guard->minor == '0');
		CHECK(known_head_find(found, "no such header") == NULL);
	}
	known_free(known);
}

static void
note_head(struct end *end, const struct guard *guard, const char *bytes)
{
	const char *head = bytes + end->total - guard->head_len + guard->lead;

	CHECK(guard->lead == 0 || guard->lead == 2);
	CHECK(strncmp(head, guard->method, strlen(guard->method)) == 0);
	check_head(head, guard->head_len - guard->lead);
	if (guard->lead == 0)
		check_known(head, guard);
	end->heads++;
	end->seen = end->seen * 31 + guard->header_count;
	end->seen = end->seen * 31 + guard->underscore_count;
	end->seen = end->seen * 31 + guard->target_len;
	end->seen = end->seen * 31 + guard->head_len;
}

/* Feeds pieces of 1 to `most` bytes, or everything if `most` is 0. */
static void
feed(struct end *end, const struct guard_limits *with, const char *bytes,
    size_t len, size_t most, uint32_t seed)
{
	struct guard guard;
	size_t piece, used;

	memset(end, 0, sizeof(*end));
	guard_init(&guard, with);
	while (end->total < len && end->verdict != GUARD_REFUSED) {
		piece = len - end->total;
		seed = seed * 1664525 + 1013904223;
		if (most > 0 && piece > 1 + (seed >> 8) % most)
			piece = 1 + (seed >> 8) % most;
		end->verdict =
		    guard_feed(&guard, bytes + end->total, piece, &used);
		CHECK(used <= piece);
		CHECK(end->verdict != GUARD_MORE || used == piece);
		CHECK(end->verdict != GUARD_HEAD || used > 0);
		CHECK(guard.head_len <= with->head_max);
		end->total += used;
		if (end->verdict == GUARD_HEAD)
			note_head(end, &guard, bytes);
	}
	end->refusal = guard.refusal;
	end->detail = guard.detail;
	CHECK((end->verdict == GUARD_REFUSED) == (end->detail != NULL));
	CHECK((end->verdict == GUARD_REFUSED) == (end->refusal != REASON_OK));
}

static void
check_same(const struct end *a, const struct end *b)
{
	CHECK(a->verdict == b->verdict);
	CHECK(a->refusal == b->refusal);
	CHECK(a->detail == b->detail);
	CHECK(a->total == b->total);
	CHECK(a->heads == b->heads);
	CHECK(a->seen == b->seen);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct guard_limits *with;
	struct end whole, pieces;
	const char *bytes;

	if (size < 2)
		return 0;
	with = &limits[data[0] & 1];
	bytes = (const char *)data + 2;
	size -= 2;
	feed(&whole, with, bytes, size, 0, 0);
	feed(&pieces, with, bytes, size, 1, 0);
	check_same(&whole, &pieces);
	feed(&pieces, with, bytes, size, 2 + data[1] / 4u,
	    data[0] * 256u + data[1]);
	check_same(&whole, &pieces);
	return 0;
}
