#include "proxy/admin/metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/backend.h"
#include "conf/conf.h"
#include "proxy/admin/process.h"
#include "proxy/admin/text.h"
#include "proxy/admin/view.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/record.h"
#include "proxy/gate/stats.h"
#include "tls/certificate.h"
#include "tls/failure.h"

struct metric;

struct output {
	FILE *file;
	const struct admin_view *view;
	const struct metric *metric;
	bool has_head; /* HELP and TYPE are out: not before the first sample */
};

/* Rendered once, or once per target; one of the two functions is set. */
struct metric {
	const char *name;
	const char *type;
	const char *help;
	void (*render)(struct output *out);
	void (*render_target)(
	    struct output *out, const struct board_target *target);
};

static void
put_label_value(FILE *file, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			fputs("\\n", file);
		else if (*value == '\\' || *value == '"')
			fprintf(file, "\\%c", *value);
		else
			fputc(*value, file);
	}
}

static void
put_head(struct output *out)
{
	const struct metric *metric = out->metric;

	if (out->has_head)
		return;
	out->has_head = true;
	fprintf(out->file, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
	    metric->help, metric->name, metric->type);
}

/* Labels are pairs of name and value, ended by a NULL name. */
static void __attribute__((sentinel))
put_suffixed(struct output *out, const char *suffix, double value, ...)
{
	const char *name;
	char before = '{';
	va_list labels;

	put_head(out);
	fprintf(out->file, "%s%s", out->metric->name, suffix);
	va_start(labels, value);
	while ((name = va_arg(labels, const char *)) != NULL) {
		fprintf(out->file, "%c%s=\"", before, name);
		put_label_value(out->file, va_arg(labels, const char *));
		fputc('"', out->file);
		before = ',';
	}
	va_end(labels);
	fprintf(out->file, "%s %.15g\n", before == ',' ? "}" : "", value);
}

#define put(out, ...) put_suffixed(out, "", __VA_ARGS__)

static double
seconds(uint64_t us)
{
	return (double)us / 1e6;
}

static void
put_scrapes(struct output *out, const struct board_target *target)
{
	size_t reason;

	for (reason = 0; reason < REASON_COUNT; reason++)
		if (reason == REASON_OK || target->scrapes[reason] > 0)
			put(out, (double)target->scrapes[reason], "target",
			    target->conf->name, "reason",
			    reason_row((enum reason)reason)->id, NULL);
}

/* From the start, so that rate() sees the first failure. */
static void
put_failures(struct output *out, const struct board_target *target)
{
	size_t layer;

	for (layer = LAYER_NONE + 1; layer < LAYER_COUNT; layer++)
		put(out, (double)target->failures[layer], "target",
		    target->conf->name, "layer", layer_name((enum layer)layer),
		    NULL);
}

static void
put_failure_info(struct output *out, const struct board_target *target)
{
	if (board_health(target) == BOARD_DOWN)
		put(out, 1, "target", target->conf->name, "reason",
		    reason_row(target->last->finding->reason)->id, NULL);
}

static void
put_phases(struct output *out, const struct board_target *target)
{
	size_t phase;

	for (phase = 0; phase < PHASE_COUNT; phase++) {
		const char *name = phase_name((enum phase)phase);

		put_suffixed(out, "_sum", seconds(target->phase_sum_us[phase]),
		    "target", target->conf->name, "phase", name, NULL);
		put_suffixed(out, "_count", (double)target->phase_count[phase],
		    "target", target->conf->name, "phase", name, NULL);
	}
}

static void
put_durations(struct output *out, const struct board_target *target)
{
	const char *name = target->conf->name;
	uint64_t count = 0;
	char bound[32];
	size_t i;

	for (i = 0; i < BOARD_BUCKETS; i++) {
		count += target->duration_buckets[i];
		snprintf(bound, sizeof(bound), "%g", board_bucket_bounds[i]);
		put_suffixed(out, "_bucket", (double)count, "target", name,
		    "le", bound, NULL);
	}
	count += target->duration_buckets[BOARD_BUCKETS];
	put_suffixed(
	    out, "_bucket", (double)count, "target", name, "le", "+Inf", NULL);
	put_suffixed(out, "_sum", seconds(target->duration_sum_us), "target",
	    name, NULL);
	put_suffixed(out, "_count", (double)count, "target", name, NULL);
}

