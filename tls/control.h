/*
 * Records that carry no application data, behind the handshake: key updates
 * (RFC 8446, 4.6.3), warnings, attempts to renegotiate.  Each costs work, no
 * deadline is moved by them, and OpenSSL would go on as long as they come.
 */
#ifndef TLS_CONTROL_H
#define TLS_CONTROL_H

#include <openssl/types.h>

/* In a row; more are no client's that means well. */
#define TLS_CONTROL_MAX 32

/*
 * From the end of the handshake.  `count` is the watch's own, and lives as
 * long as the SSL.  Behind too many the peer counts as one that has closed:
 * SSL_read() says so.
 */
void tls_control_watch(SSL *ssl, unsigned *count);

#endif
