#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "auth/identity.h"
#include "auth/rules.h"
#include "conf/conf.h"
#include "conf/network.h"
#include "proxy/base/err.h"

#define LIST_MAX 3

/* A rule as somebody writes it; lists end with NULL. */
struct written {
	const char *paths[LIST_MAX];
	const char *users[LIST_MAX];
	const char *groups[LIST_MAX];
	const char *networks[LIST_MAX];
	const char *listeners[LIST_MAX];
	enum conf_action action;
};

struct asked {
	const char *path;
	const char *user; /* NULL: nobody */
	const char *groups[LIST_MAX];
	const char *peer;
	const char *listener;
	const char *detail; /* NULL: allowed */
};

#define RULES_MAX 4

struct set {
	struct conf_auth auth;
	struct conf_rule rules[RULES_MAX];
	struct conf_network ranges[RULES_MAX][LIST_MAX];
};

static struct conf_strings
list_of(const char *const items[LIST_MAX])
{
	struct conf_strings list = { .items = (char **)(uintptr_t)items };

	while (list.count < LIST_MAX && items[list.count] != NULL)
		list.count++;
	return list;
}

static void
make_set(struct set *set, const struct written *rows, size_t count)
{
	struct err err;
	size_t i, j;

	memset(set, 0, sizeof(*set));
	for (i = 0; i < count; i++) {
		struct conf_rule *rule = &set->rules[i];

		rule->place =
		    (struct conf_place){ "scrapegate.yml", (int)i + 31, 3 };
		rule->paths = list_of(rows[i].paths);
		rule->users = list_of(rows[i].users);
		rule->groups = list_of(rows[i].groups);
		rule->networks = list_of(rows[i].networks);
		rule->listeners = list_of(rows[i].listeners);
		rule->action = rows[i].action;
		rule->ranges = set->ranges[i];
		for (j = 0; j < rule->networks.count; j++)
			assert_int_equal(conf_network_parse(&rule->ranges[j],
					     rule->networks.items[j], &err),
			    0);
	}
	set->auth.rules = set->rules;
	set->auth.rule_count = count;
}

static void
check(const struct set *set, const struct asked *asked)
{
	struct conf_strings groups = list_of(asked->groups);
	struct auth_rules_question question = { .path = asked->path,
		.peer = asked->peer != NULL ? asked->peer : "192.0.2.1",
		.listener =
		    asked->listener != NULL ? asked->listener : ":8443" };
	struct auth_identity *identity = NULL;
	char detail[AUTH_DETAIL_SIZE] = "";
	bool is_allowed;

	if (asked->user != NULL)
		identity = auth_identity_new(AUTH_METHOD_BASIC, asked->user,
		    (const char *const *)groups.items, groups.count);
	question.identity = identity;
	is_allowed =
	    auth_rules_allow(&set->auth, &question, detail, sizeof(detail));
	auth_identity_unref(identity);
	assert_string_equal(detail, asked->detail == NULL ? "" : asked->detail);
	assert_int_equal(is_allowed, asked->detail == NULL);
}

static void
check_all(const struct written *rows, size_t count, const struct asked *asked,
    size_t asked_count)
{
	struct set set;
	size_t i;

	make_set(&set, rows, count);
	for (i = 0; i < asked_count; i++)
		check(&set, &asked[i]);
}

#define CHECK(rows, asked)                                                     \
	check_all(rows, sizeof(rows) / sizeof((rows)[0]), asked,               \
	    sizeof(asked) / sizeof((asked)[0]))

static void
test_none(void **state)
{
	static const struct asked asked[] = {
		{ .path = "/metrics", .user = "alice" },
		{ .path = "/metrics" },
	};

	(void)state;
	check_all(NULL, 0, asked, 2);
}

