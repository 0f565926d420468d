/*
 * Identities of real handshakes: who the certificate says it is, and what is
 * said of those that cannot say it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "auth/certificate.h"
#include "auth/identity.h"
#include "tests/unit/tls_talk.h"

#define NAMES_MAX 4

struct text {
	const char *bytes;
	size_t len;
	int type; /* V_ASN1_*; 0: UTF8String */
};

#define TEXT(b)                                                                \
	{                                                                      \
		b, sizeof(b) - 1, 0                                            \
	}
#define TYPED(b, t)                                                            \
	{                                                                      \
		b, sizeof(b) - 1, t                                            \
	}
#define URI(b)                                                                 \
	{                                                                      \
		b, sizeof(b) - 1, GEN_URI                                      \
	}
#define DNS(b)                                                                 \
	{                                                                      \
		b, sizeof(b) - 1, GEN_DNS                                      \
	}
#define MAIL(b)                                                                \
	{                                                                      \
		b, sizeof(b) - 1, GEN_EMAIL                                    \
	}

static struct pair server, ca, stranger_ca;
static char *server_cert, *server_key, *ca_text;
#define TYPES (CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY + 1)

static struct tls_server *servers[TYPES];
static SSL_CTX *contexts[TYPES];

static void
open_server(enum conf_client_auth type)
{
	struct conf_tls_server conf = { .is_set = true,
		.cert = server_cert,
		.key = server_key,
		.client_auth_type = type };
	struct err err;

	if (type >= CONF_CLIENT_AUTH_VERIFY_IF_GIVEN)
		conf.client_ca = ca_text;
	servers[type] = serve(&conf, &err);
	if (servers[type] == NULL)
		fail_msg("%s", err.text);
	contexts[type] = context_of(servers[type]);
}

static int
set_up(void **state)
{
	int type;

	(void)state;
	ca = make((struct maker){ .cn = "ca", .is_ca = true });
	stranger_ca = make((struct maker){ .cn = "other", .is_ca = true });
	server = make((struct maker){
	    .cn = "gate", .san = "DNS:gate.test", .issuer = &ca });
	server_cert = cert_text(&server);
	server_key = key_text(&server);
	ca_text = cert_text(&ca);
	for (type = CONF_CLIENT_AUTH_NONE;
	     type <= CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY; type++)
		open_server((enum conf_client_auth)type);
	return 0;
}

static int
tear_down(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < TYPES; i++) {
		SSL_CTX_free(contexts[i]);
		tls_server_unref(servers[i]);
	}
	free(server_cert);
	free(server_key);
	free(ca_text);
	pair_drop(&server);
	pair_drop(&ca);
	pair_drop(&stranger_ca);
	return 0;
}

static void
add_sans(X509 *cert, const struct text *sans)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	size_t i;

	for (i = 0; i < NAMES_MAX && sans[i].bytes != NULL; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		ASN1_STRING_set(text, sans[i].bytes, (int)sans[i].len);
		GENERAL_NAME_set0_value(name, sans[i].type, text);
		sk_GENERAL_NAME_push(names, name);
	}
	if (i > 0)
		X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0);
	GENERAL_NAMES_free(names);
}

/* As they are, whatever the rules of their type. */
static void
add_subject(X509 *cert, int nid, const struct text *texts)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	size_t i;

	for (i = 0; i < NAMES_MAX && texts[i].bytes != NULL; i++) {
		X509_NAME_ENTRY *entry = NULL;
		int type =
		    texts[i].type == 0 ? V_ASN1_UTF8STRING : texts[i].type;

		X509_NAME_ENTRY_create_by_NID(&entry, nid, type,
		    (const unsigned char *)texts[i].bytes, (int)texts[i].len);
		X509_NAME_add_entry(subject, entry, -1, 0);
		X509_NAME_ENTRY_free(entry);
	}
}

struct row {
	const char *what;
	const char *user_from[NAMES_MAX];
	struct text sans[NAMES_MAX];
	struct text cns[NAMES_MAX];
	struct text os[NAMES_MAX];
	const char *user; /* NULL: none */
	const char *groups[NAMES_MAX];
	const char *detail; /* NULL: not even a handshake */
};

static struct pair
make_client(const struct row *row)
{
	struct pair client = make((struct maker){ .issuer = &ca });

	add_subject(client.cert, NID_organizationName, row->os);
	add_subject(client.cert, NID_commonName, row->cns);
	add_sans(client.cert, row->sans);
	X509_sign(client.cert, ca.key, EVP_sha256());
	return client;
}

static struct conf_strings
list_of(const char *const items[NAMES_MAX])
{
	struct conf_strings list = { .items = (char **)(uintptr_t)items };

	while (list.count < NAMES_MAX && items[list.count] != NULL)
		list.count++;
	return list;
}