static void
put_up(struct output *out, const struct board_target *target)
{
	if (board_health(target) != BOARD_UNKNOWN)
		put(out, board_health(target) == BOARD_UP, "target",
		    target->conf->name, NULL);
}

/* The figures of a good scrape: none before the first. */
static void
put_of_success(
    struct output *out, const struct board_target *target, double value)
{
	if (target->last_success_wall_us != 0)
		put(out, value, "target", target->conf->name, NULL);
}

static void
put_last_success(struct output *out, const struct board_target *target)
{
	put_of_success(out, target, seconds(target->last_success_wall_us));
}

static void
put_samples(struct output *out, const struct board_target *target)
{
	put_of_success(out, target, (double)target->samples);
}

static void
put_body_bytes(struct output *out, const struct board_target *target)
{
	put_of_success(out, target, (double)target->body_bytes);
}

static uint64_t
sum_requests(
    const struct admin_view *view, size_t target, size_t code, size_t use)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < view->stats_count; i++)
		sum += stats_read(
		    &view->stats[i]->targets->items[target]->requests[code]
								     [use]);
	return sum;
}

static void
put_requests_of(struct output *out, size_t target, const char *name)
{
	size_t code, use;
	char text[16];

	for (code = 0; stats_codes[code] != 0; code++)
		for (use = 0; use < CACHE_USE_COUNT; use++) {
			uint64_t sum =
			    sum_requests(out->view, target, code, use);

			if (sum == 0)
				continue;
			snprintf(text, sizeof(text), "%d", stats_codes[code]);
			put(out, (double)sum, "target", name, "code", text,
			    "cache", cache_use_name((enum cache_use)use), NULL);
		}
}

static void
put_requests(struct output *out)
{
	const struct conf *conf = out->view->conf;
	size_t i;

	for (i = 0; i < conf->target_count; i++)
		put_requests_of(out, i, conf->targets[i].name);
	/* Behind the targets: what was asked of none of them. */
	put_requests_of(out, i, "");
}

/* From the first use: most exporters are never streamed. */
static void
put_broken(struct output *out)
{
	const struct admin_view *view = out->view;
	size_t target, i;

	for (target = 0; target < view->conf->target_count; target++) {
		uint64_t sum = 0;

		for (i = 0; i < view->stats_count; i++)
			sum += stats_read(
			    &view->stats[i]->targets->items[target]->broken);
		if (sum > 0)
			put(out, (double)sum, "target",
			    view->conf->targets[target].name, NULL);
	}
}

/* Over all workers; `offset` is that of a stats_counter in struct stats. */
static uint64_t
sum_counter(const struct output *out, size_t offset)
{
	const struct admin_view *view = out->view;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < view->stats_count; i++)
		sum += stats_read((const stats_counter *)(const void
			*)((const char *)view->stats[i] + offset));
	return sum;
}

static void
put_refusals(struct output *out)
{
	size_t reason;

	for (reason = 0; reason < REASON_COUNT; reason++) {
		uint64_t sum =
		    sum_counter(out, offsetof(struct stats, refusals) +
					 reason * sizeof(stats_counter));

		if (sum > 0)
			put(out, (double)sum, "reason",
			    reason_row((enum reason)reason)->id, NULL);
	}
}

/* From the start where credentials are wanted, so that rate() sees the first
 * failure. */
