#include "proxy/diagnosis/classify.h"

#include <errno.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/base/utf8.h"
#include "proxy/diagnosis/baseline.h"
#include "proxy/diagnosis/sketch.h"
#include "proxy/diagnosis/variants.h"
#include "proxy/fetch/report.h"

static bool
is_missing_socket(const struct sketch *sketch)
{
	return sketch_is_unix(sketch) && sketch->report->os_errno == ENOENT;
}

static bool
has_kernel_given_up(const struct sketch *sketch)
{
	return sketch->report->os_errno == ETIMEDOUT;
}

static bool
has_begun(const struct sketch *sketch)
{
	return sketch->report->judge.has_any_byte;
}

static bool
is_stricter(const struct sketch *sketch)
{
	return sketch->report->judge.is_stricter;
}

static bool
has_status(const struct sketch *sketch)
{
	return sketch->report->judge.is_head_complete &&
	       sketch->report->judge.status != 200;
}

static bool
has_no_credentials(const struct sketch *sketch)
{
	return !sketch->target->basic_auth.is_set &&
	       !sketch->target->authorization.is_set;
}

static bool
asks_for_basic(const struct sketch *sketch)
{
	return has_no_credentials(sketch) &&
	       strcasestr(sketch->report->judge.www_authenticate, "Basic") !=
		   NULL;
}

static bool
has_no_client_certificate(const struct sketch *sketch)
{
	return sketch->target->tls_config.cert_file == NULL &&
	       sketch->target->tls_config.cert == NULL;
}

static bool
has_proxy(const struct sketch *sketch)
{
	return sketch->report->is_proxy_used && !has_status(sketch);
}

/* TCP to the proxy works; it has not answered CONNECT. */
static bool
is_proxy_slow(const struct sketch *sketch)
{
	return sketch->report->is_proxy_used && sketch->report->is_connected;
}

/*
 * With TLS 1.3 the exporter refuses a missing client certificate after the
 * handshake, and a reset behind the alert may overtake it.
 */
static bool
may_want_certificate(const struct sketch *sketch)
{
	return sketch->report->is_tls && !sketch->report->is_reused &&
	       !has_begun(sketch) && has_no_client_certificate(sketch);
}

#define MAYBE_CAUSE                                                            \
	"The exporter finished the TLS handshake and hung up on the "          \
	"request: it wants a client certificate and got none, it crashed "     \
	"on this scrape, or a load balancer has no backend."
#define MAYBE_FIX                                                              \
	"the exporter's log at this time says which; kubectl get pods "        \
	"(restarts); if it wants one, set tls_config: {cert_file: ..., "       \
	"key_file: ...} in target {target}{place}."

#define FILE_CAUSE                                                             \
	"The gate cannot read the metrics file of this target: nobody wrote "  \
	"it, its folder is not mounted into the gate, or its mode forbids it."
#define FILE_FIX                                                               \
	"ls -l {address} as the gate's user; does the job that writes it run?"

#define CUT_CAUSE                                                              \
	"The answer came without Content-Length and ended where no text of "   \
	"metrics ends: it was cut on its way, or the exporter just omits "     \
	"the last line's end. The gate passes on nothing that may be half; "   \
	"Prometheus alone would take it."
#define CUT_FIX                                                                \
	"curl -s {url} | tail -c 100, twice: the same end each time is the "   \
	"exporter's own; have it end its last line, or send Content-Length."
#define FRAMING_CAUSE                                                          \
	"Headers that say where the answer ends contradict or repeat each "    \
	"other: a bug in the exporter or in a proxy before it. Prometheus "    \
	"alone would pick one; the gate does not guess."
#define HEADER_CAUSE                                                           \
	"The exporter, or a proxy before it, sends a header line that HTTP "   \
	"forbids: a control byte in it, or a space before the colon. "         \
	"Prometheus alone may overlook it; the gate does not guess."

