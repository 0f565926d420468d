#include "proxy/gate/request.h"

#include <stdlib.h>
#include <string.h>

#include <regex.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/escape.h"

#define PARAMETERS_MAX 64

/* What Go's url.QueryEscape leaves as it is. */
static const char unreserved[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~";

struct pair {
	char *name; /* both decoded */
	char *value;
	size_t order; /* of arrival: names are sorted, values are not */
};

struct pairs {
	struct pair *items;
	size_t count;
	size_t capacity;
};

/* Takes over both strings. */
static struct pair *
add_pair(struct pairs *pairs, char *name, char *value)
{
	struct pair *pair;

	if (pairs->count == pairs->capacity) {
		pairs->capacity = pairs->capacity * 2 + 8;
		pairs->items = xrealloc(
		    pairs->items, pairs->capacity * sizeof(pairs->items[0]));
	}
	pair = &pairs->items[pairs->count];
	*pair = (struct pair){ name, value, pairs->count };
	pairs->count++;
	return pair;
}

static void
drop_last_pair(struct pairs *pairs)
{
	struct pair *pair = &pairs->items[--pairs->count];

	free(pair->name);
	free(pair->value);
}

static int
hex_value(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return -1;
}

/* The byte that "%XX" stands for; 0 if it is none, or NUL. */
static char
read_escape(const char *text, size_t len)
{
	int high, low;

	if (len < 3)
		return '\0';
	high = hex_value(text[1]);
	low = hex_value(text[2]);
	if (high < 0 || low < 0)
		return '\0';
	return (char)(high << 4 | low);
}

/*
 * Form-decodes.  A bad escape, a NUL or a ';' (a separator to some) makes it
 * NULL if `is_strict`, and stands for itself if not.
 */
static char *
decode(const char *text, size_t len, bool is_strict)
{
	char *decoded = xmalloc(len + 1);
	char *out = decoded;
	size_t i;
	char byte;

	for (i = 0; i < len; i++) {
		byte = text[i] == '+' ? ' ' : text[i];
		if (byte == '%' && read_escape(text + i, len - i) != '\0') {
			byte = read_escape(text + i, len - i);
			i += 2;
		} else if (is_strict && (byte == '%' || byte == ';')) {
			free(decoded);
			return NULL;
		}
		*out++ = byte;
	}
	*out = '\0';
	return decoded;
}

/* One "name=value" of a raw query. */
struct piece {
	const char *text;
	size_t len;
	size_t name_len;
};

/* Moves `query` behind its first piece that is not empty. */
static bool
next_piece(const char **query, struct piece *piece)
{
	const char *equals;

	*query += strspn(*query, "&");
	piece->text = *query;
	piece->len = strcspn(*query, "&");
	equals = memchr(piece->text, '=', piece->len);
	piece->name_len =
	    equals == NULL ? piece->len : (size_t)(equals - piece->text);
	*query += piece->len;
	return piece->len > 0;
}

static char *
decode_name(const struct piece *piece, bool is_strict)
{
	return decode(piece->text, piece->name_len, is_strict);
}

static char *
decode_value(const struct piece *piece, bool is_strict)
{
	size_t begin = piece->name_len;

	if (begin < piece->len)
		begin++;
	return decode(piece->text + begin, piece->len - begin, is_strict);
}

/* NULL if it cannot be decoded. */
static struct pair *
add_piece(struct pairs *pairs, const struct piece *piece, bool is_strict)
{
	char *name = decode_name(piece, is_strict);
	char *value = decode_value(piece, is_strict);

	if (name != NULL && value != NULL)
		return add_pair(pairs, name, value);
	free(name);
	free(value);
	return NULL;
}

/* What the operator configured: taken as it is, whatever it is. */
static void
add_configured(struct pairs *pairs, const struct conf_target *target)
{
	const char *query = target->url.query;
	const struct conf_param *param;
	struct piece piece;
	size_t i, j;

	while (query != NULL && next_piece(&query, &piece))
		add_piece(pairs, &piece, false);
	for (i = 0; i < target->param_count; i++) {
		param = &target->params[i];
		for (j = 0; j < param->values.count; j++)
			add_pair(pairs, xstrdup(param->name),
			    xstrdup(param->values.items[j]));
	}
}

/*
 * POSIX finds the leftmost longest match: if the expression can match the
 * whole value at all, that is the match found, so nothing needs to be wrapped
 * around it.  One that does not compile matches nothing.
 */
static bool
matches_whole(const char *expression, const char *value)
{
	regex_t regex;
	regmatch_t match;
	bool is_whole;

	if (regcomp(&regex, expression, REG_EXTENDED) != 0)
		return false;
	is_whole = regexec(&regex, value, 1, &match, 0) == 0 &&
		   match.rm_so == 0 && (size_t)match.rm_eo == strlen(value);
	regfree(&regex);
	return is_whole;
}

static bool
rule_allows(const struct conf_query_rule *rule, const char *value)
{
	size_t i;

	for (i = 0; i < rule->values.count; i++)
		if (strcmp(rule->values.items[i], value) == 0)
			return true;
	/* Where an exporter connects to, for whoever asks. */
	if (strcmp(rule->name, "target") == 0 &&
	    request_target_is_inside(value, getenv("KUBERNETES_SERVICE_HOST")))
		return false;
	if (rule->regex != NULL)
		return matches_whole(rule->regex, value);
	return rule->values.count == 0;
}

struct refusal {
	char *text;
	size_t size;
};

static bool
refuse_bytes(const struct refusal *refusal, const char *bytes, size_t len)
{
	escape_quoted(refusal->text, refusal->size, bytes, len);
	return false;
}

static bool
check_pair(const struct conf_target *target, const struct pair *pair,
    const struct refusal *refusal)
{
	const struct conf_query_rule *rule;
	bool is_name_allowed = false;
	char *text;
	size_t i;

	for (i = 0; i < target->query_rule_count; i++) {
		rule = &target->query_rules[i];
		if (strcmp(rule->name, pair->name) != 0)
			continue;
		if (rule_allows(rule, pair->value))
			return true;
		is_name_allowed = true;
	}
	/* A name alone would read as nothing if it is empty. */
	if (!is_name_allowed && pair->name[0] != '\0')
		return refuse_bytes(refusal, pair->name, strlen(pair->name));
	text = xasprintf("%s=%s", pair->name, pair->value);
	refuse_bytes(refusal, text, strlen(text));
	free(text);
	return false;
}

static bool
add_scrapers(struct pairs *pairs, const struct conf_target *target,
    const char *query, const char *skip, const struct refusal *refusal)
{
	static const char too_many[] = "more than 64 parameters";
	const struct pair *pair;
	struct piece piece;
	size_t count = 0;

	while (query != NULL && next_piece(&query, &piece)) {
		if (++count > PARAMETERS_MAX)
			return refuse_bytes(
			    refusal, too_many, sizeof(too_many) - 1);
		pair = add_piece(pairs, &piece, true);
		if (pair == NULL)
			return refuse_bytes(refusal, piece.text,
			    piece.name_len > 0 ? piece.name_len : piece.len);
		if (skip != NULL && strcmp(pair->name, skip) == 0) {
			drop_last_pair(pairs);
			skip = NULL;
			continue;
		}
		if (!check_pair(target, pair, refusal))
			return false;
	}
	return true;
}

static int
compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	if (order != 0)
		return order;
	return a->order < b->order ? -1 : 1;
}

