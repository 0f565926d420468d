#include "conf/section.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"
#include "conf/document.h"
#include "conf/errors.h"
#include "conf/header_name.h"
#include "conf/loading.h"
#include "conf/suggest.h"
#include "conf/text.h"
#include "conf/value.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

#define WHERE_SIZE 128
#define GROUP_SIZE 64

static void
complain(const struct conf_section *section, const struct conf_node *node,
    const char *key, const char *message)
{
	const char *where = section->where;

	conf_errors_add(&section->loading->errors, section->file, node->line,
	    node->column, "%s%s%s: %s", where, where[0] != '\0' ? "." : "", key,
	    message);
}

/* " in targets[0].cache", or nothing at the top of a file. */
static void
describe_block(const struct conf_section *section, char out[WHERE_SIZE])
{
	const char *where = section->where, *group = section->group;

	if (where[0] == '\0' && group[0] == '\0')
		out[0] = '\0';
	else
		snprintf(out, WHERE_SIZE, " in %s%s%s", where,
		    where[0] != '\0' && group[0] != '\0' ? "." : "", group);
}

static bool
is_visible(const struct conf_section *section, const struct conf_key *key)
{
	if (key->is_flag_only || key->scope != section->scope)
		return false;
	return !section->is_web || section->group[0] != '\0' || key->is_web;
}

/* "admin.listen" is how a flag says it; a file nests. */
static bool
is_dotted(const struct conf_section *section, const char *name)
{
	const struct conf_key *key;

	if (strchr(name, '.') == NULL)
		return false;
	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key))
		if (is_visible(section, key) && strcmp(key->name, name) == 0)
			return true;
	return false;
}

static bool
is_inside(const struct conf_section *section, const struct conf_key *key)
{
	size_t len = strlen(section->group);

	return key->scope == section->scope &&
	       strncmp(key->name, section->group, len) == 0 &&
	       key->name[len] == '.';
}

/* The first of this name, those deeper in the same block before all others. */
static const struct conf_key *
find_namesake(const struct conf_section *section, const char *name)
{
	const struct conf_key *key, *found = NULL;
	const char *last;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key)) {
		last = strrchr(key->name, '.');
		last = last != NULL ? last + 1 : key->name;
		if (key->is_flag_only || strcmp(last, name) != 0)
			continue;
		if (is_inside(section, key))
			return key;
		if (found == NULL)
			found = key;
	}
	return found;
}

/* The block where a key of this name stands, "" if at the top; or NULL. */
static const char *
find_home(
    const struct conf_section *section, const char *name, char out[WHERE_SIZE])
{
	const struct conf_key *key =
	    section->is_web ? NULL : find_namesake(section, name);

	if (key == NULL)
		return NULL;
	snprintf(out, WHERE_SIZE, "%s%.*s", conf_scope_prefix(key->scope),
	    (int)(strlen(key->name) - strlen(name)), key->name);
	if (out[0] != '\0')
		out[strlen(out) - 1] = '\0';
	return out;
}

static void
complain_unknown(
    const struct conf_section *section, const struct conf_node *name)
{
	struct conf_suggestion suggestion = { .word = name->text };
	char quoted[CONF_QUOTED_SIZE], block[WHERE_SIZE], home[WHERE_SIZE];
	char hint[WHERE_SIZE + 64] = "";
	const struct conf_key *key;
	const char *last;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key)) {
		last = conf_key_in_group(key, section->group);
		if (last != NULL && is_visible(section, key))
			conf_suggest_add(&suggestion, last);
	}
	if (is_dotted(section, name->text))
		snprintf(hint, sizeof(hint), ", write \"%.*s: {%s: ...}\"",
		    (int)strcspn(name->text, "."), name->text,
		    strchr(name->text, '.') + 1);
	else if (suggestion.nearest != NULL)
		snprintf(hint, sizeof(hint), ", did you mean \"%s\"?",
		    suggestion.nearest);
	else if (section->is_web && section->group[0] == '\0' &&
		 conf_key_find(CONF_SCOPE_ROOT, "", name->text) != NULL)
		snprintf(hint, sizeof(hint),
		    ", it belongs in the gate's own file (--config)");
	else if (find_home(section, name->text, home) != NULL)
		snprintf(hint, sizeof(hint), ", it belongs %s%s",
		    home[0] != '\0' ? "in " : "at the top level", home);
	describe_block(section, block);
	conf_errors_add(&section->loading->errors, section->file, name->line,
	    name->column, "unknown key %s%s%s", conf_quote(name->text, quoted),
	    block, hint);
}

