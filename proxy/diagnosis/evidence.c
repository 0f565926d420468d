#include "proxy/diagnosis/evidence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/diagnosis/codes.h"
#include "proxy/diagnosis/parts.h"
#include "proxy/diagnosis/sketch.h"
#include "proxy/fetch/report.h"

const char *
evidence_errno(int number)
{
	const char *name = strerrorname_np(number);

	return name != NULL ? name : "an unnamed error";
}

void
evidence_add(
    struct evidence *evidence, const char *mark, const char *format, ...)
{
	char piece[512], whole[544];
	size_t len, i;
	va_list args;

	va_start(args, format);
	vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	parts_unmark(piece);
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

void
evidence_add_pieces(char *out, size_t size, const char *pieces)
{
	static const char gap[] = "; ";
	size_t used = strlen(out), len, before;
	struct part part;

	while (parts_next(&pieces, &part)) {
		len = (size_t)(pieces - part.text);
		before = used > 0 ? strlen(gap) : 0;
		if (used + before + len >= size)
			continue;
		memcpy(out + used, gap, before);
		memcpy(out + used + before, part.text, len);
		used += before + len;
		out[used] = '\0';
	}
}

const char *
evidence_excerpt(char out[EVIDENCE_EXCERPT_SIZE], const char *escaped)
{
	size_t len = 0, next;

	while (escaped[len] != '\0') {
		next = escaped[len] != '\\'      ? 1
		       : escaped[len + 1] == 'x' ? 4
		       : escaped[len + 1] == 'u' ? 6
						 : 2;
		if (len + next >= EVIDENCE_EXCERPT_SIZE ||
		    memchr(escaped + len, '\0', next) != NULL)
			break;
		len += next;
	}
	memcpy(out, escaped, len);
	out[len] = '\0';
	return out;
}

/* Where the time went. */
static void
see_phases(struct evidence *evidence)
{
	char text[200];

	if (evidence_phases(
		text, sizeof(text), &evidence->sketch->report->phases) > 0)
		MEASURED("%s", text);
}

static void
see_files(struct evidence *evidence)
{
	char text[EVIDENCE_EXCERPT_SIZE * 2];

	facts_escape(text, sizeof(text), evidence->sketch->report->curl_error,
	    strlen(evidence->sketch->report->curl_error));
	MEASURED("%s", *text != '\0' ? text : "reading the file failed");
}

/* Status, size and begin of a whole head. */
static void
see_answer(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	char text[EVIDENCE_EXCERPT_SIZE];

	if (!report->judge.is_head_complete)
		return;
	if (report->error_text[0] != '\0')
		MEASURED("%d, %s bytes, begins \"%s\"", report->judge.status,
		    evidence->sketch->bytes,
		    evidence_excerpt(text, report->error_text));
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
	char place[128], text[EVIDENCE_EXCERPT_SIZE];

	see_answer(evidence);
	if (*asks != '\0')
		MEASURED("exporter asks for %s", evidence_excerpt(text, asks));
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

/*
 * The judge's detail, if it says more: what libcurl itself refused is a head
 * that merely ends to the judge.
 */
static void
see_verdict(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	char text[EVIDENCE_EXCERPT_SIZE * 2];

	switch (report->judge.verdict) {
	case VERDICT_PENDING:
	case VERDICT_WHOLE:
	case VERDICT_CLOSED_IN_HEADERS:
		facts_escape(text, sizeof(text), report->curl_error,
		    strlen(report->curl_error));
		/* Its words for an errno or an end of file add nothing. */
		if (*text != '\0' &&
		    (evidence->sketch->reason == REASON_UNEXPLAINED ||
			(report->os_errno == 0 &&
			    report->curl_code != CURL_NO_ANSWER)))
			MEASURED("libcurl says \"%s\"", text);
		break;
	default:
		if (report->judge.detail[0] != '\0')
			MEASURED("%s", report->judge.detail);
	}
}

static void
see_http(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	const struct judge_result *judge = &report->judge;
	char text[EVIDENCE_EXCERPT_SIZE];

	see_answer(evidence);
	if (judge->location[0] != '\0')
		MEASURED("Location is \"%s\"",
		    evidence_excerpt(text, judge->location));
	see_verdict(evidence);
	if (!judge->is_head_complete && judge->first_bytes[0] != '\0' &&
	    judge->verdict != VERDICT_NOT_HTTP)
		MEASURED("it begins \"%s\"",
		    evidence_excerpt(text, judge->first_bytes));
	else if (!judge->has_any_byte && report->step >= STEP_HEAD)
		MEASURED("connected, request sent, not one byte received");
	if (judge->interim_count > 0)
		MEASURED("%u interim answers before it", judge->interim_count);
	if (report->os_errno != 0)
		MEASURED("the connection ended with %s",
		    evidence_errno(report->os_errno));
}

static void
see_body(struct evidence *evidence)
{
	const struct report *report = evidence->sketch->report;
	const struct judge_result *judge = &report->judge;
	char text[EVIDENCE_EXCERPT_SIZE];

	MEASURED("%d, %s bytes of the body received%s", judge->status,
	    evidence->sketch->bytes, judge->is_chunked ? ", chunked" : "");
	if (sketch_may_be_cut(evidence->sketch))
		INFERRED("%s", judge->detail);
	else if (judge->detail[0] != '\0' &&
		 judge->verdict != VERDICT_ENCODING_UNSUPPORTED &&
		 !(judge->verdict == VERDICT_BODY_TRUNCATED &&
		     judge->has_length))
		MEASURED("%s", judge->detail);
	facts_escape(text, sizeof(text), judge->content_encoding,
	    strlen(judge->content_encoding));
	if (*text != '\0')
		MEASURED("Content-Encoding is \"%s\"", text);
	if (report->os_errno != 0)
		MEASURED("the connection ended with %s",
		    evidence_errno(report->os_errno));
}

static void
see_timeout(struct evidence *evidence)
{
	const struct sketch *sketch = evidence->sketch;
	char took[SKETCH_DURATION_SIZE];

	switch (sketch->reason) {
	case REASON_TIMEOUT_DNS:
		evidence_dns(evidence);
		break;
	case REASON_TIMEOUT_CONNECT:
		evidence_connect(evidence);
		break;
	case REASON_TIMEOUT_TLS:
		evidence_tls(evidence);
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

/* By layer, then by reason where a layer's evidence differs. */
static void
see(struct evidence *evidence)
{
	static void (*const by_layer[LAYER_COUNT])(struct evidence *) = {
		[LAYER_DNS] = evidence_dns,
		[LAYER_TCP] = evidence_connect,
		[LAYER_TLS] = evidence_tls,
		[LAYER_AUTH] = see_auth,
		[LAYER_HTTP] = see_http,
		[LAYER_TIMEOUT] = see_timeout,
		[LAYER_BODY] = see_body,
		[LAYER_LIMIT] = evidence_limit,
		[LAYER_EXPOSITION] = evidence_exposition,
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
		writer = evidence_limit;
		break;
	case REASON_TIMEOUT_NEAR:
	case REASON_SCRAPE_SLOW:
		writer = evidence_slow;
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
	evidence_history(evidence);
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