static bool
is_told_from_start(
    const struct conf *conf, enum auth_method method, enum auth_result result)
{
	const struct conf_auth *auth = &conf->auth;
	const bool is_on[AUTH_METHOD_COUNT] = {
		[AUTH_METHOD_BASIC] = conf->basic_auth_user_count > 0,
		[AUTH_METHOD_BEARER] = auth->bearer_tokens_file != NULL,
		[AUTH_METHOD_JWT] = auth->jwt.is_set,
		[AUTH_METHOD_TOKEN_REVIEW] =
		    auth->kubernetes.token_review.is_set,
		[AUTH_METHOD_CERTIFICATE] = auth->client_certificate.is_set,
	};

	return is_on[method] &&
	       (result == AUTH_ALLOWED || result == AUTH_DENIED);
}

static void
put_auth(struct output *out)
{
	size_t method, result;

	for (method = 0; method < AUTH_METHOD_COUNT; method++) {
		for (result = 0; result < AUTH_RESULT_COUNT; result++) {
			uint64_t sum = sum_counter(
			    out, offsetof(struct stats, auth) +
				     (method * AUTH_RESULT_COUNT + result) *
					 sizeof(stats_counter));

			if (sum > 0 || is_told_from_start(out->view->conf,
					   (enum auth_method)method,
					   (enum auth_result)result))
				put(out, (double)sum, "method",
				    auth_method_name((enum auth_method)method),
				    "result",
				    auth_result_name((enum auth_result)result),
				    NULL);
		}
	}
}

static void
put_calls(
    struct output *out, enum backend_kind kind, enum backend_outcome outcome)
{
	put(out, (double)auth_backend_count(out->view->backend, kind, outcome),
	    "service", backend_kind_name(kind), "result",
	    backend_outcome_name(outcome), NULL);
}

/* Only what is configured; a key set has no way to deny. */
static void
put_backend(struct output *out)
{
	const struct conf_auth *auth = &out->view->conf->auth;
	const bool is_on[BACKEND_KIND_COUNT] = {
		[BACKEND_TOKEN] = auth->kubernetes.token_review.is_set,
		[BACKEND_ACCESS] = auth->kubernetes.access_review,
		[BACKEND_KEYS] = auth->jwt.jwks_url != NULL,
	};
	size_t kind, outcome;

	if (out->view->backend == NULL)
		return;
	for (kind = 0; kind < BACKEND_KIND_COUNT; kind++) {
		bool may_deny = kind != BACKEND_KEYS;

		for (outcome = 0; outcome < BACKEND_OUTCOME_COUNT; outcome++)
			if (is_on[kind] && (may_deny || outcome != BACKEND_NO))
				put_calls(out, (enum backend_kind)kind,
				    (enum backend_outcome)outcome);
	}
}

static void
put_handshakes(struct output *out)
{
	size_t i;

	if (out->view->certificate_count == 0)
		return;
	put(out,
	    (double)sum_counter(out, offsetof(struct stats, handshakes_ok)),
	    "result", "ok", NULL);
	for (i = 0; i < TLS_FAILURE_COUNT; i++) {
		uint64_t sum =
		    sum_counter(out, offsetof(struct stats, handshakes_failed) +
					 i * sizeof(stats_counter));

		if (sum > 0)
			put(out, (double)sum, "result",
			    tls_failure_id((enum tls_failure)i), NULL);
	}
}

static void
put_connections(struct output *out)
{
	put(out,
	    (double)sum_counter(out, offsetof(struct stats, connections_open)),
	    NULL);
}

static void
put_refused_connections(struct output *out)
{
	size_t i;

	for (i = 0; i < TALLY_LIMIT_COUNT; i++) {
		uint64_t sum = sum_counter(
		    out, offsetof(struct stats, connections_refused) +
			     i * sizeof(stats_counter));

		if (sum > 0)
			put(out, (double)sum, "limit",
			    tally_limit_name((enum tally_limit)i), NULL);
	}
}

/* Rare: the series comes with the first event. */
static void
put_if_any(struct output *out, size_t offset)
{
	uint64_t sum = sum_counter(out, offset);

	if (sum > 0)
		put(out, (double)sum, NULL);
}

