#include "proxy/diagnosis/sketch.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/base/err.h"
#include "proxy/diagnosis/baseline.h"
#include "proxy/diagnosis/codes.h"
#include "proxy/fetch/report.h"

#define SAY(sketch, ...)                                                       \
	sketch_print((sketch)->detail, sizeof((sketch)->detail), __VA_ARGS__)
#define SAY_RAW(sketch, ...)                                                   \
	sketch_print(                                                          \
	    (sketch)->raw_detail, sizeof((sketch)->raw_detail), __VA_ARGS__)

static void
detail_errno(struct sketch *sketch)
{
	char text[64];

	SAY(sketch, "%s",
	    err_words(sketch->report->os_errno, text, sizeof(text)));
}

static void
detail_proxy(struct sketch *sketch)
{
	static const struct {
		int status;
		const char *text;
	} phrases[] = {
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};
	int status = connect_status(sketch->report);
	char text[64];
	size_t i;

	if (status != 0) {
		SAY(sketch, "CONNECT answered %d", status);
		/* Go keeps nothing of the answer but its phrase. */
		SAY_RAW(sketch, "%d", status);
		for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
			if (phrases[i].status == status)
				SAY_RAW(sketch, "%s", phrases[i].text);
		return;
	}
	if (sketch->report->curl_code == CURL_PROXY_UNRESOLVED)
		SAY(sketch, "lookup of the proxy: no such host");
	else if (sketch->report->os_errno != 0)
		SAY(sketch, "dial tcp %s: connect: %s", sketch->address,
		    err_words(sketch->report->os_errno, text, sizeof(text)));
	else
		SAY(sketch,
		    "dial tcp %s: the proxy did not let the gate through",
		    sketch->address);
	SAY_RAW(sketch, "proxyconnect tcp: %s", sketch->detail);
}

/* Prometheus puts its own clock's time here; the report has none. */
static void
detail_expired(struct sketch *sketch)
{
	const char *date = sketch->report->certificate_not_after;

	SAY(sketch, "it ended %s", *date != '\0' ? date : "at an unknown time");
	SAY_RAW(sketch, "current time (of this scrape) is after %s",
	    *date != '\0' ? date : "unknown");
}

static void
detail_not_yet(struct sketch *sketch)
{
	const char *date = sketch->report->certificate_not_before;

	SAY(sketch, "it begins %s",
	    *date != '\0' ? date : "at an unknown time");
	SAY_RAW(sketch, "current time (of this scrape) is before %s",
	    *date != '\0' ? date : "unknown");
}

static bool
is_ip(const char *text)
{
	unsigned char address[16];

	return inet_pton(AF_INET, text, address) == 1 ||
	       inet_pton(AF_INET6, text, address) == 1;
}

/* Those of the certificate's names that are IP addresses, or that are not. */
static void
pick_names(const char *names, bool want_ip, char *out, size_t size)
{
	char name[192];
	size_t len, used = 0;

	out[0] = '\0';
	while (*names != '\0') {
		names += strspn(names, ", ");
		len = strcspn(names, ",");
		sketch_print(name, sizeof(name), "%.*s", (int)len, names);
		names += len;
		if (*name == '\0' || is_ip(name) != want_ip)
			continue;
		sketch_print(out + used, size - used, "%s%s",
		    used > 0 ? ", " : "", name);
		used += strlen(out + used);
	}
}

/* As x509.HostnameError puts it. */
static void
detail_names(struct sketch *sketch)
{
	const char *wanted = sketch_wanted_name(sketch);
	bool want_ip = is_ip(wanted);
	char names[192];

	pick_names(
	    sketch->report->certificate_names, want_ip, names, sizeof(names));
	SAY(sketch, "%s", wanted);
	if (*names != '\0')
		SAY_RAW(sketch, "certificate is valid for %s, not %s", names,
		    wanted);
	else if (sketch->report->certificate_names[0] == '\0' &&
		 !sketch->report->has_no_san)
		SAY_RAW(sketch, "certificate is valid for other names, not %s",
		    wanted);
	else if (want_ip)
		SAY_RAW(sketch,
		    "cannot validate certificate for %s because it doesn't "
		    "contain any IP SANs",
		    wanted);
	else
		SAY_RAW(sketch,
		    "certificate is not valid for any names, but wanted to "
		    "match %s",
		    wanted);
}

static void
detail_verify(struct sketch *sketch)
{
	SAY(sketch, "%s", verify_text(sketch->report->verify_result));
}

static void
detail_alert(struct sketch *sketch)
{
	SAY(sketch, "%s", alert_text(alert_of(sketch->report)));
}

static void
detail_version(struct sketch *sketch)
{
	if (alert_of(sketch->report) == ALERT_PROTOCOL_VERSION)
		SAY(sketch,
		    "remote error: tls: protocol version not supported");
	else
		SAY(sketch,
		    "tls: server selected unsupported protocol version");
}

