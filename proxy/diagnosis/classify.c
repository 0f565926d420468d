#include "proxy/diagnosis/classify.h"

#include <errno.h>
#include <string.h>

#include "proxy/diagnosis/baseline.h"
#include "proxy/diagnosis/codes.h"
#include "proxy/diagnosis/rules.h"
#include "proxy/exposition/scanner.h"
#include "proxy/fetch/report.h"

enum reason
rules_look_up(const struct rules_code *table, size_t count, long code)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (table[i].code == code)
			return table[i].reason;
	return UNDECIDED;
}

bool
rules_is_reset(const struct report *report)
{
	return report->os_errno == ECONNRESET || report->os_errno == EPIPE;
}

static bool
is_out_of_time(const struct report *report)
{
	return report->end == ATTEMPT_RUNNING ||
	       report->end == ATTEMPT_TIMEOUT ||
	       report->curl_code == CURL_TIMEOUT;
}

/* A final head that says something else than "here are metrics". */
static bool
is_refusal(const struct report *report)
{
	return report->judge.is_head_complete && report->judge.status != 200;
}

static enum reason
rule_cancelled(const struct report *report)
{
	return report->end == ATTEMPT_CANCELLED ? REASON_CLIENT_GONE
						: UNDECIDED;
}

static enum reason
rule_local_files(const struct report *report)
{
	if (report->credentials_unreadable)
		return REASON_AUTH_CREDENTIALS_UNREADABLE;
	if (report->tls_files_unreadable ||
	    report->curl_code == CURL_CA_UNREADABLE ||
	    report->curl_code == CURL_CERTIFICATE_UNREADABLE)
		return REASON_TLS_LOCAL_FILES_UNREADABLE;
	return UNDECIDED;
}

static enum reason
rule_resolver(const struct report *report)
{
	static const struct rules_code results[] = {
		{ RESOLVE_NXDOMAIN, REASON_DNS_NXDOMAIN },
		{ RESOLVE_NODATA, REASON_DNS_NODATA },
		{ RESOLVE_SERVER_FAILURE, REASON_DNS_SERVER_FAILURE },
		{ RESOLVE_TIMEOUT, REASON_TIMEOUT_DNS },
		{ RESOLVE_UNREACHABLE, REASON_DNS_SERVER_UNREACHABLE },
		{ RESOLVE_TRUNCATED, REASON_DNS_TRUNCATED },
	};

	return LOOK_UP(results, (long)report->resolve);
}

static enum reason
rule_timeout(const struct report *report)
{
	static const struct rules_code steps[] = {
		{ STEP_RESOLVE, REASON_TIMEOUT_DNS },
		{ STEP_CONNECT, REASON_TIMEOUT_CONNECT },
		{ STEP_TLS, REASON_TIMEOUT_TLS },
		{ STEP_HEAD, REASON_TIMEOUT_HEADERS },
		{ STEP_BODY, REASON_TIMEOUT_BODY },
		{ STEP_DONE, REASON_TIMEOUT_BODY },
	};

	/* Who waits for the rest of an answer that has already failed? */
	if (!is_out_of_time(report) || is_refusal(report) ||
	    report->judge.verdict > VERDICT_WHOLE || report->is_over_limit ||
	    report->is_over_budget)
		return UNDECIDED;
	if (report->step == STEP_CONNECT && !report->is_connected &&
	    listen_queue_is_full(&report->queue))
		return REASON_CONNECT_BACKLOG_FULL;
	/* The kernel is through with it, libcurl has not looked yet. */
	if (report->step == STEP_CONNECT && report->is_connected &&
	    !report->is_proxy_used)
		return report->is_tls ? REASON_TIMEOUT_TLS
				      : REASON_TIMEOUT_HEADERS;
	return LOOK_UP(steps, (long)report->step);
}

/* libcurl tells of a refused CONNECT only in words. */
static enum reason
rule_proxy(const struct report *report)
{
	int status = connect_status(report);

	if (!report->is_proxy_used || report->judge.is_head_complete)
		return UNDECIDED;
	if (status == 407)
		return REASON_PROXY_AUTH_REQUIRED;
	if (status != 0 || report->curl_code == CURL_PROXY ||
	    report->curl_code == CURL_PROXY_UNRESOLVED ||
	    report->curl_code == CURL_CONNECT_FAILED)
		return REASON_PROXY_CONNECT_FAILED;
	return UNDECIDED;
}

