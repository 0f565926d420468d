/*
 * What is remembered of logins stays within 256 KB, however many tokens,
 * users and addresses come by, and however long their names and groups are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "auth/auth.h"
#include "auth/bcrypt.h"
#include "auth/identity.h"
#include "auth/policy.h"
#include "conf/load.h"
#include "proxy/base/err.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/material.h"
#include "proxy/base/thread.h"

#include "jwt_maker.h"

#define COUNT 10000
#define SIZE_MAX_PROMISED ((size_t)256 * 1024)

struct world {
	char jwks[64]; /* the path */
	EVP_PKEY *key;
	struct material *material;
	struct auth_policy *policy;
	struct auth *auth;
	struct event_base *base;
	struct mailbox *mailbox;
	struct auth_booth *booth;
};

static const char format[] =
    "auth:\n"
    "  failed_logins_per_address: %d\n"
    "  failed_logins_per_user: 1000\n"
    "  jwt: {issuer: i, audiences: [a], jwks_file: %s}\n"
    "insecure_http: true\n"
    "targets: [{name: a, url: 'http://127.0.0.1:9/'}]\n";

static void
write_keys(struct world *world)
{
	char *jwk = maker_ed_jwk(world->key, "");
	FILE *out;
	int fd;

	strcpy(world->jwks, "/tmp/test_auth_size_XXXXXX");
	fd = mkstemp(world->jwks);
	assert_true(fd >= 0);
	out = fdopen(fd, "w");
	assert_non_null(out);
	fprintf(out, "{\"keys\":[%s]}", jwk);
	assert_int_equal(fclose(out), 0);
	free(jwk);
}

static struct auth_policy *
new_policy(struct world *world, int failed_per_address)
{
	const char *path = world->jwks;
	struct conf_source source = { .file = "gate.yml" };
	struct conf_report report;
	struct auth_policy *policy;
	struct conf *conf;
	struct err err;
	char *text;
	int len = asprintf(&text, format, failed_per_address, path);

	assert_true(len > 0);
	source.text = text;
	source.text_len = (size_t)len;
	conf = conf_load(&source, &report);
	if (conf == NULL)
		fail_msg("%s", report.errors);
	world->material = material_load(&path, 1);
	policy = auth_policy_new(conf, world->material, &err);
	if (policy == NULL)
		fail_msg("%s", err.text);
	conf_unref(conf);
	conf_report_fini(&report);
	free(text);
	return policy;
}

static int
set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct err err;

	world->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	write_keys(world);
	world->policy = new_policy(world, 1000);
	world->auth = auth_new(bcrypt_matches, &err);
	world->base = thread_base_new(&err);
	world->mailbox = mailbox_new(world->base, world, &err);
	world->booth = auth_booth_new(world->auth, world->mailbox, &err);
	*state = world;
	return world->booth == NULL;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	auth_stop(world->auth);
	mailbox_free(world->mailbox);
	auth_booth_free(world->booth);
	event_base_free(world->base);
	auth_free(world->auth);
	auth_policy_unref(world->policy);
	material_free(world->material);
	EVP_PKEY_free(world->key);
	unlink(world->jwks);
	free(world);
	return 0;
}

static struct auth_verdict
ask(struct world *world, const char *peer, const char *token)
{
	struct auth_question question = {
		.policy = world->policy,
		.path = "/metrics",
		.peer = peer,
		.deadline_us = UINT64_MAX,
	};
	struct auth_verdict verdict;
	char *header;

	assert_true(asprintf(&header, "Bearer %s", token) > 0);
	question.authorization = header;
	auth_check(world->booth, &question, &verdict);
	free(header);
	return verdict;
}

/* `groups`: JSON, what stands between the brackets. */
static char *
make_token(
    struct world *world, const char *audience, unsigned n, const char *groups)
{
	char *payload, *token;
	int len = asprintf(&payload,
	    "{\"iss\":\"i\",\"aud\":\"%s\",\"sub\":\"user-%u\",\"exp\":%lld,"
	    "\"groups\":[%s]}",
	    audience, n, (long long)time(NULL) + 3600, groups);

	assert_true(len > 0);
	token = maker_token(world->key, MAKER_EDDSA, "{\"alg\":\"EdDSA\"}",
	    payload, (size_t)len);
	free(payload);
	return token;
}

static void
log_in(struct world *world, unsigned n, const char *groups)
{
	char *token = make_token(world, "a", n, groups);
	struct auth_verdict verdict = ask(world, "192.0.2.1", token);

	assert_int_equal(verdict.answer, AUTH_ALLOW);
	auth_identity_unref(verdict.identity);
	free(token);
}

/* Each from an address of its own. */
static void
be_refused(struct world *world, unsigned n)
{
	char *token = make_token(world, "other", n, "");
	char peer[32];
	struct auth_verdict verdict;

	snprintf(
	    peer, sizeof(peer), "10.%u.%u.%u", n >> 16, n >> 8 & 255, n & 255);
	verdict = ask(world, peer, token);
	assert_int_equal(verdict.answer, AUTH_DENY);
	assert_int_equal(verdict.result, AUTH_DENIED);
	free(token);
}

static void
assert_small(const struct world *world)
{
	size_t size = auth_size(world->auth);

	if (size > SIZE_MAX_PROMISED)
		fail_msg("%zu bytes", size);
}

static void
many_logins_stay_small(void **state)
{
	struct world *world = *state;
	char groups[14 * 1024];
	size_t len = 0;
	unsigned i;

	for (i = 0; i < 200; i++)
		len += (size_t)snprintf(groups + len, sizeof(groups) - len,
		    "%s\"group-%u-%040u\"", i == 0 ? "" : ",", i, i);
	for (i = 0; i < COUNT; i++) {
		log_in(world, i, i % 100 == 0 ? groups : "\"a\",\"b\"");
		be_refused(world, i);
		if (i % 100 == 0)
			assert_small(world);
	}
	assert_small(world);
	/* It is what they take, not a number that was written down. */
	assert_true(auth_size(world->auth) > 100 * 1024);
	printf("%zu bytes after %u tokens of as many users, and as many bad "
	       "ones of as many addresses\n",
	    auth_size(world->auth), COUNT);
}

/* Only long ones. */
static void
long_identities_stay_small(void **state)
{
	struct world *world = *state;
	char groups[14 * 1024];
	size_t len = 0;
	unsigned i;

	for (i = 0; i < 200; i++)
		len += (size_t)snprintf(groups + len, sizeof(groups) - len,
		    "%s\"group-%u-%040u\"", i == 0 ? "" : ",", i, i);
	for (i = 0; i < 100; i++) {
		log_in(world, i, groups);
		assert_small(world);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    many_logins_stay_small, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    long_identities_stay_small, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
