#include "proxy/gate/login.h"

#include <stdbool.h>
#include <stdlib.h>

#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

struct login {
	struct login_options options;
	struct auth_verdict late; /* if nothing is known by the deadline */
	struct event *timer; /* NULL: decided already, but still asked about */
};

static auth_settled_fn settle;

static char *
get_header(const char *name, void *arg)
{
	const struct login *login = arg;
	const struct login_options *options = &login->options;

	return options->question.header(name, options->question_arg);
}

static char *
get_parameter(const char *name, void *arg)
{
	const struct login *login = arg;
	const struct login_options *options = &login->options;

	return options->question.parameter(name, options->question_arg);
}

static void
ask(struct login *login, struct auth_verdict *verdict)
{
	struct auth_question question = login->options.question;

	question.policy = *login->options.policy;
	question.header = get_header;
	question.parameter = get_parameter;
	question.settled = settle;
	question.arg = login;
	auth_check(login->options.booth, &question, verdict);
	if (verdict->answer != AUTH_LATER)
		return;
	login->late = *verdict;
	login->late.answer = AUTH_DENY;
	login->late.words = verdict->result == AUTH_UNAVAILABLE
				? "no answer in time"
				: "checking these credentials took too long";
}

static void
decide(struct login *login, const struct auth_verdict *verdict)
{
	event_free(login->timer);
	login->timer = NULL;
	login->options.decided(verdict, login->options.arg);
}

static void
ask_anew(struct login *login, struct auth_verdict *verdict)
{
	struct login_options *options = &login->options;

	if (options->renew(&options->question, options->question_arg))
		ask(login, verdict);
	else
		*verdict = login->late; /* nobody will see it */
}

static void
settle(const struct auth_verdict *verdict, void *arg)
{
	struct login *login = arg;
	struct auth_verdict now = *verdict;

	if (login->timer != NULL) {
		if (now.answer == AUTH_AGAIN)
			ask_anew(login, &now);
		if (now.answer == AUTH_LATER)
			return; /* the next step of it, or another policy */
		decide(login, &now);
	}
	free(login);
}

static void
give_up(evutil_socket_t fd, short events, void *arg)
{
	struct login *login = arg;

	(void)fd;
	(void)events;
	decide(login, &login->late);
}

void
login_check(const struct login_options *options, struct auth_verdict *verdict)
{
	struct login *login = xcalloc(1, sizeof(*login));
	struct timeval wait;

	login->options = *options;
	ask(login, verdict);
	if (verdict->answer != AUTH_LATER) {
		free(login);
		return;
	}
	login->timer = evtimer_new(options->base, give_up, login);
	wait = clock_until(options->question.deadline_us);
	evtimer_add(login->timer, &wait);
}

enum reason
login_refusal(enum auth_result result, bool is_authorization)
{
	static const enum reason reasons[AUTH_RESULT_COUNT] = {
		[AUTH_DENIED] = REASON_CREDENTIALS_INVALID,
		[AUTH_MISSING] = REASON_CREDENTIALS_MISSING,
		[AUTH_FORBIDDEN] = REASON_ACCESS_DENIED,
		[AUTH_LIMITED] = REASON_TOO_MANY_REQUESTS,
		[AUTH_OVERLOADED] = REASON_TOO_MANY_REQUESTS,
		[AUTH_UNAVAILABLE] = REASON_AUTHN_BACKEND_UNAVAILABLE,
	};

	if (result == AUTH_UNAVAILABLE && is_authorization)
		return REASON_AUTHZ_BACKEND_UNAVAILABLE;
	return reasons[result];
}
