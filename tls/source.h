/*
 * PEM text of the configuration, from a file or inline, and plain words for
 * what is wrong with it: which key, which file, what to do.
 */
#ifndef TLS_SOURCE_H
#define TLS_SOURCE_H

#include <stddef.h>

#include <openssl/types.h>
#include <openssl/x509.h>

struct err;
struct material;

struct source {
	const char *key;  /* "cert_file", or "cert" inline */
	const char *path; /* NULL: inline */
	const char *text; /* borrowed from the material or configuration */
	size_t len;
};

/*
 * `keys` are the file's and the inline text's key; the file wins.  -1 with
 * `err`, ERR_MISSING if the file does not exist.
 */
int source_open(struct source *source, const char *const keys[2],
    const char *path, const char *text, const struct material *material,
    struct err *err);

/* "cert_file /etc/tls.crt" or "cert". */
const char *source_name(const struct source *source, char *out, size_t size);

/* Sets ERR_INVALID with the source's name in front; returns -1. */
int source_fail(const struct source *source, struct err *err,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* NULL with `err`, which says what the text is instead. */
STACK_OF(X509) *
    source_certificates(const struct source *source, struct err *err);
STACK_OF(X509_CRL) * source_crls(const struct source *source, struct err *err);
EVP_PKEY *source_private_key(const struct source *source, struct err *err);

#endif
