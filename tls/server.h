/*
 * The server side of TLS: what a listener needs to answer a handshake.
 *
 * Built from the configuration and never changed after; a reload builds a
 * second one beside the first.  Each worker takes an SSL_CTX of its own from
 * it (OpenSSL 3.0 locks a shared one); all of them share one ticket key, so a
 * session resumes on any worker.  While client certificates are asked for,
 * nothing resumes: a revoked one shall not get in by an old session.
 *
 * Without other wishes TLS 1.2 and 1.3, ECDHE with AEAD only; never
 * renegotiation, compression or early data.  ALPN answers http/1.1 (or 1.0 to
 * whom that is all) and never h2: HTTP/2 has no reason phrase, and the reason
 * phrase is what Prometheus shows.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <stddef.h>

#include <openssl/types.h>

#include "tls/certificate.h"

struct conf_tls_server;
struct err;
struct material;
struct tls_server;

/*
 * Takes the files that `conf` names from `material` and judges them, so that
 * what clients would refuse is refused here.  NULL with `err` that names the
 * key, the file and what to do; err->code is ERR_MISSING if a file does not
 * exist yet.  Neither `conf` nor `material` is needed after.  Main thread.
 */
struct tls_server *tls_server_new(const struct conf_tls_server *conf,
    const struct material *material, struct err *err);

/*
 * A certificate made in memory: ECDSA P-256, one year, SAN localhost, the
 * host's name, 127.0.0.1 and ::1.
 */
struct tls_server *tls_server_new_self_signed(struct err *err);

/* References may be taken and dropped on any thread. */
struct tls_server *tls_server_ref(struct tls_server *server);
void tls_server_unref(struct tls_server *server);

/*
 * A context of the caller's own, freed with SSL_CTX_free(); it and the
 * connections made of it may outlive the caller's reference.
 */
SSL_CTX *tls_server_context(const struct tls_server *server, struct err *err);

/*
 * What ends some day: the server's leaf first, then at most 31 authorities and
 * revocation lists for clients, those that end first in front.  They are one
 * array.
 */
size_t tls_server_certificate_count(const struct tls_server *server);
const struct tls_certificate *tls_server_certificate(
    const struct tls_server *server, size_t i);

#endif
