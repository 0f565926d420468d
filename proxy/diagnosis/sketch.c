#include "proxy/diagnosis/sketch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/diagnosis/baseline.h"
#include "proxy/fetch/report.h"

void
sketch_print(char *out, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out, size, format, args);
	va_end(args);
}

const char *
sketch_duration(char out[SKETCH_DURATION_SIZE], uint64_t us, const char *gap)
{
	bool is_short = us < 10000;
	double value = (double)us / (is_short ? 1e3 : 1e6);
	char number[16];
	char *end;

	/* No sum of rounded parts is ever shown, so each rounds by itself. */
	sketch_print(number, sizeof(number), "%.*f",
	    value >= 100  ? 0
	    : value >= 10 ? 1
			  : 2,
	    value);
	if (strchr(number, '.') != NULL) {
		end = number + strlen(number);
		while (end[-1] == '0')
			end--;
		if (end[-1] == '.')
			end--;
		*end = '\0';
	}
	sketch_print(out, SKETCH_DURATION_SIZE, "%s%s%s", number, gap,
	    is_short && us > 0 ? "ms" : "s");
	return out;
}

void
sketch_place(char *out, size_t size, const struct conf_place *place)
{
	if (place->file == NULL)
		out[0] = '\0';
	else
		sketch_print(out, size, " (%s:%d)", place->file, place->line);
}

bool
sketch_is_unix(const struct sketch *sketch)
{
	return sketch->report->is_unix ||
	       sketch->target->url.scheme == CONF_UNIX;
}

bool
sketch_is_file(const struct sketch *sketch)
{
	return sketch->target->url.scheme == CONF_FILE;
}

bool
sketch_may_be_cut(const struct sketch *sketch)
{
	const struct judge_result *judge = &sketch->report->judge;

	return judge->verdict == VERDICT_BODY_TRUNCATED && judge->is_stricter;
}

const char *
sketch_wanted_name(const struct sketch *sketch)
{
	const char *name = sketch->target->tls_config.server_name;

	/* Which host that is, the exporter has said: none of our words. */
	if (sketch->report->redirects > 0)
		return "the host it redirects to";
	return name != NULL && *name != '\0' ? name : sketch->target->url.host;
}

uint64_t
sketch_step_us(const struct sketch *sketch, enum phase phase)
{
	const struct phases *phases = &sketch->report->phases;
	uint64_t before = 0;
	int i;

	if (phases->us[phase] > 0)
		return phases->us[phase];
	/* Not ended, hence not measured: what the others left of the whole. */
	for (i = 0; i < (int)phase; i++)
		before += phases->us[i];
	return sketch->elapsed_us > before ? sketch->elapsed_us - before
					   : sketch->elapsed_us;
}

/* The phase that a timeout's words speak of; the rest count as a whole. */
static uint64_t
elapsed_of(const struct sketch *sketch)
{
	switch (sketch->reason) {
	case REASON_TIMEOUT_DNS:
		return sketch_step_us(sketch, PHASE_RESOLVE);
	case REASON_TIMEOUT_CONNECT:
	case REASON_CONNECT_BACKLOG_FULL:
		return sketch_step_us(sketch, PHASE_CONNECT);
	case REASON_TIMEOUT_TLS:
		return sketch_step_us(sketch, PHASE_TLS);
	case REASON_TIMEOUT_HEADERS:
		/* An unfinished head counts as transfer from its first byte. */
		return sketch_step_us(sketch, PHASE_PROCESSING) +
		       sketch->report->phases.us[PHASE_TRANSFER];
	default:
		return sketch->elapsed_us;
	}
}

uint64_t
sketch_normal_us(const struct sketch *sketch)
{
	const struct phases *normal = &sketch->baseline->normal;

	switch (sketch->reason) {
	case REASON_TIMEOUT_DNS:
		return normal->us[PHASE_RESOLVE];
	case REASON_TIMEOUT_TLS:
		return normal->us[PHASE_TLS];
	case REASON_TIMEOUT_HEADERS:
		return normal->us[PHASE_PROCESSING];
	case REASON_TIMEOUT_BODY:
		return sketch->baseline->normal_duration_us;
	default:
		return 0;
	}
}

static void
find_circumstances(
    struct sketch *sketch, const struct circumstances *circumstances)
{
	static const struct baseline_verdict unknown = { .slowness = SLOW_NOT };
	char text[SKETCH_DURATION_SIZE];
	uint64_t normal_us;

	if (circumstances != NULL)
		sketch->circumstances = *circumstances;
	sketch->baseline = sketch->circumstances.baseline;
	if (sketch->baseline == NULL)
		sketch->baseline = &unknown;
	normal_us = sketch_normal_us(sketch);
	if (normal_us > 0)
		sketch_print(sketch->normal, sizeof(sketch->normal),
		    ", normally %s", sketch_duration(text, normal_us, ""));
	sketch_duration(sketch->enough,
	    (uint64_t)sketch->baseline->sufficient_ms * 1000, "");
}