#define ALL                                                                    \
	{                                                                      \
		"san_uri", "san_dns", "cn"                                     \
	}
#define BAD_BYTES "has a NUL or control character, or is no UTF-8"
#define SPIFFE "spiffe://prod.example/ns/monitoring/sa/prometheus"
#define C50 "0123456789abcdefghijklmnopqrstuvwxyz-0123456789-._"
#define C500 C50 C50 C50 C50 C50 C50 C50 C50 C50 C50

static const struct row rows[] = {
	{ "a SPIFFE id", ALL, { DNS("a.test"), URI(SPIFFE), MAIL("x@a.test") },
	    { TEXT("cn") }, { TEXT("ops") }, SPIFFE, { "ops" }, "" },
	{ "DNS if there is no URI", ALL, { DNS("a.test") }, { TEXT("cn") },
	    { { 0 } }, "a.test", { NULL }, "" },
	{ "CN if there is no SAN", ALL, { { 0 } }, { TEXT("cn") }, { { 0 } },
	    "cn", { NULL }, "" },
	{ "CN if there is another SAN", ALL, { MAIL("x@a.test") },
	    { TEXT("cn") }, { { 0 } }, "cn", { NULL }, "" },
	{ "in the order that is asked for", { "cn", "san_uri" },
	    { URI(SPIFFE) }, { TEXT("cn") }, { { 0 } }, "cn", { NULL }, "" },
	{ "the first DNS name", { "san_dns" }, { DNS("b.test"), DNS("a.test") },
	    { { 0 } }, { { 0 } }, "b.test", { NULL }, "" },
	{ "the last CN", { "cn" }, { { 0 } }, { TEXT("users"), TEXT("alice") },
	    { { 0 } }, "alice", { NULL }, "" },
	{ "every O, in order", { "cn" }, { { 0 } }, { TEXT("cn") },
	    { TEXT("system:monitoring"), TEXT("b|c"), TEXT("a") }, "cn",
	    { "system:monitoring", "b|c", "a" }, "" },
	{ "UTF-8", { "cn" }, { { 0 } }, { TEXT("\xc3\xa9t\xc3\xa9") },
	    { TEXT("\xe2\x82\xac") }, "\xc3\xa9t\xc3\xa9", { "\xe2\x82\xac" },
	    "" },
	{ "older kinds of text", { "cn" }, { { 0 } },
	    { TYPED("\0a\0\xe9", V_ASN1_BMPSTRING) },
	    { TYPED("ops", V_ASN1_PRINTABLESTRING),
		TYPED("\xe9", V_ASN1_T61STRING) },
	    "a\xc3\xa9", { "ops", "\xc3\xa9" }, "" },
	{ "what is not asked for may be odd", { "cn" },
	    { URI("a\0b"), URI("c"), DNS("\xff") }, { TEXT("cn") }, { { 0 } },
	    "cn", { NULL }, "" },
	{ "and what is behind a good one", { "san_uri", "cn" }, { URI("a:b") },
	    { TEXT("c\0d") }, { { 0 } }, "a:b", { NULL }, "" },
	{ "a long one", { "cn" }, { { 0 } }, { TEXT(C500 "123456789012") },
	    { { 0 } }, C500 "123456789012", { NULL }, "" },

	{ "none", ALL, { MAIL("x@a.test") }, { { 0 } }, { TEXT("ops") }, NULL,
	    { NULL }, "client certificate: has none of san_uri, san_dns, cn" },
	{ "none of that kind", { "san_uri" }, { DNS("a.test") }, { TEXT("cn") },
	    { { 0 } }, NULL, { NULL },
	    "client certificate: has none of san_uri" },
	{ "an unknown kind", { "email" }, { MAIL("x@a.test") }, { TEXT("cn") },
	    { { 0 } }, NULL, { NULL },
	    "client certificate: has none of email" },
	{ "two URIs", ALL, { URI(SPIFFE), URI("spiffe://evil/x") },
	    { TEXT("cn") }, { { 0 } }, NULL, { NULL },
	    "client certificate: URI SAN is there more than once: which one "
	    "would it be?" },
	{ "the same URI twice", { "san_uri" }, { URI("a:b"), URI("a:b") },
	    { { 0 } }, { { 0 } }, NULL, { NULL },
	    "client certificate: URI SAN is there more than once: which one "
	    "would it be?" },
	{ "NUL in a URI", ALL, { URI("spiffe://a/b\0.evil") }, { TEXT("cn") },
	    { { 0 } }, NULL, { NULL },
	    "client certificate: URI SAN " BAD_BYTES },
	{ "NUL in a DNS name", ALL, { DNS("good.test\0.evil.test") },
	    { TEXT("cn") }, { { 0 } }, NULL, { NULL },
	    "client certificate: DNS SAN " BAD_BYTES },
	{ "NUL in a CN", { "cn" }, { { 0 } }, { TEXT("admin\0.evil") },
	    { { 0 } }, NULL, { NULL }, "client certificate: CN " BAD_BYTES },
	{ "NUL in the last CN", { "cn" }, { { 0 } },
	    { TEXT("admin"), TEXT("\0") }, { { 0 } }, NULL, { NULL },
	    "client certificate: CN " BAD_BYTES },
	{ "NUL in an O", { "cn" }, { { 0 } }, { TEXT("cn") },
	    { TEXT("ok"), TEXT("ops\0x") }, NULL, { NULL },
	    "client certificate: O " BAD_BYTES },
	{ "a newline in an O", { "cn" }, { { 0 } }, { TEXT("cn") },
	    { TEXT("ops\nroot") }, NULL, { NULL },
	    "client certificate: O " BAD_BYTES },
	{ "a newline in a URI", ALL, { URI("a:b\r\nX-Remote-User: root") },
	    { { 0 } }, { { 0 } }, NULL, { NULL },
	    "client certificate: URI SAN " BAD_BYTES },
	{ "an escape in a CN", { "cn" }, { { 0 } }, { TEXT("\x1b[31m") },
	    { { 0 } }, NULL, { NULL }, "client certificate: CN " BAD_BYTES },
	{ "a wide NUL", { "cn" }, { { 0 } },
	    { TYPED("\0a\0\0", V_ASN1_BMPSTRING) }, { { 0 } }, NULL, { NULL },
	    "client certificate: CN " BAD_BYTES },
	{ "not ASCII in a DNS name", ALL, { DNS("\xc3\xa9.test") },
	    { TEXT("cn") }, { { 0 } }, NULL, { NULL },
	    "client certificate: DNS SAN is not ASCII" },
	{ "an empty URI", ALL, { URI("") }, { TEXT("cn") }, { { 0 } }, NULL,
	    { NULL }, "client certificate: URI SAN is empty" },
	{ "an empty CN", { "cn" }, { { 0 } }, { TEXT("a"), TEXT("") },
	    { { 0 } }, NULL, { NULL }, "client certificate: CN is empty" },
	{ "an empty O", { "cn" }, { { 0 } }, { TEXT("cn") }, { TEXT("") }, NULL,
	    { NULL }, "client certificate: O is empty" },
	{ "too long", { "cn" }, { { 0 } }, { TEXT(C500 "1234567890123") },
	    { { 0 } }, NULL, { NULL }, "client certificate: CN is too long" },
	{ "too long, UTF-8 that is longer than its text", { "cn" }, { { 0 } },
	    { TYPED(C500 "\xe9\xe9\xe9\xe9\xe9\xe9\xe9", V_ASN1_T61STRING) },
	    { { 0 } }, NULL, { NULL }, "client certificate: CN is too long" },
	{ "bits for a CN", { "cn" }, { { 0 } },
	    { TYPED("ab", V_ASN1_BIT_STRING) }, { { 0 } }, NULL, { NULL },
	    "client certificate: CN is no text" },
	/* OpenSSL takes no such certificate. */
	{ "broken UTF-8", { "cn" }, { { 0 } }, { TEXT("a\xff\xfe") }, { { 0 } },
	    NULL, { NULL }, NULL },
};

