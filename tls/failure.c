#include "tls/failure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

/* What OpenSSL adds to an alert's number to make it a reason. */
#define ALERT_REASON SSL_AD_REASON_OFFSET

static const struct {
	const char *id;
	const char *words;
} rows[TLS_FAILURE_COUNT] = {
	[TLS_FAILURE_CLOSED] = { "closed",
	    "the client closed the connection before the handshake was "
	    "complete: a probe of the port, or it gave up" },
	[TLS_FAILURE_TIMEOUT] = { "timeout",
	    "the client did not complete the handshake in time" },
	[TLS_FAILURE_PLAIN_HTTP] = { "plain_http",
	    "the client speaks plain HTTP to a TLS port: its URL needs "
	    "https" },
	[TLS_FAILURE_NOT_TLS] = { "not_tls",
	    "what the client sent is not TLS" },
	[TLS_FAILURE_PROTOCOL_VERSION] = { "protocol_version",
	    "the client offers no version of TLS that is enabled here "
	    "(min_version, max_version)" },
	[TLS_FAILURE_NO_SHARED_CIPHER] = { "no_shared_cipher",
	    "the client offers no cipher suite, curve or kind of signature "
	    "that is enabled here" },
	[TLS_FAILURE_NO_APPLICATION_PROTOCOL] = { "no_application_protocol",
	    "the client insists on a protocol other than HTTP/1.1 and "
	    "HTTP/1.0 (ALPN)" },
	[TLS_FAILURE_MESSAGE_TOO_LARGE] = { "message_too_large",
	    "a message of the client's handshake is too large (32 KiB for "
	    "its certificates)" },
	[TLS_FAILURE_ALERT_FROM_CLIENT] = { "alert_from_client",
	    "the client broke off" },
	[TLS_FAILURE_CERTIFICATE_MISSING] = { "client_certificate_missing",
	    "the client presented no certificate, and client_auth_type "
	    "demands one" },
	[TLS_FAILURE_CERTIFICATE_UNKNOWN_CA] = { "client_certificate_unknown_"
						 "ca",
	    "the client's certificate was not issued by an authority of "
	    "client_ca" },
	[TLS_FAILURE_CERTIFICATE_EXPIRED] = { "client_certificate_expired",
	    "the client's certificate, or its issuer's, has expired" },
	[TLS_FAILURE_CERTIFICATE_NOT_YET_VALID] = { "client_certificate_not_"
						    "yet_valid",
	    "the client's certificate, or its issuer's, is not valid yet: "
	    "compare the clocks" },
	[TLS_FAILURE_CERTIFICATE_REVOKED] = { "client_certificate_revoked",
	    "the client's certificate is on the revocation list" },
	[TLS_FAILURE_CRL_EXPIRED] = { "client_crl_expired",
	    "the revocation list of client_crl_file has expired, so no "
	    "client certificate is accepted: renew the file" },
	[TLS_FAILURE_CRL_UNUSABLE] = { "client_crl_unusable",
	    "client_crl_file has no usable revocation list of the "
	    "certificate's issuer" },
	[TLS_FAILURE_SAN_NOT_ALLOWED] = { "client_certificate_san_not_allowed",
	    "no name of the client's certificate is in "
	    "client_allowed_sans" },
	[TLS_FAILURE_CERTIFICATE_BAD] = { "client_certificate_bad",
	    "the client's certificate cannot be accepted" },
	[TLS_FAILURE_OTHER] = { "other", "the handshake failed" },
};

