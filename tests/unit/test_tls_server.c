#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "tests/unit/tls_talk.h"

static void
test_self_signed(void **state)
{
	struct err err;
	struct tls_server *server = tls_server_new_self_signed(&err);
	int64_t left =
	    tls_server_certificate(server, 0)->not_after - (int64_t)time(NULL);
	SSL_CTX *ctx = context_of(server);
	struct talk talk;
	X509 *cert;

	(void)state;
	tls_server_unref(server);
	assert_in_range(left, 364 * DAY, 366 * DAY);
	talk_open(&talk, ctx);
	assert_true(talk_run(&talk));
	assert_int_equal(SSL_version(talk.client), TLS1_3_VERSION);
	assert_string_equal(
	    SSL_get_cipher(talk.client), "TLS_AES_128_GCM_SHA256");
	cert = SSL_get1_peer_certificate(talk.client);
	assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
	assert_int_equal(
	    X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0), 1);
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
		{ "\x08http/1.0", 0, NULL, true, 0, "http/1.0" },
		{ "\x08http/1.0\x08http/1.1", 0, NULL, true, 0, "http/1.1" },
		{ "\x02h2\x08http/1.0", 0, NULL, true, 0, "http/1.0" },
		{ "\x02h2", 0, NULL, false, 120, "" },
		{ "\x07http/1.", 0, NULL, false, 120, "" },
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
		assert_memory_equal(
		    len > 0 ? chosen : (const unsigned char *)"",
		    rows[i].chosen, len);
		talk_close(&talk);
	}
	SSL_CTX_free(ctx);
	tls_server_unref(server);
}

/* Any worker's context resumes what another's began. */
/* Takes the reference over. */
static void
assert_is_shell(EVP_PKEY *key)
{
	unsigned char bytes[64];
	size_t len = sizeof(bytes);

	assert_int_not_equal(EVP_PKEY_get_raw_public_key(key, bytes, &len), 1);
	len = sizeof(bytes);
	assert_int_not_equal(EVP_PKEY_get_raw_private_key(key, bytes, &len), 1);
	ERR_clear_error();
	EVP_PKEY_free(key);
}

/* OpenSSL would keep them for as long as the connection. */
static void
test_exchange_keys_go(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct err err;
	struct tls_server *server = tls_server_new_self_signed(&err);
	SSL_CTX *ctx = context_of(server);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct talk talk;
		EVP_PKEY *key;

		talk_open(&talk, ctx);
		SSL_set_max_proto_version(talk.client, versions[i]);
		assert_true(talk_run(&talk));
		assert_int_equal(SSL_version(talk.server), versions[i]);
		assert_int_equal(ERR_peek_error(), 0);
		if (SSL_get_tmp_key(talk.server, &key) == 1)
			assert_is_shell(key);
		if (SSL_get_peer_tmp_key(talk.server, &key) == 1)
			assert_is_shell(key);
		talk_close(&talk);
	}
	SSL_CTX_free(ctx);
	tls_server_unref(server);
}

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

/* Every option is seen on the wire: with it one thing is, without another. */
struct wish {
	const char *min, *max;
	const char *suites[4], *curves[3];
	bool prefers;
	/* What the client offers; NULL or 0: OpenSSL's own. */
	int client_min, client_max;
	const char *client_ciphers, *client_groups;
	/* What comes of it: 0 and NULL if the handshake fails. */
	int version;
	const char *cipher, *group;
	enum tls_failure failure;
};

#define EVERYTHING "ALL:@SECLEVEL=0"
#define GCM128 "ECDHE-ECDSA-AES128-GCM-SHA256"
#define GCM256 "ECDHE-ECDSA-AES256-GCM-SHA384"
#define GO_GCM128 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
#define GO_GCM256 "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
#define GO_CBC "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"

