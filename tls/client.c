#include "tls/client.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/material.h"
#include "tls/authorities.h"
#include "tls/names.h"
#include "tls/pem.h"
#include "tls/ssl_err.h"
#include "tls/verify.h"

struct tls_client {
	struct authorities *authorities;
};

struct tls_facts *
tls_facts_new(void)
{
	struct tls_facts *facts = xcalloc(1, sizeof(*facts));

	facts->refs = 1;
	return facts;
}

struct tls_facts *
tls_facts_ref(struct tls_facts *facts)
{
	facts->refs++;
	return facts;
}

void
tls_facts_unref(struct tls_facts *facts)
{
	if (facts != NULL && --facts->refs == 0)
		free(facts);
}

struct tls_client *
tls_client_new(void)
{
	struct tls_client *client = xcalloc(1, sizeof(*client));

	client->authorities = authorities_new();
	return client;
}

void
tls_client_free(struct tls_client *client)
{
	if (client == NULL)
		return;
	authorities_free(client->authorities);
	free(client);
}

/* warning: close_notify and user_canceled, which mean no fault. */
static void
note_alert(int *alert, int value)
{
	int number = value & 0xff;

	if (*alert == 0 && number != SSL_AD_CLOSE_NOTIFY &&
	    number != SSL_AD_USER_CANCELLED)
		*alert = number + 1;
}

static void
on_info(const SSL *ssl, int where, int value)
{
	const struct tls_verify *verify = tls_verify_of(SSL_get_SSL_CTX(ssl));
	struct tls_facts *facts = verify->facts;

	if (where & SSL_CB_HANDSHAKE_START && facts->started_us == 0) {
		facts->started_us = clock_now_us();
		/* Whoever made the SSL took the URL's host for it. */
		if (verify->server_name != NULL)
			SSL_set_tlsext_host_name(
			    (SSL *)(uintptr_t)ssl, verify->server_name);
	}
	if (where & SSL_CB_HANDSHAKE_DONE && facts->done_us == 0)
		facts->done_us = clock_now_us();
	if (where & SSL_CB_ALERT)
		note_alert(where & SSL_CB_READ ? &facts->alert_received
					       : &facts->alert_sent,
		    value);
	if (where & SSL_CB_EXIT && value <= 0 && ERR_peek_error() != 0)
		facts->ssl_error = ERR_peek_error();
}

static void
on_message(int is_sent, int version, int type, const void *bytes, size_t len,
    SSL *ssl, void *arg)
{
	struct tls_facts *facts = arg;

	(void)version;
	(void)ssl;
	if (is_sent || type != SSL3_RT_HEADER || facts->first_len != 0)
		return;
	if (len > sizeof(facts->first))
		len = sizeof(facts->first);
	memcpy(facts->first, bytes, len);
	facts->first_len = (unsigned)len;
}

static int
set_versions(SSL_CTX *ctx, const struct conf_tls_client *conf, struct err *err)
{
	int min = names_version(conf->min_version, TLS1_2_VERSION);
	int max = names_version(conf->max_version, 0);

	/*
	 * Go takes 1024 bit RSA but no SHA-1 signatures, which is level 1, not
	 * the distribution's 2.  TLS before 1.2 needs SHA-1 and so level 0.
	 */
	SSL_CTX_set_security_level(ctx, min < TLS1_2_VERSION ? 0 : 1);
	/* Go takes a close without close_notify for the end, too. */
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (SSL_CTX_set_min_proto_version(ctx, min) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, max) != 1)
		return ssl_err(err, "TLS version");
	return 0;
}

/* A file's or the inline text's bytes; NULL with Prometheus' words. */
static const char *
find_text(const struct material *material, const char *path, const char *text,
    size_t *len, const char *what, struct err *err)
{
	const char *bytes;

	if (path == NULL) {
		*len = strlen(text);
		return text;
	}
	bytes = material_get(material, path, len, err);
	if (bytes == NULL)
		err_prefix(err,
		    "unable to read specified client %s: unable "
		    "to read file %s",
		    what, path);
	return bytes;
}

static int
use_pair(SSL_CTX *ctx, const char *cert, size_t cert_len, const char *key,
    size_t key_len, struct err *err)
{
	STACK_OF(X509) *chain = pem_certificates(cert, cert_len, err);
	EVP_PKEY *pkey = NULL;
	int result = -1;

	if (chain != NULL)
		pkey = pem_private_key(key, key_len, err);
	if (pkey != NULL) {
		X509 *leaf = sk_X509_shift(chain);

		if (SSL_CTX_use_cert_and_key(ctx, leaf, pkey, chain, 1) == 1)
			result = 0;
		else
			ssl_err(err, "tls");
		X509_free(leaf);
	}
	EVP_PKEY_free(pkey);
	sk_X509_pop_free(chain, X509_free);
	return result;
}

static int
use_material(SSL_CTX *ctx, const struct conf_tls_client *conf,
    const struct material *material, struct err *err)
{
	size_t cert_len, key_len;
	const char *cert = find_text(
	    material, conf->cert_file, conf->cert, &cert_len, "cert", err);
	const char *key;

	if (cert == NULL)
		return -1;
	key = find_text(
	    material, conf->key_file, conf->key, &key_len, "key", err);
	if (key == NULL)
		return -1;
	if (use_pair(ctx, cert, cert_len, key, key_len, err) == 0)
		return 0;
	err_prefix(err,
	    "unable to use specified client cert (%s%s) & key "
	    "(%s%s)",
	    conf->cert_file != NULL ? "file " : "inline",
	    conf->cert_file != NULL ? conf->cert_file : "",
	    conf->key_file != NULL ? "file " : "inline",
	    conf->key_file != NULL ? conf->key_file : "");
	return -1;
}

/* Read for each connection, and together: they may be renewed any time. */
static int
set_certificate(
    SSL_CTX *ctx, const struct conf_tls_client *conf, struct err *err)
{
	struct material *material;
	const char *paths[2];
	size_t count = 0;
	int result;

	if ((conf->cert_file == NULL && conf->cert == NULL) ||
	    (conf->key_file == NULL && conf->key == NULL))
		return 0;
	if (conf->cert_file != NULL)
		paths[count++] = conf->cert_file;
	if (conf->key_file != NULL)
		paths[count++] = conf->key_file;
	material = material_load(paths, count);
	result = use_material(ctx, conf, material, err);
	material_free(material);
	return result;
}

/* The system's authorities are not worth loading to verify nothing. */
static int
set_authorities(struct tls_client *client, SSL_CTX *ctx,
    const struct conf_tls_client *conf, struct err *err)
{
	X509_STORE *store;

	if (conf->insecure_skip_verify && conf->ca_file == NULL &&
	    conf->ca == NULL)
		return 0;
	store = authorities_get(client->authorities, conf, err);
	if (store == NULL)
		return -1;
	SSL_CTX_set_cert_store(ctx, store);
	return 0;
}

int
tls_client_setup(struct tls_client *client, SSL_CTX *ctx,
    const struct conf_tls_client *conf, const char *host,
    struct tls_facts *facts, struct err *err)
{
	if (set_versions(ctx, conf, err) == -1 ||
	    set_authorities(client, ctx, conf, err) == -1 ||
	    set_certificate(ctx, conf, err) == -1)
		return -1;
	tls_verify_attach(ctx, conf, host, facts);
	SSL_CTX_set_info_callback(ctx, on_info);
	SSL_CTX_set_msg_callback(ctx, on_message);
	SSL_CTX_set_msg_callback_arg(ctx, facts);
	return 0;
}
