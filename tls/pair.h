/*
 * The server's certificate chain and key, judged before they are used: what a
 * client would refuse is refused here, in words.
 */
#ifndef TLS_PAIR_H
#define TLS_PAIR_H

#include <openssl/types.h>
#include <openssl/x509.h>

struct conf_tls_server;
struct err;
struct material;

/*
 * The chain has the leaf first, the key belongs to the leaf.  The caller frees
 * both; on -1 there is nothing to free.
 */
int pair_load(const struct conf_tls_server *conf,
    const struct material *material, STACK_OF(X509) * *chain, EVP_PKEY **key,
    struct err *err);

#endif