static void
check_groups(const struct row *row, const struct auth_identity *identity)
{
	struct conf_strings groups = list_of(row->groups);
	size_t i;

	assert_int_equal(auth_identity_group_count(identity), groups.count);
	for (i = 0; i < groups.count; i++)
		assert_string_equal(
		    auth_identity_group(identity, i), groups.items[i]);
}

static void
check_row(const struct row *row, SSL *ssl)
{
	struct conf_strings from = list_of(row->user_from);
	char detail[AUTH_DETAIL_SIZE];
	struct auth_identity *identity =
	    auth_certificate_identity(ssl, &from, detail, sizeof(detail));

	if ((identity != NULL) != (row->user != NULL))
		fail_msg("%s: %s", row->what, detail);
	assert_string_equal(detail, row->detail);
	if (identity == NULL)
		return;
	assert_string_equal(auth_identity_user(identity), row->user);
	assert_int_equal(
	    auth_identity_method(identity), AUTH_METHOD_CERTIFICATE);
	check_groups(row, identity);
	auth_identity_unref(identity);
}

static void
test_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair client = make_client(&rows[i]);
		struct talk talk;
		bool is_done;

		talk_open(&talk, contexts[CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY]);
		talk_present(&talk, &client);
		is_done = talk_run(&talk);
		if (is_done != (rows[i].detail != NULL))
			fail_msg("%s: handshake %d", rows[i].what, is_done);
		if (is_done)
			check_row(&rows[i], talk.server);
		talk_close(&talk);
		pair_drop(&client);
	}
}

