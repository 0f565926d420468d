/*
 * Why a handshake with one of the gate's clients failed: one id for each
 * cause, for counters, and words for people.  Pure.
 */
#ifndef TLS_FAILURE_H
#define TLS_FAILURE_H

#include <stdbool.h>
#include <stddef.h>

enum tls_failure {
	TLS_FAILURE_CLOSED, /* a probe, or a client that gave up */
	TLS_FAILURE_TIMEOUT,
	TLS_FAILURE_PLAIN_HTTP,
	TLS_FAILURE_NOT_TLS,
	TLS_FAILURE_PROTOCOL_VERSION,
	TLS_FAILURE_NO_SHARED_CIPHER,
	TLS_FAILURE_NO_APPLICATION_PROTOCOL,
	TLS_FAILURE_MESSAGE_TOO_LARGE,
	TLS_FAILURE_ALERT_FROM_CLIENT,
	TLS_FAILURE_CERTIFICATE_MISSING, /* the client's, from here on */
	TLS_FAILURE_CERTIFICATE_UNKNOWN_CA,
	TLS_FAILURE_CERTIFICATE_EXPIRED,
	TLS_FAILURE_CERTIFICATE_NOT_YET_VALID,
	TLS_FAILURE_CERTIFICATE_REVOKED,
	TLS_FAILURE_CRL_EXPIRED,
	TLS_FAILURE_CRL_UNUSABLE,
	TLS_FAILURE_SAN_NOT_ALLOWED,
	TLS_FAILURE_CERTIFICATE_BAD,
	TLS_FAILURE_OTHER,
	TLS_FAILURE_COUNT
};

/* What a failed handshake showed. */
struct tls_signs {
	unsigned long error;    /* OpenSSL's, packed; 0: none */
	long verify_result;     /* X509_V_*, of the client's certificate */
	unsigned char first[5]; /* of what the client sent */
	unsigned first_len;
	bool is_late; /* we ended it, by the deadline */
};

enum tls_failure tls_failure_of(const struct tls_signs *signs);

/* "client_certificate_expired", as counters and the API have it. */
const char *tls_failure_id(enum tls_failure failure);

/* A sentence without a full stop. */
void tls_failure_words(enum tls_failure failure, const struct tls_signs *signs,
    char *out, size_t size);

/* A certificate was presented and refused: somebody's real client. */
bool tls_failure_is_refused_client(enum tls_failure failure);

#endif
