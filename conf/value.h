/*
 * One value of the tree into one field of a struct, by the type of its key,
 * and the way back to nothing.  Pure but for the allocations.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>

struct conf_key;
struct conf_node;
struct conf_strings;
struct err;

/* What print-config shows for a secret; refused as a value. */
#define CONF_SECRET_SHOWN "<secret>"

struct conf_setting {
	const struct conf_key *key;
	const char *folder;          /* relative paths are joined to it */
	const struct conf_node *bad; /* the node that `err` is about */
	struct err *err;
};

/*
 * Replaces the field of setting->key in the struct at `base`.  -1 with err
 * and bad set; the field is then as it was, or holds a part of a map.  Not for
 * groups, targets and headers, which have keys of their own.
 */
int conf_value_set(
    struct conf_setting *setting, const struct conf_node *node, void *base);

/* Frees what the field holds and zeroes it. */
void conf_value_clear(const struct conf_key *key, void *base);

void conf_strings_clear(struct conf_strings *strings);

/* Refuses what print-config shows instead of a secret. */
int conf_value_check_secret(const char *text, struct err *err);

/* A text without control characters (tab aside if `may_tab`). */
int conf_value_check_line(const char *text, bool may_tab, struct err *err);

#endif
