/*
 * A YAML file as a tree of nodes that know their line and column.  This is
 * the only place that speaks to libyaml.
 *
 * Strict: repeated keys, anchors, aliases, tags and second documents are
 * errors; depth, number of nodes and size are bounded, so a hostile file costs
 * a bounded amount of memory and time.  JSON is YAML, so it is read too.
 */
#ifndef CONF_DOCUMENT_H
#define CONF_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

struct conf_errors;

#define CONF_DOCUMENT_MAX_BYTES ((size_t)1024 * 1024)

enum conf_node_kind { CONF_NODE_TEXT, CONF_NODE_LIST, CONF_NODE_MAP };

struct conf_node {
	enum conf_node_kind kind;
	int line; /* from 1; 0: not from a file */
	int column;
	bool is_plain;            /* text without quotes: may be null */
	char *text;               /* CONF_NODE_TEXT; no NUL within */
	struct conf_node **keys;  /* CONF_NODE_MAP: always texts */
	struct conf_node **items; /* of a list, or the values of a map */
	size_t count;
	size_t room;
};

/*
 * Reads `data`; `file` is its name in messages.  An empty document is an empty
 * map.  NULL if nothing can be made of it.  A tree may come back beside
 * errors, so that the caller finds the rest of them.
 */
struct conf_node *conf_document_parse(
    const char *file, const char *data, size_t len, struct conf_errors *errors);

/* A text that comes from a flag or a default; a list to append to. */
struct conf_node *conf_node_text(const char *text);
struct conf_node *conf_node_list(void);
void conf_node_append(struct conf_node *list, struct conf_node *item);
void conf_node_free(struct conf_node *node);

/* "key:", "key: ~" and "key: null": as if the key were not there. */
bool conf_node_is_null(const struct conf_node *node);

/* "text", "a list", "keys and values" for messages. */
const char *conf_node_kind_text(const struct conf_node *node);

#endif
