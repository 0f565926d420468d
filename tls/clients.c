#include "tls/clients.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "tls/certificate.h"
#include "tls/handshake.h"
#include "tls/source.h"
#include "tls/ssl_err.h"

/* Bounds what a stranger can make us read and compute. */
#define CHAIN_BYTES_MAX (32 * 1024L)
#define INTERMEDIATES_MAX 4
#define KEY_BITS_MAX 4096

struct tls_clients {
	enum conf_client_auth type;
	X509_STORE *store; /* NULL: nothing is verified */
	bool has_crl;
	char **sans; /* none: any name will do */
	size_t san_count;
	struct tls_certificate *certificates;
	size_t certificate_count;
};

static bool
is_verifying(enum conf_client_auth type)
{
	return type == CONF_CLIENT_AUTH_VERIFY_IF_GIVEN ||
	       type == CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY;
}

/* Names. */

static bool
is_allowed(const struct tls_clients *clients, const char *name, size_t len)
{
	size_t i;

	/* By length: a NUL within a name does not end it. */
	for (i = 0; i < clients->san_count; i++)
		if (strlen(clients->sans[i]) == len &&
		    memcmp(clients->sans[i], name, len) == 0)
			return true;
	return false;
}

static bool
is_address_allowed(
    const struct tls_clients *clients, const ASN1_OCTET_STRING *address)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(address);
	int len = ASN1_STRING_length(address);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr v6;

	if (len == 16) {
		memcpy(&v6, bytes, sizeof(v6));
		/* Go prints such an address as the IPv4 one that it is. */
		if (IN6_IS_ADDR_V4MAPPED(&v6)) {
			bytes += 12;
			len = 4;
		}
	}
	if ((len != 4 && len != 16) || inet_ntop(len == 4 ? AF_INET : AF_INET6,
					   bytes, text, sizeof(text)) == NULL)
		return false;
	return is_allowed(clients, text, strlen(text));
}

static bool
is_name_allowed(const struct tls_clients *clients, const GENERAL_NAME *name)
{
	const ASN1_IA5STRING *text;

	switch (name->type) {
	case GEN_DNS:
		text = name->d.dNSName;
		break;
	case GEN_EMAIL:
		text = name->d.rfc822Name;
		break;
	case GEN_URI:
		text = name->d.uniformResourceIdentifier;
		break;
	case GEN_IPADD:
		return is_address_allowed(clients, name->d.iPAddress);
	default:
		return false;
	}
	return is_allowed(clients, (const char *)ASN1_STRING_get0_data(text),
	    (size_t)ASN1_STRING_length(text));
}

static bool
has_allowed_name(const struct tls_clients *clients, const X509 *leaf)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	bool result = false;
	int i;

	for (i = 0; !result && i < sk_GENERAL_NAME_num(names); i++)
		result =
		    is_name_allowed(clients, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return result;
}

/* Verification. */

static bool
has_huge_key(STACK_OF(X509) * chain)
{
	int i;

	for (i = 0; i < sk_X509_num(chain); i++) {
		const EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(chain, i));

		if (key == NULL || EVP_PKEY_get_bits(key) > KEY_BITS_MAX)
			return true;
	}
	return false;
}

/*
 * The leaf has to be on no list, so there must be one of its issuer; the
 * issuers are looked for on the lists that there are.
 */
static int
on_fault(int is_good, X509_STORE_CTX *store_ctx)
{
	if (is_good ||
	    X509_STORE_CTX_get_error(store_ctx) !=
		X509_V_ERR_UNABLE_TO_GET_CRL ||
	    X509_STORE_CTX_get_error_depth(store_ctx) == 0)
		return is_good;
	X509_STORE_CTX_set_error(store_ctx, X509_V_OK);
	return 1;
}

