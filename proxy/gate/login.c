#include "proxy/gate/login.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/scrape.h"

struct login {
	struct login_options options;
	char peer[SCRAPER_TEXT_SIZE];
	enum auth_method method;
	struct event *timer; /* NULL: decided already, but still asked about */
};

static auth_settled_fn settle;

static void
ask(struct login *login, struct auth_verdict *verdict)
{
	struct auth_question question = {
		.conf = *login->options.conf,
		.authorization = login->options.authorization,
		.peer = login->peer,
		.deadline_us = login->options.deadline_us,
		.settled = settle,
		.arg = login,
	};

	auth_check(login->options.booth, &question, verdict);
}

static void
decide(struct login *login, const struct auth_verdict *verdict)
{
	event_free(login->timer);
	login->timer = NULL;
	login->options.decided(verdict, login->options.arg);
}

static void
settle(const struct auth_verdict *verdict, void *arg)
{
	struct login *login = arg;
	struct auth_verdict now = *verdict;

	if (login->timer != NULL) {
		if (now.answer == AUTH_AGAIN)
			ask(login, &now);
		if (now.answer == AUTH_LATER)
			return; /* a reload changed this very user */
		decide(login, &now);
	}
	free(login);
}

static void
give_up(evutil_socket_t fd, short events, void *arg)
{
	struct login *login = arg;
	struct auth_verdict verdict = {
		.answer = AUTH_DENY,
		.method = login->method,
		.result = AUTH_OVERLOADED,
		.detail = "checking these credentials took too long",
	};

	(void)fd;
	(void)events;
	decide(login, &verdict);
}

void
login_check(const struct login_options *options, struct auth_verdict *verdict)
{
	struct login *login = xcalloc(1, sizeof(*login));
	struct timeval wait;

	login->options = *options;
	snprintf(login->peer, sizeof(login->peer), "%s", options->peer);
	ask(login, verdict);
	if (verdict->answer != AUTH_LATER) {
		free(login);
		return;
	}
	login->method = verdict->method;
	login->timer = evtimer_new(options->base, give_up, login);
	wait = clock_until(options->deadline_us);
	evtimer_add(login->timer, &wait);
}
