#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "auth/refusals.h"
#include "conf/load.h"
#include "proxy/diagnosis/parts.h"
#include "proxy/admin/endpoints.h"
#include "proxy/diagnosis/bad_answer.h"
#include "proxy/diagnosis/notices.h"
#include "proxy/diagnosis/resources.h"
#include "proxy/admin/query.h"
#include "proxy/gate/handshakes.h"
#include "tests/unit/admin_fixture.h"

static int
set_up(void **state)
{
	*state = xcalloc(1, sizeof(struct fixture));
	fixture_init(*state, 3);
	return 0;
}

static int
tear_down(void **state)
{
	fixture_fini(*state);
	free(*state);
	return 0;
}

static struct response
get(const struct fixture *f, const char *uri)
{
	struct response response;

	endpoints_answer(ENDPOINTS_ADMIN, "GET", uri, &f->view, &response);
	assert_int_equal(response.len, strlen(response.body));
	return response;
}

static void
assert_body(const struct fixture *f, const char *uri, const char *expected)
{
	struct response response = get(f, uri);

	assert_int_equal(response.status, 200);
	assert_string_equal(response.content_type, "application/json");
	assert_string_equal(response.body, expected);
	response_fini(&response);
}

static void
assert_has(const struct response *response, const char *part)
{
	if (strstr(response->body, part) == NULL)
		fail_msg("missing: %s\n%s", part, response->body);
}

static void
assert_lacks(const struct response *response, const char *part)
{
	if (strstr(response->body, part) != NULL)
		fail_msg("unwanted: %s\n%s", part, response->body);
}

#define NO_PHASES                                                              \
	"{\"queue\":0,\"resolve\":0,\"connect\":0,\"tls\":0,"                  \
	"\"processing\":0,\"transfer\":0,\"parse\":0}"
#define PHASES                                                                 \
	"{\"queue\":0,\"resolve\":0,\"connect\":0.0015,\"tls\":0,"             \
	"\"processing\":0.7,\"transfer\":0,\"parse\":0}"

static void
shows_a_target_never_scraped(void **state)
{
	assert_body(*state, "/api/v1/targets?scrapePool=node",
	    "{\"status\":\"success\",\"data\":{\"activeTargets\":[{"
	    "\"discoveredLabels\":{\"__address__\":\"127.0.0.1:9100\","
	    "\"__metrics_path__\":\"/metrics\",\"__scheme__\":\"http\","
	    "\"__scrape_interval__\":\"0s\",\"__scrape_timeout__\":\"10s\","
	    "\"job\":\"node\"},"
	    "\"labels\":{\"instance\":\"127.0.0.1:9100\",\"job\":\"node\"},"
	    "\"scrapePool\":\"node\","
	    "\"scrapeUrl\":\"http://127.0.0.1:9100/metrics\","
	    "\"globalUrl\":\"http://127.0.0.1:9100/metrics\","
	    "\"scrapeInterval\":\"0s\",\"scrapeTimeout\":\"10s\","
	    "\"lastError\":\"\",\"lastScrape\":\"0001-01-01T00:00:00Z\","
	    "\"lastScrapeDuration\":0,\"health\":\"unknown\","
	    "\"scrapeReason\":{\"id\":\"\",\"layer\":\"\",\"phase\":\"\","
	    "\"words\":\"\",\"cause\":\"\",\"fix\":\"\",\"evidence\":[]},"
	    "\"scrapePhases\":" NO_PHASES ","
	    "\"scrapeNotices\":[],\"scrapeWarnings\":[],"
	    "\"scrapeFacts\":{}}],"
	    "\"droppedTargets\":[],\"droppedTargetCounts\":{}}}");
}

static void
shows_a_good_target(void **state)
{
	struct response response;

	fixture_add(*state, 0, REASON_OK);
	response = get(*state, "/api/v1/targets");
	assert_has(&response, "\"health\":\"up\"");
	assert_has(&response, "\"lastError\":\"\"");
	assert_has(&response, "\"lastScrapeDuration\":0.701563,");
	assert_has(&response, "\"scrapeTimeout\":\"1s250ms\"");
	assert_has(&response,
	    "\"scrapeReason\":{\"id\":\"ok\","
	    "\"layer\":\"none\",\"phase\":\"\",\"words\":\"\",");
	assert_has(&response, "\"scrapePhases\":" PHASES);
	assert_lacks(&response, "null");
	response_fini(&response);
}

static void
shows_a_failing_target(void **state)
{
	struct response response;

	fixture_add(*state, 0, REASON_TIMEOUT_CONNECT);
	fixture_add(*state, 0, REASON_CLIENT_GONE);
	response = get(*state, "/api/v1/targets?scrapePool=node");
	assert_has(&response, "\"health\":\"down\"");
	assert_has(&response,
	    "\"lastError\":"
	    "\"Get \\\"http://127.0.0.1:9100/metrics\\\": error\"");
	assert_has(&response,
	    "\"scrapeReason\":{\"id\":\"timeout_connect\","
	    "\"layer\":\"timeout\",\"phase\":\"connect\","
	    "\"words\":\"words of <timeout_connect>\","
	    "\"cause\":\"a cause\",\"fix\":\"line one\\nline two\","
	    "\"evidence\":[{\"text\":\"no reply in 9.5 s\","
	    "\"kind\":\"measured\"},"
	    "{\"text\":\"old <script> & \\\"co\\\"\","
	    "\"kind\":\"inferred\"},"
	    "{\"text\":\"just so\",\"kind\":\"unknown\"}]}");
	response_fini(&response);
}

