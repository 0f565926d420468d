/*
 * A certificate for those who have none yet: ECDSA P-256, one year, for
 * localhost, the host's name, 127.0.0.1 and ::1.
 */
#ifndef TLS_SELF_SIGNED_H
#define TLS_SELF_SIGNED_H

#include <openssl/types.h>
#include <openssl/x509.h>

struct err;

/* The caller frees both; on -1 there is nothing to free. */
int self_signed_make(STACK_OF(X509) * *chain, EVP_PKEY **key, struct err *err);

#endif