static void
test_first_match(void **state)
{
	static const struct written rows[] = {
		{ .paths = { "/metrics/secret" }, .action = CONF_DENY },
		{ .paths = { "/metrics/*" }, .users = { "alice", "bob" } },
		{ .users = { "bob" }, .action = CONF_DENY },
		{ .paths = { "/metrics", "/-/metrics" } },
	};
	static const struct asked asked[] = {
		{ .path = "/metrics/node", .user = "alice" },
		{ .path = "/metrics/node", .user = "bob" },
		{ .path = "/metrics", .user = "alice" },
		{ .path = "/metrics", .user = "eve" },
		{ .path = "/-/metrics", .user = "eve" },
		{ .path = "/metrics" },
		{ .path = "/metrics",
		    .user = "bob",
		    .detail = "denied by the rule in scrapegate.yml:33" },
		{ .path = "/metrics/secret",
		    .user = "alice",
		    .detail = "denied by the rule in scrapegate.yml:31" },
		{ .path = "/metrics/secret",
		    .detail = "denied by the rule in scrapegate.yml:31" },
		{ .path = "/metrics/node",
		    .user = "eve",
		    .detail = "no rule for path /metrics/node, user \"eve\", "
			      "address 192.0.2.1" },
		{ .path = "/metrics/node",
		    .user = "Alice",
		    .detail = "no rule for path /metrics/node, user "
			      "\"Alice\", address 192.0.2.1" },
		{ .path = "/metrics/node",
		    .user = "alice ",
		    .detail = "no rule for path /metrics/node, user "
			      "\"alice \", address 192.0.2.1" },
		{ .path = "/metrics/node",
		    .user = "",
		    .detail = "no rule for path /metrics/node, user \"\", "
			      "address 192.0.2.1" },
		{ .path = "/metrics/node/x",
		    .user = "alice",
		    .detail = "no rule for path /metrics/node/x, user "
			      "\"alice\", address 192.0.2.1" },
		{ .path = "/metrics/node",
		    .peer = "unix",
		    .detail = "no rule for path /metrics/node, address unix" },
	};

	(void)state;
	CHECK(rows, asked);
}

/* Each list that there is has to match. */
static void
test_all_lists(void **state)
{
	static const struct written rows[] = {
		{ .paths = { "/metrics" },
		    .users = { "alice" },
		    .groups = { "ops", "dev" },
		    .networks = { "10.0.0.0/8", "2001:db8::/32" },
		    .listeners = { ":8443" } },
	};
#define NO_RULE(path, user, peer)                                              \
	"no rule for path " path ", user \"" user "\", address " peer
	static const struct asked asked[] = {
		{ "/metrics", "alice", { "dev" }, "10.1.2.3", ":8443", NULL },
		{ "/metrics", "alice", { "x", "ops" }, "2001:db8::7", ":8443",
		    NULL },
		{ "/metrics", "alice", { "ops" }, "::ffff:10.1.2.3", ":8443",
		    NULL },
		{ "/metric", "alice", { "dev" }, "10.1.2.3", ":8443",
		    NO_RULE("/metric", "alice", "10.1.2.3") },
		{ "/metrics", "bob", { "dev" }, "10.1.2.3", ":8443",
		    NO_RULE("/metrics", "bob", "10.1.2.3") },
		{ "/metrics", "alice", { "qa" }, "10.1.2.3", ":8443",
		    NO_RULE("/metrics", "alice", "10.1.2.3") },
		{ "/metrics", "alice", { NULL }, "10.1.2.3", ":8443",
		    NO_RULE("/metrics", "alice", "10.1.2.3") },
		{ "/metrics", "alice", { "dev" }, "11.1.2.3", ":8443",
		    NO_RULE("/metrics", "alice", "11.1.2.3") },
		{ "/metrics", "alice", { "dev" }, "unix", ":8443",
		    NO_RULE("/metrics", "alice", "unix") },
		{ "/metrics", "alice", { "dev" }, "", ":8443",
		    NO_RULE("/metrics", "alice", "") },
		{ "/metrics", "alice", { "dev" }, "10.1.2.3", ":9443",
		    NO_RULE("/metrics", "alice", "10.1.2.3") },
	};

	(void)state;
	CHECK(rows, asked);
}