/* No direct scrape fails so: the words are those of one through the gate. */
static void
names_the_gates_own_failures(void **state)
{
	struct response response;

	fixture_add(*state, 0, REASON_MEMORY_BUDGET_EXCEEDED);
	response = get(*state, "/api/v1/targets");
	assert_has(&response, "\"lastError\":\"server returned HTTP status "
			      "503 memory_budget_exceeded: words of "
			      "<memory_budget_exceeded>\"");
	response_fini(&response);
}

static void
names_every_kind_of_instance(void **state)
{
	struct response response = get(*state, "/api/v1/targets");

	assert_has(&response, "\"instance\":\"127.0.0.1:9100\"");
	assert_has(&response, "\"instance\":\"[2001:db8::5]:9104\"");
	assert_has(&response, "\"instance\":\"/run/exporter.sock\"");
	assert_has(&response, "\"__scheme__\":\"https\"");
	assert_has(&response, "\"job\":\"we\\\"ird\\\\\\n<b>\"");
	response_fini(&response);
}

static void
filters_targets(void **state)
{
	static const struct {
		const char *uri;
		unsigned count;
	} rows[] = {
		{ "/api/v1/targets", 3 },
		{ "/api/v1/targets?", 3 },
		{ "/api/v1/targets?state=active", 3 },
		{ "/api/v1/targets?state=ANY", 3 },
		{ "/api/v1/targets?state=", 3 },
		{ "/api/v1/targets?state=dropped", 0 },
		{ "/api/v1/targets?state=nonsense", 0 },
		{ "/api/v1/targets?scrapePool=mysql", 1 },
		{ "/api/v1/targets?x=1&scrapePool=%6dysql&state=any", 1 },
		{ "/api/v1/targets?scrapePool=none", 0 },
		{ "/api/v1/targets?scrapePool=node&state=dropped", 0 },
	};
	struct response response;
	unsigned count;
	const char *at;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		response = get(*state, rows[i].uri);
		count = 0;
		for (at = response.body;
		     (at = strstr(at, "\"health\"")) != NULL; at++)
			count++;
		if (count != rows[i].count)
			fail_msg("%s: %u targets", rows[i].uri, count);
		response_fini(&response);
	}
}

static void
lists_pools_sorted(void **state)
{
	assert_body(*state, "/api/v1/scrape_pools",
	    "{\"status\":\"success\",\"data\":{\"scrapePools\":["
	    "\"mysql\",\"node\",\"we\\\"ird\\\\\\n<b>\"]}}");
}

static void
lists_scrapes_newest_first(void **state)
{
	struct response response;
	const char *refused, *ok;

	assert_body(*state, "/api/v1/scrapes",
	    "{\"status\":\"success\",\"data\":{\"scrapes\":[]}}");
	fixture_add(*state, 0, REASON_OK);
	fixture_add(*state, 1, REASON_CONNECT_REFUSED);
	response = get(*state, "/api/v1/scrapes");
	refused = strstr(response.body, "\"reason\":\"connect_refused\"");
	ok = strstr(response.body, "\"reason\":\"ok\"");
	assert_non_null(refused);
	assert_non_null(ok);
	assert_true(refused < ok);
	assert_has(&response,
	    "\"target\":\"node\",\"scraper\":\"10.0.0.9\","
	    "\"reason\":\"ok\",\"layer\":\"none\",\"phase\":\"\","
	    "\"words\":\"\",\"cause\":\"\",\"fix\":\"\",\"evidence\":[],"
	    "\"duration\":0.701563,\"phases\":" PHASES ","
	    "\"status\":200,\"bytes\":1000,\"samples\":77,"
	    "\"bodyBytes\":5120,\"lastError\":\"\",\"timeout\":1.25,"
	    "\"waiters\":2,\"reused\":false,\"delivered\":true,"
	    "\"restarted\":false,\"warnings\":[]}");
	response_fini(&response);

	response = get(*state, "/api/v1/scrapes?limit=1");
	assert_has(&response, "connect_refused");
	assert_lacks(&response, "\"ok\"");
	response_fini(&response);
	response = get(*state, "/api/v1/scrapes?target=node&limit=5");
	assert_lacks(&response, "connect_refused");
	assert_has(&response, "\"ok\"");
	response_fini(&response);
}

static void
lists_failed_handshakes_newest_first(void **state)
{
	struct fixture *f = *state;
	struct handshakes *all = handshakes_new();
	struct handshake *one = xcalloc(1, sizeof(*one));

	f->view.handshakes = all;
	assert_body(f, "/api/v1/tls_handshakes",
	    "{\"status\":\"success\",\"data\":{\"failures\":[]}}");
	one->wall_us = FIXTURE_WALL_US;
	one->failure = TLS_FAILURE_CERTIFICATE_EXPIRED;
	one->port = 49152;
	one->count = 3;
	strcpy(one->address, "10.0.0.7");
	strcpy(one->words, "words");
	strcpy(one->subject, "CN=\"x\"");
	strcpy(one->server_name, "gate.test");
	handshakes_add(all, one);
	one = xcalloc(1, sizeof(*one));
	one->failure = TLS_FAILURE_CLOSED;
	one->count = 1;
	handshakes_add(all, one);
	assert_body(f, "/api/v1/tls_handshakes",
	    "{\"status\":\"success\",\"data\":{\"failures\":["
	    "{\"time\":\"0001-01-01T00:00:00Z\",\"peer\":\"\","
	    "\"reason\":\"closed\",\"words\":\"\",\"subject\":\"\","
	    "\"serverName\":\"\",\"count\":1},"
	    "{\"time\":\"2026-11-22T09:02:33.497Z\","
	    "\"peer\":\"10.0.0.7:49152\","
	    "\"reason\":\"client_certificate_expired\","
	    "\"words\":\"words\",\"subject\":\"CN=\\\"x\\\"\","
	    "\"serverName\":\"gate.test\",\"count\":3}]}}");
	f->view.handshakes = NULL;
	handshakes_free(all);
}

