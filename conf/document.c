#include "conf/document.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "conf/errors.h"
#include "conf/text.h"
#include "proxy/base/alloc.h"

#define DEPTH_MAX 16
#define NODES_MAX 100000
/* Repeated keys are found by comparing each with each. */
#define KEYS_MAX 1000

struct reader {
	yaml_parser_t parser;
	const char *file;
	const char *data;
	size_t len;
	struct conf_errors *errors;
	size_t node_count;
};

static struct conf_node *read_node(
    struct reader *reader, const yaml_event_t *event, int depth);

static struct conf_node *
node_new(enum conf_node_kind kind)
{
	struct conf_node *node = xcalloc(1, sizeof(*node));

	node->kind = kind;
	return node;
}

struct conf_node *
conf_node_text(const char *text)
{
	struct conf_node *node = node_new(CONF_NODE_TEXT);

	node->text = xstrdup(text);
	return node;
}

struct conf_node *
conf_node_list(void)
{
	return node_new(CONF_NODE_LIST);
}

static void
grow(struct conf_node *node)
{
	if (node->count < node->room)
		return;
	node->room = node->room == 0 ? 4 : node->room * 2;
	node->items = xrealloc(node->items, node->room * sizeof(*node->items));
	if (node->kind == CONF_NODE_MAP)
		node->keys =
		    xrealloc(node->keys, node->room * sizeof(*node->keys));
}

void
conf_node_append(struct conf_node *list, struct conf_node *item)
{
	grow(list);
	list->items[list->count++] = item;
}

static void
append_pair(
    struct conf_node *map, struct conf_node *key, struct conf_node *value)
{
	grow(map);
	map->keys[map->count] = key;
	map->items[map->count++] = value;
}

void
conf_node_free(struct conf_node *node)
{
	size_t i;

	if (node == NULL)
		return;
	for (i = 0; i < node->count; i++) {
		if (node->keys != NULL)
			conf_node_free(node->keys[i]);
		conf_node_free(node->items[i]);
	}
	free(node->keys);
	free(node->items);
	free(node->text);
	free(node);
}

bool
conf_node_is_null(const struct conf_node *node)
{
	static const char *const spellings[] = { "", "~", "null", "Null",
		"NULL" };
	size_t i;

	if (node->kind != CONF_NODE_TEXT || !node->is_plain)
		return false;
	for (i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		if (strcmp(node->text, spellings[i]) == 0)
			return true;
	return false;
}

const char *
conf_node_kind_text(const struct conf_node *node)
{
	static const char *const texts[] = {
		[CONF_NODE_TEXT] = "text",
		[CONF_NODE_LIST] = "a list",
		[CONF_NODE_MAP] = "keys and values",
	};

	return texts[node->kind];
}

/* libyaml's reader gives an offset in bytes instead of a mark. */
static void
find_offset(const struct reader *reader, size_t offset, int *line, int *column)
{
	size_t i;

	*line = *column = 1;
	for (i = 0; i < offset && i < reader->len; i++) {
		(*column)++;
		if (reader->data[i] == '\n') {
			(*line)++;
			*column = 1;
		}
	}
}

static void
report_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const yaml_mark_t *mark = &parser->problem_mark;
	const char *problem =
	    parser->problem != NULL ? parser->problem : "unreadable";
	int line = (int)mark->line + 1, column = (int)mark->column + 1;

	if (parser->error == YAML_READER_ERROR) {
		find_offset(reader, parser->problem_offset, &line, &column);
		conf_errors_add(reader->errors, reader->file, line, column,
		    "not YAML: %s", problem);
	} else if (mark->index < reader->len &&
		   reader->data[mark->index] == '\t')
		conf_errors_add(reader->errors, reader->file, line, column,
		    "not YAML: a tab cannot indent, use spaces");
	else if (parser->context != NULL)
		conf_errors_add(reader->errors, reader->file, line, column,
		    "not YAML: %s (%s at line %zu)", problem, parser->context,
		    parser->context_mark.line + 1);
	else
		conf_errors_add(reader->errors, reader->file, line, column,
		    "not YAML: %s", problem);
}

