/*
 * OpenSSL's error queue as one line of words.
 */
#ifndef TLS_SSL_ERR_H
#define TLS_SSL_ERR_H

struct err;

/*
 * Sets ERR_INVALID with "PREFIX: what OpenSSL says" and empties the queue.
 * Returns -1, so callers can `return ssl_err(...)`.
 */
int ssl_err(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