static void
lists_failures_folded(void **state)
{
	struct response response;
	const char *first;

	assert_body(*state, "/api/v1/failures",
	    "{\"status\":\"success\",\"data\":{\"failures\":[]}}");
	fixture_add(*state, 0, REASON_OK);
	fixture_add(*state, 0, REASON_TIMEOUT_CONNECT);
	fixture_add(*state, 1, REASON_CONNECT_REFUSED);
	fixture_add(*state, 1, REASON_CONNECT_REFUSED);
	response = get(*state, "/api/v1/failures");
	assert_lacks(&response, "\"ok\"");
	assert_lacks(&response, "\"next\"");
	first = strstr(response.body, "\"target\":\"mysql\"");
	assert_true(first < strstr(response.body, "\"target\":\"node\""));
	assert_has(&response,
	    "\"reason\":\"connect_refused\",\"layer\":\"tcp\","
	    "\"phase\":\"connect\",\"words\":\"words of <connect_refused>\","
	    "\"cause\":\"a cause\",\"fix\":\"line one\\nline two\","
	    "\"evidence\":[{\"text\":\"no reply in 9.5 s\","
	    "\"kind\":\"measured\"}");
	assert_has(&response, "\"count\":2,\"first\":\"2026-11-22T09:");
	assert_has(&response, "\"incidentId\":\"mysql@2026-11-22T09:");
	response_fini(&response);
	response = get(*state, "/api/v1/failures?target=node");
	assert_lacks(&response, "mysql");
	assert_has(&response, "timeout_connect");
	response_fini(&response);
	response = get(*state, "/api/v1/failures?reason=connect_refused");
	assert_lacks(&response, "timeout_connect");
	assert_has(&response, "\"count\":2,");
	response_fini(&response);
	assert_body(*state, "/api/v1/failures?target=nobody",
	    "{\"status\":\"success\",\"data\":{\"failures\":[]}}");
}

/* `since` in all its forms: what is asked, and is it there? */
static void
knows_since_when(void **state)
{
	static const struct {
		const char *since;
		bool has;
	} rows[] = {
		{ "2026-11-22T09:02:33Z", true },
		{ "2026-11-22T10%3A02%3A33%2B01:00", true },
		{ "2030-01-01T00:00:00Z", false },
		{ "1795338153", true },
		{ "1795338153.497", true },
		{ "1900000000", false },
		{ "200y", true },
	};
	static const char *const lists[] = { "scrapes", "failures",
		"incidents" };
	struct response response;
	char uri[128];
	size_t i, n;

	fixture_add(*state, 0, REASON_CONNECT_REFUSED);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (n = 0; n < 3; n++) {
			snprintf(uri, sizeof(uri), "/api/v1/%s?since=%s",
			    lists[n], rows[i].since);
			response = get(*state, uri);
			assert_int_equal(response.status, 200);
			if ((strstr(response.body, "connect_refused") !=
				NULL) != rows[i].has)
				fail_msg("%s: %s", uri, response.body);
			response_fini(&response);
		}
}

/* Page by page: each item once, in order, whatever comes meanwhile. */
static void
turns_pages(void **state)
{
	static const struct {
		const char *list;
		const char *key;
	} rows[] = {
		{ "scrapes", "{\"time\":" },
		{ "failures", "{\"time\":" },
		{ "incidents", "{\"id\":" },
	};
	char uri[256], next[160];
	struct response response;
	size_t i, pages, items;
	const char *at, *end;

	for (i = 0; i < 7; i++) {
		fixture_add(*state, 0, REASON_CONNECT_REFUSED);
		fixture_add(*state, 0, REASON_OK);
	}
	for (i = 0; i < 3; i++) {
		next[0] = '\0';
		pages = items = 0;
		do {
			snprintf(uri, sizeof(uri),
			    "/api/v1/%s?limit=2&reason=connect_refused%s%s",
			    rows[i].list, *next != '\0' ? "&cursor=" : "",
			    next);
			response = get(*state, uri);
			for (at = response.body;
			     (at = strstr(at, rows[i].key)) != NULL; at++)
				items++;
			at = strstr(response.body, "],\"next\":\"");
			next[0] = '\0';
			if (at != NULL) {
				at += strlen("],\"next\":\"");
				end = strchr(at, '"');
				memcpy(next, at, (size_t)(end - at));
				next[end - at] = '\0';
			}
			response_fini(&response);
			/* What is new is not on a page behind. */
			fixture_add(*state, 1, REASON_CONNECT_REFUSED);
			fixture_add(*state, 1, REASON_OK);
			pages++;
		} while (next[0] != '\0' && pages < 100);
		/* The new ones of the lists before are there, too. */
		assert_int_equal(items, 7 + (i == 0 ? 0 : i == 1 ? 4 : 10));
		assert_int_equal(pages, (items + 1) / 2);
	}
}