static int
judge(const struct tls_clients *clients, X509_STORE_CTX *store_ctx)
{
	/* Before any of those keys is computed with. */
	if (has_huge_key(X509_STORE_CTX_get0_untrusted(store_ctx)))
		return X509_V_ERR_CERT_REJECTED;
	X509_STORE_CTX_set_verify_cb(store_ctx, on_fault);
	if (is_verifying(clients->type) && X509_verify_cert(store_ctx) != 1) {
		int error = X509_STORE_CTX_get_error(store_ctx);

		return error != X509_V_OK ? error : X509_V_ERR_UNSPECIFIED;
	}
	if (clients->san_count > 0 &&
	    !has_allowed_name(clients, X509_STORE_CTX_get0_cert(store_ctx)))
		return X509_V_ERR_HOSTNAME_MISMATCH;
	return X509_V_OK;
}

static int
on_certificate(X509_STORE_CTX *store_ctx, void *arg)
{
	int error;

	tls_handshake_note_certificate(
	    X509_STORE_CTX_get_ex_data(
		store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx()),
	    X509_STORE_CTX_get0_cert(store_ctx));
	/* What is queued on the way would hide that the verdict is ours. */
	ERR_set_mark();
	error = judge(arg, store_ctx);
	ERR_pop_to_mark();
	X509_STORE_CTX_set_error(store_ctx, error);
	return error == X509_V_OK;
}

/*
 * The names of the authorities are not sent: clients that find theirs missing
 * would present nothing, and nobody would learn which certificate was wrong.
 */
void
tls_clients_apply(const struct tls_clients *clients, SSL_CTX *ctx)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	int mode = SSL_VERIFY_PEER;

	if (clients->type == CONF_CLIENT_AUTH_NONE)
		return;
	if (clients->type == CONF_CLIENT_AUTH_REQUIRE_ANY ||
	    clients->type == CONF_CLIENT_AUTH_REQUIRE_AND_VERIFY)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ctx, mode, NULL);
	SSL_CTX_set_cert_verify_callback(
	    ctx, on_certificate, (void *)(uintptr_t)clients);
	SSL_CTX_set_verify_depth(ctx, INTERMEDIATES_MAX);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_BYTES_MAX);
	if (clients->store != NULL)
		SSL_CTX_set1_verify_cert_store(ctx, clients->store);
	/* As in Go, an intermediate or the leaf itself may be the anchor. */
	X509_VERIFY_PARAM_set_flags(param,
	    X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST |
		(clients->has_crl
			? X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL
			: 0));

	/* A resumed session is not verified again: so there are none. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
}

/* Loading. */

static struct tls_certificate *
add_certificate(struct tls_clients *clients)
{
	size_t count = ++clients->certificate_count;

	clients->certificates = xrealloc(
	    clients->certificates, count * sizeof(*clients->certificates));
	return &clients->certificates[count - 1];
}

static void
warn_if_over(const struct source *source, const char *msg, const ASN1_TIME *end,
    const struct tls_certificate *certificate)
{
	char time[CERTIFICATE_TIME_SIZE];

	if (end == NULL || X509_cmp_current_time(end) >= 0)
		return;
	certificate_time(time, end);
	log_warn(msg, source->key, source->path, "subject",
	    certificate->subject, "not_after", time, NULL);
}

static int
load_authorities(struct tls_clients *clients,
    const struct conf_tls_server *conf, const struct material *material,
    struct err *err)
{
	static const char *const keys[] = { "client_ca_file", "client_ca" };
	STACK_OF(X509) * all;
	struct source source;
	int i;

	if (source_open(&source, keys, conf->client_ca_file, conf->client_ca,
		material, err) == -1)
		return -1;
	all = source_certificates(&source, err);
	if (all == NULL)
		return -1;
	for (i = 0; i < sk_X509_num(all); i++) {
		X509 *cert = sk_X509_value(all, i);
		struct tls_certificate *certificate = add_certificate(clients);

		X509_STORE_add_cert(clients->store, cert);
		certificate_of_x509(certificate, "client_ca", cert);
		warn_if_over(&source,
		    "an authority for client certificates "
		    "has expired: its clients are refused",
		    X509_get0_notAfter(cert), certificate);
	}
	sk_X509_pop_free(all, X509_free);
	return 0;
}

