#include "proxy/base/err.h"

#include <ctype.h>
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

const char *
err_words(int number, char *out, size_t size)
{
	char text[64];

	snprintf(out, size, "%s",
	    number == 0 ? "unknown error"
			: strerror_r(number, text, sizeof(text)));
	/* Names like I/O or RFS stay as they are. */
	if (isupper((unsigned char)out[0]) && !isupper((unsigned char)out[1]))
		out[0] = (char)tolower((unsigned char)out[0]);
	return out;
}
