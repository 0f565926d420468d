#include "conf/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"
#include "conf/duration.h"
#include "conf/loading.h"
#include "conf/path.h"
#include "conf/text.h"
#include "conf/value_map.h"
#include "proxy/base/alloc.h"

#define NAME_MAX_BYTES 63

/* One target under its rules; `where` is "targets[0]". */
struct judged {
	struct conf_loading *loading;
	struct conf_target *target;
	char where[32];
};

static void
check_name(const struct judged *judged)
{
	const struct conf_target *target = judged->target;
	const char *name = target->name, *p;
	char quoted[CONF_QUOTED_SIZE];

	if (name == NULL) {
		if (conf_loading_is_missing(judged->loading, &target->name))
			conf_loading_complain(judged->loading, target,
			    "%s: name is missing", judged->where);
		return;
	}
	for (p = name; isalnum((unsigned char)*p) ||
		       (*p != '\0' && strchr("_.-", *p) != NULL);)
		p++;
	if (*p == '\0' && p - name <= NAME_MAX_BYTES &&
	    strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		return;
	conf_loading_complain(judged->loading, &target->name,
	    "%s.name: %s is not a name: letters, digits, _ . and -, at most %d",
	    judged->where, conf_quote(name, quoted), NAME_MAX_BYTES);
}

static void
check_url(const struct judged *judged)
{
	const struct conf_target *target = judged->target;

	if (target->url.text == NULL &&
	    conf_loading_is_missing(judged->loading, &target->url))
		conf_loading_complain(judged->loading, target,
		    "%s: url is missing", judged->where);
	if (target->proxy_url != NULL && target->url.text != NULL &&
	    (target->url.scheme == CONF_UNIX ||
		target->url.scheme == CONF_FILE))
		conf_loading_complain(judged->loading, &target->proxy_url,
		    "%s.proxy_url: a %s is not reached through a proxy",
		    judged->where,
		    target->url.scheme == CONF_UNIX ? "unix socket" : "file");
}

static void
check_path(const struct judged *judged)
{
	struct conf_target *target = judged->target;
	char quoted[CONF_QUOTED_SIZE];

	if (target->path == NULL && target->name != NULL) {
		target->path = xasprintf("/metrics/%s", target->name);
		return;
	}
	if (target->path == NULL)
		return;
	conf_quote(target->path, quoted);
	if (!conf_path_is_plain(target->path))
		conf_loading_complain(judged->loading, &target->path,
		    "%s.path: %s is not a path to serve: write it like "
		    "/metrics/NAME, with letters, digits, . _ ~ - and single /",
		    judged->where, quoted);
	else if (strncmp(target->path, "/-/", 3) == 0 ||
		 strcmp(target->path, "/proxy") == 0)
		conf_loading_complain(judged->loading, &target->path,
		    "%s.path: %s is the gate's own", judged->where, quoted);
}

static void
check_timeouts(const struct judged *judged)
{
	struct conf_target *target = judged->target;
	char timeout[CONF_DURATION_SIZE], max[CONF_DURATION_SIZE];

	if (target->scrape_timeout <= target->max_scrape_timeout)
		return;
	/* Who lowers the most also means the default. */
	if (conf_loading_find(judged->loading, &target->scrape_timeout) ==
	    NULL) {
		target->scrape_timeout = target->max_scrape_timeout;
		return;
	}
	conf_loading_complain(judged->loading, &target->scrape_timeout,
	    "%s.scrape_timeout: %s is above max_scrape_timeout, which is %s: "
	    "raise that too",
	    judged->where, conf_duration_text(target->scrape_timeout, timeout),
	    conf_duration_text(target->max_scrape_timeout, max));
}

/* Two keys that say the same thing twice. */
static void
refuse_both(const struct judged *judged, char *const *inline_value,
    char *const *file, const char *block, const char *name)
{
	if (*inline_value != NULL && *file != NULL)
		conf_loading_complain(judged->loading, file,
		    "%s.%s: %s and %s_file are both set: keep one of them",
		    judged->where, block, name, name);
}

static void
check_basic_auth(const struct judged *judged)
{
	const struct conf_basic_auth *basic = &judged->target->basic_auth;

	refuse_both(judged, &basic->username, &basic->username_file,
	    "basic_auth", "username");
	refuse_both(judged, &basic->password, &basic->password_file,
	    "basic_auth", "password");
	if (basic->username != NULL && strchr(basic->username, ':') != NULL)
		conf_loading_complain(judged->loading, &basic->username,
		    "%s.basic_auth.username: has a colon, which ends the name "
		    "in basic authentication",
		    judged->where);
	if (basic->is_set && basic->username == NULL &&
	    basic->username_file == NULL && basic->password == NULL &&
	    basic->password_file == NULL &&
	    judged->loading->errors.errors.count == 0)
		conf_loading_complain(judged->loading, &basic->place,
		    "%s.basic_auth: username is missing", judged->where);
}

static void
check_authorization(const struct judged *judged)
{
	const struct conf_target *target = judged->target;
	const struct conf_authorization *auth = &target->authorization;
	char quoted[CONF_QUOTED_SIZE];
	const char *type = auth->type != NULL ? auth->type : "";

	refuse_both(judged, &auth->credentials, &auth->credentials_file,
	    "authorization", "credentials");
	if (!auth->is_set)
		return;
	if (target->basic_auth.is_set)
		conf_loading_complain(judged->loading, &auth->place,
		    "%s: basic_auth and authorization are both set: keep one "
		    "of them",
		    judged->where);
	if (strcasecmp(type, "basic") == 0)
		conf_loading_complain(judged->loading, &auth->type,
		    "%s.authorization.type: use basic_auth for basic "
		    "authentication",
		    judged->where);
	else if (type[0] == '\0' || strpbrk(type, " \t,;:=\"") != NULL)
		conf_loading_complain(judged->loading, &auth->type,
		    "%s.authorization.type: %s is not one word", judged->where,
		    conf_quote(type, quoted));
	if (auth->credentials == NULL && auth->credentials_file == NULL &&
	    conf_loading_is_missing(judged->loading, &auth->credentials))
		conf_loading_complain(judged->loading, &auth->place,
		    "%s.authorization: credentials or credentials_file is "
		    "missing",
		    judged->where);
}

static void
check_tls(const struct judged *judged)
{
	const struct conf_target *target = judged->target;
	const struct conf_tls_client *tls = &target->tls_config;
	bool has_cert = tls->cert != NULL || tls->cert_file != NULL;
	bool has_key = tls->key != NULL || tls->key_file != NULL;

	refuse_both(judged, &tls->ca, &tls->ca_file, "tls_config", "ca");
	refuse_both(judged, &tls->cert, &tls->cert_file, "tls_config", "cert");
	refuse_both(judged, &tls->key, &tls->key_file, "tls_config", "key");
	if (has_cert != has_key &&
	    conf_loading_is_missing(judged->loading, &tls->key))
		conf_loading_complain(judged->loading, &tls->place,
		    "%s.tls_config: a client certificate needs both cert_file "
		    "and key_file",
		    judged->where);
	if (strcmp(tls->min_version, tls->max_version) > 0)
		conf_loading_complain(judged->loading, &tls->place,
		    "%s.tls_config: min_version %s is above max_version %s",
		    judged->where, tls->min_version, tls->max_version);
	if (tls->is_set && target->url.text != NULL &&
	    target->url.scheme != CONF_HTTPS &&
	    target->follow_redirects != CONF_REDIRECTS_ANY)
		conf_errors_warn(&judged->loading->errors,
		    "%s.tls_config has no effect: url is not https",
		    judged->where);
}

/* Restricting a name that is not allowed at all is a mistake of one kind. */
static void
check_query(const struct judged *judged)
{
	struct conf_target *target = judged->target;
	char quoted[CONF_QUOTED_SIZE];
	size_t i, j;

	for (i = 0; i < target->query_rule_count; i++) {
		const char *name = target->query_rules[i].name;

		for (j = 0; j < target->query_allow.count; j++)
			if (strcmp(target->query_allow.items[j], name) == 0)
				break;
		if (j == target->query_allow.count)
			conf_loading_complain(judged->loading,
			    &target->query_rules,
			    "%s.query.values: %s is not in query.allow: add it "
			    "there",
			    judged->where, conf_quote(name, quoted));
	}
	conf_value_complete_rules(target);
}

static bool
is_one_of(const char *text, const char *first, const char *second)
{
	return strcmp(text, first) == 0 || strcmp(text, second) == 0;
}

static bool
is_pid(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < 10 && text[digits] == '\0' &&
	       text[0] != '0';
}

static void
check_resources(const struct judged *judged)
{
	const struct conf_resources *resources = &judged->target->resources;
	const char *pid = resources->pid, *cgroup = resources->cgroup;
	const char *container = resources->container;
	char quoted[CONF_QUOTED_SIZE];

	if (pid != NULL && !is_one_of(pid, "auto", "off") && !is_pid(pid) &&
	    pid[0] != '/')
		conf_loading_complain(judged->loading, &resources->pid,
		    "%s.resources.pid: %s is neither auto nor off, no process "
		    "id and no absolute path of a PID file",
		    judged->where, conf_quote(pid, quoted));
	if (cgroup != NULL && !is_one_of(cgroup, "auto", "off") &&
	    cgroup[0] != '/')
		conf_loading_complain(judged->loading, &resources->cgroup,
		    "%s.resources.cgroup: %s is neither auto nor off and no "
		    "absolute path",
		    judged->where, conf_quote(cgroup, quoted));
	if (container != NULL &&
	    (strspn(container, "abcdefghijklmnopqrstuvwxyz0123456789-._") !=
		    strlen(container) ||
		strlen(container) > NAME_MAX_BYTES))
		conf_loading_complain(judged->loading, &resources->container,
		    "%s.resources.container: %s is not the name of a "
		    "container: small letters, digits, -, . and _, at most %d",
		    judged->where, conf_quote(container, quoted),
		    NAME_MAX_BYTES);
}

/* Who sets a limit means it: nobody counts what nobody looks at. */
static void
check_limits(const struct judged *judged)
{
	const struct conf_target *target = judged->target;
	const struct {
		const char *name;
		unsigned value;
	} limits[] = {
		{ "sample_limit", target->sample_limit },
		{ "label_limit", target->label_limit },
		{ "label_name_length_limit", target->label_name_length_limit },
		{ "label_value_length_limit",
		    target->label_value_length_limit },
	};
	size_t i;

	if (target->validate != CONF_VALIDATE_OFF)
		return;
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].value > 0)
			conf_errors_warn(&judged->loading->errors,
			    "%s.%s has no effect: validate is off",
			    judged->where, limits[i].name);
}

