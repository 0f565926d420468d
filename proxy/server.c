#include "proxy/server.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/http.h>

#include "conf/conf.h"
#include "proxy/admin/admin.h"
#include "proxy/admin/metrics.h"
#include "proxy/admin/view.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/thread.h"
#include "proxy/cache/answer.h"
#include "proxy/cache/keeper.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/record.h"
#include "proxy/gate/front.h"
#include "proxy/gate/listener.h"
#include "proxy/gate/stats.h"
#include "proxy/gate/worker.h"
#include "proxy/scrape.h"
#include "tls/server.h"

#define DRAIN_SECONDS 10
#define CERTIFICATE_LOOK_SECONDS 1
#define CERTIFICATE_WORDS_US (10 * 1000000U)
#define ADMIN_CONNECTIONS_MAX 64

/* A listener of the main thread. */
struct desk {
	struct front *front;
	int fd;
};

struct server {
	const struct conf *conf;
	struct event_base *base;
	struct mailbox *mailbox;
	struct board *board;
	struct stats *desk_stats; /* of the desks; shown nowhere */
	struct desk admin;
	struct desk health;
	struct event *signals[2];
	struct event *drain_timer;
	struct event *certificate_timer;
	uint64_t certificate_told_us;
	struct tls_server *tls;
	struct keeper *keeper;
	struct worker **workers; /* NULL until the gate is open */
	struct stats **stats;
	int *fds; /* the gate's listening descriptors */
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

/* Messages of the other threads. */

static void
take_record(struct message *message, void *owner)
{
	struct server *server = owner;

	board_add(server->board, (struct record *)message);
}

static void
post_record(struct record *record, void *arg)
{
	struct server *server = arg;

	record->message.deliver = take_record;
	mailbox_post(server->mailbox, &record->message);
}

static void
publish(const struct key *key, struct answer *answer, uint64_t expires_us,
    void *arg)
{
	struct server *server = arg;
	unsigned i;

	for (i = 0; i < server->conf->workers; i++)
		worker_publish(server->workers[i], key, answer, expires_us);
}

static void
take_own_scrape(struct message *message, void *owner)
{
	struct scrape *scrape = (struct scrape *)message;
	struct server *server = owner;
	size_t len;
	char *text = metrics_render(&server->view, &len);

	scrape->answer = answer_new_page(200, METRICS_CONTENT_TYPE, text, len);
	scrape->use = CACHE_NONE;
	free(text);
	scrape_send_back(scrape);
}

static void
close_doors(struct server *server)
{
	size_t i;

	for (i = 0; i < server->conf->listen_count; i++) {
		if (server->fds[i] == -1)
			continue;
		close(server->fds[i]);
		server->fds[i] = -1;
		if (server->conf->listen[i].unix_path != NULL)
			unlink(server->conf->listen[i].unix_path);
	}
}

/* The descriptors are shared: only when no worker uses them any more. */
static void
take_doors_closed(struct message *message, void *owner)
{
	struct server *server = owner;

	free(message);
	if (--server->doors_open == 0)
		close_doors(server);
}

static void
take_drained(struct message *message, void *owner)
{
	struct server *server = owner;

	free(message);
	if (--server->undrained == 0)
		end_loop(server);
}

/* The gate. */

static int
open_tls(struct server *server, struct err *err)
{
	const struct conf *conf = server->conf;

	if (conf->gate_tls == CONF_GATE_TLS_OFF)
		return 0;
	server->tls = conf->gate_tls == CONF_GATE_TLS_FILES ?
	    tls_server_new(&conf->tls_server_config, err) :
	    tls_server_new_self_signed(err);
	if (server->tls == NULL)
		return -1;
	server->view.certificate_not_after = tls_server_not_after(server->tls);
	return 0;
}

static int
open_listeners(struct server *server, struct err *err)
{
	const struct conf *conf = server->conf;
	char text[LISTENER_TEXT_SIZE];
	size_t i;

	for (i = 0; i < conf->listen_count; i++) {
		server->fds[i] = listener_open(&conf->listen[i], text, err);
		if (server->fds[i] == -1)
			return -1;
		log_info("listening", "role", "gate", "address", text, "tls",
		    server->tls != NULL ? "yes" : "no", NULL);
	}
	return 0;
}

static int
open_worker(struct server *server, unsigned index, struct err *err)
{
	struct worker_options options = {
		.conf = server->conf,
		.tls = server->tls,
		.keeper = server->keeper,
		.main = server->mailbox,
		.own_scrape = take_own_scrape,
		.doors_closed = take_doors_closed,
		.drained = take_drained,
	};
	struct worker *worker = worker_new(&options, err);
	size_t i;

	if (worker == NULL)
		return -1;
	server->workers[index] = worker;
	server->stats[index] = worker_stats(worker);
	for (i = 0; i < server->conf->listen_count; i++)
		if (worker_listen(worker, server->fds[i], err) == -1)
			return -1;
	return 0;
}

static int
open_keeper(struct server *server, struct err *err)
{
	struct keeper_options options = {
		.body_max = server->conf->memory_budget,
		.record = post_record,
		.publish = publish,
		.arg = server,
	};

	server->keeper = keeper_new(&options, err);
	return server->keeper == NULL ? -1 : 0;
}

/* Everything is there before the first thread runs. */
static int
open_gate(struct server *server, struct err *err)
{
	unsigned count = server->conf->workers, i;

	if (open_tls(server, err) == -1 ||
	    open_listeners(server, err) == -1 || open_keeper(server, err) == -1)
		return -1;
	for (i = 0; i < count; i++)
		if (open_worker(server, i, err) == -1)
			return -1;
	if (keeper_start(server->keeper, err) == -1)
		return -1;
	for (i = 0; i < count; i++)
		if (worker_start(server->workers[i], err) == -1)
			return -1;
	server->doors_open = server->undrained = count;
	server->view.stats = server->stats;
	server->view.stats_count = count;
	server->view.is_ready = true;
	server->view.not_ready_reason = NULL;
	return 0;
}

/*
 * A certificate that does not exist yet is waited for: a Secret that comes
 * late must not crash the pod.
 */
static void
try_gate(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval again = { .tv_sec =
						  CERTIFICATE_LOOK_SECONDS };
	struct server *server = arg;
	uint64_t now = clock_now_us();

	(void)fd;
	(void)events;
	if (open_gate(server, server->err) == 0)
		return;
	if (server->err->code != ERR_MISSING) {
		server->has_failed = true;
		end_loop(server);
		return;
	}
	server->view.not_ready_reason = "certificate_missing";
	if (server->certificate_told_us == 0 ||
	    now - server->certificate_told_us >= CERTIFICATE_WORDS_US) {
		log_warn("waiting for the certificate, the gate stays closed",
		    "reason", "certificate_missing", "error",
		    server->err->text, NULL);
		server->certificate_told_us = now;
	}
	evtimer_add(server->certificate_timer, &again);
}

/* Admin and health. */

static void
handle_desk(struct evhttp_request *req, struct connection *connection,
    enum reason refusal,
    void (*handle)(struct evhttp_request *req, const struct admin_view *view),
    const struct server *server)
{
	if (refusal == REASON_OK) {
		handle(req, &server->view);
	} else {
		const struct reason_row *row = reason_row(refusal);

		evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Connection", "close");
		evhttp_send_reply(req, row->status, row->id, NULL);
	}
	connection_done(connection);
}

static void
handle_admin(struct evhttp_request *req, struct connection *connection,
    enum reason refusal, void *arg)
{
	handle_desk(req, connection, refusal, admin_handle, arg);
}

static void
handle_health(struct evhttp_request *req, struct connection *connection,
    enum reason refusal, void *arg)
{
	handle_desk(req, connection, refusal, admin_handle_health, arg);
}

static int
open_desk(struct server *server, struct desk *desk,
    const struct conf_address *address, const char *role,
    front_handler_fn *handle, struct err *err)
{
	struct front_options options = {
		.base = server->base,
		.limits = &guard_default_limits,
		.connections_max = ADMIN_CONNECTIONS_MAX,
		.stats = server->desk_stats,
		.handle = handle,
		.arg = server,
	};
	char text[LISTENER_TEXT_SIZE];

	desk->fd = -1;
	if (address->text[0] == '\0')
		return 0;
	desk->fd = listener_open(address, text, err);
	if (desk->fd == -1)
		return -1;
	desk->front = front_new(&options, err);
	if (desk->front == NULL || front_listen(desk->front, desk->fd, err))
		return -1;
	log_info("listening", "role", role, "address", text, NULL);
	return 0;
}

static void
close_desk(struct desk *desk, const struct conf_address *address)
{
	front_free(desk->front);
	if (desk->fd == -1)
		return;
	close(desk->fd);
	if (address->unix_path != NULL)
		unlink(address->unix_path);
}

static int
open_desks(struct server *server, struct err *err)
{
	const struct conf *conf = server->conf;
	struct err admin_err;

	if (open_desk(server, &server->health, &conf->health_listen, "health",
	    handle_health, err) == -1)
		return -1;
	/* Scrapes matter more than their explanation: the gate serves on. */
	if (open_desk(server, &server->admin, &conf->admin_listen, "admin",
	    handle_admin, &admin_err) == -1) {
		log_error("the admin listener is off", "role", "admin",
		    "error", admin_err.text, NULL);
		server->view.admin_listen_failed = true;
	}
	return 0;
}

/* Life. */

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
	unsigned i;

