#include "proxy/fetch/head.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy/base/escape.h"
#include "proxy/fetch/fields.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* HT, SP to '~' and obs-text. */
static bool
is_value(const char *bytes, size_t len)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < len; i++) {
		c = (unsigned char)bytes[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

void
head_condemn(struct judge_result *result, enum verdict verdict,
    const char *words, const char *bytes, size_t len)
{
	size_t size = sizeof(result->detail), used;

	result->verdict = verdict;
	result->is_keep_alive = false;
	used = (size_t)snprintf(result->detail, size, "%s", words);
	if (bytes == NULL || used + sizeof(" \"\"") > size)
		return;
	memcpy(result->detail + used, " \"", 2);
	used += 2;
	/* One byte is kept for the closing quote. */
	used +=
	    escape_quoted(result->detail + used, size - used - 1, bytes, len);
	memcpy(result->detail + used, "\"", 2);
}

static enum head_step
refuse(struct judge_result *result, enum verdict verdict, const char *words,
    const char *bytes, size_t len)
{
	head_condemn(result, verdict, words, bytes, len);
	return HEAD_CONDEMNED;
}

static void
finish_header(struct head *head, struct judge_result *result)
{
	fields_store(head, result);
	head->name = HEAD_OTHER;
}

/* White space around the value of each line goes, as in Go. */
static void
append_value(struct head *head, const char *bytes, size_t len)
{
	size_t room = sizeof(head->value) - 1 - head->value_len;

	while (len > 0 && is_blank(bytes[len - 1]))
		len--;
	while (len > 0 && is_blank(*bytes)) {
		bytes++;
		len--;
	}
	if (len > room)
		len = room;
	memcpy(head->value + head->value_len, bytes, len);
	head->value_len += len;
	head->value[head->value_len] = '\0';
}

static enum head_step
take_fold(struct head *head, struct judge_result *result, const char *line,
    size_t len)
{
	if (head->lines == 2)
		return refuse(result, VERDICT_HEADER_MALFORMED,
		    "malformed MIME header initial line:", line, len);
	if (!is_value(line, len))
		return refuse(result, VERDICT_HEADER_MALFORMED,
		    "malformed MIME header line:", line, len);
	if (head->name == HEAD_OTHER)
		return HEAD_MORE;
	if (head->value_len > 0 && head->value_len + 1 < sizeof(head->value))
		head->value[head->value_len++] = ' ';
	append_value(head, line, len);
	return HEAD_MORE;
}

/*
 * Go takes spaces within a name and then knows no such header, which is
 * harmless, but for the two that frame the body: whoever reads them otherwise
 * than the exporter meant sees another end of the answer.
 */
static bool
check_name(struct judge_result *result, const char *name, size_t len)
{
	enum head_name found;
	size_t i;

	for (i = 0; i < len; i++)
		if (!fields_is_token((unsigned char)name[i]) && name[i] != ' ')
			return false;
	if (len == 0 || name[len - 1] != ' ')
		return len > 0;
	while (len > 0 && name[len - 1] == ' ')
		len--;
	found = fields_find(name, len);
	result->is_stricter =
	    found == HEAD_CONTENT_LENGTH || found == HEAD_TRANSFER_ENCODING;
	return len > 0 && !result->is_stricter;
}

/* Returns the colon, or NULL with `result` set. */
static const char *
check_header(struct judge_result *result, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);

	if (colon == NULL)
		head_condemn(result, VERDICT_HEADER_MALFORMED,
		    "malformed MIME header: missing colon:", line, len);
	else if (!check_name(result, line, (size_t)(colon - line)) ||
		 !is_value(colon, len - (size_t)(colon - line)))
		head_condemn(result, VERDICT_HEADER_MALFORMED,
		    "malformed MIME header line:", line, len);
	return result->verdict == VERDICT_PENDING ? colon : NULL;
}

static enum head_step
take_header(struct head *head, struct judge_result *result, const char *line,
    size_t len)
{
	const char *colon;

	finish_header(head, result);
	colon = check_header(result, line, len);
	if (colon == NULL)
		return HEAD_CONDEMNED;
	head->name = fields_find(line, (size_t)(colon - line));
	head->value_len = 0;
	if (head->name != HEAD_OTHER)
		append_value(head, colon + 1, len - (size_t)(colon + 1 - line));
	return HEAD_MORE;
}

/*
 * Go also takes HTTP/2.0 and HTTP/9.9 here, whose framing nobody knows; we
 * do not.  Its order of checks is kept, because the words depend on it.
 */
static enum head_step
take_status(struct head *head, struct judge_result *result, const char *line,
    size_t len)
{
	const char *end = line + len, *space = memchr(line, ' ', len);
	const char *code = space, *code_end;
	size_t code_len;

	escape_quoted(
	    result->first_bytes, sizeof(result->first_bytes), line, len);
	if (space == NULL || memchr(line, '\r', len) != NULL)
		return refuse(result, VERDICT_NOT_HTTP,
		    "malformed HTTP response", line, len);
	while (code < end && *code == ' ')
		code++;
	code_end = memchr(code, ' ', (size_t)(end - code));
	if (code_end == NULL)
		code_end = end;
	code_len = (size_t)(code_end - code);
	if (code_len != 3 || code[0] < '1' || code[0] > '9' || code[1] < '0' ||
	    code[1] > '9' || code[2] < '0' || code[2] > '9')
		return refuse(result, VERDICT_NOT_HTTP,
		    "malformed HTTP status code", code, code_len);
	if (space - line != 8 || memcmp(line, "HTTP/1.", 7) != 0 ||
	    line[7] < '0' || line[7] > '9')
		return refuse(result, VERDICT_NOT_HTTP,
		    "malformed HTTP version", line, (size_t)(space - line));
	head->minor = (unsigned)(line[7] - '0');
	result->status =
	    (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
	if (code_end < end)
		code_end++;
	escape_quoted(result->reason, sizeof(result->reason), code_end,
	    (size_t)(end - code_end));
	return HEAD_MORE;
}

static bool
parse_length(uint64_t *length, const char *digits)
{
	uint64_t value = 0, digit;
	size_t len = strlen(digits), i;

	if (len == 0 || len == HEAD_FRAMING_SIZE - 1)
		return false;
	for (i = 0; i < len; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		digit = (uint64_t)(digits[i] - '0');
		if (value > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*length = value;
	return true;
}

static enum head_step
refuse_two(struct judge_result *result, const char *words,
    const struct head_framing *framing)
{
	char one[2 * HEAD_FRAMING_SIZE], other[2 * HEAD_FRAMING_SIZE];

	escape_quoted(
	    one, sizeof(one), framing->value[0], strlen(framing->value[0]));
	escape_quoted(
	    other, sizeof(other), framing->value[1], strlen(framing->value[1]));
	head_condemn(result, VERDICT_BAD_FRAMING, words, NULL, 0);
	snprintf(result->detail, sizeof(result->detail),
	    "%s [\"%.*s\" \"%.*s\"]", words, 32, one, 32, other);
	return HEAD_CONDEMNED;
}

static enum head_step
refuse_framing(struct judge_result *result, const char *words,
    const struct head_framing *framing)
{
	return refuse(result, VERDICT_BAD_FRAMING, words, framing->value[0],
	    strlen(framing->value[0]));
}

/* Stricter than Go: no Transfer-Encoding in HTTP/1.0 or beside a length. */
static enum head_step
check_transfer(const struct head *head, struct judge_result *result)
{
	const struct head_framing *transfer = &head->transfer;

	if (transfer->count == 0)
		return HEAD_COMPLETE;
	if (transfer->count > 1)
		return refuse_two(
		    result, "too many transfer encodings:", transfer);
	if (strcasecmp(transfer->value[0], "chunked") != 0)
		return refuse_framing(
		    result, "unsupported transfer encoding:", transfer);
	result->is_stricter = head->minor == 0 || head->length.count > 0;
	if (head->minor == 0)
		return refuse_framing(result,
		    "Transfer-Encoding in an HTTP/1.0 answer:", transfer);
	if (head->length.count > 0)
		return refuse_framing(result,
		    "Transfer-Encoding: chunked beside Content-Length",
		    &head->length);
	result->is_chunked = true;
	return HEAD_COMPLETE;
}

/* Stricter than Go: two lengths are refused even if they are equal. */
static enum head_step
check_length(const struct head *head, struct judge_result *result)
{
	const struct head_framing *length = &head->length;

	if (length->count == 0)
		return HEAD_COMPLETE;
	result->is_stricter = length->count > 1 &&
			      strcmp(length->value[0], length->value[1]) == 0;
	if (length->count > 1)
		return refuse_two(result,
		    "http: message cannot contain "
		    "multiple Content-Length headers; got",
		    length);
	if (!parse_length(&result->content_length, length->value[0]))
		return refuse_framing(result,
		    length->value[0][0] == '\0' ? "invalid empty Content-Length"
						: "bad Content-Length",
		    length);
	result->has_length = true;
	return HEAD_COMPLETE;
}

static enum head_step
take_blank(struct head *head, struct judge_result *result)
{
	finish_header(head, result);
	if (check_transfer(head, result) == HEAD_CONDEMNED)
		return HEAD_CONDEMNED;
	return check_length(head, result);
}

static enum head_step
refuse_size(struct judge_result *result, const struct judge_limits *limits,
    bool is_bytes)
{
	head_condemn(result, VERDICT_HEADER_TOO_LARGE, "", NULL, 0);
	if (is_bytes)
		snprintf(result->detail, sizeof(result->detail),
		    "net/http: server response headers exceeded %zu bytes; "
		    "aborted",
		    limits->head_max);
	else
		snprintf(result->detail, sizeof(result->detail),
		    "more than %u header lines", limits->headers_max);
	return HEAD_CONDEMNED;
}

void
head_init(struct head *head)
{
	memset(head, 0, sizeof(*head));
}

enum head_step
head_line(struct head *head, const struct judge_limits *limits,
    struct judge_result *result, const char *line, size_t len)
{
	head->bytes += len;
	if (head->bytes > limits->head_max)
		return refuse_size(result, limits, true);
	if (head->is_torn)
		return refuse(result, VERDICT_HEADER_MALFORMED,
		    "malformed MIME header line:", line, len);
	if (len == 0 || line[len - 1] != '\n') {
		head->is_torn = true;
		return HEAD_MORE;
	}
	len--;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	head->lines++;
	if (head->lines == 1)
		return take_status(head, result, line, len);
	if (len == 0)
		return take_blank(head, result);
	if (head->lines - 1 > limits->headers_max)
		return refuse_size(result, limits, false);
	if (is_blank(line[0]))
		return take_fold(head, result, line, len);
	return take_header(head, result, line, len);
}

int
head_trailer(
    struct judge_result *result, bool is_first, const char *line, size_t len)
{
	if (!is_blank(line[0]))
		return check_header(result, line, len) == NULL ? -1 : 0;
	if (!is_first && is_value(line, len))
		return 0;
	head_condemn(result, VERDICT_HEADER_MALFORMED,
	    is_first ? "malformed MIME header initial line:"
		     : "malformed MIME header line:",
	    line, len);
	return -1;
}
