#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "tls/failure.h"

#define SSL_ERROR(reason) ERR_PACK(ERR_LIB_SSL, 0, reason)
#define ALERT(number) SSL_ERROR(SSL_AD_REASON_OFFSET + (number))
#define REFUSED SSL_ERROR(SSL_R_CERTIFICATE_VERIFY_FAILED)

static const struct {
	struct tls_signs signs;
	const char *id;
	const char *words; /* part of them */
} rows[] = {
	{ { .error = 0 }, "closed", "a probe of the port" },
	{ { .is_late = true }, "timeout", "in time" },
	/* Ours, whatever else was wrong. */
	{ { .error = SSL_ERROR(SSL_R_NO_SHARED_CIPHER), .is_late = true },
	    "timeout", "in time" },
	{ { .error = ERR_SYSTEM_FLAG | ECONNRESET }, "closed", "probe" },
	{ { .error = SSL_ERROR(SSL_R_UNEXPECTED_EOF_WHILE_READING) }, "closed",
	    "probe" },
	{ { .error = SSL_ERROR(SSL_R_HTTP_REQUEST),
	      .first = "GET /",
	      .first_len = 5 },
	    "plain_http", "needs https" },
	{ { .error = SSL_ERROR(SSL_R_HTTPS_PROXY_REQUEST) }, "plain_http",
	    "https" },
	{ { .error = SSL_ERROR(SSL_R_WRONG_VERSION_NUMBER),
	      .first = "DELET",
	      .first_len = 5 },
	    "plain_http", "https" },
	{ { .error = SSL_ERROR(SSL_R_WRONG_VERSION_NUMBER),
	      .first = "PUT /",
	      .first_len = 5 },
	    "plain_http", "https" },
	{ { .error = SSL_ERROR(SSL_R_WRONG_VERSION_NUMBER),
	      .first = "SSH-2",
	      .first_len = 5 },
	    "not_tls", "is not TLS (it begins with 53 53 48 2d 32)" },
	{ { .error = SSL_ERROR(SSL_R_WRONG_VERSION_NUMBER),
	      .first = { 0, 1, 2, 3, 0xff },
	      .first_len = 5 },
	    "not_tls", "00 01 02 03 ff" },
	{ { .error = SSL_ERROR(SSL_R_WRONG_VERSION_NUMBER),
	      .first = { 0x16, 3, 1, 0, 9 },
	      .first_len = 5 },
	    "other", "the handshake failed: wrong version number" },
	{ { .error = SSL_ERROR(SSL_R_UNSUPPORTED_PROTOCOL) },
	    "protocol_version", "min_version" },
	{ { .error = SSL_ERROR(SSL_R_INAPPROPRIATE_FALLBACK) },
	    "protocol_version", "min_version" },
	{ { .error = SSL_ERROR(SSL_R_NO_SHARED_CIPHER) }, "no_shared_cipher",
	    "cipher suite" },
	{ { .error = SSL_ERROR(SSL_R_NO_SUITABLE_KEY_SHARE) },
	    "no_shared_cipher", "curve" },
	{ { .error = SSL_ERROR(SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM) },
	    "no_shared_cipher", "signature" },
	{ { .error = SSL_ERROR(SSL_R_NO_APPLICATION_PROTOCOL) },
	    "no_application_protocol", "ALPN" },
	{ { .error = SSL_ERROR(SSL_R_EXCESSIVE_MESSAGE_SIZE) },
	    "message_too_large", "32 KiB" },
	{ { .error = ALERT(48) }, "alert_from_client",
	    "the client broke off with the alert \"unknown CA\": it does not "
	    "accept the gate's certificate" },
	{ { .error = ALERT(42) }, "alert_from_client",
	    "\"bad certificate\": it does not accept" },
	{ { .error = ALERT(45) }, "alert_from_client",
	    "\"certificate expired\": it does not accept" },
	{ { .error = ALERT(40) }, "alert_from_client",
	    "with the alert \"handshake failure\"" },
	{ { .error = SSL_ERROR(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) },
	    "client_certificate_missing", "presented no certificate" },
	{ { .error = REFUSED,
	      .verify_result = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	    "client_certificate_unknown_ca",
	    "an authority of client_ca: unable to get local issuer" },
	{ { .error = REFUSED,
	      .verify_result = X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT },
	    "client_certificate_unknown_ca", ": self-signed certificate" },
	{ { .error = REFUSED, .verify_result = X509_V_ERR_CERT_HAS_EXPIRED },
	    "client_certificate_expired", "has expired" },
	{ { .error = REFUSED, .verify_result = X509_V_ERR_CERT_NOT_YET_VALID },
	    "client_certificate_not_yet_valid", "clocks" },
	{ { .error = REFUSED, .verify_result = X509_V_ERR_CERT_REVOKED },
	    "client_certificate_revoked", "revocation list" },
	{ { .error = REFUSED, .verify_result = X509_V_ERR_CRL_HAS_EXPIRED },
	    "client_crl_expired", "renew the file" },
	{ { .error = REFUSED, .verify_result = X509_V_ERR_UNABLE_TO_GET_CRL },
	    "client_crl_unusable", "client_crl_file" },
	{ { .error = REFUSED, .verify_result = X509_V_ERR_HOSTNAME_MISMATCH },
	    "client_certificate_san_not_allowed", "client_allowed_sans" },
	{ { .error = REFUSED, .verify_result = X509_V_ERR_INVALID_PURPOSE },
	    "client_certificate_bad", "cannot be accepted: un" },
	{ { .error = REFUSED, .verify_result = X509_V_ERR_EE_KEY_TOO_SMALL },
	    "client_certificate_bad", "key too weak" },
	{ { .error = SSL_ERROR(SSL_R_BAD_SIGNATURE) }, "client_certificate_bad",
	    ": bad signature" },
	{ { .error = SSL_ERROR(SSL_R_LENGTH_MISMATCH) }, "other",
	    "the handshake failed: length mismatch" },
	{ { .error = ERR_PACK(ERR_LIB_EVP, 0, 1) }, "other",
	    "the handshake failed" },
};

static void
names_failures(void **state)
{
	char words[320];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum tls_failure failure = tls_failure_of(&rows[i].signs);

		assert_string_equal(tls_failure_id(failure), rows[i].id);
		tls_failure_words(
		    failure, &rows[i].signs, words, sizeof(words));
		if (strstr(words, rows[i].words) == NULL)
			fail_msg(
			    "row %zu: %s\nlacks: %s", i, words, rows[i].words);
	}
}