static void
find_address(struct sketch *sketch)
{
	const struct conf_url *url = &sketch->target->url;
	char *out = sketch->address;
	size_t size = sizeof(sketch->address);

	if (sketch_is_file(sketch))
		sketch_print(
		    out, size, "%s", url->path != NULL ? url->path : "unknown");
	else if (sketch->report->address[0] != '\0')
		sketch_print(out, size, "%s", sketch->report->address);
	else if (url->unix_path != NULL)
		sketch_print(out, size, "%s", url->unix_path);
	else
		sketch_print(out, size,
		    strchr(url->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
		    url->host, sketch->port);
}

static bool
is_shell_safe(const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789:/._-%[]@+,=~";

	return text[strspn(text, safe)] == '\0';
}

/* What to type after curl. */
static void
find_shell_url(struct sketch *sketch)
{
	const struct conf_url *url = &sketch->target->url;
	const char *query = url->query != NULL ? url->query : "";
	const char *path = url->path != NULL ? url->path : "/";
	char *out = sketch->shell_url;
	size_t size = sizeof(sketch->shell_url);

	if (url->scheme == CONF_UNIX)
		sketch_print(out, size,
		    "--unix-socket %s 'http://localhost%s%s%s'", url->unix_path,
		    path, *query != '\0' ? "?" : "", query);
	else if (url->scheme == CONF_FILE)
		sketch_print(out, size, "'file://%s'", path);
	else
		sketch_print(out, size,
		    is_shell_safe(url->text) ? "%s" : "'%s'", url->text);
}

static void
find_listener(struct sketch *sketch)
{
	if (sketch_is_unix(sketch))
		sketch_print(sketch->listener, sizeof(sketch->listener),
		    "ss -lxp | grep %s", sketch->address);
	else
		sketch_print(sketch->listener, sizeof(sketch->listener),
		    "ss -ltnp | grep :%s", sketch->port);
}

/*
 * Whose name a resolver was asked for: the exporter's, unless a proxy or a
 * redirect comes first.
 */
static void
find_host(struct sketch *sketch)
{
	static const char before[] = "lookup ";
	const char *asked = sketch->report->curl_error;
	const char *proxy = sketch->target->proxy_url, *end;

	if (sketch->report->redirects > 0) {
		sketch->words.host = "(redirected)";
	} else if (proxy != NULL) {
		if ((end = strstr(proxy, "://")) != NULL)
			proxy = end + strlen("://");
		if ((end = strrchr(proxy, '@')) != NULL)
			proxy = end + 1;
		sketch_print(sketch->host, sizeof(sketch->host), "%.*s",
		    (int)strcspn(proxy, ":/"), proxy);
		sketch->words.host = sketch->raw.host = sketch->host;
		return;
	}
	if (strncmp(asked, before, strlen(before)) == 0) {
		asked += strlen(before);
		facts_escape(
		    sketch->host, sizeof(sketch->host), asked, strlen(asked));
		sketch->raw.host = sketch->host;
	}
}

static void
find_bytes(struct sketch *sketch)
{
	const struct report *report = sketch->report;

	if (report->judge.has_length)
		sketch_print(sketch->bytes, sizeof(sketch->bytes),
		    "%llu of %llu", (unsigned long long)report->wire_bytes,
		    (unsigned long long)report->judge.content_length);
	else
		sketch_print(sketch->bytes, sizeof(sketch->bytes), "%llu",
		    (unsigned long long)report->wire_bytes);
}

static void
find_status(struct sketch *sketch)
{
	const struct judge_result *judge = &sketch->report->judge;

	if (judge->status == 0)
		return;
	sketch_print(sketch->code, sizeof(sketch->code), "%d", judge->status);
	/* Prometheus keeps the blank even if no phrase follows. */
	sketch_print(sketch->status, sizeof(sketch->status), "%d %s",
	    judge->status, judge->reason);
	sketch->words.status = sketch->code;
	sketch->raw.status = sketch->status;
}

void
sketch_init(struct sketch *sketch, enum reason reason,
    const struct report *report, const struct conf_target *target,
    uint64_t elapsed_us, int64_t timeout_ms,
    const struct circumstances *circumstances)
{
	struct facts *facts = &sketch->words;

	memset(sketch, 0, sizeof(*sketch));
	sketch->reason = reason;
	sketch->report = report;
	sketch->target = target;
	sketch->elapsed_us = elapsed_us;
	sketch->timeout_ms = timeout_ms;

	find_circumstances(sketch, circumstances);
	sketch_print(sketch->port, sizeof(sketch->port), "%u",
	    (unsigned)target->url.port);
	find_address(sketch);
	find_shell_url(sketch);
	find_listener(sketch);
	find_bytes(sketch);
	sketch->step_us = elapsed_of(sketch);
	sketch_duration(sketch->elapsed, sketch->step_us, "");
	sketch_duration(sketch->timeout,
	    timeout_ms > 0 ? (uint64_t)timeout_ms * 1000 : 0, "");
	sketch_place(sketch->place, sizeof(sketch->place), &target->place);

	facts->target = target->name;
	facts->url = target->url.text;
	facts->host = target->url.host;
	facts->port = sketch->port;
	facts->address = sketch->address;
	facts->network = sketch_is_unix(sketch) ? "unix" : "tcp";
	facts->server =
	    report->name_server[0] != '\0' ? report->name_server : NULL;
	facts->place = sketch->place;
	facts->elapsed = sketch->elapsed;
	facts->timeout = timeout_ms > 0 ? sketch->timeout : NULL;
	facts->normal = sketch->normal;
	facts->enough = sketch->enough;
	facts->bytes = sketch->bytes;
	facts->listener = sketch->listener;
	sketch->raw = *facts;
	find_status(sketch);
	if (reason_row(reason)->layer == LAYER_DNS ||
	    reason == REASON_TIMEOUT_DNS)
		find_host(sketch);
	sketch_detail(sketch);

	sketch->fix = sketch->words;
	sketch->fix.url = sketch->shell_url;
}
