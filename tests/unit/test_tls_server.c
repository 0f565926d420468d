#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "proxy/base/err.h"
#include "tests/unit/certs.h"
#include "tls/server.h"

#define DAY 86400L

/* A handshake in memory: bytes go from one BIO to the other. */
struct talk {
	SSL_CTX *client_ctx;
	SSL *client;
	SSL *server;
	int alert; /* that the client received */
	SSL_SESSION *session;
};

static void
on_info(const SSL *ssl, int where, int value)
{
	struct talk *talk = SSL_get_app_data(ssl);

	if (talk != NULL && where == SSL_CB_READ_ALERT)
		talk->alert = value & 0xff;
}

static void
talk_open(struct talk *talk, SSL_CTX *server_ctx)
{
	BIO *a, *b;

	memset(talk, 0, sizeof(*talk));
	talk->client_ctx = SSL_CTX_new(TLS_client_method());
	talk->client = SSL_new(talk->client_ctx);
	talk->server = SSL_new(server_ctx);
	BIO_new_bio_pair(&a, 0, &b, 0);
	SSL_set_bio(talk->client, a, a);
	SSL_set_bio(talk->server, b, b);
	SSL_set_connect_state(talk->client);
	SSL_set_accept_state(talk->server);
	SSL_set_app_data(talk->client, talk);
	SSL_set_info_callback(talk->client, on_info);
}

static bool
talk_run(struct talk *talk)
{
	char bytes[16];
	int i;

	for (i = 0; i < 20; i++) {
		SSL_do_handshake(talk->client);
		SSL_do_handshake(talk->server);
		/* Takes the session tickets in. */
		SSL_read(talk->client, bytes, sizeof(bytes));
	}
	return SSL_is_init_finished(talk->client) &&
	    SSL_is_init_finished(talk->server);
}

static void
talk_close(struct talk *talk)
{
	SSL_shutdown(talk->client);
	SSL_free(talk->client);
	SSL_free(talk->server);
	SSL_CTX_free(talk->client_ctx);
}

static SSL_CTX *
context_of(struct tls_server *server)
{
	struct err err;
	SSL_CTX *ctx = tls_server_context(server, &err);

	assert_non_null(ctx);
	return ctx;
}

static void
test_self_signed(void **state)
{
	struct err err;
	struct tls_server *server = tls_server_new_self_signed(&err);
	int64_t left = tls_server_not_after(server) - (int64_t)time(NULL);
	SSL_CTX *ctx = context_of(server);
	struct talk talk;
	X509 *cert;

	(void)state;
	tls_server_unref(server);
	assert_in_range(left, 364 * DAY, 366 * DAY);
	talk_open(&talk, ctx);
	assert_true(talk_run(&talk));
	assert_int_equal(SSL_version(talk.client), TLS1_3_VERSION);
	cert = SSL_get1_peer_certificate(talk.client);
	assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
	assert_int_equal(X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0),
	    1);
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(cert)), 256);
	X509_free(cert);
	talk_close(&talk);
	SSL_CTX_free(ctx);
}

static void
test_protocols(void **state)
{
	static const struct {
		const char *alpn;
		int max_version;
		const char *ciphers;
		bool is_fine;
		int alert;
		const char *chosen;
	} rows[] = {
		{ NULL, 0, NULL, true, 0, "" },
		{ "\x08http/1.1", 0, NULL, true, 0, "http/1.1" },
		{ "\x02h2\x08http/1.1", 0, NULL, true, 0, "http/1.1" },
		{ "\x02h2", 0, NULL, false, 120, "" },
		{ NULL, TLS1_2_VERSION, NULL, true, 0, "" },
		{ NULL, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", false, 40,
		    "" },
		{ NULL, TLS1_1_VERSION, "ALL:@SECLEVEL=0", false, 70, "" },
	};
	struct err err;
	struct tls_server *server = tls_server_new_self_signed(&err);
	SSL_CTX *ctx = context_of(server);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const unsigned char *chosen;
		unsigned len;
		struct talk talk;

		talk_open(&talk, ctx);
		if (rows[i].alpn != NULL)
			SSL_set_alpn_protos(talk.client,
			    (const unsigned char *)rows[i].alpn,
			    (unsigned)strlen(rows[i].alpn));
		if (rows[i].ciphers != NULL)
			SSL_set_cipher_list(talk.client, rows[i].ciphers);
		SSL_set_max_proto_version(talk.client, rows[i].max_version);
		assert_int_equal(talk_run(&talk), rows[i].is_fine);
		assert_int_equal(talk.alert, rows[i].alert);
		SSL_get0_alpn_selected(talk.client, &chosen, &len);
		assert_int_equal(len, strlen(rows[i].chosen));
		assert_memory_equal(len > 0 ? chosen :
		    (const unsigned char *)"", rows[i].chosen, len);
		talk_close(&talk);
	}
	SSL_CTX_free(ctx);
	tls_server_unref(server);
}

