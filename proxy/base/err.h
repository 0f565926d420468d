/*
 * Errors before or beside traffic: start, reload, checks.
 *
 * The lowest layer that knows the cause sets the error, once, and returns -1
 * or NULL.  Callers only prefix what they know (a file, a key) and pass it on;
 * main or reload prints it, once.  What happens during traffic is a reason
 * (proxy/diagnosis/reasons.h), never free text.
 */
#ifndef PROXY_BASE_ERR_H
#define PROXY_BASE_ERR_H

#include <stddef.h>

enum err_code {
	ERR_NONE,
	ERR_USAGE,   /* the command line is wrong: exit code 2 */
	ERR_INVALID, /* content is wrong: configuration, certificate */
	ERR_FILE,    /* a file cannot be read */
	ERR_MISSING, /* a file does not exist (it may come later) */
	ERR_SYSTEM,  /* the system refused: socket, memory, thread */
};

struct err {
	enum err_code code;
	char text[512];
};

/* Sets the error and returns -1, so callers can `return err_set(...)`. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "PREFIX: " in front of the text. */
void err_prefix(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * An errno in Go's words, which are strerror()'s in lower case: "connection
 * refused".  Of 0 "unknown error".  Returns `out`.
 */
const char *err_words(int number, char *out, size_t size);

#endif
