/*
 * The client side of TLS: Prometheus' tls_config applied to one connection,
 * and what its handshake showed.
 *
 * Verifies as Go's crypto/tls does: only Subject Alternative Names count, an
 * intermediate or the leaf itself may be the trust anchor, and of several
 * faults an expired leaf is named first, then the name, then the chain.
 *
 * Fetch thread only.
 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "tls/certificate.h"

struct conf_tls_client;
struct err;
struct tls_client;

/*
 * What one connection's handshake showed.  Counted, because a kept-alive
 * connection writes to it after the attempt that opened it is gone.
 */
struct tls_facts {
	unsigned refs;
	uint64_t started_us; /* monotonic; 0 not yet */
	uint64_t done_us;
	int alert_received; /* alert number + 1, fatal ones; 0 none */
	int alert_sent;
	long verify_result; /* X509_V_*; 0 fine or not reached */
	bool is_name_mismatch;
	bool has_no_san; /* and so only a legacy Common Name */
	char names[192]; /* "a.example, b.example, 10.0.0.1", escaped */
	char not_after[CERTIFICATE_TIME_SIZE]; /* RFC 3339 */
	char not_before[CERTIFICATE_TIME_SIZE];
	unsigned long ssl_error; /* the handshake's, packed */
	unsigned char first[5];  /* first record header received */
	unsigned first_len;
};

struct tls_facts *tls_facts_new(void);
struct tls_facts *tls_facts_ref(struct tls_facts *facts);
void tls_facts_unref(struct tls_facts *facts);

/* The certificate authorities loaded so far. */
struct tls_client *tls_client_new(void);
void tls_client_free(struct tls_client *client);

/*
 * Sets up a connection's own SSL_CTX for `host` (name or address).  -1 with
 * Prometheus' words in `err` if a file cannot be read or used.
 */
int tls_client_setup(struct tls_client *client, SSL_CTX *ctx,
    const struct conf_tls_client *conf, const char *host,
    struct tls_facts *facts, struct err *err);

#endif
