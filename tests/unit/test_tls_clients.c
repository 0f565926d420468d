#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/tls_talk.h"

/* Who gets in by its certificate, and what is said of those who do not. */

enum who {
	NOBODY,
	GOOD,
	NO_SAN,
	STRANGER,
	FORGED,
	ALONE,
	EXPIRED,
	EARLY,
	REVOKED,
	SERVER_ONLY,
	BELOW,
	DEEP,
	BIG_KEY,
	BIG_CHAIN,
	NUL_NAME,
	WHO_COUNT
};

enum crl {
	CRL_NONE,
	CRL_GOOD,
	CRL_OLD,
	CRL_EARLY,
	CRL_OTHER,
	CRL_CUT,
	CRL_COUNT
};

#define LEVELS 6

static struct pair server, ca, other_ca, forger, levels[LEVELS];
static struct pair people[WHO_COUNT];
static char *server_cert, *server_key, *ca_text, *alone_text;
static char crl_files[CRL_COUNT][40];

static void
write_crl(enum crl which, char *text)
{
	int fd;

	strcpy(crl_files[which], "/tmp/test_tls_clients_XXXXXX");
	fd = mkstemp(crl_files[which]);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	free(text);
}

/* The next list's first line was not written whole.  Takes `text`. */
static char *
cut_off(char *text)
{
	size_t len = strlen(text);

	text = realloc(text, len + 16);
	assert_non_null(text);
	memcpy(text + len, "-----BEGIN X509", 16);
	return text;
}

static struct pair
client(struct maker options)
{
	if (options.cn == NULL)
		options.cn = "client";
	if (options.issuer == NULL)
		options.issuer = &ca;
	return make(options);
}

/* "good.test\0.evil.test": ends at the NUL for whoever forgets the length. */
static void
add_nul_name(struct pair *pair)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	ASN1_STRING_set(text, "good.test\0.evil.test", 20);
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	sk_GENERAL_NAME_push(names, name);
	X509_add1_ext_i2d(pair->cert, NID_subject_alt_name, names, 0, 0);
	X509_sign(pair->cert, ca.key, EVP_sha256());
	GENERAL_NAMES_free(names);
}

static void
make_people(void)
{
	static const char san[] =
	    "DNS:first.test,DNS:good.test,"
	    "email:ops@good.test,IP:10.1.2.3,IP:2001:db8::5,"
	    "URI:spiffe://good.test/ns/mon";
	int i;

	people[GOOD] =
	    client((struct maker){ .san = san, .usage = "clientAuth" });
	people[NO_SAN] = client((struct maker){ .cn = "good.test" });
	people[STRANGER] = client((struct maker){ .issuer = &other_ca });
	people[FORGED] = client((struct maker){ .issuer = &forger });
	people[ALONE] = make((struct maker){ .cn = "alone", .san = san });
	people[EXPIRED] =
	    client((struct maker){ .from_s = -9 * DAY, .to_s = -DAY });
	people[EARLY] =
	    client((struct maker){ .from_s = DAY, .to_s = 9 * DAY });
	people[REVOKED] = client((struct maker){ .cn = "revoked" });
	people[SERVER_ONLY] = client((struct maker){ .usage = "serverAuth" });
	for (i = 0; i < LEVELS; i++) {
		char cn[] = "level 0";

		cn[6] = (char)('0' + i);
		levels[i] = make((struct maker){ .cn = cn,
		    .is_ca = true,
		    .issuer = i == 0 ? &ca : &levels[i - 1] });
	}
	people[BELOW] = client((struct maker){ .issuer = &levels[3] });
	people[DEEP] = client((struct maker){ .issuer = &levels[4] });
	people[BIG_KEY] = client((struct maker){ .rsa_bits = 4104 });
	people[BIG_CHAIN] = client((struct maker){ .ballast = 40000 });
	people[NUL_NAME] = client((struct maker){ .cn = "nul" });
	add_nul_name(&people[NUL_NAME]);
}

