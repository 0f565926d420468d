#include "proxy/gate/guard_steps.h"

#include <string.h>

/* The headers that are looked at, as bits of guard->seen. */
enum {
	SEEN_HOST = 1,
	SEEN_LENGTH = 2,
	SEEN_CODING = 4,
	SEEN_CREDENTIALS = 8,
	SEEN_SECRET = 16, /* that is not for us */
};

#define NAME(text) text, sizeof(text) - 1

/* Reason REASON_OK: refused only beside one of `conflicts`. */
static const struct field {
	const char *name;
	size_t name_len;
	unsigned char state; /* that reads the value */
	unsigned char bit;
	unsigned char conflicts;
	enum reason reason;
	const char *detail;
} fields[] = {
	{ NAME("host"), STATE_HOST, SEEN_HOST, SEEN_HOST, REASON_OK,
	    "two Host headers" },
	{ NAME("content-length"), STATE_LENGTH, SEEN_LENGTH,
	    SEEN_LENGTH | SEEN_CODING, REASON_OK, "body length given twice" },
	{ NAME("transfer-encoding"), STATE_VALUE, SEEN_CODING,
	    SEEN_LENGTH | SEEN_CODING, REASON_OK, "body length given twice" },
	{ NAME("authorization"), STATE_VALUE, SEEN_CREDENTIALS,
	    SEEN_CREDENTIALS, REASON_OK, "two Authorization headers" },
	{ NAME("cookie"), STATE_VALUE, SEEN_SECRET, 0, REASON_OK, NULL },
	{ NAME("proxy-authorization"), STATE_VALUE, SEEN_SECRET, 0, REASON_OK,
	    NULL },
	{ NAME("connection"), STATE_CONNECTION, 0, 0, REASON_OK, NULL },
	{ NAME("expect"), STATE_VALUE, 0, 0, REASON_EXPECTATION_FAILED,
	    "Expect is not supported" },
};

#undef NAME

static const struct field *
find_field(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].name_len == len &&
		    memcmp(fields[i].name, name, len) == 0)
			return &fields[i];
	return NULL;
}

const char *
guard_end_name(struct guard *guard, const char *p)
{
	const struct field *field = find_field(guard->token, guard->token_len);

	if (guard->has_underscore)
		guard->underscore_count++;
	guard->token_len = 0;
	guard->part = 0;
	guard->number = 0;
	guard->state = STATE_VALUE;
	if (field == NULL)
		return p + 1;
	if ((guard->seen & field->conflicts) != 0)
		return guard_malformed(guard, field->detail, p);
	if (field->reason != REASON_OK)
		return guard_refuse(guard, field->reason, field->detail, p);
	guard->seen |= field->bit;
	guard->state = field->state;
	if (field->bit == SEEN_CODING)
		guard->has_body = true;
	return p + 1;
}

bool
guard_lacks_host(const struct guard *guard)
{
	return guard->minor == '1' && (guard->seen & SEEN_HOST) == 0;
}

bool
guard_has_secrets(const struct guard *guard)
{
	return (guard->seen & (SEEN_CREDENTIALS | SEEN_SECRET)) != 0;
}

const char *
guard_step_value(struct guard *guard, const char *p, const char *end)
{
	while (p < end && is_class(*p, CLASS_VALUE))
		p++;
	if (p == end)
		return p;
	if (*p != '\r')
		return guard_malformed(guard, "bad header value", p);
	guard->state = STATE_LF;
	return p + 1;
}

enum host_part {
	HOST_BEGIN, /* white space */
	HOST_LABEL, /* behind a dot */
	HOST_NAME,
	HOST_IP6,
	HOST_IP6_END,
	HOST_PORT,
	HOST_END, /* white space */
	HOST_BAD,
};

static enum host_part
take_port_digit(struct guard *guard, char byte)
{
	if (byte < '0' || byte > '9')
		return HOST_BAD;
	guard->number = guard->number * 10 + (uint32_t)(byte - '0');
	return guard->number <= UINT16_MAX ? HOST_PORT : HOST_BAD;
}

static enum host_part
take_ip6_byte(struct guard *guard, char byte)
{
	if (byte == ']' && guard->number >= 2) {
		guard->number = 0;
		return HOST_IP6_END;
	}
	guard->number++;
	return is_class(byte, CLASS_IP6) ? HOST_IP6 : HOST_BAD;
}

