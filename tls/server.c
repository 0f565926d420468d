#include "tls/server.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "tls/clients.h"
#include "tls/names.h"
#include "tls/pair.h"
#include "tls/self_signed.h"
#include "tls/ssl_err.h"

/* Name, HMAC key and AES key, as SSL_CTX_set_tlsext_ticket_keys() has it. */
#define TICKET_KEYS_SIZE 80

#define CERTIFICATES_MAX 32

struct tls_server {
	atomic_uint refs;
	STACK_OF(X509) * chain; /* leaf first */
	EVP_PKEY *key;
	int min_version;
	int max_version; /* 0: the newest */
	char *ciphers;   /* of TLS 1.2 and before */
	char *groups;
	bool prefers_own_ciphers;
	struct tls_clients *clients; /* NULL: not asked for certificates */
	struct tls_certificate certificates[CERTIFICATES_MAX];
	size_t certificate_count;
	unsigned char ticket_keys[TICKET_KEYS_SIZE];
};

/* TLS 1.2's: ECDHE with AEAD; those of 1.3 are all of that kind. */
#define MODERN_CIPHERS                                                         \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"           \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"           \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/*
 * TLS 1.3's, in Go's order, which is Prometheus' and the exporters' own.
 * OpenSSL would have AES-256 first.
 */
#define SUITES                                                                 \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                       \
	"TLS_CHACHA20_POLY1305_SHA256"

/* What TLS 1.0 and 1.1 have of ECDHE. */
#define OLD_CIPHERS                                                            \
	"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"                         \
	"ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"

/* OpenSSL's own list has finite fields, too. */
#define GROUPS "X25519:P-256:P-384:P-521"

static struct tls_server *
new_server(void)
{
	struct tls_server *server = xcalloc(1, sizeof(*server));

	atomic_init(&server->refs, 1);
	server->min_version = TLS1_2_VERSION;
	server->prefers_own_ciphers = true;
	return server;
}

/* What the configuration leaves open. */
static void
set_defaults(struct tls_server *server)
{
	if (server->ciphers == NULL)
		server->ciphers = xstrdup(server->min_version < TLS1_2_VERSION
					      ? MODERN_CIPHERS ":" OLD_CIPHERS
					      : MODERN_CIPHERS);
	if (server->groups == NULL)
		server->groups = xstrdup(GROUPS);
}

static void
note_certificates(struct tls_server *server)
{
	certificate_of_x509(&server->certificates[0], "server",
	    sk_X509_value(server->chain, 0));
	server->certificate_count = 1;
	if (server->clients != NULL)
		server->certificate_count +=
		    tls_clients_certificates(server->clients,
			server->certificates + 1, CERTIFICATES_MAX - 1);
}

/* What OpenSSL has against it shows now, not when workers start. */
static int
finish(struct tls_server *server, struct err *err)
{
	SSL_CTX *ctx;

	set_defaults(server);
	note_certificates(server);
	if (RAND_bytes(server->ticket_keys, TICKET_KEYS_SIZE) != 1)
		return ssl_err(err, "cannot make session ticket keys");
	ctx = tls_server_context(server, err);
	SSL_CTX_free(ctx);
	return ctx == NULL ? -1 : 0;
}

static int
set_versions(struct tls_server *server, const struct conf_tls_server *conf,
    struct err *err)
{
	server->min_version = names_version(conf->min_version, TLS1_2_VERSION);
	server->max_version = names_version(conf->max_version, 0);
	if (server->max_version != 0 &&
	    server->max_version < server->min_version)
		return err_set(err, ERR_INVALID,
		    "max_version %s is below "
		    "min_version %s: no client could connect",
		    conf->max_version,
		    conf->min_version != NULL ? conf->min_version
					      : "TLS12 (the default)");
	return 0;
}

static int
set_ciphers(struct tls_server *server, const struct conf_tls_server *conf,
    struct err *err)
{
	if (conf->cipher_suites.count == 0)
		return 0;
	server->ciphers = names_ciphers(&conf->cipher_suites);
	if (*server->ciphers != '\0')
		return 0;
	/* Only suites of TLS 1.3: it is the one version that has any. */
	free(server->ciphers);
	server->ciphers = NULL;
	if (server->max_version != 0 && server->max_version < TLS1_3_VERSION)
		return err_set(err, ERR_INVALID,
		    "cipher_suites has none that "
		    "max_version %s could use",
		    conf->max_version);
	server->min_version = TLS1_3_VERSION;
	return 0;
}