static int
set_up(void **state)
{
	(void)state;
	server = make((struct maker){ .cn = "gate" });
	ca = make((struct maker){ .cn = "Client CA", .is_ca = true });
	other_ca = make((struct maker){ .cn = "Other CA", .is_ca = true });
	forger = make((struct maker){ .cn = "Client CA", .is_ca = true });
	make_people();
	server_cert = cert_text(&server);
	server_key = key_text(&server);
	ca_text = cert_text(&ca);
	alone_text = cert_text(&people[ALONE]);
	write_crl(CRL_GOOD, crl_text(&ca, &people[REVOKED], -DAY, DAY));
	write_crl(CRL_OLD, crl_text(&ca, NULL, -9 * DAY, -DAY));
	write_crl(CRL_EARLY, crl_text(&ca, NULL, DAY, 9 * DAY));
	write_crl(CRL_OTHER, crl_text(&other_ca, NULL, -DAY, DAY));
	write_crl(CRL_CUT, cut_off(crl_text(&ca, NULL, -DAY, DAY)));
	return 0;
}

static int
tear_down(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < WHO_COUNT; i++)
		pair_drop(&people[i]);
	for (i = 0; i < LEVELS; i++)
		pair_drop(&levels[i]);
	for (i = CRL_GOOD; i < CRL_COUNT; i++)
		unlink(crl_files[i]);
	pair_drop(&server);
	pair_drop(&ca);
	pair_drop(&other_ca);
	pair_drop(&forger);
	free(server_cert);
	free(server_key);
	free(ca_text);
	free(alone_text);
	return 0;
}

#define NONE CONF_CLIENT_AUTH_NONE
#define REQUEST CONF_CLIENT_AUTH_REQUEST
#define ANY CONF_CLIENT_AUTH_REQUIRE_ANY
#define IF_GIVEN CONF_CLIENT_AUTH_VERIFY_IF_GIVEN
#define VERIFY CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY

#define IN TLS_FAILURE_COUNT

