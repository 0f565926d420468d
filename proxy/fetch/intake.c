#include "proxy/fetch/intake.h"

#include <string.h>
#include <strings.h>

#include "proxy/base/budget.h"
#include "proxy/base/escape.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/fetch/inspect.h"
#include "proxy/fetch/report.h"

/* A body that only explains a failure: the rest of it is not worth a wait. */
#define UNWANTED_MAX ((uint64_t)64 << 10)
/* Room that is set aside on the word of a Content-Length alone. */
#define HINT_MAX ((uint64_t)8 << 20)

/* How much of `len` bytes will be here at a time. */
static uint64_t
kept_of(const struct intake *intake, uint64_t len)
{
	uint64_t above = intake->flow.above;

	return above > 0 && len > above ? above : len;
}

static size_t
size_hint(const struct intake *intake)
{
	const struct judge_result *result = judge_result(intake->judge);
	uint64_t hint = result->has_length ? result->content_length : 0;

	if (hint > HINT_MAX)
		hint = HINT_MAX;
	hint = kept_of(intake, hint);
	return (size_t)(hint < intake->body_max ? hint : intake->body_max);
}

static void
append(struct intake *intake, struct wire **wire, const char *bytes, size_t len)
{
	if (*wire == NULL)
		*wire = wire_new(size_hint(intake));
	wire_append(*wire, bytes, len);
}

/* Of a body that is wanted, and within its limits. */
static void
collect_text(struct intake *intake, const char *bytes, size_t len)
{
	struct intake_flow *flow = &intake->flow;

	if (intake->is_flowing) {
		flow->text(flow->arg, bytes, len);
		return;
	}
	append(intake, &intake->payload.text, bytes, len);
	if (flow->above == 0 || intake->body_bytes <= flow->above)
		return;
	intake->is_flowing = true;
	flow->begin(flow->arg, &intake->payload);
	intake->payload.text = intake->payload.gzip = NULL;
}

/* Metrics are read while they are warm. */
static void
inspect(struct intake *intake, const char *bytes, size_t len)
{
	const struct judge_result *head = judge_result(intake->judge);

	if (intake->inspection == NULL)
		return;
	if (!inspection_has_begun(intake->inspection))
		inspection_begin(intake->inspection,
		    head->has_content_type ? head->content_type : NULL);
	inspection_feed(intake->inspection, bytes, len);
}

static void
collect_raw(struct intake *intake, const char *bytes, size_t len)
{
	if (intake->is_flowing)
		intake->flow.raw(intake->flow.arg, bytes, len);
	else
		append(intake, &intake->payload.gzip, bytes, len);
}

static bool
is_wanted(const struct intake *intake)
{
	return intake->kind == INTAKE_ANY ||
	       judge_result(intake->judge)->status == 200;
}

/* An answer to a call of our own may repeat a token, and explains nothing. */
static bool
is_told(const struct intake *intake)
{
	return intake->kind == INTAKE_METRICS;
}

static void
keep_error_text(struct intake *intake, const char *bytes, size_t len)
{
	size_t room = sizeof(intake->error_text) - intake->error_len;

	if (len > room)
		len = room;
	memcpy(intake->error_text + intake->error_len, bytes, len);
	intake->error_len += len;
}

/*
 * Prometheus fails at the limit itself, not only above it.  The budget is one
 * for all answers of the process, of which `more` bytes are not here yet.
 */
static int
keep_limits(struct intake *intake, uint64_t body_bytes, uint64_t more)
{
	if (intake->body_limit > 0 && body_bytes >= intake->body_limit) {
		intake->is_over_limit = true;
		return -1;
	}
	if (budget_used() + more > intake->body_max) {
		intake->is_over_budget = true;
		return -1;
	}
	return 0;
}

static int
take_raw(void *arg, const char *bytes, size_t len)
{
	struct intake *intake = arg;

	intake->is_coded = true;
	intake->wire_bytes += len;
	if (!is_wanted(intake))
		return 0;
	/* What inflates to nothing has no other bound. */
	if (intake->kind == INTAKE_ANY)
		return keep_limits(intake, intake->wire_bytes, len);
	if (budget_used() + len > intake->body_max) {
		intake->is_over_budget = true;
		return -1;
	}
	collect_raw(intake, bytes, len);
	return 0;
}

static int
take_text(void *arg, const char *bytes, size_t len)
{
	struct intake *intake = arg;

	intake->body_bytes += len;
	if (!intake->is_coded)
		intake->wire_bytes += len;
	else if (is_told(intake))
		said_inflated(&intake->said, bytes, len);
	if (!is_wanted(intake)) {
		keep_error_text(intake, bytes, len);
		intake->is_enough = intake->body_bytes > UNWANTED_MAX;
		return 0;
	}
	if (keep_limits(intake, intake->body_bytes, len) == -1)
		return -1;
	inspect(intake, bytes, len);
	collect_text(intake, bytes, len);
	return 0;
}

void
intake_init(struct intake *intake, enum intake_kind kind, uint64_t body_limit,
    uint64_t body_max)
{
	struct judge_sink sink = {
		.raw = take_raw, .text = take_text, .arg = intake
	};
	struct judge_limits limits = judge_default_limits;

	memset(intake, 0, sizeof(*intake));
	intake->kind = kind;
	intake->body_limit = body_limit;
	intake->body_max = body_max;
	limits.may_break_off = kind == INTAKE_ANY;
	intake->judge = judge_new(&limits, &sink);
}

static void
drop_payload(struct intake *intake)
{
	/* An answer to a call of our own may repeat a token. */
	if (intake->kind == INTAKE_ANY && intake->payload.text != NULL)
		wire_wipe(intake->payload.text);
	wire_unref(intake->payload.text);
	wire_unref(intake->payload.gzip);
	intake->payload.text = intake->payload.gzip = NULL;
}