/* A new cause has to be tried here. */
static void
covers_every_failure(void **state)
{
	size_t failure, i;

	(void)state;
	for (failure = 0; failure < TLS_FAILURE_COUNT; failure++) {
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (tls_failure_of(&rows[i].signs) == failure)
				break;
		if (i == sizeof(rows) / sizeof(rows[0]))
			fail_msg("no row is %s",
			    tls_failure_id((enum tls_failure)failure));
	}
}

/* The log has a line for those alone. */
static void
knows_refused_clients(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < TLS_FAILURE_COUNT; i++) {
		const char *id = tls_failure_id((enum tls_failure)i);
		bool is_refused = strncmp(id, "client_", 7) == 0 &&
				  strcmp(id, "client_certificate_missing") != 0;

		assert_int_equal(
		    tls_failure_is_refused_client((enum tls_failure)i),
		    is_refused);
	}
}

static void
cuts_long_words(void **state)
{
	char words[16];

	(void)state;
	tls_failure_words(
	    TLS_FAILURE_NOT_TLS, &rows[0].signs, words, sizeof(words));
	assert_int_equal(strlen(words), sizeof(words) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_failures),
		cmocka_unit_test(covers_every_failure),
		cmocka_unit_test(knows_refused_clients),
		cmocka_unit_test(cuts_long_words),
	};

	/* Their names are loaded when TLS is first used. */
	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
