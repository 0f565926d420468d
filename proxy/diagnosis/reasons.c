#include "proxy/diagnosis/reasons.h"

#include <assert.h>
#include <string.h>

#include "proxy/base/escape.h"

static const struct reason_row rows[REASON_COUNT] = {
#define REASON(name, id, layer, status, words, lasterror, cause, fix)          \
	{ id, LAYER_##layer, status, words, lasterror, cause, fix },
#include "proxy/diagnosis/reasons.def"
#undef REASON
};

static const char *const layer_names[LAYER_COUNT] = {
	[LAYER_NONE] = "none",
	[LAYER_DNS] = "dns",
	[LAYER_TCP] = "tcp",
	[LAYER_TLS] = "tls",
	[LAYER_AUTH] = "auth",
	[LAYER_HTTP] = "http",
	[LAYER_TIMEOUT] = "timeout",
	[LAYER_BODY] = "body",
	[LAYER_LIMIT] = "limit",
	[LAYER_EXPOSITION] = "exposition",
	[LAYER_GATE] = "gate",
};

static const struct field {
	const char *name;
	size_t offset;
} fields[] = {
#define FIELD(name)                                                            \
	{                                                                      \
#name, offsetof(struct facts, name)                            \
	}
	FIELD(target),
	FIELD(url),
	FIELD(host),
	FIELD(port),
	FIELD(address),
	FIELD(network),
	FIELD(server),
	FIELD(place),
	FIELD(detail),
	FIELD(status),
	FIELD(elapsed),
	FIELD(timeout),
	FIELD(bytes),
	FIELD(method),
	FIELD(path),
	FIELD(listener),
	FIELD(normal),
	FIELD(enough),
	FIELD(said),
#undef FIELD
};

const struct reason_row *
reason_row(enum reason reason)
{
	assert((unsigned)reason < REASON_COUNT);
	return &rows[reason];
}

bool
reason_find(const char *id, enum reason *reason)
{
	size_t i;

	for (i = 0; i < REASON_COUNT; i++)
		if (strcmp(rows[i].id, id) == 0) {
			*reason = (enum reason)i;
			return true;
		}
	return false;
}

const char *
layer_name(enum layer layer)
{
	assert((unsigned)layer < LAYER_COUNT);
	return layer_names[layer];
}

/*
 * The value of the field whose "name}" `text` begins with; *len is what to
 * skip.  NULL if it is none of ours: braces are also YAML and curl's.
 */
static const char *
field_value(const struct facts *facts, const char *text, size_t *len)
{
	const char *value;
	size_t i, name_len;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		name_len = strlen(fields[i].name);
		if (strncmp(text, fields[i].name, name_len) != 0 ||
		    text[name_len] != '}')
			continue;
		*len = name_len + 1;
		memcpy(&value, (const char *)facts + fields[i].offset,
		    sizeof(value));
		return value != NULL ? value : "unknown";
	}
	return NULL;
}

struct output {
	char *out;
	size_t size;
	size_t len; /* what it would be without a bound */
	bool keep_newlines;
};

static void
put(struct output *output, char c)
{
	if (c == '\n' && !output->keep_newlines)
		c = ' ';
	else if (c != '\n' && (c < 0x20 || c > 0x7e))
		c = '?';
	if (output->len + 1 < output->size)
		output->out[output->len] = c;
	output->len++;
}

size_t
facts_expand(char *out, size_t size, const char *template,
    const struct facts *facts, bool keep_newlines)
{
	struct output output = {
		.out = out, .size = size, .keep_newlines = keep_newlines
	};
	const char *value;
	size_t skip;

	assert(size > 4);
	while (*template != '\0') {
		if (*template == '{' &&
		    (value = field_value(facts, template + 1, &skip)) != NULL) {
			template += 1 + skip;
			while (*value != '\0')
				put(&output, *value++);
			continue;
		}
		put(&output, *template ++);
	}
	if (output.len >= size) {
		memcpy(out + size - 4, "...", 3);
		output.len = size - 1;
	}
	out[output.len] = '\0';
	return output.len;
}

size_t
facts_escape(char *out, size_t size, const char *bytes, size_t len)
{
	return escape_quoted(out, size, bytes, len);
}
