/*
 * Values with names of the user's own in them: params and query.values.
 * Setters and clearers for conf/value.c's table.
 */
#ifndef CONF_VALUE_MAP_H
#define CONF_VALUE_MAP_H

struct conf_node;
struct conf_setting;
struct conf_strings;

/* A list of texts, none of them null; -1 with setting's err and bad set. */
int conf_value_strings(struct conf_setting *setting,
    const struct conf_node *node, struct conf_strings *strings);

/* `at`: the params, followed by their count, of a struct conf_target. */
int conf_value_set_params(
    struct conf_setting *setting, const struct conf_node *node, void *at);
void conf_value_clear_params(void *at);

/* `at`: the query_rules of a struct conf_target. */
int conf_value_set_rules(
    struct conf_setting *setting, const struct conf_node *node, void *at);
void conf_value_clear_rules(void *at);

/*
 * After both query.allow and query.values are known: adds a rule for each
 * allowed name that has none.
 */
struct conf_target;
void conf_value_complete_rules(struct conf_target *target);

#endif
