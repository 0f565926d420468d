#include "proxy/fetch/fields.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy/base/escape.h"

#define RETRY_AFTER_MAX_S 3600

bool
fields_is_token(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/*
 * Codings that HTTP knows, and whatever looks like one.  Any other word, such
 * as utf-8, is a mistake beside plain text, which Prometheus takes.
 */
static bool
is_coding(const char *value)
{
	static const char *const codings[] = { "aes128gcm", "br", "compress",
		"dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip",
		"x-compress", "x-gzip", "zstd" };
	size_t i;

	for (i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
		if (strcasecmp(value, codings[i]) == 0)
			return true;
	return strchr(value, ',') != NULL;
}

static void
store_coding(struct head *head, struct judge_result *result)
{
	const char *value = head->value;

	if (head->has_coding)
		return;
	head->has_coding = true;
	snprintf(result->content_encoding, sizeof(result->content_encoding),
	    "%.*s", (int)sizeof(result->content_encoding) - 1, value);
	/* Prometheus compares with the exact word; so no GZIP, no x-gzip. */
	if (strcmp(value, "gzip") == 0)
		head->coding = HEAD_GZIP;
	else if (is_coding(value))
		head->coding = HEAD_FOREIGN;
}

static void
store_framing(struct head_framing *framing, const char *value)
{
	if (framing->count < 2)
		snprintf(framing->value[framing->count], HEAD_FRAMING_SIZE,
		    "%.*s", HEAD_FRAMING_SIZE - 1, value);
	framing->count++;
}

static void
store_length(struct head *head, struct judge_result *result)
{
	(void)result;
	store_framing(&head->length, head->value);
}

static void
store_transfer(struct head *head, struct judge_result *result)
{
	(void)result;
	store_framing(&head->transfer, head->value);
}

static void
store_type(struct head *head, struct judge_result *result)
{
	if (result->has_content_type)
		return;
	result->has_content_type = true;
	snprintf(result->content_type, sizeof(result->content_type), "%.*s",
	    (int)sizeof(result->content_type) - 1, head->value);
}

static void
store_location(struct head *head, struct judge_result *result)
{
	if (result->location[0] == '\0')
		escape_quoted(result->location, sizeof(result->location),
		    head->value, head->value_len);
}

/* A date, the other form, is as good as nothing: whose clock? */
static void
store_retry(struct head *head, struct judge_result *result)
{
	const char *p = head->value;
	unsigned seconds = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		seconds = seconds * 10 + (unsigned)(*p - '0');
		if (seconds > RETRY_AFTER_MAX_S)
			seconds = RETRY_AFTER_MAX_S;
	}
	if (*p == '\0' && result->retry_after_s == 0)
		result->retry_after_s = seconds;
}

static void
add_scheme(struct judge_result *result, const char *word, size_t len)
{
	char *list = result->www_authenticate;
	size_t used = strlen(list);

	if (used + len + sizeof(", ") > sizeof(result->www_authenticate))
		return;
	snprintf(list + used, sizeof(result->www_authenticate) - used, "%s%.*s",
	    used > 0 ? ", " : "", (int)len, word);
}

/* A comma inside a quoted string separates nothing. */
static const char *
skip_to_comma(const char *p)
{
	bool is_quoted = false;

	for (; *p != '\0' && (is_quoted || *p != ','); p++) {
		if (*p == '\\' && is_quoted && p[1] != '\0')
			p++;
		else if (*p == '"')
			is_quoted = !is_quoted;
	}
	return p;
}

/* `Basic realm="a, b", Digest realm="c", nonce="d"`: Basic and Digest. */
static void
store_schemes(struct head *head, struct judge_result *result)
{
	const char *p = head->value, *word, *next;

	while (*p != '\0') {
		p += strspn(p, ", \t");
		word = p;
		while (fields_is_token((unsigned char)*p))
			p++;
		next = p + strspn(p, " \t");
		if (p > word && *next != '=')
			add_scheme(result, word, (size_t)(p - word));
		p = skip_to_comma(p);
	}
}

static const struct {
	const char *name;
	void (*store)(struct head *head, struct judge_result *result);
} fields[HEAD_NAME_COUNT] = {
	[HEAD_OTHER] = { "", NULL },
	[HEAD_CONTENT_ENCODING] = { "Content-Encoding", store_coding },
	[HEAD_CONTENT_LENGTH] = { "Content-Length", store_length },
	[HEAD_CONTENT_TYPE] = { "Content-Type", store_type },
	[HEAD_LOCATION] = { "Location", store_location },
	[HEAD_RETRY_AFTER] = { "Retry-After", store_retry },
	[HEAD_TRANSFER_ENCODING] = { "Transfer-Encoding", store_transfer },
	[HEAD_WWW_AUTHENTICATE] = { "WWW-Authenticate", store_schemes },
};

enum head_name
fields_find(const char *name, size_t len)
{
	unsigned i;

	for (i = HEAD_OTHER + 1; i < HEAD_NAME_COUNT; i++)
		if (strlen(fields[i].name) == len &&
		    strncasecmp(fields[i].name, name, len) == 0)
			return (enum head_name)i;
	return HEAD_OTHER;
}

void
fields_store(struct head *head, struct judge_result *result)
{
	if (head->name != HEAD_OTHER)
		fields[head->name].store(head, result);
}
