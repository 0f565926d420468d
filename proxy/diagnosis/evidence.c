#include "proxy/diagnosis/sketch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/diagnosis/codes.h"
#include "proxy/fetch/report.h"

/* Pieces, joined by "; "; one that does not fit whole is left out. */
struct evidence {
	const struct sketch *sketch;
	char *out;
	size_t size;
	size_t len;
};

static void add(struct evidence *evidence, const char *mark, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

#define MEASURED(...) add(evidence, "measured", __VA_ARGS__)
#define UNKNOWN(...) add(evidence, "unknown", __VA_ARGS__)

static void
add(struct evidence *evidence, const char *mark, const char *format, ...)
{
	char piece[512], whole[544];
	size_t len, i;
	va_list args;

	va_start(args, format);
	vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	sketch_print(whole, sizeof(whole), "%s%s (%s)",
	    evidence->len > 0 ? "; " : "", piece, mark);
	len = strlen(whole);
	if (evidence->len + len >= evidence->size)
		return;
	/* Names from the configuration may be in any script. */
	for (i = 0; i < len; i++)
		evidence->out[evidence->len++] =
		    whole[i] < 0x20 || whole[i] > 0x7e ? '?' : whole[i];
	evidence->out[evidence->len] = '\0';
}

#define EXCERPT_SIZE 96

/* The begin of escaped text, not cut inside an escape. */
static const char *
excerpt(char out[EXCERPT_SIZE], const char *escaped)
{
	size_t len = 0, next;

	while (escaped[len] != '\0') {
		next = escaped[len] != '\\'      ? 1
		       : escaped[len + 1] == 'x' ? 4
		       : escaped[len + 1] == 'u' ? 6
						 : 2;
		if (len + next >= EXCERPT_SIZE ||
		    memchr(escaped + len, '\0', next) != NULL)
			break;
		len += next;
	}
	memcpy(out, escaped, len);
	out[len] = '\0';
	return out;
}

static const char *
errno_name(int number)
{
	const char *name = strerrorname_np(number);

	return name != NULL ? name : "an unnamed error";
}

/* Where the time went: every phase that took some. */
static void
see_phases(struct evidence *evidence)
{
	const struct phases *phases = &evidence->sketch->report->phases;
	char text[200] = "", took[SKETCH_DURATION_SIZE];
	size_t used = 0;
	int i;

	for (i = 0; i < PHASE_COUNT; i++) {
		if (phases->us[i] == 0)
			continue;
		sketch_print(text + used, sizeof(text) - used, "%s%s %s",
		    used > 0 ? ", " : "", phase_name((enum phase)i),
		    sketch_duration(took, phases->us[i], " "));
		used += strlen(text + used);
	}
	if (used > 0)
		MEASURED("%s", text);
}

static void
see_dns(struct evidence *evidence)
{
	static const char *const answers[] = {
		[RESOLVE_OK] = "no answer",
		[RESOLVE_NXDOMAIN] = "NXDOMAIN",
		[RESOLVE_NODATA] = "an answer without an address",
		[RESOLVE_SERVER_FAILURE] = "SERVFAIL or the like",
		[RESOLVE_TIMEOUT] = "no answer",
		[RESOLVE_UNREACHABLE] = "unreachable",
		[RESOLVE_TRUNCATED] = "a truncated answer",
	};
	const struct report *report = evidence->sketch->report;
	const char *server = report->name_server;
	char took[SKETCH_DURATION_SIZE];

	MEASURED("name server%s%s: %s, after %s", *server != '\0' ? " " : "",
	    server, answers[report->resolve],
	    sketch_duration(
		took, sketch_step_us(evidence->sketch, PHASE_RESOLVE), " "));
	if (*server == '\0')
		UNKNOWN("which name server it was");
}

/* What a connection that is not there looks like. */
static const char *
silence(const struct sketch *sketch)
{
	if (sketch->report->is_connected)
		return "TCP connected, no answer to CONNECT";
	return sketch_is_unix(sketch) ? "not accepted" : "no reply to SYN";
}

static void
see_connect(struct evidence *evidence)
{
	const struct sketch *sketch = evidence->sketch;
	const struct report *report = sketch->report;
	char took[SKETCH_DURATION_SIZE];

	sketch_duration(took, sketch_step_us(sketch, PHASE_CONNECT), " ");
	if (report->os_errno != 0)
		MEASURED("%s() failed with %s after %s",
		    sketch_is_file(sketch)                         ? "open"
		    : sketch->reason == REASON_TOO_MANY_OPEN_FILES ? "socket"
								   : "connect",
		    errno_name(report->os_errno), took);
	else if (connect_status(report) != 0)
		MEASURED(
		    "the proxy answered %d to CONNECT", connect_status(report));
	else if (sketch->reason == REASON_TIMEOUT_CONNECT)
		MEASURED("%s in %s", silence(sketch), took);
	else
		UNKNOWN("what the system said");
}

static void
see_client_certificate(struct evidence *evidence)
{
	const struct sketch *sketch = evidence->sketch;
	const struct conf_tls_client *tls = &sketch->target->tls_config;

	if (tls->cert_file == NULL && tls->cert == NULL)
		MEASURED("targets[%s].tls_config.cert_file is not set%s",
		    sketch->target->name, sketch->place);
	else
		MEASURED("the gate showed targets[%s].tls_config.%s%s",
		    sketch->target->name,
		    tls->cert_file != NULL ? "cert_file" : "cert",
		    sketch->place);
}

/* With TLS 1.2 a missing client certificate is a handshake failure. */
static bool
is_about_client(enum reason reason)
{
	return reason == REASON_TLS_HANDSHAKE_FAILURE ||
	       reason == REASON_TLS_CLIENT_CERT_REQUIRED ||
	       reason == REASON_TLS_CLIENT_CERT_REJECTED;
}

static void
see_certificate(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;

	if (report->certificate_names[0] != '\0')
		MEASURED(
		    "certificate is valid for %s", report->certificate_names);
	else if (report->has_no_san)
		MEASURED("certificate has no subjectAltName");
	if (report->certificate_not_before[0] != '\0' &&
	    report->certificate_not_after[0] != '\0')
		MEASURED("certificate runs from %s to %s",
		    report->certificate_not_before,
		    report->certificate_not_after);
	if (report->verify_result > 1)
		MEASURED("OpenSSL verify error %ld", report->verify_result);
	if (report->is_name_mismatch)
		MEASURED("it does not name %s",
		    sketch_wanted_name(evidence->sketch));
}

static void
see_first_record(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	char text[32];

	if (report->tls_first_len == 0)
		return;
	facts_escape(text, sizeof(text), (const char *)report->tls_first,
	    report->tls_first_len);
	MEASURED("its first bytes are \"%s\"", text);
}

static void
see_tls(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	char took[SKETCH_DURATION_SIZE];
	int alert = alert_of(report);

	sketch_duration(took, sketch_step_us(evidence->sketch, PHASE_TLS), " ");
	if (evidence->sketch->reason == REASON_TIMEOUT_TLS)
		MEASURED("handshake started, %s in %s",
		    report->tls_first_len > 0 ? "answered but not ended"
					      : "nothing received",
		    took);
	else if (alert >= 0)
		MEASURED(
		    "TLS alert %d (%s) received", alert, alert_text(alert));
	else if (report->tls_first_len > 0)
		see_first_record(evidence);
	else if (report->os_errno != 0)
		MEASURED("TCP connected, then %s after %s, nothing received",
		    errno_name(report->os_errno), took);
	else if (evidence->sketch->reason == REASON_TLS_HANDSHAKE_CLOSED)
		MEASURED("TCP connected, then end of file after %s", took);
	see_certificate(evidence);
	if (is_about_client(evidence->sketch->reason))
		see_client_certificate(evidence);
}

static void
see_files(struct evidence *evidence)
{
	char text[EXCERPT_SIZE * 2];

	facts_escape(text, sizeof(text), evidence->sketch->report->curl_error,
	    strlen(evidence->sketch->report->curl_error));
	MEASURED("%s", *text != '\0' ? text : "reading the file failed");
}

/* Status, size and begin of a whole head. */
static void
see_answer(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	char text[EXCERPT_SIZE];

	if (!report->judge.is_head_complete)
		return;
	if (report->error_text[0] != '\0')
		MEASURED("%d, %s bytes, begins \"%s\"", report->judge.status,
		    evidence->sketch->bytes, excerpt(text, report->error_text));
	else
		MEASURED("%d, %s bytes", report->judge.status,
		    evidence->sketch->bytes);
}

/* What the exporter asks for, and what the gate is told to give. */
static void
see_auth(struct evidence *evidence)
{
	const struct sketch *sketch = evidence->sketch;
	const struct conf_target *target = sketch->target;
	const char *asks = sketch->report->judge.www_authenticate;
	char place[128], text[EXCERPT_SIZE];

	see_answer(evidence);
	if (*asks != '\0')
		MEASURED("exporter asks for %s", excerpt(text, asks));
	if (target->basic_auth.is_set) {
		sketch_place(place, sizeof(place), &target->basic_auth.place);
		MEASURED("the gate sent targets[%s].basic_auth%s", target->name,
		    place);
	} else if (target->authorization.is_set) {
		sketch_place(
		    place, sizeof(place), &target->authorization.place);
		MEASURED("the gate sent targets[%s].authorization%s",
		    target->name, place);
	} else {
		MEASURED("targets[%s].%s is not set%s", target->name,
		    strcasestr(asks, "Bearer") != NULL ? "authorization"
						       : "basic_auth",
		    sketch->place);
	}
}

static void
see_http(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	const struct judge_result *judge = &report->judge;
	char text[EXCERPT_SIZE];

	see_answer(evidence);
	if (judge->location[0] != '\0')
		MEASURED("Location is \"%s\"", excerpt(text, judge->location));
	if (judge->detail[0] != '\0')
		MEASURED("%s", judge->detail);
	if (!judge->is_head_complete && judge->first_bytes[0] != '\0')
		MEASURED("it begins \"%s\"", excerpt(text, judge->first_bytes));
	else if (!judge->is_head_complete && report->step >= STEP_HEAD)
		MEASURED("connected, request sent, %s",
		    judge->has_any_byte ? "an unfinished head received"
					: "not one byte received");
	if (judge->interim_count > 0)
		MEASURED("%u interim answers before it", judge->interim_count);
	if (report->os_errno != 0)
		MEASURED("the connection ended with %s",
		    errno_name(report->os_errno));
}

static void
see_body(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	const struct judge_result *judge = &report->judge;
	char text[EXCERPT_SIZE];

	MEASURED("%d, %s bytes of the body received%s", judge->status,
	    evidence->sketch->bytes, judge->is_chunked ? ", chunked" : "");
	if (judge->detail[0] != '\0')
		MEASURED("%s", judge->detail);
	facts_escape(text, sizeof(text), judge->content_encoding,
	    strlen(judge->content_encoding));
	if (*text != '\0')
		MEASURED("Content-Encoding is \"%s\"", text);
	if (report->os_errno != 0)
		MEASURED("the connection ended with %s",
		    errno_name(report->os_errno));
}

static void
see_timeout(struct evidence *evidence)
{
	const struct sketch *sketch = evidence->sketch;
	char took[SKETCH_DURATION_SIZE];

	switch (sketch->reason) {
	case REASON_TIMEOUT_DNS:
		see_dns(evidence);
		break;
	case REASON_TIMEOUT_CONNECT:
		see_connect(evidence);
		break;
	case REASON_TIMEOUT_TLS:
		see_tls(evidence);
		break;
	case REASON_TIMEOUT_HEADERS:
		MEASURED("connected, request sent, %s in %s",
		    sketch->report->judge.has_any_byte
			? "head begun but not ended"
			: "nothing received",
		    sketch_duration(took, sketch->step_us, " "));
		break;
	case REASON_TIMEOUT_BODY:
		MEASURED("%d, %s bytes of the body received, the last %s ago",
		    sketch->report->judge.status, sketch->bytes,
		    sketch_duration(
			took, sketch->report->last_byte_ago_us, " "));
		break;
	default:
		MEASURED("given up after %s",
		    sketch_duration(took, sketch->elapsed_us, " "));
	}
	see_phases(evidence);
}

static void
see_unexplained(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	char text[EXCERPT_SIZE * 2];

	facts_escape(
	    text, sizeof(text), report->curl_error, strlen(report->curl_error));
	if (*text != '\0')
		MEASURED("libcurl says \"%s\"", text);
	if (report->ssl_error != 0)
		MEASURED("OpenSSL code %08lX", report->ssl_error);
	see_http(evidence);
	see_phases(evidence);
}

/* What may matter whatever the reason. */
static void
see_circumstances(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;

	if (report->was_retried)
		MEASURED("tried twice: a kept-alive connection had died");
	else if (report->is_reused)
		MEASURED("on a kept-alive connection");
	if (report->is_proxy_used)
		MEASURED("through proxy_url of targets[%s]",
		    evidence->sketch->target->name);
	if (report->redirects > 0)
		MEASURED("after %d redirect%s", report->redirects,
		    report->redirects > 1 ? "s" : "");
}

static void
see_limit(struct evidence *evidence)
{
	MEASURED("%s bytes received until then", evidence->sketch->bytes);
}

/* By layer, then by reason where a layer's evidence differs. */
static void
see(struct evidence *evidence)
{
	static void (*const by_layer[LAYER_COUNT])(struct evidence *) = {
		[LAYER_DNS] = see_dns,
		[LAYER_TCP] = see_connect,
		[LAYER_TLS] = see_tls,
		[LAYER_AUTH] = see_auth,
		[LAYER_HTTP] = see_http,
		[LAYER_TIMEOUT] = see_timeout,
		[LAYER_BODY] = see_body,
		[LAYER_LIMIT] = see_limit,
	};
	void (*writer)(struct evidence *);

	switch (evidence->sketch->reason) {
	case REASON_TLS_LOCAL_FILES_UNREADABLE:
	case REASON_AUTH_CREDENTIALS_UNREADABLE:
		writer = see_files;
		break;
	case REASON_HTTP_SERVER_SPEAKS_TLS:
		writer = see_http;
		break;
	case REASON_MEMORY_BUDGET_EXCEEDED:
		writer = see_limit;
		break;
	case REASON_UNEXPLAINED:
		writer = see_unexplained;
		break;
	default:
		writer = by_layer[reason_row(evidence->sketch->reason)->layer];
	}
	if (writer == NULL)
		return;
	writer(evidence);
	see_circumstances(evidence);
	if (evidence->len == 0)
		UNKNOWN("nothing more was measured");
}

void
sketch_seen(const struct sketch *sketch, char *out, size_t size)
{
	struct evidence evidence = {
		.sketch = sketch, .out = out, .size = size
	};

	out[0] = '\0';
	see(&evidence);
}