static void
lists_incidents(void **state)
{
	struct response response;

	assert_body(*state, "/api/v1/incidents",
	    "{\"status\":\"success\",\"data\":{\"incidents\":[]}}");
	fixture_add(*state, 0, REASON_CONNECT_REFUSED);
	fixture_add(*state, 0, REASON_CONNECT_REFUSED);
	fixture_add(*state, 0, REASON_TIMEOUT_BODY);
	response = get(*state, "/api/v1/incidents?target=node");
	assert_has(&response, "\"target\":\"node\",\"state\":\"open\",");
	assert_lacks(&response, "\"end\"");
	assert_has(&response,
	    "\"count\":3,\"reason\":\"timeout_body\","
	    "\"words\":\"words of <timeout_body>\","
	    "\"reasons\":[{\"reason\":\"connect_refused\",\"count\":2},"
	    "{\"reason\":\"timeout_body\",\"count\":1}],"
	    "\"otherReasons\":0,\"restarts\":0,\"gateRestarts\":0}]");
	response_fini(&response);
	fixture_add(*state, 0, REASON_OK);
	response = get(*state, "/api/v1/incidents");
	assert_has(&response, "\"state\":\"recovered\"");
	assert_has(&response, "\"end\":\"2026-");
	response_fini(&response);
	response = get(*state, "/api/v1/incidents?reason=dns_nxdomain");
	assert_lacks(&response, "recovered");
	response_fini(&response);
}

static void
refuses_bad_parameters(void **state)
{
	static const struct {
		const char *parameter;
		const char *name;
	} rows[] = {
		{ "limit=0", "limit" },
		{ "limit=-1", "limit" },
		{ "limit=", "limit" },
		{ "limit=1x", "limit" },
		{ "limit=99999999999", "limit" },
		{ "since=yesterday", "since" },
		{ "since=", "since" },
		{ "since=2026-13-01T00:00:00Z", "since" },
		{ "since=-5", "since" },
		{ "since=1e999", "since" },
		{ "reason=no_such", "reason" },
		{ "cursor=", "cursor" },
		{ "cursor=x", "cursor" },
	};
	static const char *const lists[] = { "scrapes", "failures",
		"incidents" };
	struct response response;
	char text[128];
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (n = 0; n < 3; n++) {
			snprintf(text, sizeof(text), "/api/v1/%s?%s", lists[n],
			    rows[i].parameter);
			response = get(*state, text);
			assert_int_equal(response.status, 400);
			snprintf(text, sizeof(text),
			    "{\"status\":\"error\",\"errorType\":"
			    "\"bad_data\",\"error\":\"invalid parameter "
			    "\\\"%s\\\": ",
			    rows[i].name);
			assert_has(&response, text);
			response_fini(&response);
		}
}

static void
tells_build_and_runtime(void **state)
{
	struct response response;

	response = get(*state, "/api/v1/status/buildinfo");
	assert_has(&response, "\"version\":\"" SCRAPEGATE_VERSION "\"");
	response_fini(&response);
	response = get(*state, "/api/v1/status/runtimeinfo");
	assert_has(&response, "\"startTime\":\"2026-11-22T09:02:33.497Z\"");
	assert_has(&response, "\"reloadConfigSuccess\":true");
	response_fini(&response);
}

static void
shows_the_configuration(void **state)
{
	static const char yaml[] =
	    "self_signed: true\n"
	    "targets:\n"
	    "- name: node\n"
	    "  url: http://127.0.0.1:9100/metrics\n"
	    "  basic_auth: {username: me, password: hunter2}\n";
	static const struct conf_source source = {
		.file = "gate.yml", .text = yaml, .text_len = sizeof(yaml) - 1
	};
	struct fixture *f = *state;
	struct response response;
	struct conf_report report = { 0 };
	struct conf *conf;

	conf = conf_load(&source, &report);
	if (conf == NULL)
		fail_msg("%s", report.errors);
	f->view.conf = conf;
	response = get(f, "/api/v1/status/config");
	assert_int_equal(response.status, 200);
	assert_has(&response, "{\"status\":\"success\","
			      "\"data\":{\"yaml\":\"");
	assert_has(&response, "targets:\\n");
	assert_has(&response, "<secret>");
	assert_lacks(&response, "hunter2");
	response_fini(&response);
	f->view.conf = &f->conf;
	conf_unref(conf);
	conf_report_fini(&report);
}

