/*
 * A block of the tree into a struct: walks keys and values by the table of
 * keys, and says what is unknown, refused or wrong.
 */
#ifndef CONF_SECTION_H
#define CONF_SECTION_H

#include <stdbool.h>

#include "conf/keys.h"

struct conf_loading;
struct conf_node;

struct conf_section {
	struct conf_loading *loading;
	const char *file;   /* for messages */
	const char *folder; /* relative paths are joined to it */
	enum conf_scope scope;
	void *base;        /* the scope's struct */
	const char *group; /* "" or dotted, e.g. "cache" */
	const char *where; /* of the struct: "" or "targets[0]" */
	bool is_web;       /* a web config file: only its blocks */
};

/* Errors go to the loading. */
void conf_section_read(
    const struct conf_section *section, const struct conf_node *map);

/* Gives every field of a scope's zeroed struct its default. */
void conf_section_defaults(enum conf_scope scope, void *base);

/* Frees what a scope's struct holds, elements of its lists included. */
void conf_section_clear(enum conf_scope scope, void *base);

#endif
