/*
 * Certificates, keys and revocation lists from PEM text, without prompting
 * for a passphrase.
 */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include <stddef.h>

#include <openssl/types.h>
#include <openssl/x509.h>

struct err;

/* Every certificate in the text; NULL with `err` if there is none. */
STACK_OF(X509) *
    pem_certificates(const char *text, size_t len, struct err *err);

/* Every revocation list in the text; NULL with `err` if there is none. */
STACK_OF(X509_CRL) * pem_crls(const char *text, size_t len, struct err *err);

/* NULL with `err`; an encrypted key is an error. */
EVP_PKEY *pem_private_key(const char *text, size_t len, struct err *err);

#endif
