/*
 * Certificates made at run time for tests.
 */
#ifndef TESTS_UNIT_CERTS_H
#define TESTS_UNIT_CERTS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct identity {
	X509 *cert;
	EVP_PKEY *key;
};

struct identity_options {
	const char *cn;
	const char *san;               /* NULL: none */
	const char *usage;             /* extended key usage; NULL: none */
	long from_s, to_s;             /* relative to now */
	const struct identity *issuer; /* NULL: self-signed */
	bool is_ca;
};

static inline void
identity_extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (ext == NULL || X509_add_ext(cert, ext, -1) != 1)
		abort();
	X509_EXTENSION_free(ext);
}

static inline struct identity
identity_make(const struct identity_options *o)
{
	static long serial = 1;
	struct identity id = { X509_new(), EVP_EC_gen("P-256") };
	const struct identity *issuer = o->issuer != NULL ? o->issuer : &id;
	X509_NAME *name = X509_get_subject_name(id.cert);

	X509_set_version(id.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(id.cert), o->from_s);
	X509_gmtime_adj(X509_getm_notAfter(id.cert), o->to_s);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)o->cn, -1, -1, 0);
	X509_set_issuer_name(id.cert, X509_get_subject_name(issuer->cert));
	X509_set_pubkey(id.cert, id.key);
	identity_extend(id.cert, NID_basic_constraints,
	    o->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (o->san != NULL)
		identity_extend(id.cert, NID_subject_alt_name, o->san);
	if (o->usage != NULL)
		identity_extend(id.cert, NID_ext_key_usage, o->usage);
	if (X509_sign(id.cert, issuer->key, EVP_sha256()) <= 0)
		abort();
	return id;
}

static inline void
identity_free(struct identity *id)
{
	X509_free(id->cert);
	EVP_PKEY_free(id->key);
}

/* Writes to a new temporary file whose name replaces `path`'s XXXXXX. */
static inline void
identity_write_cert(const struct identity *id, char *path)
{
	FILE *f = fdopen(mkstemp(path), "w");

	PEM_write_X509(f, id->cert);
	fclose(f);
}

static inline void
identity_write_key(const struct identity *id, char *path)
{
	FILE *f = fdopen(mkstemp(path), "w");

	PEM_write_PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

/* PEM in memory, for a configuration's inline `ca`, `cert`, `key`. */
static inline char *
identity_text(const struct identity *id, bool is_key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, *text;
	long len;

	if (is_key)
		PEM_write_bio_PrivateKey(
		    bio, id->key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_X509(bio, id->cert);
	len = BIO_get_mem_data(bio, &bytes);
	text = calloc(1, (size_t)len + 1);
	memcpy(text, bytes, (size_t)len);
	BIO_free(bio);
	return text;
}

static inline SSL_CTX *
identity_server(const struct identity *id)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_use_certificate(ctx, id->cert);
	SSL_CTX_use_PrivateKey(ctx, id->key);
	return ctx;
}

#endif
