#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "proxy/admin/metrics.h"
#include "tests/unit/admin_fixture.h"

#define SERIES_MAX 60

static char *
render(const struct fixture *f)
{
	size_t len;
	char *text = metrics_render(&f->view, &len);

	assert_int_equal(strlen(text), len);
	return text;
}

/* Whole lines: a value must not be the begin of another. */
static bool
has_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	const char *at;

	for (at = text; (at = strstr(at, line)) != NULL; at++)
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

static void
assert_lines(const char *text, const char *const *lines)
{
	for (; *lines != NULL; lines++)
		if (!has_line(text, *lines))
			fail_msg("missing: %s\n%s", *lines, text);
}

static unsigned
count_series(const char *text)
{
	unsigned count = 0;

	for (; *text != '\0'; text = strchr(text, '\n') + 1)
		count += *text != '#';
	return count;
}

static void
scrape_normally(struct fixture *f)
{
	fixture_add(f, 0, REASON_OK);
	stats_request(f->stats->targets, 0, 200, CACHE_MISS);
	stats_request(f->stats->targets, 0, 200, CACHE_SHARED);
	stats_request(f->stats->targets, 1, 200, CACHE_NONE);
}

/* The bill of one pod: TLS, admin listener, one target that is scraped. */
static void
stays_within_the_budget(void **state)
{
	struct fixture f;
	unsigned series;
	char *text;

	(void)state;
	fixture_init(&f, 1);
	scrape_normally(&f);
	text = render(&f);
	series = count_series(text);
	print_message("%u series\n", series);
	assert_in_range(series, 40, SERIES_MAX);
	free(text);
	fixture_fini(&f);
}

static void
shows_a_good_target(void **state)
{
	static const char *const lines[] = {
		"# TYPE scrapegate_scrapes_total counter",
		"scrapegate_scrapes_total{target=\"node\",reason=\"ok\"} 1",
		"scrapegate_scrape_failures_total{target=\"node\","
		"layer=\"dns\"} 0",
		"scrapegate_scrape_failures_total{target=\"node\","
		"layer=\"exposition\"} 0",
		"# TYPE scrapegate_scrape_phase_seconds summary",
		"scrapegate_scrape_phase_seconds_sum{target=\"node\","
		"phase=\"processing\"} 0.7",
		"scrapegate_scrape_phase_seconds_count{target=\"node\","
		"phase=\"processing\"} 1",
		"scrapegate_scrape_phase_seconds_count{target=\"node\","
		"phase=\"tls\"} 0",
		"# TYPE scrapegate_scrape_duration_seconds histogram",
		"scrapegate_scrape_duration_seconds_bucket{target=\"node\","
		"le=\"0.5\"} 0",
		"scrapegate_scrape_duration_seconds_bucket{target=\"node\","
		"le=\"2.5\"} 1",
		"scrapegate_scrape_duration_seconds_bucket{target=\"node\","
		"le=\"+Inf\"} 1",
		"scrapegate_scrape_duration_seconds_sum{target=\"node\"} "
		"0.701563",
		"scrapegate_scrape_duration_seconds_count{target=\"node\"} 1",
		"scrapegate_requests_total{target=\"node\",code=\"200\","
		"cache=\"miss\"} 1",
		"scrapegate_requests_total{target=\"\",code=\"200\","
		"cache=\"none\"} 1",
		"scrapegate_target_up{target=\"node\"} 1",
		"scrapegate_target_samples{target=\"node\"} 77",
		"scrapegate_target_body_bytes{target=\"node\"} 5120",
		"scrapegate_tls_handshakes_total{result=\"ok\"} 0",
		"scrapegate_certificate_not_after_timestamp_seconds"
		"{role=\"server\",subject=\"CN=gate\"} 1800000000",
		"scrapegate_connections 0",
		"scrapegate_listener_up{role=\"gate\"} 1",
		"scrapegate_listener_up{role=\"admin\"} 1",
		"scrapegate_config_last_reload_successful 1",
		"scrapegate_config_last_reload_success_timestamp_seconds "
		"1795338153.49712",
		"scrapegate_build_info{version=\"" SCRAPEGATE_VERSION "\"} 1",
		"process_start_time_seconds 1795338153.49712",
		"# TYPE process_resident_memory_bytes gauge",
		"# TYPE process_open_fds gauge", NULL
	};
	struct fixture f;
	char *text;

	(void)state;
	fixture_init(&f, 1);
	scrape_normally(&f);
	text = render(&f);
	assert_lines(text, lines);
	assert_null(strstr(text, "failure_info"));
	assert_null(strstr(text, "refusals"));
	assert_null(strstr(text, "code=\"502\""));
	free(text);
	fixture_fini(&f);
}

