/*
 * Basic auth against basic_auth_users.
 *
 * A user that does not exist costs what one that does costs: the same digest,
 * the same queue, the same words, and a check of a hash that fits nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/bcrypt.h"
#include "auth/header.h"
#include "auth/identity.h"
#include "auth/method.h"
#include "conf/bcrypt.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"

/* Go's default, for the case that no hash tells its cost. */
#define COST_DEFAULT 10

/* Credentials being checked. */
struct basic_check {
	struct hash_wait wait;
	struct auth_pending pending;
	bool is_known; /* there is such a user */
	unsigned char digest[AUTH_DIGEST_SIZE];
};

static const char too_many[] = "too many basic auth logins to check at once";

/* For the status line, too: they say nothing about users. */
static const char *const fault_words[] = {
	[AUTH_BASIC_NOT_BASE64] = "basic auth header that is not base64",
	[AUTH_BASIC_NO_COLON] = "basic auth header without a colon",
	[AUTH_BASIC_NUL] = "basic auth header with a NUL byte",
	[AUTH_BASIC_USER_LONG] = "basic auth header of more than 1 KB",
	[AUTH_BASIC_PASSWORD_LONG] =
	    "basic auth password of more than 72 bytes",
};

/* The index, or the count if there is none. */
static size_t
find_user(const struct conf *conf, const char *name)
{
	size_t found = conf->basic_auth_user_count, i;

	for (i = 0; i < conf->basic_auth_user_count; i++)
		if (strcmp(conf->basic_auth_users[i].name, name) == 0)
			found = i;
	return found;
}

/* The dearest, so that nobody waits less than for a user that exists; loading
 * warns where costs differ, for then the cheaper ones can be told. */
static unsigned
find_cost(const struct conf *conf)
{
	unsigned cost = 0;
	size_t i;

	for (i = 0; i < conf->basic_auth_user_count; i++) {
		unsigned other =
		    (unsigned)conf_bcrypt_cost(conf->basic_auth_users[i].hash);

		if (other > cost)
			cost = other;
	}
	return cost == 0 ? COST_DEFAULT : cost;
}

static void
remember(struct auth_booth *booth, const unsigned char *digest)
{
	struct auth_entry entry = {
		.until_us = UINT64_MAX,
		.end_us = UINT64_MAX,
		.detail = "",
	};

	auth_cache_put(booth->auth->good, digest, &entry);
}

static void
take_result(struct message *message, void *owner)
{
	struct basic_check *check = (struct basic_check *)message;
	struct auth_pending *pending = &check->pending;

	(void)owner;
	if (check->wait.outcome == HASH_UNCHECKED) {
		auth_pending_deny(pending, AUTH_OVERLOADED, false, too_many);
	} else if (check->wait.outcome == HASH_MATCH && check->is_known) {
		remember(pending->booth, check->digest);
		auth_pending_again(pending);
	} else {
		auth_pending_deny(pending, AUTH_DENIED, false,
		    "wrong password, or no such user");
	}
	free(check);
}

static bool
ask(struct auth_booth *booth, const struct auth_question *question,
    const struct auth_basic *basic, const char *hash, bool is_known,
    const unsigned char *digest)
{
	struct basic_check *check = xcalloc(1, sizeof(*check));

	auth_pending_init(
	    &check->pending, booth, question, AUTH_METHOD_BASIC, basic->user);
	check->wait.message.deliver = take_result;
	check->wait.reply_to = booth->mailbox;
	check->wait.peer = check->pending.peer;
	check->wait.deadline_us = question->deadline_us;
	check->is_known = is_known;
	memcpy(check->digest, digest, sizeof(check->digest));
	if (hasher_ask(booth->auth->hasher, digest, hash, basic->password,
		&check->wait))
		return true;
	auth_pending_drop(&check->pending);
	free(check);
	return false;
}

static void
judge(struct auth_booth *booth, const struct auth_question *question,
    const struct auth_basic *basic, struct auth_verdict *verdict)
{
	const struct conf *conf = question->policy->conf;
	size_t index = find_user(conf, basic->user);
	bool is_known = index < conf->basic_auth_user_count;
	unsigned char digest[AUTH_DIGEST_SIZE];
	const char *fields[4] = { "basic", basic->user, NULL, basic->password };
	char dummy[BCRYPT_HASH_SIZE];

	bcrypt_dummy(dummy, find_cost(conf));
	fields[2] = is_known ? conf->basic_auth_users[index].hash : dummy;
	digester_make(booth->digester, fields, 4, digest);
	if (auth_cache_has(booth->auth->good, digest) && is_known) {
		auth_allow(verdict, question->policy->users[index], UINT64_MAX);
		return;
	}
	if (!auth_may_try(
		booth, question, AUTH_METHOD_BASIC, basic->user, verdict))
		return;
	if (ask(booth, question, basic, fields[2], is_known, digest))
		auth_wait(verdict, AUTH_OVERLOADED);
	else
		auth_deny(
		    verdict, AUTH_METHOD_BASIC, AUTH_OVERLOADED, too_many);
}

void
auth_basic_check(struct auth_booth *booth, const struct auth_question *question,
    const char *rest, struct auth_verdict *verdict)
{
	enum auth_basic_fault fault;
	struct auth_basic basic;

	verdict->method = AUTH_METHOD_BASIC;
	fault = auth_header_basic(rest, &basic);
	if (fault == AUTH_BASIC_FINE) {
		judge(booth, question, &basic, verdict);
		auth_basic_wipe(&basic);
		return;
	}
	auth_deny(verdict, AUTH_METHOD_BASIC, AUTH_DENIED, fault_words[fault]);
	verdict->words = fault_words[fault];
}
