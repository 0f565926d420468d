#include "tls/certificate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "proxy/base/alloc.h"
#include "proxy/base/escape.h"

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

void
certificate_time(char out[CERTIFICATE_TIME_SIZE], const ASN1_TIME *t)
{
	struct tm tm;

	out[0] = '\0';
	if (t != NULL && ASN1_TIME_to_tm(t, &tm) == 1)
		strftime(out, CERTIFICATE_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* RFC 2253's form leaves no control and no 8-bit character as it is. */
static void
print_name(char out[CERTIFICATE_SUBJECT_SIZE], const X509_NAME *name)
{
	BIO *bio = xrequire(BIO_new(BIO_s_mem()));
	char *bytes = NULL;
	long len;

	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	len = BIO_get_mem_data(bio, &bytes);
	snprintf(out, CERTIFICATE_SUBJECT_SIZE, "%.*s", (int)len,
	    len > 0 ? bytes : "");
	BIO_free(bio);
}

static void
print_alternative(char out[CERTIFICATE_SUBJECT_SIZE], const X509 *cert)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	BIO *bio = xrequire(BIO_new(BIO_s_mem()));
	char *bytes = NULL;
	long len;

	if (sk_GENERAL_NAME_num(names) > 0) {
		GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, 0));
		len = BIO_get_mem_data(bio, &bytes);
		if (len > 0)
			escape_quoted(
			    out, CERTIFICATE_SUBJECT_SIZE, bytes, (size_t)len);
	}
	BIO_free(bio);
	GENERAL_NAMES_free(names);
}

void
certificate_subject(char out[CERTIFICATE_SUBJECT_SIZE], X509 *cert)
{
	print_name(out, X509_get_subject_name(cert));
	if (out[0] == '\0')
		print_alternative(out, cert);
}

static void
print_serial(char *out, size_t size, const ASN1_INTEGER *serial)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(serial);
	size_t len = (size_t)ASN1_STRING_length(serial), i;

	out[0] = '\0';
	for (i = 0; i < len && i * 2 + 3 <= size; i++)
		snprintf(out + i * 2, 3, "%02x", bytes[i]);
}

void
certificate_of_x509(struct tls_certificate *out, const char *role, X509 *cert)
{
	memset(out, 0, sizeof(*out));
	out->role = role;
	certificate_subject(out->subject, cert);
	print_serial(
	    out->serial, sizeof(out->serial), X509_get0_serialNumber(cert));
	out->not_before = seconds_of(X509_get0_notBefore(cert));
	out->not_after = seconds_of(X509_get0_notAfter(cert));
}

void
certificate_of_crl(struct tls_certificate *out, X509_CRL *crl)
{
	memset(out, 0, sizeof(*out));
	out->role = "crl";
	print_name(out->subject, X509_CRL_get_issuer(crl));
	out->not_before = seconds_of(X509_CRL_get0_lastUpdate(crl));
	out->not_after = seconds_of(X509_CRL_get0_nextUpdate(crl));
}