static int
load(struct tls_server *server, const struct conf_tls_server *conf,
    const struct material *material, struct err *err)
{
	if (set_versions(server, conf, err) == -1 ||
	    set_ciphers(server, conf, err) == -1)
		return -1;
	if (conf->curve_preferences.count > 0)
		server->groups = names_groups(&conf->curve_preferences);
	server->prefers_own_ciphers = conf->prefer_server_cipher_suites;
	if (pair_load(conf, material, &server->chain, &server->key, err) == -1)
		return -1;
	if (conf->client_auth_type != CONF_CLIENT_AUTH_NONE) {
		server->clients = tls_clients_new(conf, material, err);
		if (server->clients == NULL)
			return -1;
	}
	return finish(server, err);
}

struct tls_server *
tls_server_new(const struct conf_tls_server *conf,
    const struct material *material, struct err *err)
{
	struct tls_server *server = new_server();

	if (load(server, conf, material, err) == 0)
		return server;
	tls_server_unref(server);
	return NULL;
}

struct tls_server *
tls_server_new_self_signed(struct err *err)
{
	struct tls_server *server = new_server();

	if (self_signed_make(&server->chain, &server->key, err) == 0 &&
	    finish(server, err) == 0)
		return server;
	tls_server_unref(server);
	return NULL;
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
	if (server == NULL || atomic_fetch_sub_explicit(
				  &server->refs, 1, memory_order_acq_rel) != 1)
		return;
	sk_X509_pop_free(server->chain, X509_free);
	EVP_PKEY_free(server->key);
	tls_clients_free(server->clients);
	free(server->ciphers);
	free(server->groups);
	OPENSSL_cleanse(server, sizeof(*server));
	free(server);
}

/* A context keeps alive what it was made of. */

static int ctx_index;
static pthread_once_t ctx_index_once = PTHREAD_ONCE_INIT;

static void
drop_server(
    void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	tls_server_unref(ptr);
}

static void
init_index(void)
{
	ctx_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, drop_server);
}

static void
keep_alive(SSL_CTX *ctx, const struct tls_server *server)
{
	pthread_once(&ctx_index_once, init_index);
	/* Only the count changes. */
	SSL_CTX_set_ex_data(ctx, ctx_index,
	    tls_server_ref((struct tls_server *)(uintptr_t)server));
}

/*
 * A client that speaks neither is told so by the alert that RFC 7301 has for
 * it.
 */
static int
select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in,
		in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* What the file has is sent, no more: nothing is added from client_ca. */
static int
set_identity(SSL_CTX *ctx, const struct tls_server *server, struct err *err)
{
	int i;

	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	if (SSL_CTX_use_certificate(ctx, sk_X509_value(server->chain, 0)) !=
		1 ||
	    SSL_CTX_use_PrivateKey(ctx, server->key) != 1)
		return ssl_err(err, "certificate or key cannot be used");
	for (i = 1; i < sk_X509_num(server->chain); i++)
		if (SSL_CTX_add1_chain_cert(
			ctx, sk_X509_value(server->chain, i)) != 1)
			return ssl_err(err,
			    "certificate %d of the chain "
			    "cannot be used",
			    i + 1);
	return 0;
}

static int
set_protocol(SSL_CTX *ctx, const struct tls_server *server, struct err *err)
{
	/* SHA-1, which TLS before 1.2 signs with, is below all other levels. */
	if (server->min_version < TLS1_2_VERSION)
		SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		(server->prefers_own_ciphers ? SSL_OP_CIPHER_SERVER_PREFERENCE
					     : 0));
	SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
	if (SSL_CTX_set_min_proto_version(ctx, server->min_version) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, server->max_version) != 1)
		return ssl_err(err, "cannot set min_version and max_version");
	if (SSL_CTX_set_cipher_list(ctx, server->ciphers) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, SUITES) != 1)
		return ssl_err(err, "cannot set cipher_suites");
	if (SSL_CTX_set1_groups_list(ctx, server->groups) != 1)
		return ssl_err(err, "cannot set curve_preferences");
	return 0;
}

static int
set_sessions(SSL_CTX *ctx, const struct tls_server *server, struct err *err)
{
	static const unsigned char id[] = "scrapegate";
	unsigned char keys[TICKET_KEYS_SIZE];

	memcpy(keys, server->ticket_keys, sizeof(keys));
	/* An idle connection costs 16 KiB instead of 48. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
	SSL_CTX_set_num_tickets(ctx, 1);
	if (SSL_CTX_set_tlsext_ticket_keys(ctx, keys, sizeof(keys)) != 1)
		return ssl_err(err, "cannot set session ticket keys");
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
	    set_sessions(ctx, server, err) == -1 ||
	    set_identity(ctx, server, err) == -1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (server->clients != NULL)
		tls_clients_apply(server->clients, ctx);
	keep_alive(ctx, server);
	return ctx;
}

size_t
tls_server_certificate_count(const struct tls_server *server)
{
	return server->certificate_count;
}

const struct tls_certificate *
tls_server_certificate(const struct tls_server *server, size_t i)
{
	assert(i < server->certificate_count);
	return &server->certificates[i];
}