static void
complain_refused(const struct conf_section *section,
    const struct conf_node *name, const struct conf_refused *refused)
{
	complain(section, name, refused->name,
	    refused->words != NULL ? refused->words
				   : "not supported by this version");
}

static void
mark(const struct conf_section *section, const struct conf_node *node,
    const void *at)
{
	conf_loading_mark(section->loading, &(struct conf_mark){ .at = at,
						.file = section->file,
						.line = node->line,
						.column = node->column });
}

static int
expect(const struct conf_section *section, const struct conf_key *key,
    const struct conf_node *node, enum conf_node_kind kind)
{
	char message[64];

	if (node->kind == kind)
		return 0;
	snprintf(message, sizeof(message), "expected %s, found %s",
	    kind == CONF_NODE_MAP ? "keys and values" : "a list",
	    conf_node_kind_text(node));
	complain(section, node, key->name, message);
	return -1;
}

/* A block of the web config file that stands in the main file too. */
static void
complain_twice(const struct conf_section *section, const struct conf_key *key,
    const struct conf_node *name, const char *file, int line)
{
	char *message =
	    xasprintf("is at %s:%d already: keep one of them", file, line);

	complain(section, name, key->name, message);
	free(message);
}

static void
read_leaf(const struct conf_section *section, const struct conf_key *key,
    const struct conf_node *name, const struct conf_node *node)
{
	const void *at = (const char *)section->base + key->offset;
	const struct conf_mark *earlier =
	    key->is_web ? conf_loading_find(section->loading, at) : NULL;
	struct err err;
	struct conf_setting setting = {
		.key = key, .folder = section->folder, .err = &err
	};

	if (earlier != NULL) {
		complain_twice(
		    section, key, name, earlier->file, earlier->line);
		return;
	}
	mark(section, node, at);
	if (conf_value_set(&setting, node, section->base) == -1)
		complain(section, setting.bad, key->name, err.text);
}

/* Notes that a block is there; -1 if it was already in another file. */
static int
open_block(const struct conf_section *section, const struct conf_key *key,
    const struct conf_node *name, const struct conf_node *map)
{
	char *base = section->base;
	struct conf_place *place = (void *)(base + key->offset);

	if (place->line != 0) {
		complain_twice(section, key, name, place->file, place->line);
		return -1;
	}
	place->file = section->file;
	place->line = name->line;
	place->column = name->column;
	/* An empty web block sets no TLS, as in exporter-toolkit. */
	*(bool *)(base + key->is_set_offset) = map->count > 0 || !key->is_web;
	mark(section, name, place);
	return 0;
}

static void
read_group(const struct conf_section *section, const struct conf_key *key,
    const struct conf_node *name, const struct conf_node *node)
{
	struct conf_section inner = *section;

	if (expect(section, key, node, CONF_NODE_MAP) == -1)
		return;
	if (key->is_set_offset != 0 &&
	    open_block(section, key, name, node) == -1)
		return;
	inner.group = key->name;
	conf_section_read(&inner, node);
}

/* Where the item and all its fields are; what is missing is not said then. */
static void
mark_item(const struct conf_section *section, const struct conf_node *node)
{
	const struct conf_key *key;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key))
		if (key->scope == section->scope)
			mark(section, node,
			    (const char *)section->base + key->offset);
}

static void
read_item(const struct conf_section *section, const struct conf_node *node,
    const struct conf_list *list, void *item, size_t index)
{
	struct conf_place *place = (void *)((char *)item + list->place);
	char where[WHERE_SIZE];
	struct conf_section inner = *section;

	conf_section_defaults(list->scope, item);
	place->file = section->file;
	place->line = node->line;
	place->column = node->column;
	mark(section, node, item);
	mark(section, node, place);
	snprintf(where, sizeof(where), "%s[%zu]", list->name, index);
	inner.scope = list->scope;
	inner.base = item;
	inner.group = "";
	inner.where = where;
	if (node->kind == CONF_NODE_MAP && !conf_node_is_null(node))
		conf_section_read(&inner, node);
	else {
		conf_errors_add(&section->loading->errors, section->file,
		    node->line, node->column,
		    "%s: expected keys and values, found %s", where,
		    conf_node_kind_text(node));
		mark_item(&inner, node);
	}
}

