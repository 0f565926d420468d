#include "proxy/exposition/labelset.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/exposition/fingerprint.h"
#include "proxy/exposition/lexer_parts.h"
#include "proxy/exposition/parse.h"
#include "proxy/base/utf8.h"

static const unsigned char name_label[] = "__name__";
/* Go's %.50s and %.50q. */
#define SAID_RUNES 50

static bool
is_name_label(struct slice name)
{
	return name.len == sizeof(name_label) - 1 &&
	       memcmp(name.bytes, name_label, name.len) == 0;
}

/* \\, \" and \n; any other backslash stays. */
static size_t
unescape(unsigned char *out, struct slice text, bool is_raw)
{
	size_t i, len = 0;

	if (is_raw) {
		memcpy(out, text.bytes, text.len);
		return text.len;
	}

	for (i = 0; i < text.len; i++) {
		unsigned char c = text.bytes[i], next;

		next = i + 1 < text.len ? text.bytes[i + 1] : 0;
		if (c == '\\' && (next == '\\' || next == '"' || next == 'n')) {
			c = next == 'n' ? '\n' : next;
			i++;
		}
		out[len++] = c;
	}
	return len;
}

static bool
has_escape(struct slice text, bool is_raw)
{
	return !is_raw && memchr(text.bytes, '\\', text.len) != NULL;
}

static size_t
length(struct slice text, bool is_raw)
{
	unsigned char *plain;
	size_t len;

	if (!has_escape(text, is_raw))
		return text.len;
	plain = xmalloc(text.len);
	len = unescape(plain, text, is_raw);
	free(plain);
	return len;
}

