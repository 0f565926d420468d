#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/tls_talk.h"

/*
 * What is wrong with a certificate or key, and the words for it: which key,
 * which file, what to do.
 */

static char folder[] = "/tmp/test_tls_pair_XXXXXX";

static char *
path_of(const char *name)
{
	static char paths[2][64];
	static unsigned next;
	char *path = paths[next++ % 2];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *name, const void *bytes, size_t len)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* Frees the text. */
static void
write_text(const char *name, char *text)
{
	write_file(name, text, strlen(text));
	free(text);
}

static void
write_half(const char *name, char *text)
{
	text[strlen(text) / 2] = '\0';
	write_text(name, text);
}

static void
write_pair(const char *cert, const char *key, struct maker options)
{
	struct pair pair = make(options);

	write_text(cert, cert_text(&pair));
	write_text(key, key_text(&pair));
	pair_drop(&pair);
}

static void
write_der(const struct pair *pair)
{
	unsigned char *bytes = NULL;
	int len = i2d_X509(pair->cert, &bytes);

	write_file("der.crt", bytes, (size_t)len);
	OPENSSL_free(bytes);
	bytes = NULL;
	len = i2d_PrivateKey(pair->key, &bytes);
	write_file("der.key", bytes, (size_t)len);
	OPENSSL_free(bytes);
}

static void
write_encrypted(const struct pair *pair)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PKCS8PrivateKey(
	    bio, pair->key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
	write_text("encrypted.key", bio_text(bio));
}

static void
write_public(const struct pair *pair)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PUBKEY(bio, pair->key);
	write_text("public.key", bio_text(bio));
}

static void
write_request(const struct pair *pair)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509_REQ *request =
	    X509_to_X509_REQ(pair->cert, pair->key, EVP_sha256());

	PEM_write_bio_X509_REQ(bio, request);
	X509_REQ_free(request);
	write_text("request.crt", bio_text(bio));
}

/* root <- between <- leaf, in several orders. */
static void
write_chains(void)
{
	struct pair root = make((struct maker){ .cn = "root", .is_ca = true });
	struct pair between = make(
	    (struct maker){ .cn = "between", .is_ca = true, .issuer = &root });
	struct pair leaf =
	    make((struct maker){ .cn = "leaf", .issuer = &between });
	struct pair other =
	    make((struct maker){ .cn = "other", .is_ca = true });

	write_text("chain.key", key_text(&leaf));
	write_text("leaf.crt", cert_text(&leaf));
	write_text("chain.crt", glue(cert_text(&leaf), glue(cert_text(&between),
							   cert_text(&root))));
	write_text(
	    "more.crt", glue(cert_text(&leaf),
			    glue(cert_text(&between),
				glue(cert_text(&root), cert_text(&other)))));
	write_text("last.crt", glue(cert_text(&root), glue(cert_text(&between),
							  cert_text(&leaf))));
	write_text(
	    "mixed.crt", glue(cert_text(&leaf),
			     glue(cert_text(&root), cert_text(&between))));
	write_text("gap.crt", glue(cert_text(&leaf), cert_text(&root)));
	write_half("half.crt", glue(cert_text(&leaf), glue(cert_text(&between),
							  cert_text(&root))));
	write_text(
	    "begin.crt", glue(cert_text(&leaf), strdup("-----BEGIN CERTIF")));
	pair_drop(&root);
	pair_drop(&between);
	pair_drop(&leaf);
	pair_drop(&other);
}

static int
set_up(void **state)
{
	struct pair good = make((struct maker){ .cn = "good" });
	struct pair ca = make((struct maker){ .cn = "ca", .is_ca = true });
	struct maker sha1 = { .cn = "sha1", .issuer = &ca, .digest = "SHA1" };

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_text("good.crt", cert_text(&good));
	write_text("good.key", key_text(&good));
	write_text("both.pem", glue(key_text(&good), cert_text(&good)));
	write_half("cut.crt", cert_text(&good));
	write_half("cut.key", key_text(&good));
	write_der(&good);
	write_encrypted(&good);
	write_public(&good);
	write_request(&good);
	write_chains();
	write_pair("other.crt", "other.key", (struct maker){ .cn = "other" });
	write_pair("old.crt", "old.key",
	    (struct maker){ .cn = "old", .from_s = -9 * DAY, .to_s = -DAY });
	write_pair("early.crt", "early.key",
	    (struct maker){ .cn = "early", .from_s = DAY, .to_s = 9 * DAY });
	write_pair("rsa.crt", "rsa.key",
	    (struct maker){ .cn = "rsa", .rsa_bits = 2048 });
	write_pair("weak.crt", "weak.key",
	    (struct maker){ .cn = "weak", .rsa_bits = 1024 });
	write_pair("sha1.crt", "sha1.key", sha1);
	write_file("empty", "", 0);
	write_file("blank", " \n\n", 3);
	write_file("words", "hello\n", 6);
	write_file("secret", "x", 1);
	assert_int_equal(mkdir(path_of("folder"), 0700), 0);
	pair_drop(&good);
	pair_drop(&ca);
	return 0;
}

