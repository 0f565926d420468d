#include "conf/check_auth.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"
#include "conf/header_name.h"
#include "conf/loading.h"
#include "conf/login.h"
#include "conf/path.h"
#include "conf/text.h"
#include "proxy/base/err.h"

static void
check_patterns(struct conf_loading *loading, const struct conf_strings *paths,
    const char *name)
{
	char quoted[CONF_QUOTED_SIZE];
	size_t i;

	for (i = 0; i < paths->count; i++)
		if (!conf_path_is_pattern(paths->items[i]))
			conf_loading_complain(loading, paths,
			    "%s: %s is not a path that is served: write it "
			    "like /metrics/NAME, with letters, digits, . _ ~ "
			    "-, single / and `*` at a segment's end",
			    name, conf_quote(paths->items[i], quoted));
		else if (strcmp(paths->items[i], "/proxy") == 0)
			conf_errors_warn(&loading->errors,
			    "%s: \"/proxy\" matches no target: of "
			    "/proxy?module=NAME the target's own path decides",
			    name);
}

static bool
is_listener(const struct conf *conf, const char *text)
{
	size_t i;

	for (i = 0; i < conf->listen_count; i++)
		if (strcmp(conf->listen[i].text, text) == 0)
			return true;
	return false;
}

static void
check_listeners(struct conf_loading *loading, const struct conf_rule *rule,
    const char *where)
{
	char quoted[CONF_QUOTED_SIZE];
	size_t i;

	for (i = 0; i < rule->listeners.count; i++)
		if (!is_listener(loading->conf, rule->listeners.items[i]))
			conf_loading_complain(loading, &rule->listeners,
			    "%s.listeners: %s is not one of `listen`: write it "
			    "as it is written there",
			    where,
			    conf_quote(rule->listeners.items[i], quoted));
}

/* Does it match whatever comes? */
static bool
is_bare(const struct conf_rule *rule)
{
	return rule->paths.count + rule->users.count + rule->groups.count +
		   rule->networks.count + rule->listeners.count ==
	       0;
}

static void
check_conditions(struct conf_loading *loading, const struct conf_rule *rule,
    const char *where)
{
	const struct {
		const char *name;
		const struct conf_strings *list;
	} lists[] = {
		{ "paths", &rule->paths },
		{ "users", &rule->users },
		{ "groups", &rule->groups },
		{ "networks", &rule->networks },
		{ "listeners", &rule->listeners },
	};
	char name[80];
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		snprintf(name, sizeof(name), "%s.%s", where, lists[i].name);
		conf_check_items(
		    loading, lists[i].list, name, "leave it out to match all");
	}
	snprintf(name, sizeof(name), "%s.paths", where);
	check_patterns(loading, &rule->paths, name);
}

static void
check_rule(struct conf_loading *loading, const struct conf_rule *rule,
    const char *where, bool is_last, bool had_errors)
{
	const struct conf_strings *names =
	    rule->users.count > 0 ? &rule->users : &rule->groups;

	check_conditions(loading, rule, where);
	if (had_errors)
		return;
	check_listeners(loading, rule, where);
	if (names->count > 0 && !conf_has_login(loading->conf))
		conf_loading_complain(loading, names,
		    "%s: nobody says who asks, so no user or group is known: "
		    "write bearer_tokens_file, jwt, kubernetes, "
		    "client_certificate or basic_auth_users",
		    where);
	if (is_bare(rule) && !is_last)
		conf_loading_complain(loading, rule,
		    "%s: has no condition, so it decides for all and the rules "
		    "behind it are never reached: move it to the end",
		    where);
}

/* Whoever it is, and whether that was meant. */
static void
warn_of_open(struct conf_loading *loading, const char *pattern)
{
	const struct conf *conf = loading->conf;
	const struct conf_target *target;
	char quoted[CONF_QUOTED_SIZE], name[CONF_QUOTED_SIZE];
	size_t i;

	conf_quote(pattern, quoted);
	for (i = 0; i < conf->target_count; i++) {
		target = &conf->targets[i];
		if (target->name == NULL || target->path == NULL)
			continue;
		if (conf_path_matches(pattern, target->path) ||
		    (target->is_first &&
			conf_path_matches(pattern, "/metrics")))
			conf_errors_warn(&loading->errors,
			    "auth.anonymous_paths: anyone who reaches the gate "
			    "may read target %s, because of %s",
			    conf_quote(target->name, name), quoted);
	}
}