static void
read_list(const struct conf_section *section, const struct conf_key *key,
    const struct conf_node *node)
{
	const struct conf_list *list = conf_list_of(key->type);
	char *items, message[64];
	size_t i;

	if (expect(section, key, node, CONF_NODE_LIST) == -1)
		return;
	mark(section, node, (const char *)section->base + key->offset);
	if (node->count > list->max) {
		snprintf(
		    message, sizeof(message), "more than %zu items", list->max);
		complain(section, node, key->name, message);
		return;
	}
	items = xcalloc(node->count + 1, list->size);
	conf_list_set(key, section->base, items, node->count);
	for (i = 0; i < node->count; i++)
		read_item(
		    section, node->items[i], list, items + i * list->size, i);
}

/* -1 after saying what is wrong with the name of a header. */
static int
check_header(const struct conf_section *section, const struct conf_node *name,
    const struct conf_target *target)
{
	struct err err;
	size_t i;

	if (conf_header_name_check(name->text, &err) == -1) {
		complain(section, name, "http_headers", err.text);
		return -1;
	}
	for (i = 0; i < target->http_header_count; i++)
		if (strcasecmp(target->http_headers[i].name, name->text) == 0) {
			complain(section, name, "http_headers",
			    "this name is there already, in other letters");
			return -1;
		}
	return 0;
}

static void
read_header(const struct conf_section *section, const struct conf_node *name,
    const struct conf_node *node, struct conf_http_header *header)
{
	char where[WHERE_SIZE];
	struct conf_section inner = *section;

	header->name = xstrdup(name->text);
	snprintf(where, sizeof(where), "%.40s.http_headers.%.64s",
	    section->where, name->text);
	inner.scope = CONF_SCOPE_HEADER;
	inner.base = header;
	inner.group = "";
	inner.where = where;
	if (node->kind == CONF_NODE_MAP)
		conf_section_read(&inner, node);
	if (node->kind != CONF_NODE_MAP || node->count == 0)
		conf_errors_add(&section->loading->errors, section->file,
		    node->line, node->column,
		    "%s: write {values: [...]}, {secrets: [...]} or "
		    "{files: [...]}",
		    where);
}

static void
read_headers(const struct conf_section *section, const struct conf_key *key,
    const struct conf_node *node)
{
	struct conf_target *target = section->base;
	size_t i;

	if (expect(section, key, node, CONF_NODE_MAP) == -1)
		return;
	target->http_headers =
	    xcalloc(node->count + 1, sizeof(*target->http_headers));
	for (i = 0; i < node->count; i++) {
		if (check_header(section, node->keys[i], target) == -1)
			continue;
		read_header(section, node->keys[i], node->items[i],
		    &target->http_headers[target->http_header_count]);
		target->http_header_count++;
	}
}

/* Who writes a bare "client_certificate:" may think that it is on. */
static void
warn_of_switch(const struct conf_section *section, const struct conf_key *key)
{
	if (key->is_switch)
		conf_errors_warn(&section->loading->errors,
		    "%s has no value, so it is off: write {} to turn it on",
		    key->name);
}

static void
read_value(const struct conf_section *section, const struct conf_key *key,
    const struct conf_node *name, const struct conf_node *node)
{
	if (conf_node_is_null(node)) {
		warn_of_switch(section, key);
		return;
	}
	switch (key->type) {
	case CONF_TYPE_GROUP:
		read_group(section, key, name, node);
		break;
	case CONF_TYPE_TARGETS:
	case CONF_TYPE_RULES:
		read_list(section, key, node);
		break;
	case CONF_TYPE_HEADERS:
		read_headers(section, key, node);
		break;
	default:
		read_leaf(section, key, name, node);
		break;
	}
}

/* A web config file knows nothing of the keys beside its blocks. */
static bool
is_told(const struct conf_section *section)
{
	return !section->is_web || section->group[0] != '\0';
}

void
conf_section_read(
    const struct conf_section *section, const struct conf_node *map)
{
	const struct conf_refused *refused;
	const struct conf_node *name;
	const struct conf_key *key;
	size_t i;

	for (i = 0; i < map->count; i++) {
		name = map->keys[i];
		key = conf_key_find(section->scope, section->group, name->text);
		refused = conf_refused_find(
		    section->scope, section->group, name->text);
		if (key != NULL && is_visible(section, key))
			read_value(section, key, name, map->items[i]);
		else if (refused != NULL && is_told(section))
			complain_refused(section, name, refused);
		else
			complain_unknown(section, name);
	}
}
