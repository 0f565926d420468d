/*
 * Basic auth from question to verdict, with the hash thread at work and a
 * match function that counts, waits and answers as told: what is hashed, how
 * often, what is remembered, and that nobody can tell a user that exists.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>
#include <openssl/evp.h>

#include "auth/auth.h"
#include "auth/bcrypt.h"
#include "auth/cache.h"
#include "auth/guesses.h"
#include "auth/hasher.h"
#include "auth/identity.h"
#include "auth/method.h"
#include "auth/policy.h"
#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/err.h"
#include "proxy/base/thread.h"

#define TAIL "$abcdefghijklmnopqrstuu0123456789012345678901234567890"

/* What the match function sees and does; under the lock. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_shut;            /* calls wait until it opens */
	unsigned calls;          /* begun */
	unsigned cost_calls[32]; /* by the cost of their hash */
	char order[64][16];      /* the first calls' passwords */
} oracle = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER };

/* Each hash fits its own text as a password, less what follows the cost. */
static bool
match(const char *hash, const char *password)
{
	pthread_mutex_lock(&oracle.lock);
	if (oracle.calls < 64)
		snprintf(oracle.order[oracle.calls], 16, "%s", password);
	oracle.calls++;
	oracle.cost_calls[bcrypt_cost(hash)]++;
	pthread_cond_broadcast(&oracle.changed);
	while (oracle.is_shut)
		pthread_cond_wait(&oracle.changed, &oracle.lock);
	pthread_mutex_unlock(&oracle.lock);
	return strncmp(hash, password, strlen(password)) == 0 &&
	       strlen(password) == 7;
}

static void
shut(bool is_shut)
{
	pthread_mutex_lock(&oracle.lock);
	oracle.is_shut = is_shut;
	pthread_cond_broadcast(&oracle.changed);
	pthread_mutex_unlock(&oracle.lock);
}

static void
wait_for_calls(unsigned count)
{
	pthread_mutex_lock(&oracle.lock);
	while (oracle.calls < count)
		pthread_cond_wait(&oracle.changed, &oracle.lock);
	pthread_mutex_unlock(&oracle.lock);
}

#define USERS(rows)                                                            \
	"auth: {failed_logins_per_address: 0, failed_logins_per_user: 0}\n"    \
	"basic_auth_users: {" rows "}\n"                                       \
	"insecure_http: true\n"                                                \
	"targets: [{name: a, url: 'http://127.0.0.1:9/'}]\n"

static const char users[] =
    USERS("ann: $2b$10" TAIL ", bob: $2b$11" TAIL ", '': $2b$05" TAIL);
static const char other_users[] = USERS("ann: $2b$06" TAIL);
static const char no_users[] = USERS("");

static struct auth_policy *
new_policy(const char *text)
{
	struct conf_source source = {
		.file = "gate.yml", .text = text, .text_len = strlen(text)
	};
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);
	struct auth_policy *policy;
	struct err err;

	if (conf == NULL)
		fail_msg("%s", report.errors);
	policy = auth_policy_new(conf, NULL, &err);
	assert_non_null(policy);
	conf_unref(conf);
	conf_report_fini(&report);
	return policy;
}

struct world {
	struct auth *auth;
	struct event_base *base;
	struct mailbox *mailbox;
	struct auth_booth *booth;
	struct auth_policy *policy;
	const char *peer;
	uint64_t deadline_us;
	unsigned awaited;
	char user[32];                       /* the last who was let in */
	struct auth_verdict last;            /* as settled */
	unsigned results[AUTH_RESULT_COUNT]; /* of those denied later */
};

static int
set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct err err;

	oracle.calls = 0;
	memset(oracle.cost_calls, 0, sizeof(oracle.cost_calls));
	world->peer = "192.0.2.1";
	world->deadline_us = UINT64_MAX;
	world->auth = auth_new(match, &err);
	world->base = thread_base_new(&err);
	world->mailbox = mailbox_new(world->base, world, &err);
	world->booth = auth_booth_new(world->auth, world->mailbox, &err);
	world->policy = new_policy(users);
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
	free(world);
	return 0;
}