static void
put_underscore_headers(struct output *out)
{
	put_if_any(out, offsetof(struct stats, underscore_headers));
}

static void
put_accept_errors(struct output *out)
{
	put_if_any(out, offsetof(struct stats, accept_errors));
}

/*
 * Two may have one name, as an authority and its successor: labels must not
 * repeat, and the one that ends first, which is in front, is what matters.
 */
static bool
has_namesake(const struct admin_view *view, size_t i)
{
	const struct tls_certificate *all = view->certificates;
	size_t k;

	for (k = 0; k < i; k++)
		if (strcmp(all[k].role, all[i].role) == 0 &&
		    strcmp(all[k].subject, all[i].subject) == 0 &&
		    all[k].not_after != 0)
			return true;
	return false;
}

static void
put_certificates(struct output *out)
{
	const struct admin_view *view = out->view;
	size_t i;

	for (i = 0; i < view->certificate_count; i++) {
		const struct tls_certificate *one = &view->certificates[i];

		/* A revocation list without an end has 0. */
		if (one->not_after != 0 && !has_namesake(view, i))
			put(out, (double)one->not_after, "role", one->role,
			    "subject", one->subject, NULL);
	}
}

/* The gate stays closed while it is not ready, and closes to drain. */
static void
put_listeners(struct output *out)
{
	const struct admin_view *view = out->view;
	const char *admin = view->conf->admin_listen.text;

	put(out, view->is_ready && !view->is_draining, "role", "gate", NULL);
	if (admin != NULL && *admin != '\0')
		put(out, !view->admin_listen_failed, "role", "admin", NULL);
}

static void
put_reload_ok(struct output *out)
{
	put(out, out->view->last_reload_ok, NULL);
}

static void
put_reload_time(struct output *out)
{
	put(out, seconds(out->view->config_loaded_wall_us), NULL);
}

static void
put_build_info(struct output *out)
{
	put(out, 1, "version", SCRAPEGATE_VERSION, NULL);
}

static void
put_start_time(struct output *out)
{
	put(out, seconds(out->view->start_wall_us), NULL);
}

