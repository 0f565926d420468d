#include "conf/print_value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/duration.h"
#include "conf/go_duration.h"
#include "conf/keys.h"
#include "conf/multiple.h"
#include "conf/size.h"
#include "conf/url.h"
#include "conf/value.h"
#include "conf/yaml_text.h"

typedef void print_fn(FILE *out, const struct conf_key *key, const void *at);

static void
print_text(FILE *out, const struct conf_key *key, const void *at)
{
	const char *text = *(char *const *)at;

	(void)key;
	conf_yaml_text(out, text != NULL ? text : "");
}

static void
print_secret(FILE *out, const struct conf_key *key, const void *at)
{
	(void)key;
	(void)at;
	fputs("\"" CONF_SECRET_SHOWN "\"", out);
}

static void
print_proxy(FILE *out, const struct conf_key *key, const void *at)
{
	char *masked = conf_url_masked(*(char *const *)at);

	(void)key;
	conf_yaml_text(out, masked);
	free(masked);
}

static void
print_bool(FILE *out, const struct conf_key *key, const void *at)
{
	(void)key;
	fputs(*(const bool *)at ? "true" : "false", out);
}

static void
print_uint(FILE *out, const struct conf_key *key, const void *at)
{
	(void)key;
	fprintf(out, "%u", *(const unsigned *)at);
}

static void
print_duration(FILE *out, const struct conf_key *key, const void *at)
{
	char text[CONF_DURATION_SIZE];

	(void)key;
	fputs(conf_duration_text(*(const int64_t *)at, text), out);
}

static void
print_go_duration(FILE *out, const struct conf_key *key, const void *at)
{
	char text[CONF_GO_DURATION_SIZE];

	(void)key;
	fputs(conf_go_duration_text(*(const int64_t *)at, text), out);
}

static void
print_size(FILE *out, const struct conf_key *key, const void *at)
{
	char text[CONF_SIZE_SIZE];

	(void)key;
	fputs(conf_size_text(*(const uint64_t *)at, text), out);
}

static void
print_multiple(FILE *out, const struct conf_key *key, const void *at)
{
	char text[CONF_MULTIPLE_SIZE];

	(void)key;
	fputs(conf_multiple_text(*(const unsigned *)at, text), out);
}

static void
print_choice(FILE *out, const struct conf_key *key, const void *at)
{
	unsigned index;

	memcpy(&index, at, sizeof(index));
	fputs(key->choices[index], out);
}

static void
print_address(FILE *out, const struct conf_key *key, const void *at)
{
	(void)key;
	conf_yaml_text(out, ((const struct conf_address *)at)->text);
}

static void
print_addresses(FILE *out, const struct conf_key *key, const void *at)
{
	const struct conf *conf =
	    (const void *)((const char *)at - offsetof(struct conf, listen));
	size_t i;

	(void)key;
	for (i = 0; i < conf->listen_count; i++) {
		fputs(i == 0 ? "[" : ", ", out);
		conf_yaml_text(out, conf->listen[i].text);
	}
	fputc(']', out);
}

static void
print_url(FILE *out, const struct conf_key *key, const void *at)
{
	(void)key;
	conf_yaml_text(out, ((const struct conf_url *)at)->text);
}

static void
print_list(FILE *out, const struct conf_strings *strings, bool is_secret)
{
	size_t i;

	fputc('[', out);
	for (i = 0; i < strings->count; i++) {
		if (i > 0)
			fputs(", ", out);
		conf_yaml_text(
		    out, is_secret ? CONF_SECRET_SHOWN : strings->items[i]);
	}
	fputc(']', out);
}

static void
print_strings(FILE *out, const struct conf_key *key, const void *at)
{
	print_list(out, at, key->type == CONF_TYPE_SECRETS);
}

static const struct conf_target *
target_of(const void *at, size_t offset)
{
	return (const void *)((const char *)at - offset);
}