static const struct {
	enum conf_client_auth type;
	enum who who;
	enum crl crl;
	const char *san;          /* allowed; NULL: any */
	enum tls_failure failure; /* IN: none */
	int alert;                /* that the client receives */
} rows[] = {
	{ NONE, NOBODY, CRL_NONE, NULL, IN, 0 },
	{ NONE, STRANGER, CRL_NONE, NULL, IN, 0 },
	{ REQUEST, NOBODY, CRL_NONE, NULL, IN, 0 },
	{ REQUEST, STRANGER, CRL_NONE, NULL, IN, 0 },
	{ REQUEST, EXPIRED, CRL_NONE, NULL, IN, 0 },
	{ ANY, NOBODY, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_MISSING, 116 },
	{ ANY, STRANGER, CRL_NONE, NULL, IN, 0 },
	{ ANY, ALONE, CRL_NONE, NULL, IN, 0 },
	{ IF_GIVEN, NOBODY, CRL_NONE, NULL, IN, 0 },
	{ IF_GIVEN, GOOD, CRL_NONE, NULL, IN, 0 },
	{ IF_GIVEN, STRANGER, CRL_NONE, NULL,
	    TLS_FAILURE_CERTIFICATE_UNKNOWN_CA, 48 },
	{ VERIFY, NOBODY, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_MISSING,
	    116 },
	{ VERIFY, GOOD, CRL_NONE, NULL, IN, 0 },
	{ VERIFY, NO_SAN, CRL_NONE, NULL, IN, 0 },
	{ VERIFY, STRANGER, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_UNKNOWN_CA,
	    48 },
	{ VERIFY, ALONE, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_UNKNOWN_CA,
	    48 },
	{ VERIFY, FORGED, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_BAD, 51 },
	{ VERIFY, EXPIRED, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_EXPIRED,
	    45 },
	{ VERIFY, EARLY, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_NOT_YET_VALID,
	    42 },
	{ VERIFY, SERVER_ONLY, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_BAD,
	    43 },

	/* Revocation; without a usable list nobody gets in. */
	{ VERIFY, GOOD, CRL_GOOD, NULL, IN, 0 },
	{ VERIFY, REVOKED, CRL_NONE, NULL, IN, 0 },
	{ VERIFY, REVOKED, CRL_GOOD, NULL, TLS_FAILURE_CERTIFICATE_REVOKED,
	    44 },
	{ IF_GIVEN, REVOKED, CRL_GOOD, NULL, TLS_FAILURE_CERTIFICATE_REVOKED,
	    44 },
	{ IF_GIVEN, NOBODY, CRL_GOOD, NULL, IN, 0 },
	{ VERIFY, GOOD, CRL_OLD, NULL, TLS_FAILURE_CRL_EXPIRED, 45 },
	{ VERIFY, GOOD, CRL_EARLY, NULL, TLS_FAILURE_CRL_UNUSABLE, 42 },
	{ VERIFY, GOOD, CRL_OTHER, NULL, TLS_FAILURE_CRL_UNUSABLE, 48 },

	/* Bounds (H29): four intermediates, 32 KiB, 4096 bits. */
	{ VERIFY, BELOW, CRL_NONE, NULL, IN, 0 },
	{ VERIFY, DEEP, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_BAD, 48 },
	{ VERIFY, BIG_KEY, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_BAD, 42 },
	{ ANY, BIG_KEY, CRL_NONE, NULL, TLS_FAILURE_CERTIFICATE_BAD, 42 },
	{ VERIFY, BIG_CHAIN, CRL_NONE, NULL, TLS_FAILURE_MESSAGE_TOO_LARGE,
	    47 },

	/* Names: equal to the last byte, of four kinds, never the CN. */
	{ VERIFY, GOOD, CRL_NONE, "good.test", IN, 0 },
	{ ANY, ALONE, CRL_NONE, "good.test", IN, 0 },
	{ IF_GIVEN, NOBODY, CRL_NONE, "good.test", IN, 0 },
	{ VERIFY, GOOD, CRL_NONE, "ops@good.test", IN, 0 },
	{ VERIFY, GOOD, CRL_NONE, "10.1.2.3", IN, 0 },
	{ VERIFY, GOOD, CRL_NONE, "2001:db8::5", IN, 0 },
	{ VERIFY, GOOD, CRL_NONE, "spiffe://good.test/ns/mon", IN, 0 },
	{ VERIFY, GOOD, CRL_NONE, "Good.test", TLS_FAILURE_SAN_NOT_ALLOWED,
	    42 },
	{ VERIFY, GOOD, CRL_NONE, "good.tes", TLS_FAILURE_SAN_NOT_ALLOWED, 42 },
	{ VERIFY, GOOD, CRL_NONE, "*.test", TLS_FAILURE_SAN_NOT_ALLOWED, 42 },
	{ VERIFY, GOOD, CRL_NONE, "client", TLS_FAILURE_SAN_NOT_ALLOWED, 42 },
	{ VERIFY, NO_SAN, CRL_NONE, "good.test", TLS_FAILURE_SAN_NOT_ALLOWED,
	    42 },
	{ VERIFY, NUL_NAME, CRL_NONE, "good.test", TLS_FAILURE_SAN_NOT_ALLOWED,
	    42 },
	{ REQUEST, STRANGER, CRL_NONE, "good.test", TLS_FAILURE_SAN_NOT_ALLOWED,
	    42 },
	/* Not the right name of the wrong issuer. */
	{ VERIFY, ALONE, CRL_NONE, "good.test",
	    TLS_FAILURE_CERTIFICATE_UNKNOWN_CA, 48 },
};

static void
send_chain(struct talk *talk, enum who who)
{
	int last = who == DEEP ? 4 : 3, i;

	if (who != DEEP && who != BELOW)
		return;
	for (i = last; i >= 0; i--)
		SSL_add1_chain_cert(talk->client, levels[i].cert);
}