static int
tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static const struct {
	const char *cert, *key; /* files */
	enum err_code code;
	const char *words[3]; /* parts of them */
} rows[] = {
	{ "good.crt", "good.key", ERR_NONE, { NULL } },
	{ "both.pem", "both.pem", ERR_NONE, { NULL } },
	{ "rsa.crt", "rsa.key", ERR_NONE, { NULL } },
	{ "leaf.crt", "chain.key", ERR_NONE, { NULL } },
	{ "chain.crt", "chain.key", ERR_NONE, { NULL } },
	{ "more.crt", "chain.key", ERR_NONE, { NULL } },

	{ "none", "good.key", ERR_MISSING,
	    { "cert_file: open /tmp/", "none: no such file or directory" } },
	{ "good.crt", "none", ERR_MISSING,
	    { "key_file: open /tmp/", "none: no such file or directory" } },
	{ "folder", "good.key", ERR_FILE,
	    { "cert_file: /tmp/", "is a directory", "name the file in it" } },
	{ "good.crt", "folder", ERR_FILE,
	    { "key_file: /tmp/", "is a directory" } },

	{ "empty", "good.key", ERR_INVALID,
	    { "cert_file /tmp/", "/empty: is empty: the certificate has not "
				 "been written" } },
	{ "good.crt", "blank", ERR_INVALID,
	    { "key_file /tmp/", "is empty: the private key" } },
	{ "words", "good.key", ERR_INVALID,
	    { "is not PEM: it has no line "
	      "-----BEGIN CERTIFICATE-----" } },
	{ "der.crt", "good.key", ERR_INVALID,
	    { "is binary (DER or PKCS #12)", "`openssl x509 -inform der`" } },
	{ "good.crt", "der.key", ERR_INVALID,
	    { "key_file", "is binary", "`openssl pkey -inform der`" } },
	{ "cut.crt", "good.key", ERR_INVALID,
	    { "cert_file", "is cut off or damaged: a certificate" } },
	{ "begin.crt", "chain.key", ERR_INVALID,
	    { "cert_file", "is cut off behind certificate 1" } },
	{ "half.crt", "chain.key", ERR_INVALID, { "is cut off or damaged" } },
	{ "good.crt", "cut.key", ERR_INVALID,
	    { "key_file", "is cut off or damaged: a private key" } },
	{ "good.key", "good.crt", ERR_INVALID,
	    { "cert_file", "is not a PEM certificate: it holds a block "
			   "PRIVATE KEY; are certificate and key swapped?" } },
	{ "good.crt", "good.crt", ERR_INVALID,
	    { "key_file", "is not a PEM private key: it holds a block "
			  "CERTIFICATE; are" } },
	{ "good.crt", "public.key", ERR_INVALID,
	    { "is not a PEM private key: it holds a block PUBLIC KEY" } },
	{ "request.crt", "good.key", ERR_INVALID,
	    { "is not a PEM certificate: it holds a block CERTIFICATE "
	      "REQUEST" } },
	{ "good.crt", "encrypted.key", ERR_INVALID,
	    { "key_file", "is protected by a passphrase" } },

	{ "good.crt", "other.key", ERR_INVALID,
	    { "key_file /tmp/",
		"does not belong to the certificate of "
		"CN=good in cert_file /tmp/",
		"renewed together" } },
	{ "last.crt", "chain.key", ERR_INVALID,
	    { "wrong order: the private key belongs to certificate 3" } },
	{ "mixed.crt", "chain.key", ERR_INVALID,
	    { "wrong order: certificate 1 (CN=leaf) was issued by "
	      "certificate 3" } },
	{ "gap.crt", "chain.key", ERR_INVALID,
	    { "an intermediate is missing: certificate 2 (CN=root) did not "
	      "issue certificate 1 (CN=leaf)" } },
	{ "old.crt", "old.key", ERR_INVALID,
	    { "cert_file", "the certificate of CN=old expired on 20",
		"renew it" } },
	{ "early.crt", "early.key", ERR_INVALID,
	    { "CN=early is not valid before 20", "clock" } },
	{ "weak.crt", "weak.key", ERR_INVALID,
	    { "too weak: RSA with 1024 bits", "at least 2048" } },
	{ "sha1.crt", "sha1.key", ERR_INVALID, { "signed with SHA1" } },
};