static void
settled(const struct auth_verdict *verdict, void *arg)
{
	struct world *world = arg;

	world->last = *verdict;
	world->awaited--;
	if (verdict->answer == AUTH_DENY)
		world->results[verdict->result]++;
}

static struct auth_verdict
ask_with(
    struct world *world, const struct auth_policy *with, const char *header)
{
	struct auth_question question = {
		.policy = with,
		.path = "/metrics",
		.authorization = header,
		.peer = world->peer,
		.deadline_us = world->deadline_us,
		.settled = settled,
		.arg = world,
	};
	struct auth_verdict verdict;

	auth_check(world->booth, &question, &verdict);
	if (verdict.answer == AUTH_LATER)
		world->awaited++;
	if (verdict.identity != NULL)
		snprintf(world->user, sizeof(world->user), "%s",
		    auth_identity_user(verdict.identity));
	auth_identity_unref(verdict.identity);
	return verdict;
}

static struct auth_verdict
ask(struct world *world, const char *user, const char *password)
{
	char pair[256], header[512] = "Basic ";
	int len = snprintf(pair, sizeof(pair), "%s:%s", user, password);

	EVP_EncodeBlock((unsigned char *)header + strlen(header),
	    (unsigned char *)pair, len);
	return ask_with(world, world->policy, header);
}

/* Until all that is awaited has come. */
static void
settle(struct world *world)
{
	while (world->awaited > 0)
		event_base_loop(world->base, EVLOOP_ONCE);
}

/* The verdict in the end. */
static struct auth_verdict
log_in(struct world *world, const char *user, const char *password)
{
	struct auth_verdict verdict = ask(world, user, password);

	if (verdict.answer != AUTH_LATER)
		return verdict;
	settle(world);
	return world->last.answer == AUTH_AGAIN ? ask(world, user, password)
						: world->last;
}

static void
assert_denied(
    struct auth_verdict verdict, enum auth_result result, const char *detail)
{
	assert_int_equal(verdict.answer, AUTH_DENY);
	assert_int_equal(verdict.method, AUTH_METHOD_BASIC);
	assert_int_equal(verdict.result, result);
	assert_string_equal(verdict.detail, detail);
}

static void
test_without_users(void **state)
{
	struct auth_policy *open = new_policy(no_users);
	struct auth_verdict verdict = ask_with(*state, open, "Basic x");

	assert_false(auth_policy_is_required(open));
	assert_int_equal(verdict.answer, AUTH_ALLOW);
	assert_int_equal(verdict.method, AUTH_METHOD_NONE);
	assert_null(verdict.identity);
	auth_policy_unref(open);
}

static void
test_missing(void **state)
{
	struct world *world = *state;
	static const char *const headers[] = { NULL, "", "Bearer abc" };
	size_t i;

	assert_true(auth_policy_is_required(world->policy));
	for (i = 0; i < 3; i++) {
		struct auth_verdict verdict =
		    ask_with(world, world->policy, headers[i]);

		assert_int_equal(verdict.answer, AUTH_DENY);
		assert_int_equal(verdict.method, AUTH_METHOD_NONE);
		assert_int_equal(verdict.result, AUTH_MISSING);
		assert_string_equal(
		    verdict.words, "basic auth (user and password)");
	}
	assert_int_equal(oracle.calls, 0);
}

/* H33: refused without a hash. */
static void
test_not_worth_hashing(void **state)
{
	const struct auth_policy *policy = ((struct world *)*state)->policy;
	char longest[74];

	memset(longest, 'x', 73);
	longest[73] = '\0';
	assert_denied(ask(*state, "ann", longest), AUTH_DENIED,
	    "basic auth password of more than 72 bytes");
	assert_denied(ask_with(*state, policy, "Basic ???"), AUTH_DENIED,
	    "basic auth header that is not base64");
	assert_denied(ask_with(*state, policy, "Basic dXA="), AUTH_DENIED,
	    "basic auth header without a colon");
	assert_denied(ask_with(*state, policy, "Basic dTpwAA=="), AUTH_DENIED,
	    "basic auth header with a NUL byte");
	assert_int_equal(oracle.calls, 0);
}

