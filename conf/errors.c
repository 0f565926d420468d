#include "conf/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"

/* Nobody reads more, and a hostile file must not write a book. */
#define LINES_MAX 100

static void
append(struct conf_lines *lines, const char *prefix, const char *message)
{
	size_t prefix_len = strlen(prefix), message_len = strlen(message);

	if (lines->count++ >= LINES_MAX)
		return;
	lines->text =
	    xrealloc(lines->text, lines->len + prefix_len + message_len + 2);
	memcpy(lines->text + lines->len, prefix, prefix_len);
	lines->len += prefix_len;
	memcpy(lines->text + lines->len, message, message_len);
	lines->len += message_len;
	memcpy(lines->text + lines->len, "\n", 2);
	lines->len++;
}

static void append_va(struct conf_lines *lines, const char *prefix,
    const char *format, va_list args) __attribute__((format(printf, 3, 0)));

static void
append_va(struct conf_lines *lines, const char *prefix, const char *format,
    va_list args)
{
	char message[1024];

	vsnprintf(message, sizeof(message), format, args);
	append(lines, prefix, message);
}

void
conf_errors_add(struct conf_errors *errors, const char *file, int line,
    int column, const char *format, ...)
{
	char *prefix = xasprintf("%s:%d:%d: ", file, line, column);
	va_list args;

	va_start(args, format);
	append_va(&errors->errors, prefix, format, args);
	va_end(args);
	free(prefix);
}

void
conf_errors_add_plain(struct conf_errors *errors, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	append_va(&errors->errors, "", format, args);
	va_end(args);
}

void
conf_errors_add_usage(struct conf_errors *errors, const char *format, ...)
{
	va_list args;

	errors->is_usage = true;
	va_start(args, format);
	append_va(&errors->errors, "", format, args);
	va_end(args);
}

void
conf_errors_warn(struct conf_errors *errors, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	append_va(&errors->warnings, "warning: ", format, args);
	va_end(args);
}

void
conf_errors_close(struct conf_errors *errors)
{
	struct conf_lines *lines = &errors->errors;
	size_t left_out;
	char message[64];

	if (lines->count <= LINES_MAX)
		return;
	left_out = lines->count - LINES_MAX;
	lines->count = 0;
	snprintf(message, sizeof(message), "and %zu more errors", left_out);
	append(lines, "", message);
	lines->count = LINES_MAX + left_out;
}