static const struct variant variants[] = {
	{ REASON_CONNECT_REFUSED, sketch_is_file,
	    "open {address}: no such file or directory",
	    "open {address}: no such file or directory", FILE_CAUSE, FILE_FIX },
	{ REASON_CONNECT_DENIED, sketch_is_file,
	    "open {address}: permission denied",
	    "open {address}: permission denied", FILE_CAUSE, FILE_FIX },
	{ REASON_CONNECT_OTHER, sketch_is_file, "open {address}: {detail}",
	    "open {address}: {detail}", FILE_CAUSE, FILE_FIX },
	{ REASON_CONNECT_REFUSED, is_missing_socket,
	    "dial {network} {address}: connect: no such file or directory",
	    "Get \"{url}\": dial {network} {address}: connect: no such file or "
	    "directory",
	    "The socket does not exist: the exporter is not running, listens "
	    "elsewhere, or its folder is not shared with the gate.",
	    "ls -l {address} where the gate runs; ss -lx where the exporter "
	    "runs; share the folder, not the socket file." },
	{ REASON_CONNECT_REFUSED, sketch_is_unix, NULL, NULL,
	    "The socket file is there, but nobody listens on it: the exporter "
	    "crashed or was stopped and left it behind.",
	    "{listener} where the exporter runs; start it." },
	{ REASON_CONNECT_DENIED, sketch_is_unix, NULL, NULL,
	    "The mode of the socket or of a folder above it keeps the gate's "
	    "user out; or SELinux or AppArmor does. The exporter may be fine.",
	    "namei -l {address} as the gate's user; give both one group." },
	{ REASON_TIMEOUT_CONNECT, is_proxy_slow,
	    "proxy {address} did not connect to the exporter in {elapsed}",
	    NULL,
	    "The proxy of proxy_url took the connection and does not get "
	    "through to the exporter, or is stuck itself.",
	    "look at the proxy's log; try {host}:{port} from where the proxy "
	    "runs." },
	{ REASON_TIMEOUT_CONNECT, sketch_is_unix,
	    "dial {network} {address}: not accepted in {elapsed}", NULL,
	    "The exporter is there but does not accept connections: stuck, "
	    "starved of CPU, or busy with another scrape.",
	    "{listener} (Recv-Q); look at what the exporter does; restart "
	    "it." },
	{ REASON_TIMEOUT_CONNECT, has_kernel_given_up, NULL,
	    "Get \"{url}\": dial {network} {address}: connect: connection "
	    "timed "
	    "out",
	    NULL, NULL },
	{ REASON_HTTP_SERVER_SPEAKS_TLS, has_status, NULL,
	    "server returned HTTP status {status}", NULL, NULL },
	{ REASON_UNEXPLAINED, has_status, NULL,
	    "server returned HTTP status {status}", NULL, NULL },
	{ REASON_TLS_CLIENT_CERT_REJECTED, has_no_client_certificate, NULL,
	    NULL,
	    "The exporter wants a client certificate and the gate has none to "
	    "show; older exporters call that a bad one.",
	    "set tls_config: {cert_file: ..., key_file: ...} in target "
	    "{target}{place}, then reload." },
	{ REASON_PROXY_AUTH_REQUIRED, has_proxy, NULL,
	    "Get \"{url}\": Proxy Authentication Required", NULL, NULL },
	{ REASON_AUTH_UNAUTHORIZED, asks_for_basic, NULL, NULL, NULL,
	    "set basic_auth: {username: ..., password_file: ...} in target "
	    "{target}{place}, then reload." },
	{ REASON_AUTH_UNAUTHORIZED, has_no_credentials, NULL, NULL, NULL,
	    "set basic_auth or authorization in target {target}{place}, then "
	    "reload." },
	{ REASON_HTTP_RESET_BEFORE_RESPONSE, may_want_certificate, NULL, NULL,
	    MAYBE_CAUSE, MAYBE_FIX },
	{ REASON_HTTP_CLOSED_BEFORE_RESPONSE, may_want_certificate, NULL, NULL,
	    MAYBE_CAUSE, MAYBE_FIX },
	/* Go does not tell how a head broke off that had begun. */
	{ REASON_HTTP_RESET_BEFORE_RESPONSE, has_begun, NULL,
	    "Get \"{url}\": net/http: HTTP/1.x transport connection broken: "
	    "unexpected EOF",
	    NULL, NULL },
	/* No direct scrape fails here, so there are no words of Prometheus. */
	{ REASON_HTTP_MALFORMED_HEADER, is_stricter, NULL, "", HEADER_CAUSE,
	    NULL },
	{ REASON_HTTP_BAD_FRAMING, is_stricter, NULL, "", FRAMING_CAUSE, NULL },
	{ REASON_BODY_TRUNCATED, sketch_may_be_cut,
	    "the answer may have been cut: no length was told and no final "
	    "{detail} came",
	    "", CUT_CAUSE, CUT_FIX },
	{ REASON_TIMEOUT_HEADERS, has_begun, NULL, NULL,
	    "The exporter began to answer and did not end the head in time: "
	    "stuck while answering, or a very slow link. Not the connection.",
	    NULL },
};

