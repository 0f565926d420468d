#include "proxy/exposition/fast.h"

#include <stdint.h>
#include <string.h>

#include "proxy/exposition/equal.h"
#include "proxy/exposition/fast_parts.h"
#include "proxy/exposition/fingerprint.h"
#include "proxy/exposition/number.h"
#include "proxy/base/utf8.h"

/* More labels than that are unusual. */
#define LABELS_MAX 32

struct line {
	const unsigned char *safe; /* last byte at which a block may begin */
	const unsigned char *start;
	uint64_t fingerprint;
	bool is_hashed;
	/*
	 * Label names in their places, most of them of a line before: nearly
	 * all lines have the labels of the one before.  No two are the same.
	 */
	const unsigned char *names[LABELS_MAX];
	uint8_t name_lens[LABELS_MAX];
	uint64_t name_bits[LABELS_MAX + 1]; /* of those before that place */
	size_t name_count;
	size_t label_count; /* of this line, so far */
	bool has_high;
	bool is_same; /* has the metric's name of the line before */
};

/* The closing quote of a label value, or NULL if it is not plain. */
static const unsigned char *
skip_value(struct line *line, const unsigned char *p)
{
	uint32_t bits;

	for (;;) {
		if (p > line->safe)
			return NULL;
		bits = simd_special(simd_load(p));
		if (bits == 0) {
			p += SIMD_WIDTH;
			continue;
		}
		p += simd_first(bits);
		if (*p == '"')
			return p;
		if (*p == '\n' || *p == '\0')
			return NULL;
		if (*p == '\\') {
			p++;
			if (*p != '\\' && *p != '"' && *p != 'n')
				return NULL;
		} else if (*p >= 0x80)
			line->has_high = true;
		p++;
	}
}

/* The next name is this one.  False: it comes twice, or there are too many to
 * tell. */
static bool
note_name(struct line *line, const unsigned char *name, size_t len)
{
	uint64_t bit = (uint64_t)1
		       << ((name[0] * 5u + name[len - 1] * 3u + (unsigned)len) &
			      63);
	size_t place = line->label_count, i;

	if (place == LABELS_MAX || len > UINT8_MAX)
		return false;
	if ((line->name_bits[place] & bit) != 0)
		for (i = 0; i < place; i++)
			if (line->name_lens[i] == len &&
			    memcmp(line->names[i], name, len) == 0)
				return false;
	line->names[place] = name;
	line->name_lens[place] = (uint8_t)len;
	line->name_bits[place + 1] = line->name_bits[place] | bit;
	line->name_count = place + 1;
	return true;
}

/* The end of a name that is the one in its place before, with its ="; or
 * NULL. */
static const unsigned char *
like_before(const struct line *line, const unsigned char *name)
{
	size_t len;

	if (line->label_count >= line->name_count)
		return NULL;
	len = line->name_lens[line->label_count];
	if ((ptrdiff_t)len > line->safe - name ||
	    !equal_bytes(name, line->names[line->label_count], len + 2))
		return NULL;
	return name + len;
}

/* The end of any other label name with its =", which is noted in this place;
 * or NULL. */
static const unsigned char *
take_label_name(
    const struct fast *fast, struct line *line, const unsigned char *name)
{
	const unsigned char *end = name;
	size_t len;
	uint32_t bits;

	if (!lex_is(*name, CLASS_LABEL_START))
		return NULL;
	bits = simd_no_label(simd_load(name));
	while (bits == 0) {
		end += SIMD_WIDTH;
		if (end > line->safe)
			return NULL;
		bits = simd_no_label(simd_load(end));
	}
	end += simd_first(bits);
	if (end[0] != '=' || end[1] != '"')
		return NULL;
	len = (size_t)(end - name);
	if ((len == 8 && memcmp(name, "__name__", 8) == 0) ||
	    len > fast->name_max || !note_name(line, name, len))
		return NULL;
	return end;
}

/* name="value"; returns what is behind it, or NULL. */
static const unsigned char *
take_label(struct fast *fast, struct line *line, const unsigned char *name)
{
	const unsigned char *value, *end;
	size_t len;

	if (name > line->safe)
		return NULL;
	end = like_before(line, name);
	if (end == NULL)
		end = take_label_name(fast, line, name);
	if (end == NULL)
		return NULL;
	line->label_count++;
	value = end + 2;
	line->has_high = false;
	end = skip_value(line, value);
	if (end == NULL)
		return NULL;
	len = (size_t)(end - value);
	if (len > fast->value_max ||
	    (line->has_high && !utf8_is_valid(value, len)))
		return NULL;
	/* Without a value it is no label. */
	if (len > 0 && line->is_hashed)
		line->fingerprint += fingerprint_bytes(
		    fast->learn->seed, name, (size_t)(end + 1 - name));
	return end + 1;
}

/* From behind the opening brace to behind the closing one, or NULL. */
static const unsigned char *
take_labels(struct fast *fast, struct line *line, const unsigned char *p)
{
	line->label_count = 0;
	line->fingerprint = 0;
	while (*p != '}') {
		p = take_label(fast, line, p);
		if (p == NULL)
			return NULL;
		if (*p != ',')
			break;
		p++;
		/* A trailing comma is for the text format alone. */
		if (*p == '}' && fast->is_openmetrics)
			return NULL;
	}
	if (*p != '}')
		return NULL;
	if (line->label_count >= fast->labels_max)
		return NULL;
	return p + 1;
}

/* The end of a plain number, whose next byte ends it; or NULL. */
static const unsigned char *
take_number(const struct line *line, const unsigned char *p)
{
	unsigned len;

	if (p > line->safe)
		return NULL;
	len = fast_number(p, line->safe);
	return len > 0 ? p + len : NULL;
}