static void
detail_other_alert(struct sketch *sketch)
{
	int alert = alert_of(sketch->report);

	if (alert >= 0)
		SAY(sketch, "remote error: tls: %s", alert_text(alert));
	else
		SAY(sketch, "local error: tls: %s",
		    alert_text(sketch->report->alert_sent - 1));
}

/* Whoever could not read a file of the gate's has put it as Prometheus does. */
static void
detail_files(struct sketch *sketch)
{
	SAY(sketch, "%s",
	    sketch->report->curl_error[0] != '\0'
		? sketch->report->curl_error
		: "unable to read a file of the gate's own");
}

/* The judge says as Go does what broke the head; libcurl may have been first.
 */
static void
detail_head(struct sketch *sketch)
{
	const struct judge_result *judge = &sketch->report->judge;
	const char *detail = judge->detail;

	if (judge->verdict <= VERDICT_WHOLE ||
	    judge->verdict == VERDICT_CLOSED_IN_HEADERS)
		detail = sketch->reason == REASON_HTTP_MALFORMED_HEADER
			     ? "malformed MIME header"
			     : "unsupported transfer encoding";
	SAY_RAW(sketch, "%s", detail);
}

static void
detail_first_line(struct sketch *sketch)
{
	const char *first = sketch->report->judge.first_bytes;
	size_t len = strlen(first);
	const char *end;

	if (sketch->report->judge.detail[0] != '\0') {
		SAY_RAW(sketch, "%s", sketch->report->judge.detail);
		return;
	}
	if ((end = strstr(first, "\\n")) != NULL)
		len = (size_t)(end - first);
	if ((end = strstr(first, "\\r")) != NULL && (size_t)(end - first) < len)
		len = (size_t)(end - first);
	/* Empty quotes would say that the line was; libcurl kept it. */
	if (len == 0)
		SAY_RAW(sketch, "malformed HTTP response");
	else
		SAY_RAW(sketch, "malformed HTTP response \"%.*s\"", (int)len,
		    first);
}

static void
detail_speaks_tls(struct sketch *sketch)
{
	if (sketch->report->judge.has_any_byte)
		SAY_RAW(sketch,
		    "net/http: HTTP/1.x transport connection broken: "
		    "malformed HTTP response \"%s\"",
		    sketch->report->judge.first_bytes);
	else
		SAY_RAW(sketch, "EOF");
}

static void
detail_redirect_loop(struct sketch *sketch)
{
	SAY_RAW(sketch, "%s", sketch->report->judge.location);
}

static void
detail_redirect_bad(struct sketch *sketch)
{
	const char *location = sketch->report->judge.location;
	const char *end = strstr(location, "://");

	if (end != NULL)
		SAY_RAW(sketch,
		    "Get \"%s\": unsupported protocol scheme \"%.*s\"",
		    location, (int)(end - location), location);
	else
		SAY_RAW(sketch,
		    "Get \"%s\": failed to parse Location header \"%s\"",
		    sketch->target->url.text, location);
}

static void
detail_slow_head(struct sketch *sketch)
{
	SAY(sketch, "%s",
	    sketch->report->judge.has_any_byte ? "an unfinished answer head in"
					       : "nothing for");
}

/* Stalled: the last half of the scraper's time brought nothing. */
static void
detail_slow_body(struct sketch *sketch)
{
	uint64_t ago = sketch->report->last_byte_ago_us;
	char text[SKETCH_DURATION_SIZE];
	bool is_stalled = sketch->timeout_ms > 0 &&
			  ago > (uint64_t)sketch->timeout_ms * 1000 / 2;

	if (sketch->report->wire_bytes == 0) {
		SAY(sketch, "not one after the head (stalled)");
		return;
	}
	SAY(sketch, "the last one %s ago (%s)", sketch_duration(text, ago, ""),
	    is_stalled ? "stalled" : "slow");
}

static void
detail_truncated(struct sketch *sketch)
{
	static const char openmetrics[] = "application/openmetrics-text";
	const struct judge_result *judge = &sketch->report->judge;

	if (sketch_may_be_cut(sketch))
		SAY(sketch, "%s",
		    strncasecmp(judge->content_type, openmetrics,
			strlen(openmetrics)) == 0
			? "# EOF"
			: "newline");
	else if (judge->verdict == VERDICT_GZIP_TRUNCATED)
		SAY(sketch, "gzip data ends early, after %s bytes",
		    sketch->bytes);
	else if (judge->has_length)
		SAY(sketch, "%s bytes received", sketch->bytes);
	else if (judge->is_chunked)
		SAY(sketch, "no last chunk after %s bytes", sketch->bytes);
	else
		SAY(sketch,
		    "text breaks off after %s bytes, no length was told",
		    sketch->bytes);
}