/* The handshake is fine where any certificate will do, or none; nobody is
 * known by it. */
static void
test_unverified(void **state)
{
	static const struct {
		enum conf_client_auth type;
		bool is_presented;
		bool is_ours;
		bool is_known;
	} cases[] = {
		{ CONF_CLIENT_AUTH_NONE, true, true, false },
		{ CONF_CLIENT_AUTH_REQUEST, true, true, false },
		{ CONF_CLIENT_AUTH_REQUEST, true, false, false },
		{ CONF_CLIENT_AUTH_REQUEST, false, false, false },
		{ CONF_CLIENT_AUTH_REQUIRE_ANY, true, true, false },
		{ CONF_CLIENT_AUTH_REQUIRE_ANY, true, false, false },
		{ CONF_CLIENT_AUTH_VERIFY_IF_GIVEN, false, false, false },
		{ CONF_CLIENT_AUTH_VERIFY_IF_GIVEN, true, true, true },
		{ CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY, true, true, true },
	};
	static const char *const all[NAMES_MAX] = ALL;
	struct conf_strings from = list_of(all);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair client = make((struct maker){ .cn = "admin",
		    .issuer = cases[i].is_ours ? &ca : &stranger_ca });
		struct auth_identity *identity;
		char detail[AUTH_DETAIL_SIZE] = "before";
		struct talk talk;

		talk_open(&talk, contexts[cases[i].type]);
		if (cases[i].is_presented)
			talk_present(&talk, &client);
		assert_true(talk_run(&talk));
		identity = auth_certificate_identity(
		    talk.server, &from, detail, sizeof(detail));
		if ((identity != NULL) != cases[i].is_known)
			fail_msg("case %zu", i);
		assert_string_equal(detail, "");
		auth_identity_unref(identity);
		talk_close(&talk);
		pair_drop(&client);
	}
}

static struct auth_identity *
ask(struct talk *talk, const char *const items[NAMES_MAX])
{
	struct conf_strings from = list_of(items);
	char detail[AUTH_DETAIL_SIZE];

	return auth_certificate_identity(
	    talk->server, &from, detail, sizeof(detail));
}

/* A connection outlives a reload that wants another name of it, and an identity
 * outlives the connection. */
static void
test_kept(void **state)
{
	static const char *const orders[][NAMES_MAX] = { { "cn" },
		{ "san_uri" }, { "san_uri", "cn" }, { "cn", "san_uri" },
		{ "cn", "cn" } };
	static const char *const users[] = { "alice", "a:b", "a:b", "alice",
		"alice" };
	struct pair client = make(
	    (struct maker){ .cn = "alice", .san = "URI:a:b", .issuer = &ca });
	struct auth_identity *first, *second;
	struct talk talk;
	size_t i;

	(void)state;
	talk_open(&talk, contexts[CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY]);
	talk_present(&talk, &client);
	assert_true(talk_run(&talk));
	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		first = ask(&talk, orders[i]);
		second = ask(&talk, orders[i]);
		assert_ptr_equal(first, second);
		assert_string_equal(auth_identity_user(first), users[i]);
		auth_identity_unref(first);
		auth_identity_unref(second);
	}
	first = ask(&talk, orders[0]);
	talk_close(&talk);
	assert_string_equal(auth_identity_user(first), "alice");
	auth_identity_unref(first);
	pair_drop(&client);
}

static void
test_many_groups(void **state)
{
	static const char *const cn[NAMES_MAX] = { "cn" };
	size_t count;

	(void)state;
	for (count = AUTH_GROUPS_MAX; count <= AUTH_GROUPS_MAX + 1; count++) {
		struct pair client =
		    make((struct maker){ .cn = "cn", .issuer = &ca });
		struct conf_strings from = list_of(cn);
		struct text group[NAMES_MAX] = { TEXT("g") };
		struct auth_identity *identity;
		char detail[AUTH_DETAIL_SIZE];
		struct talk talk;
		size_t i;

		for (i = 0; i < count; i++)
			add_subject(client.cert, NID_organizationName, group);
		X509_sign(client.cert, ca.key, EVP_sha256());
		talk_open(&talk, contexts[CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY]);
		talk_present(&talk, &client);
		assert_true(talk_run(&talk));
		identity = auth_certificate_identity(
		    talk.server, &from, detail, sizeof(detail));
		assert_int_equal(identity != NULL, count == AUTH_GROUPS_MAX);
		assert_string_equal(
		    detail, identity != NULL
				? ""
				: "client certificate: O is there too often");
		auth_identity_unref(identity);
		talk_close(&talk);
		pair_drop(&client);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unverified),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_many_groups),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