static const unsigned char *
take_timestamp(
    const struct line *line, const unsigned char *p, int64_t *timestamp_ms)
{
	uint32_t bits;
	unsigned len;

	if (p > line->safe)
		return NULL;
	bits = ~simd_digits(simd_load(p)) & 0xffff;
	len = bits == 0 ? 0 : simd_first(bits);
	if (len == 0 || p[len] != '\n')
		return NULL;
	number_parse_digits(p, len, timestamp_ms);
	return p + len;
}

static const unsigned char *
take_name(struct fast *fast, struct line *line, const unsigned char *p)
{
	struct learn *learn = fast->learn;
	const unsigned char *end = p + learn->name_len;

	line->is_same = learn->name_len > 0 && end <= line->safe &&
			(*end == '{' || *end == ' ') &&
			equal_bytes(p, learn->name, learn->name_len);
	if (line->is_same)
		return end;
	end = fast_open_name(&learn->families, p, line->safe);
	if (end != NULL)
		return end;
	end = fast_skip_name(p, line->safe);
	if (end == NULL || (*end != '{' && *end != ' '))
		return NULL;
	return end;
}

/*
 * Of a line that was read, from behind the opening brace on: the one label
 * that has a value, as it stands there, or none; those without are no labels.
 * False if there are several.
 */
static bool
find_label(const unsigned char *p, const unsigned char **label, size_t *len)
{
	const unsigned char *name, *value;

	*len = 0;
	while (*p != '}') {
		name = p;
		value = (const unsigned char *)strchr((const char *)p, '"') + 1;
		for (p = value; *p != '"'; p++)
			p += *p == '\\';
		p++;
		if (p > value + 1 && *len > 0)
			return false;
		if (p > value + 1) {
			*label = name;
			*len = (size_t)(p - name);
		}
		p += *p == ',';
	}
	return true;
}

/* `labels` is what follows the name. */
static void
keep_value(struct learn *learn, const unsigned char *labels,
    const unsigned char *number, size_t len)
{
	const unsigned char *label = number;
	size_t label_len = 0;
	double value;

	if (*labels == '{' && !find_label(labels + 1, &label, &label_len))
		return;
	if (number_parse_float(number, len, &value) == NUMBER_FINE)
		learn_value(learn, label, label_len, value);
}

/* With a timestamp it counts whether the series is that of the line before,
 * even if none is looked up any more. */
static uint64_t
timed_fingerprint(struct fast *fast, struct line *line, const unsigned char *p)
{
	if (!line->is_hashed && *p == '{') {
		line->is_hashed = true;
		take_labels(fast, line, p + 1);
	}
	return line->fingerprint + fast->learn->name_hash;
}

/* Behind the newline, or NULL: nothing was taken. */
static const unsigned char *
take_sample(struct fast *fast, struct line *line, const unsigned char *end)
{
	struct learn *learn = fast->learn;
	const unsigned char *name = line->start, *labels, *p;
	const unsigned char *number, *number_end;
	int64_t timestamp_ms = 0;
	size_t len;

	labels = p = take_name(fast, line, name);
	if (p == NULL)
		return NULL;
	len = (size_t)(p - name);
	line->fingerprint = 0;
	line->is_hashed = learn_looks_up(learn);
	if (*p == '{') {
		p = take_labels(fast, line, p + 1);
		if (p == NULL)
			return NULL;
	}
	/* __name__ is a label, too. */
	if (*p != ' ' || fast->name_max < 8 || fast->value_max < len)
		return NULL;
	number = p + 1;
	number_end = p = take_number(line, number);
	if (p == NULL)
		return NULL;
	if (*p == ' ') {
		if (fast->is_openmetrics)
			return NULL;
		p = take_timestamp(line, p + 1, &timestamp_ms);
		if (p == NULL)
			return NULL;
	}
	if (*p != '\n' || p >= end || p - name >= PARSE_ENTRY_MAX)
		return NULL;
	p++;
	if (!line->is_same)
		learn_name(learn, name, len);
	learn_sample(learn, (size_t)(p - name));
	if (*number_end == ' ')
		learn_timed_series(
		    learn, timed_fingerprint(fast, line, labels), timestamp_ms);
	else
		learn_series(learn, line->fingerprint + learn->name_hash);
	if (learn->known >= 0)
		keep_value(
		    learn, labels, number, (size_t)(number_end - number));
	return p;
}

static size_t
bound_of(uint64_t limit)
{
	return limit == 0 || limit > SIZE_MAX ? SIZE_MAX : (size_t)limit;
}

void
fast_begin(struct fast *fast, struct learn *learn,
    const struct exposition_limits *limits, bool is_openmetrics)
{
	fast->learn = learn;
	fast->is_openmetrics = is_openmetrics;
	fast->labels_max = bound_of(limits->labels);
	fast->name_max = bound_of(limits->label_name_length);
	fast->value_max = bound_of(limits->label_value_length);
}

size_t
fast_lines(
    struct fast *fast, const unsigned char *bytes, size_t len, size_t slack)
{
	const unsigned char *p = bytes, *end = bytes + len, *next;
	struct line line;

	/* Blocks are read whole, and up to four bytes behind them. */
	if (len + slack < FAST_SLACK)
		return 0;
	line.safe = end + slack - SIMD_WIDTH - 4;
	line.name_count = 0;
	line.name_bits[0] = 0;
	while (p < end && p <= line.safe) {
		line.start = p;
		if (*p == '#')
			next = fast_metadata(fast, p, end, line.safe);
		else
			next = take_sample(fast, &line, end);
		if (next == NULL)
			break;
		p = next;
		fast->learn->line++;
	}
	return (size_t)(p - bytes);
}
