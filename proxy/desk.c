#include "proxy/desk.h"

#include <stdlib.h>
#include <unistd.h>

#include <event2/http.h>

#include "conf/conf.h"
#include "proxy/admin/admin.h"
#include "proxy/admin/view.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/gate/front.h"
#include "proxy/gate/listener.h"
#include "proxy/gate/stats.h"
#include "proxy/gate/tally.h"

/* Of each listener. */
static const struct conf_connections connections = { .max = 64 };

struct counter {
	struct front *front;
	struct tally *tally;
	int fd;
	char *unix_path;
};

struct desk {
	struct event_base *base;
	struct admin_view *view;
	struct stats *stats; /* shown nowhere */
	struct guard_limits admin_limits;
	struct counter admin;
	struct counter health;
};

static void
sent(struct evhttp_request *req, void *connection)
{
	(void)req;
	connection_done(connection);
}

/* One answer a connection: nobody can hold the few there are. */
static void
handle(struct evhttp_request *req, struct connection *connection,
    enum reason refusal,
    void (*answer)(struct evhttp_request *req, const struct admin_view *view),
    const struct desk *desk)
{
	const struct reason_row *row = reason_row(refusal);

	evhttp_request_set_on_complete_cb(req, sent, connection);
	evhttp_add_header(
	    evhttp_request_get_output_headers(req), "Connection", "close");
	desk->view->catch_up(desk->view->catch_up_arg);
	if (refusal == REASON_OK)
		answer(req, desk->view);
	else
		evhttp_send_reply(req, row->status, row->id, NULL);
}

static void
handle_admin(struct evhttp_request *req, struct connection *connection,
    enum reason refusal, void *arg)
{
	handle(req, connection, refusal, admin_handle, arg);
}

static void
handle_health(struct evhttp_request *req, struct connection *connection,
    enum reason refusal, void *arg)
{
	handle(req, connection, refusal, admin_handle_health, arg);
}

static int
open_counter(struct desk *desk, struct counter *counter,
    const struct conf_address *address, const char *role,
    struct front_options *options, struct err *err)
{
	char text[LISTENER_TEXT_SIZE];

	if (address->text[0] == '\0')
		return 0;
	counter->fd = listener_open(address, text, err);
	if (counter->fd == -1)
		return -1;
	if (address->unix_path != NULL)
		counter->unix_path = xstrdup(address->unix_path);
	options->base = desk->base;
	counter->tally = tally_new(&connections);
	options->deadlines = &front_default_deadlines;
	options->tally = counter->tally;
	options->stats = desk->stats;
	options->arg = desk;
	counter->front = front_new(options, err);
	if (counter->front == NULL ||
	    front_listen(counter->front, counter->fd, role, err) == -1)
		return -1;
	log_info("listening", "role", role, "address", text, NULL);
	return 0;
}

static void
close_counter(struct counter *counter)
{
	front_free(counter->front);
	tally_free(counter->tally);
	if (counter->fd != -1)
		close(counter->fd);
	if (counter->unix_path != NULL)
		unlink(counter->unix_path);
	free(counter->unix_path);
}

static int
open_both(struct desk *desk, struct err *err)
{
	const struct conf *conf = desk->view->conf;
	struct front_options health = { .limits = &guard_default_limits,
		.handle = handle_health };
	struct front_options admin = { .limits = &desk->admin_limits,
		.handle = handle_admin };
	struct err admin_err;

	if (open_counter(desk, &desk->health, &conf->health_listen, "health",
		&health, err) == -1)
		return -1;
	if (open_counter(desk, &desk->admin, &conf->admin_listen, "admin",
		&admin, &admin_err) == -1) {
		log_error("the admin listener is off", "role", "admin", "error",
		    admin_err.text, NULL);
		desk->view->admin_listen_failed = true;
	}
	return 0;
}

struct desk *
desk_open(struct event_base *base, struct admin_view *view, struct err *err)
{
	struct desk *desk = xcalloc(1, sizeof(*desk));

	desk->base = base;
	desk->view = view;
	desk->stats = stats_new(0);
	desk->admin.fd = desk->health.fd = -1;
	desk->admin_limits = guard_default_limits;
	desk->admin_limits.allow_post = true; /* for /-/reload */
	if (open_both(desk, err) == -1) {
		desk_close(desk);
		return NULL;
	}
	return desk;
}

void
desk_close(struct desk *desk)
{
	if (desk == NULL)
		return;
	close_counter(&desk->admin);
	close_counter(&desk->health);
	stats_free(desk->stats);
	free(desk);
}
