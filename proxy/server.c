#include "proxy/server.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/admin/endpoints.h"
#include "proxy/admin/view.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/memory.h"
#include "proxy/base/thread.h"
#include "proxy/cache/answer.h"
#include "proxy/crew.h"
#include "proxy/desk.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/record.h"
#include "proxy/environment.h"
#include "proxy/expiry.h"
#include "proxy/gate/handshakes.h"
#include "proxy/gate/stats.h"
#include "proxy/generation.h"
#include "proxy/lookout.h"
#include "proxy/recorder.h"
#include "proxy/reload.h"
#include "proxy/scrape.h"
#include "tls/server.h"

#define DRAIN_SECONDS 10
#define CERTIFICATE_WORDS_SECONDS 10

static const int signal_numbers[] = { SIGTERM, SIGINT, SIGHUP };
#define SIGNAL_COUNT (sizeof(signal_numbers) / sizeof(signal_numbers[0]))

struct server {
	struct conf *conf; /* in force, or waiting for its certificate */
	struct event_base *base;
	struct mailbox *mailbox;
	struct board *board;
	struct recorder *recorder;
	struct handshakes *handshakes;
	struct desk *desk;
	struct event *signals[SIGNAL_COUNT];
	struct event *drain_timer;
	struct event *certificate_timer;
	struct reloader *reloader;
	struct expiry *expiry;
	struct lookout *lookout;
	struct pod_status pod;         /* view.pod once it is known */
	struct generation *generation; /* NULL until the gate is open */
	struct crew *crew;             /* likewise */
	unsigned doors_open;
	unsigned undrained;
	struct admin_view view;
	struct err *err;
	bool has_failed;
};

static void
end_loop(struct server *server)
{
	event_base_loopbreak(server->base);
}

static void
fail(struct server *server)
{
	server->has_failed = true;
	end_loop(server);
}

/* Messages of the other threads. */

static void
take_record(struct message *message, void *owner)
{
	struct record *record = (struct record *)message;
	struct server *server = owner;
	const struct board_target *target;
	char name[sizeof(record->target_name)];

	memcpy(name, record->target_name, sizeof(name));
	board_add(server->board, record);
	target = board_find_target(server->board, name);
	if (target != NULL && server->lookout != NULL)
		lookout_record(
		    server->lookout, name, board_health(target) == BOARD_UP);
	memory_tidy();
}

static void
post_record(struct record *record, void *arg)
{
	struct server *server = arg;

	record->message.deliver = take_record;
	mailbox_post_late(server->mailbox, &record->message);
}

static void
take_attended(struct message *message, void *owner)
{
	struct server *server = owner;

	free(message);
	if (server->lookout != NULL)
		lookout_look(server->lookout);
}

static void
take_pod(struct message *message, void *owner)
{
	struct pod_news *news = (struct pod_news *)message;
	struct server *server = owner;

	server->pod = news->status;
	server->view.pod = &server->pod;
	if (server->lookout != NULL)
		lookout_pod(server->lookout, &server->pod);
	free(news);
}

static void
wonder(void *arg)
{
	struct server *server = arg;

	if (server->crew != NULL)
		crew_wonder(server->crew);
}

static void
take_handshake(struct message *message, void *owner)
{
	struct server *server = owner;

	handshakes_add(server->handshakes, (struct handshake *)message);
}

static void
take_own_scrape(struct message *message, void *owner)
{
	struct scrape *scrape = (struct scrape *)message;
	struct server *server = owner;
	struct response response;

	endpoints_answer(
	    ENDPOINTS_GATE, "GET", scrape->key.query, &server->view, &response);
	scrape->answer = answer_new_page(response.status, response.content_type,
	    response.body, response.len);
	scrape->use = CACHE_NONE;
	response_fini(&response);
	scrape_send_back(scrape);
}

/* The descriptors are shared: only when no worker uses them any more. */
static void
take_doors_closed(struct message *message, void *owner)
{
	struct server *server = owner;

	free(message);
	if (--server->doors_open == 0)
		generation_close_doors(server->generation, NULL);
}

static void
take_drained(struct message *message, void *owner)
{
	struct server *server = owner;

	free(message);
	if (--server->undrained == 0)
		end_loop(server);
}

/* Generations. */

static int
open_gate(struct server *server, struct err *err)
{
	struct crew_options options = {
		.main = server->mailbox,
		.record = post_record,
		.arg = server,
		.own_scrape = take_own_scrape,
		.doors_closed = take_doors_closed,
		.drained = take_drained,
		.attended = take_attended,
		.pod_read = take_pod,
		.handshake_failed = take_handshake,
	};
	struct admin_view *view = &server->view;

	server->crew = crew_new(&options, server->generation, err);
	if (server->crew == NULL)
		return -1;
	generation_announce(server->generation, NULL);
	server->doors_open = server->undrained = crew_size(server->crew);
	view->stats = crew_stats(server->crew);
	view->stats_count = crew_size(server->crew);
	view->refusals = crew_refusals(server->crew);
	view->backend = crew_backend(server->crew);
	view->is_ready = true;
	view->not_ready_reason = NULL;
	return 0;
}