static void
refuse_twins(const struct judged *judged, size_t index)
{
	const struct conf_target *target = judged->target;
	const struct conf_target *other = judged->loading->conf->targets;
	char quoted[CONF_QUOTED_SIZE];
	size_t i;

	for (i = 0; i < index; i++, other++) {
		if (target->name != NULL && other->name != NULL &&
		    strcmp(target->name, other->name) == 0) {
			conf_loading_complain(judged->loading, &target->name,
			    "%s.name: %s is the name of targets[%zu] already",
			    judged->where, conf_quote(target->name, quoted), i);
			return;
		}
		if (target->path != NULL && other->path != NULL &&
		    strcmp(target->path, other->path) == 0) {
			conf_loading_complain(judged->loading,
			    conf_loading_find(judged->loading, &target->path) !=
				    NULL
				? (const void *)&target->path
				: (const void *)target,
			    "%s.path: %s is the path of targets[%zu] already",
			    judged->where, conf_quote(target->path, quoted), i);
			return;
		}
	}
}

static bool
is_metrics_free(const struct conf *conf)
{
	size_t i;

	for (i = 1; i < conf->target_count; i++)
		if (conf->targets[i].path != NULL &&
		    strcmp(conf->targets[i].path, "/metrics") == 0)
			return false;
	return true;
}

void
conf_check_targets(struct conf_loading *loading)
{
	struct conf *conf = loading->conf;
	struct judged judged = { .loading = loading };
	size_t i;

	for (i = 0; i < conf->target_count; i++) {
		judged.target = &conf->targets[i];
		snprintf(judged.where, sizeof(judged.where), "targets[%zu]", i);
		check_name(&judged);
		check_url(&judged);
		check_path(&judged);
		check_timeouts(&judged);
		check_basic_auth(&judged);
		check_authorization(&judged);
		check_tls(&judged);
		check_query(&judged);
		check_resources(&judged);
		check_limits(&judged);
		refuse_twins(&judged, i);
	}
	if (conf->target_count > 0)
		conf->targets[0].is_first = is_metrics_free(conf);
}
