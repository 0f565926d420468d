#include "tls/ssl_err.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/err.h>

#include "proxy/base/err.h"

int
ssl_err(struct err *err, const char *format, ...)
{
	/* The first entry is the cause, later ones are those who met it. */
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);
	char prefix[400];
	char number[32];
	va_list args;

	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	if (reason == NULL) {
		snprintf(number, sizeof(number), "OpenSSL error %lX", code);
		reason = code != 0 ? number : "OpenSSL does not say why";
	}
	ERR_clear_error();
	return err_set(err, ERR_INVALID, "%s: %s", prefix, reason);
}
