/*
 * May this identity?  As Kubernetes has it: SubjectAccessReview.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/method.h"
#include "auth/reviews.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"

static void
take_review(struct message *message, void *owner)
{
	(void)owner;
	auth_errand_settle((struct auth_errand *)message, true);
}

static void
ask(struct auth_booth *booth, const struct auth_question *question,
    const struct review_access *access, const unsigned char *digest,
    struct auth_verdict *verdict)
{
	enum auth_method method = verdict->method;
	char detail[AUTH_DETAIL_SIZE];
	char *body = review_access_body(access, detail, sizeof(detail));
	struct auth_errand *errand;

	if (body == NULL) {
		auth_forbid(verdict, detail);
		return;
	}
	errand = auth_errand_new(booth, question, method, BACKEND_ACCESS);
	errand->pending.user = xstrdup(auth_identity_user(access->identity));
	memcpy(errand->ask.digest, digest, AUTH_DIGEST_SIZE);
	errand->ask.body = body;
	auth_errand_send(errand, take_review);
	auth_identity_unref(verdict->identity);
	verdict->identity = NULL;
	verdict->is_authorization = true;
	auth_wait(verdict, AUTH_UNAVAILABLE);
}

/* By what the review is made of: who is let in may not fill the cache with
 * paths that make no difference. */
static void
make_digest(struct auth_booth *booth, const struct auth_question *question,
    const struct review_access *access, unsigned char *digest)
{
	const char *fields[] = { "access", question->policy->tag,
		auth_identity_tag(access->identity),
		access->conf->attributes.is_set ? "" : access->path,
		access->value == NULL ? "" : access->value };

	digester_make(booth->digester, fields, 5, digest);
}

/* For the templates, from the request, as kube-rbac-proxy's rewrites have it;
 * malloc'd. */
static char *
find_value(const struct auth_question *question)
{
	const struct conf_kubernetes *conf =
	    &question->policy->conf->auth.kubernetes;
	char *value = NULL;

	if (conf->by_query_parameter != NULL)
		value = question->parameter(
		    conf->by_query_parameter, question->arg);
	if (value == NULL && conf->by_http_header != NULL)
		value = question->header(conf->by_http_header, question->arg);
	return value;
}

static void
check(struct auth_booth *booth, const struct auth_question *question,
    const struct review_access *access, struct auth_verdict *verdict)
{
	unsigned char digest[AUTH_DIGEST_SIZE];
	char detail[AUTH_DETAIL_SIZE];
	struct auth_entry entry;
	uint64_t now_us = clock_now_us();

	make_digest(booth, question, access, digest);
	if (auth_cache_find(booth->auth->good, digest, &entry, detail) &&
	    now_us < entry.until_us) {
		if (verdict->valid_until_us > entry.until_us)
			verdict->valid_until_us = entry.until_us;
		return;
	}
	if (auth_cache_find(booth->auth->bad, digest, &entry, detail) &&
	    now_us < entry.until_us)
		auth_forbid(verdict, detail);
	else
		ask(booth, question, access, digest, verdict);
}

void
auth_access_check(struct auth_booth *booth,
    const struct auth_question *question, struct auth_verdict *verdict)
{
	char *value = find_value(question);
	struct review_access access = {
		.identity = verdict->identity,
		.path = question->path,
		.conf = &question->policy->conf->auth.kubernetes,
		.value = value,
	};

	check(booth, question, &access, verdict);
	free(value);
}