static const struct {
	enum endpoints_listener listener;
	const char *method;
	const char *uri;
	int status;
} requests[] = {
	{ ENDPOINTS_ADMIN, "GET", "/", 302 },
	{ ENDPOINTS_ADMIN, "GET", "/targets", 200 },
	{ ENDPOINTS_ADMIN, "HEAD", "/targets", 200 },
	{ ENDPOINTS_ADMIN, "GET", "/targets?x", 200 },
	{ ENDPOINTS_ADMIN, "GET", "/metrics", 200 },
	{ ENDPOINTS_ADMIN, "GET", "/-/healthy", 200 },
	{ ENDPOINTS_ADMIN, "GET", "/-/ready", 200 },
	{ ENDPOINTS_ADMIN, "POST", "/metrics", 405 },
	{ ENDPOINTS_ADMIN, "DELETE", "/api/v1/targets", 405 },
	{ ENDPOINTS_ADMIN, "", "/metrics", 405 },
	{ ENDPOINTS_ADMIN, "G", "/metrics", 405 },
	{ ENDPOINTS_ADMIN, "EAD", "/metrics", 405 },
	{ ENDPOINTS_ADMIN, "GET", "/metrics/", 404 },
	{ ENDPOINTS_ADMIN, "GET", "/metrics%00", 404 },
	{ ENDPOINTS_ADMIN, "GET", "/%6detrics", 404 },
	{ ENDPOINTS_ADMIN, "GET", "//metrics", 404 },
	{ ENDPOINTS_ADMIN, "GET", "http://localhost/metrics", 404 },
	{ ENDPOINTS_ADMIN, "GET", "", 404 },
	{ ENDPOINTS_ADMIN, "GET", "/api/v1/nothing", 404 },
	{ ENDPOINTS_ADMIN, "POST", "/nothing", 404 },
	{ ENDPOINTS_HEALTH, "GET", "/-/healthy", 200 },
	{ ENDPOINTS_HEALTH, "HEAD", "/-/ready", 200 },
	{ ENDPOINTS_HEALTH, "POST", "/-/ready", 405 },
	{ ENDPOINTS_HEALTH, "GET", "/", 404 },
	{ ENDPOINTS_HEALTH, "GET", "/metrics", 404 },
	{ ENDPOINTS_HEALTH, "GET", "/targets", 404 },
	{ ENDPOINTS_HEALTH, "GET", "/api/v1/status/config", 404 },
	{ ENDPOINTS_GATE, "GET", "/-/metrics", 200 },
	{ ENDPOINTS_GATE, "GET", "/-/ready?target=node", 200 },
	{ ENDPOINTS_GATE, "GET", "/metrics", 404 },
	{ ENDPOINTS_GATE, "GET", "/-/reload", 404 },
	{ ENDPOINTS_GATE, "GET", "/api/v1/status/config", 404 },
	{ ENDPOINTS_ADMIN, "GET", "/-/metrics", 404 },
	{ ENDPOINTS_ADMIN, "GET", "/api/v1/targets/", 404 },
	{ ENDPOINTS_ADMIN, "GET", "/api/v1/targets/node", 404 },
	{ ENDPOINTS_ADMIN, "GET", "/api/v1/targets//last-bad-answer", 404 },
	{ ENDPOINTS_ADMIN, "GET", "/api/v1/targets/a/b/last-bad-answer", 404 },
	{ ENDPOINTS_ADMIN, "GET", "/api/v1/targets/node/last-bad-answer/",
	    404 },
	{ ENDPOINTS_ADMIN, "POST", "/api/v1/targets/node/last-bad-answer",
	    405 },
	{ ENDPOINTS_HEALTH, "GET", "/api/v1/targets/node/last-bad-answer",
	    404 },
};

static void
routes_requests(void **state)
{
	const struct fixture *f = *state;
	struct response response;
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		endpoints_answer(requests[i].listener, requests[i].method,
		    requests[i].uri, &f->view, &response);
		if (response.status != requests[i].status)
			fail_msg("row %zu: %s %s: %d", i, requests[i].method,
			    requests[i].uri, response.status);
		assert_true(
		    (response.status == 405) == (response.allow != NULL));
		assert_true(
		    (response.status == 302) == (response.location != NULL));
		response_fini(&response);
	}
	response = get(f, "/api/v1/nothing");
	assert_has(&response, "\"errorType\":\"not_found\"");
	response_fini(&response);
}

static struct bad_answer *
bad_answer_of(const char *head, const char *body)
{
	size_t len = strlen(head) + strlen(body);
	struct bad_answer *answer = xcalloc(1, sizeof(*answer) + len);

	answer->wall_us = FIXTURE_WALL_US;
	answer->reason = REASON_HTTP_SERVER_ERROR;
	snprintf(answer->words, sizeof(answer->words), "words");
	answer->head_len = strlen(head);
	answer->len = len;
	memcpy(answer->bytes, head, strlen(head));
	memcpy(answer->bytes + strlen(head), body, strlen(body));
	return answer;
}

static void
shows_the_last_bad_answer(void **state)
{
	static const char uri[] = "/api/v1/targets/mysql/last-bad-answer";
	struct fixture *f = *state;
	struct record *record;
	struct response response;

	response = get(f, uri);
	assert_int_equal(response.status, 404);
	assert_has(&response, "\"error\":\"no bad answer yet\"");
	response_fini(&response);
	response = get(f, "/api/v1/targets/mysq/last-bad-answer");
	assert_int_equal(response.status, 404);
	assert_has(&response, "\"error\":\"no target of this name\"");
	response_fini(&response);
	record = fixture_record(f, 1, REASON_HTTP_SERVER_ERROR);
	record->bad_answer = bad_answer_of("first", "");
	board_add(f->board, record);
	record = fixture_record(f, 1, REASON_HTTP_SERVER_ERROR);
	record->bad_answer =
	    bad_answer_of("HTTP/1.1 500 No\r\n\r\n", "<b>\"\\ \x01\xff\t\n");
	board_add(f->board, record);
	/* Neither a success nor a failure that says nothing takes it away. */
	fixture_add(f, 1, REASON_CONNECT_REFUSED);
	fixture_add(f, 1, REASON_OK);
	response = get(f, uri);
	assert_string_equal(response.body,
	    "{\"status\":\"success\",\"data\":{\"target\":\"mysql\","
	    "\"time\":\"2026-11-22T09:02:33.497Z\","
	    "\"reason\":\"http_server_error\",\"words\":\"words\","
	    "\"head\":\"HTTP/1.1 500 No\\r\\n\\r\\n\","
	    "\"body\":\"<b>\\\"\\\\\\\\ \\\\x01\\\\xff\\t\\n\","
	    "\"inflated\":false,\"truncated\":false}}");
	response_fini(&response);
}