/* Without an identity nobody is a user or in a group, in a deny neither. */
static void
test_nobody(void **state)
{
	static const struct written rows[] = {
		{ .users = { "" }, .action = CONF_DENY },
		{ .groups = { "ops" } },
		{ .users = { "alice" } },
		{ .networks = { "127.0.0.0/8" } },
	};
	static const struct asked asked[] = {
		{ .path = "/metrics", .peer = "127.0.0.1" },
		{ .path = "/metrics",
		    .detail = "no rule for path /metrics, address 192.0.2.1" },
		{ .path = "/metrics", .user = "alice" },
		{ .path = "/metrics", .user = "bob", .groups = { "ops" } },
		{ .path = "/metrics",
		    .user = "ops",
		    .detail = "no rule for path /metrics, user \"ops\", "
			      "address 192.0.2.1" },
		{ .path = "/metrics",
		    .user = "bob",
		    .groups = { "alice" },
		    .detail = "no rule for path /metrics, user \"bob\", "
			      "address 192.0.2.1" },
	};

	(void)state;
	CHECK(rows, asked);
}

/* A connection of which nobody can tell where it came in. */
static void
test_unknown_listener(void **state)
{
	static const struct written rows[] = {
		{ .listeners = { ":8443" }, .action = CONF_DENY },
		{ .listeners = { ":9443" } },
		{ .paths = { "/metrics" } },
	};
	struct auth_rules_question question = { .path = "/metrics",
		.peer = "10.0.0.7" };
	char detail[AUTH_DETAIL_SIZE];
	struct set set;

	(void)state;
	make_set(&set, rows, 3);
	assert_false(
	    auth_rules_allow(&set.auth, &question, detail, sizeof(detail)));
	assert_string_equal(detail, "denied by the rule in scrapegate.yml:31");
	set.auth.rules++;
	set.auth.rule_count = 2;
	assert_true(
	    auth_rules_allow(&set.auth, &question, detail, sizeof(detail)));
	set.auth.rule_count = 1;
	assert_false(
	    auth_rules_allow(&set.auth, &question, detail, sizeof(detail)));
	assert_string_equal(
	    detail, "no rule for path /metrics, address 10.0.0.7");
}

static void
test_words(void **state)
{
	static const struct written rows[] = { { .action = CONF_DENY } };
	struct auth_rules_question question = {
		.path = "/metrics", .peer = "10.0.0.7", .listener = ":8443"
	};
	char detail[AUTH_DETAIL_SIZE], path[600], user[600];
	struct set set;

	(void)state;
	make_set(&set, rows, 1);
	set.rules[0].place.file = NULL;
	assert_false(
	    auth_rules_allow(&set.auth, &question, detail, sizeof(detail)));
	assert_string_equal(detail, "denied by a rule");
	set.rules[0].place.file = "we\nird.yml";
	assert_false(
	    auth_rules_allow(&set.auth, &question, detail, sizeof(detail)));
	assert_string_equal(detail, "denied by the rule in we\\nird.yml:31");

	set.rules[0].users = (struct conf_strings){ NULL, 1 };
	set.rules[0].users.items = (char *[]){ (char[]){ "x" } };
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	memset(user, '"', sizeof(user));
	user[sizeof(user) - 1] = '\0';
	question.path = path;
	question.identity =
	    auth_identity_new(AUTH_METHOD_TOKEN_REVIEW, user, NULL, 0);
	assert_false(
	    auth_rules_allow(&set.auth, &question, detail, sizeof(detail)));
	/* Neither pushes the other out, nor the address. */
	assert_non_null(strstr(detail, "no rule for path /ppp"));
	assert_non_null(strstr(detail, ", user \"\\\"\\\""));
	assert_string_equal(
	    detail + strlen(detail) - strlen("\", address 10.0.0.7"),
	    "\", address 10.0.0.7");
	auth_identity_unref(
	    (struct auth_identity *)(uintptr_t)question.identity);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_first_match),
		cmocka_unit_test(test_all_lists),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_unknown_listener),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
