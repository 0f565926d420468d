/*
 * Watches one handshake of the gate's clients, to say afterwards why it
 * failed.  What it notes goes with the SSL, or when the handshake is done.
 */
#ifndef TLS_HANDSHAKE_H
#define TLS_HANDSHAKE_H

#include <openssl/types.h>

#include "tls/certificate.h"
#include "tls/failure.h"

struct tls_handshake {
	struct tls_signs signs;
	char subject[CERTIFICATE_SUBJECT_SIZE]; /* of the certificate that the
						 * client presented, or "" */
	char server_name[128]; /* SNI, printable; "" if there was none */
};

/*
 * From the SSL's start.  `done` is called with `arg` inside OpenSSL's info
 * callback, once, when the handshake is complete; nothing is watched then.
 */
void tls_handshake_watch(SSL *ssl, void (*done)(void *arg), void *arg);

/* `done` will not be called. */
void tls_handshake_forget(SSL *ssl);

/* What has been noted; NULL if the SSL is not watched (any more). */
const struct tls_handshake *tls_handshake_of(const SSL *ssl);

/* For the one who verifies: what the client presented. */
void tls_handshake_note_certificate(SSL *ssl, X509 *leaf);

#endif