static void
check_row(size_t row, SSL_CTX *ctx, int version)
{
	struct talk talk;
	bool is_in;

	talk_open(&talk, ctx);
	SSL_set_max_proto_version(talk.client, version);
	SSL_set_tlsext_host_name(talk.client, "gate.test");
	if (rows[row].who != NOBODY)
		talk_present(&talk, &people[rows[row].who]);
	send_chain(&talk, rows[row].who);
	is_in = talk_run(&talk);
	if (is_in != (rows[row].failure == IN))
		fail_msg("row %zu: %s", row,
		    is_in ? "got in" : tls_failure_id(talk_failure(&talk)));
	if (!is_in) {
		const struct tls_handshake *noted =
		    tls_handshake_of(talk.server);
		bool is_seen =
		    rows[row].who != NOBODY &&
		    rows[row].failure != TLS_FAILURE_MESSAGE_TOO_LARGE;

		if (talk_failure(&talk) != rows[row].failure)
			fail_msg("row %zu: %s (%ld)", row,
			    tls_failure_id(talk_failure(&talk)),
			    noted->signs.verify_result);
		assert_int_equal(talk.done, 0);
		assert_int_equal(*noted->subject != '\0', is_seen);
		assert_string_equal(noted->server_name, "gate.test");
	}
	/* Before 1.3 there was no word for a missing certificate. */
	if (rows[row].alert == 116 && version == TLS1_2_VERSION)
		assert_int_equal(talk.alert, 40);
	else if (talk.alert != rows[row].alert)
		fail_msg("row %zu: alert %d", row, talk.alert);
	talk_close(&talk);
}

static void
judges_clients(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *allowed[] = { "other.test",
			(char *)(uintptr_t)rows[i].san };
		struct conf_tls_server conf = { .cert = server_cert,
			.key = server_key,
			.client_auth_type = rows[i].type };
		struct tls_server *made;
		struct err err;
		SSL_CTX *ctx;

		if (rows[i].type == IF_GIVEN || rows[i].type == VERIFY)
			conf.client_ca = ca_text;
		if (rows[i].crl != CRL_NONE)
			conf.client_crl_file = crl_files[rows[i].crl];
		if (rows[i].san != NULL)
			conf.client_allowed_sans =
			    (struct conf_strings){ .items = allowed,
				    .count = 2 };
		made = serve(&conf, &err);
		if (made == NULL)
			fail_msg("row %zu: %s", i, err.text);
		ctx = context_of(made);
		check_row(i, ctx, TLS1_2_VERSION);
		check_row(i, ctx, TLS1_3_VERSION);
		SSL_CTX_free(ctx);
		tls_server_unref(made);
	}
}

/* exporter-toolkit's own test data has a leaf as its authority. */
static void
a_leaf_may_be_its_own_authority(void **state)
{
	struct conf_tls_server conf = { .cert = server_cert,
		.key = server_key,
		.client_ca = alone_text,
		.client_auth_type = VERIFY };
	struct err err;
	struct tls_server *made = serve(&conf, &err);
	SSL_CTX *ctx = context_of(made);
	struct talk talk;

	(void)state;
	talk_open(&talk, ctx);
	talk_present(&talk, &people[ALONE]);
	assert_true(talk_run(&talk));
	talk_close(&talk);
	SSL_CTX_free(ctx);
	tls_server_unref(made);
}

/* Neither by ticket nor by session id. */
static void
nothing_resumes(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const enum conf_client_auth types[] = { REQUEST, ANY, IF_GIVEN,
		VERIFY };
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		struct conf_tls_server conf = { .cert = server_cert,
			.key = server_key,
			.client_ca = ca_text,
			.client_auth_type = types[i / 2] };
		struct err err;
		struct tls_server *made = serve(&conf, &err);
		SSL_CTX *ctx = context_of(made);
		SSL_SESSION *session;
		struct talk talk;

		talk_open(&talk, ctx);
		SSL_set_max_proto_version(talk.client, versions[i % 2]);
		talk_present(&talk, &people[GOOD]);
		assert_true(talk_run(&talk));
		session = SSL_get1_session(talk.client);
		assert_false(SSL_SESSION_has_ticket(session));
		talk_close(&talk);

		talk_open(&talk, ctx);
		SSL_set_max_proto_version(talk.client, versions[i % 2]);
		SSL_set_session(talk.client, session);
		talk_present(&talk, &people[GOOD]);
		assert_true(talk_run(&talk));
		assert_false(SSL_session_reused(talk.client));
		talk_close(&talk);
		SSL_SESSION_free(session);
		SSL_CTX_free(ctx);
		tls_server_unref(made);
	}
}

