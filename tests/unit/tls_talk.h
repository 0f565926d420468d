/*
 * TLS handshakes in memory: bytes go from one BIO to the other.  And
 * certificates of all kinds for them.
 */
#ifndef TESTS_UNIT_TLS_TALK_H
#define TESTS_UNIT_TLS_TALK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "conf/conf.h"
#include "proxy/base/err.h"
#include "proxy/base/material.h"
#include "tls/handshake.h"
#include "tls/server.h"

#define DAY 86400L

/* Certificates. */

struct maker {
	const char *cn; /* NULL: an empty subject */
	const char *san;
	const char *usage;         /* extended key usage */
	const struct pair *issuer; /* NULL: self-signed */
	long from_s, to_s;  /* relative to now; both 0: a day to each side */
	unsigned rsa_bits;  /* 0: P-256 */
	const char *digest; /* NULL: SHA-256 */
	size_t ballast;     /* bytes of an extension that means nothing */
	bool is_ca;
};

struct pair {
	X509 *cert;
	EVP_PKEY *key;
};

static inline void
add_ext(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (ext == NULL || X509_add_ext(cert, ext, -1) != 1)
		abort();
	X509_EXTENSION_free(ext);
}

static inline void
add_ballast(X509 *cert, size_t size)
{
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *id = OBJ_txt2obj("1.2.3.4.5", 1);
	unsigned char *zeros = calloc(1, size);
	X509_EXTENSION *ext;

	ASN1_OCTET_STRING_set(bytes, zeros, (int)size);
	ext = X509_EXTENSION_create_by_OBJ(NULL, id, 0, bytes);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(bytes);
	ASN1_OBJECT_free(id);
	free(zeros);
}

static inline struct pair
make(struct maker o)
{
	static long serial = 1;
	struct pair made = { X509_new(), o.rsa_bits != 0
					     ? EVP_RSA_gen(o.rsa_bits)
					     : EVP_EC_gen("P-256") };
	const struct pair *issuer = o.issuer != NULL ? o.issuer : &made;
	X509_NAME *name = X509_get_subject_name(made.cert);
	bool is_default = o.from_s == 0 && o.to_s == 0;

	X509_set_version(made.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial++);
	X509_gmtime_adj(
	    X509_getm_notBefore(made.cert), is_default ? -DAY : o.from_s);
	X509_gmtime_adj(
	    X509_getm_notAfter(made.cert), is_default ? DAY : o.to_s);
	if (o.cn != NULL)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		    (const unsigned char *)o.cn, -1, -1, 0);
	X509_set_issuer_name(made.cert, X509_get_subject_name(issuer->cert));
	X509_set_pubkey(made.cert, made.key);
	add_ext(made.cert, NID_basic_constraints,
	    o.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (o.san != NULL)
		add_ext(made.cert, NID_subject_alt_name, o.san);
	if (o.usage != NULL)
		add_ext(made.cert, NID_ext_key_usage, o.usage);
	if (o.ballast > 0)
		add_ballast(made.cert, o.ballast);
	if (X509_sign(made.cert, issuer->key,
		o.digest != NULL ? EVP_get_digestbyname(o.digest)
				 : EVP_sha256()) <= 0)
		abort();
	return made;
}

static inline void
pair_drop(struct pair *pair)
{
	X509_free(pair->cert);
	EVP_PKEY_free(pair->key);
}

static inline char *
bio_text(BIO *bio)
{
	char *bytes, *text;
	long len = BIO_get_mem_data(bio, &bytes);

	text = calloc(1, (size_t)len + 1);
	memcpy(text, bytes, (size_t)len);
	BIO_free(bio);
	return text;
}

static inline char *
cert_text(const struct pair *pair)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, pair->cert);
	return bio_text(bio);
}

static inline char *
key_text(const struct pair *pair)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PrivateKey(bio, pair->key, NULL, NULL, 0, NULL, NULL);
	return bio_text(bio);
}

/* Both freed: "AB". */
static inline char *
glue(char *a, char *b)
{
	char *text = calloc(1, strlen(a) + strlen(b) + 1);

	strcat(strcpy(text, a), b);
	free(a);
	free(b);
	return text;
}

