/*
 * TLS over a non-blocking socket, with fewer system calls than OpenSSL's own
 * socket BIO makes: header and body of a record are read in one go, and the
 * records of one write are marked as belonging together (MSG_MORE), so that
 * TCP makes full segments of them and the client is woken once.
 *
 * OpenSSL's own read-ahead would hide what has been read from the loop that
 * waits for the socket; here the caller reads until nothing is left, and the
 * bytes of all connections of a thread pass through one intake.
 *
 * Used on the thread of its connection.
 */
#ifndef TLS_SOCKET_H
#define TLS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

struct tls_intake;

enum tls_io {
	TLS_IO_DONE,
	TLS_IO_WANT_READ,  /* nothing more before the socket is readable */
	TLS_IO_WANT_WRITE, /* before it is writable */
	TLS_IO_CLOSED,     /* the peer has ended the connection */
	TLS_IO_FAILED      /* it broke, or the peer broke the protocol */
};

/* One for each thread; freed after the connections that use it. */
struct tls_intake *tls_intake_new(void);
void tls_intake_free(struct tls_intake *intake);

/*
 * `ssl` speaks over `fd` from now on, as a server.  Neither the descriptor nor
 * the intake is owned by it.
 */
int tls_socket_attach(SSL *ssl, int fd, struct tls_intake *intake);

/*
 * Gets the next bytes of the client, at most `size`; does the handshake first.
 * After TLS_IO_DONE the caller goes on while tls_socket_has_more(), for what
 * has left the socket already makes it readable no more.  When it stops, for
 * whatever reason, tls_socket_rest() ends the turn.
 */
enum tls_io tls_socket_read(SSL *ssl, char *bytes, size_t size, size_t *len);
bool tls_socket_has_more(SSL *ssl);
void tls_socket_rest(SSL *ssl);

/*
 * Writes all or, if it does not say TLS_IO_DONE, must be called again with the
 * same bytes: their address may be another, more may stand behind them.
 * `has_more` promises another write at once, so these need not leave alone.
 */
enum tls_io tls_socket_write(
    SSL *ssl, const char *bytes, size_t len, bool has_more);

#endif
