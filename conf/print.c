#include "conf/load.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/keys.h"
#include "conf/print_value.h"
#include "conf/yaml_text.h"

/* Where print_block() is: one struct, and how its lines begin. */
struct block {
	FILE *out;
	enum conf_scope scope;
	const void *base;
	int indent;
	bool *is_item; /* the next line begins an item of a list: "- " */
};

static bool is_shown(const struct conf_key *key, const void *base);

static bool
has_shown(const struct conf_key *group, const void *base)
{
	const struct conf_key *key;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key))
		if (key->scope == group->scope &&
		    conf_key_in_group(key, group->name) != NULL &&
		    is_shown(key, base))
			return true;
	return false;
}

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
		if (key->is_set_offset == 0)
			return has_shown(key, base);
		return *(const bool *)((const char *)base + key->is_set_offset);
	case CONF_TYPE_RULES:
		return conf_list_count(key, base) > 0;
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
		return *(char *const *)at != NULL ||
		       (key->def != NULL && key->def[0] != '\0');
	case CONF_TYPE_STRINGS:
	case CONF_TYPE_WORDS:
	case CONF_TYPE_SECRETS:
	case CONF_TYPE_PATHS:
	case CONF_TYPE_NETWORKS:
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
print_items(const struct block *block, const struct conf_key *key)
{
	const struct conf_list *list = conf_list_of(key->type);
	const char *items = conf_list_items(key, block->base);
	bool is_item;
	struct block inner = *block;
	size_t i;

	inner.scope = list->scope;
	inner.indent = block->indent + 2;
	inner.is_item = &is_item;
	for (i = 0; i < conf_list_count(key, block->base); i++) {
		is_item = true;
		inner.base = items + i * list->size;
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

	fputs(has_shown(key, block->base) ? "\n" : " {}\n", block->out);
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
	else if (conf_list_of(key->type) != NULL) {
		fputc('\n', block->out);
		print_items(block, key);
	} else if (key->type == CONF_TYPE_HEADERS) {
		fputc('\n', block->out);
		print_headers(block);
	} else {
		fputc(' ', block->out);
		conf_print_value(
		    block->out, key, (const char *)block->base + key->offset);
		fputc('\n', block->out);
	}
}

static void
print_block(const struct block *block, const char *group)
{
	const struct conf_key *key;
	const char *name;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key)) {
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

void
conf_print_group(const struct conf *conf, const char *group, FILE *out)
{
	bool is_item = false;
	struct block root = { .out = out,
		.scope = CONF_SCOPE_ROOT,
		.base = conf,
		.is_item = &is_item };

	print_block(&root, group);
}
