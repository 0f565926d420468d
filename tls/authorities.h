/*
 * Certificate authorities as shared stores: the system's bundle, which takes
 * some 30 ms and 800 KiB to load, once and only if somebody needs it, and each
 * ca_file until it changes.
 */
#ifndef TLS_AUTHORITIES_H
#define TLS_AUTHORITIES_H

#include <openssl/types.h>

struct authorities;
struct conf_tls_client;
struct err;

struct authorities *authorities_new(void);
void authorities_free(struct authorities *all);

/* A reference the caller drops; NULL with `err`. */
X509_STORE *authorities_get(struct authorities *all,
    const struct conf_tls_client *conf, struct err *err);

#endif