static void
test_good_is_hashed_once(void **state)
{
	struct auth_verdict verdict;
	int i;

	for (i = 0; i < 3; i++) {
		verdict = log_in(*state, "ann", "$2b$10$");
		assert_int_equal(verdict.answer, AUTH_ALLOW);
		assert_int_equal(verdict.result, AUTH_ALLOWED);
		assert_int_equal(verdict.method, AUTH_METHOD_BASIC);
		assert_string_equal(((struct world *)*state)->user, "ann");
	}
	assert_int_equal(oracle.calls, 1);
	verdict = log_in(*state, "", "$2b$05$");
	assert_int_equal(verdict.answer, AUTH_ALLOW);
	assert_int_equal(oracle.calls, 2);
}

/* Another worker's. */
static struct auth_booth *
change_booth(struct world *world, struct auth_booth *booth)
{
	struct auth_booth *before = world->booth;

	world->booth = booth;
	return before;
}

static struct auth_booth *
new_booth(struct world *world)
{
	struct err err;
	struct auth_booth *booth =
	    auth_booth_new(world->auth, world->mailbox, &err);

	assert_non_null(booth);
	return booth;
}

/* Who is let in by one worker is let in by all, at once and whatever others at
 * that address guess. */
static void
test_workers_share_the_good(void **state)
{
	struct world *world = *state;
	struct auth_booth *second = new_booth(world);

	assert_int_equal(log_in(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	second = change_booth(world, second);
	assert_int_equal(ask(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	assert_int_equal(oracle.calls, 1);
	second = change_booth(world, second);
	auth_booth_free(second);
}

/* A guess counts, whichever worker heard it. */
static void
test_workers_share_the_guesses(void **state)
{
	static const char limited[] =
	    "auth: {failed_logins_per_address: 4, failed_logins_per_user: 0}\n"
	    "basic_auth_users: {ann: $2b$10" TAIL "}\n"
	    "insecure_http: true\n"
	    "targets: [{name: a, url: 'http://127.0.0.1:9/'}]\n";
	struct world *world = *state;
	struct auth_booth *second = new_booth(world);
	int i;

	auth_policy_unref(world->policy);
	world->policy = new_policy(limited);
	assert_int_equal(log_in(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	for (i = 0; i < 4; i++) {
		second = change_booth(world, second);
		assert_denied(log_in(world, "ann", "wrong"), AUTH_DENIED,
		    "wrong password, or no such user");
	}
	for (i = 0; i < 2; i++) {
		second = change_booth(world, second);
		assert_denied(log_in(world, "ann", "wrong"), AUTH_LIMITED,
		    "too many failed logins from this address or for this "
		    "user");
		assert_int_equal(
		    ask(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	}
	assert_int_equal(oracle.calls, 5);
	auth_booth_free(second);
}

/* Wrong passwords cost each time; users that do not exist cost the same, once
 * each, at the dearest configured cost, and read the same. */
static void
test_bad(void **state)
{
	static const char words[] = "wrong password, or no such user";
	int i;

	for (i = 0; i < 3; i++)
		assert_denied(
		    log_in(*state, "bob", "wrong"), AUTH_DENIED, words);
	assert_int_equal(oracle.calls, 3);
	assert_int_equal(oracle.cost_calls[11], 3);
	for (i = 0; i < 3; i++)
		assert_denied(
		    log_in(*state, "eve", "wrong"), AUTH_DENIED, words);
	assert_int_equal(oracle.calls, 6);
	assert_int_equal(oracle.cost_calls[11], 6);
	/* Even the password that fits the stand-in's hash. */
	assert_denied(log_in(*state, "eve", "$2b$11$"), AUTH_DENIED, words);
	assert_denied(log_in(*state, "eve", "$2b$11$"), AUTH_DENIED, words);
	assert_denied(log_in(*state, "Ann", "$2b$10$"), AUTH_DENIED, words);
	assert_int_equal(oracle.calls, 9);
}

/* H32: failures push nothing out. */
static void
test_failures_evict_nothing(void **state)
{
	char password[16];
	unsigned i;

	assert_int_equal(log_in(*state, "ann", "$2b$10$").answer, AUTH_ALLOW);
	for (i = 0; i < 1000; i++) {
		snprintf(password, sizeof(password), "%u", i);
		log_in(*state, "ann", password);
	}
	assert_int_equal(ask(*state, "ann", "$2b$10$").answer, AUTH_ALLOW);
}

/* A user that is gone or changed fails at once, whatever was remembered. */
static void
test_changed_users(void **state)
{
	struct auth_policy *after = new_policy(other_users);
	struct world *world = *state;
	struct auth_verdict verdict;

	assert_int_equal(log_in(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	assert_int_equal(log_in(world, "bob", "$2b$11$").answer, AUTH_ALLOW);
	/* YW5uOiQyYiQxMCQ= is ann's, Ym9iOiQyYiQxMSQ= is bob's. */
	verdict = ask_with(world, after, "Basic YW5uOiQyYiQxMCQ=");
	assert_int_equal(verdict.answer, AUTH_LATER);
	settle(world);
	assert_denied(
	    world->last, AUTH_DENIED, "wrong password, or no such user");
	verdict = ask_with(world, after, "Basic Ym9iOiQyYiQxMSQ=");
	assert_int_equal(verdict.answer, AUTH_LATER);
	settle(world);
	assert_denied(
	    world->last, AUTH_DENIED, "wrong password, or no such user");
	assert_int_equal(ask(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	auth_policy_unref(after);
}

/* Passwords "0", "1" and so on, from one address; how many are refused. */
static unsigned
guess(struct world *world, const char *peer, unsigned count)
{
	unsigned i, refused = 0;
	char password[16];

	world->peer = peer;
	for (i = 0; i < count; i++) {
		snprintf(password, sizeof(password), "%u", i);
		if (ask(world, "bob", password).answer != AUTH_LATER)
			refused++;
	}
	return refused;
}

/* H30: who guesses from one address, on however many connections, makes a
 * scraper at another wait for one guess. */
static void
test_turns(void **state)
{
	struct world *world = *state;

	shut(true);
	assert_int_equal(guess(world, "192.0.2.66", 16), 16 - HASHER_PEER_MAX);
	wait_for_calls(1);
	world->peer = "192.0.2.1";
	assert_int_equal(ask(world, "ann", "$2b$10$").answer, AUTH_LATER);
	assert_int_equal(ask(world, "bob", "mine").answer, AUTH_LATER);
	shut(false);
	settle(world);
	assert_string_equal(oracle.order[0], "0");
	assert_string_equal(oracle.order[1], "$2b$10$");
	assert_string_equal(oracle.order[2], "1");
	assert_string_equal(oracle.order[3], "mine");
	assert_string_equal(oracle.order[4], "2");
	assert_int_equal(oracle.calls, HASHER_PEER_MAX + 2);
	assert_int_equal(ask(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	assert_int_equal(guess(world, "192.0.2.66", 1), 0);
	settle(world);
}

/* Who shares a check that stands at the end of another's does not wait for
 * all of those. */
static void
test_shared_in_turn(void **state)
{
	struct world *world = *state;

	shut(true);
	assert_int_equal(guess(world, "192.0.2.66", 3), 0);
	assert_int_equal(ask(world, "ann", "$2b$10$").answer, AUTH_LATER);
	wait_for_calls(1);
	world->peer = "192.0.2.1";
	assert_int_equal(ask(world, "ann", "$2b$10$").answer, AUTH_LATER);
	shut(false);
	settle(world);
	assert_string_equal(oracle.order[1], "$2b$10$");
	assert_int_equal(oracle.calls, 4);
}

/* All addresses together. */
static void
test_whole_queue(void **state)
{
	struct world *world = *state;
	char peer[32];
	unsigned i;

	shut(true);
	for (i = 0; i < HASHER_MAX; i++) {
		char password[16];

		snprintf(peer, sizeof(peer), "192.0.2.%u", i / HASHER_PEER_MAX);
		snprintf(password, sizeof(password), "%u", i);
		world->peer = peer;
		assert_int_equal(
		    ask(world, "bob", password).answer, AUTH_LATER);
	}
	assert_int_equal(guess(world, "198.51.100.1", 1), 0); /* shared */
	world->peer = "198.51.100.2";
	assert_denied(ask(world, "bob", "another"), AUTH_OVERLOADED,
	    "too many basic auth logins to check at once");
	shut(false);
	settle(world);
	assert_int_equal(oracle.calls, HASHER_MAX);
	assert_int_equal(ask(world, "bob", "another").answer, AUTH_LATER);
	settle(world);
}

/* Nobody listens any more: not checked, and no wrong password either. */
static void
test_deadline(void **state)
{
	struct world *world = *state;

	shut(true);
	assert_int_equal(guess(world, "192.0.2.66", 1), 0);
	wait_for_calls(1);
	world->deadline_us = 1;
	assert_int_equal(ask(world, "ann", "late").answer, AUTH_LATER);
	assert_int_equal(ask(world, "ann", "both").answer, AUTH_LATER);
	world->deadline_us = UINT64_MAX;
	assert_int_equal(ask(world, "ann", "both").answer, AUTH_LATER);
	shut(false);
	settle(world);
	assert_int_equal(oracle.calls, 2);
	assert_string_equal(oracle.order[1], "both");
	assert_int_equal(world->results[AUTH_OVERLOADED], 1);
	assert_int_equal(world->results[AUTH_DENIED], 3);
}

/* H30: a full queue refuses, and what is remembered needs no queue. */
static void
test_queue(void **state)
{
	struct world *world = *state;
	char password[16];
	unsigned i;

	assert_int_equal(log_in(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	shut(true);
	for (i = 0; i < HASHER_PEER_MAX; i++) {
		snprintf(password, sizeof(password), "%u", i);
		assert_int_equal(
		    ask(world, i % 2 ? "bob" : "eve", password).answer,
		    AUTH_LATER);
	}
	assert_denied(ask(world, "bob", "another"), AUTH_OVERLOADED,
	    "too many basic auth logins to check at once");
	assert_denied(ask(world, "eve", "another"), AUTH_OVERLOADED,
	    "too many basic auth logins to check at once");
	assert_int_equal(ask(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	shut(false);
	settle(world);
	assert_int_equal(oracle.calls, 1 + HASHER_PEER_MAX);
	assert_int_equal(ask(world, "bob", "another").answer, AUTH_LATER);
	settle(world);
}

/* However many ask with the same credentials meanwhile, one hash. */
static void
test_one_flight(void **state)
{
	struct world *world = *state;
	unsigned i;

	shut(true);
	for (i = 0; i < 100; i++)
		assert_int_equal(
		    ask(world, "bob", "$2b$11$").answer, AUTH_LATER);
	wait_for_calls(1);
	assert_int_equal(ask(world, "bob", "$2b$11$").answer, AUTH_LATER);
	assert_int_equal(ask(world, "bob", "$2b$10$").answer, AUTH_LATER);
	shut(false);
	settle(world);
	assert_int_equal(oracle.calls, 2);
	assert_int_equal(ask(world, "bob", "$2b$11$").answer, AUTH_ALLOW);
}

/* What waits when the process ends comes back as not checked, however long the
 * check that is running would take. */
static void
test_stop(void **state)
{
	struct world *world = *state;

	shut(true);
	assert_int_equal(guess(world, "192.0.2.1", HASHER_PEER_MAX), 0);
	assert_int_equal(ask(world, "bob", "0").answer, AUTH_LATER); /* joins */
	assert_int_equal(guess(world, "192.0.2.2", 1), 0);
	world->peer = "192.0.2.3";
	assert_int_equal(ask(world, "ann", "$2b$10$").answer, AUTH_LATER);
	wait_for_calls(1);
	auth_stop(world->auth);
	assert_int_equal(world->awaited, HASHER_PEER_MAX + 3);
	mailbox_deliver(world->mailbox);
	assert_int_equal(world->awaited, 0);
	assert_int_equal(world->results[AUTH_OVERLOADED], HASHER_PEER_MAX + 3);
	assert_denied(ask(world, "bob", "1"), AUTH_OVERLOADED,
	    "too many basic auth logins to check at once");
	shut(false);
	assert_int_equal(oracle.calls, 1);
}

/* The usual end: the running check is one that ends. */
static void
test_stop_idle(void **state)
{
	struct world *world = *state;

	assert_int_equal(log_in(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	auth_stop(world->auth);
	assert_int_equal(ask(world, "ann", "$2b$10$").answer, AUTH_ALLOW);
	assert_denied(ask(world, "bob", "1"), AUTH_OVERLOADED,
	    "too many basic auth logins to check at once");
}

static void
fill(unsigned char digest[AUTH_DIGEST_SIZE], unsigned number)
{
	memset(digest, 0, AUTH_DIGEST_SIZE);
	memcpy(digest + 8, &number, sizeof(number));
	digest[0] = (unsigned char)(number % 3); /* long chains */
}

static void
put(struct auth_cache *cache, const unsigned char *digest, uint64_t until_us,
    const char *detail)
{
	struct auth_entry entry = { .until_us = until_us, .detail = detail };

	auth_cache_put(cache, digest, &entry);
}

static void
test_cache(void **state)
{
	struct auth_cache *cache = auth_cache_new(100, 1000000);
	unsigned char digest[AUTH_DIGEST_SIZE];
	unsigned i;

	(void)state;
	fill(digest, 0);
	assert_false(auth_cache_has(cache, digest));
	for (i = 0; i < 100; i++) {
		fill(digest, i);
		put(cache, digest, 1, "old");
		put(cache, digest, i, "new");
		assert_int_equal(auth_cache_count(cache), i + 1);
	}
	fill(digest, 0); /* used again: not the oldest any more */
	assert_true(auth_cache_has(cache, digest));
	fill(digest, 100);
	put(cache, digest, 100, "new");
	assert_int_equal(auth_cache_count(cache), 100);
	for (i = 0; i <= 100; i++) {
		char detail[AUTH_DETAIL_SIZE];
		struct auth_entry entry;

		fill(digest, i);
		assert_int_equal(
		    auth_cache_find(cache, digest, &entry, detail), i != 1);
		if (i != 1) {
			assert_int_equal(entry.until_us, i);
			assert_ptr_equal(entry.detail, detail);
			assert_string_equal(detail, "new");
		}
	}
	for (i = 0; i <= 100; i++) {
		fill(digest, i);
		auth_cache_drop(cache, digest);
		assert_false(auth_cache_has(cache, digest));
		assert_int_equal(auth_cache_count(cache), i < 1 ? 99 : 100 - i);
	}
	auth_cache_free(cache);
}

/* Bounded by bytes, too: of identities with many groups fewer are kept. */
static void
test_cache_bytes(void **state)
{
	struct auth_cache *cache = auth_cache_new(100, 16384);
	static const char *const groups[] = { "a-group-with-a-long-name-of-64-"
					      "bytes-which-fills-up-the-"
					      "cache" };
	struct auth_identity *identity =
	    auth_identity_new(AUTH_METHOD_JWT, "user", groups, 1);
	struct auth_entry entry = { .identity = identity, .detail = "" };
	unsigned char digest[AUTH_DIGEST_SIZE];
	unsigned i;

	(void)state;
	for (i = 0; i < 200; i++) {
		fill(digest, i);
		auth_cache_put(cache, digest, &entry);
		assert_true(auth_cache_size(cache) <= 16384);
	}
	assert_in_range(auth_cache_count(cache), 10, 60);
	auth_identity_unref(identity);
	auth_cache_free(cache);
}

/* Grace: a step at a time, to its end, and only for who is there. */
static void
test_cache_extend(void **state)
{
	struct auth_cache *cache = auth_cache_new(100, 16384);
	struct auth_entry entry = {
		.until_us = 1000, .end_us = 1000, .detail = ""
	};
	unsigned char digest[AUTH_DIGEST_SIZE];
	char detail[AUTH_DETAIL_SIZE];

	(void)state;
	fill(digest, 1);
	assert_false(auth_cache_extend(cache, digest, 0, 5, 10, UINT64_MAX));
	assert_int_equal(auth_cache_put(cache, digest, &entry), 0);
	/* It holds still. */
	assert_true(auth_cache_extend(cache, digest, 999, 5, 10, UINT64_MAX));
	auth_cache_find(cache, digest, &entry, detail);
	assert_int_equal(entry.until_us, 1000);
	assert_true(auth_cache_extend(cache, digest, 1001, 5, 10, UINT64_MAX));
	auth_cache_find(cache, digest, &entry, detail);
	assert_int_equal(entry.until_us, 1006);
	assert_int_equal(entry.end_us, 1000);
	assert_true(auth_cache_extend(cache, digest, 1007, 5, 10, UINT64_MAX));
	auth_cache_find(cache, digest, &entry, detail);
	assert_int_equal(entry.until_us, 1010);
	assert_false(auth_cache_extend(cache, digest, 1010, 5, 10, UINT64_MAX));
	assert_false(auth_cache_extend(cache, digest, 1007, 5, 10, 1007));
	assert_true(auth_cache_extend(
	    cache, digest, 1 << 20, 5, UINT64_MAX, UINT64_MAX));
	assert_int_equal(auth_cache_put(cache, digest, &entry), 1000);
	auth_cache_free(cache);
}

/* All workers at once. */
struct crowd {
	struct auth_cache *cache;
	struct guesses *guesses;
	struct auth_identity *identity;
	struct auth_policy *policy;
	atomic_uint seed;
	atomic_uint wrong;
};

static void *
work(void *arg)
{
	struct crowd *crowd = arg;
	struct auth_entry entry = { .identity = crowd->identity,
		.until_us = 1,
		.end_us = 1,
		.detail = "words" };
	const struct conf_auth *conf = &crowd->policy->conf->auth;
	unsigned seed = atomic_fetch_add(&crowd->seed, 1), i, retry_after_s;
	unsigned char digest[AUTH_DIGEST_SIZE];
	char detail[AUTH_DETAIL_SIZE], peer[16];

	for (i = 0; i < 3000; i++) {
		struct auth_entry found;

		seed = seed * 1103515245 + 12345;
		fill(digest, seed >> 16 & 31);
		snprintf(peer, sizeof(peer), "10.0.0.%u", seed >> 16 & 31);
		auth_cache_put(crowd->cache, digest, &entry);
		auth_cache_extend(crowd->cache, digest, 2, 1, 100, UINT64_MAX);
		fill(digest, seed >> 21 & 31);
		if (auth_cache_find(crowd->cache, digest, &found, detail)) {
			if (strcmp(detail, "words") != 0 ||
			    strcmp(auth_identity_user(found.identity),
				"user") != 0)
				atomic_fetch_add(&crowd->wrong, 1);
			auth_identity_unref(found.identity);
		}
		auth_cache_drop(crowd->cache, digest);
		guesses_failed(crowd->guesses, conf, peer, "user", i);
		guesses_admit(
		    crowd->guesses, conf, peer, "user", i, &retry_after_s);
	}
	return NULL;
}

static void
test_all_workers_at_once(void **state)
{
	struct crowd crowd = {
		.cache = auth_cache_new(16, 1 << 20),
		.guesses = guesses_new(1),
		.identity = auth_identity_new(AUTH_METHOD_JWT, "user", NULL, 0),
		.policy = new_policy("basic_auth_users: {ann: $2b$10" TAIL "}\n"
				     "insecure_http: true\n"
				     "targets: [{name: a, url: "
				     "'http://127.0.0.1:9/'}]\n"),
	};
	pthread_t threads[4];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, work, &crowd), 0);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&crowd.wrong), 0);
	assert_in_range(auth_cache_count(crowd.cache), 0, 16);
	auth_cache_free(crowd.cache);
	guesses_free(crowd.guesses);
	auth_identity_unref(crowd.identity);
	auth_policy_unref(crowd.policy);
}

/* CVE-2022-46146's class: fields must not run into each other. */
static void
test_digest(void **state)
{
	static const char *const fields[][3] = {
		{ "ab", "c", "d" },
		{ "a", "bc", "d" },
		{ "ab", "", "cd" },
		{ "ab", "c", "d" },
		{ "", "abc", "d" },
		{ "ab", "cd", "" },
	};
	unsigned char key[AUTH_KEY_SIZE], digests[6][AUTH_DIGEST_SIZE];
	struct digester *digester;
	struct err err;
	size_t i, j;

	(void)state;
	assert_int_equal(auth_key_make(key, &err), 0);
	digester = digester_new(key, &err);
	for (i = 0; i < 6; i++)
		digester_make(digester, fields[i], 3, digests[i]);
	for (i = 0; i < 6; i++)
		for (j = 0; j < i; j++)
			assert_int_equal(memcmp(digests[i], digests[j],
					     AUTH_DIGEST_SIZE) == 0,
			    i == 3 && j == 0);
	digester_free(digester);
	/* Another process, another key. */
	assert_int_equal(auth_key_make(key, &err), 0);
	digester = digester_new(key, &err);
	digester_make(digester, fields[0], 3, digests[3]);
	assert_memory_not_equal(digests[0], digests[3], AUTH_DIGEST_SIZE);
	digester_free(digester);
}

/* RFC 4231's keyed hash, over our framing: computed with Python's hmac. */
static void
test_digest_value(void **state)
{
	static const char *const fields[] = { "user", "hash", "password" };
	static const unsigned char expected[AUTH_DIGEST_SIZE] = {
		0x9a,
		0x04,
		0xe4,
		0x58,
		0x3a,
		0x42,
		0x10,
		0x76,
		0x00,
		0xd8,
		0x3c,
		0x5b,
		0x15,
		0x51,
		0x0c,
		0x73,
		0x33,
		0x00,
		0x7f,
		0xae,
		0x93,
		0xf9,
		0x62,
		0xe7,
		0x26,
		0xeb,
		0xf8,
		0xbc,
		0xd5,
		0xac,
		0xe6,
		0xb4,
	};
	unsigned char key[AUTH_KEY_SIZE], digest[AUTH_DIGEST_SIZE];
	struct digester *digester;
	struct err err;
	int i;

	(void)state;
	memset(key, 7, sizeof(key));
	digester = digester_new(key, &err);
	for (i = 0; i < 2; i++) {
		memset(digest, 0, sizeof(digest));
		digester_make(digester, fields, 3, digest);
		assert_memory_equal(digest, expected, sizeof(digest));
	}
	digester_free(digester);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_without_users),
		TEST(test_missing),
		TEST(test_not_worth_hashing),
		TEST(test_good_is_hashed_once),
		TEST(test_workers_share_the_good),
		TEST(test_workers_share_the_guesses),
		TEST(test_bad),
		TEST(test_failures_evict_nothing),
		TEST(test_changed_users),
		TEST(test_queue),
		TEST(test_one_flight),
		TEST(test_turns),
		TEST(test_shared_in_turn),
		TEST(test_whole_queue),
		TEST(test_deadline),
		TEST(test_stop),
		TEST(test_stop_idle),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_bytes),
		cmocka_unit_test(test_cache_extend),
		cmocka_unit_test(test_all_workers_at_once),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_digest_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