static const struct metric metrics[] = {
	{ "scrapegate_scrapes_total", "counter",
	    "Upstream attempts by outcome.", NULL, put_scrapes },
	{ "scrapegate_scrape_failures_total", "counter",
	    "Failed upstream attempts by layer.", NULL, put_failures },
	{ "scrapegate_target_failure_info", "gauge",
	    "1 while the target fails, with the reason.", NULL,
	    put_failure_info },
	{ "scrapegate_scrape_phase_seconds", "summary",
	    "Time of upstream attempts by phase; counts those that had it.",
	    NULL, put_phases },
	{ "scrapegate_scrape_duration_seconds", "histogram",
	    "From a scrape's arrival to the end of its upstream attempt.", NULL,
	    put_durations },
	{ "scrapegate_requests_total", "counter",
	    "Requests to the gate; target is empty for its own endpoints.",
	    put_requests, NULL },
	{ "scrapegate_answers_broken_total", "counter",
	    "Answers above stream_above that failed when their head was out.",
	    put_broken, NULL },
	{ "scrapegate_refusals_total", "counter",
	    "Requests the gate itself refused, by reason.", put_refusals,
	    NULL },
	{ "scrapegate_auth_total", "counter",
	    "Requests by what became of their credentials.", put_auth, NULL },
	{ "scrapegate_auth_backend_calls_total", "counter",
	    "Calls to Kubernetes and to the URL of a key set, by how they "
	    "ended; limited: not made, too much was asked.",
	    put_backend, NULL },
	{ "scrapegate_target_up", "gauge",
	    "Whether the newest upstream attempt succeeded.", NULL, put_up },
	{ "scrapegate_target_last_success_timestamp_seconds", "gauge",
	    "When the newest good attempt started.", NULL, put_last_success },
	{ "scrapegate_target_samples", "gauge",
	    "Samples in the newest good answer.", NULL, put_samples },
	{ "scrapegate_target_body_bytes", "gauge",
	    "Size of the newest good answer, uncompressed.", NULL,
	    put_body_bytes },
	{ "scrapegate_tls_handshakes_total", "counter",
	    "TLS handshakes with the gate's clients, by how they ended.",
	    put_handshakes, NULL },
	{ "scrapegate_certificate_not_after_timestamp_seconds", "gauge",
	    "When a certificate or revocation list in use expires.",
	    put_certificates, NULL },
	{ "scrapegate_connections", "gauge", "Open connections to the gate.",
	    put_connections, NULL },
	{ "scrapegate_connections_refused_total", "counter",
	    "Connections closed at once, by the limit they would have broken.",
	    put_refused_connections, NULL },
	{ "scrapegate_accept_errors_total", "counter",
	    "Connections that could not be accepted.", put_accept_errors,
	    NULL },
	{ "scrapegate_underscore_headers_total", "counter",
	    "Request headers with '_' in the name, not forwarded.",
	    put_underscore_headers, NULL },
	{ "scrapegate_listener_up", "gauge",
	    "Whether a listener accepts connections.", put_listeners, NULL },
	{ "scrapegate_config_last_reload_successful", "gauge",
	    "Whether the last load of the configuration succeeded.",
	    put_reload_ok, NULL },
	{ "scrapegate_config_last_reload_success_timestamp_seconds", "gauge",
	    "When the configuration in force was loaded.", put_reload_time,
	    NULL },
	{ "scrapegate_build_info", "gauge",
	    "1, with the version of this program.", put_build_info, NULL },
	{ "process_start_time_seconds", "gauge",
	    "Start of the process since the epoch.", put_start_time, NULL },
};

static void
render_metric(struct output *out, const struct metric *metric)
{
	const struct board *board = out->view->board;
	size_t i;

	out->metric = metric;
	out->has_head = false;
	if (metric->render != NULL) {
		metric->render(out);
		return;
	}
	for (i = 0; i < board_target_count(board); i++)
		metric->render_target(out, board_target(board, i));
}

static const struct {
	struct metric metric;
	size_t offset; /* of a double in struct process_usage */
} process_metrics[] = {
	{ { .name = "process_cpu_seconds_total",
	      .type = "counter",
	      .help = "User and system CPU time spent." },
	    offsetof(struct process_usage, cpu_seconds) },
	{ { .name = "process_resident_memory_bytes",
	      .type = "gauge",
	      .help = "Resident memory." },
	    offsetof(struct process_usage, resident_bytes) },
	{ { .name = "process_virtual_memory_bytes",
	      .type = "gauge",
	      .help = "Virtual memory." },
	    offsetof(struct process_usage, virtual_bytes) },
	{ { .name = "process_open_fds",
	      .type = "gauge",
	      .help = "Open file descriptors." },
	    offsetof(struct process_usage, open_fds) },
	{ { .name = "process_max_fds",
	      .type = "gauge",
	      .help = "Limit of open file descriptors." },
	    offsetof(struct process_usage, max_fds) },
};

static void
render_process(struct output *out)
{
	struct process_usage usage;
	double value;
	size_t i;

	process_measure(&usage);
	for (i = 0; i < sizeof(process_metrics) / sizeof(process_metrics[0]);
	     i++) {
		out->metric = &process_metrics[i].metric;
		out->has_head = false;
		memcpy(&value, (const char *)&usage + process_metrics[i].offset,
		    sizeof(value));
		if (value >= 0)
			put(out, value, NULL);
	}
}

char *
metrics_render(const struct admin_view *view, size_t *len)
{
	struct output out = { .view = view };
	char *text = NULL;
	size_t i;

	out.file = text_open(&text, len);
	for (i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		render_metric(&out, &metrics[i]);
	render_process(&out);
	text_close(out.file);
	return text;
}