static const struct {
	int reason;
	enum tls_failure failure;
} reasons[] = {
	{ SSL_R_HTTP_REQUEST, TLS_FAILURE_PLAIN_HTTP },
	{ SSL_R_HTTPS_PROXY_REQUEST, TLS_FAILURE_PLAIN_HTTP },
	{ SSL_R_UNSUPPORTED_PROTOCOL, TLS_FAILURE_PROTOCOL_VERSION },
	{ SSL_R_UNKNOWN_PROTOCOL, TLS_FAILURE_PROTOCOL_VERSION },
	{ SSL_R_VERSION_TOO_LOW, TLS_FAILURE_PROTOCOL_VERSION },
	{ SSL_R_VERSION_TOO_HIGH, TLS_FAILURE_PROTOCOL_VERSION },
	{ SSL_R_WRONG_SSL_VERSION, TLS_FAILURE_PROTOCOL_VERSION },
	{ SSL_R_INAPPROPRIATE_FALLBACK, TLS_FAILURE_PROTOCOL_VERSION },
	{ SSL_R_NO_SHARED_CIPHER, TLS_FAILURE_NO_SHARED_CIPHER },
	{ SSL_R_NO_CIPHERS_AVAILABLE, TLS_FAILURE_NO_SHARED_CIPHER },
	{ SSL_R_NO_CIPHERS_SPECIFIED, TLS_FAILURE_NO_SHARED_CIPHER },
	{ SSL_R_NO_SHARED_GROUPS, TLS_FAILURE_NO_SHARED_CIPHER },
	{ SSL_R_NO_SUITABLE_GROUPS, TLS_FAILURE_NO_SHARED_CIPHER },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, TLS_FAILURE_NO_SHARED_CIPHER },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TLS_FAILURE_NO_SHARED_CIPHER },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_FAILURE_NO_SHARED_CIPHER },
	{ SSL_R_NO_APPLICATION_PROTOCOL, TLS_FAILURE_NO_APPLICATION_PROTOCOL },
	{ SSL_R_EXCESSIVE_MESSAGE_SIZE, TLS_FAILURE_MESSAGE_TOO_LARGE },
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
	    TLS_FAILURE_CERTIFICATE_MISSING },
	{ SSL_R_UNKNOWN_CERTIFICATE_TYPE, TLS_FAILURE_CERTIFICATE_BAD },
	{ SSL_R_BAD_SIGNATURE, TLS_FAILURE_CERTIFICATE_BAD },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, TLS_FAILURE_CLOSED },
};

static const struct {
	long result;
	enum tls_failure failure;
} verdicts[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
	    TLS_FAILURE_CERTIFICATE_UNKNOWN_CA },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	    TLS_FAILURE_CERTIFICATE_UNKNOWN_CA },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
	    TLS_FAILURE_CERTIFICATE_UNKNOWN_CA },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
	    TLS_FAILURE_CERTIFICATE_UNKNOWN_CA },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
	    TLS_FAILURE_CERTIFICATE_UNKNOWN_CA },
	{ X509_V_ERR_CERT_UNTRUSTED, TLS_FAILURE_CERTIFICATE_UNKNOWN_CA },
	{ X509_V_ERR_CERT_HAS_EXPIRED, TLS_FAILURE_CERTIFICATE_EXPIRED },
	{ X509_V_ERR_CERT_NOT_YET_VALID,
	    TLS_FAILURE_CERTIFICATE_NOT_YET_VALID },
	{ X509_V_ERR_CERT_REVOKED, TLS_FAILURE_CERTIFICATE_REVOKED },
	{ X509_V_ERR_CRL_HAS_EXPIRED, TLS_FAILURE_CRL_EXPIRED },
	{ X509_V_ERR_UNABLE_TO_GET_CRL, TLS_FAILURE_CRL_UNUSABLE },
	{ X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, TLS_FAILURE_CRL_UNUSABLE },
	{ X509_V_ERR_CRL_NOT_YET_VALID, TLS_FAILURE_CRL_UNUSABLE },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE, TLS_FAILURE_CRL_UNUSABLE },
	{ X509_V_ERR_DIFFERENT_CRL_SCOPE, TLS_FAILURE_CRL_UNUSABLE },
	/* No host is ever looked for: so the list of names says no. */
	{ X509_V_ERR_HOSTNAME_MISMATCH, TLS_FAILURE_SAN_NOT_ALLOWED },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum tls_failure
of_verdict(long result)
{
	size_t i;

	for (i = 0; i < COUNT(verdicts); i++)
		if (verdicts[i].result == result)
			return verdicts[i].failure;
	return TLS_FAILURE_CERTIFICATE_BAD;
}

static bool
is_alert(int reason)
{
	return reason > ALERT_REASON && reason <= ALERT_REASON + 255;
}