static const struct wish wishes[] = {
	/* Versions. */
	{ .version = TLS1_3_VERSION },
	{ .client_max = TLS1_2_VERSION, .version = TLS1_2_VERSION },
	{ .client_max = TLS1_1_VERSION,
	    .client_ciphers = EVERYTHING,
	    .failure = TLS_FAILURE_PROTOCOL_VERSION },
	{ .min = "TLS11",
	    .client_max = TLS1_1_VERSION,
	    .client_ciphers = EVERYTHING,
	    .version = TLS1_1_VERSION },
	{ .min = "TLS11",
	    .client_max = TLS1_VERSION,
	    .client_min = TLS1_VERSION,
	    .client_ciphers = EVERYTHING,
	    .failure = TLS_FAILURE_PROTOCOL_VERSION },
	{ .min = "TLS10",
	    .client_max = TLS1_VERSION,
	    .client_min = TLS1_VERSION,
	    .client_ciphers = EVERYTHING,
	    .version = TLS1_VERSION },
	{ .min = "TLS10",
	    .max = "TLS11",
	    .client_ciphers = EVERYTHING,
	    .client_min = TLS1_VERSION,
	    .version = TLS1_1_VERSION },
	{ .min = "TLS13",
	    .client_max = TLS1_2_VERSION,
	    .failure = TLS_FAILURE_PROTOCOL_VERSION },
	{ .max = "TLS12", .version = TLS1_2_VERSION },
	{ .max = "TLS12",
	    .client_min = TLS1_3_VERSION,
	    .failure = TLS_FAILURE_PROTOCOL_VERSION },
	/* Suites. */
	{ .client_max = TLS1_2_VERSION,
	    .prefers = true,
	    .client_ciphers = GCM256 ":" GCM128,
	    .cipher = GCM128,
	    .version = TLS1_2_VERSION },
	{ .client_max = TLS1_2_VERSION,
	    .prefers = false,
	    .client_ciphers = GCM256 ":" GCM128,
	    .cipher = GCM256,
	    .version = TLS1_2_VERSION },
	{ .client_max = TLS1_2_VERSION,
	    .suites = { GO_GCM256, GO_GCM128 },
	    .prefers = true,
	    .client_ciphers = GCM128 ":" GCM256,
	    .cipher = GCM256,
	    .version = TLS1_2_VERSION },
	{ .client_max = TLS1_2_VERSION,
	    .suites = { GO_GCM256 },
	    .client_ciphers = GCM128,
	    .failure = TLS_FAILURE_NO_SHARED_CIPHER },
	{ .client_max = TLS1_2_VERSION,
	    .client_ciphers = "ECDHE-ECDSA-AES128-SHA",
	    .failure = TLS_FAILURE_NO_SHARED_CIPHER },
	{ .client_max = TLS1_2_VERSION,
	    .suites = { GO_CBC },
	    .client_ciphers = "ECDHE-ECDSA-AES128-SHA",
	    .cipher = "ECDHE-ECDSA-AES128-SHA",
	    .version = TLS1_2_VERSION },
	/* Those of 1.3 cannot be chosen, but leave 1.2 with none. */
	{ .suites = { "TLS_AES_128_GCM_SHA256" }, .version = TLS1_3_VERSION },
	{ .suites = { "TLS_AES_128_GCM_SHA256" },
	    .client_max = TLS1_2_VERSION,
	    .failure = TLS_FAILURE_PROTOCOL_VERSION },
	{ .suites = { "TLS_CHACHA20_POLY1305_SHA256", GO_GCM128 },
	    .client_max = TLS1_2_VERSION,
	    .cipher = GCM128,
	    .version = TLS1_2_VERSION },
	/* Curves. */
	{ .group = "X25519", .version = TLS1_3_VERSION },
	{ .client_groups = "P-521",
	    .group = "secp521r1",
	    .version = TLS1_3_VERSION },
	{ .client_groups = "ffdhe2048",
	    .failure = TLS_FAILURE_NO_SHARED_CIPHER },
	{ .curves = { "CurveP384" },
	    .group = "secp384r1",
	    .version = TLS1_3_VERSION },
	{ .curves = { "CurveP521", "CurveP256" },
	    .client_groups = "P-256",
	    .group = "prime256v1",
	    .version = TLS1_3_VERSION },
	{ .curves = { "CurveP521" },
	    .client_groups = "P-384",
	    .failure = TLS_FAILURE_NO_SHARED_CIPHER },
	{ .curves = { "CurveP521" },
	    .client_groups = "P-384",
	    .client_max = TLS1_2_VERSION,
	    .failure = TLS_FAILURE_NO_SHARED_CIPHER },
};

static void
fill(struct conf_strings *out, const char *const *items, size_t max)
{
	out->items = (char **)(uintptr_t)items;
	for (out->count = 0; out->count < max && items[out->count] != NULL;)
		out->count++;
}

static void
offer(struct talk *talk, const struct wish *wish)
{
	if (wish->client_ciphers != NULL)
		SSL_set_cipher_list(talk->client, wish->client_ciphers);
	if (wish->client_groups != NULL)
		assert_int_equal(
		    SSL_set1_groups_list(talk->client, wish->client_groups), 1);
	if (wish->client_min != 0)
		SSL_set_min_proto_version(talk->client, wish->client_min);
	if (wish->client_max != 0) {
		SSL_set_max_proto_version(talk->client, wish->client_max);
		if (wish->client_max < TLS1_2_VERSION)
			SSL_set_min_proto_version(
			    talk->client, wish->client_max);
	}
}

