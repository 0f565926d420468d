#include "tls/pem.h"

#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "tls/ssl_err.h"

/* Without it OpenSSL asks on the terminal. */
static int
no_passphrase(char *buf, int size, int is_write, void *arg)
{
	(void)buf;
	(void)size;
	(void)is_write;
	(void)arg;
	return -1;
}

/* "No start line" is how a list ends; anything else is broken. */
static bool
is_at_end(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

STACK_OF(X509) * pem_certificates(const char *text, size_t len, struct err *err)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	X509 *cert;

	ERR_clear_error();
	while (
	    (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL)
		sk_X509_push(chain, cert);
	BIO_free(bio);
	if (sk_X509_num(chain) > 0 && is_at_end()) {
		ERR_clear_error();
		return chain;
	}
	sk_X509_pop_free(chain, X509_free);
	ssl_err(err, "not a PEM certificate");
	return NULL;
}

STACK_OF(X509_CRL) * pem_crls(const char *text, size_t len, struct err *err)
{
	STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	X509_CRL *crl;

	ERR_clear_error();
	while ((crl = PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL)) !=
	       NULL)
		sk_X509_CRL_push(all, crl);
	BIO_free(bio);
	if (sk_X509_CRL_num(all) > 0 && is_at_end()) {
		ERR_clear_error();
		return all;
	}
	sk_X509_CRL_pop_free(all, X509_CRL_free);
	ssl_err(err, "not a PEM revocation list");
	return NULL;
}

EVP_PKEY *
pem_private_key(const char *text, size_t len, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key;

	ERR_clear_error();
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (key == NULL)
		ssl_err(err, "not an unencrypted PEM private key");
	ERR_clear_error();
	return key;
}