static void
shows_a_failing_target(void **state)
{
	static const char *const lines[] = {
		"scrapegate_scrapes_total{target=\"node\",reason=\"ok\"} 0",
		"scrapegate_scrapes_total{target=\"node\","
		"reason=\"connect_refused\"} 2",
		"scrapegate_scrape_failures_total{target=\"node\","
		"layer=\"tcp\"} 2",
		"scrapegate_target_failure_info{target=\"node\","
		"reason=\"connect_refused\"} 1",
		"scrapegate_target_up{target=\"node\"} 0", NULL
	};
	struct fixture f;
	char *text;

	(void)state;
	fixture_init(&f, 1);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	fixture_add(&f, 0, REASON_CONNECT_REFUSED);
	text = render(&f);
	assert_lines(text, lines);
	assert_null(strstr(text, "last_success_timestamp"));
	assert_null(strstr(text, "target_samples"));
	free(text);
	fixture_fini(&f);
}

static void
says_nothing_of_the_unknown(void **state)
{
	struct fixture f;
	char *text;

	(void)state;
	fixture_init(&f, 1);
	f.view.certificate_count = 0;
	text = render(&f);
	assert_true(has_line(
	    text, "scrapegate_scrapes_total{target=\"node\",reason=\"ok\"} 0"));
	assert_null(strstr(text, "scrapegate_target_up"));
	assert_null(strstr(text, "tls_handshakes"));
	assert_null(strstr(text, "certificate"));
	assert_null(strstr(text, "requests_total"));
	free(text);
	fixture_fini(&f);
}

/* Labels do not repeat, and a revocation list may have no end. */
static void
shows_handshakes_and_certificates(void **state)
{
	static const char *const lines[] = {
		"scrapegate_tls_handshakes_total{result=\"ok\"} 1",
		"scrapegate_tls_handshakes_total{result=\"plain_http\"} 2",
		"scrapegate_certificate_not_after_timestamp_seconds"
		"{role=\"server\",subject=\"CN=gate\"} 1800000000",
		"scrapegate_certificate_not_after_timestamp_seconds"
		"{role=\"client_ca\",subject=\"CN=ca\"} 1900000000",
		"scrapegate_certificate_not_after_timestamp_seconds"
		"{role=\"crl\",subject=\"CN=ca\"} 1850000000",
		NULL
	};
	struct fixture f;
	char *text;

	(void)state;
	fixture_init(&f, 1);
	f.view.certificate_count =
	    sizeof(fixture_certificates) / sizeof(fixture_certificates[0]);
	stats_add(&f.stats->handshakes_ok);
	stats_add(&f.stats->handshakes_failed[TLS_FAILURE_PLAIN_HTTP]);
	stats_add(&f.stats->handshakes_failed[TLS_FAILURE_PLAIN_HTTP]);
	text = render(&f);
	assert_lines(text, lines);
	assert_null(strstr(text, "result=\"closed\""));
	assert_null(strstr(text, "2000000000"));
	free(text);
	fixture_fini(&f);
}

static void
shows_what_is_down(void **state)
{
	static const char *const lines[] = {
		"scrapegate_listener_up{role=\"gate\"} 0",
		"scrapegate_listener_up{role=\"admin\"} 0",
		"scrapegate_config_last_reload_successful 0",
		"scrapegate_refusals_total{reason=\"body_refused\"} 2",
		"scrapegate_connections_refused_total"
		"{limit=\"max_per_address\"} 2",
		"scrapegate_accept_errors_total 1",
		"scrapegate_underscore_headers_total 1", NULL
	};
	struct fixture f;
	char *text;

	(void)state;
	fixture_init(&f, 1);
	f.view.is_ready = false;
	f.view.admin_listen_failed = true;
	f.view.last_reload_ok = false;
	stats_add(&f.stats->refusals[REASON_BODY_REFUSED]);
	stats_add(&f.stats->refusals[REASON_BODY_REFUSED]);
	stats_add(&f.stats->connections_refused[TALLY_ADDRESS]);
	stats_add(&f.stats->connections_refused[TALLY_ADDRESS]);
	stats_add(&f.stats->accept_errors);
	stats_add(&f.stats->underscore_headers);
	text = render(&f);
	assert_lines(text, lines);
	free(text);
	fixture_fini(&f);
}

static void
sums_over_workers(void **state)
{
	struct stats *workers[2];
	struct fixture f;
	char *text;

	(void)state;
	fixture_init(&f, 1);
	workers[0] = f.stats;
	workers[1] = stats_new(1);
	f.view.stats = workers;
	f.view.stats_count = 2;
	stats_request(workers[0]->targets, 0, 504, CACHE_HIT);
	stats_request(workers[1]->targets, 0, 504, CACHE_HIT);
	stats_add(&workers[0]->connections_open);
	stats_add(&workers[1]->connections_open);
	stats_add(&workers[1]->connections_open);
	stats_sub(&workers[1]->connections_open);
	text = render(&f);
	assert_true(
	    has_line(text, "scrapegate_requests_total"
			   "{target=\"node\",code=\"504\",cache=\"hit\"} 2"));
	assert_true(has_line(text, "scrapegate_connections 2"));
	free(text);
	stats_free(workers[1]);
	fixture_fini(&f);
}

