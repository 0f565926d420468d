/*
 * The verdict on a server's certificate, and the faults it rests on.  Private
 * to tls/client.
 */
#ifndef TLS_VERIFY_H
#define TLS_VERIFY_H

#include <stdbool.h>

#include <openssl/types.h>

struct conf_tls_client;
struct tls_facts;

/* Hangs on an SSL_CTX and goes with it. */
struct tls_verify {
	struct tls_facts *facts;
	char *host;        /* that the certificate has to name */
	char *server_name; /* for SNI if tls_config sets it, else NULL */
	bool is_address;
	bool is_skipped;

	/* While one chain is verified: */
	int time_error;
	int chain_error;
};

void tls_verify_attach(SSL_CTX *ctx, const struct conf_tls_client *conf,
    const char *host, struct tls_facts *facts);
const struct tls_verify *tls_verify_of(const SSL_CTX *ctx);

#endif
