#include "proxy/diagnosis/rules.h"

#include <string.h>

#include "proxy/diagnosis/codes.h"
#include "proxy/fetch/report.h"

/*
 * An alert is known whatever libcurl makes of it: with TLS 1.3 those about
 * client certificates arrive as a read error after the handshake, and it calls
 * certificate_expired from the peer a failed verification of ours.
 */
enum reason
rules_alert(const struct report *report)
{
	static const struct rules_code alerts[] = {
		{ 40, REASON_TLS_HANDSHAKE_FAILURE },
		{ 71,
		    REASON_TLS_HANDSHAKE_FAILURE }, /* insufficient security */
		{ 70, REASON_TLS_PROTOCOL_VERSION },
		{ 116, REASON_TLS_CLIENT_CERT_REQUIRED },
		{ 42, REASON_TLS_CLIENT_CERT_REJECTED },
		{ 43, REASON_TLS_CLIENT_CERT_REJECTED },
		{ 44, REASON_TLS_CLIENT_CERT_REJECTED },
		{ 45, REASON_TLS_CLIENT_CERT_REJECTED },
		{ 46, REASON_TLS_CLIENT_CERT_REJECTED },
		{ 48, REASON_TLS_CLIENT_CERT_REJECTED },
		{ 49, REASON_TLS_CLIENT_CERT_REJECTED },
		{ 51, REASON_TLS_CLIENT_CERT_REJECTED },
		{ 112, REASON_TLS_SNI_UNRECOGNIZED },
	};
	int alert = alert_of(report);
	enum reason reason;

	if (alert < 0 || report->judge.has_any_byte)
		return UNDECIDED;
	reason = LOOK_UP(alerts, alert);
	return reason != UNDECIDED ? reason : REASON_TLS_ALERT_OTHER;
}

/* What the gate itself found wrong with the exporter's certificate. */
static enum reason
judge_certificate(const struct report *report)
{
	static const struct rules_code results[] = {
		{ 2, REASON_TLS_UNKNOWN_AUTHORITY },  /* no issuer */
		{ 18, REASON_TLS_UNKNOWN_AUTHORITY }, /* self-signed leaf */
		{ 19, REASON_TLS_UNKNOWN_AUTHORITY }, /* ... in the chain */
		{ 20, REASON_TLS_UNKNOWN_AUTHORITY }, /* no local issuer */
		{ 21, REASON_TLS_UNKNOWN_AUTHORITY }, /* leaf unverifiable */
		{ 27, REASON_TLS_UNKNOWN_AUTHORITY }, /* untrusted */
		/* The CA's name with another key: Go says unknown authority. */
		{ 7, REASON_TLS_UNKNOWN_AUTHORITY },
		{ 29, REASON_TLS_UNKNOWN_AUTHORITY },
		{ 30, REASON_TLS_UNKNOWN_AUTHORITY },
		{ 9, REASON_TLS_CERT_NOT_YET_VALID },
		{ 10, REASON_TLS_CERT_EXPIRED },
		{ 26, REASON_TLS_CERT_BAD_USAGE },
		{ 62, REASON_TLS_HOSTNAME_MISMATCH },
		{ 64, REASON_TLS_HOSTNAME_MISMATCH }, /* of an IP address */
	};
	enum reason reason = LOOK_UP(results, report->verify_result);

	if (reason != UNDECIDED && reason != REASON_TLS_HOSTNAME_MISMATCH)
		return reason;
	/* Go's words for a name that only the Common Name holds. */
	if (report->has_no_san && !report->is_name_mismatch)
		return REASON_TLS_CERT_NO_SAN;
	if (reason == REASON_TLS_HOSTNAME_MISMATCH ||
	    report->is_name_mismatch ||
	    strstr(report->curl_error, "subject name") != NULL)
		return REASON_TLS_HOSTNAME_MISMATCH;
	/* 1 is libcurl's "nobody has looked". */
	return report->verify_result > 1 ? REASON_TLS_CERT_INVALID : UNDECIDED;
}

static bool
is_tls_record(const struct report *report)
{
	return report->tls_first_len >= 2 && report->tls_first[0] >= 0x14 &&
	       report->tls_first[0] <= 0x17 && report->tls_first[1] == 0x03;
}

/* The peer's first bytes are no TLS record. */
static enum reason
judge_first_bytes(const struct report *report)
{
	if (report->tls_first_len == 0 || is_tls_record(report))
		return UNDECIDED;
	if (report->tls_first_len >= 5 &&
	    memcmp(report->tls_first, "HTTP/", 5) == 0)
		return REASON_TLS_SERVER_SPEAKS_HTTP;
	/* Too few to condemn it, were there not OpenSSL's verdict. */
	return report->tls_first_len >= 5 ||
		       ssl_reason(report) == SSL_WRONG_VERSION
		   ? REASON_TLS_NOT_TLS
		   : UNDECIDED;
}

enum reason
rules_tls(const struct report *report)
{
	static const struct rules_code ssl_reasons[] = {
		{ SSL_UNSUPPORTED_PROTOCOL, REASON_TLS_PROTOCOL_VERSION },
		{ SSL_LEGACY_SIGALG, REASON_TLS_PROTOCOL_VERSION },
		{ SSL_NO_PROTOCOLS, REASON_TLS_PROTOCOL_VERSION },
		{ SSL_VERSION_TOO_LOW, REASON_TLS_PROTOCOL_VERSION },
		{ SSL_VERSION_TOO_HIGH, REASON_TLS_PROTOCOL_VERSION },
		{ SSL_UNEXPECTED_EOF, REASON_TLS_HANDSHAKE_CLOSED },
	};
	enum reason reason;

	if (!report->is_tls || report->judge.has_any_byte ||
	    (report->step != STEP_TLS &&
		report->curl_code != CURL_VERIFY_FAILED))
		return UNDECIDED;
	if ((reason = judge_first_bytes(report)) != UNDECIDED ||
	    (reason = judge_certificate(report)) != UNDECIDED ||
	    (reason = LOOK_UP(ssl_reasons, ssl_reason(report))) != UNDECIDED)
		return reason;
	if (report->alert_sent - 1 == ALERT_PROTOCOL_VERSION)
		return REASON_TLS_PROTOCOL_VERSION;
	if (report->alert_sent > 1)
		return REASON_TLS_ALERT_OTHER;
	if (rules_is_reset(report))
		return REASON_TLS_HANDSHAKE_RESET;
	/* Neither an error of TLS nor of the system: end of file. */
	if (report->os_errno == 0 && report->ssl_error == 0 &&
	    (report->curl_code == CURL_SSL_FAILED ||
		report->curl_code == CURL_RECV_FAILED))
		return REASON_TLS_HANDSHAKE_CLOSED;
	return UNDECIDED;
}