static void
report(struct reader *reader, const yaml_mark_t *mark, const char *message)
{
	conf_errors_add(reader->errors, reader->file, (int)mark->line + 1,
	    (int)mark->column + 1, "%s", message);
}

/* The next event, to be deleted; -1 once the parser cannot go on. */
static int
next_event(struct reader *reader, yaml_event_t *event)
{
	if (yaml_parser_parse(&reader->parser, event))
		return 0;
	report_syntax(reader);
	return -1;
}

static void
report_extras(struct reader *reader, const yaml_mark_t *mark,
    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		report(reader, mark,
		    "anchors (&name) are not supported: write the value out");
	if (tag != NULL)
		report(
		    reader, mark, "tags (!name) are not supported: remove it");
}

static struct conf_node *
read_text(struct reader *reader, const yaml_event_t *event)
{
	struct conf_node *node = node_new(CONF_NODE_TEXT);
	const char *value = (const char *)event->data.scalar.value;

	report_extras(reader, &event->start_mark, event->data.scalar.anchor,
	    event->data.scalar.tag);
	if (strlen(value) != event->data.scalar.length)
		report(reader, &event->start_mark,
		    "a NUL byte (\\0) is not supported");
	node->text = xstrdup(value);
	node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return node;
}

/* The first of two equal keys stays, so that nothing is complained of twice. */
static bool
is_repeated(struct reader *reader, const struct conf_node *map,
    const struct conf_node *key)
{
	char quoted[CONF_QUOTED_SIZE];
	size_t i;

	for (i = 0; i < map->count; i++) {
		if (strcmp(map->keys[i]->text, key->text) != 0)
			continue;
		conf_errors_add(reader->errors, reader->file, key->line,
		    key->column,
		    "repeated key %s, the first one is at %s:%d:%d",
		    conf_quote(key->text, quoted), reader->file,
		    map->keys[i]->line, map->keys[i]->column);
		return true;
	}
	return false;
}

static struct conf_node *
read_list(struct reader *reader, int depth)
{
	struct conf_node *list = node_new(CONF_NODE_LIST), *item;
	yaml_event_t event;

	while (next_event(reader, &event) == 0) {
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return list;
		}
		item = read_node(reader, &event, depth + 1);
		yaml_event_delete(&event);
		if (item == NULL)
			break;
		conf_node_append(list, item);
	}
	conf_node_free(list);
	return NULL;
}

/* NULL also for a key that is no text, after saying so. */
static struct conf_node *
read_key(struct reader *reader, const yaml_event_t *event,
    const struct conf_node *map)
{
	if (map->count == KEYS_MAX) {
		report(
		    reader, &event->start_mark, "too many keys in one block");
		return NULL;
	}
	if (event->type != YAML_SCALAR_EVENT) {
		report(reader, &event->start_mark,
		    "a key must be plain text; text that begins with { or [ "
		    "needs quotes");
		return NULL;
	}
	return read_node(reader, event, 0);
}

static struct conf_node *
read_map(struct reader *reader, int depth)
{
	struct conf_node *map = node_new(CONF_NODE_MAP), *key, *value;
	yaml_event_t event;

	while (next_event(reader, &event) == 0) {
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return map;
		}
		key = read_key(reader, &event, map);
		yaml_event_delete(&event);
		if (key == NULL)
			break;
		value = NULL;
		if (next_event(reader, &event) == 0) {
			value = read_node(reader, &event, depth + 1);
			yaml_event_delete(&event);
		}
		if (value == NULL) {
			conf_node_free(key);
			break;
		}
		if (is_repeated(reader, map, key)) {
			conf_node_free(key);
			conf_node_free(value);
		} else
			append_pair(map, key, value);
	}
	conf_node_free(map);
	return NULL;
}