static char *
encode(char *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char byte;

	for (; *text != '\0'; text++) {
		byte = (unsigned char)*text;
		if (memchr(unreserved, byte, sizeof(unreserved) - 1) != NULL) {
			*out++ = (char)byte;
		} else if (byte == ' ') {
			*out++ = '+';
		} else {
			*out++ = '%';
			*out++ = hex[byte >> 4];
			*out++ = hex[byte & 15];
		}
	}
	return out;
}

static char *
encode_pairs(struct pairs *pairs)
{
	size_t size = 1, i;
	char *text, *out;

	if (pairs->count > 1)
		qsort(pairs->items, pairs->count, sizeof(pairs->items[0]),
		    compare_pairs);
	for (i = 0; i < pairs->count; i++)
		size += 3 * (strlen(pairs->items[i].name) +
				strlen(pairs->items[i].value)) +
			2;
	out = text = xmalloc(size);
	for (i = 0; i < pairs->count; i++) {
		if (i > 0)
			*out++ = '&';
		out = encode(out, pairs->items[i].name);
		*out++ = '=';
		out = encode(out, pairs->items[i].value);
	}
	*out = '\0';
	return text;
}

char *
request_query(const struct conf_target *target, const char *query,
    const char *skip, bool *is_extended, char *refused, size_t refused_size)
{
	const struct refusal refusal = { refused, refused_size };
	struct pairs pairs = { NULL, 0, 0 };
	size_t configured;
	char *text = NULL;

	add_configured(&pairs, target);
	configured = pairs.count;
	if (add_scrapers(&pairs, target, query, skip, &refusal))
		text = encode_pairs(&pairs);
	*is_extended = pairs.count > configured;
	while (pairs.count > 0)
		drop_last_pair(&pairs);
	free(pairs.items);
	return text;
}

/* Moves `query` behind the first piece of that name. */
static bool
next_named(const char **query, const char *name, struct piece *piece)
{
	bool is_found = false;
	char *found;

	while (!is_found && *query != NULL && next_piece(query, piece)) {
		found = decode_name(piece, true);
		is_found = found != NULL && strcmp(found, name) == 0;
		free(found);
	}
	return is_found;
}

char *
request_query_value(const char *query, const char *name)
{
	struct piece piece;

	return next_named(&query, name, &piece) ? decode_value(&piece, true)
						: NULL;
}

char *
request_query_only_value(const char *query, const char *name)
{
	struct piece first, second;

	if (!next_named(&query, name, &first) ||
	    next_named(&query, name, &second))
		return NULL;
	return decode_value(&first, true);
}
