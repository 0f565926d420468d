#include "conf/section.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/document.h"
#include "conf/errors.h"
#include "conf/value.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

/* "[...]" is a list; it is wrapped, because a document is a map. */
static struct conf_node *
parse_list(const char *list)
{
	struct conf_errors errors = { .is_usage = false };
	char *text = xasprintf("list: %s", list);
	struct conf_node *map =
	    conf_document_parse("default", text, strlen(text), &errors);

	free(text);
	assert(map != NULL && map->count == 1);
	return map;
}

static void
set_default(const struct conf_key *key, void *base)
{
	struct err err;
	struct conf_setting setting = { .key = key, .folder = "", .err = &err };
	bool is_list = key->def[0] == '[';
	struct conf_node *node =
	    is_list ? parse_list(key->def) : conf_node_text(key->def);

	int result =
	    conf_value_set(&setting, is_list ? node->items[0] : node, base);

	assert(result == 0);
	(void)result;
	conf_node_free(node);
}

void
conf_section_defaults(enum conf_scope scope, void *base)
{
	const struct conf_key *key;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key))
		if (key->scope == scope && key->def != NULL)
			set_default(key, base);
}

static void
clear_list(const struct conf_key *key, void *base)
{
	const struct conf_list *list = conf_list_of(key->type);
	char *items = conf_list_items(key, base);
	size_t i;

	for (i = 0; i < conf_list_count(key, base); i++)
		conf_section_clear(list->scope, items + i * list->size);
	free(items);
	conf_list_set(key, base, NULL, 0);
}

static void
clear_headers(struct conf_target *target)
{
	struct conf_http_header *header;

	while (target->http_header_count > 0) {
		header = &target->http_headers[--target->http_header_count];
		free(header->name);
		conf_section_clear(CONF_SCOPE_HEADER, header);
	}
	free(target->http_headers);
	target->http_headers = NULL;
}

void
conf_section_clear(enum conf_scope scope, void *base)
{
	const struct conf_key *key;

	for (key = conf_key_next(NULL); key != NULL; key = conf_key_next(key)) {
		if (key->scope != scope || key->is_flag_only)
			continue;
		if (conf_list_of(key->type) != NULL)
			clear_list(key, base);
		else if (key->type == CONF_TYPE_HEADERS)
			clear_headers(base);
		else
			conf_value_clear(key, base);
	}
}