static enum host_part
take_blank(enum host_part part)
{
	if (part == HOST_IP6)
		return HOST_BAD;
	return part == HOST_BEGIN ? HOST_BEGIN : HOST_END;
}

/* RFC 3986 3.2.2, less what no resolver takes: %XX and sub-delims. */
static enum host_part
take_host_byte(struct guard *guard, enum host_part part, char byte)
{
	if (is_blank(byte))
		return take_blank(part);
	switch (part) {
	case HOST_BEGIN:
		if (byte == '[')
			return HOST_IP6;
		return is_class(byte, CLASS_HOST) ? HOST_NAME : HOST_BAD;
	case HOST_LABEL:
	case HOST_NAME:
		if (byte == '.')
			return part == HOST_NAME ? HOST_LABEL : HOST_BAD;
		if (byte == ':')
			return HOST_PORT;
		return is_class(byte, CLASS_HOST) ? HOST_NAME : HOST_BAD;
	case HOST_IP6:
		return take_ip6_byte(guard, byte);
	case HOST_IP6_END:
		return byte == ':' ? HOST_PORT : HOST_BAD;
	case HOST_PORT:
		return take_port_digit(guard, byte);
	case HOST_END:
	case HOST_BAD:
		break;
	}
	return HOST_BAD;
}

const char *
guard_step_host(struct guard *guard, const char *p, const char *end)
{
	enum host_part part = guard->part;

	for (; p < end && *p != '\r'; p++) {
		part = take_host_byte(guard, part, *p);
		if (part == HOST_BAD)
			return guard_malformed(guard, "bad Host", p);
	}
	guard->part = (unsigned char)part;
	if (p == end)
		return p;
	if (part == HOST_BEGIN || part == HOST_IP6)
		return guard_malformed(guard, "bad Host", p);
	guard->state = STATE_LF;
	return p + 1;
}

enum length_part {
	LENGTH_BEGIN, /* white space */
	LENGTH_DIGITS,
	LENGTH_END, /* white space */
};

/* "0", or digits that do not begin with it; longer ones overflow somewhere. */
static bool
take_length_byte(struct guard *guard, char byte)
{
	if (is_blank(byte) && guard->part == LENGTH_BEGIN)
		return true;
	if (byte == ' ') {
		guard->part = LENGTH_END;
		return true;
	}
	if (byte < '0' || byte > '9' || guard->part == LENGTH_END)
		return false;
	if (guard->part == LENGTH_DIGITS && !guard->has_body)
		return false;
	guard->part = LENGTH_DIGITS;
	if (byte != '0')
		guard->has_body = true;
	return ++guard->number <= 18;
}

const char *
guard_step_length(struct guard *guard, const char *p, const char *end)
{
	for (; p < end && *p != '\r'; p++)
		if (!take_length_byte(guard, *p))
			return guard_malformed(guard, "bad Content-Length", p);
	if (p == end)
		return p;
	if (guard->part == LENGTH_BEGIN)
		return guard_malformed(guard, "empty Content-Length", p);
	guard->state = STATE_LF;
	return p + 1;
}

/*
 * Hop-by-hop names that would make somebody behind drop a header that was
 * judged here.
 */
static bool
may_not_be_dropped(const char *name, size_t len)
{
	static const char remote[] = "x-remote-";
	const struct field *field = find_field(name, len);

	if (field != NULL)
		return field->bit != 0;
	return len >= sizeof(remote) - 1 &&
	       memcmp(name, remote, sizeof(remote) - 1) == 0;
}

const char *
guard_step_connection(struct guard *guard, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (is_class(*p, CLASS_TOKEN)) {
			if (guard->token_len < sizeof(guard->token))
				guard->token[guard->token_len++] =
				    *p == '_' ? '-' : to_lower(*p);
			continue;
		}
		/* Only a comma should end a name; no other byte hides one. */
		if (may_not_be_dropped(guard->token, guard->token_len))
			return guard_malformed(guard,
			    "Connection names a header that must stay", p);
		guard->token_len = 0;
		if (!is_class(*p, CLASS_VALUE))
			return guard_step_value(guard, p, end);
	}
	return p;
}
