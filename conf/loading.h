/*
 * What the steps of one conf_load() share: the configuration that grows, what
 * is wrong with it, and where each of its fields was set.
 */
#ifndef CONF_LOADING_H
#define CONF_LOADING_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/errors.h"

struct conf;
struct conf_key;

/* Where a field was set; borrowed strings live as long as the loading. */
struct conf_mark {
	const void *at;   /* the field */
	const char *flag; /* without the dashes; NULL: a file */
	const char *file;
	int line;
	int column;
};

struct conf_loading {
	struct conf *conf;
	const char *file; /* the configuration file; NULL: none */
	bool is_reload;   /* as in struct conf_source */
	struct conf_errors errors;
	struct conf_mark *marks;
	size_t mark_count;
	size_t mark_room;
};

void conf_loading_mark(
    struct conf_loading *loading, const struct conf_mark *mark);

/* Where the field was set last, NULL if it has its default. */
const struct conf_mark *conf_loading_find(
    const struct conf_loading *loading, const void *at);

/*
 * Was the field left out, or set to nothing?  Not if it was set and is wrong:
 * that was complained of.
 */
bool conf_loading_is_missing(
    const struct conf_loading *loading, const void *at);

/*
 * An error about the field `at`: at its place in a file, as a flag's, or
 * about the file or command line as a whole if it was never set.
 */
void conf_loading_complain(struct conf_loading *loading, const void *at,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "file:line:column" or "--flag" of a field that was set; malloc'd. */
char *conf_loading_place(const struct conf_loading *loading, const void *at);

#endif
