/*
 * All that is wrong with a configuration, collected while it is read: one
 * line per error, in the order found, and warnings beside them.
 */
#ifndef CONF_ERRORS_H
#define CONF_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

struct conf_lines {
	char *text; /* NULL: none; lines end in '\n' */
	size_t len;
	size_t count;
};

struct conf_errors {
	struct conf_lines errors;
	struct conf_lines warnings;
	bool is_usage; /* one of the errors is the command line's */
};

/* "FILE:LINE:COL: message". */
void conf_errors_add(struct conf_errors *errors, const char *file, int line,
    int column, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* "message" about a file as a whole, or about no file. */
void conf_errors_add_plain(struct conf_errors *errors, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "message" about the command line: exit code 2. */
void conf_errors_add_usage(struct conf_errors *errors, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "warning: message". */
void conf_errors_warn(struct conf_errors *errors, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says how many errors were left out, if any.  Call once, at the end. */
void conf_errors_close(struct conf_errors *errors);

#endif
