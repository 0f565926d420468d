/*
 * What the gate asks of its clients' certificates: client_auth_type, the
 * authorities, the revocation list, the allowed names.
 */
#ifndef TLS_CLIENTS_H
#define TLS_CLIENTS_H

#include <stddef.h>

#include <openssl/types.h>

struct conf_tls_server;
struct err;
struct material;
struct tls_certificate;
struct tls_clients;

/* NULL with `err`.  Immutable, so any thread may use it. */
struct tls_clients *tls_clients_new(const struct conf_tls_server *conf,
    const struct material *material, struct err *err);
void tls_clients_free(struct tls_clients *clients);

/* `clients` outlives the context. */
void tls_clients_apply(const struct tls_clients *clients, SSL_CTX *ctx);

/*
 * The authorities and the revocation lists, those that end first in front, at
 * most `max` of them; returns how many.
 */
size_t tls_clients_certificates(
    const struct tls_clients *clients, struct tls_certificate *out, size_t max);

#endif