void
intake_fini(struct intake *intake)
{
	drop_payload(intake);
	judge_free(intake->judge);
}

void
intake_reset(struct intake *intake)
{
	drop_payload(intake);
	judge_reset(intake->judge);
	inspection_reset(intake->inspection);
	intake->wire_bytes = intake->body_bytes = 0;
	intake->is_over_limit = intake->is_over_budget = false;
	intake->is_enough = intake->is_coded = intake->is_flowing = false;
	intake->error_len = 0;
	said_reset(&intake->said);
	intake->location[0] = '\0';
	intake->has_location = intake->is_location_cut = false;
}

/* The judge's copy is escaped and short; following it needs the bytes. */
static void
note_location(struct intake *intake, const char *bytes, size_t len)
{
	static const char name[] = "location:";
	size_t name_len = sizeof(name) - 1;

	if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		intake->has_location = false;
		return;
	}
	if (intake->has_location || len <= name_len ||
	    strncasecmp(bytes, name, name_len) != 0)
		return;
	bytes += name_len;
	len -= name_len;
	while (len > 0 && (*bytes == ' ' || *bytes == '\t')) {
		bytes++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n", bytes[len - 1]) != NULL)
		len--;
	intake->has_location = true;
	intake->is_location_cut =
	    len >= sizeof(intake->location) || memchr(bytes, '\0', len) != NULL;
	if (intake->is_location_cut)
		len = 0;
	memcpy(intake->location, bytes, len);
	intake->location[len] = '\0';
}

/* A length that is too much already need not be waited for. */
static int
keep_declared(struct intake *intake)
{
	const struct judge_result *head = judge_result(intake->judge);

	if (!head->is_head_complete || !head->has_length ||
	    !is_wanted(intake) || head->content_encoding[0] != '\0')
		return 0;
	return keep_limits(intake, head->content_length,
	    kept_of(intake, head->content_length));
}

int
intake_head_line(struct intake *intake, const char *bytes, size_t len)
{
	note_location(intake, bytes, len);
	if (is_told(intake))
		said_head(&intake->said, bytes, len);
	if (judge_head_line(intake->judge, bytes, len) == -1)
		return -1;
	return keep_declared(intake);
}

/*
 * What cannot be a status line, libcurl takes for an ancient body.  The judge
 * gets the beginning as the line that it stands for.
 */
static int
take_no_http(struct intake *intake, const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\n', len);
	char line[256];

	if (end != NULL)
		len = (size_t)(end - bytes);
	if (len > sizeof(line) - 1)
		len = sizeof(line) - 1;
	memcpy(line, bytes, len);
	line[len] = '\n';
	return judge_head_line(intake->judge, line, len + 1);
}

int
intake_body(struct intake *intake, const char *bytes, size_t len)
{
	if (is_told(intake))
		said_body(&intake->said, bytes, len);
	if (!judge_result(intake->judge)->has_any_byte)
		return take_no_http(intake, bytes, len);
	if (judge_body(intake->judge, bytes, len) == -1)
		return -1;
	return intake->is_enough ? -1 : 0;
}

int
intake_text(struct intake *intake, const char *bytes, size_t len)
{
	intake->wire_bytes += len;
	intake->body_bytes += len;
	said_body(&intake->said, bytes, len);
	if (keep_limits(intake, intake->body_bytes, len) == -1)
		return -1;
	inspect(intake, bytes, len);
	collect_text(intake, bytes, len);
	return 0;
}

void
intake_report(const struct intake *intake, struct report *report)
{
	report->judge = *judge_result(intake->judge);
	report->wire_bytes = intake->wire_bytes;
	report->body_bytes = intake->body_bytes;
	report->is_over_limit = intake->is_over_limit;
	report->is_over_budget = intake->is_over_budget;
	report->said = &intake->said;
	escape_quoted(report->error_text, sizeof(report->error_text),
	    intake->error_text, intake->error_len);
}

/* Where the metrics would be, a landing page tells. */
static bool
links_to_metrics(const struct wire *text)
{
	static const char *const links[] = { "href=\"/metrics",
		"href='/metrics", "href=/metrics", "href=\"metrics",
		"href='metrics" };
	size_t i;

	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (memmem(wire_body(text), wire_body_len(text), links[i],
			strlen(links[i])) != NULL)
			return true;
	return false;
}

/* No metrics at all: what it is instead shows in its first bytes. */
static void
report_strange(const struct intake *intake, struct report *report)
{
	const struct wire *text = intake->payload.text;
	size_t len = text == NULL ? 0 : wire_body_len(text);

	if (len == 0 || !classify_is_no_metrics(report))
		return;
	report->links_to_metrics = links_to_metrics(text);
	escape_quoted(report->error_text, sizeof(report->error_text),
	    wire_body(text), len < INTAKE_ERROR_TEXT ? len : INTAKE_ERROR_TEXT);
}

void
intake_report_scan(const struct intake *intake, struct report *report)
{
	if (intake->inspection == NULL)
		return;
	/* An empty body had no first piece. */
	if (!inspection_has_begun(intake->inspection))
		inspection_begin(intake->inspection,
		    report->judge.has_content_type ? report->judge.content_type
						   : NULL);
	report->scan = inspection_end(intake->inspection, &report->content);
	report->is_streamed = intake->is_flowing;
	report_strange(intake, report);
}

void
intake_take_payload(struct intake *intake, struct payload *payload)
{
	if (intake->payload.text == NULL && !intake->is_flowing)
		intake->payload.text = wire_new(0);
	*payload = intake->payload;
	intake->payload.text = intake->payload.gzip = NULL;
}