/* As Go does; it is hardly ever what somebody wants. */
static int
load_system_authorities(struct tls_clients *clients, struct err *err)
{
	if (X509_STORE_set_default_paths(clients->store) != 1)
		return ssl_err(err, "system certificate authorities");
	log_warn("client certificates are verified without client_ca: whoever "
		 "has one of a public authority is accepted",
	    NULL);
	return 0;
}

static int
load_crls(struct tls_clients *clients, const struct conf_tls_server *conf,
    const struct material *material, struct err *err)
{
	static const char *const keys[] = { "client_crl_file", NULL };
	STACK_OF(X509_CRL) * all;
	struct source source;
	int i;

	if (source_open(&source, keys, conf->client_crl_file, NULL, material,
		err) == -1)
		return -1;
	all = source_crls(&source, err);
	if (all == NULL)
		return -1;
	for (i = 0; i < sk_X509_CRL_num(all); i++) {
		X509_CRL *crl = sk_X509_CRL_value(all, i);
		struct tls_certificate *certificate = add_certificate(clients);

		X509_STORE_add_crl(clients->store, crl);
		certificate_of_crl(certificate, crl);
		warn_if_over(&source,
		    "the revocation list has expired: no "
		    "client certificate is accepted until it is renewed",
		    X509_CRL_get0_nextUpdate(crl), certificate);
	}
	sk_X509_CRL_pop_free(all, X509_CRL_free);
	clients->has_crl = true;
	return 0;
}

static int
compare_ends(const void *a, const void *b)
{
	const struct tls_certificate *left = a, *right = b;

	return (left->not_after > right->not_after) -
	       (left->not_after < right->not_after);
}

static int
load(struct tls_clients *clients, const struct conf_tls_server *conf,
    const struct material *material, struct err *err)
{
	bool has_ca = conf->client_ca_file != NULL || conf->client_ca != NULL;
	int result;

	if (conf->client_crl_file != NULL && !is_verifying(clients->type))
		return err_set(err, ERR_INVALID,
		    "client_crl_file needs a "
		    "client_auth_type that verifies "
		    "(RequireAndVerifyClientCert)");
	if (has_ca || is_verifying(clients->type))
		clients->store = xrequire(X509_STORE_new());
	/* One that nobody verifies with is judged all the same. */
	if (has_ca)
		result = load_authorities(clients, conf, material, err);
	else
		result = is_verifying(clients->type)
			     ? load_system_authorities(clients, err)
			     : 0;
	if (result == 0 && conf->client_crl_file != NULL)
		result = load_crls(clients, conf, material, err);
	ERR_clear_error();
	return result;
}

struct tls_clients *
tls_clients_new(const struct conf_tls_server *conf,
    const struct material *material, struct err *err)
{
	struct tls_clients *clients = xcalloc(1, sizeof(*clients));
	size_t i;

	clients->type = conf->client_auth_type;
	clients->san_count = conf->client_allowed_sans.count;
	clients->sans = xcalloc(clients->san_count + 1, sizeof(*clients->sans));
	for (i = 0; i < clients->san_count; i++)
		clients->sans[i] = xstrdup(conf->client_allowed_sans.items[i]);
	if (load(clients, conf, material, err) == -1) {
		tls_clients_free(clients);
		return NULL;
	}
	if (clients->certificate_count > 0)
		qsort(clients->certificates, clients->certificate_count,
		    sizeof(*clients->certificates), compare_ends);
	return clients;
}

void
tls_clients_free(struct tls_clients *clients)
{
	size_t i;

	if (clients == NULL)
		return;
	X509_STORE_free(clients->store);
	for (i = 0; i < clients->san_count; i++)
		free(clients->sans[i]);
	free(clients->sans);
	free(clients->certificates);
	free(clients);
}

size_t
tls_clients_certificates(
    const struct tls_clients *clients, struct tls_certificate *out, size_t max)
{
	size_t count = clients->certificate_count;

	if (count > max)
		count = max;
	if (count > 0)
		memcpy(out, clients->certificates, count * sizeof(*out));
	return count;
}
