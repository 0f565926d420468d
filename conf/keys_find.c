#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/keys_table.h"

#define INSTEAD_ROOT(name_, words_)                                            \
	{                                                                      \
		.scope = CONF_SCOPE_ROOT, .name = (name_), .words = (words_)   \
	}
#define INSTEAD_RULE(name_, words_)                                            \
	{                                                                      \
		.scope = CONF_SCOPE_RULE, .name = (name_), .words = (words_)   \
	}
#define INSTEAD(name_, words_)                                                 \
	{                                                                      \
		.scope = CONF_SCOPE_TARGET, .name = (name_), .words = (words_) \
	}

/* What people paste who come from elsewhere. */
const struct conf_refused conf_refused[] = {
	INSTEAD_ROOT("tls_server_config.ca_file",
	    "is not a server's key: write client_ca_file"),
	INSTEAD_ROOT(
	    "tls_server_config.ca", "is not a server's key: write client_ca"),
	INSTEAD_ROOT("tls_server_config.server_name",
	    "is not a server's key: it belongs in tls_config of a target"),
	INSTEAD_ROOT("tls_server_config.insecure_skip_verify",
	    "is not a server's key: it belongs in tls_config of a target"),
	INSTEAD_ROOT("authorization",
	    "is kube-rbac-proxy's: write auth: {kubernetes: {access_review: "
	    "true, resourceAttributes: {...}, rewrites: {...}}}, and its "
	    "static list as auth: {rules: [...]}"),
	INSTEAD_ROOT("auth.oidc",
	    "is not supported: write auth: {jwt: {issuer: ..., audiences: "
	    "[...], jwks_url: ...}}"),
	INSTEAD_ROOT(
	    "auth.ignore_paths", "is not a key: write anonymous_paths"),
	INSTEAD_ROOT("auth.allow_paths",
	    "is not a key: nothing but the targets' paths is served; write "
	    "rules to narrow that"),
	INSTEAD_ROOT("auth.static", "is not a key: write rules"),
	INSTEAD_ROOT(
	    "auth.kubernetes.static", "is not a key: write rules in auth"),
	INSTEAD_ROOT("auth.kubernetes.kubeconfig",
	    "is not supported: write api_server, ca_file and token_file"),
	INSTEAD_ROOT("auth.jwt.algorithms",
	    "is not a key: RS256, PS256, ES256 and EdDSA are taken, each only "
	    "with a key of its kind"),
	INSTEAD_RULE("verb", "is not a key: a scrape is always a read"),
	INSTEAD_RULE("user", "is not a key: write users: [NAME, ...]"),
	INSTEAD_RULE("path", "is not a key: write paths: [PATH, ...]"),
	INSTEAD("oauth2",
	    "is not supported: fetch the token outside and name its file in "
	    "authorization: {credentials_file: ...}"),
	INSTEAD("proxy_from_environment", "is not supported: write proxy_url"),
	INSTEAD("no_proxy",
	    "is not supported: leave proxy_url out of targets that need no "
	    "proxy"),
	INSTEAD("proxy_connect_header", "is not supported"),
	INSTEAD("enable_http2",
	    "is not supported: the exporter is asked over HTTP/1.1"),
	INSTEAD("bearer_token",
	    "is not supported: write authorization: {credentials: ...}"),
	INSTEAD("bearer_token_file",
	    "is not supported: write authorization: {credentials_file: ...}"),
	INSTEAD("metrics_path", "is not supported: write it into url"),
	INSTEAD("scheme", "is not supported: write it into url"),
	INSTEAD("static_configs",
	    "is not supported: write one target with name and url for each"),
	{ .name = NULL },
};

static const struct conf_list lists[CONF_TYPE_COUNT] = {
	[CONF_TYPE_TARGETS] = { .name = "targets",
	    .scope = CONF_SCOPE_TARGET,
	    .count = offsetof(struct conf, target_count),
	    .size = sizeof(struct conf_target),
	    .place = offsetof(struct conf_target, place),
	    .max = 1000 },
	[CONF_TYPE_RULES] = { .name = "auth.rules",
	    .scope = CONF_SCOPE_RULE,
	    .count = offsetof(struct conf, auth.rule_count),
	    .size = sizeof(struct conf_rule),
	    .place = offsetof(struct conf_rule, place),
	    .max = 1000 },
};

const struct conf_list *
conf_list_of(enum conf_type type)
{
	return lists[type].name != NULL ? &lists[type] : NULL;
}

