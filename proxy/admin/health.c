#include "proxy/admin/health.h"

#include <stdio.h>

#include "conf/conf.h"
#include "proxy/admin/query.h"
#include "proxy/admin/view.h"
#include "proxy/diagnosis/board.h"
#include "proxy/diagnosis/record.h"

void
health_alive(
    const struct admin_view *view, const char *query, struct response *response)
{
	(void)view;
	(void)query;
	response_set_text(response, 200, "healthy\n");
}

static void
judge_target(const struct board_target *target, struct response *response)
{
	const char *name = target->conf->name;
	char text[256];

	switch (board_health(target)) {
	case BOARD_UNKNOWN:
		snprintf(text, sizeof(text),
		    "ready: %s has not been scraped yet\n", name);
		break;
	case BOARD_UP:
		snprintf(text, sizeof(text), "ready: %s is up\n", name);
		break;
	case BOARD_DOWN:
		snprintf(text, sizeof(text), "not ready: %s is down: %s\n",
		    name, reason_row(target->last->finding->reason)->id);
		break;
	}
	response_set_text(
	    response, board_health(target) == BOARD_DOWN ? 503 : 200, text);
}

/* Of the program; true if it is ready. */
static bool
judge_gate(const struct admin_view *view, struct response *response)
{
	const char *reason = view->not_ready_reason;
	char text[128];

	if (view->is_ready && !view->is_draining)
		return true;
	if (view->is_draining)
		reason = "draining";
	snprintf(text, sizeof(text), "not ready: %s\n",
	    reason != NULL ? reason : "starting");
	response_set_text(response, 503, text);
	return false;
}

void
health_ready(
    const struct admin_view *view, const char *query, struct response *response)
{
	const struct board_target *target;
	char name[256];

	if (!judge_gate(view, response))
		return;
	if (!query_get(query, "target", name, sizeof(name))) {
		response_set_text(response, 200, "ready\n");
		return;
	}
	target = board_find_target(view->board, name);
	if (target != NULL)
		judge_target(target, response);
	else
		response_set_text(response, 404, "no target of this name\n");
}