static inline char *
crl_text(const struct pair *issuer, const struct pair *revoked, long from_s,
    long to_s)
{
	X509_CRL *crl = X509_CRL_new();
	BIO *bio = BIO_new(BIO_s_mem());
	ASN1_TIME *t = ASN1_TIME_new();

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
	X509_gmtime_adj(t, from_s);
	X509_CRL_set1_lastUpdate(crl, t);
	if (revoked != NULL) {
		X509_REVOKED *row = X509_REVOKED_new();

		X509_REVOKED_set_serialNumber(
		    row, X509_get_serialNumber(revoked->cert));
		X509_REVOKED_set_revocationDate(row, t);
		X509_CRL_add0_revoked(crl, row);
	}
	X509_gmtime_adj(t, to_s);
	X509_CRL_set1_nextUpdate(crl, t);
	X509_CRL_sign(crl, issuer->key, EVP_sha256());
	PEM_write_bio_X509_CRL(bio, crl);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return bio_text(bio);
}

/* Handshakes. */

struct talk {
	SSL_CTX *client_ctx;
	SSL *client;
	SSL *server;
	int alert;     /* that the client received */
	unsigned done; /* handshakes the server completed */
};

static inline void
on_client_info(const SSL *ssl, int where, int value)
{
	struct talk *talk = SSL_get_app_data(ssl);

	if (talk != NULL && where == SSL_CB_READ_ALERT)
		talk->alert = value & 0xff;
}

static inline void
on_server_done(void *arg)
{
	struct talk *talk = arg;

	talk->done++;
}

static inline void
talk_open(struct talk *talk, SSL_CTX *server_ctx)
{
	BIO *a, *b;

	memset(talk, 0, sizeof(*talk));
	talk->client_ctx = SSL_CTX_new(TLS_client_method());
	talk->client = SSL_new(talk->client_ctx);
	talk->server = SSL_new(server_ctx);
	BIO_new_bio_pair(&a, 1 << 20, &b, 1 << 20);
	SSL_set_bio(talk->client, a, a);
	SSL_set_bio(talk->server, b, b);
	SSL_set_connect_state(talk->client);
	SSL_set_accept_state(talk->server);
	SSL_set_app_data(talk->client, talk);
	SSL_set_info_callback(talk->client, on_client_info);
	tls_handshake_watch(talk->server, on_server_done, talk);
}

static inline void
talk_present(struct talk *talk, const struct pair *pair)
{
	if (SSL_use_certificate(talk->client, pair->cert) != 1 ||
	    SSL_use_PrivateKey(talk->client, pair->key) != 1)
		abort();
}

static inline bool
talk_run(struct talk *talk)
{
	char bytes[16];
	int i;

	for (i = 0; i < 10; i++) {
		SSL_do_handshake(talk->client);
		SSL_do_handshake(talk->server);
		/* Takes session tickets and late alerts in. */
		SSL_read(talk->client, bytes, sizeof(bytes));
	}
	return SSL_is_init_finished(talk->client) &&
	       SSL_is_init_finished(talk->server);
}

static inline enum tls_failure
talk_failure(const struct talk *talk)
{
	return tls_failure_of(&tls_handshake_of(talk->server)->signs);
}

static inline void
talk_close(struct talk *talk)
{
	SSL_shutdown(talk->client);
	SSL_free(talk->client);
	SSL_free(talk->server);
	SSL_CTX_free(talk->client_ctx);
}

/* A server of a configuration that has everything inline. */
static inline struct tls_server *
serve(const struct conf_tls_server *conf, struct err *err)
{
	const char *paths[] = { conf->cert_file, conf->key_file,
		conf->client_ca_file, conf->client_crl_file };
	const char *named[4];
	struct tls_server *server;
	struct material *material;
	size_t count = 0, i;

	for (i = 0; i < 4; i++)
		if (paths[i] != NULL)
			named[count++] = paths[i];
	material = material_load(named, count);
	err->code = ERR_NONE;
	err->text[0] = '\0';
	server = tls_server_new(conf, material, err);
	material_free(material);
	return server;
}

static inline SSL_CTX *
context_of(const struct tls_server *server)
{
	struct err err;
	SSL_CTX *ctx = tls_server_context(server, &err);

	if (ctx == NULL)
		abort();
	return ctx;
}

#endif
