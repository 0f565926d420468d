/*
 * The messages of io.prometheus.client in protobuf's wire format: tags, wire
 * types and lengths, checked as the generated Go code checks them, with its
 * words.  Pure; nothing is copied.
 */
#ifndef PROXY_EXPOSITION_WIRE_CHECK_H
#define PROXY_EXPOSITION_WIRE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/exposition/parse.h"
#include "proxy/exposition/words.h"

/* One field, as it stands on the wire. */
struct wire_field {
	uint64_t tag;
	int32_t number;
	unsigned type;
	struct slice bytes; /* of type 2: its content */
	uint64_t number_at; /* of type 0: its value; of type 1: its bits */
};

enum wire_end {
	WIRE_FINE,
	WIRE_SHORT, /* the window ends inside */
	WIRE_BAD    /* said is set */
};

/* What a metric's histogram or summary is made of. */
struct wire_metric {
	uint64_t quantiles, buckets, exemplars;
	bool has_infinite_bucket; /* the last one */
	bool has_zero;            /* zero_threshold or zero_count above 0 */
	bool is_float; /* sample_count_float or zero_count_float above 0 */
	uint64_t spans[2], span_lengths[2]; /* positive, negative */
	uint64_t deltas[2], counts[2];
};

struct wire_message;
extern const struct wire_message wire_family, wire_metric_message, wire_label;

/*
 * The field at *at of `message`, whose bytes end at `len`; *at is behind it.
 * Unless is_whole the message goes on behind the window.
 */
enum wire_end wire_next(const struct wire_message *message, struct slice body,
    size_t *at, bool is_whole, struct wire_field *field, struct words *said);

/*
 * All of a message, what it contains included; `metric` may be NULL.  Labels
 * of a metric itself are left to the caller.
 */
bool wire_check(const struct wire_message *message, struct slice body,
    struct wire_metric *metric, struct words *said);

/* 0 if it is cut or longer than 64 bits. */
size_t wire_varint(struct slice bytes, uint64_t *value);

#endif
