/*
 * THE table of keys: everything a configuration may say.  It drives parsing,
 * flags, defaults, ranges, conf_unref(), print-config, --help and the
 * reference page, so a new key is a new row and a field in conf.h.  The rows
 * stand in keys.c (the gate), keys_target.c and keys_auth.c.
 *
 * A row's name is dotted and relative to its scope, the struct it fills.  A
 * group's row stands before the rows of the keys in it.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_scope {
	CONF_SCOPE_ROOT,   /* struct conf */
	CONF_SCOPE_TARGET, /* struct conf_target, one of targets[] */
	CONF_SCOPE_HEADER, /* struct conf_http_header, one of http_headers */
	CONF_SCOPE_RULE,   /* struct conf_rule, one of auth.rules[] */
};

enum conf_type {
	CONF_TYPE_GROUP,        /* keys of its own; offset: struct conf_place */
	CONF_TYPE_TARGETS,      /* targets and target_count */
	CONF_TYPE_RULES,        /* auth.rules and auth.rule_count */
	CONF_TYPE_HEADERS,      /* http_headers and http_header_count */
	CONF_TYPE_PARAMS,       /* params and param_count */
	CONF_TYPE_QUERY_VALUES, /* query_rules and query_rule_count */
	CONF_TYPE_USERS,        /* basic_auth_users and their count */
	CONF_TYPE_RESPONSE_HEADERS, /* headers and header_count */
	CONF_TYPE_STRING,           /* char *, one line; NULL if empty */
	CONF_TYPE_SECRET,           /* as STRING, never shown */
	CONF_TYPE_PEM,              /* char *, several lines */
	CONF_TYPE_SECRET_PEM,       /* as PEM, never shown */
	CONF_TYPE_PATH,             /* char *, joined to the file's folder */
	CONF_TYPE_PROXY,            /* char *, URL; user info never shown */
	CONF_TYPE_WORD,             /* char *, one of the choices */
	CONF_TYPE_BOOL,             /* bool */
	CONF_TYPE_UINT,             /* unsigned, within min and max */
	CONF_TYPE_DURATION,         /* int64_t, ms, within min and max */
	CONF_TYPE_GO_DURATION,      /* as DURATION, in Go's notation */
	CONF_TYPE_SIZE,             /* uint64_t, bytes, within min and max */
	CONF_TYPE_MULTIPLE,         /* unsigned, thousandths; 0 or min to max */
	CONF_TYPE_CHOICE,           /* an enum: the choices in its order */
	CONF_TYPE_CLIENT_AUTH,      /* as CHOICE, with an alias */
	CONF_TYPE_ADDRESS,          /* struct conf_address; "" is off */
	CONF_TYPE_ADDRESSES,        /* listen and listen_count */
	CONF_TYPE_URL,              /* struct conf_url */
	CONF_TYPE_STRINGS,          /* struct conf_strings */
	CONF_TYPE_WORDS,            /* as STRINGS, each one of the choices */
	CONF_TYPE_SECRETS,          /* as STRINGS, never shown */
	CONF_TYPE_PATHS,    /* as STRINGS, joined to the file's folder */
	CONF_TYPE_NETWORKS, /* as STRINGS, and the ranges behind them */
	CONF_TYPE_COUNT
};

struct conf_key {
	const char *name;
	enum conf_scope scope;
	enum conf_type type;
	size_t offset;               /* of the field in the scope's struct */
	size_t is_set_offset;        /* groups: bool to set; 0 for none */
	const char *def;             /* as YAML; NULL: empty */
	int64_t min, max;            /* of numbers, durations and sizes */
	const char *const *choices;  /* ended by NULL */
	const char *unknown;         /* exporter-toolkit's word for no choice */
	const char *flag;            /* without the dashes; NULL: none */
	const char *help;            /* one or more sentences */
	bool is_flag_only;           /* no key of a file */
	bool is_web;                 /* also stands in a web config file */
	bool is_not_printed;         /* print-config shows what it leads to */
	bool is_reloadable;          /* a reload may change it */
	bool is_switch;              /* groups: {} turns it on */
	const struct conf_key *next; /* of a row without a name: the next
				      * part of the table; NULL: none */
};

/* The row behind `key`, the first one behind NULL; NULL at the end. */
const struct conf_key *conf_key_next(const struct conf_key *key);

/* The row of `name` in group `group` ("" at the top of a scope), or NULL. */
const struct conf_key *conf_key_find(
    enum conf_scope scope, const char *group, const char *name);

/* The row of a flag, or NULL. */
const struct conf_key *conf_key_for_flag(const char *flag);

/* Does the row stand directly in `group`?  Then returns its last part. */
const char *conf_key_in_group(const struct conf_key *key, const char *group);

/* "", "targets[].", "targets[].http_headers.NAME." or "auth.rules[].". */
const char *conf_scope_prefix(enum conf_scope scope);

/* The notation of a value, for --help and the reference: "duration". */
const char *conf_type_text(enum conf_type type);

/*
 * A list in struct conf whose items are structs with keys of their own.  The
 * offset in the list's row is that of the pointer to the items.
 */
struct conf_list {
	const char *name; /* "targets", for messages */
	enum conf_scope scope;
	size_t count; /* offset of the number of items */
	size_t size;  /* of an item */
	size_t place; /* offset of an item's struct conf_place */
	size_t max;
};

/* NULL if values of this type are no such list. */
const struct conf_list *conf_list_of(enum conf_type type);

/* `key` is the row of such a list; conf_list_set() keeps a malloc'd array. */
void *conf_list_items(const struct conf_key *key, const void *conf);
void conf_list_set(
    const struct conf_key *key, void *conf, void *items, size_t count);
size_t conf_list_count(const struct conf_key *key, const void *conf);

/*
 * Names that are known but refused.  words NULL: a later version will have
 * them; else what to write instead.
 */
struct conf_refused {
	const char *name;
	const char *words;
	enum conf_scope scope;
};

extern const struct conf_refused conf_refused[];

const struct conf_refused *conf_refused_find(
    enum conf_scope scope, const char *group, const char *name);

#endif
