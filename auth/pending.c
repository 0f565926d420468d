/*
 * A question somebody else thinks about: what of it outlives the request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/guesses.h"
#include "auth/method.h"
#include "auth/policy.h"
#include "auth/refusals.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

void
auth_pending_init(struct auth_pending *pending, struct auth_booth *booth,
    const struct auth_question *question, enum auth_method method,
    const char *user)
{
	pending->booth = booth;
	pending->settled = question->settled;
	pending->arg = question->arg;
	pending->policy =
	    auth_policy_ref((struct auth_policy *)(uintptr_t)question->policy);
	pending->method = method;
	snprintf(pending->peer, sizeof(pending->peer), "%s", question->peer);
	snprintf(pending->path, sizeof(pending->path), "%s", question->path);
	pending->user = user == NULL ? NULL : xstrdup(user);
}

void
auth_pending_drop(struct auth_pending *pending)
{
	auth_policy_unref(pending->policy);
	free(pending->user);
	pending->policy = NULL;
	pending->user = NULL;
}

static void
settle(struct auth_pending *pending, const struct auth_verdict *verdict)
{
	auth_settled_fn *settled = pending->settled;
	void *arg = pending->arg;

	auth_pending_drop(pending);
	if (settled != NULL)
		settled(verdict, arg);
}

void
auth_pending_again(struct auth_pending *pending)
{
	struct auth_verdict verdict = {
		.answer = AUTH_AGAIN,
		.method = pending->method,
	};

	settle(pending, &verdict);
}

void
auth_pending_deny(struct auth_pending *pending, enum auth_result result,
    bool is_authorization, const char *detail)
{
	struct auth_booth *booth = pending->booth;
	struct auth_verdict verdict = { .answer = AUTH_DENY };

	auth_deny(&verdict, pending->method, result, detail);
	verdict.is_authorization = is_authorization;
	if (is_authorization && result == AUTH_UNAVAILABLE)
		verdict.words = "Kubernetes SubjectAccessReview does not "
				"answer";
	if (result == AUTH_DENIED && !pending->is_repeat)
		guesses_failed(booth->auth->guesses,
		    &pending->policy->conf->auth, pending->peer, pending->user,
		    clock_now_us());
	if (pending->settled != NULL)
		refusals_add(booth->auth->refusals, &verdict, pending->peer,
		    pending->user, pending->path);
	settle(pending, &verdict);
}
