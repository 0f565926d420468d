/*
 * Values that only rules have.  Setters and clearers for conf/value.c's table.
 */
#ifndef CONF_VALUE_AUTH_H
#define CONF_VALUE_AUTH_H

struct conf_node;
struct conf_setting;

/* `at`: the networks of a struct conf_rule, and the ranges beside them. */
int conf_value_set_networks(
    struct conf_setting *setting, const struct conf_node *node, void *at);
void conf_value_clear_networks(void *at);

#endif