static void
check_anonymous(struct conf_loading *loading, bool had_errors)
{
	const struct conf *conf = loading->conf;
	const struct conf_strings *paths = &conf->auth.anonymous_paths;
	size_t i;

	check_patterns(loading, paths, "auth.anonymous_paths");
	if (had_errors || (!conf_has_login(conf) && conf->auth.rule_count == 0))
		return;
	for (i = 0; i < paths->count; i++)
		if (conf_path_is_pattern(paths->items[i]))
			warn_of_open(loading, paths->items[i]);
}

void
conf_check_rules(struct conf_loading *loading, bool had_errors)
{
	const struct conf_auth *auth = &loading->conf->auth;
	char where[48];
	size_t i;

	for (i = 0; i < auth->rule_count; i++) {
		snprintf(where, sizeof(where), "auth.rules[%zu]", i);
		check_rule(loading, &auth->rules[i], where,
		    i + 1 == auth->rule_count, had_errors);
	}
	if (auth->rule_count == 0 && !had_errors &&
	    conf_loading_find(loading, &auth->rules) != NULL)
		conf_loading_complain(loading, &auth->rules,
		    "auth.rules: lists no rule: leave it out to let everybody "
		    "in who is known, or write one that says action: deny");
	check_anonymous(loading, had_errors);
}

static void
check_header(
    struct conf_loading *loading, char *const *header, const char *name)
{
	const struct conf *conf = loading->conf;
	const void *at = conf_loading_find(loading, header) != NULL
			     ? (const void *)header
			     : &conf->auth.identity_headers.place;
	const struct conf_target *target;
	struct err err;
	size_t i, j;

	if (*header == NULL)
		return;
	if (conf_header_name_check_readable(*header, &err) == -1 ||
	    conf_header_name_check(*header, &err) == -1) {
		conf_loading_complain(loading, at, "%s: %s", name, err.text);
		return;
	}
	if (strchr(*header, '_') != NULL)
		conf_loading_complain(loading, at,
		    "%s: has `_`, which some read as `-`: write -", name);
	for (i = 0; i < conf->target_count; i++) {
		target = &conf->targets[i];
		for (j = 0; j < target->http_header_count; j++)
			if (strcasecmp(target->http_headers[j].name, *header) ==
			    0)
				conf_loading_complain(loading, at,
				    "%s: %s is in http_headers of targets[%zu] "
				    "too: keep one of them",
				    name, *header, i);
	}
}

void
conf_check_headers(struct conf_loading *loading, bool had_errors)
{
	const struct conf *conf = loading->conf;
	const struct conf_identity_headers *headers =
	    &conf->auth.identity_headers;

	if (!headers->is_set)
		return;
	check_header(loading, &headers->user, "auth.identity_headers.user");
	check_header(loading, &headers->groups, "auth.identity_headers.groups");
	if (headers->user != NULL && headers->groups != NULL &&
	    strcasecmp(headers->user, headers->groups) == 0)
		conf_loading_complain(loading, &headers->place,
		    "auth.identity_headers: user and groups are one header: "
		    "write two");
	if (headers->groups != NULL && headers->groups_separator == NULL)
		conf_loading_complain(loading, &headers->groups_separator,
		    "auth.identity_headers.groups_separator: is empty: two "
		    "groups would read as one");
	if (had_errors)
		return;
	if (headers->user == NULL && headers->groups == NULL)
		conf_loading_complain(loading, &headers->place,
		    "auth.identity_headers: names no header: leave it out");
	else if (!conf_has_login(conf))
		conf_loading_complain(loading, &headers->place,
		    "auth.identity_headers: nobody says who asks: write "
		    "bearer_tokens_file, jwt, kubernetes, client_certificate "
		    "or basic_auth_users");
}
