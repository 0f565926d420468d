/*
 * Questions to the backend: there, back, and what is remembered of the answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/jwks.h"
#include "auth/method.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

/* While Kubernetes does not answer, how long until it is asked again for
 * somebody who is let in by stale_grace. */
#define GRACE_STEP_US (5 * UINT64_C(1000000))

struct auth_errand *
auth_errand_new(struct auth_booth *booth, const struct auth_question *question,
    enum auth_method method, enum backend_kind kind)
{
	struct auth_errand *errand = xcalloc(1, sizeof(*errand));
	struct backend_ask *ask = &errand->ask;

	auth_pending_init(&errand->pending, booth, question, method, NULL);
	errand->end_us = UINT64_MAX;
	ask->reply_to = booth->mailbox;
	ask->kind = kind;
	ask->policy = errand->pending.policy;
	ask->peer = errand->pending.peer;
	ask->deadline_us = question->deadline_us;
	return errand;
}

void
auth_errand_send(struct auth_errand *errand,
    void (*back)(struct message *message, void *owner))
{
	struct auth_backend *backend = errand->pending.booth->auth->backend;
	struct backend_ask *ask = &errand->ask;

	ask->back = back;
	if (backend != NULL) {
		auth_backend_ask(backend, ask);
		return;
	}
	ask->message.deliver = back;
	snprintf(ask->words, sizeof(ask->words), "there is nobody to ask");
	mailbox_post(ask->reply_to, &ask->message);
}

void
auth_errand_free(struct auth_errand *errand)
{
	struct backend_ask *ask = &errand->ask;

	if (ask->body != NULL) {
		explicit_bzero(ask->body, strlen(ask->body));
		free(ask->body);
	}
	auth_identity_unref(ask->identity);
	jwks_unref(ask->keys);
	free(errand);
}

static void
remember_yes(struct auth_errand *errand, const struct conf_kubernetes *conf)
{
	struct auth_entry entry = {
		.identity = errand->ask.identity,
		.detail = "",
	};
	struct auth *auth = errand->pending.booth->auth;
	uint64_t until_us =
	    clock_later(clock_now_us(), (uint64_t)conf->cache_allowed * 1000);

	entry.until_us = entry.end_us = clock_earlier(until_us, errand->end_us);
	auth_cache_put(auth->good, errand->ask.digest, &entry);
	auth_cache_drop(auth->bad, errand->ask.digest);
}

static void
remember_no(struct auth_errand *errand, const struct conf_kubernetes *conf)
{
	struct auth_entry entry = {
		.method = errand->pending.method,
		.detail = errand->ask.words,
	};
	struct auth *auth = errand->pending.booth->auth;
	uint64_t now_us = clock_now_us();

	entry.until_us =
	    clock_later(now_us, (uint64_t)conf->cache_denied * 1000);
	entry.end_us = clock_later(entry.until_us, AUTH_BAD_COUNTED_US);
	/* All who waited for one call are one guess. */
	errand->pending.is_repeat =
	    auth_cache_put(auth->bad, errand->ask.digest, &entry) > now_us;
	/* Whom it let in before it lets in no more: no grace for that. */
	auth_cache_drop(auth->good, errand->ask.digest);
}

/* Kubernetes does not answer: whom it let in a while ago is let in still. */
static bool
extend(const struct auth_errand *errand, const struct conf_kubernetes *conf)
{
	return auth_cache_extend(errand->pending.booth->auth->good,
	    errand->ask.digest, clock_now_us(), GRACE_STEP_US,
	    (uint64_t)conf->stale_grace * 1000, errand->end_us);
}

void
auth_errand_settle(struct auth_errand *errand, bool is_authorization)
{
	struct auth_pending *pending = &errand->pending;
	const struct conf_kubernetes *conf =
	    &pending->policy->conf->auth.kubernetes;
	const char *words = errand->ask.words;

	switch (errand->ask.outcome) {
	case BACKEND_YES:
		remember_yes(errand, conf);
		auth_pending_again(pending);
		break;
	case BACKEND_NO:
		remember_no(errand, conf);
		auth_pending_deny(pending,
		    is_authorization ? AUTH_FORBIDDEN : AUTH_DENIED,
		    is_authorization, words);
		break;
	case BACKEND_LIMITED:
		auth_pending_deny(
		    pending, AUTH_OVERLOADED, is_authorization, words);
		break;
	case BACKEND_UNAVAILABLE:
	default:
		if (extend(errand, conf))
			auth_pending_again(pending);
		else
			auth_pending_deny(
			    pending, AUTH_UNAVAILABLE, is_authorization, words);
		break;
	}
	auth_errand_free(errand);
}
