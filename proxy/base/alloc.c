#include "proxy/base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
xrequire(void *allocated)
{
	if (allocated == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	return allocated;
}

void *
xmalloc(size_t size)
{
	return xrequire(malloc(size));
}

void *
xcalloc(size_t count, size_t size)
{
	return xrequire(calloc(count, size));
}

void *
xrealloc(void *old, size_t size)
{
	return xrequire(realloc(old, size));
}

char *
xstrdup(const char *text)
{
	return xrequire(strdup(text));
}

char *
xstrndup(const char *text, size_t len)
{
	return xrequire(strndup(text, len));
}

char *
xasprintf(const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return xrequire(len < 0 ? NULL : text);
}
