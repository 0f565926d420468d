#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/tls_talk.h"
#include "tls/authorities.h"
#include "tls/client.h"

/* Prometheus' tls_config, against a server in memory. */

static struct pair ca, other_ca, other_key;
static struct pair named, addressed, nameless;
static char *ca_text, *other_ca_text, *cert, *key, *wrong_key;
static char ca_file[] = "/tmp/test_tls_client_XXXXXX";
static char cert_file[] = "/tmp/test_tls_client_XXXXXX";
static char key_file[] = "/tmp/test_tls_client_XXXXXX";

/* As an editor does it: another file takes the name. */
static void
write_file(const char *path, const char *text)
{
	char temporary[64];
	FILE *file;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	file = fopen(temporary, "w");
	fputs(text, file);
	fclose(file);
	assert_int_equal(rename(temporary, path), 0);
}

static int
set_up(void **state)
{
	(void)state;
	ca = make((struct maker){ .cn = "ca", .is_ca = true });
	other_ca = make((struct maker){ .cn = "other", .is_ca = true });
	other_key = make((struct maker){ .cn = "key" });
	named = make(
	    (struct maker){ .cn = "x", .san = "DNS:a.test", .issuer = &ca });
	addressed = make(
	    (struct maker){ .cn = "x", .san = "IP:10.0.0.7", .issuer = &ca });
	nameless = make((struct maker){ .cn = "a.test", .issuer = &ca });
	ca_text = cert_text(&ca);
	other_ca_text = cert_text(&other_ca);
	cert = cert_text(&named);
	key = key_text(&named);
	wrong_key = key_text(&other_key);
	close(mkstemp(ca_file));
	close(mkstemp(cert_file));
	close(mkstemp(key_file));
	write_file(ca_file, ca_text);
	write_file(cert_file, cert);
	write_file(key_file, key);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(ca_file);
	unlink(cert_file);
	unlink(key_file);
	pair_drop(&ca);
	pair_drop(&other_ca);
	pair_drop(&other_key);
	pair_drop(&named);
	pair_drop(&addressed);
	pair_drop(&nameless);
	free(ca_text);
	free(other_ca_text);
	free(cert);
	free(key);
	free(wrong_key);
	return 0;
}

struct outcome {
	bool is_done;
	int version;
	long verify_result;
	bool has_presented; /* a certificate of the client's */
	char server_name[64];
};

static SSL_CTX *
server_of(const struct pair *pair)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_use_certificate(ctx, pair->cert);
	SSL_CTX_use_PrivateKey(ctx, pair->key);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca.cert);
	return ctx;
}

static void
connect_in_memory(SSL_CTX *client_ctx, SSL_CTX *server_ctx,
    struct tls_facts *facts, struct outcome *out)
{
	SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
	const char *name;
	BIO *a, *b;
	int i;

	BIO_new_bio_pair(&a, 1 << 16, &b, 1 << 16);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (i = 0; i < 10; i++) {
		SSL_do_handshake(client);
		SSL_do_handshake(server);
	}
	out->is_done =
	    SSL_is_init_finished(client) && SSL_is_init_finished(server);
	out->version = out->is_done ? SSL_version(client) : 0;
	out->has_presented = SSL_get0_peer_certificate(server) != NULL;
	out->verify_result = facts->verify_result;
	name = SSL_get_servername(server, TLSEXT_NAMETYPE_host_name);
	snprintf(out->server_name, sizeof(out->server_name), "%s",
	    name != NULL ? name : "");
	SSL_free(client);
	SSL_free(server);
}

/* False if the configuration cannot be used, with `err`. */
static bool
try(struct tls_client *client, const struct conf_tls_client *conf,
    const char *host, const struct pair *server, struct outcome *out,
    struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX *server_ctx = server_of(server);
	struct tls_facts *facts = tls_facts_new();
	bool is_usable =
	    tls_client_setup(client, ctx, conf, host, facts, err) == 0;

	memset(out, 0, sizeof(*out));
	if (is_usable)
		connect_in_memory(ctx, server_ctx, facts, out);
	SSL_CTX_free(ctx);
	SSL_CTX_free(server_ctx);
	tls_facts_unref(facts);
	return is_usable;
}

#define MISMATCH X509_V_ERR_HOSTNAME_MISMATCH
#define UNKNOWN X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY

static void
applies_every_option(void **state)
{
	char name_a[] = "a.test", name_b[] = "b.test", tls12[] = "TLS12";
	char tls13[] = "TLS13", junk[] = "junk", none[] = "/nonexistent";
	const struct {
		struct conf_tls_client conf;
		const char *host;
		const struct pair *server;
		long verify_result;
		int version; /* 0: none comes about */
		bool has_presented;
		const char *server_name;
		const char *words; /* the configuration cannot be used */
	} rows[] = {
		/* Authorities. */
		{ { .ca = ca_text }, "a.test", &named, 0, TLS1_3_VERSION, false,
		    "", NULL },
		{ { .ca_file = ca_file }, "a.test", &named, 0, TLS1_3_VERSION,
		    false, "", NULL },
		{ { .ca_file = ca_file, .ca = junk }, "a.test", &named, 0,
		    TLS1_3_VERSION, false, "", NULL },
		{ { .ca = other_ca_text }, "a.test", &named, UNKNOWN, 0, false,
		    "", NULL },
		{ { .ca = NULL }, "a.test", &named, UNKNOWN, 0, false, "",
		    NULL },
		{ { .insecure_skip_verify = true }, "b.test", &nameless, 0,
		    TLS1_3_VERSION, false, "", NULL },
		{ { .ca = junk }, "a.test", &named, 0, 0, false, "",
		    "unable to use specified CA cert inline" },
		{ { .ca_file = none }, "a.test", &named, 0, 0, false, "",
		    "unable to read CA cert: unable to read file "
		    "/nonexistent: open /nonexistent: no such file or "
		    "directory" },
		{ { .ca_file = key_file }, "a.test", &named, 0, 0, false, "",
		    "unable to use specified CA cert file /tmp/" },
		/* Names: only alternative ones count. */
		{ { .ca = ca_text }, "b.test", &named, MISMATCH, 0, false, "",
		    NULL },
		{ { .ca = ca_text }, "a.test", &nameless, MISMATCH, 0, false,
		    "", NULL },
		{ { .ca = ca_text }, "10.0.0.7", &addressed, 0, TLS1_3_VERSION,
		    false, "", NULL },
		{ { .ca = ca_text }, "10.0.0.8", &addressed,
		    X509_V_ERR_IP_ADDRESS_MISMATCH, 0, false, "", NULL },
		{ { .ca = ca_text, .server_name = name_a }, "10.0.0.8", &named,
		    0, TLS1_3_VERSION, false, "a.test", NULL },
		{ { .ca = ca_text, .server_name = name_b }, "a.test", &named,
		    MISMATCH, 0, false, "b.test", NULL },
		/* Versions. */
		{ { .ca = ca_text, .max_version = tls12 }, "a.test", &named, 0,
		    TLS1_2_VERSION, false, "", NULL },
		{ { .ca = ca_text, .min_version = tls13 }, "a.test", &named, 0,
		    TLS1_3_VERSION, false, "", NULL },
		/* Our own certificate. */
		{ { .ca = ca_text, .cert = cert, .key = key }, "a.test", &named,
		    0, TLS1_3_VERSION, true, "", NULL },
		{ { .ca = ca_text,
		      .cert_file = cert_file,
		      .key_file = key_file },
		    "a.test", &named, 0, TLS1_3_VERSION, true, "", NULL },
		{ { .ca = ca_text, .cert_file = cert_file, .key = key },
		    "a.test", &named, 0, TLS1_3_VERSION, true, "", NULL },
		{ { .ca = ca_text, .cert = cert, .key = wrong_key }, "a.test",
		    &named, 0, 0, false, "",
		    "unable to use "
		    "specified client cert (inline) & key (inline): tls: " },
		{ { .ca = ca_text, .cert = junk, .key_file = key_file },
		    "a.test", &named, 0, 0, false, "",
		    "unable to use "
		    "specified client cert (inline) & key (file /tmp/" },
		{ { .ca = ca_text, .cert_file = none, .key = key }, "a.test",
		    &named, 0, 0, false, "",
		    "unable to read specified "
		    "client cert: unable to read file /nonexistent: open "
		    "/nonexistent: no such file or directory" },
		{ { .ca = ca_text, .cert = cert, .key_file = none }, "a.test",
		    &named, 0, 0, false, "",
		    "unable to read "
		    "specified client key: unable to read file" },
	};
	struct tls_client *client = tls_client_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { .text = "" };
		struct outcome out;

		if (!try(client, &rows[i].conf, rows[i].host, rows[i].server,
			&out, &err)) {
			if (rows[i].words == NULL ||
			    strstr(err.text, rows[i].words) == NULL)
				fail_msg("row %zu: %s", i, err.text);
			continue;
		}
		if (rows[i].words != NULL)
			fail_msg("row %zu: was usable", i);
		if (out.version != rows[i].version)
			fail_msg("row %zu: version %x, verify %ld", i,
			    (unsigned)out.version, out.verify_result);
		assert_int_equal(out.verify_result, rows[i].verify_result);
		assert_int_equal(out.has_presented, rows[i].has_presented);
		assert_string_equal(out.server_name, rows[i].server_name);
	}
	tls_client_free(client);
}

/* The next connection goes by what the files hold now. */
static void
notices_changed_files(void **state)
{
	struct conf_tls_client conf = {
		.ca_file = ca_file, .cert_file = cert_file, .key_file = key_file
	};
	struct tls_client *client = tls_client_new();
	struct outcome out;
	struct err err;

	(void)state;
	assert_true(try(client, &conf, "a.test", &named, &out, &err));
	assert_true(out.is_done);
	write_file(ca_file, other_ca_text);
	assert_true(try(client, &conf, "a.test", &named, &out, &err));
	assert_int_equal(out.verify_result, UNKNOWN);
	write_file(ca_file, ca_text);
	write_file(key_file, wrong_key);
	assert_false(try(client, &conf, "a.test", &named, &out, &err));
	write_file(key_file, key);
	assert_true(try(client, &conf, "a.test", &named, &out, &err));
	assert_true(out.is_done);
	tls_client_free(client);
}

/* They take long to load and a lot of memory. */
static void
loads_authorities_once(void **state)
{
	struct authorities *all = authorities_new();
	struct conf_tls_client system = { .ca = NULL };
	struct conf_tls_client file = { .ca_file = ca_file };
	const struct conf_tls_client *confs[] = { &system, &file };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct err err;
		X509_STORE *one = authorities_get(all, confs[i], &err);
		X509_STORE *two = authorities_get(all, confs[i], &err);

		assert_non_null(one);
		assert_ptr_equal(one, two);
		X509_STORE_free(one);
		X509_STORE_free(two);
	}
	authorities_free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(applies_every_option),
		cmocka_unit_test(notices_changed_files),
		cmocka_unit_test(loads_authorities_once),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
