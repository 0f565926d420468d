/*
 * Basic auth against basic_auth_users.
 *
 * A user that does not exist costs what one that does costs: the same digest,
 * the same queue, the same words, and a check of a hash that fits nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/bcrypt.h"
#include "auth/cache.h"
#include "auth/header.h"
#include "auth/method.h"
#include "conf/bcrypt.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"

/* Go's default, for the case that no hash tells its cost. */
#define COST_DEFAULT 10

/* Credentials being checked. */
struct basic_check {
	struct hash_wait wait;
	struct auth_booth *booth;
	auth_settled_fn *settled;
	void *arg;
	bool is_known; /* there is such a user */
	unsigned char digest[AUTH_DIGEST_SIZE];
	char peer[AUTH_PEER_SIZE];
	char user[]; /* foreign bytes */
};

static const char too_many[] = "too many basic auth logins to check at once";

static const char *const fault_words[] = {
	[AUTH_BASIC_FINE] = "basic auth user or password",
	[AUTH_BASIC_NOT_BASE64] = "basic auth header that is not base64",
	[AUTH_BASIC_NO_COLON] = "basic auth header without a colon",
	[AUTH_BASIC_NUL] = "basic auth header with a NUL byte",
	[AUTH_BASIC_USER_LONG] = "basic auth header of more than 1 KB",
	[AUTH_BASIC_PASSWORD_LONG] =
	    "basic auth password of more than 72 bytes",
};

static void
deny(struct auth_verdict *verdict, enum auth_result result, const char *detail)
{
	verdict->answer = AUTH_DENY;
	verdict->result = result;
	verdict->detail = detail;
}

static const struct conf_user *
find_user(const struct conf *conf, const char *name)
{
	const struct conf_user *found = NULL;
	size_t i;

	for (i = 0; i < conf->basic_auth_user_count; i++)
		if (strcmp(conf->basic_auth_users[i].name, name) == 0)
			found = &conf->basic_auth_users[i];
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
take_result(struct message *message, void *owner)
{
	struct basic_check *check = (struct basic_check *)message;
	struct auth_booth *booth = check->booth;
	struct auth_verdict verdict = { .method = AUTH_METHOD_BASIC };

	(void)owner;
	if (check->wait.outcome == HASH_UNCHECKED) {
		deny(&verdict, AUTH_OVERLOADED, too_many);
	} else if (check->wait.outcome == HASH_MATCH && check->is_known) {
		auth_cache_put(booth->cache, check->digest);
		verdict.answer = AUTH_AGAIN;
	} else {
		deny(&verdict, AUTH_DENIED, fault_words[AUTH_BASIC_FINE]);
		auth_log_failure(
		    booth->auth, &verdict, check->peer, check->user);
	}
	check->settled(&verdict, check->arg);
	free(check);
}

static struct basic_check *
new_check(struct auth_booth *booth, const struct auth_question *question,
    const char *user)
{
	size_t user_size = strlen(user) + 1;
	struct basic_check *check = xcalloc(1, sizeof(*check) + user_size);

	snprintf(check->peer, sizeof(check->peer), "%s", question->peer);
	check->wait.message.deliver = take_result;
	check->wait.reply_to = booth->mailbox;
	check->wait.peer = check->peer;
	check->wait.deadline_us = question->deadline_us;
	check->booth = booth;
	check->settled = question->settled;
	check->arg = question->arg;
	memcpy(check->user, user, user_size);
	return check;
}

static void
judge(struct auth_booth *booth, const struct auth_question *question,
    const struct auth_basic *basic, struct auth_verdict *verdict)
{
	const struct conf_user *user = find_user(question->conf, basic->user);
	unsigned char digest[AUTH_DIGEST_SIZE];
	const char *fields[3] = { basic->user, NULL, basic->password };
	char dummy[BCRYPT_HASH_SIZE];
	struct basic_check *check;

	bcrypt_dummy(dummy, find_cost(question->conf));
	fields[1] = user == NULL ? dummy : user->hash;
	digester_make(booth->digester, fields, 3, digest);
	if (auth_cache_has(booth->cache, digest) && user != NULL) {
		verdict->answer = AUTH_ALLOW;
		verdict->result = AUTH_ALLOWED;
		verdict->user = user->name;
		return;
	}
	check = new_check(booth, question, basic->user);
	check->is_known = user != NULL;
	memcpy(check->digest, digest, sizeof(digest));
	if (hasher_ask(booth->auth->hasher, digest, fields[1], basic->password,
		&check->wait)) {
		verdict->answer = AUTH_LATER;
		return;
	}
	free(check);
	deny(verdict, AUTH_OVERLOADED, too_many);
}

void
auth_basic_check(struct auth_booth *booth, const struct auth_question *question,
    const char *rest, struct auth_verdict *verdict)
{
	enum auth_basic_fault fault;
	struct auth_basic basic;

	fault = auth_header_basic(rest, &basic);
	if (fault == AUTH_BASIC_FINE) {
		judge(booth, question, &basic, verdict);
		auth_basic_wipe(&basic);
		return;
	}
	deny(verdict, AUTH_DENIED, fault_words[fault]);
	auth_log_failure(booth->auth, verdict, question->peer, NULL);
}