static void
check(const struct conf_tls_server *conf, size_t row)
{
	struct err err;
	struct tls_server *server = serve(conf, &err);
	size_t i;

	if (err.code != rows[row].code)
		fail_msg("row %zu: code %d: %s", row, (int)err.code, err.text);
	assert_int_equal(server != NULL, rows[row].code == ERR_NONE);
	for (i = 0; i < 3 && rows[row].words[i] != NULL; i++)
		if (strstr(err.text, rows[row].words[i]) == NULL)
			fail_msg("row %zu: %s\nlacks: %s", row, err.text,
			    rows[row].words[i]);
	tls_server_unref(server);
}

static void
judges_files(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_tls_server conf = { .cert_file =
						    path_of(rows[i].cert),
			.key_file = path_of(rows[i].key) };

		check(&conf, i);
	}
}

static char *
read_file(const char *path)
{
	struct material *material = material_load(&path, 1);
	struct err err;
	size_t len;
	const char *bytes = material_get(material, path, &len, &err);
	/* What is cut at a NUL is as unusable as before. */
	char *text = strdup(bytes != NULL ? bytes : "");

	material_free(material);
	return text;
}

/* The same content inline is judged the same way, under the other key. */
static void
judges_inline_text(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *cert, *key;
		struct conf_tls_server conf;
		struct err err;
		struct tls_server *server;

		if (rows[i].code == ERR_MISSING || rows[i].code == ERR_FILE)
			continue;
		cert = read_file(path_of(rows[i].cert));
		key = read_file(path_of(rows[i].key));
		conf = (struct conf_tls_server){ .cert = cert, .key = key };
		server = serve(&conf, &err);
		assert_int_equal(err.code, rows[i].code);
		assert_null(strstr(err.text, "/tmp/"));
		assert_null(strstr(err.text, "_file"));
		if (server == NULL)
			assert_true(strncmp(err.text, "cert: ", 6) == 0 ||
				    strncmp(err.text, "key: ", 5) == 0);
		tls_server_unref(server);
		free(cert);
		free(key);
	}
}

static void
a_file_wins_over_inline_text(void **state)
{
	char junk[] = "junk";
	struct conf_tls_server conf = { .cert = junk,
		.key = junk,
		.cert_file = path_of("good.crt"),
		.key_file = path_of("good.key") };
	struct err err;
	struct tls_server *server = serve(&conf, &err);

	(void)state;
	assert_non_null(server);
	tls_server_unref(server);
}

static void
wants_both(void **state)
{
	struct conf_tls_server conf = { .cert_file = path_of("good.crt") };
	struct err err;

	(void)state;
	assert_null(serve(&conf, &err));
	assert_string_equal(err.text, "missing one of key or key_file");
	conf = (struct conf_tls_server){ .key_file = path_of("good.key") };
	assert_null(serve(&conf, &err));
	assert_string_equal(err.text, "missing one of cert or cert_file");
}

/* Root may read everything. */
static void
names_who_may_not_read(void **state)
{
	struct conf_tls_server conf = { .cert_file = path_of("good.crt"),
		.key_file = path_of("secret") };
	struct err err;

	(void)state;
	if (geteuid() == 0 && seteuid(65534) == -1)
		skip();
	/* The folder is private to its owner: both files are out of reach. */
	chmod(path_of("secret"), 0);
	assert_null(serve(&conf, &err));
	assert_int_equal(err.code, ERR_FILE);
	assert_non_null(strstr(err.text, "permission denied; make it readable "
					 "for user id "));
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_files),
		cmocka_unit_test(judges_inline_text),
		cmocka_unit_test(a_file_wins_over_inline_text),
		cmocka_unit_test(wants_both),
		cmocka_unit_test(names_who_may_not_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