static void
says_why_it_is_not_ready(void **state)
{
	struct fixture *f = *state;
	struct response response;

	f->view.is_ready = false;
	f->view.not_ready_reason = "certificate_missing";
	response = get(f, "/-/ready");
	assert_int_equal(response.status, 503);
	assert_string_equal(response.body, "not ready: certificate_missing\n");
	response_fini(&response);
	f->view.is_ready = true;
	f->view.is_draining = true;
	response = get(f, "/-/ready");
	assert_int_equal(response.status, 503);
	assert_string_equal(response.body, "not ready: draining\n");
	response_fini(&response);
	response = get(f, "/-/healthy");
	assert_int_equal(response.status, 200);
	response_fini(&response);
}

/* A dead exporter must not take the pod out of service. */
static void
is_ready_without_the_exporter(void **state)
{
	struct response response;

	fixture_add(*state, 0, REASON_CONNECT_REFUSED);
	response = get(*state, "/-/ready");
	assert_int_equal(response.status, 200);
	response_fini(&response);
}

static void
is_ready_with_the_exporter_asked_for(void **state)
{
	static const struct {
		enum reason reason;
		const char *query;
		int status;
		const char *text;
	} rows[] = {
		{ REASON_COUNT, "target=node", 200,
		    "ready: node has not been scraped yet\n" },
		{ REASON_CONNECT_REFUSED, "target=node", 503,
		    "not ready: node is down: connect_refused\n" },
		{ REASON_CLIENT_GONE, "target=node", 503,
		    "not ready: node is down: connect_refused\n" },
		{ REASON_OK, "target=node", 200, "ready: node is up\n" },
		{ REASON_BODY_EMPTY, "a&target=n%6fde", 200,
		    "ready: node is up\n" },
		{ REASON_TIMEOUT_BODY, "target=", 404,
		    "no target of this name\n" },
		{ REASON_OK, "target=nod", 404, "no target of this name\n" },
	};
	struct response response;
	char uri[64];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].reason != REASON_COUNT)
			fixture_add(*state, 0, rows[i].reason);
		snprintf(uri, sizeof(uri), "/-/ready?%s", rows[i].query);
		response = get(*state, uri);
		assert_int_equal(response.status, rows[i].status);
		assert_string_equal(response.body, rows[i].text);
		response_fini(&response);
	}
}

/* Every kind of deny; newest first. */
static struct refusals *
refuse_all(void)
{
	struct refusals *refusals = refusals_new();
	struct auth_verdict verdict = { .method = AUTH_METHOD_JWT,
		.detail = "expired 4m ago" };
	int result;

	for (result = AUTH_DENIED; result < AUTH_RESULT_COUNT; result++) {
		verdict.result = (enum auth_result)result;
		refusals_add(refusals, &verdict, "10.0.0.7",
		    "<script>\"&'\n\xc3\xa9", "/metrics");
	}
	verdict.is_authorization = true;
	refusals_add(refusals, &verdict, "unix", NULL, NULL);
	refusals_add(refusals, &verdict, "unix", NULL, NULL);
	return refusals;
}

static void
lists_refusals_newest_first(void **state)
{
	static const char *const parts[] = {
		"\"count\":2,\"method\":\"jwt\",\"result\":\"unavailable\","
		"\"reason\":\"authz_backend_unavailable\",\"peer\":\"unix\","
		"\"user\":\"\",\"path\":\"\",\"detail\":\"expired 4m ago\"},{",
		"\"count\":1,\"method\":\"jwt\",\"result\":\"unavailable\","
		"\"reason\":\"authn_backend_unavailable\",\"peer\":\"10.0.0."
		"7\","
		"\"user\":\"<script>\\\\\\\"&'\\\\n\\\\xc3\\\\xa9\","
		"\"path\":\"/metrics\",\"detail\":\"expired 4m ago\"},{",
		"\"result\":\"overloaded\",\"reason\":\"too_many_requests\",",
		"\"result\":\"limited\",\"reason\":\"too_many_requests\",",
		"\"result\":\"forbidden\",\"reason\":\"access_denied\",",
		"\"result\":\"missing\",\"reason\":\"credentials_missing\",",
		"\"result\":\"denied\",\"reason\":\"credentials_invalid\",",
	};
	struct fixture *f = *state;
	struct refusals *refusals = refuse_all();
	struct response response;
	const char *at, *next;
	size_t i;

	assert_body(f, "/api/v1/refusals",
	    "{\"status\":\"success\",\"data\":{\"refusals\":[]}}");
	f->view.refusals = refusals;
	response = get(f, "/api/v1/refusals");
	assert_string_equal(response.content_type, "application/json");
	assert_has(&response,
	    "{\"status\":\"success\",\"data\":{\"refusals\":[{\"time\":\"2");
	assert_has(&response, "Z\",\"first\":\"2");
	assert_has(&response, "Z\",\"last\":\"2");
	for (i = 0, at = response.body; i < sizeof(parts) / sizeof(parts[0]);
	     i++, at = next) {
		next = strstr(at, parts[i]);
		if (next == NULL)
			fail_msg("missing: %s\n%s", parts[i], response.body);
	}
	response_fini(&response);
	f->view.refusals = NULL;
	refusals_free(refusals);
}

