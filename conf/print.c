#include "conf/load.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/duration.h"
#include "conf/go_duration.h"
#include "conf/keys.h"
#include "conf/size.h"
#include "conf/url.h"
#include "conf/value.h"
#include "conf/yaml_text.h"

/* Where print_block() is: one struct, and how its lines begin. */
struct block {
	FILE *out;
	enum conf_scope scope;
	const void *base;
	int indent;
	bool *is_item; /* the next line begins an item of a list: "- " */
};

typedef void print_fn(FILE *out, const struct conf_key *key, const void *at);

static void
print_text(FILE *out, const struct conf_key *key, const void *at)
{
	const char *text = *(char *const *)at;

	(void)key;
	conf_yaml_text(out, text);
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
	[CONF_TYPE_CHOICE] = print_choice,
	[CONF_TYPE_CLIENT_AUTH] = print_choice,
	[CONF_TYPE_ADDRESS] = print_address,
	[CONF_TYPE_ADDRESSES] = print_addresses,
	[CONF_TYPE_URL] = print_url,
	[CONF_TYPE_STRINGS] = print_strings,
	[CONF_TYPE_WORDS] = print_strings,
	[CONF_TYPE_SECRETS] = print_strings,
	[CONF_TYPE_PATHS] = print_strings,
};

/* Is there anything to show?  An empty field with a default says something. */
static bool
is_shown(const struct conf_key *key, const void *base)
{
	const void *at = (const char *)base + key->offset;
	const struct conf_target *target = base;

	if (key->is_flag_only || key->is_not_printed)
		return false;
	switch (key->type) {
	case CONF_TYPE_GROUP:
		/* Groups of no block of their own hold defaults, but "web". */
		if (key->is_set_offset == 0)
			return strncmp(key->name, "web", 3) != 0;
		return *(const bool *)((const char *)base + key->is_set_offset);
	case CONF_TYPE_TARGETS:
		return true;
	case CONF_TYPE_HEADERS:
		return target->http_header_count > 0;
	case CONF_TYPE_PARAMS:
		return target->param_count > 0;
	case CONF_TYPE_QUERY_VALUES:
		return target->query_rule_count > 0;
	case CONF_TYPE_USERS:
		return ((const struct conf *)base)->basic_auth_user_count > 0;
	case CONF_TYPE_RESPONSE_HEADERS:
		return ((const struct conf *)base)
			   ->http_server_config.header_count > 0;
	case CONF_TYPE_STRING:
	case CONF_TYPE_SECRET:
	case CONF_TYPE_PEM:
	case CONF_TYPE_SECRET_PEM:
	case CONF_TYPE_PATH:
	case CONF_TYPE_PROXY:
	case CONF_TYPE_WORD:
		return *(char *const *)at != NULL;
	case CONF_TYPE_STRINGS:
	case CONF_TYPE_WORDS:
	case CONF_TYPE_SECRETS:
	case CONF_TYPE_PATHS:
		return key->def != NULL ||
		       ((const struct conf_strings *)at)->count > 0;
	default:
		return true;
	}
}

static void
begin_line(const struct block *block)
{
	fprintf(block->out, "%*s%s",
	    *block->is_item ? block->indent - 2 : block->indent, "",
	    *block->is_item ? "- " : "");
	*block->is_item = false;
}

static void print_block(const struct block *block, const char *group);

static void
print_targets(const struct block *block)
{
	const struct conf *conf = block->base;
	bool is_item;
	struct block inner = *block;
	size_t i;

	inner.scope = CONF_SCOPE_TARGET;
	inner.indent = block->indent + 2;
	inner.is_item = &is_item;
	for (i = 0; i < conf->target_count; i++) {
		is_item = true;
		inner.base = &conf->targets[i];
		print_block(&inner, "");
	}
}

static void
print_headers(const struct block *block)
{
	const struct conf_target *target = block->base;
	struct block inner = *block;
	size_t i;

	inner.scope = CONF_SCOPE_HEADER;
	inner.indent = block->indent + 4;
	for (i = 0; i < target->http_header_count; i++) {
		inner.base = &target->http_headers[i];
		fprintf(block->out, "%*s", block->indent + 2, "");
		conf_yaml_text(block->out, target->http_headers[i].name);
		fputs(":\n", block->out);
		print_block(&inner, "");
	}
}

static void
print_group(const struct block *block, const struct conf_key *key)
{
	struct block inner = *block;

	fputc('\n', block->out);
	inner.indent += 2;
	print_block(&inner, key->name);
}

static void
print_key(
    const struct block *block, const struct conf_key *key, const char *name)
{
	begin_line(block);
	fprintf(block->out, "%s:", name);
	if (key->type == CONF_TYPE_GROUP)
		print_group(block, key);
	else if (key->type == CONF_TYPE_TARGETS) {
		fputc('\n', block->out);
		print_targets(block);
	} else if (key->type == CONF_TYPE_HEADERS) {
		fputc('\n', block->out);
		print_headers(block);
	} else {
		fputc(' ', block->out);
		printers[key->type](
		    block->out, key, (const char *)block->base + key->offset);
		fputc('\n', block->out);
	}
}

static void
print_block(const struct block *block, const char *group)
{
	const struct conf_key *key;
	const char *name;

	for (key = conf_keys; key->name != NULL; key++) {
		if (key->scope != block->scope)
			continue;
		name = conf_key_in_group(key, group);
		if (name != NULL && is_shown(key, block->base))
			print_key(block, key, name);
	}
}

void
conf_print(const struct conf *conf, FILE *out)
{
	struct conf shown;
	bool is_item = false;
	struct block root = { .out = out,
		.scope = CONF_SCOPE_ROOT,
		.base = &shown,
		.is_item = &is_item };

	/* Without the count of references, which others change meanwhile. */
	atomic_init(&shown.refs, 0);
	memcpy(&shown.file, &conf->file,
	    sizeof(shown) - offsetof(struct conf, file));
	/* What was decided, so that the output decides the same by itself. */
	shown.self_signed = conf->gate_tls == CONF_GATE_TLS_SELF_SIGNED;
	if (conf->web_config_file != NULL) {
		fputs("# The blocks of the web config file ", out);
		conf_yaml_text(out, conf->web_config_file);
		fputs(" are shown in place.\n", out);
	}
	print_block(&root, "");
	if (conf->has_web_section && !conf->tls_server_config.is_set)
		fputs("tls_server_config: {}\n", out);
}