static void
check_wish(const struct wish *wish, struct tls_server *server, size_t row)
{
	SSL_CTX *ctx = context_of(server);
	struct talk talk;
	bool is_done;

	talk_open(&talk, ctx);
	offer(&talk, wish);
	is_done = talk_run(&talk);
	if (is_done != (wish->version != 0))
		fail_msg("row %zu: done %d", row, is_done);
	assert_int_equal(talk.done, is_done);
	if (!is_done) {
		assert_string_equal(tls_failure_id(talk_failure(&talk)),
		    tls_failure_id(wish->failure));
	} else {
		assert_int_equal(SSL_version(talk.server), wish->version);
		assert_null(tls_handshake_of(talk.server));
	}
	if (wish->cipher != NULL)
		assert_string_equal(
		    SSL_get_cipher_name(talk.server), wish->cipher);
	if (wish->group != NULL) {
		int nid = (int)SSL_get_negotiated_group(talk.server);

		assert_int_equal(OBJ_txt2nid(wish->group), nid);
	}
	talk_close(&talk);
	SSL_CTX_free(ctx);
}

static void
test_options(void **state)
{
	struct pair pair =
	    make((struct maker){ .cn = "x", .san = "DNS:x.test" });
	char *cert = cert_text(&pair), *key = key_text(&pair);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		const struct wish *wish = &wishes[i];
		struct conf_tls_server conf = { .cert = cert,
			.key = key,
			.min_version = (char *)(uintptr_t)wish->min,
			.max_version = (char *)(uintptr_t)wish->max,
			.prefer_server_cipher_suites = wish->prefers };
		struct tls_server *server;
		struct err err;

		fill(&conf.cipher_suites, wish->suites, 4);
		fill(&conf.curve_preferences, wish->curves, 3);
		server = serve(&conf, &err);
		if (server == NULL)
			fail_msg("row %zu: %s", i, err.text);
		check_wish(wish, server, i);
		tls_server_unref(server);
	}
	free(cert);
	free(key);
	pair_drop(&pair);
}

