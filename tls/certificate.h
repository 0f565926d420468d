/*
 * What people want to know of a certificate: whose it is and how long it
 * lasts.  All text is printable ASCII.
 */
#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#define CERTIFICATE_SUBJECT_SIZE 160
#define CERTIFICATE_TIME_SIZE 24

/* A certificate in use, or a revocation list (its issuer is the subject). */
struct tls_certificate {
	const char *role; /* "server", "client_ca" or "crl" */
	char subject[CERTIFICATE_SUBJECT_SIZE];
	char serial[64];    /* hexadecimal; "" for a list */
	int64_t not_before; /* seconds since 1970; a list's last update */
	int64_t not_after;  /* a list's next update; 0 if it has none */
};

void certificate_of_x509(
    struct tls_certificate *out, const char *role, X509 *cert);
void certificate_of_crl(struct tls_certificate *out, X509_CRL *crl);

/* "CN=a,O=b"; the first SAN ("DNS:a.example") if the subject is empty. */
void certificate_subject(char out[CERTIFICATE_SUBJECT_SIZE], X509 *cert);

/* RFC 3339 in whole seconds; "" if there is none. */
void certificate_time(char out[CERTIFICATE_TIME_SIZE], const ASN1_TIME *t);

#endif
