#include "proxy/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;

	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -1;
}

void
err_prefix(struct err *err, const char *format, ...)
{
	char prefix[sizeof(err->text)];
	char text[sizeof(err->text)];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	if (len < 0 || (size_t)len > sizeof(prefix) - 3)
		return;
	memcpy(text, err->text, sizeof(text));
	snprintf(err->text, sizeof(err->text), "%.*s: %.*s", len, prefix,
	    (int)sizeof(text) - len - 3, text);
}