	(void)events;
	if (server->view.is_draining || !server->view.is_ready) {
		end_loop(server);
		return;
	}
	log_info("draining", "signal", number == SIGINT ? "SIGINT" : "SIGTERM",
	    NULL);
	server->view.is_draining = true;
	for (i = 0; i < server->conf->workers; i++)
		worker_drain(server->workers[i]);
	evtimer_add(server->drain_timer, &wait);
}

/* Thousands of connections need descriptors; the hard limit is ours to use. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
open_main(struct server *server, struct err *err)
{
	static const int numbers[] = { SIGTERM, SIGINT };
	size_t i;

	server->base = thread_base_new(err);
	if (server->base == NULL)
		return -1;
	server->mailbox = mailbox_new(server->base, server, err);
	if (server->mailbox == NULL)
		return -1;
	for (i = 0; i < 2; i++) {
		server->signals[i] = evsignal_new(server->base, numbers[i],
		    on_signal, server);
		event_add(server->signals[i], NULL);
	}
	server->drain_timer = evtimer_new(server->base, give_up_drain, server);
	server->certificate_timer = evtimer_new(server->base, try_gate,
	    server);
	return open_desks(server, err);
}

static void
init(struct server *server, const struct conf *conf, struct err *err)
{
	size_t i;

	server->conf = conf;
	server->err = err;
	server->board = board_new(conf);
	server->desk_stats = stats_new(0);
	server->workers = xcalloc(conf->workers, sizeof(*server->workers));
	server->stats = xcalloc(conf->workers, sizeof(*server->stats));
	server->fds = xcalloc(conf->listen_count, sizeof(*server->fds));
	for (i = 0; i < conf->listen_count; i++)
		server->fds[i] = -1;
	server->admin.fd = server->health.fd = -1;
	server->view.conf = conf;
	server->view.board = server->board;
	server->view.start_wall_us = clock_wall_us();
	server->view.config_loaded_wall_us = server->view.start_wall_us;
	server->view.last_reload_ok = true;
}

/*
 * The reverse of the start, and one rule: each thread's mailbox is emptied
 * after those who post to it have ended.
 */
