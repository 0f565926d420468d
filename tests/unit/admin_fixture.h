/*
 * A small configuration, a board and a view for the tests of the admin side.
 * Included by one test program each; everything is static.
 */
#ifndef TESTS_UNIT_ADMIN_FIXTURE_H
#define TESTS_UNIT_ADMIN_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/admin/view.h"
#include "proxy/base/alloc.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/record.h"
#include "proxy/gate/stats.h"
#include "tls/certificate.h"

#define FIXTURE_WALL_US UINT64_C(1795338153497123)

static char fixture_names[3][24] = { "node", "mysql", "we\"ird\\\n<b>" };
static char fixture_urls[3][40] = { "http://127.0.0.1:9100/metrics",
	"https://[2001:db8::5]:9104/m", "unix:/run/exporter.sock:/metrics" };
static char fixture_paths[3][24] = { "/metrics/node", "/metrics/mysql",
	"/metrics/odd" };
static char fixture_hosts[3][16] = { "127.0.0.1", "2001:db8::5", "localhost" };
static char fixture_url_paths[3][16] = { "/metrics", "/m", "/metrics" };
static char fixture_socket[] = "/run/exporter.sock";
static char fixture_admin[] = "127.0.0.1:8442";
static char fixture_admin_host[] = "127.0.0.1";

static const struct tls_certificate fixture_certificates[] = {
	{ .role = "server",
	    .subject = "CN=gate",
	    .serial = "01",
	    .not_after = 1800000000 },
	{ .role = "client_ca", .subject = "CN=ca", .not_after = 1900000000 },
	{ .role = "client_ca", .subject = "CN=ca", .not_after = 2000000000 },
	{ .role = "crl", .subject = "CN=ca", .not_after = 0 },
	{ .role = "crl", .subject = "CN=ca", .not_after = 1850000000 },
};

struct fixture {
	struct conf conf;
	struct conf_target targets[3];
	struct board *board;
	struct stats *stats;
	struct stats *const *workers;
	struct admin_view view;
};

static inline void
fixture_init(struct fixture *f, size_t target_count)
{
	static const enum conf_scheme schemes[] = { CONF_HTTP, CONF_HTTPS,
		CONF_UNIX };
	size_t i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < target_count; i++) {
		f->targets[i].name = fixture_names[i];
		f->targets[i].path = fixture_paths[i];
		f->targets[i].scrape_timeout = 10000;
		f->targets[i].url = (struct conf_url){ .text = fixture_urls[i],
			.scheme = schemes[i],
			.host = fixture_hosts[i],
			.port = i == 1 ? 9104 : 9100,
			.unix_path = i == 2 ? fixture_socket : NULL,
			.path = fixture_url_paths[i] };
	}
	f->conf.targets = f->targets;
	f->conf.target_count = target_count;
	f->conf.workers = 1;
	f->conf.admin_listen = (struct conf_address){
		.text = fixture_admin, .host = fixture_admin_host, .port = 8442
	};
	f->board = board_new(&f->conf);
	f->stats = stats_new(target_count);
	f->workers = &f->stats;
	f->view = (struct admin_view){ .conf = &f->conf,
		.board = f->board,
		.stats = f->workers,
		.stats_count = 1,
		.start_wall_us = FIXTURE_WALL_US,
		.is_ready = true,
		.certificates = fixture_certificates,
		.certificate_count = 1,
		.config_loaded_wall_us = FIXTURE_WALL_US,
		.last_reload_ok = true };
}

static inline void
fixture_fini(struct fixture *f)
{
	board_free(f->board);
	stats_free(f->stats);
}

static inline void
fixture_finding(struct finding *finding, size_t target, enum reason reason)
{
	memset(finding, 0, sizeof(*finding));
	finding->reason = reason;
	finding->is_delivered = reason_row(reason)->status == 200;
	if (finding->is_delivered)
		return;
	snprintf(finding->words, sizeof(finding->words), "words of <%s>",
	    reason_row(reason)->id);
	snprintf(finding->cause, sizeof(finding->cause), "a cause");
	snprintf(finding->fix, sizeof(finding->fix), "line one\nline two");
	snprintf(finding->seen, sizeof(finding->seen),
	    "no reply in 9.5 s (measured)\nold <script> & \"co\" "
	    "(inferred).\njust so\n");
	if (reason_row(reason)->lasterror[0] != '\0')
		snprintf(finding->lasterror, sizeof(finding->lasterror),
		    "Get \"%s\": error", fixture_urls[target]);
}

/* A record of an attempt that took 0.701563 s; the board takes it over. */
static inline struct record *
fixture_record(const struct fixture *f, size_t target, enum reason reason)
{
	static uint64_t id;
	struct finding finding;
	struct record *record;

	fixture_finding(&finding, target, reason);
	record = record_new(&finding);
	record->id = ++id;
	record->target = &f->targets[target];
	snprintf(record->target_name, sizeof(record->target_name), "%s",
	    f->targets[target].name);
	record->wall_us = FIXTURE_WALL_US + id * 1000000;
	record->duration_us = 701563;
	record->timeout_ms = 1250;
	snprintf(record->scraper, sizeof(record->scraper), "10.0.0.9");
	record->waiters = 2;
	record->phases.us[PHASE_CONNECT] = 1500;
	record->phases.us[PHASE_PROCESSING] = 700000;
	record->is_delivered = reason_row(reason)->status == 200;
	if (record->is_delivered) {
		record->status = 200;
		record->wire_bytes = 1000;
		record->body_bytes = 5120;
		record->samples = 77;
	}
	return record;
}

static inline void
fixture_add(struct fixture *f, size_t target, enum reason reason)
{
	board_add(f->board, fixture_record(f, target, reason));
}

#endif