static void
shows_refusals_on_the_page(void **state)
{
	struct fixture *f = *state;
	struct refusals *refusals = refuse_all();
	struct response response = get(f, "/targets");

	assert_null(strstr(response.body, "Not let in"));
	response_fini(&response);
	f->view.refusals = refusals;
	response = get(f, "/targets");
	assert_has(&response, "<h2>Not let in</h2>");
	assert_has(&response,
	    "ago</span></td><td class=\"n\">2</td><td class=\"bad\">"
	    "authz_backend_unavailable</td><td>unix</td><td></td><td></td>"
	    "<td>jwt</td><td class=\"words\">expired 4m ago</td></tr>\n");
	assert_has(&response,
	    "<td>10.0.0.7</td><td>&lt;script&gt;\\&quot;&amp;&#39;\\n"
	    "\\xc3\\xa9</td><td>/metrics</td>");
	assert_null(strstr(response.body, "<script"));
	response_fini(&response);
	f->view.refusals = NULL;
	refusals_free(refusals);
}

static void
draws_the_page(void **state)
{
	struct response response;

	fixture_add(*state, 0, REASON_CONNECT_REFUSED);
	fixture_add(*state, 2, REASON_OK);
	response = get(*state, "/targets");
	assert_string_equal(response.content_type, "text/html; charset=utf-8");
	assert_has(&response, "1 of 3 up");
	assert_has(&response, "badge down\">DOWN");
	assert_has(&response, "badge up\">UP");
	assert_has(&response, "badge unknown\">UNKNOWN");
	assert_has(&response, "502 <a href=\"/reasons#connect_refused\">"
			      "connect_refused</a>: words of "
			      "&lt;connect_refused&gt;");
	assert_has(&response, "<h2>Incidents</h2>");
	/* What is down comes first. */
	assert_has(&response, "<a href=\"#t-node\">node</a></td><td>"
			      "<a href=\"/reasons#connect_refused\">");
	assert_true(strstr(response.body, "#t-node") <
		    strstr(response.body, "#t-mysql"));
	assert_true(strstr(response.body, "#t-mysql") <
		    strstr(response.body, "#t-we&quot;ird"));
	assert_has(&response, "<td class=\"bad\">open</td>");
	assert_has(&response, "old &lt;script&gt; &amp; &quot;co&quot;");
	assert_has(&response, "(inferred)");
	assert_has(&response, "we&quot;ird\\\n&lt;b&gt;");
	assert_has(&response, "<i class=\"p4\" style=\"width:99.79%\"");
	assert_lacks(&response, "<script");
	assert_lacks(&response, "<b>\n");
	response_fini(&response);
}

/* In the API and on the page alike, and nowhere when it is over. */
static void
shows_notices(void **state)
{
	struct notices notices[3] = { 0 };
	struct fixture *f = *state;
	struct notice *notice = &notices[1].of[NOTICE_NOT_SCRAPED];
	struct response response;

	notice->is_on = true;
	notice->since_wall_us = FIXTURE_WALL_US;
	strcpy(notice->words, "nobody & co");
	strcpy(notice->seen, "so it is (measured); so it may be (unknown)");
	strcpy(notice->fix, "look for it");
	notices[1].interval_ms = 15000;
	f->view.notices = notices;
	response = get(f, "/api/v1/targets?scrapePool=mysql");
	assert_has(&response, "\"scrapeInterval\":\"15s\"");
	assert_has(&response, "\"scrapeNotices\":[{\"id\":\"not_scraped\","
			      "\"words\":\"nobody & co\",\"cause\":\"");
	assert_has(&response, "\"fix\":\"look for it\",\"evidence\":["
			      "{\"text\":\"so it is\",\"kind\":\"measured\"},"
			      "{\"text\":\"so it may be\","
			      "\"kind\":\"unknown\"}],"
			      "\"since\":\"2026-11-22T09:02:33.497Z\"}]");
	response_fini(&response);
	response = get(f, "/api/v1/targets?scrapePool=node");
	assert_has(&response, "\"scrapeNotices\":[]");
	response_fini(&response);
	response = get(f, "/targets");
	assert_has(&response, "<a href=\"/reasons#not_scraped\">not_scraped"
			      "</a>: nobody &amp; co");
	assert_has(&response, "scraped every 15s");
	response_fini(&response);
	notice->is_on = false;
	response = get(f, "/targets");
	assert_lacks(&response, "not_scraped");
	response_fini(&response);
	f->view.notices = NULL;
}

