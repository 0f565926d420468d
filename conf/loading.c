#include "conf/loading.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/alloc.h"

void
conf_loading_mark(struct conf_loading *loading, const struct conf_mark *mark)
{
	if (loading->mark_count == loading->mark_room) {
		loading->mark_room =
		    loading->mark_room == 0 ? 64 : loading->mark_room * 2;
		loading->marks = xrealloc(loading->marks,
		    loading->mark_room * sizeof(*loading->marks));
	}
	loading->marks[loading->mark_count++] = *mark;
}

const struct conf_mark *
conf_loading_find(const struct conf_loading *loading, const void *at)
{
	size_t i;

	for (i = loading->mark_count; i > 0; i--)
		if (loading->marks[i - 1].at == at)
			return &loading->marks[i - 1];
	return NULL;
}

bool
conf_loading_is_missing(const struct conf_loading *loading, const void *at)
{
	return conf_loading_find(loading, at) == NULL ||
	       loading->errors.errors.count == 0;
}

void
conf_loading_complain(
    struct conf_loading *loading, const void *at, const char *format, ...)
{
	const struct conf_mark *mark = conf_loading_find(loading, at);
	char message[1024];
	size_t flag_len;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (mark != NULL && mark->flag != NULL) {
		flag_len = strlen(mark->flag);
		/* "listen: ..." is said as "--listen: ...". */
		if (strncmp(message, mark->flag, flag_len) == 0 &&
		    message[flag_len] == ':')
			conf_errors_add_usage(
			    &loading->errors, "--%s", message);
		else
			conf_errors_add_usage(
			    &loading->errors, "--%s: %s", mark->flag, message);
	} else if (mark != NULL)
		conf_errors_add(&loading->errors, mark->file, mark->line,
		    mark->column, "%s", message);
	else if (loading->file != NULL)
		conf_errors_add(
		    &loading->errors, loading->file, 1, 1, "%s", message);
	else
		conf_errors_add_usage(&loading->errors, "%s", message);
}

char *
conf_loading_place(const struct conf_loading *loading, const void *at)
{
	const struct conf_mark *mark = conf_loading_find(loading, at);

	if (mark == NULL)
		return xstrdup("its default");
	if (mark->flag != NULL)
		return xasprintf("--%s", mark->flag);
	return xasprintf("%s:%d:%d", mark->file, mark->line, mark->column);
}
