#include "proxy/exposition/wire_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proxy/exposition/wire_messages.h"

/* A message being read. */
struct cursor {
	const struct wire_message *message;
	const unsigned char *bytes;
	size_t len;
	size_t at;
	bool is_whole;
	struct words *said;
};

static enum wire_end
bad(struct cursor *cursor, const char *words)
{
	words_add(cursor->said, words);
	return WIRE_BAD;
}

/* Go's words, or a wish for more. */
static enum wire_end
cut(struct cursor *cursor)
{
	return cursor->is_whole ? bad(cursor, "unexpected EOF") : WIRE_SHORT;
}

static enum wire_end
take_varint(struct cursor *cursor, uint64_t *value)
{
	unsigned shift;

	*value = 0;
	for (shift = 0; shift < 64; shift += 7) {
		unsigned char c;

		if (cursor->at >= cursor->len)
			return cut(cursor);
		c = cursor->bytes[cursor->at++];
		*value |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return WIRE_FINE;
	}
	return bad(cursor, "proto: integer overflow");
}

static enum wire_end
take_length(struct cursor *cursor, uint64_t *len)
{
	enum wire_end end = take_varint(cursor, len);

	if (end != WIRE_FINE)
		return end;
	if (*len > (uint64_t)INT64_MAX - cursor->at)
		return bad(
		    cursor, "proto: negative length found during unmarshaling");
	return *len > cursor->len - cursor->at ? cut(cursor) : WIRE_FINE;
}

/* A field that nobody knows, from its tag on: groups too. */
static enum wire_end
skip_value(struct cursor *cursor, unsigned type, unsigned *depth)
{
	uint64_t value;
	enum wire_end end = WIRE_FINE;
	size_t step = 0;
	char words[48];

	switch (type) {
	case 0:
		return take_varint(cursor, &value);
	case 1:
		step = 8;
		break;
	case 2:
		end = take_length(cursor, &value);
		step = end == WIRE_FINE ? (size_t)value : 0;
		break;
	case 3:
		++*depth;
		break;
	case 4:
		if (*depth == 0)
			return bad(cursor, "proto: unexpected end of group");
		--*depth;
		break;
	case 5:
		step = 4;
		break;
	default:
		snprintf(
		    words, sizeof(words), "proto: illegal wireType %u", type);
		return bad(cursor, words);
	}
	if (end != WIRE_FINE)
		return end;
	if (step > cursor->len - cursor->at)
		return cut(cursor);
	cursor->at += step;
	return WIRE_FINE;
}

static enum wire_end
skip_unknown(struct cursor *cursor, const struct wire_field *field)
{
	unsigned depth = 0, type = field->type;
	enum wire_end end;
	uint64_t tag;

	for (;;) {
		end = skip_value(cursor, type, &depth);
		if (end != WIRE_FINE || depth == 0)
			return end;
		end = take_varint(cursor, &tag);
		if (end != WIRE_FINE)
			return end;
		type = tag & 7;
	}
}

static const struct wire_description *
describe(const struct wire_message *message, int32_t number)
{
	const struct wire_description *field = message->fields;

	while (field->number != 0 && field->number != number)
		field++;
	return field->number != 0 ? field : NULL;
}

static bool
has_type(const struct wire_description *field, unsigned type)
{
	switch (field->kind) {
	case KIND_VARINT:
		return type == 0;
	case KIND_DOUBLE:
		return type == 1;
	case KIND_VARINTS:
		return type == 0 || type == 2;
	case KIND_DOUBLES:
		return type == 1 || type == 2;
	default:
		return type == 2;
	}
}

static enum wire_end
take_tag(struct cursor *cursor, struct wire_field *field)
{
	const char *name = cursor->message->name;
	enum wire_end end = take_varint(cursor, &field->tag);
	char words[128];

	if (end != WIRE_FINE)
		return end;
	field->number = (int32_t)(uint32_t)(field->tag >> 3);
	field->type = field->tag & 7;
	if (field->type == 4) {
		snprintf(words, sizeof(words),
		    "proto: %s: wiretype end group for non-group", name);
		return bad(cursor, words);
	}
	if (field->number <= 0) {
		snprintf(words, sizeof(words),
		    "proto: %s: illegal tag %d (wire type %llu)", name,
		    field->number, (unsigned long long)field->tag);
		return bad(cursor, words);
	}
	return WIRE_FINE;
}

static enum wire_end
take_bytes(struct cursor *cursor, struct wire_field *field)
{
	uint64_t len;
	enum wire_end end = take_length(cursor, &len);

	if (end != WIRE_FINE)
		return end;
	field->bytes.bytes = cursor->bytes + cursor->at;
	field->bytes.len = (size_t)len;
	cursor->at += (size_t)len;
	return WIRE_FINE;
}