static void
escapes_label_values(void **state)
{
	struct fixture f;
	char *text;

	(void)state;
	fixture_init(&f, 3);
	text = render(&f);
	assert_true(has_line(text, "scrapegate_scrapes_total{target="
				   "\"we\\\"ird\\\\\\n<b>\",reason=\"ok\"} 0"));
	free(text);
	fixture_fini(&f);
}

/* More of the same: what there is by default stays as it is. */
static void
tells_more_if_asked(void **state)
{
	static const char *const lines[] = {
		"# TYPE scrapegate_scrape_phase_seconds histogram",
		"scrapegate_scrape_phase_seconds_bucket{target=\"node\","
		"phase=\"connect\",le=\"0.001\"} 0",
		"scrapegate_scrape_phase_seconds_bucket{target=\"node\","
		"phase=\"connect\",le=\"0.0025\"} 1",
		"scrapegate_scrape_phase_seconds_bucket{target=\"node\","
		"phase=\"processing\",le=\"0.5\"} 0",
		"scrapegate_scrape_phase_seconds_bucket{target=\"node\","
		"phase=\"processing\",le=\"1\"} 1",
		"scrapegate_scrape_phase_seconds_bucket{target=\"node\","
		"phase=\"processing\",le=\"+Inf\"} 1",
		"scrapegate_scrape_phase_seconds_bucket{target=\"node\","
		"phase=\"tls\",le=\"+Inf\"} 0",
		"scrapegate_scrape_phase_seconds_sum{target=\"node\","
		"phase=\"processing\"} 0.7",
		"scrapegate_scrape_phase_seconds_count{target=\"node\","
		"phase=\"processing\"} 1",
		"scrapegate_scrapes_total{target=\"node\",reason=\"ok\"} 1",
		"scrapegate_scrapes_total{target=\"node\","
		"reason=\"connect_refused\"} 0",
		"scrapegate_scrapes_total{target=\"node\","
		"reason=\"client_gone\"} 0",
		"scrapegate_refusals_total{reason=\"path_unknown\"} 0",
		NULL,
	};
	struct fixture f;
	char *text;

	(void)state;
	fixture_init(&f, 1);
	f.conf.metrics_detail = CONF_METRICS_FULL;
	scrape_normally(&f);
	text = render(&f);
	assert_lines(text, lines);
	assert_null(strstr(text, "phase_seconds summary"));
	assert_null(strstr(
	    text, "scrapes_total{target=\"node\",reason=\"path_unknown\"}"));
	assert_null(strstr(text, "refusals_total{reason=\"connect_refused\"}"));
	free(text);
	fixture_fini(&f);
}

static void
satisfy_promtool(enum conf_metrics_detail detail)
{
	struct fixture f;
	FILE *promtool;
	char *text;

	fixture_init(&f, 3);
	f.conf.metrics_detail = detail;
	scrape_normally(&f);
	fixture_add(&f, 1, REASON_CONNECT_REFUSED);
	fixture_add(&f, 2, REASON_UNEXPLAINED);
	stats_add(&f.stats->refusals[REASON_BODY_REFUSED]);
	stats_add(&f.stats->accept_errors);
	stats_add(&f.stats->underscore_headers);
	text = render(&f);
	/* It prints what it dislikes, and may still exit with 0. */
	promtool = popen("o=$(promtool check metrics 2>&1) || exit 1; "
			 "test -z \"$o\"",
	    "w");
	assert_non_null(promtool);
	fputs(text, promtool);
	assert_int_equal(pclose(promtool), 0);
	free(text);
	fixture_fini(&f);
}

static void
satisfies_promtool(void **state)
{
	(void)state;
	if (system("command -v promtool >/dev/null") != 0)
		skip();
	satisfy_promtool(CONF_METRICS_NORMAL);
	satisfy_promtool(CONF_METRICS_FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_within_the_budget),
		cmocka_unit_test(shows_a_good_target),
		cmocka_unit_test(shows_a_failing_target),
		cmocka_unit_test(says_nothing_of_the_unknown),
		cmocka_unit_test(shows_handshakes_and_certificates),
		cmocka_unit_test(shows_what_is_down),
		cmocka_unit_test(sums_over_workers),
		cmocka_unit_test(escapes_label_values),
		cmocka_unit_test(tells_more_if_asked),
		cmocka_unit_test(satisfies_promtool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