static enum reason
rule_connect(const struct report *report)
{
	static const struct rules_code errors[] = {
		{ ECONNREFUSED, REASON_CONNECT_REFUSED },
		/* A missing unix socket, or a file: target's missing file. */
		{ ENOENT, REASON_CONNECT_REFUSED },
		{ EHOSTUNREACH, REASON_CONNECT_NO_ROUTE },
		{ ENETUNREACH, REASON_CONNECT_NET_UNREACHABLE },
		{ EACCES, REASON_CONNECT_DENIED },
		{ EPERM, REASON_CONNECT_DENIED },
		/* A unix socket whose listen queue is full says so. */
		{ EAGAIN, REASON_CONNECT_BACKLOG_FULL },
		{ ECONNRESET, REASON_CONNECT_RESET },
		{ EADDRNOTAVAIL, REASON_CONNECT_NO_LOCAL_PORT },
		{ EADDRINUSE, REASON_CONNECT_NO_LOCAL_PORT },
		{ EMFILE, REASON_TOO_MANY_OPEN_FILES },
		{ ENFILE, REASON_TOO_MANY_OPEN_FILES },
		/* The kernel gave up, which takes it minutes. */
		{ ETIMEDOUT, REASON_TIMEOUT_CONNECT },
	};
	enum reason reason;

	if (report->is_connected ||
	    (report->curl_code != CURL_CONNECT_FAILED &&
		(report->step != STEP_CONNECT || report->os_errno == 0)))
		return UNDECIDED;
	if (report->os_errno == EAGAIN && !report->is_unix)
		return REASON_CONNECT_OTHER;
	reason = LOOK_UP(errors, report->os_errno);
	return reason != UNDECIDED ? reason : REASON_CONNECT_OTHER;
}

static enum reason
rule_redirect(const struct report *report)
{
	if (report->redirect_loop || report->curl_code == CURL_REDIRECT_LOOP)
		return REASON_HTTP_REDIRECT_LOOP;
	if (report->redirect_bad)
		return REASON_HTTP_REDIRECT_BAD;
	if (report->redirect_refused)
		return REASON_HTTP_REDIRECT_NOT_FOLLOWED;
	return UNDECIDED;
}

/* A TLS record where an HTTP answer should begin; escaped as Go's %q does. */
static bool
begins_with_tls(const char *first)
{
	return strncmp(first, "\\x15\\x03", 8) == 0 ||
	       strncmp(first, "\\x16\\x03", 8) == 0;
}

/* The answer ended, or the connection did, before the head was whole. */
static enum reason
judge_cut_head(const struct report *report)
{
	static const struct rules_code codes[] = {
		{ CURL_NOT_HTTP, REASON_HTTP_MALFORMED_RESPONSE },
		{ CURL_WEIRD_ANSWER, REASON_HTTP_MALFORMED_HEADER },
		{ CURL_OUT_OF_MEMORY, REASON_HTTP_HEADER_TOO_LARGE },
		{ CURL_BAD_ENCODING, REASON_HTTP_BAD_FRAMING },
	};
	enum reason reason = LOOK_UP(codes, report->curl_code);

	if (reason != UNDECIDED)
		return reason;
	if (rules_is_reset(report))
		return REASON_HTTP_RESET_BEFORE_RESPONSE;
	if (report->judge.has_any_byte)
		return REASON_HTTP_CLOSED_IN_HEADERS;
	if (report->curl_code == CURL_NO_ANSWER ||
	    report->curl_code == CURL_RECV_FAILED ||
	    report->curl_code == CURL_SEND_FAILED ||
	    report->judge.verdict == VERDICT_CLOSED_IN_HEADERS)
		return REASON_HTTP_CLOSED_BEFORE_RESPONSE;
	return UNDECIDED;
}

static enum reason
rule_head(const struct report *report)
{
	static const struct rules_code verdicts[] = {
		{ VERDICT_NOT_HTTP, REASON_HTTP_MALFORMED_RESPONSE },
		{ VERDICT_HEADER_MALFORMED, REASON_HTTP_MALFORMED_HEADER },
		{ VERDICT_HEADER_TOO_LARGE, REASON_HTTP_HEADER_TOO_LARGE },
		{ VERDICT_BAD_FRAMING, REASON_HTTP_BAD_FRAMING },
	};
	enum reason reason;

	if (!report->is_tls && begins_with_tls(report->judge.first_bytes))
		return REASON_HTTP_SERVER_SPEAKS_TLS;
	reason = LOOK_UP(verdicts, (long)report->judge.verdict);
	if (reason != UNDECIDED)
		return reason;
	if (report->judge.is_head_complete || report->step < STEP_HEAD)
		return UNDECIDED;
	return judge_cut_head(report);
}

/* A plain request at a TLS port, answered by those who noticed. */
static bool
wants_tls(const struct report *report)
{
	return !report->is_tls && report->judge.status == 400 &&
	       (strstr(report->error_text,
		    "Client sent an HTTP request to an HTTPS server") != NULL ||
		   strstr(report->error_text,
		       "The plain HTTP request was sent to HTTPS port") !=
		       NULL);
}

