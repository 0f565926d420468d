#include "tls/handshake.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "proxy/base/alloc.h"
#include "proxy/base/escape.h"

struct watch {
	struct tls_handshake noted;
	void (*done)(void *arg);
	void *arg;
};

static int ssl_index;
static pthread_once_t ssl_index_once = PTHREAD_ONCE_INIT;

static void
free_watch(
    void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	free(ptr);
}

static void
init_index(void)
{
	ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_watch);
}

static struct watch *
watch_of(const SSL *ssl)
{
	pthread_once(&ssl_index_once, init_index);
	return SSL_get_ex_data(ssl, ssl_index);
}

void
tls_handshake_forget(SSL *ssl)
{
	struct watch *watch = watch_of(ssl);

	SSL_set_info_callback(ssl, NULL);
	SSL_set_msg_callback(ssl, NULL);
	SSL_set_ex_data(ssl, ssl_index, NULL);
	free(watch);
}

/* What it was made of goes, with the private key; OpenSSL's own reference is
 * to an empty shell from now on. */
static void
empty_key(EVP_PKEY *key)
{
	EVP_PKEY_set_type(key, EVP_PKEY_X25519);
	EVP_PKEY_free(key);
}

/*
 * The keys of the exchange have done their work, but OpenSSL would keep them
 * as long as the connection lives: half a kilobyte that nobody reads, and
 * that decrypts all of it.
 */
static void
drop_exchange_keys(SSL *ssl)
{
	EVP_PKEY *key;

	if (SSL_get_peer_tmp_key(ssl, &key) == 1)
		empty_key(key);
	if (SSL_get_tmp_key(ssl, &key) == 1)
		empty_key(key);
}

static void
finish(SSL *ssl, const struct watch *watch)
{
	void (*done)(void *arg) = watch->done;
	void *arg = watch->arg;

	tls_handshake_forget(ssl);
	drop_exchange_keys(ssl);
	done(arg);
}

static void
note_error(struct tls_handshake *noted, const SSL *ssl)
{
	/* OpenSSL's own verdict is the last entry; others led to it. */
	unsigned long error = ERR_peek_last_error();
	const char *name;

	if (error == 0 || noted->signs.error != 0)
		return;
	noted->signs.error = error;
	noted->signs.verify_result = SSL_get_verify_result(ssl);
	name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	if (name != NULL)
		escape_quoted(noted->server_name, sizeof(noted->server_name),
		    name, strlen(name));
}

static void
on_info(const SSL *ssl, int where, int value)
{
	struct watch *watch = watch_of(ssl);

	if (watch == NULL)
		return;
	if (where & SSL_CB_EXIT && value <= 0)
		note_error(&watch->noted, ssl);
	else if (where & SSL_CB_HANDSHAKE_DONE)
		/* Callbacks get it const, but it is ours. */
		finish((SSL *)(uintptr_t)ssl, watch);
}

static void
on_message(int is_sent, int version, int type, const void *bytes, size_t len,
    SSL *ssl, void *arg)
{
	struct tls_signs *signs = arg;

	(void)version;
	(void)ssl;
	if (is_sent || type != SSL3_RT_HEADER || signs->first_len != 0)
		return;
	if (len > sizeof(signs->first))
		len = sizeof(signs->first);
	memcpy(signs->first, bytes, len);
	signs->first_len = (unsigned)len;
}

void
tls_handshake_watch(SSL *ssl, void (*done)(void *arg), void *arg)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));

	watch->done = done;
	watch->arg = arg;
	pthread_once(&ssl_index_once, init_index);
	SSL_set_ex_data(ssl, ssl_index, watch);
	SSL_set_info_callback(ssl, on_info);
	SSL_set_msg_callback(ssl, on_message);
	SSL_set_msg_callback_arg(ssl, &watch->noted.signs);
}

const struct tls_handshake *
tls_handshake_of(const SSL *ssl)
{
	struct watch *watch = watch_of(ssl);

	return watch == NULL ? NULL : &watch->noted;
}

void
tls_handshake_note_certificate(SSL *ssl, X509 *leaf)
{
	struct watch *watch = watch_of(ssl);

	if (watch != NULL)
		certificate_subject(watch->noted.subject, leaf);
}