/* Alone in the list, each is what is spoken. */
static void
test_every_name(void **state)
{
	static const struct {
		const char *suite, *cipher; /* TLS 1.2 */
		bool is_rsa;
	} suites[] = {
		{ GO_GCM128, GCM128, false },
		{ GO_GCM256, GCM256, false },
		{ GO_CBC, "ECDHE-ECDSA-AES128-SHA", false },
		{ "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
		    "ECDHE-ECDSA-AES256-SHA", false },
		{ "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
		    "ECDHE-ECDSA-CHACHA20-POLY1305", false },
		{ "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		    "ECDHE-RSA-AES128-GCM-SHA256", true },
		{ "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		    "ECDHE-RSA-AES256-GCM-SHA384", true },
		{ "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA",
		    true },
		{ "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA",
		    true },
		{ "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		    "ECDHE-RSA-CHACHA20-POLY1305", true },
	};
	static const char *const curves[][2] = {
		{ "CurveP256", "prime256v1" },
		{ "CurveP384", "secp384r1" },
		{ "CurveP521", "secp521r1" },
		{ "X25519", "X25519" },
	};
	struct pair pairs[] = { make((struct maker){ .cn = "x" }),
		make((struct maker){ .cn = "x", .rsa_bits = 2048 }) };
	size_t i, k;

	(void)state;
	for (i = 0; i < 14; i++) {
		bool is_suite = i < 10;
		struct wish wish = { .version = TLS1_3_VERSION };
		struct conf_tls_server conf = { .cert = NULL };
		struct tls_server *server;
		struct err err;

		if (is_suite) {
			wish.client_max = wish.version = TLS1_2_VERSION;
			wish.cipher = suites[i].cipher;
			fill(&conf.cipher_suites, &suites[i].suite, 1);
		} else {
			wish.group = curves[i - 10][1];
			fill(&conf.curve_preferences, &curves[i - 10][0], 1);
		}
		k = is_suite && suites[i].is_rsa;
		conf.cert = cert_text(&pairs[k]);
		conf.key = key_text(&pairs[k]);
		server = serve(&conf, &err);
		check_wish(&wish, server, i);
		tls_server_unref(server);
		free(conf.cert);
		free(conf.key);
	}
	pair_drop(&pairs[0]);
	pair_drop(&pairs[1]);
}

static void
test_impossible_options(void **state)
{
	static const char *const only13[] = { "TLS_AES_256_GCM_SHA384" };
	struct pair pair = make((struct maker){ .cn = "x" });
	char *cert = cert_text(&pair), *key = key_text(&pair);
	struct conf_tls_server conf = { .cert = cert, .key = key };
	char low[] = "TLS11", high[] = "TLS13", middle[] = "TLS12";
	struct err err;

	(void)state;
	conf.max_version = low;
	assert_null(serve(&conf, &err));
	assert_string_equal(err.text,
	    "max_version TLS11 is below min_version "
	    "TLS12 (the default): no client could connect");
	conf.min_version = high;
	conf.max_version = middle;
	assert_null(serve(&conf, &err));
	conf.min_version = NULL;
	fill(&conf.cipher_suites, only13, 1);
	assert_null(serve(&conf, &err));
	assert_non_null(strstr(err.text, "cipher_suites has none"));
	free(cert);
	free(key);
	pair_drop(&pair);
}

/* The chain on the wire is the file's: nothing is left out or added. */
static void
test_chain_is_sent(void **state)
{
	struct pair root = make((struct maker){ .cn = "root", .is_ca = true });
	struct pair below = make(
	    (struct maker){ .cn = "below", .is_ca = true, .issuer = &root });
	struct pair leaf =
	    make((struct maker){ .san = "DNS:x.test", .issuer = &below });
	char *texts[] = { cert_text(&leaf),
		glue(cert_text(&leaf), cert_text(&below)) };
	char *key = key_text(&leaf), *ca = cert_text(&root);
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		/* As an authority for clients it is not the server's. */
		struct conf_tls_server conf = { .cert = texts[i],
			.key = key,
			.client_ca = ca,
			.client_auth_type = CONF_CLIENT_AUTH_VERIFY_IF_GIVEN };
		struct err err;
		struct tls_server *server = serve(&conf, &err);
		SSL_CTX *ctx = context_of(server);
		struct talk talk;

		talk_open(&talk, ctx);
		assert_true(talk_run(&talk));
		assert_int_equal(
		    sk_X509_num(SSL_get_peer_cert_chain(talk.client)), i + 1);
		talk_close(&talk);
		SSL_CTX_free(ctx);
		tls_server_unref(server);
		free(texts[i]);
	}
	free(key);
	free(ca);
	pair_drop(&root);
	pair_drop(&below);
	pair_drop(&leaf);
}

static void
test_certificates_are_told(void **state)
{
	struct pair old = make((struct maker){ .cn = "old CA",
	    .is_ca = true,
	    .from_s = -9 * DAY,
	    .to_s = 3 * DAY });
	struct pair new = make((struct maker){ .cn = "new CA",
	    .is_ca = true,
	    .from_s = -9 * DAY,
	    .to_s = 30 * DAY });
	struct pair leaf = make((struct maker){
	    .san = "DNS:x.test", .issuer = &new, .to_s = 9 * DAY });
	char *cert = cert_text(&leaf), *key = key_text(&leaf);
	char *ca = glue(cert_text(&new), cert_text(&old));
	struct conf_tls_server conf = { .cert = cert,
		.key = key,
		.client_ca = ca,
		.client_auth_type = CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY };
	struct err err;
	struct tls_server *server = serve(&conf, &err);
	const struct tls_certificate *one;

	(void)state;
	assert_non_null(server);
	assert_int_equal(tls_server_certificate_count(server), 3);
	one = tls_server_certificate(server, 0);
	assert_string_equal(one->role, "server");
	assert_string_equal(one->subject, "DNS:x.test");
	assert_true(*one->serial != '\0');
	assert_in_range(one->not_after - time(NULL), 9 * DAY - 60, 9 * DAY);
	assert_string_equal(one[1].role, "client_ca");
	assert_string_equal(one[1].subject, "CN=old CA");
	assert_string_equal(one[2].subject, "CN=new CA");
	tls_server_unref(server);
	free(cert);
	free(key);
	free(ca);
	pair_drop(&old);
	pair_drop(&new);
	pair_drop(&leaf);
}

/* What a connection needs outlives a reload that drops its server. */
static void
test_context_outlives_the_server(void **state)
{
	struct pair ca = make((struct maker){ .cn = "ca", .is_ca = true });
	struct pair leaf = make((struct maker){ .cn = "x", .issuer = &ca });
	char *cert = cert_text(&leaf), *key = key_text(&leaf);
	char *authority = cert_text(&ca);
	struct conf_tls_server conf = { .cert = cert,
		.key = key,
		.client_ca = authority,
		.client_auth_type = CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY };
	struct err err;
	struct tls_server *server = serve(&conf, &err);
	SSL_CTX *ctx = context_of(server);
	struct talk talk;

	(void)state;
	free(cert);
	free(key);
	free(authority);
	tls_server_unref(server);
	talk_open(&talk, ctx);
	SSL_CTX_free(ctx);
	talk_present(&talk, &leaf);
	assert_true(talk_run(&talk));
	talk_close(&talk);
	pair_drop(&ca);
	pair_drop(&leaf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self_signed),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_exchange_keys_go),
		cmocka_unit_test(test_tickets_are_shared),
		cmocka_unit_test(test_no_renegotiation),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_every_name),
		cmocka_unit_test(test_impossible_options),
		cmocka_unit_test(test_chain_is_sent),
		cmocka_unit_test(test_certificates_are_told),
		cmocka_unit_test(test_context_outlives_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