static int
compare_plain(struct slice a, struct slice b)
{
	int order = memcmp(a.bytes, b.bytes, a.len < b.len ? a.len : b.len);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

static int
compare_names(const struct label *a, const struct label *b)
{
	struct slice plain_a = a->name, plain_b = b->name;
	unsigned char *room;
	int order;

	if (!has_escape(a->name, a->is_raw) && !has_escape(b->name, b->is_raw))
		return compare_plain(a->name, b->name);
	room = xmalloc(a->name.len + b->name.len + 1);
	plain_a.len = unescape(room, a->name, a->is_raw);
	plain_a.bytes = room;
	plain_b.len = unescape(room + a->name.len, b->name, b->is_raw);
	plain_b.bytes = room + a->name.len;
	order = compare_plain(plain_a, plain_b);
	free(room);
	return order;
}

static int
compare_labels(const void *a, const void *b)
{
	return compare_names(a, b);
}

/*
 * Before all others, so it is the first of several such names.  A quoted name
 * of no length is one too, until it is dropped as empty.
 */
static void
add_name(struct parse *parse)
{
	struct label label = { { name_label, sizeof(name_label) - 1 },
		parse->name, parse->is_raw };

	parse_add_label(parse, &label);
	memmove(parse->labels + 1, parse->labels,
	    (parse->label_count - 1) * sizeof(label));
	parse->labels[0] = label;
}

/* Of a name that has an empty value once, nothing stays. */
static void
drop_empty(struct parse *parse)
{
	struct label *labels = parse->labels;
	size_t i, next, kept = 0, count = parse->label_count;
	bool is_empty;

	for (i = 0; i < count; i = next) {
		is_empty = false;
		for (next = i; next < count &&
			       compare_names(&labels[next], &labels[i]) == 0;
		     next++)
			is_empty |= labels[next].value.len == 0;
		if (is_empty)
			continue;
		memmove(
		    labels + kept, labels + i, (next - i) * sizeof(*labels));
		kept += next - i;
	}
	parse->label_count = kept;
}

static const struct label *
find_name(const struct parse *parse)
{
	size_t i;

	for (i = 0; i < parse->label_count; i++)
		if (is_name_label(parse->labels[i].name))
			return &parse->labels[i];
	return NULL;
}

static bool
refuse(struct parse *parse, enum reason reason, struct slice offending)
{
	parse->reason = reason;
	parse->offending = offending;
	return false;
}

/* The metric's name has no label name in the body: then it is its value. */
static struct slice
place_of(const struct label *label)
{
	return label->name.bytes == name_label ? label->value : label->name;
}

static bool
is_valid(const struct parse *parse, const struct label *label)
{
	if (parse->version == PROMETHEUS_242)
		return !is_name_label(label->name) ||
		       lex_is_name(label->value.bytes, label->value.len, true);
	return label->name.len > 0 &&
	       utf8_is_valid(label->name.bytes, label->name.len) &&
	       utf8_is_valid(label->value.bytes, label->value.len);
}

static void
say_text(struct words *said, const struct label *label, bool is_value,
    bool is_quoted, size_t runes)
{
	struct slice text = is_value ? label->value : label->name;
	unsigned char *plain = xmalloc(text.len + 1);
	size_t len = unescape(plain, text, label->is_raw);

	if (runes > 0)
		len = words_runes(plain, len, runes);
	if (is_quoted)
		words_quote(said, plain, len);
	else
		words_add_bytes(said, plain, len);
	free(plain);
}

/* {a="1", b="2"}, in the way of labels.Labels.String(). */
static void
say_labels(struct parse *parse)
{
	struct words *said = &parse->said;
	size_t i;

	words_add(said, "{");
	for (i = 0; i < parse->label_count; i++) {
		const struct label *label = &parse->labels[i];

		if (i > 0)
			words_add(said, ", ");
		say_text(said, label, false,
		    !lex_is_name(label->name.bytes, label->name.len, false), 0);
		words_add(said, "=");
		say_text(said, label, true, true, 0);
	}
	words_add(said, "}");
}

static bool
check_names(struct parse *parse)
{
	size_t i;

	if (find_name(parse) == NULL) {
		words_add(&parse->said, "missing metric name (__name__ label)");
		return refuse(parse, REASON_SERIES_NAME_MISSING, parse->name);
	}
	for (i = 0; i < parse->label_count; i++) {
		const struct label *label = &parse->labels[i];

		if (is_valid(parse, label))
			continue;
		words_add(&parse->said, "invalid metric name or label names: ");
		say_labels(parse);
		return refuse(parse, REASON_SERIES_NAME_INVALID,
		    is_name_label(label->name) ? label->value
					       : place_of(label));
	}
	return true;
}

/* "NAME exceeded (metric: NAME" */
static void
say_limit(struct parse *parse, const char *name)
{
	words_add(&parse->said, name);
	words_add(&parse->said, " exceeded (metric: ");
	say_text(&parse->said, find_name(parse), true, false, SAID_RUNES);
}

/* ", LABEL: number, limit: number)" */
static void
say_numbers(
    struct parse *parse, const char *what, uint64_t number, uint64_t limit)
{
	words_add(&parse->said, what);
	words_add_number(&parse->said, (long long)number);
	words_add(&parse->said, ", limit: ");
	words_add_number(&parse->said, (long long)limit);
	words_add(&parse->said, ")");
}

static bool
check_length(struct parse *parse, const struct label *label,
    const struct exposition_limits *limits)
{
	size_t name_len = length(label->name, label->is_raw);
	size_t value_len = length(label->value, label->is_raw);
	struct words *said = &parse->said;

	if (limits->label_name_length > 0 &&
	    name_len > limits->label_name_length) {
		say_limit(parse, "label_name_length_limit");
		words_add(said, ", label name: ");
		say_text(said, label, false, false, SAID_RUNES);
		say_numbers(
		    parse, ", length: ", name_len, limits->label_name_length);
		return refuse(
		    parse, REASON_LIMIT_LABEL_NAME_LENGTH, place_of(label));
	}
	if (limits->label_value_length == 0 ||
	    value_len <= limits->label_value_length)
		return true;
	say_limit(parse, "label_value_length_limit");
	words_add(said, ", label name: ");
	say_text(said, label, false, false, SAID_RUNES);
	words_add(said, ", value: ");
	say_text(said, label, true, true, SAID_RUNES);
	say_numbers(parse, ", length: ", value_len, limits->label_value_length);
	return refuse(parse, REASON_LIMIT_LABEL_VALUE_LENGTH, label->value);
}

static bool
check_limits(struct parse *parse, const struct exposition_limits *limits)
{
	size_t i;

	if (limits->labels > 0 && parse->label_count > limits->labels) {
		say_limit(parse, "label_limit");
		say_numbers(parse, ", number of labels: ", parse->label_count,
		    limits->labels);
		return refuse(parse, REASON_LIMIT_LABELS, parse->name);
	}
	if (limits->label_name_length == 0 && limits->label_value_length == 0)
		return true;
	for (i = 0; i < parse->label_count; i++)
		if (!check_length(parse, &parse->labels[i], limits))
			return false;
	return true;
}

/* Prometheus renames what the target has already, and so makes it one. */
static bool
is_target_label(struct slice name)
{
	return (name.len == 3 && memcmp(name.bytes, "job", 3) == 0) ||
	       (name.len == 8 && memcmp(name.bytes, "instance", 8) == 0);
}

static bool
check_duplicates(struct parse *parse)
{
	const struct label *labels = parse->labels;
	size_t i;

	for (i = 1; i < parse->label_count; i++) {
		if (compare_names(&labels[i], &labels[i - 1]) != 0 ||
		    is_target_label(labels[i].name))
			continue;
		words_add(&parse->said, "label name \"");
		say_text(&parse->said, &labels[i], false, false, 0);
		words_add(&parse->said, "\" is not unique: invalid sample");
		return refuse(
		    parse, REASON_SERIES_LABEL_DUPLICATE, place_of(&labels[i]));
	}
	return true;
}

bool
labelset_check(struct parse *parse, const struct exposition_limits *limits,
    bool is_dropped)
{
	add_name(parse);
	qsort(parse->labels, parse->label_count, sizeof(*parse->labels),
	    compare_labels);
	drop_empty(parse);
	return check_names(parse) && check_limits(parse, limits) &&
	       (is_dropped || check_duplicates(parse));
}

/* As name="value", which is how it usually stands there. */
static uint64_t
fingerprint_label(const struct label *label, uint64_t seed)
{
	size_t len = label->name.len + label->value.len + 3;
	unsigned char small[512], *text = small;
	uint64_t fingerprint;

	if (len > sizeof(small))
		text = xmalloc(len);
	memcpy(text, label->name.bytes, label->name.len);
	text[label->name.len] = '=';
	text[label->name.len + 1] = '"';
	memcpy(
	    text + label->name.len + 2, label->value.bytes, label->value.len);
	text[len - 1] = '"';
	fingerprint = fingerprint_bytes(seed, text, len);
	if (text != small)
		free(text);
	return fingerprint;
}

uint64_t
labelset_fingerprint(const struct parse *parse, uint64_t seed)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < parse->label_count; i++) {
		const struct label *label = &parse->labels[i];

		if (is_name_label(label->name))
			sum += fingerprint_bytes(
			    seed, label->value.bytes, label->value.len);
		else
			sum += fingerprint_label(label, seed);
	}
	return sum;
}
