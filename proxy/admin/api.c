#include "proxy/admin/api.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/duration.h"
#include "conf/load.h"
#include "proxy/admin/describe.h"
#include "proxy/admin/envelope.h"
#include "proxy/admin/query.h"
#include "proxy/admin/text.h"
#include "proxy/admin/view.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/json.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/journal.h"
#include "proxy/diagnosis/notices.h"
#include "proxy/diagnosis/parts.h"
#include "proxy/diagnosis/reading.h"
#include "proxy/diagnosis/reading_json.h"
#include "proxy/diagnosis/record.h"
#include "proxy/diagnosis/record_json.h"
#include "proxy/gate/handshakes.h"

static void
add_seconds(struct cJSON *object, const char *key, uint64_t us)
{
	json_add_number(object, key, (double)us / 1e6);
}

/* A target never scraped has every key, and every one empty. */
static void
add_reason(struct cJSON *object, const struct record *record)
{
	struct cJSON *child = json_add_object(object, "scrapeReason");
	const struct finding *finding;
	const struct reason_row *row;
	static const struct finding none;

	finding = record != NULL ? record->finding : &none;
	row = reason_row(finding->reason);
	json_add_string(child, "id", record != NULL ? row->id : "");
	json_add_string(
	    child, "layer", record != NULL ? layer_name(row->layer) : "");
	json_add_string(
	    child, "phase", record != NULL ? parts_phase_of(record) : "");
	json_add_string(child, "words", finding->words);
	json_add_string(child, "cause", finding->cause);
	json_add_string(child, "fix", finding->fix);
	record_json_put_evidence(child, finding->seen);
}

static void
add_discovered_labels(struct cJSON *object, const struct conf_target *conf,
    const char *address, const char *timeout)
{
	struct cJSON *labels = json_add_object(object, "discoveredLabels");

	json_add_string(labels, "__address__", address);
	json_add_string(labels, "__metrics_path__", conf->url.path);
	json_add_string(labels, "__scheme__", describe_scheme(&conf->url));
	json_add_string(labels, "__scrape_interval__", "0s");
	json_add_string(labels, "__scrape_timeout__", timeout);
	json_add_string(labels, "job", conf->name);
}

static void
add_last_scrape(struct cJSON *object, const struct board_target *target)
{
	static const struct phases none;
	const struct record *last = target->last;
	char error[DESCRIBE_ERROR_SIZE];

	json_add_string(
	    object, "lastError", describe_last_error(target, error));
	envelope_time(object, "lastScrape", last != NULL ? last->wall_us : 0);
	add_seconds(
	    object, "lastScrapeDuration", last != NULL ? last->duration_us : 0);
	json_add_string(
	    object, "health", board_health_name(board_health(target)));
	add_reason(object, last);
	record_json_put_phases(
	    object, "scrapePhases", last != NULL ? &last->phases : &none);
}

static void
add_notices(struct cJSON *object, const struct notices *notices)
{
	struct cJSON *list = json_add_array(object, "scrapeNotices");
	size_t kind;

	for (kind = 0; notices != NULL && kind < NOTICE_COUNT; kind++) {
		const struct notice *notice = &notices->of[kind];
		struct cJSON *item;

		if (!notice->is_on)
			continue;
		item = json_add_object(list, NULL);
		json_add_string(item, "id", notice_id((enum notice_kind)kind));
		json_add_string(item, "words", notice->words);
		json_add_string(
		    item, "cause", notice_cause((enum notice_kind)kind));
		json_add_string(item, "fix", notice->fix);
		record_json_put_evidence(item, notice->seen);
		envelope_time(item, "since", notice->since_wall_us);
	}
}

/* Of the last answer that was read and delivered; empty before one was. */
static void
add_body(struct cJSON *object, const struct reading *reading)
{
	struct cJSON *facts;

	reading_json_warnings(
	    json_add_array(object, "scrapeWarnings"), reading);
	facts = json_add_object(object, "scrapeFacts");
	if (reading != NULL)
		facts_json(facts, &reading->facts);
}

/* Prometheus' keys in Prometheus' order, then ours. */
static void
add_target(struct cJSON *list, const struct board_target *target,
    const struct notices *notices)
{
	const struct conf_target *conf = target->conf;
	char text[DESCRIBE_ADDRESS_SIZE], timeout[CONF_DURATION_SIZE];
	char interval[CONF_DURATION_SIZE];
	const char *address = describe_address(&conf->url, text);
	struct cJSON *object = json_add_object(list, NULL);
	struct cJSON *labels;

	conf_duration_text(describe_timeout_ms(target), timeout);
	add_discovered_labels(object, conf, address, timeout);
	labels = json_add_object(object, "labels");
	json_add_string(labels, "instance", address);
	json_add_string(labels, "job", conf->name);
	json_add_string(object, "scrapePool", conf->name);
	json_add_string(object, "scrapeUrl", conf->url.text);
	json_add_string(object, "globalUrl", conf->url.text);
	json_add_string(object, "scrapeInterval",
	    conf_duration_text(
		notices != NULL ? notices->interval_ms : 0, interval));
	json_add_string(object, "scrapeTimeout", timeout);
	add_last_scrape(object, target);
	add_notices(object, notices);
	add_body(object, target->reading);
}

/* Any other state selects nothing, as in Prometheus. */
static bool
is_active_wanted(const char *query)
{
	char state[16];

	query_get(query, "state", state, sizeof(state));
	return *state == '\0' || strcasecmp(state, "active") == 0 ||
	       strcasecmp(state, "any") == 0;
}