/* One anchor for each id, and the table's words as they stand there. */
static void
shows_the_manual(void **state)
{
	struct response response = get(*state, "/reasons");
	char text[80];
	int i;

	assert_string_equal(response.content_type, "text/html; charset=utf-8");
	for (i = REASON_OK + 1; i < REASON_COUNT; i++) {
		const char *id = reason_row((enum reason)i)->id;

		snprintf(text, sizeof(text), "id=\"%s\"><h2>%s</h2>", id, id);
		assert_has(&response, text);
		snprintf(text, sizeof(text), "href=\"#%s\"", id);
		assert_has(&response, text);
	}
	for (i = 0; i < NOTICE_COUNT; i++) {
		snprintf(text, sizeof(text), "id=\"%s\"",
		    notice_id((enum notice_kind)i));
		assert_has(&response, text);
	}
	for (i = RESOURCES_NONE + 1; i < RESOURCES_CAUSE_COUNT; i++) {
		snprintf(text, sizeof(text), "id=\"%s\"",
		    resources_cause_id((enum resources_cause)i));
		assert_has(&response, text);
	}
	assert_has(&response, "dial {network} {address}: connect: connection "
			      "refused");
	assert_lacks(&response, "<script");
	response_fini(&response);
}

static void
reads_queries(void **state)
{
	static const struct {
		const char *query;
		const char *value; /* NULL: none */
	} rows[] = {
		{ NULL, NULL },
		{ "", NULL },
		{ "a=1", "1" },
		{ "a=", "" },
		{ "a", "" },
		{ "b=2&a=1", "1" },
		{ "a=1&a=2", "1" },
		{ "&&a=1&", "1" },
		{ "%61=x+y%2b%26", "x y+&" },
		{ "a=b=c", "b=c" },
		{ "aa=1", NULL },
		{ "a=%zz", NULL },
		{ "a=%4", NULL },
		{ "a=%00", NULL },
		{ "a=%zz&a=2", "2" },
		{ "a=1234567890", "1234567" },
	};
	char value[8];
	bool found;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		found = query_get(rows[i].query, "a", value, sizeof(value));
		if (found != (rows[i].value != NULL) ||
		    strcmp(value, found ? rows[i].value : "") != 0)
			fail_msg("row %zu: %s: '%s'", i, rows[i].query, value);
	}
}

static void
names_phases_of_reasons(void **state)
{
	static const struct {
		enum reason reason;
		const char *phase;
	} rows[] = {
		{ REASON_OK, "" },
		{ REASON_DNS_NXDOMAIN, "resolve" },
		{ REASON_CONNECT_REFUSED, "connect" },
		{ REASON_TLS_CERT_EXPIRED, "tls" },
		{ REASON_TLS_LOCAL_FILES_UNREADABLE, "queue" },
		{ REASON_AUTH_UNAUTHORIZED, "processing" },
		{ REASON_HTTP_CLOSED_IN_HEADERS, "transfer" },
		{ REASON_TIMEOUT_DNS, "resolve" },
		{ REASON_TIMEOUT_HEADERS, "processing" },
		{ REASON_TIMEOUT_BODY, "transfer" },
		{ REASON_CLIENT_GONE, "" },
		{ REASON_BODY_RESET, "transfer" },
		{ REASON_BODY_GZIP_CORRUPT, "parse" },
		{ REASON_UNEXPLAINED, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(parts_phase(rows[i].reason), rows[i].phase);
}

static void
splits_evidence(void **state)
{
	static const struct {
		const char *seen;
		const char *pieces; /* "TEXT|KIND," each */
	} rows[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "a (measured)", "a|measured," },
		{ "a (measured).\n", "a|measured," },
		{ "a (measured); b (unknown)", "a|measured,b|unknown," },
		{ "a (measured); b (inferred)\nc (unknown).",
		    "a|measured,b|inferred,c|unknown," },
		{ "a (measured); last good yesterday 22:10.",
		    "a|measured,last good yesterday 22:10.|unknown," },
		{ "plain; still plain", "plain; still plain|unknown," },
		{ "says \"x (measured) y\" (inferred)",
		    "says \"x (measured) y\"|inferred," },
		{ "a (MEASURED)", "a (MEASURED)|unknown," },
		{ "(measured)", "|measured," },
		{ "a (measured", "a (measured|unknown," },
	};
	struct part part;
	char pieces[256];
	const char *cursor;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pieces[0] = '\0';
		len = 0;
		cursor = rows[i].seen;
		while (parts_next(&cursor, &part))
			len += (size_t)snprintf(pieces + len,
			    sizeof(pieces) - len, "%.*s|%s,", (int)part.len,
			    part.text, part.kind);
		assert_string_equal(pieces, rows[i].pieces);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shows_a_target_never_scraped),
		TEST(shows_a_good_target),
		TEST(shows_a_failing_target),
		TEST(names_the_gates_own_failures),
		TEST(names_every_kind_of_instance),
		TEST(filters_targets),
		TEST(lists_pools_sorted),
		TEST(lists_scrapes_newest_first),
		TEST(lists_failed_handshakes_newest_first),
		TEST(lists_failures_folded),
		TEST(knows_since_when),
		TEST(turns_pages),
		TEST(lists_incidents),
		TEST(refuses_bad_parameters),
		TEST(tells_build_and_runtime),
		TEST(shows_the_configuration),
		TEST(routes_requests),
		TEST(shows_the_last_bad_answer),
		TEST(says_why_it_is_not_ready),
		TEST(is_ready_without_the_exporter),
		TEST(is_ready_with_the_exporter_asked_for),
		TEST(lists_refusals_newest_first),
		TEST(draws_the_page),
		TEST(shows_notices),
		TEST(shows_the_manual),
		TEST(shows_refusals_on_the_page),
		cmocka_unit_test(reads_queries),
		cmocka_unit_test(names_phases_of_reasons),
		cmocka_unit_test(splits_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
