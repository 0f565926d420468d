#include "auth/jwt_verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/escape.h"

static const char *const names[JWT_FAULT_COUNT] = {
	[JWT_FINE] = "fine",
	[JWT_NOT_JWT] = "not_jwt",
	[JWT_TOO_LONG] = "too_long",
	[JWT_BAD_BASE64] = "bad_base64",
	[JWT_BAD_JSON] = "bad_json",
	[JWT_BAD_HEADER] = "bad_header",
	[JWT_BAD_ALGORITHM] = "bad_algorithm",
	[JWT_UNKNOWN_KEY] = "unknown_key",
	[JWT_BAD_SIGNATURE] = "bad_signature",
	[JWT_BAD_CLAIM] = "bad_claim",
	[JWT_WRONG_ISSUER] = "wrong_issuer",
	[JWT_WRONG_AUDIENCE] = "wrong_audience",
	[JWT_NO_EXPIRY] = "no_expiry",
	[JWT_EXPIRED] = "expired",
	[JWT_NOT_YET] = "not_yet",
	[JWT_NO_USER] = "no_user",
};

const char *
jwt_fault_name(enum jwt_fault fault)
{
	return names[fault];
}

bool
jwt_fail(
    struct jwt_verdict *verdict, enum jwt_fault fault, const char *format, ...)
{
	va_list args;

	verdict->fault = fault;
	va_start(args, format);
	vsnprintf(verdict->detail, sizeof(verdict->detail), format, args);
	va_end(args);
	return false;
}

const char *
jwt_show(char out[JWT_SHOWN], const char *text)
{
	size_t len;

	out[0] = '"';
	len = escape_quoted(out + 1, JWT_SHOWN - 2, text, strlen(text));
	out[1 + len] = '"';
	out[2 + len] = '\0';
	return out;
}
