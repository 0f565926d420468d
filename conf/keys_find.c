#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/keys.h"

#define NOT_YET(scope_, name_)                                                 \
	{                                                                      \
		.scope = (scope_), .name = (name_)                             \
	}
#define INSTEAD_SERVER(name_, words_)                                          \
	{                                                                      \
		.scope = CONF_SCOPE_ROOT, .name = (name_), .words = (words_)   \
	}
#define INSTEAD(name_, words_)                                                 \
	{                                                                      \
		.scope = CONF_SCOPE_TARGET, .name = (name_), .words = (words_) \
	}

/*
 * A gate that ignored `auth` would stand open, so what is not built is
 * refused.  Whoever builds one of these deletes its row.
 */
const struct conf_refused conf_refused[] = {
	NOT_YET(CONF_SCOPE_ROOT, "auth"),
	NOT_YET(CONF_SCOPE_ROOT, "journal"),
	NOT_YET(CONF_SCOPE_ROOT, "metrics_detail"),
	NOT_YET(CONF_SCOPE_TARGET, "late_finish"),
	NOT_YET(CONF_SCOPE_TARGET, "sample_limit"),
	NOT_YET(CONF_SCOPE_TARGET, "label_limit"),
	NOT_YET(CONF_SCOPE_TARGET, "label_name_length_limit"),
	NOT_YET(CONF_SCOPE_TARGET, "label_value_length_limit"),
	NOT_YET(CONF_SCOPE_TARGET, "stream_above"),
	NOT_YET(CONF_SCOPE_TARGET, "validate"),
	NOT_YET(CONF_SCOPE_TARGET, "fallback_scrape_protocol"),
	NOT_YET(CONF_SCOPE_TARGET, "resources"),
	INSTEAD_SERVER("tls_server_config.ca_file",
	    "is not a server's key: write client_ca_file"),
	INSTEAD_SERVER(
	    "tls_server_config.ca", "is not a server's key: write client_ca"),
	INSTEAD_SERVER("tls_server_config.server_name",
	    "is not a server's key: it belongs in tls_config of a target"),
	INSTEAD_SERVER("tls_server_config.insecure_skip_verify",
	    "is not a server's key: it belongs in tls_config of a target"),
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

	for (key = conf_keys; key->name != NULL; key++) {
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

	for (key = conf_keys; key->name != NULL; key++)
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
	};

	return prefixes[scope];
}

const char *
conf_type_text(enum conf_type type)
{
	static const char *const texts[CONF_TYPE_COUNT] = {
		[CONF_TYPE_GROUP] = "keys",
		[CONF_TYPE_TARGETS] = "list",
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
		[CONF_TYPE_CHOICE] = "choice",
		[CONF_TYPE_CLIENT_AUTH] = "choice",
		[CONF_TYPE_ADDRESS] = "address",
		[CONF_TYPE_ADDRESSES] = "list of addresses",
		[CONF_TYPE_URL] = "URL",
		[CONF_TYPE_STRINGS] = "list of texts",
		[CONF_TYPE_WORDS] = "list of choices",
		[CONF_TYPE_SECRETS] = "list of secrets",
		[CONF_TYPE_PATHS] = "list of paths",
	};

	return texts[type];
}
