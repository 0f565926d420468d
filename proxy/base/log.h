/*
 * One record a line on standard error, logfmt or JSON, written with a single
 * write(2), so any thread may log.  Values are escaped; callers never pass
 * credentials, an Authorization header or a URL with user info.
 *
 *   log_info("listening", "role", "gate", "address", address, NULL);
 *   -> level=info msg=listening role=gate address=127.0.0.1:39123 ts=...
 *
 * error: someone must act; warn: it went on, but worse; info: life cycle and
 * the start, change and end of failures; debug: per exchange.
 */
#ifndef PROXY_BASE_LOG_H
#define PROXY_BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* Also takes over libevent's own messages.  Before threads start. */
void log_init(enum log_level level, enum log_format format);

/* From any thread, at any time. */
void log_change(enum log_level level, enum log_format format);
bool log_is_on(enum log_level level);

/* Pairs of key and value (NULL value: pair left out), ended by a NULL key. */
void log_line(enum log_level level, const char *msg, ...)
    __attribute__((sentinel));

/*
 * For what is JSON already: with log.format json one line with level, msg, the
 * members of `object` (as json_print() gives it, not empty) and ts, however
 * long it gets.  Callers ask log_is_json() first.
 */
bool log_is_json(void);
void log_json(enum log_level level, const char *msg, const char *object);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
