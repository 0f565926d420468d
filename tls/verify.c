#include "tls/verify.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/escape.h"
#include "tls/certificate.h"
#include "tls/client.h"

static int ctx_index;

static void
free_verify(
    void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	struct tls_verify *verify = ptr;

	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	if (verify == NULL)
		return;
	tls_facts_unref(verify->facts);
	free(verify->host);
	free(verify->server_name);
	free(verify);
}

static void
init_index(void)
{
	ctx_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_verify);
}

const struct tls_verify *
tls_verify_of(const SSL_CTX *ctx)
{
	return SSL_CTX_get_ex_data(ctx, ctx_index);
}

static void
append_name(char *out, size_t size, const char *bytes, size_t len)
{
	size_t used = strlen(out);
	char name[128];

	escape_quoted(name, sizeof(name), bytes, len);
	snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", name);
}

static void
append_address(char *out, size_t size, const ASN1_OCTET_STRING *ip)
{
	char text[INET6_ADDRSTRLEN] = "";
	int len = ASN1_STRING_length(ip);

	if (len == 4 || len == 16)
		inet_ntop(len == 4 ? AF_INET : AF_INET6,
		    ASN1_STRING_get0_data(ip), text, sizeof(text));
	append_name(out, size, text, strlen(text));
}

static void
note_names(struct tls_facts *facts, const X509 *leaf)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	int i;

	facts->names[0] = '\0';
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			append_name(facts->names, sizeof(facts->names),
			    (const char *)ASN1_STRING_get0_data(
				name->d.dNSName),
			    (size_t)ASN1_STRING_length(name->d.dNSName));
		else if (name->type == GEN_IPADD)
			append_address(facts->names, sizeof(facts->names),
			    name->d.iPAddress);
	}
	GENERAL_NAMES_free(names);
}

static bool
names_host(X509 *leaf, const struct tls_verify *verify, unsigned flags)
{
	if (verify->is_address)
		return X509_check_ip_asc(leaf, verify->host, 0) == 1;
	return X509_check_host(leaf, verify->host, strlen(verify->host),
		   flags | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

/* Go has words of its own if only the Common Name would have done. */
static void
judge_name(struct tls_verify *verify, X509 *leaf)
{
	struct tls_facts *facts = verify->facts;
	bool has_san = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) >= 0;

	facts->is_name_mismatch = false;
	facts->has_no_san = !has_san;
	if (has_san)
		facts->is_name_mismatch = !names_host(
		    leaf, verify, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	else
		facts->is_name_mismatch =
		    verify->is_address ||
		    !names_host(
			leaf, verify, X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT);
}

static struct tls_verify *
verify_of_store(X509_STORE_CTX *store_ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	    store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());

	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ctx_index);
}

/* Collects instead of stopping at the first fault. */
static int
on_fault(int is_fine, X509_STORE_CTX *store_ctx)
{
	struct tls_verify *verify = verify_of_store(store_ctx);
	int error = X509_STORE_CTX_get_error(store_ctx);

	if (is_fine)
		return 1;
	if (X509_STORE_CTX_get_error_depth(store_ctx) == 0 &&
	    (error == X509_V_ERR_CERT_HAS_EXPIRED ||
		error == X509_V_ERR_CERT_NOT_YET_VALID))
		verify->time_error = error;
	else if (verify->chain_error == 0)
		verify->chain_error = error;
	return 1;
}

static int
name_error(const struct tls_verify *verify)
{
	const struct tls_facts *facts = verify->facts;

	if (!facts->is_name_mismatch && !facts->has_no_san)
		return X509_V_OK;
	return verify->is_address ? X509_V_ERR_IP_ADDRESS_MISMATCH
				  : X509_V_ERR_HOSTNAME_MISMATCH;
}

static int
on_certificate(X509_STORE_CTX *store_ctx, void *arg)
{
	struct tls_verify *verify = verify_of_store(store_ctx);
	struct tls_facts *facts = verify->facts;
	X509 *leaf = X509_STORE_CTX_get0_cert(store_ctx);
	int error;

	(void)arg;
	note_names(facts, leaf);
	certificate_time(facts->not_after, X509_get0_notAfter(leaf));
	certificate_time(facts->not_before, X509_get0_notBefore(leaf));
	if (verify->is_skipped)
		return 1;

	verify->time_error = verify->chain_error = X509_V_OK;
	judge_name(verify, leaf);
	X509_STORE_CTX_set_verify_cb(store_ctx, on_fault);
	/* What is queued on the way would hide that the verdict is ours. */
	ERR_set_mark();
	if (X509_verify_cert(store_ctx) != 1 && verify->chain_error == 0)
		verify->chain_error = X509_V_ERR_UNSPECIFIED;
	ERR_pop_to_mark();
	error = verify->time_error;
	if (error == X509_V_OK)
		error = name_error(verify);
	if (error == X509_V_OK)
		error = verify->chain_error;
	facts->verify_result = error;
	X509_STORE_CTX_set_error(store_ctx, error);
	return error == X509_V_OK;
}

static bool
is_address(const char *host)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 ||
	       inet_pton(AF_INET6, host, bytes) == 1;
}

/* Neither SNI nor a certificate has the final dot. */
static char *
without_dot(const char *name)
{
	size_t len = strlen(name);

	return xstrndup(name, len > 1 && name[len - 1] == '.' ? len - 1 : len);
}

void
tls_verify_attach(SSL_CTX *ctx, const struct conf_tls_client *conf,
    const char *host, struct tls_facts *facts)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct tls_verify *verify = xcalloc(1, sizeof(*verify));
	bool has_name =
	    conf->server_name != NULL && conf->server_name[0] != '\0';

	pthread_once(&once, init_index);
	verify->facts = tls_facts_ref(facts);
	verify->host = without_dot(has_name ? conf->server_name : host);
	verify->is_address = is_address(verify->host);
	verify->is_skipped = conf->insecure_skip_verify;
	if (has_name && !verify->is_address)
		verify->server_name = xstrdup(verify->host);
	SSL_CTX_set_ex_data(ctx, ctx_index, verify);
	SSL_CTX_set_verify(
	    ctx, verify->is_skipped ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_certificate, NULL);
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
	    X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
}
