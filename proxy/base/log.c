#include "proxy/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

#define LINE_MAX_BYTES 4096

struct line {
	char bytes[LINE_MAX_BYTES];
	size_t len;
	int format; /* enum log_format */
};

static const char *const level_names[] = { "error", "warn", "info", "debug" };

/* A reload changes them while all threads log; either value will do then. */
static atomic_int threshold = LOG_LEVEL_INFO;
static atomic_int line_format = LOG_FORMAT_LOGFMT;

static void
put(struct line *line, const char *text, size_t len)
{
	size_t room = sizeof(line->bytes) - 2 - line->len;

	if (len > room)
		len = room;
	memcpy(line->bytes + line->len, text, len);
	line->len += len;
}

static void
put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

static bool
is_bare(const char *value)
{
	const unsigned char *p = (const unsigned char *)value;

	if (*p == '\0')
		return false;
	for (; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '"' || *p == '=' ||
		    *p == '\\')
			return false;
	return true;
}

/* JSON's escapes serve logfmt as well. */
static void
put_quoted(struct line *line, const char *value)
{
	char escape[8];

	put_text(line, "\"");
	for (; *value != '\0'; value++) {
		unsigned char byte = (unsigned char)*value;

		if (byte == '"' || byte == '\\')
			put_text(line, byte == '"' ? "\\\"" : "\\\\");
		else if (byte == '\n')
			put_text(line, "\\n");
		else if (byte < ' ' || byte >= 0x7f) {
			snprintf(escape, sizeof(escape), "\\u%04x", byte);
			put_text(line, escape);
		} else
			put(line, value, 1);
	}
	put_text(line, "\"");
}

static void
put_pair(struct line *line, const char *key, const char *value)
{
	if (line->format == LOG_FORMAT_JSON) {
		put_text(line, line->len == 0 ? "{" : ",");
		put_quoted(line, key);
		put_text(line, ":");
		put_quoted(line, value);
		return;
	}
	if (line->len > 0)
		put_text(line, " ");
	put_text(line, key);
	put_text(line, "=");
	if (is_bare(value))
		put_text(line, value);
	else
		put_quoted(line, value);
}

/* Nobody to tell if standard error is gone or full. */
static void
write_line(const char *bytes, size_t len)
{
	if (write(STDERR_FILENO, bytes, len) < 0)
		return;
}

bool
log_is_on(enum log_level level)
{
	return (int)level <=
	       atomic_load_explicit(&threshold, memory_order_relaxed);
}

void
log_line(enum log_level level, const char *msg, ...)
{
	struct line line;
	char now[CLOCK_TEXT_SIZE];
	const char *key, *value;
	va_list args;

	if (!log_is_on(level))
		return;
	line.len = 0;
	line.format = atomic_load_explicit(&line_format, memory_order_relaxed);
	put_pair(&line, "level", level_names[level]);
	put_pair(&line, "msg", msg);
	va_start(args, msg);
	while ((key = va_arg(args, const char *)) != NULL) {
		value = va_arg(args, const char *);
		if (value != NULL)
			put_pair(&line, key, value);
	}
	va_end(args);
	put_pair(&line, "ts", clock_text(clock_wall_us(), now));
	if (line.format == LOG_FORMAT_JSON)
		line.bytes[line.len++] = '}';
	line.bytes[line.len++] = '\n';
	write_line(line.bytes, line.len);
}

bool
log_is_json(void)
{
	return atomic_load_explicit(&line_format, memory_order_relaxed) ==
	       LOG_FORMAT_JSON;
}

void
log_json(enum log_level level, const char *msg, const char *object)
{
	char now[CLOCK_TEXT_SIZE];
	char *line;

	if (!log_is_on(level))
		return;
	/* `msg` is a literal without anything to escape. */
	line =
	    xasprintf("{\"level\":\"%s\",\"msg\":\"%s\",%.*s,\"ts\":\"%s\"}\n",
		level_names[level], msg, (int)strlen(object) - 2, object + 1,
		clock_text(clock_wall_us(), now));
	write_line(line, strlen(line));
	free(line);
}

static void
take_libevent_message(int severity, const char *text)
{
	static const enum log_level levels[] = {
		[EVENT_LOG_DEBUG] = LOG_LEVEL_DEBUG,
		[EVENT_LOG_MSG] = LOG_LEVEL_INFO,
		[EVENT_LOG_WARN] = LOG_LEVEL_WARN,
		[EVENT_LOG_ERR] = LOG_LEVEL_ERROR,
	};

	log_line(levels[severity], "libevent", "detail", text, NULL);
}

void
log_init(enum log_level level, enum log_format format)
{
	log_change(level, format);
	event_set_log_callback(take_libevent_message);
}

void
log_change(enum log_level level, enum log_format format)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
	atomic_store_explicit(&line_format, (int)format, memory_order_relaxed);
}
