#include "tls/self_signed.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tls/ssl_err.h"

#define YEAR_S (365L * 24 * 3600)

/* A host's name goes into an extension's text only if it is one. */
static bool
is_host_name(const char *name)
{
	if (*name == '\0')
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && *name != '-' &&
		    *name != '.')
			return false;
	return true;
}

static void
subject_names(char *out, size_t size)
{
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) == -1 || !is_host_name(host) ||
	    strcmp(host, "localhost") == 0)
		snprintf(out, size, "DNS:localhost,IP:127.0.0.1,IP:::1");
	else
		snprintf(out, size, "DNS:localhost,DNS:%s,IP:127.0.0.1,IP:::1",
		    host);
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool is_added;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	is_added = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return is_added;
}

static bool
set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *number;
	bool is_set;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] &= 0x7f; /* positive */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	is_set = number != NULL && BN_to_ASN1_INTEGER(number,
				       X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return is_set;
}

static bool
fill(X509 *cert, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(cert);
	char names[512];

	subject_names(names, sizeof(names));
	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	       set_serial(cert) &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), 0) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), YEAR_S) != NULL &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		   (const unsigned char *)"scrapegate self-signed", -1, -1,
		   0) == 1 &&
	       X509_set_issuer_name(cert, name) == 1 &&
	       X509_set_pubkey(cert, key) == 1 &&
	       add_extension(
		   cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(
		   cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth") &&
	       add_extension(cert, NID_subject_alt_name, names) &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

int
self_signed_make(STACK_OF(X509) * *chain, EVP_PKEY **key, struct err *err)
{
	EVP_PKEY *made = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	if (made == NULL || cert == NULL || !fill(cert, made)) {
		EVP_PKEY_free(made);
		X509_free(cert);
		return ssl_err(err, "cannot make a certificate");
	}
	*chain = sk_X509_new_null();
	sk_X509_push(*chain, cert);
	*key = made;
	return 0;
}