/* Any worker's context resumes what another's began. */
static void
test_tickets_are_shared(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct err err;
	struct tls_server *server = tls_server_new_self_signed(&err);
	SSL_CTX *one = context_of(server), *two = context_of(server);
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct talk first, second;
		SSL_SESSION *session;

		talk_open(&first, one);
		SSL_set_max_proto_version(first.client, versions[i]);
		assert_true(talk_run(&first));
		assert_false(SSL_session_reused(first.client));
		session = SSL_get1_session(first.client);
		talk_close(&first);
		talk_open(&second, two);
		SSL_set_max_proto_version(second.client, versions[i]);
		SSL_set_session(second.client, session);
		assert_true(talk_run(&second));
		assert_true(SSL_session_reused(second.client));
		talk_close(&second);
		SSL_SESSION_free(session);
	}
	SSL_CTX_free(one);
	SSL_CTX_free(two);
	tls_server_unref(server);
}

static void
test_no_renegotiation(void **state)
{
	struct err err;
	struct tls_server *server = tls_server_new_self_signed(&err);
	SSL_CTX *ctx = context_of(server);
	struct talk talk;

	(void)state;
	talk_open(&talk, ctx);
	SSL_set_max_proto_version(talk.client, TLS1_2_VERSION);
	assert_true(talk_run(&talk));
	SSL_renegotiate(talk.client);
	SSL_do_handshake(talk.client);
	SSL_read(talk.server, (char[8]){ 0 }, 8);
	SSL_do_handshake(talk.client);
	assert_int_equal(talk.alert, 100); /* no_renegotiation */
	talk_close(&talk);
	SSL_CTX_free(ctx);
	tls_server_unref(server);
}

static void
test_files(void **state)
{
	struct identity_options o = { "x", "DNS:x.test", NULL, -DAY, DAY, NULL,
		false };
	struct identity id = identity_make(&o), other = identity_make(&o);
	char cert[] = "/tmp/test_tls_server_XXXXXX";
	char key[] = "/tmp/test_tls_server_XXXXXX";
	char other_key[] = "/tmp/test_tls_server_XXXXXX";
	const struct {
		const char *cert, *key;
		const char *min, *max;
		enum err_code code;
		const char *words; /* part of them */
	} rows[] = {
		{ cert, key, NULL, NULL, ERR_NONE, "" },
		{ cert, key, "TLS13", NULL, ERR_NONE, "" },
		{ "/nonexistent/c.pem", key, NULL, NULL, ERR_MISSING,
		    "cert_file: open /nonexistent/c.pem: no such file" },
		{ cert, "/nonexistent/k.pem", NULL, NULL, ERR_MISSING,
		    "key_file: open /nonexistent/k.pem: no such file" },
		{ key, key, NULL, NULL, ERR_INVALID,
		    "not a PEM certificate" },
		{ cert, cert, NULL, NULL, ERR_INVALID,
		    "not an unencrypted PEM private key" },
		{ cert, other_key, NULL, NULL, ERR_INVALID,
		    "does not belong to the certificate" },
		{ "/tmp", key, NULL, NULL, ERR_FILE, "is a directory" },
		{ cert, NULL, NULL, NULL, ERR_INVALID, "both" },
	};
	size_t i;

	(void)state;
	identity_write_cert(&id, cert);
	identity_write_key(&id, key);
	identity_write_key(&other, other_key);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_tls_server conf = { .is_set = true,
			.cert_file = (char *)(uintptr_t)rows[i].cert,
			.key_file = (char *)(uintptr_t)rows[i].key,
			.min_version = (char *)(uintptr_t)rows[i].min,
			.max_version = (char *)(uintptr_t)rows[i].max };
		struct err err = { .code = ERR_NONE };
		struct tls_server *server = tls_server_new(&conf, &err);

		assert_int_equal(server != NULL, rows[i].code == ERR_NONE);
		assert_int_equal(err.code, rows[i].code);
		assert_non_null(strstr(err.text, rows[i].words));
		if (server != NULL) {
			SSL_CTX *ctx = context_of(server);
			struct talk talk;

			talk_open(&talk, ctx);
			SSL_set_max_proto_version(talk.client,
			    TLS1_2_VERSION);
			assert_int_equal(talk_run(&talk),
			    rows[i].min == NULL);
			talk_close(&talk);
			SSL_CTX_free(ctx);
		}
		tls_server_unref(server);
	}
	unlink(cert);
	unlink(key);
	unlink(other_key);
	identity_free(&id);
	identity_free(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self_signed),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_tickets_are_shared),
		cmocka_unit_test(test_no_renegotiation),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
