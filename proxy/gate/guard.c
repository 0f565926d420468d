#include "proxy/gate/guard.h"

#include <assert.h>
#include <string.h>

#include "proxy/gate/guard_steps.h"

const struct guard_limits guard_default_limits = {
	.head_max = 16384,
	.headers_max = 100,
	.target_max = 4096,
};

#define T (CLASS_TOKEN | CLASS_TARGET | CLASS_VALUE)
#define H (T | CLASS_HOST)
#define X (H | CLASS_IP6)
#define V (CLASS_TARGET | CLASS_VALUE)

/* clang-format off */
const unsigned char guard_classes[256] = {
	['\t'] = CLASS_VALUE, [' '] = CLASS_VALUE, ['#'] = T & ~CLASS_TARGET,
	['!'] = T, ['$'] = T, ['%'] = T, ['&'] = T, ['\''] = T, ['*'] = T,
	['+'] = T, ['^'] = T, ['`'] = T, ['|'] = T, ['.'] = T | CLASS_IP6,
	['-'] = H, ['_'] = H, ['~'] = H,
	['"'] = V, ['('] = V, [')'] = V, [','] = V, ['/'] = V, [';'] = V,
	['<'] = V, ['='] = V, ['>'] = V, ['?'] = V, ['@'] = V, ['['] = V,
	['\\'] = V, [']'] = V, ['{'] = V, ['}'] = V, [':'] = V | CLASS_IP6,
	['0'] = X, X, X, X, X, X, X, X, X, X,
	['A'] = X, X, X, X, X, X, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H,
	['a'] = X, X, X, X, X, X, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H,
};
/* clang-format on */

#undef T
#undef H
#undef X
#undef V

/* The name of a byte that no part of a head may hold, or NULL. */
static const char *
name_bad_byte(unsigned char byte)
{
	if (byte == '\n')
		return "LF without CR";
	if (byte == '\0')
		return "NUL byte";
	if (byte >= 0x80)
		return "byte outside ASCII";
	if (byte == 0x7f || (byte < ' ' && byte != '\t' && byte != '\r'))
		return "control character";
	return NULL;
}

const char *
guard_refuse(
    struct guard *guard, enum reason reason, const char *detail, const char *p)
{
	guard->refusal = reason;
	guard->detail = detail;
	return p;
}

const char *
guard_malformed(struct guard *guard, const char *detail, const char *p)
{
	const char *name = name_bad_byte((unsigned char)*p);

	return guard_refuse(
	    guard, REASON_REQUEST_MALFORMED, name != NULL ? name : detail, p);
}

static const char *
step_start(struct guard *guard, const char *p, const char *end)
{
	(void)end;
	if (is_class(*p, CLASS_TOKEN)) {
		guard->state = STATE_METHOD;
		return p;
	}
	/* RFC 9112 2.2: an empty line before a request is to be ignored. */
	if (*p == '\r' && guard->lead == 0) {
		guard->state = STATE_LEAD_LF;
		return p + 1;
	}
	if (*p == 0x16)
		return guard_refuse(guard, REASON_REQUEST_MALFORMED,
		    "TLS handshake where plain HTTP is spoken", p);
	return guard_malformed(guard, "no method", p);
}

static const char *
step_lead_lf(struct guard *guard, const char *p, const char *end)
{
	(void)end;
	if (*p != '\n')
		return guard_malformed(guard, "CR without LF", p);
	guard->lead = 2;
	guard->state = STATE_START;
	return p + 1;
}

static const char *
end_method(struct guard *guard, const char *p)
{
	const char *method = guard->method;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
	    (strcmp(method, "POST") == 0 && guard->limits->allow_post))
		guard->state = STATE_TARGET;
	else if (strcmp(method, "PRI") == 0)
		guard->state = STATE_PRI;
	else
		return guard_refuse(
		    guard, REASON_METHOD_NOT_ALLOWED, "method not allowed", p);
	return p + 1;
}

static const char *
step_method(struct guard *guard, const char *p, const char *end)
{
	for (; p < end && is_class(*p, CLASS_TOKEN); p++) {
		if (guard->token_len == sizeof(guard->method) - 1)
			return guard_malformed(guard, "method too long", p);
		guard->method[guard->token_len++] = *p;
	}
	if (p == end)
		return p;
	if (*p == ' ')
		return end_method(guard, p);
	return guard_malformed(guard, "bad method", p);
}