static void
fini(struct server *server)
{
	unsigned count = server->conf->workers, i;

	for (i = 0; i < count && server->workers[i] != NULL; i++)
		worker_stop(server->workers[i]);
	keeper_stop(server->keeper);
	if (server->mailbox != NULL)
		mailbox_deliver(server->mailbox);
	for (i = 0; i < count; i++)
		worker_free(server->workers[i]);
	keeper_free(server->keeper);
	close_doors(server);
	close_desk(&server->admin, &server->conf->admin_listen);
	close_desk(&server->health, &server->conf->health_listen);
	tls_server_unref(server->tls);
	for (i = 0; i < 2; i++)
		if (server->signals[i] != NULL)
			event_free(server->signals[i]);
	if (server->drain_timer != NULL)
		event_free(server->drain_timer);
	if (server->certificate_timer != NULL)
		event_free(server->certificate_timer);
	mailbox_free(server->mailbox);
	if (server->base != NULL)
		event_base_free(server->base);
	board_free(server->board);
	stats_free(server->desk_stats);
	free(server->workers);
	free(server->stats);
	free(server->fds);
}

int
server_run(const struct conf *conf, struct err *err)
{
	struct server server = { .conf = NULL };

	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	init(&server, conf, err);
	if (open_main(&server, err) == -1) {
		server.has_failed = true;
	} else {
		try_gate(-1, 0, &server);
		if (!server.has_failed)
			event_base_dispatch(server.base);
	}
	if (!server.has_failed)
		log_info("stopped", NULL);
	fini(&server);
	return server.has_failed ? -1 : 0;
}
