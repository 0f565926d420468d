#include "proxy/diagnosis/codes.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/fetch/report.h"

/* OpenSSL packs a library number and a reason into one code. */
#define SSL_LIBRARY 20ul
#define SSL_SYSTEM_FLAG 0x80000000ul
#define SSL_REASON_MASK 0x7fffffl
/* Received alerts are reasons from here on. */
#define SSL_ALERT_OFFSET 1000

struct text {
	long code;
	const char *text;
};

static const struct text alert_texts[] = {
	{ 10, "unexpected message" },
	{ 20, "bad record MAC" },
	{ 21, "decryption failed" },
	{ 22, "record overflow" },
	{ 30, "decompression failure" },
	{ 40, "handshake failure" },
	{ 42, "bad certificate" },
	{ 43, "unsupported certificate" },
	{ 44, "revoked certificate" },
	{ 45, "expired certificate" },
	{ 46, "unknown certificate" },
	{ 47, "illegal parameter" },
	{ 48, "unknown certificate authority" },
	{ 49, "access denied" },
	{ 50, "error decoding message" },
	{ 51, "error decrypting message" },
	{ 60, "export restriction" },
	{ 70, "protocol version not supported" },
	{ 71, "insufficient security level" },
	{ 80, "internal error" },
	{ 86, "inappropriate fallback" },
	{ 100, "no renegotiation" },
	{ 109, "missing extension" },
	{ 110, "unsupported extension" },
	{ 111, "certificate unobtainable" },
	{ 112, "unrecognized name" },
	{ 113, "bad certificate status response" },
	{ 114, "bad certificate hash value" },
	{ 115, "unknown PSK identity" },
	{ 116, "certificate required" },
	{ 120, "no application protocol" },
	{ 121, "encrypted client hello required" },
};

static const struct text verify_texts[] = {
	{ 3, "revocation list not available" },
	{ 12, "revocation list has expired" },
	{ 22, "certificate chain too long" },
	{ 23, "certificate revoked" },
	{ 25, "too many intermediates for path length constraint" },
	{ 28, "certificate rejected" },
	{ 32, "issuer may not sign certificates" },
	{ 34, "unhandled critical extension" },
	{ 47, "name not permitted by its CA" },
	{ 48, "name excluded by its CA" },
	{ 66, "key of the certificate too small" },
	{ 67, "key of a CA too small" },
	{ 68, "signature digest too weak" },
	{ 76, "unsupported signature algorithm" },
	{ 79, "issuer is no CA" },
};

static const char *
find_text(const struct text *texts, size_t count, long code)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (texts[i].code == code)
			return texts[i].text;
	return NULL;
}

int
alert_of(const struct report *report)
{
	long reason = ssl_reason(report);
	int alert = report->alert_received - 1;

	if (alert == ALERT_CLOSE_NOTIFY || alert == ALERT_USER_CANCELED)
		alert = -1;
	if (alert < 0 && reason > SSL_ALERT_OFFSET &&
	    reason < SSL_ALERT_OFFSET + 256)
		alert = (int)(reason - SSL_ALERT_OFFSET);
	return alert;
}

long
ssl_reason(const struct report *report)
{
	if ((report->ssl_error & SSL_SYSTEM_FLAG) != 0 ||
	    (report->ssl_error >> 23 & 0xff) != SSL_LIBRARY)
		return 0;
	return (long)report->ssl_error & SSL_REASON_MASK;
}

int
connect_status(const struct report *report)
{
	static const char *const before[] = {
		"CONNECT tunnel failed, response ",
		"Received HTTP code ",
	};
	const char *found;
	long status;
	size_t i;

	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		found = strstr(report->curl_error, before[i]);
		if (found == NULL)
			continue;
		status = strtol(found + strlen(before[i]), NULL, 10);
		return status >= 100 && status <= 999 ? (int)status : 0;
	}
	return 0;
}

const char *
alert_text(int alert)
{
	const char *text = find_text(
	    alert_texts, sizeof(alert_texts) / sizeof(alert_texts[0]), alert);

	return text != NULL ? text : "unknown alert";
}

const char *
verify_text(long verify_result)
{
	const char *text = find_text(verify_texts,
	    sizeof(verify_texts) / sizeof(verify_texts[0]), verify_result);

	return text != NULL ? text : "certificate chain not acceptable";
}