static const char *
step_pri(struct guard *guard, const char *p, const char *end)
{
	(void)end;
	if (*p == '*')
		return guard_malformed(guard, "HTTP/2 is not spoken here", p);
	return guard_refuse(
	    guard, REASON_METHOD_NOT_ALLOWED, "method not allowed", p);
}

static const char *
end_target(struct guard *guard, const char *p)
{
	if (*p == '#')
		return guard_malformed(guard, "fragment in the target", p);
	if (*p == '\r')
		return guard_malformed(guard, "no HTTP version", p);
	if (*p != ' ')
		return guard_malformed(guard, "tab in the request line", p);
	guard->state = STATE_VERSION;
	guard->token_len = 0;
	return p + 1;
}

static const char *
step_target(struct guard *guard, const char *p, const char *end)
{
	if (guard->target_len == 0 && *p != '/')
		return guard_malformed(
		    guard, "target does not begin with /", p);
	for (; p < end && is_class(*p, CLASS_TARGET); p++) {
		if (guard->target_len == 1 && *p == '/')
			return guard_malformed(
			    guard, "target begins with //", p);
		if (guard->target_len >= guard->limits->target_max)
			return guard_refuse(
			    guard, REASON_URI_TOO_LONG, "target too long", p);
		guard->target_len++;
	}
	return p == end ? p : end_target(guard, p);
}

static const char *
step_version(struct guard *guard, const char *p, const char *end)
{
	static const char expected[] = "HTTP/1.";
	size_t pos;

	for (; p < end; p++) {
		pos = guard->token_len++;
		if (pos == sizeof(expected)) {
			if (*p != '\r')
				break;
			guard->state = STATE_LF;
			return p + 1;
		}
		if (pos == sizeof(expected) - 1) {
			if (*p != '0' && *p != '1')
				break;
			guard->minor = (unsigned char)*p;
		} else if (*p != expected[pos]) {
			break;
		}
	}
	if (p == end)
		return p;
	return guard_malformed(guard, "HTTP version is not 1.0 or 1.1", p);
}

static const char *
step_lf(struct guard *guard, const char *p, const char *end)
{
	(void)end;
	if (*p != '\n')
		return guard_malformed(guard, "CR without LF", p);
	guard->state = STATE_LINE;
	return p + 1;
}

static const char *
begin_name(struct guard *guard, const char *p)
{
	if (guard->header_count >= guard->limits->headers_max)
		return guard_refuse(
		    guard, REASON_HEADERS_TOO_LARGE, "too many headers", p);
	guard->header_count++;
	guard->token_len = 0;
	guard->has_underscore = false;
	guard->state = STATE_NAME;
	return p;
}

static const char *
step_line(struct guard *guard, const char *p, const char *end)
{
	(void)end;
	if (is_class(*p, CLASS_TOKEN))
		return begin_name(guard, p);
	if (is_blank(*p))
		return guard_malformed(guard, "folded header line", p);
	if (*p != '\r')
		return guard_malformed(guard,
		    *p == ':' ? "header without a name" : "bad header name", p);
	if (guard_lacks_host(guard))
		return guard_malformed(guard, "no Host header", p);
	guard->state = STATE_END_LF;
	return p + 1;
}

static const char *
step_name(struct guard *guard, const char *p, const char *end)
{
	for (; p < end && is_class(*p, CLASS_TOKEN); p++) {
		/* A name that fills the buffer is none that matters. */
		if (guard->token_len < sizeof(guard->token))
			guard->token[guard->token_len++] = to_lower(*p);
		if (*p == '_')
			guard->has_underscore = true;
	}
	if (p == end)
		return p;
	if (*p == ':')
		return guard_end_name(guard, p);
	if (*p == '\r')
		return guard_malformed(guard, "header without a colon", p);
	return guard_malformed(guard,
	    is_blank(*p) ? "white space in a header name" : "bad header name",
	    p);
}

static const char *
step_end_lf(struct guard *guard, const char *p, const char *end)
{
	(void)end;
	if (*p != '\n')
		return guard_malformed(guard, "CR without LF", p);
	if (guard->has_body)
		return guard_refuse(
		    guard, REASON_BODY_REFUSED, "request with a body", p);
	guard->state = STATE_COMPLETE;
	return p + 1;
}

typedef const char *(*step_fn)(
    struct guard *guard, const char *p, const char *end);

