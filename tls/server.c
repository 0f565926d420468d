#include "tls/server.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "tls/pem.h"
#include "tls/self_signed.h"
#include "tls/ssl_err.h"

/* Name, HMAC key and AES key, as SSL_CTX_set_tlsext_ticket_keys() has it. */
#define TICKET_KEYS_SIZE 80

struct tls_server {
	atomic_uint refs;
	STACK_OF(X509) *chain; /* leaf first */
	EVP_PKEY *key;
	int min_version;
	int max_version; /* 0: the newest */
	int64_t not_after;
	unsigned char ticket_keys[TICKET_KEYS_SIZE];
};

/* TLS 1.2's: ECDHE with AEAD; those of 1.3 are all of that kind. */
static const char ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

static int
parse_version(const char *name, int unset)
{
	if (name == NULL)
		return unset;
	return strcmp(name, "TLS13") == 0 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

static struct tls_server *
new_server(void)
{
	struct tls_server *server = xcalloc(1, sizeof(*server));

	atomic_init(&server->refs, 1);
	server->min_version = TLS1_2_VERSION;
	return server;
}

static int
finish(struct tls_server *server, struct err *err)
{
	X509 *leaf = sk_X509_value(server->chain, 0);

	if (X509_check_private_key(leaf, server->key) != 1)
		return ssl_err(err, "the private key does not belong to the "
		    "certificate");
	if (RAND_bytes(server->ticket_keys, TICKET_KEYS_SIZE) != 1)
		return ssl_err(err, "cannot make session ticket keys");
	server->not_after = seconds_of(X509_get0_notAfter(leaf));
	return 0;
}

static int
load_chain(struct tls_server *server, const char *path, struct err *err)
{
	size_t len;
	char *text = pem_read_file(path, &len, err);

	if (text == NULL) {
		err_prefix(err, "cert_file");
		return -1;
	}
	server->chain = pem_certificates(text, len, err);
	free(text);
	if (server->chain == NULL) {
		err_prefix(err, "cert_file %s", path);
		return -1;
	}
	return 0;
}

static int
load_key(struct tls_server *server, const char *path, struct err *err)
{
	size_t len;
	char *text = pem_read_file(path, &len, err);

	if (text == NULL) {
		err_prefix(err, "key_file");
		return -1;
	}
	server->key = pem_private_key(text, len, err);
	explicit_bzero(text, len);
	free(text);
	if (server->key == NULL) {
		err_prefix(err, "key_file %s", path);
		return -1;
	}
	return 0;
}

static void
warn_of_dates(const struct tls_server *server, const char *path)
{
	X509 *leaf = sk_X509_value(server->chain, 0);
	char text[CLOCK_TEXT_SIZE];

	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
		log_warn("certificate has expired; clients will refuse it",
		    "cert_file", path, "not_after",
		    clock_text((uint64_t)server->not_after * 1000000, text),
		    NULL);
	else if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		log_warn("certificate is not valid yet", "cert_file", path,
		    NULL);
}

struct tls_server *
tls_server_new(const struct conf_tls_server *conf, struct err *err)
{
	struct tls_server *server;

	if (conf->cert_file == NULL || conf->key_file == NULL) {
		err_set(err, ERR_INVALID, "tls_server_config needs both "
		    "cert_file and key_file");
		return NULL;
	}
	server = new_server();
	server->min_version = parse_version(conf->min_version,
	    TLS1_2_VERSION);
	server->max_version = parse_version(conf->max_version, 0);
	if (load_chain(server, conf->cert_file, err) == -1 ||
	    load_key(server, conf->key_file, err) == -1)
		goto fail;
	if (finish(server, err) == -1) {
		err_prefix(err, "cert_file %s, key_file %s", conf->cert_file,
		    conf->key_file);
		goto fail;
	}
	warn_of_dates(server, conf->cert_file);
	return server;

fail:
	tls_server_unref(server);
	return NULL;
}

struct tls_server *
tls_server_new_self_signed(struct err *err)
{
	struct tls_server *server = new_server();

	if (self_signed_make(&server->chain, &server->key, err) == -1 ||
	    finish(server, err) == -1) {
		tls_server_unref(server);
		return NULL;
	}
	return server;
}

struct tls_server *
tls_server_ref(struct tls_server *server)
{
	atomic_fetch_add_explicit(&server->refs, 1, memory_order_relaxed);
	return server;
}

void
tls_server_unref(struct tls_server *server)
{
	if (server == NULL || atomic_fetch_sub_explicit(&server->refs, 1,
	    memory_order_acq_rel) != 1)
		return;
	sk_X509_pop_free(server->chain, X509_free);
	EVP_PKEY_free(server->key);
	OPENSSL_cleanse(server, sizeof(*server));
	free(server);
}

/*
 * HTTP/1 or nothing: a client that insists on h2 is told so by the alert
 * that RFC 7301 has for it.
 */
static int
select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char known[] = "\x08http/1.1\x08http/1.0";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, known, sizeof(known) - 1,
	    in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int
set_identity(SSL_CTX *ctx, const struct tls_server *server, struct err *err)
{
	int i;

	if (SSL_CTX_use_certificate(ctx, sk_X509_value(server->chain, 0)) !=
	    1 || SSL_CTX_use_PrivateKey(ctx, server->key) != 1)
		return ssl_err(err, "certificate or key cannot be used");
	for (i = 1; i < sk_X509_num(server->chain); i++)
		if (SSL_CTX_add1_chain_cert(ctx,
		    sk_X509_value(server->chain, i)) != 1)
			return ssl_err(err, "certificate chain");
	return 0;
}

static int
set_protocol(SSL_CTX *ctx, const struct tls_server *server, struct err *err)
{
	static const unsigned char id[] = "scrapegate";
	unsigned char keys[TICKET_KEYS_SIZE];

	memcpy(keys, server->ticket_keys, sizeof(keys));
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* An idle connection costs 16 KiB instead of 48. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
	if (SSL_CTX_set_min_proto_version(ctx, server->min_version) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, server->max_version) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, ciphers) != 1 ||
	    SSL_CTX_set_tlsext_ticket_keys(ctx, keys, sizeof(keys)) != 1)
		return ssl_err(err, "cannot set up TLS");
	return 0;
}

SSL_CTX *
tls_server_context(const struct tls_server *server, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL) {
		ssl_err(err, "cannot start TLS");
		return NULL;
	}
	if (set_protocol(ctx, server, err) == -1 ||
	    set_identity(ctx, server, err) == -1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

int64_t
tls_server_not_after(const struct tls_server *server)
{
	return server->not_after;
}
