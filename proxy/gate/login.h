/*
 * The credentials of one request: asks auth/ and, where that takes longer
 * than the loop may wait, sees to it that the scraper is answered before it
 * gives up.
 *
 * Lives on its worker's thread.
 */
#ifndef PROXY_GATE_LOGIN_H
#define PROXY_GATE_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "proxy/diagnosis/reasons.h"

struct event_base;

struct login_options {
	struct auth_booth *booth;
	struct event_base *base;
	/* Where the policy in force is found, also after a reload. */
	struct auth_policy *const *policy;
	/* Its policy, settled and arg are set here; the rest is valid until
	 * decided.  `deadline_us` is when that has to be. */
	struct auth_question question;
	/* Called before it is asked anew: what of it a reload may have changed
	 * is set again.  False: the scraper has gone, and so has what the
	 * question points to. */
	bool (*renew)(struct auth_question *question, void *question_arg);
	void *question_arg; /* of its functions */
	/* Called exactly once after AUTH_LATER, with an allow or deny. */
	void (*decided)(const struct auth_verdict *verdict, void *arg);
	void *arg;
};

/* Sets an allow, a deny, or AUTH_LATER. */
void login_check(
    const struct login_options *options, struct auth_verdict *verdict);

/* What a deny is called; `is_authorization` as in the verdict.  Pure. */
enum reason login_refusal(enum auth_result result, bool is_authorization);

#endif
