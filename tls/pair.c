#include "tls/pair.h"

#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "conf/conf.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "tls/certificate.h"
#include "tls/source.h"

#define RSA_BITS_MIN 2048

/* Of an elliptic curve's key; P-224 is Go's smallest. */
#define EC_BITS_MIN 224

static int
judge_dates(const struct source *source, X509 *leaf, struct err *err)
{
	char subject[CERTIFICATE_SUBJECT_SIZE], time[CERTIFICATE_TIME_SIZE];
	char now[CLOCK_TEXT_SIZE];

	certificate_subject(subject, leaf);
	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
		certificate_time(time, X509_get0_notAfter(leaf));
		return source_fail(source, err,
		    "the certificate of %s "
		    "expired on %s; renew it",
		    subject, time);
	}
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
		certificate_time(time, X509_get0_notBefore(leaf));
		return source_fail(source, err,
		    "the certificate of %s is not "
		    "valid before %s, and it is %s here: check this machine's "
		    "clock",
		    subject, time, clock_text(clock_wall_us(), now));
	}
	return 0;
}

static int
judge_strength(const struct source *source, X509 *leaf, struct err *err)
{
	const EVP_PKEY *key = X509_get0_pubkey(leaf);
	int bits, type, digest;

	if (key == NULL) {
		ERR_clear_error();
		return source_fail(source, err,
		    "the certificate has a key of "
		    "an unknown kind; use ECDSA P-256 or RSA 2048");
	}
	bits = EVP_PKEY_get_bits(key);
	type = EVP_PKEY_get_base_id(key);
	if ((type == EVP_PKEY_RSA && bits < RSA_BITS_MIN) ||
	    (type == EVP_PKEY_EC && bits < EC_BITS_MIN))
		return source_fail(source, err,
		    "the key is too weak: %s with "
		    "%d bits; use ECDSA P-256 or RSA with at least %d bits",
		    type == EVP_PKEY_RSA ? "RSA" : "EC", bits, RSA_BITS_MIN);
	if (X509_get_signature_info(leaf, &digest, NULL, NULL, NULL) == 1 &&
	    (digest == NID_sha1 || digest == NID_md5) &&
	    (X509_get_extension_flags(leaf) & EXFLAG_SS) == 0)
		return source_fail(source, err,
		    "the certificate is signed "
		    "with %s, which clients refuse; have it signed with "
		    "SHA-256",
		    OBJ_nid2sn(digest));
	return 0;
}

static bool
has_issued(X509 *issuer, X509 *cert)
{
	bool result = X509_check_issued(issuer, cert) == X509_V_OK;

	ERR_clear_error();
	return result;
}

/*
 * Each certificate was issued by the next one, up to the first that signed
 * itself: some clients take a chain only so.  That the last one's issuer is
 * known to the client cannot be told from here.
 */
static int
judge_order(
    const struct source *source, STACK_OF(X509) * chain, struct err *err)
{
	char subject[CERTIFICATE_SUBJECT_SIZE], next[CERTIFICATE_SUBJECT_SIZE];
	int count = sk_X509_num(chain), i, k;

	for (i = 0; i + 1 < count; i++) {
		X509 *cert = sk_X509_value(chain, i);

		if (X509_get_extension_flags(cert) & EXFLAG_SS ||
		    has_issued(sk_X509_value(chain, i + 1), cert))
			continue;
		certificate_subject(subject, cert);
		certificate_subject(next, sk_X509_value(chain, i + 1));
		for (k = 0; k < count; k++)
			if (k != i && has_issued(sk_X509_value(chain, k), cert))
				return source_fail(source, err,
				    "the chain is "
				    "in the wrong order: certificate %d (%s) "
				    "was issued by certificate %d; put the "
				    "server's own first and each issuer "
				    "behind it",
				    i + 1, subject, k + 1);
		return source_fail(source, err,
		    "an intermediate is missing: "
		    "certificate %d (%s) did not issue certificate %d (%s)",
		    i + 2, next, i + 1, subject);
	}
	return 0;
}

/* Those behind the leaf: a client may know another way. */
static void
warn_of_issuers(const struct source *source, STACK_OF(X509) * chain)
{
	char subject[CERTIFICATE_SUBJECT_SIZE], time[CERTIFICATE_TIME_SIZE];
	int i;

	for (i = 1; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);

		if (X509_cmp_current_time(X509_get0_notAfter(cert)) >= 0)
			continue;
		certificate_subject(subject, cert);
		certificate_time(time, X509_get0_notAfter(cert));
		log_warn("a certificate of the chain has expired; clients may "
			 "refuse it",
		    source->key, source->path, "subject", subject, "not_after",
		    time, NULL);
	}
}

/* Also finds the leaf that somebody put behind its issuers. */
static int
judge_key(const struct source *cert, const struct source *key,
    STACK_OF(X509) * chain, const EVP_PKEY *pkey, struct err *err)
{
	char subject[CERTIFICATE_SUBJECT_SIZE], name[320];
	int i;

	for (i = 0; i < sk_X509_num(chain); i++) {
		const EVP_PKEY *public =
		    X509_get0_pubkey(sk_X509_value(chain, i));

		if (public != NULL && EVP_PKEY_eq(public, pkey) == 1)
			break;
	}
	ERR_clear_error();
	if (i == 0)
		return 0;
	if (i < sk_X509_num(chain))
		return source_fail(cert, err,
		    "the chain is in the wrong "
		    "order: the private key belongs to certificate %d; put "
		    "the server's own first and each issuer behind it",
		    i + 1);
	certificate_subject(subject, sk_X509_value(chain, 0));
	return source_fail(key, err,
	    "failed to load X509KeyPair: the private "
	    "key does not belong to the certificate of %s in %s; both have to "
	    "be renewed together",
	    subject, source_name(cert, name, sizeof(name)));
}

static int
judge(const struct source *cert, const struct source *key,
    STACK_OF(X509) * chain, const EVP_PKEY *pkey, struct err *err)
{
	X509 *leaf = sk_X509_value(chain, 0);

	if (judge_key(cert, key, chain, pkey, err) == -1 ||
	    judge_strength(cert, leaf, err) == -1 ||
	    judge_dates(cert, leaf, err) == -1 ||
	    judge_order(cert, chain, err) == -1)
		return -1;
	warn_of_issuers(cert, chain);
	return 0;
}

int
pair_load(const struct conf_tls_server *conf, const struct material *material,
    STACK_OF(X509) * *chain, EVP_PKEY **key, struct err *err)
{
	static const char *const cert_keys[] = { "cert_file", "cert" };
	static const char *const key_keys[] = { "key_file", "key" };
	struct source cert_source, key_source;

	if (conf->cert_file == NULL && conf->cert == NULL)
		return err_set(err, ERR_INVALID,
		    "missing one of cert or "
		    "cert_file");
	if (conf->key_file == NULL && conf->key == NULL)
		return err_set(err, ERR_INVALID,
		    "missing one of key or "
		    "key_file");
	if (source_open(&cert_source, cert_keys, conf->cert_file, conf->cert,
		material, err) == -1 ||
	    source_open(&key_source, key_keys, conf->key_file, conf->key,
		material, err) == -1)
		return -1;
	*chain = source_certificates(&cert_source, err);
	if (*chain == NULL)
		return -1;
	*key = source_private_key(&key_source, err);
	if (*key != NULL &&
	    judge(&cert_source, &key_source, *chain, *key, err) == 0)
		return 0;
	EVP_PKEY_free(*key);
	sk_X509_pop_free(*chain, X509_free);
	*chain = NULL;
	*key = NULL;
	return -1;
}