static void
print_params(FILE *out, const struct conf_key *key, const void *at)
{
	const struct conf_target *target =
	    target_of(at, offsetof(struct conf_target, params));
	size_t i;

	(void)key;
	fputc('{', out);
	for (i = 0; i < target->param_count; i++) {
		if (i > 0)
			fputs(", ", out);
		conf_yaml_text(out, target->params[i].name);
		fputs(": ", out);
		print_list(out, &target->params[i].values, false);
	}
	fputc('}', out);
}

static void
print_rules(FILE *out, const struct conf_key *key, const void *at)
{
	const struct conf_target *target =
	    target_of(at, offsetof(struct conf_target, query_rules));
	const struct conf_query_rule *rule;
	const char *separator = "";
	size_t i;

	(void)key;
	fputc('{', out);
	for (i = 0; i < target->query_rule_count; i++) {
		rule = &target->query_rules[i];
		if (rule->values.count == 0 && rule->regex == NULL)
			continue;
		fputs(separator, out);
		separator = ", ";
		conf_yaml_text(out, rule->name);
		fputs(": ", out);
		if (rule->regex != NULL)
			conf_yaml_text(out, rule->regex);
		else
			print_list(out, &rule->values, false);
	}
	fputc('}', out);
}

static void
print_users(FILE *out, const struct conf_key *key, const void *at)
{
	const struct conf *conf =
	    (const void *)((const char *)at -
			   offsetof(struct conf, basic_auth_users));
	size_t i;

	(void)key;
	fputc('{', out);
	for (i = 0; i < conf->basic_auth_user_count; i++) {
		if (i > 0)
			fputs(", ", out);
		conf_yaml_text(out, conf->basic_auth_users[i].name);
		fputs(": \"" CONF_SECRET_SHOWN "\"", out);
	}
	fputc('}', out);
}

static void
print_response_headers(FILE *out, const struct conf_key *key, const void *at)
{
	const struct conf_http_server *server =
	    (const void *)((const char *)at -
			   offsetof(struct conf_http_server, headers));
	size_t i;

	(void)key;
	fputc('{', out);
	for (i = 0; i < server->header_count; i++) {
		if (i > 0)
			fputs(", ", out);
		conf_yaml_text(out, server->headers[i].name);
		fputs(": ", out);
		conf_yaml_text(out, server->headers[i].value);
	}
	fputc('}', out);
}

static print_fn *const printers[CONF_TYPE_COUNT] = {
	[CONF_TYPE_PARAMS] = print_params,
	[CONF_TYPE_QUERY_VALUES] = print_rules,
	[CONF_TYPE_USERS] = print_users,
	[CONF_TYPE_RESPONSE_HEADERS] = print_response_headers,
	[CONF_TYPE_STRING] = print_text,
	[CONF_TYPE_SECRET] = print_secret,
	[CONF_TYPE_PEM] = print_text,
	[CONF_TYPE_SECRET_PEM] = print_secret,
	[CONF_TYPE_PATH] = print_text,
	[CONF_TYPE_PROXY] = print_proxy,
	[CONF_TYPE_WORD] = print_text,
	[CONF_TYPE_BOOL] = print_bool,
	[CONF_TYPE_UINT] = print_uint,
	[CONF_TYPE_DURATION] = print_duration,
	[CONF_TYPE_GO_DURATION] = print_go_duration,
	[CONF_TYPE_SIZE] = print_size,
	[CONF_TYPE_MULTIPLE] = print_multiple,
	[CONF_TYPE_CHOICE] = print_choice,
	[CONF_TYPE_CLIENT_AUTH] = print_choice,
	[CONF_TYPE_ADDRESS] = print_address,
	[CONF_TYPE_ADDRESSES] = print_addresses,
	[CONF_TYPE_URL] = print_url,
	[CONF_TYPE_STRINGS] = print_strings,
	[CONF_TYPE_WORDS] = print_strings,
	[CONF_TYPE_SECRETS] = print_strings,
	[CONF_TYPE_PATHS] = print_strings,
	[CONF_TYPE_NETWORKS] = print_strings,
};

void
conf_print_value(FILE *out, const struct conf_key *key, const void *at)
{
	print_fn *print = printers[key->type];

	if (print != NULL)
		print(out, key, at);
}
