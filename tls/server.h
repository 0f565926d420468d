/*
 * The server side of TLS: what a listener needs to answer a handshake.
 *
 * Built from the configuration and never changed after; a reload builds a
 * second one beside the first.  Each worker takes an SSL_CTX of its own from
 * it (OpenSSL 3.0 locks a shared one); all of them share one ticket key, so a
 * session resumes on any worker.
 *
 * TLS 1.2 and 1.3, ECDHE with AEAD only, no renegotiation, no compression, no
 * early data.  ALPN answers http/1.1 and never h2: HTTP/2 has no reason
 * phrase, and the reason phrase is what Prometheus shows.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <stdint.h>

#include <openssl/types.h>

struct conf_tls_server;
struct err;
struct tls_server;

/*
 * Reads the files that `conf` names, judges them (key fits certificate, PEM,
 * not expired is only warned).  NULL with `err` that names the file and what to
 * do; err->code is ERR_MISSING if a file does not exist yet.  Main thread.
 */
struct tls_server *tls_server_new(const struct conf_tls_server *conf,
    struct err *err);

/*
 * A certificate made in memory: ECDSA P-256, one year, SAN localhost, the
 * host's name, 127.0.0.1 and ::1.
 */
struct tls_server *tls_server_new_self_signed(struct err *err);

/* References may be taken and dropped on any thread. */
struct tls_server *tls_server_ref(struct tls_server *server);
void tls_server_unref(struct tls_server *server);

/* A context of the caller's own, freed with SSL_CTX_free(). */
SSL_CTX *tls_server_context(const struct tls_server *server, struct err *err);

/* The leaf's end of validity, seconds since 1970. */
int64_t tls_server_not_after(const struct tls_server *server);

#endif