static struct conf_node *
read_alias(struct reader *reader, const yaml_event_t *event)
{
	struct conf_node *node = conf_node_text("");

	node->is_plain = true;
	report(reader, &event->start_mark,
	    "aliases (*name) are not supported: write the value out");
	return node;
}

static struct conf_node *
read_content(struct reader *reader, const yaml_event_t *event, int depth)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_text(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		report_extras(reader, &event->start_mark,
		    event->data.sequence_start.anchor,
		    event->data.sequence_start.tag);
		return read_list(reader, depth);
	case YAML_MAPPING_START_EVENT:
		report_extras(reader, &event->start_mark,
		    event->data.mapping_start.anchor,
		    event->data.mapping_start.tag);
		return read_map(reader, depth);
	default:
		return read_alias(reader, event);
	}
}

static struct conf_node *
read_node(struct reader *reader, const yaml_event_t *event, int depth)
{
	struct conf_node *node;

	if (depth > DEPTH_MAX) {
		report(reader, &event->start_mark, "nested too deeply");
		return NULL;
	}
	if (++reader->node_count > NODES_MAX) {
		report(reader, &event->start_mark, "too many values");
		return NULL;
	}
	node = read_content(reader, event, depth);
	if (node != NULL) {
		node->line = (int)event->start_mark.line + 1;
		node->column = (int)event->start_mark.column + 1;
	}
	return node;
}

/* What follows the first document must be the end of the file. */
static int
expect_end(struct reader *reader)
{
	yaml_event_t event;
	yaml_event_type_t type;

	do {
		if (next_event(reader, &event) == -1)
			return -1;
		type = event.type;
		if (type == YAML_DOCUMENT_START_EVENT)
			report(reader, &event.start_mark,
			    "a second document (---) is not supported");
		yaml_event_delete(&event);
	} while (type == YAML_DOCUMENT_END_EVENT);
	return 0;
}

static struct conf_node *
read_document(struct reader *reader)
{
	struct conf_node *root = NULL;
	yaml_event_t event;
	yaml_event_type_t type;

	do {
		if (next_event(reader, &event) == -1)
			return NULL;
		type = event.type;
		if (type == YAML_STREAM_END_EVENT)
			root = node_new(CONF_NODE_MAP);
		else if (type != YAML_STREAM_START_EVENT &&
			 type != YAML_DOCUMENT_START_EVENT)
			root = read_node(reader, &event, 0);
		yaml_event_delete(&event);
	} while (type == YAML_STREAM_START_EVENT ||
		 type == YAML_DOCUMENT_START_EVENT);
	if (root != NULL && type != YAML_STREAM_END_EVENT &&
	    expect_end(reader) == -1) {
		conf_node_free(root);
		return NULL;
	}
	return root;
}

static struct conf_node *
require_map(struct reader *reader, struct conf_node *root)
{
	if (root == NULL || root->kind == CONF_NODE_MAP)
		return root;
	if (conf_node_is_null(root)) {
		conf_node_free(root);
		return node_new(CONF_NODE_MAP);
	}
	conf_errors_add(reader->errors, reader->file, root->line, root->column,
	    "expected keys and values, found %s", conf_node_kind_text(root));
	conf_node_free(root);
	return NULL;
}

struct conf_node *
conf_document_parse(
    const char *file, const char *data, size_t len, struct conf_errors *errors)
{
	struct reader reader = {
		.file = file, .data = data, .len = len, .errors = errors
	};
	struct conf_node *root;

	if (len > CONF_DOCUMENT_MAX_BYTES) {
		conf_errors_add(errors, file, 1, 1, "larger than %zu bytes",
		    CONF_DOCUMENT_MAX_BYTES);
		return NULL;
	}
	if (!yaml_parser_initialize(&reader.parser)) {
		conf_errors_add_plain(errors, "%s: out of memory", file);
		return NULL;
	}
	yaml_parser_set_input_string(
	    &reader.parser, (const unsigned char *)data, len);
	root = require_map(&reader, read_document(&reader));
	yaml_parser_delete(&reader.parser);
	return root;
}
