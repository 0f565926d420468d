#include "proxy/diagnosis/evidence.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/diagnosis/codes.h"
#include "proxy/diagnosis/sketch.h"
#include "proxy/fetch/report.h"

void
evidence_dns(struct evidence *evidence)
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

void
evidence_connect(struct evidence *evidence)
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
		    evidence_errno(report->os_errno), took);
	else if (connect_status(report) != 0)
		MEASURED(
		    "the proxy answered %d to CONNECT", connect_status(report));
	else if (sketch->reason == REASON_TIMEOUT_CONNECT)
		MEASURED("%s in %s", silence(sketch), took);
	else if (sketch->reason != REASON_CONNECT_BACKLOG_FULL)
		UNKNOWN("what the system said");
	if (report->queue.is_known)
		MEASURED("the listener's queue holds %u connections, backlog "
			 "%u",
		    report->queue.waiting, report->queue.room);
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

static bool
is_about_bytes(enum reason reason)
{
	return reason == REASON_TLS_SERVER_SPEAKS_HTTP ||
	       reason == REASON_TLS_NOT_TLS;
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

void
evidence_tls(struct evidence *evidence)
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
	else if (is_about_bytes(evidence->sketch->reason))
		see_first_record(evidence);
	else if (report->os_errno != 0)
		MEASURED("TCP connected, then %s after %s%s",
		    evidence_errno(report->os_errno), took,
		    report->tls_first_len > 0 ? "" : ", nothing received");
	else if (evidence->sketch->reason == REASON_TLS_HANDSHAKE_CLOSED)
		MEASURED("TCP connected, then end of file after %s", took);
	see_certificate(evidence);
	if (is_about_client(evidence->sketch->reason))
		see_client_certificate(evidence);
}