static bool
does_apply(const struct variant *variant, const struct sketch *sketch)
{
	return variant->reason == sketch->reason && variant->applies(sketch);
}

static const struct variant *
find_variant(const struct sketch *sketch)
{
	static const struct variant none;
	size_t i;

	for (i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		if (does_apply(&variants[i], sketch))
			return &variants[i];
	for (i = 0; i < variants_body_count; i++)
		if (does_apply(&variants_body[i], sketch))
			return &variants_body[i];
	return &none;
}

/* ID, colon, blank and words share the status line's 200 bytes. */
static size_t
words_size(const char *id)
{
	struct finding *finding;

	return sizeof(finding->words) + 1 - strlen(id) - strlen(": ");
}

/*
 * Prometheus' own words, in which it may repeat the exporter's: characters of
 * any script stay, and so do lines.
 */
static void
quote(char *out, size_t size, const char *said)
{
	size_t used = 0, len, left = strlen(said);

	for (; left > 0; said += len, left -= len) {
		len = utf8_first(said, left);
		if (used + len + sizeof("...") > size) {
			memcpy(out + used, "...", sizeof("..."));
			return;
		}
		if (len > 0 && ((unsigned char)*said >= 0x20 || *said == '\n'))
			memcpy(out + used, said, len);
		else
			memset(out + used, '?', len = 1);
		used += len;
	}
	out[used] = '\0';
}

void
finding_describe(struct finding *finding, enum reason reason,
    const struct report *report, const struct conf_target *target,
    uint64_t elapsed_us, int64_t timeout_ms)
{
	finding_describe_in(
	    finding, reason, report, target, elapsed_us, timeout_ms, NULL);
}

void
finding_describe_in(struct finding *finding, enum reason reason,
    const struct report *report, const struct conf_target *target,
    uint64_t elapsed_us, int64_t timeout_ms,
    const struct circumstances *circumstances)
{
	const struct reason_row *row = reason_row(reason);
	const struct variant *variant;
	struct sketch sketch;

	memset(finding, 0, sizeof(*finding));
	finding->reason = reason;
	finding->is_delivered = classify_is_delivered(report, target, reason);
	finding->retry_after_s = 0;
	if (reason == REASON_OK)
		return;
	sketch_init(&sketch, reason, report, target, elapsed_us, timeout_ms,
	    circumstances);
	variant = find_variant(&sketch);

#define PICK(field) (variant->field != NULL ? variant->field : row->field)
	facts_expand(finding->words, words_size(row->id), PICK(words),
	    &sketch.words, false);
	if (strcmp(PICK(lasterror), "{said}") == 0 && sketch.raw.said != NULL)
		quote(finding->lasterror, sizeof(finding->lasterror),
		    sketch.raw.said);
	else
		facts_expand(finding->lasterror, sizeof(finding->lasterror),
		    PICK(lasterror), &sketch.raw, false);
	facts_expand(finding->cause, sizeof(finding->cause), PICK(cause),
	    &sketch.words, true);
	facts_expand(
	    finding->fix, sizeof(finding->fix), PICK(fix), &sketch.fix, true);
#undef PICK
	sketch_seen(&sketch, finding->seen, sizeof(finding->seen));
	if (reason_is_slow(reason) && sketch.baseline->phase < PHASE_COUNT)
		finding->slow_phase = sketch.baseline->phase + 1;
}