void *
conf_list_items(const struct conf_key *key, const void *conf)
{
	void *items;

	memcpy(&items, (const char *)conf + key->offset, sizeof(items));
	return items;
}

size_t
conf_list_count(const struct conf_key *key, const void *conf)
{
	size_t count;

	memcpy(
	    &count, (const char *)conf + lists[key->type].count, sizeof(count));
	return count;
}

void
conf_list_set(const struct conf_key *key, void *conf, void *items, size_t count)
{
	memcpy((char *)conf + key->offset, &items, sizeof(items));
	memcpy((char *)conf + lists[key->type].count, &count, sizeof(count));
}

const struct conf_key *
conf_key_next(const struct conf_key *key)
{
	key = key == NULL ? conf_keys_gate : key + 1;
	return key->name != NULL ? key : key->next;
}

const char *
conf_key_in_group(const struct conf_key *key, const char *group)
{
	size_t len = strlen(group);
	const char *last = key->name;

	if (len > 0) {
		if (strncmp(key->name, group, len) != 0 ||
		    key->name[len] != '.')
			return NULL;
		last += len + 1;
	}
	return strchr(last, '.') == NULL ? last : NULL;
}

const struct conf_key *
conf_key_find(enum conf_scope scope, const char *group, const char *name)
{
	const struct conf_key *key;
	const char *last;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key)) {
		if (key->scope != scope || key->is_flag_only)
			continue;
		last = conf_key_in_group(key, group);
		if (last != NULL && strcmp(last, name) == 0)
			return key;
	}
	return NULL;
}

const struct conf_key *
conf_key_for_flag(const char *flag)
{
	const struct conf_key *key;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key))
		if (key->flag != NULL && strcmp(key->flag, flag) == 0)
			return key;
	return NULL;
}

const struct conf_refused *
conf_refused_find(enum conf_scope scope, const char *group, const char *name)
{
	const struct conf_refused *refused;
	char path[256];

	snprintf(path, sizeof(path), "%s%s%s", group,
	    group[0] != '\0' ? "." : "", name);
	for (refused = conf_refused; refused->name != NULL; refused++)
		if (refused->scope == scope && strcmp(refused->name, path) == 0)
			return refused;
	return NULL;
}

const char *
conf_scope_prefix(enum conf_scope scope)
{
	static const char *const prefixes[] = {
		[CONF_SCOPE_ROOT] = "",
		[CONF_SCOPE_TARGET] = "targets[].",
		[CONF_SCOPE_HEADER] = "targets[].http_headers.NAME.",
		[CONF_SCOPE_RULE] = "auth.rules[].",
	};

	return prefixes[scope];
}

const char *
conf_type_text(enum conf_type type)
{
	static const char *const texts[CONF_TYPE_COUNT] = {
		[CONF_TYPE_GROUP] = "keys",
		[CONF_TYPE_TARGETS] = "list",
		[CONF_TYPE_RULES] = "list",
		[CONF_TYPE_HEADERS] = "keys",
		[CONF_TYPE_PARAMS] = "keys",
		[CONF_TYPE_QUERY_VALUES] = "keys",
		[CONF_TYPE_USERS] = "keys",
		[CONF_TYPE_RESPONSE_HEADERS] = "keys",
		[CONF_TYPE_STRING] = "text",
		[CONF_TYPE_SECRET] = "secret",
		[CONF_TYPE_PEM] = "PEM",
		[CONF_TYPE_SECRET_PEM] = "secret PEM",
		[CONF_TYPE_PATH] = "path",
		[CONF_TYPE_PROXY] = "URL",
		[CONF_TYPE_WORD] = "choice",
		[CONF_TYPE_BOOL] = "true or false",
		[CONF_TYPE_UINT] = "number",
		[CONF_TYPE_DURATION] = "duration",
		[CONF_TYPE_GO_DURATION] = "Go duration",
		[CONF_TYPE_SIZE] = "size",
		[CONF_TYPE_MULTIPLE] = "multiple",
		[CONF_TYPE_CHOICE] = "choice",
		[CONF_TYPE_CLIENT_AUTH] = "choice",
		[CONF_TYPE_ADDRESS] = "address",
		[CONF_TYPE_ADDRESSES] = "list of addresses",
		[CONF_TYPE_URL] = "URL",
		[CONF_TYPE_STRINGS] = "list of texts",
		[CONF_TYPE_WORDS] = "list of choices",
		[CONF_TYPE_SECRETS] = "list of secrets",
		[CONF_TYPE_PATHS] = "list of paths",
		[CONF_TYPE_NETWORKS] = "list of networks",
	};

	return texts[type];
}