static enum wire_end
take_field(struct cursor *cursor, struct wire_field *field,
    const struct wire_description **known)
{
	enum wire_end end = take_tag(cursor, field);
	char words[128];

	if (end != WIRE_FINE)
		return end;
	*known = describe(cursor->message, field->number);
	if (*known == NULL)
		return skip_unknown(cursor, field);
	if (!has_type(*known, field->type)) {
		snprintf(words, sizeof(words),
		    "proto: wrong wireType = %u for field %s", field->type,
		    (*known)->name);
		return bad(cursor, words);
	}
	if (field->type == 0)
		return take_varint(cursor, &field->number_at);
	if (field->type == 2)
		return take_bytes(cursor, field);
	if (cursor->len - cursor->at < 8)
		return cut(cursor);
	memcpy(&field->number_at, cursor->bytes + cursor->at, 8);
	cursor->at += 8;
	return WIRE_FINE;
}

enum wire_end
wire_next(const struct wire_message *message, struct slice body, size_t *at,
    bool is_whole, struct wire_field *field, struct words *said)
{
	struct cursor cursor = { message, body.bytes, body.len, *at, is_whole,
		said };
	const struct wire_description *known = NULL;
	enum wire_end end;

	field->bytes.bytes = NULL;
	end = take_field(&cursor, field, &known);
	if (end == WIRE_FINE && known == NULL)
		field->number = 0;
	*at = cursor.at;
	return end;
}

/* Elements may run over the end of their list, into what follows it. */
static enum wire_end
take_packed(struct cursor *cursor, const struct wire_field *field,
    const struct wire_description *known, uint64_t *count)
{
	size_t stop = cursor->at;
	enum wire_end end;
	uint64_t value;

	cursor->at -= field->bytes.len;
	for (*count = 0; cursor->at < stop; ++*count) {
		if (known->kind == KIND_VARINTS) {
			end = take_varint(cursor, &value);
			if (end != WIRE_FINE)
				return end;
		} else if (cursor->len - cursor->at < 8)
			return cut(cursor);
		else
			cursor->at += 8;
	}
	return WIRE_FINE;
}

static double
as_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void
apply(struct wire_metric *metric, const struct wire_description *known,
    const struct wire_field *field, uint64_t count)
{
	double value = as_double(field->number_at);

	switch (known->effect) {
	case EFFECT_NONE:
		break;
	case EFFECT_QUANTILE:
		metric->quantiles++;
		break;
	case EFFECT_BUCKET:
		metric->buckets++;
		metric->has_infinite_bucket = false;
		break;
	case EFFECT_UPPER_BOUND:
		metric->has_infinite_bucket = isinf(value) && value > 0;
		break;
	case EFFECT_ZERO_THRESHOLD:
		metric->has_zero |= value > 0;
		break;
	case EFFECT_ZERO_COUNT:
		metric->has_zero |= field->number_at > 0;
		break;
	case EFFECT_FLOAT:
		metric->is_float |= value > 0;
		break;
	case EFFECT_EXEMPLAR:
		metric->exemplars++;
		break;
	case EFFECT_SPAN:
		metric->spans[known->side]++;
		break;
	case EFFECT_SPAN_LENGTH:
		metric->span_lengths[known->side] += (uint32_t)field->number_at;
		break;
	case EFFECT_DELTA:
		metric->deltas[known->side] += count;
		break;
	case EFFECT_COUNT:
		metric->counts[known->side] += count;
		break;
	}
}

bool
wire_check(const struct wire_message *message, struct slice body,
    struct wire_metric *metric, struct words *said)
{
	struct cursor cursor = { message, body.bytes, body.len, 0, true, said };

	while (cursor.at < cursor.len) {
		struct wire_field field = { .tag = 0 };
		const struct wire_description *known = NULL;
		uint64_t count = 1;

		if (take_field(&cursor, &field, &known) != WIRE_FINE)
			return false;
		if (known == NULL)
			continue;
		if ((known->kind == KIND_VARINTS ||
			known->kind == KIND_DOUBLES) &&
		    field.type == 2 &&
		    take_packed(&cursor, &field, known, &count) != WIRE_FINE)
			return false;
		if (metric != NULL)
			apply(metric, known, &field, count);
		/* At most four deep: no message contains itself. */
		if (known->kind == KIND_MESSAGE &&
		    !wire_check(known->message, field.bytes, metric, said))
			return false;
	}
	return true;
}

size_t
wire_varint(struct slice bytes, uint64_t *value)
{
	size_t i;

	*value = 0;
	for (i = 0; i < bytes.len && i < 10; i++) {
		*value |= (uint64_t)(bytes.bytes[i] & 0x7f) << (7 * i);
		if (bytes.bytes[i] < 0x80)
			return i + 1;
	}
	return 0;
}