static const step_fn steps[STATE_COMPLETE] = {
	[STATE_START] = step_start,
	[STATE_LEAD_LF] = step_lead_lf,
	[STATE_METHOD] = step_method,
	[STATE_PRI] = step_pri,
	[STATE_TARGET] = step_target,
	[STATE_VERSION] = step_version,
	[STATE_LF] = step_lf,
	[STATE_LINE] = step_line,
	[STATE_NAME] = step_name,
	[STATE_VALUE] = guard_step_value,
	[STATE_HOST] = guard_step_host,
	[STATE_LENGTH] = guard_step_length,
	[STATE_CONNECTION] = guard_step_connection,
	[STATE_END_LF] = step_end_lf,
};

/* Reads until `state`, a refusal or the end of the bytes. */
static const char *
read_until(
    struct guard *guard, enum guard_state state, const char *p, const char *end)
{
	while (p < end && guard->state < state && guard->refusal == REASON_OK)
		p = steps[guard->state](guard, p, end);
	return p;
}

static int
on_headers_complete(http_parser *parser)
{
	/* Else it stops for good behind a request that offers an upgrade. */
	parser->upgrade = 0;
	return 0;
}

static int
on_message_complete(http_parser *parser)
{
	struct guard *guard = parser->data;

	guard->is_agreed = true;
	return 0;
}

static const http_parser_settings second_judge = {
	.on_headers_complete = on_headers_complete,
	.on_message_complete = on_message_complete,
};

/*
 * http-parser refuses a method at the first letter it does not know, which
 * would hide what the method is; so it hears of good methods only.
 */
static void
tell_method(struct guard *guard)
{
	http_parser_execute(&guard->parser, &second_judge, guard->method,
	    strlen(guard->method));
	http_parser_execute(&guard->parser, &second_judge, " ", 1);
}

/*
 * The second judge gets what the own rules let pass and can only refuse more.
 * Returns how many of the bytes both agree on.
 */
static size_t
ask_second_judge(struct guard *guard, const char *bytes, size_t len)
{
	size_t parsed;

	/* A length of zero would mean the end of the connection. */
	if (len == 0)
		return 0;
	guard->parser.data = guard;
	parsed = http_parser_execute(&guard->parser, &second_judge, bytes, len);
	if (HTTP_PARSER_ERRNO(&guard->parser) == HPE_OK && parsed == len &&
	    guard->is_agreed == (guard->state == STATE_COMPLETE))
		return len;
	guard_refuse(guard, REASON_REQUEST_MALFORMED,
	    "not the syntax of a request", bytes);
	return parsed < len ? parsed : len;
}

static void
begin_head(struct guard *guard, const struct guard_limits *limits)
{
	*guard = (struct guard){ .limits = limits, .refusal = REASON_OK };
	http_parser_init(&guard->parser, HTTP_REQUEST);
}

void
guard_init(struct guard *guard, const struct guard_limits *limits)
{
	/* http-parser itself stops at 80 KiB, at no exact byte. */
	assert(limits->head_max <= 65536);
	begin_head(guard, limits);
}

enum guard_verdict
guard_feed(struct guard *guard, const char *bytes, size_t len, size_t *used)
{
	const char *p = bytes;
	const char *judged, *end;
	size_t room;

	*used = 0;
	if (guard->refusal != REASON_OK)
		return GUARD_REFUSED;
	if (guard->state == STATE_COMPLETE)
		begin_head(guard, guard->limits);

	room = guard->limits->head_max - guard->head_len;
	end = bytes + (len < room ? len : room);
	if (guard->state < STATE_TARGET) {
		p = read_until(guard, STATE_TARGET, p, end);
		if (guard->state == STATE_TARGET)
			tell_method(guard);
	}
	judged = p;
	p = read_until(guard, STATE_COMPLETE, p, end);
	if (p == end && len > room && guard->refusal == REASON_OK &&
	    guard->state != STATE_COMPLETE)
		guard_refuse(guard, REASON_HEADERS_TOO_LARGE,
		    "request head too large", p);

	*used = (size_t)(judged - bytes) +
		ask_second_judge(guard, judged, (size_t)(p - judged));
	guard->head_len += *used;
	if (guard->refusal != REASON_OK)
		return GUARD_REFUSED;
	return guard->state == STATE_COMPLETE ? GUARD_HEAD : GUARD_MORE;
}
