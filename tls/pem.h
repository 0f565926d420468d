/*
 * Certificates and keys from files, bounded and without prompting for a
 * passphrase.
 */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include <stddef.h>

#include <openssl/types.h>
#include <openssl/x509.h>

struct err;

/*
 * The file's bytes, malloc'd and terminated, at most 1 MiB.  NULL with
 * ERR_MISSING or ERR_FILE and the words "open PATH: no such file or directory"
 * as Go has them.
 */
char *pem_read_file(const char *path, size_t *len, struct err *err);

/* Every certificate in the text; NULL with `err` if there is none. */
STACK_OF(X509) *pem_certificates(const char *text, size_t len,
    struct err *err);

/* NULL with `err`; an encrypted key is an error. */
EVP_PKEY *pem_private_key(const char *text, size_t len, struct err *err);

#endif