static void
switch_gate(struct server *server, struct generation *next)
{
	struct generation *was = server->generation;

	crew_switch(server->crew, was, next);
	server->generation = next;
	generation_announce(next, was);
	generation_close_doors(was, next);
}

/* What the main thread itself goes by. */
static void
adopt_conf(struct server *server, struct conf *conf)
{
	struct conf *was = server->conf;

	if (conf == was)
		return;
	server->view.conf = server->conf = conf_ref(conf);
	board_switch(server->board, conf);
	conf_unref(was);
	log_change(conf->log_level, conf->log_format);
}

static void
adopt(struct server *server, struct conf *conf)
{
	const struct tls_server *tls = server->generation->tls;

	server->view.certificates =
	    tls != NULL ? tls_server_certificate(tls, 0) : NULL;
	server->view.certificate_count =
	    tls != NULL ? tls_server_certificate_count(tls) : 0;
	expiry_set(server->expiry, server->view.certificates,
	    server->view.certificate_count);
	/* While the configuration before is still there. */
	lookout_switch(server->lookout, conf, server->view.stats,
	    server->view.stats_count);
	server->view.notices = lookout_notices(server->lookout);
	adopt_conf(server, conf);
}

/*
 * The gate is not open yet.  Files are waited for, those of `conf` from now
 * on; what the system refuses is final, but for a configuration that somebody
 * only tries.
 */
static void
note_failure(struct server *server, struct conf *conf, const struct err *err)
{
	if (err->code == ERR_SYSTEM && conf != server->conf)
		return;
	*server->err = *err;
	if (err->code == ERR_SYSTEM)
		fail(server);
	else
		adopt_conf(server, conf);
}

static int
apply(struct conf *conf, const struct material *material, struct err *err,
    void *arg)
{
	struct server *server = arg;
	struct generation *was = server->generation, *next;

	if (conf != server->conf)
		generation_keep_fixed(conf, server->conf, was != NULL);
	next = generation_new(conf, material, was, err);
	if (next == NULL) {
		if (was == NULL)
			note_failure(server, conf, err);
		return -1;
	}
	if (was != NULL) {
		switch_gate(server, next);
	} else {
		server->generation = next;
		if (open_gate(server, err) == -1) {
			/* Threads or memory: nothing to wait for. */
			*server->err = *err;
			fail(server);
			return -1;
		}
	}
	adopt(server, conf);
	generation_free(was);
	return 0;
}

/* A certificate, or a file of tokens or keys, that does not exist yet. */

static const struct absence {
	const char *key; /* what the error begins with; "" any */
	const char *reason;
	const char *msg;
} absences[] = {
	{ "bearer_tokens_file:", "auth_file_missing",
	    "waiting for bearer_tokens_file, the gate stays closed" },
	{ "jwks_file:", "auth_file_missing",
	    "waiting for jwks_file, the gate stays closed" },
	{ "", "certificate_missing",
	    "waiting for the certificate, the gate stays closed" },
};

/* Again every 10 s. */
static void
say_waiting(struct server *server)
{
	static const struct timeval again = { .tv_sec =
						  CERTIFICATE_WORDS_SECONDS };
	const struct absence *absence = absences;

	while (
	    strncmp(server->err->text, absence->key, strlen(absence->key)) != 0)
		absence++;
	server->view.not_ready_reason = absence->reason;
	log_warn(absence->msg, "reason", absence->reason, "error",
	    server->err->text, NULL);
	evtimer_add(server->certificate_timer, &again);
}

static void
look_for_certificate(evutil_socket_t fd, short events, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)events;
	if (server->generation != NULL)
		return;
	reloader_look(server->reloader);
	if (server->generation == NULL && !server->has_failed)
		say_waiting(server);
}

/*
 * A Secret that comes late must not crash the pod, so this one error is
 * waited out; once it waits, half-written files are, too.
 */
static void
start(struct server *server)
{
	struct err err;

	if (reloader_start(server->reloader, server->conf, &err) == 0)
		return;
	if (err.code == ERR_MISSING && !server->has_failed)
		say_waiting(server);
	else
		fail(server);
}

/* Life. */

static const char *
take_reload(void *arg)
{
	struct server *server = arg;

	return reloader_now(server->reloader);
}

