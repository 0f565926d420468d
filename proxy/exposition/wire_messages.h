/*
 * The messages as tables: what each field is, and what it tells of a metric.
 * Private to wire_check.c.
 */
#ifndef PROXY_EXPOSITION_WIRE_MESSAGES_H
#define PROXY_EXPOSITION_WIRE_MESSAGES_H

#include <stdint.h>

#include "proxy/exposition/wire_check.h"

enum wire_kind {
	KIND_VARINT,
	KIND_DOUBLE,
	KIND_STRING,
	KIND_MESSAGE,
	KIND_VARINTS, /* repeated, packed or not */
	KIND_DOUBLES,
};

/* What a field does to struct wire_metric. */
enum wire_effect {
	EFFECT_NONE,
	EFFECT_QUANTILE,
	EFFECT_BUCKET,
	EFFECT_UPPER_BOUND,
	EFFECT_ZERO_THRESHOLD,
	EFFECT_ZERO_COUNT,
	EFFECT_FLOAT,
	EFFECT_EXEMPLAR,
	EFFECT_SPAN,
	EFFECT_SPAN_LENGTH,
	EFFECT_DELTA,
	EFFECT_COUNT,
};

struct wire_description {
	int32_t number;
	enum wire_kind kind;
	const char *name;
	const struct wire_message *message;
	enum wire_effect effect;
	unsigned side; /* of a native histogram: 0 positive, 1 negative */
};

struct wire_message {
	const char *name;
	struct wire_description fields[17]; /* ended by number 0 */
};

#endif