static void
detail_chunk(struct sketch *sketch)
{
	SAY_RAW(sketch, "%s",
	    sketch->report->judge.detail[0] != '\0'
		? sketch->report->judge.detail
		: "malformed chunked encoding");
}

static void
detail_limit(struct sketch *sketch)
{
	SAY(sketch, "body_size_limit of target %s is %llu bytes",
	    sketch->target->name,
	    (unsigned long long)sketch->target->body_size_limit);
}

/* "processing 4.1s, normally 0.31s": which phase, how far from normal. */
static void
detail_slow(struct sketch *sketch)
{
	const struct baseline_verdict *verdict = sketch->baseline;
	char took[SKETCH_DURATION_SIZE], usual[SKETCH_DURATION_SIZE];
	bool has_phase = verdict->phase < PHASE_COUNT;
	uint64_t us = sketch->elapsed_us, normal = verdict->normal_duration_us;

	if (has_phase) {
		us = sketch->report->phases.us[verdict->phase];
		normal = verdict->normal.us[verdict->phase];
	}
	sketch_duration(took, us, "");
	if (normal > 0)
		SAY(sketch, "%s %s, normally %s",
		    has_phase ? phase_name(verdict->phase) : "scrape took",
		    took, sketch_duration(usual, normal, ""));
	else if (has_phase)
		SAY(sketch, "%s %s of %s", phase_name(verdict->phase), took,
		    sketch_duration(usual, sketch->elapsed_us, ""));
	else
		SAY(sketch, "scrape took %s", took);
}

static void
detail_unexplained(struct sketch *sketch)
{
	static const char *const steps[] = { "in the queue",
		"resolving the name", "connecting", "in the TLS handshake",
		"waiting for the head", "reading the body", "at its end" };

	if (sketch->report->judge.is_head_complete &&
	    sketch->report->judge.status != 200) {
		SAY(sketch, "status %d", sketch->report->judge.status);
		return;
	}
	SAY(sketch, "%s, libcurl code %d, errno %d",
	    steps[sketch->report->step], sketch->report->curl_code,
	    sketch->report->os_errno);
}

static const struct {
	enum reason reason;
	void (*write)(struct sketch *sketch);
} writers[] = {
	{ REASON_CONNECT_DENIED, detail_errno },
	{ REASON_CONNECT_NO_LOCAL_PORT, detail_errno },
	{ REASON_TOO_MANY_OPEN_FILES, detail_errno },
	{ REASON_CONNECT_OTHER, detail_errno },
	{ REASON_PROXY_CONNECT_FAILED, detail_proxy },
	{ REASON_HTTP_SERVER_SPEAKS_TLS, detail_speaks_tls },
	{ REASON_TLS_CERT_EXPIRED, detail_expired },
	{ REASON_TLS_CERT_NOT_YET_VALID, detail_not_yet },
	{ REASON_TLS_HOSTNAME_MISMATCH, detail_names },
	{ REASON_TLS_CERT_INVALID, detail_verify },
	{ REASON_TLS_PROTOCOL_VERSION, detail_version },
	{ REASON_TLS_HANDSHAKE_FAILURE, detail_alert },
	{ REASON_TLS_CLIENT_CERT_REJECTED, detail_alert },
	{ REASON_TLS_ALERT_OTHER, detail_other_alert },
	{ REASON_TLS_LOCAL_FILES_UNREADABLE, detail_files },
	{ REASON_AUTH_CREDENTIALS_UNREADABLE, detail_files },
	{ REASON_HTTP_REDIRECT_LOOP, detail_redirect_loop },
	{ REASON_HTTP_REDIRECT_BAD, detail_redirect_bad },
	{ REASON_HTTP_MALFORMED_RESPONSE, detail_first_line },
	{ REASON_HTTP_MALFORMED_HEADER, detail_head },
	{ REASON_HTTP_BAD_FRAMING, detail_head },
	{ REASON_TIMEOUT_HEADERS, detail_slow_head },
	{ REASON_TIMEOUT_BODY, detail_slow_body },
	{ REASON_BODY_TRUNCATED, detail_truncated },
	{ REASON_BODY_CHUNK_MALFORMED, detail_chunk },
	{ REASON_LIMIT_BODY_SIZE, detail_limit },
	{ REASON_TIMEOUT_NEAR, detail_slow },
	{ REASON_SCRAPE_SLOW, detail_slow },
	{ REASON_UNEXPLAINED, detail_unexplained },
};

void
sketch_detail(struct sketch *sketch)
{
	size_t i;

	for (i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (writers[i].reason == sketch->reason)
			writers[i].write(sketch);
	sketch_detail_body(sketch);
	/* What quotes nobody reads the same in both. */
	if (sketch->detail[0] != '\0')
		sketch->words.detail = sketch->raw.detail = sketch->detail;
	if (sketch->raw_detail[0] != '\0')
		sketch->raw.detail = sketch->raw_detail;
}