/* Authorities are nobody's business, and clients that look at the list would
 * present nothing. */
static void
names_no_authorities(void **state)
{
	struct conf_tls_server conf = { .cert = server_cert,
		.key = server_key,
		.client_ca = ca_text,
		.client_auth_type = IF_GIVEN };
	struct err err;
	struct tls_server *made = serve(&conf, &err);
	SSL_CTX *ctx = context_of(made);
	struct talk talk;

	(void)state;
	talk_open(&talk, ctx);
	assert_true(talk_run(&talk));
	assert_true(SSL_get0_peer_CA_list(talk.client) == NULL ||
		    sk_X509_NAME_num(SSL_get0_peer_CA_list(talk.client)) == 0);
	talk_close(&talk);
	SSL_CTX_free(ctx);
	tls_server_unref(made);
}

static void
judges_authorities_and_lists(void **state)
{
	static const struct {
		const char *ca, *crl; /* ca: inline */
		enum conf_client_auth type;
		enum err_code code;
		const char *words;
	} bad[] = {
		{ "junk", NULL, VERIFY, ERR_INVALID,
		    "client_ca: is not PEM: it has no line -----BEGIN "
		    "CERTIFICATE-----" },
		{ "", NULL, VERIFY, ERR_INVALID, "client_ca: is empty" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n", NULL, VERIFY,
		    ERR_INVALID, "client_ca: is cut off or damaged" },
		{ NULL, "/nonexistent", VERIFY, ERR_MISSING,
		    "client_crl_file: open /nonexistent: no such file" },
		{ NULL, "/dev/null", VERIFY, ERR_FILE,
		    "client_crl_file: /dev/null is not a regular file" },
		{ NULL, "/tmp", VERIFY, ERR_FILE, "is a directory" },
		{ NULL, TEST_DIR "/CMakeLists.txt", VERIFY, ERR_INVALID,
		    "is not PEM: it has no line -----BEGIN X509 CRL-----" },
		{ NULL, "/nonexistent", ANY, ERR_INVALID,
		    "client_crl_file needs a client_auth_type that" },
		{ NULL, crl_files[CRL_CUT], VERIFY, ERR_INVALID,
		    "is cut off behind revocation list 1" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct conf_tls_server conf = { .cert = server_cert,
			.key = server_key,
			.client_ca = bad[i].ca != NULL
					 ? (char *)(uintptr_t)bad[i].ca
					 : ca_text,
			.client_crl_file = (char *)(uintptr_t)bad[i].crl,
			.client_auth_type = bad[i].type };
		struct err err;

		assert_null(serve(&conf, &err));
		assert_int_equal(err.code, bad[i].code);
		if (strstr(err.text, bad[i].words) == NULL)
			fail_msg("%s\nlacks: %s", err.text, bad[i].words);
	}
}

static void
tells_the_end_of_lists(void **state)
{
	struct conf_tls_server conf = { .cert = server_cert,
		.key = server_key,
		.client_ca = ca_text,
		.client_crl_file = crl_files[CRL_OLD],
		.client_auth_type = VERIFY };
	struct err err;
	struct tls_server *made = serve(&conf, &err);
	const struct tls_certificate *crl;

	(void)state;
	assert_non_null(made);
	assert_int_equal(tls_server_certificate_count(made), 3);
	crl = tls_server_certificate(made, 1);
	assert_string_equal(crl->role, "crl");
	assert_string_equal(crl->subject, "CN=Client CA");
	assert_in_range(time(NULL) - crl->not_after, DAY - 60, DAY + 60);
	tls_server_unref(made);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_clients),
		cmocka_unit_test(a_leaf_may_be_its_own_authority),
		cmocka_unit_test(nothing_resumes),
		cmocka_unit_test(names_no_authorities),
		cmocka_unit_test(judges_authorities_and_lists),
		cmocka_unit_test(tells_the_end_of_lists),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