static enum reason
rule_status(const struct report *report)
{
	static const struct rules_code statuses[] = {
		{ 304, REASON_HTTP_UNEXPECTED_SUCCESS },
		{ 400, REASON_HTTP_BAD_REQUEST },
		{ 401, REASON_AUTH_UNAUTHORIZED },
		{ 403, REASON_AUTH_FORBIDDEN },
		{ 404, REASON_HTTP_NOT_FOUND },
		{ 405, REASON_HTTP_METHOD_NOT_ALLOWED },
		{ 406, REASON_HTTP_NOT_ACCEPTABLE },
		{ 407, REASON_PROXY_AUTH_REQUIRED },
		{ 415, REASON_HTTP_NOT_ACCEPTABLE },
		{ 429, REASON_HTTP_RATE_LIMITED },
		{ 502, REASON_HTTP_BAD_GATEWAY },
		{ 503, REASON_HTTP_UNAVAILABLE },
		{ 504, REASON_HTTP_GATEWAY_TIMEOUT },
	};
	static const struct rules_code classes[] = {
		{ 1, REASON_HTTP_UNEXPECTED_SUCCESS },
		{ 2, REASON_HTTP_UNEXPECTED_SUCCESS },
		{ 3, REASON_HTTP_REDIRECT_NOT_FOLLOWED },
		{ 4, REASON_HTTP_CLIENT_ERROR },
		{ 5, REASON_HTTP_SERVER_ERROR },
	};
	enum reason reason;

	if (!is_refusal(report))
		return UNDECIDED;
	if (wants_tls(report))
		return REASON_HTTP_SERVER_SPEAKS_TLS;
	reason = LOOK_UP(statuses, report->judge.status);
	return reason != UNDECIDED
		   ? reason
		   : LOOK_UP(classes, report->judge.status / 100);
}

static enum reason
rule_limits(const struct report *report)
{
	if (report->is_over_limit)
		return REASON_LIMIT_BODY_SIZE;
	if (report->is_over_budget)
		return REASON_MEMORY_BUDGET_EXCEEDED;
	return UNDECIDED;
}

static enum reason
rule_body(const struct report *report)
{
	static const struct rules_code verdicts[] = {
		{ VERDICT_CHUNK_MALFORMED, REASON_BODY_CHUNK_MALFORMED },
		{ VERDICT_BODY_TRUNCATED, REASON_BODY_TRUNCATED },
		{ VERDICT_GZIP_EMPTY, REASON_BODY_GZIP_EMPTY },
		{ VERDICT_GZIP_HEADER, REASON_BODY_GZIP_INVALID_HEADER },
		{ VERDICT_GZIP_CHECKSUM, REASON_BODY_GZIP_CHECKSUM },
		{ VERDICT_GZIP_CORRUPT, REASON_BODY_GZIP_CORRUPT },
		{ VERDICT_GZIP_TRUNCATED, REASON_BODY_TRUNCATED },
		{ VERDICT_ENCODING_UNSUPPORTED,
		    REASON_BODY_ENCODING_UNSUPPORTED },
	};
	static const struct rules_code codes[] = {
		{ CURL_PARTIAL, REASON_BODY_TRUNCATED },
		{ CURL_RECV_FAILED, REASON_BODY_TRUNCATED },
	};
	enum verdict verdict = report->judge.verdict;

	if (!report->judge.is_head_complete || verdict == VERDICT_WHOLE)
		return UNDECIDED;
	if (rules_is_reset(report) &&
	    (verdict == VERDICT_PENDING || verdict == VERDICT_BODY_TRUNCATED ||
		verdict == VERDICT_GZIP_TRUNCATED))
		return REASON_BODY_RESET;
	if (verdict == VERDICT_PENDING)
		return LOOK_UP(codes, report->curl_code);
	return LOOK_UP(verdicts, (long)verdict);
}

/* Whole, and what it says is judged last. */
static enum reason
rule_whole(const struct report *report)
{
	enum reason reason;

	if (report->end == ATTEMPT_RUNNING ||
	    report->judge.verdict != VERDICT_WHOLE ||
	    !report->judge.is_head_complete || report->judge.status != 200)
		return UNDECIDED;
	reason = classify_body(report);
	if (reason == REASON_OK && report->scan != NULL &&
	    report->scan->facts.bytes == 0)
		return REASON_BODY_EMPTY;
	return reason;
}

typedef enum reason rule_fn(const struct report *report);

/* The order decides: what comes earlier on the wire beats what follows. */
static rule_fn *const rules[] = {
	rule_cancelled,
	rule_local_files,
	rule_resolver,
	rules_alert,
	rule_timeout,
	rule_proxy,
	rule_connect,
	rules_tls,
	rule_redirect,
	rule_head,
	rule_status,
	rule_limits,
	rule_body,
	rule_whole,
};

enum reason
classify_slowness(const struct baseline_verdict *verdict)
{
	static const enum reason reasons[] = {
		[SLOW_NOT] = REASON_OK,
		[SLOW_NEAR] = REASON_TIMEOUT_NEAR,
		[SLOW_FAR] = REASON_SCRAPE_SLOW,
	};

	return reasons[verdict->slowness];
}

bool
reason_is_slow(enum reason reason)
{
	return reason == REASON_TIMEOUT_NEAR || reason == REASON_SCRAPE_SLOW;
}

enum reason
classify(const struct report *report)
{
	enum reason reason;
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		reason = rules[i](report);
		if (reason != UNDECIDED)
			return reason;
	}
	return REASON_UNEXPLAINED;
}
