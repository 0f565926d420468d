#include "auth/rules.h"

#include <stdio.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/pattern.h"
#include "conf/conf.h"
#include "conf/network.h"
#include "proxy/base/escape.h"

/* Of a path or a user in words: as much as leaves room for the others. */
#define PART_SIZE 80

static bool
has_text(const struct conf_strings *list, const char *text)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static bool
path_fits(
    const struct conf_rule *rule, const struct auth_rules_question *question)
{
	return rule->paths.count == 0 ||
	       auth_paths_match(
		   &rule->paths, question->path, question->other_path);
}

static bool
network_fits(const struct conf_rule *rule, const char *peer)
{
	size_t i;

	for (i = 0; i < rule->networks.count; i++)
		if (conf_network_has(&rule->ranges[i], peer))
			return true;
	return rule->networks.count == 0;
}

/* Where it cannot be told, no rule lets in for it, and each keeps out. */
static bool
listener_fits(const struct conf_rule *rule, const char *listener)
{
	if (rule->listeners.count == 0)
		return true;
	if (listener == NULL)
		return rule->action == CONF_DENY;
	return has_text(&rule->listeners, listener);
}

static bool
user_fits(const struct conf_rule *rule, const struct auth_identity *identity)
{
	return rule->users.count == 0 ||
	       (identity != NULL &&
		   has_text(&rule->users, auth_identity_user(identity)));
}

static bool
group_fits(const struct conf_rule *rule, const struct auth_identity *identity)
{
	size_t i;

	if (rule->groups.count == 0)
		return true;
	if (identity == NULL)
		return false;
	for (i = 0; i < auth_identity_group_count(identity); i++)
		if (has_text(&rule->groups, auth_identity_group(identity, i)))
			return true;
	return false;
}

static bool
rule_fits(
    const struct conf_rule *rule, const struct auth_rules_question *question)
{
	return path_fits(rule, question) &&
	       network_fits(rule, question->peer) &&
	       listener_fits(rule, question->listener) &&
	       user_fits(rule, question->identity) &&
	       group_fits(rule, question->identity);
}

static void
tell_rule(const struct conf_rule *rule, char *detail, size_t size)
{
	const char *path = rule->place.file;
	char file[2 * PART_SIZE];

	if (path == NULL) {
		snprintf(detail, size, "denied by a rule");
		return;
	}
	escape_quoted(file, sizeof(file), path, strlen(path));
	snprintf(detail, size, "denied by the rule in %s:%d", file,
	    rule->place.line);
}

static void
tell_no_rule(
    const struct auth_rules_question *question, char *detail, size_t size)
{
	char path[PART_SIZE], user[PART_SIZE] = "";
	const char *name = "";

	escape_quoted(
	    path, sizeof(path), question->path, strlen(question->path));
	if (question->identity != NULL) {
		name = auth_identity_user(question->identity);
		escape_quoted(user, sizeof(user), name, strlen(name));
	}
	snprintf(detail, size, "no rule for path %s%s%s%s, address %s", path,
	    question->identity != NULL ? ", user \"" : "", user,
	    question->identity != NULL ? "\"" : "", question->peer);
}

bool
auth_rules_allow(const struct conf_auth *auth,
    const struct auth_rules_question *question, char *detail, size_t size)
{
	size_t i;

	if (auth->rule_count == 0)
		return true;
	for (i = 0; i < auth->rule_count; i++) {
		if (!rule_fits(&auth->rules[i], question))
			continue;
		if (auth->rules[i].action == CONF_ALLOW)
			return true;
		tell_rule(&auth->rules[i], detail, size);
		return false;
	}
	tell_no_rule(question, detail, size);
	return false;
}