void
api_targets(
    const struct admin_view *view, const char *query, struct response *response)
{
	struct cJSON *data = json_object_new();
	struct cJSON *list = json_add_array(data, "activeTargets");
	const struct board_target *target;
	bool has_active = is_active_wanted(query);
	char pool[256];
	size_t i;

	query_get(query, "scrapePool", pool, sizeof(pool));
	for (i = 0; has_active && i < board_target_count(view->board); i++) {
		target = board_target(view->board, i);
		if (*pool == '\0' || strcmp(pool, target->conf->name) == 0)
			add_target(list, target,
			    view->notices == NULL ? NULL : &view->notices[i]);
	}
	/* A gate drops none, but readers of Prometheus' answer look here. */
	json_add_array(data, "droppedTargets");
	json_add_object(data, "droppedTargetCounts");
	envelope_data(response, data);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void
api_scrape_pools(
    const struct admin_view *view, const char *query, struct response *response)
{
	size_t i, count = board_target_count(view->board);
	const char **names = xcalloc(count + 1, sizeof(*names));
	struct cJSON *data = json_object_new();
	struct cJSON *list = json_add_array(data, "scrapePools");

	(void)query;
	for (i = 0; i < count; i++)
		names[i] = board_target(view->board, i)->conf->name;
	qsort(names, count, sizeof(*names), compare_names);
	for (i = 0; i < count; i++)
		json_add_string(list, NULL, names[i]);
	free(names);
	envelope_data(response, data);
}

static void
add_handshake(struct cJSON *list, const struct handshake *handshake)
{
	struct cJSON *object = json_add_object(list, NULL);
	char peer[HANDSHAKE_PEER_SIZE];

	envelope_time(object, "time", handshake->wall_us);
	json_add_string(object, "peer", handshake_peer(handshake, peer));
	json_add_string(object, "reason", tls_failure_id(handshake->failure));
	json_add_string(object, "words", handshake->words);
	json_add_string(object, "subject", handshake->subject);
	json_add_string(object, "serverName", handshake->server_name);
	json_add_number(object, "count", handshake->count);
}

void
api_tls_handshakes(
    const struct admin_view *view, const char *query, struct response *response)
{
	struct cJSON *data = json_object_new();
	struct cJSON *list = json_add_array(data, "failures");
	const struct handshake *handshake;
	size_t i;

	(void)query;
	for (i = 0; view->handshakes != NULL &&
		    (handshake = handshakes_at(view->handshakes, i)) != NULL;
	     i++)
		add_handshake(list, handshake);
	envelope_data(response, data);
}

void
api_status_config(
    const struct admin_view *view, const char *query, struct response *response)
{
	struct cJSON *data = json_object_new();
	char *yaml = NULL;
	size_t len;
	FILE *file;

	(void)query;
	file = text_open(&yaml, &len);
	conf_print(view->conf, file);
	text_close(file);
	json_add_string(data, "yaml", yaml);
	free(yaml);
	envelope_data(response, data);
}

void
api_status_buildinfo(
    const struct admin_view *view, const char *query, struct response *response)
{
	static const char *const unknown[] = { "revision", "branch",
		"buildUser", "buildDate", "goVersion" };
	struct cJSON *data = json_object_new();
	size_t i;

	(void)view;
	(void)query;
	json_add_string(data, "version", SCRAPEGATE_VERSION);
	/* Prometheus' keys: readers expect them, a reproducible build has
	 * nothing to put there. */
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		json_add_string(data, unknown[i], "");
	json_add_string(data, "compiler", __VERSION__);
	envelope_data(response, data);
}

/* Left out while the record is kept in memory. */
static void
add_journal(struct cJSON *data, const struct admin_view *view)
{
	struct journal_status status;
	struct cJSON *journal;

	if (view->journal == NULL)
		return;
	journal_status(view->journal, &status);
	journal = json_add_object(data, "journal");
	json_add_string(journal, "path", view->conf->journal.path);
	json_add_bool(journal, "failing", status.is_failing);
	json_add_string(journal, "error", status.error);
	json_add_number(journal, "written", (double)status.written);
	json_add_number(journal, "waiting", (double)status.waiting);
	json_add_number(journal, "lost", (double)status.lost);
	json_add_number(journal, "bytes", (double)status.bytes);
	json_add_number(journal, "segments", (double)status.segments);
	json_add_number(journal, "recovered", (double)status.recovered);
	json_add_number(journal, "dropped", (double)status.dropped);
}

void
api_status_runtimeinfo(
    const struct admin_view *view, const char *query, struct response *response)
{
	struct cJSON *data = json_object_new();
	char folder[PATH_MAX], host[256] = "";

	(void)query;
	envelope_time(data, "startTime", view->start_wall_us);
	envelope_time(data, "serverTime", clock_wall_us());
	json_add_string(
	    data, "CWD", getcwd(folder, sizeof(folder)) != NULL ? folder : "");
	if (gethostname(host, sizeof(host) - 1) == -1)
		host[0] = '\0';
	json_add_string(data, "hostname", host);
	json_add_bool(data, "reloadConfigSuccess", view->last_reload_ok);
	envelope_time(data, "lastConfigTime", view->config_loaded_wall_us);
	json_add_string(data, "lastReloadError",
	    view->last_reload_error != NULL ? view->last_reload_error : "");
	json_add_number(data, "workers", view->conf->workers);
	add_journal(data, view);
	envelope_data(response, data);
}
