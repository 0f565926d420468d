/*
 * The credentials of one request: asks auth/ and, where that takes longer
 * than the loop may wait, sees to it that the scraper is answered before it
 * gives up.
 *
 * Lives on its worker's thread.
 */
#ifndef PROXY_GATE_LOGIN_H
#define PROXY_GATE_LOGIN_H

#include <stdint.h>

#include "auth/auth.h"

struct event_base;

struct login_options {
	struct auth_booth *booth;
	struct event_base *base;
	/* Where the configuration in force is found, also after a reload. */
	struct conf *const *conf;
	const char *authorization; /* valid until decided */
	const char *peer;          /* valid during the call */
	uint64_t deadline_us;      /* when it has to be decided, monotonic */
	/* Called exactly once after AUTH_LATER, with an allow or deny. */
	void (*decided)(const struct auth_verdict *verdict, void *arg);
	void *arg;
};

/* Sets an allow, a deny, or AUTH_LATER. */
void login_check(
    const struct login_options *options, struct auth_verdict *verdict);

#endif