static void
give_up_drain(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	log_warn("scrapes were still running after the drain time", NULL);
	end_loop(arg);
}

static void
on_signal(evutil_socket_t number, short events, void *arg)
{
	static const struct timeval wait = { .tv_sec = DRAIN_SECONDS };
	struct server *server = arg;

	(void)events;
	if (number == SIGHUP) {
		reloader_signal(server->reloader);
		return;
	}
	if (server->view.is_draining || !server->view.is_ready) {
		end_loop(server);
		return;
	}
	log_info("draining", "signal", number == SIGINT ? "SIGINT" : "SIGTERM",
	    NULL);
	server->view.is_draining = true;
	reloader_stop(server->reloader);
	crew_drain(server->crew);
	evtimer_add(server->drain_timer, &wait);
}

static void
open_signals(struct server *server)
{
	size_t i;

	for (i = 0; i < SIGNAL_COUNT; i++) {
		server->signals[i] = evsignal_new(
		    server->base, signal_numbers[i], on_signal, server);
		event_add(server->signals[i], NULL);
	}
	environment_release_signals();
}

static int
open_main(
    struct server *server, const struct conf_source *source, struct err *err)
{
	struct reloader_options options = {
		.source = source,
		.apply = apply,
		.arg = server,
		.view = &server->view,
	};
	struct lookout_options lookout = { .wonder = wonder, .arg = server };

	server->base = thread_base_new(err);
	if (server->base == NULL)
		return -1;
	server->mailbox = mailbox_new(server->base, server, err);
	if (server->mailbox == NULL)
		return -1;
	options.base = server->base;
	server->reloader = reloader_new(&options);
	server->expiry = expiry_new(server->base);
	lookout.base = server->base;
	server->lookout = lookout_new(&lookout);
	server->drain_timer = evtimer_new(server->base, give_up_drain, server);
	server->certificate_timer =
	    evtimer_new(server->base, look_for_certificate, server);
	open_signals(server);
	server->recorder = recorder_new(
	    &server->conf->journal, server->mailbox, server->board, err);
	if (server->recorder == NULL)
		return -1;
	server->view.journal = recorder_journal(server->recorder);
	server->desk = desk_open(server->base, &server->view, err);
	return server->desk == NULL ? -1 : 0;
}

/* A scraper that has its answer may ask for the record of it. */
static void
catch_up(void *arg)
{
	struct server *server = arg;

	mailbox_deliver(server->mailbox);
}

static void
init(struct server *server, struct conf *conf, struct err *err)
{
	server->conf = conf_ref(conf);
	server->err = err;
	server->board = board_new(conf);
	server->handshakes = handshakes_new();
	server->view.conf = conf;
	server->view.board = server->board;
	server->view.handshakes = server->handshakes;
	server->view.start_wall_us = clock_wall_us();
	server->view.config_loaded_wall_us = server->view.start_wall_us;
	server->view.last_reload_ok = true;
	server->view.catch_up = catch_up;
	server->view.catch_up_arg = server;
	server->view.reload = take_reload;
	server->view.reload_arg = server;
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

/*
 * The reverse of the start, and one rule: each thread's mailbox is emptied
 * after those who post to it have ended.
 */
static void
fini(struct server *server)
{
	size_t i;

	environment_end_signals();
	crew_stop(server->crew);
	if (server->mailbox != NULL)
		mailbox_deliver(server->mailbox);
	/* All records have come: what they said to it is written now. */
	board_flush(server->board);
	recorder_stop(server->recorder);
	lookout_free(server->lookout); /* it reads what the crew counts */
	server->lookout = NULL;
	crew_free(server->crew);
	if (server->generation != NULL)
		generation_close_doors(server->generation, NULL);
	generation_free(server->generation);
	desk_close(server->desk);
	reloader_free(server->reloader);
	expiry_free(server->expiry);
	for (i = 0; i < SIGNAL_COUNT; i++)
		free_event(server->signals[i]);
	free_event(server->drain_timer);
	free_event(server->certificate_timer);
	mailbox_free(server->mailbox);
	recorder_free(server->recorder);
	if (server->base != NULL)
		event_base_free(server->base);
	board_free(server->board);
	handshakes_free(server->handshakes);
	conf_unref(server->conf);
}

int
server_run(const struct conf_source *source, struct conf *conf, struct err *err)
{
	struct server server = { .conf = NULL };

	memory_prepare();
	environment_prepare();
	init(&server, conf, err);
	if (open_main(&server, source, err) == -1)
		server.has_failed = true;
	else
		start(&server);
	if (!server.has_failed) {
		memory_settle();
		event_base_dispatch(server.base);
	}
	if (!server.has_failed)
		log_info("stopped", NULL);
	fini(&server);
	return server.has_failed ? -1 : 0;
}
