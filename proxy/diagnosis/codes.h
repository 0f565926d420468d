/*
 * Numbers of libcurl, TLS and OpenSSL as they stand in a report, by name: the
 * diagnosis reads plain data and includes neither library.
 */
#ifndef PROXY_DIAGNOSIS_CODES_H
#define PROXY_DIAGNOSIS_CODES_H

struct report;

/* CURLcode, from curl/curl.h. */
enum {
	CURL_NOT_HTTP = 1, /* CURLE_UNSUPPORTED_PROTOCOL: HTTP/0.9 */
	CURL_PROXY_UNRESOLVED = 5,
	CURL_CONNECT_FAILED = 7,
	CURL_WEIRD_ANSWER = 8,
	CURL_PARTIAL = 18,
	CURL_OUT_OF_MEMORY = 27, /* also its own cap on a head, 300 KB */
	CURL_TIMEOUT = 28,
	CURL_SSL_FAILED = 35,
	CURL_REDIRECT_LOOP = 47,
	CURL_NO_ANSWER = 52,
	CURL_SEND_FAILED = 55,
	CURL_RECV_FAILED = 56,
	CURL_CERTIFICATE_UNREADABLE = 58,
	CURL_VERIFY_FAILED = 60,
	CURL_BAD_ENCODING = 61,
	CURL_CA_UNREADABLE = 77,
	CURL_PROXY = 97
};

/* Alert descriptions, RFC 8446 section 6. */
enum {
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_USER_CANCELED = 90
};

/* Reason codes of OpenSSL's ssl library, openssl/sslerr.h. */
enum {
	SSL_VERSION_TOO_HIGH = 166,
	SSL_NO_PROTOCOLS = 191,
	SSL_UNSUPPORTED_PROTOCOL = 258,
	SSL_WRONG_VERSION = 267,
	SSL_UNEXPECTED_EOF = 294,
	SSL_LEGACY_SIGALG = 333,
	SSL_VERSION_TOO_LOW = 396
};

/* The alert that ended the connection; -1 none.  close_notify is none: so ends
 * every connection, good ones too. */
int alert_of(const struct report *report);

/* Reason code of report->ssl_error if it is the ssl library's; 0 if not. */
long ssl_reason(const struct report *report);

/* What a proxy answered to CONNECT instead of 200; 0 nothing. */
int connect_status(const struct report *report);

/* Go's words, hence Prometheus', for an alert. */
const char *alert_text(int alert);

/* For a failed verification that has no reason of its own. */
const char *verify_text(long verify_result);

#endif