/* OpenSSL knows four methods. */
static enum tls_failure
of_first_bytes(const struct tls_signs *signs)
{
	unsigned i;

	if (signs->first_len == 0 || signs->first[0] == SSL3_RT_HANDSHAKE)
		return TLS_FAILURE_OTHER;
	for (i = 0; i < signs->first_len; i++)
		if (!isupper(signs->first[i]))
			return i >= 3 && signs->first[i] == ' '
				   ? TLS_FAILURE_PLAIN_HTTP
				   : TLS_FAILURE_NOT_TLS;
	return TLS_FAILURE_PLAIN_HTTP;
}

static enum tls_failure
of_reason(const struct tls_signs *signs, int reason)
{
	size_t i;

	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return of_verdict(signs->verify_result);
	if (is_alert(reason))
		return TLS_FAILURE_ALERT_FROM_CLIENT;
	for (i = 0; i < COUNT(reasons); i++)
		if (reasons[i].reason == reason)
			return reasons[i].failure;
	return of_first_bytes(signs);
}

enum tls_failure
tls_failure_of(const struct tls_signs *signs)
{
	if (signs->is_late)
		return TLS_FAILURE_TIMEOUT;
	if (signs->error == 0 || ERR_SYSTEM_ERROR(signs->error))
		return TLS_FAILURE_CLOSED;
	if (ERR_GET_LIB(signs->error) != ERR_LIB_SSL)
		return TLS_FAILURE_OTHER;
	return of_reason(signs, ERR_GET_REASON(signs->error));
}

const char *
tls_failure_id(enum tls_failure failure)
{
	return rows[failure].id;
}

/* Those by which a client says that it does not like our certificate. */
static bool
is_about_certificate(int alert)
{
	return (alert >= SSL_AD_BAD_CERTIFICATE &&
		   alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
	       alert == SSL_AD_UNKNOWN_CA;
}

static void
add_alert(const struct tls_signs *signs, char *out, size_t size)
{
	int alert = ERR_GET_REASON(signs->error) - ALERT_REASON;

	snprintf(out, size, " with the alert \"%s\"%s",
	    SSL_alert_desc_string_long(alert),
	    is_about_certificate(alert)
		? ": it does not accept the gate's certificate"
		: "");
}

static void
add_bytes(const struct tls_signs *signs, char *out, size_t size)
{
	unsigned i;

	snprintf(out, size, " (it begins with");
	for (i = 0; i < signs->first_len; i++)
		snprintf(out + strlen(out), size - strlen(out), " %02x",
		    signs->first[i]);
	snprintf(out + strlen(out), size - strlen(out), ")");
}

static void
add_reason(const struct tls_signs *signs, char *out, size_t size)
{
	const char *reason = ERR_reason_error_string(signs->error);

	if (reason != NULL)
		snprintf(out, size, ": %s", reason);
}

void
tls_failure_words(enum tls_failure failure, const struct tls_signs *signs,
    char *out, size_t size)
{
	char more[128] = "";

	switch (failure) {
	case TLS_FAILURE_ALERT_FROM_CLIENT:
		add_alert(signs, more, sizeof(more));
		break;
	case TLS_FAILURE_NOT_TLS:
		add_bytes(signs, more, sizeof(more));
		break;
	case TLS_FAILURE_CERTIFICATE_UNKNOWN_CA:
	case TLS_FAILURE_CRL_UNUSABLE:
	case TLS_FAILURE_CERTIFICATE_BAD:
		if (signs->verify_result == X509_V_OK)
			add_reason(signs, more, sizeof(more));
		else
			snprintf(more, sizeof(more), ": %s",
			    X509_verify_cert_error_string(
				signs->verify_result));
		break;
	case TLS_FAILURE_OTHER:
		add_reason(signs, more, sizeof(more));
		break;
	default:
		break;
	}
	snprintf(out, size, "%s%s", rows[failure].words, more);
}

bool
tls_failure_is_refused_client(enum tls_failure failure)
{
	return failure > TLS_FAILURE_CERTIFICATE_MISSING &&
	       failure <= TLS_FAILURE_CERTIFICATE_BAD;
}
