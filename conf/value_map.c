#include "conf/value_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/document.h"
#include "conf/pattern.h"
#include "conf/value.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

static struct conf_target *
target_of(void *at, size_t offset)
{
	return (struct conf_target *)(void *)((char *)at - offset);
}

int
conf_value_strings(struct conf_setting *setting, const struct conf_node *node,
    struct conf_strings *strings)
{
	size_t i;

	memset(strings, 0, sizeof(*strings));
	setting->bad = node;
	if (node->kind != CONF_NODE_LIST)
		return err_set(setting->err, ERR_INVALID,
		    "expected a list, found %s: write [VALUE, ...]",
		    conf_node_kind_text(node));
	strings->items = xcalloc(node->count + 1, sizeof(*strings->items));
	for (i = 0; i < node->count; i++) {
		setting->bad = node->items[i];
		if (node->items[i]->kind != CONF_NODE_TEXT ||
		    conf_node_is_null(node->items[i])) {
			conf_strings_clear(strings);
			return err_set(setting->err, ERR_INVALID,
			    "expected text, found %s",
			    node->items[i]->kind == CONF_NODE_TEXT
				? "nothing"
				: conf_node_kind_text(node->items[i]));
		}
		strings->items[strings->count++] =
		    xstrdup(node->items[i]->text);
	}
	return 0;
}

/* A map with names that are not empty. */
static int
check_map(struct conf_setting *setting, const struct conf_node *node)
{
	size_t i;

	setting->bad = node;
	if (node->kind != CONF_NODE_MAP)
		return err_set(setting->err, ERR_INVALID,
		    "expected {NAME: [VALUE, ...]}, found %s",
		    conf_node_kind_text(node));
	for (i = 0; i < node->count; i++) {
		setting->bad = node->keys[i];
		if (node->keys[i]->text[0] == '\0')
			return err_set(setting->err, ERR_INVALID,
			    "a parameter has no name");
	}
	return 0;
}

void
conf_value_clear_params(void *at)
{
	struct conf_target *target =
	    target_of(at, offsetof(struct conf_target, params));
	size_t i;

	for (i = 0; i < target->param_count; i++) {
		free(target->params[i].name);
		conf_strings_clear(&target->params[i].values);
	}
	free(target->params);
	target->params = NULL;
	target->param_count = 0;
}

int
conf_value_set_params(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf_target *target =
	    target_of(at, offsetof(struct conf_target, params));
	struct conf_param *param;
	size_t i;

	if (check_map(setting, node) == -1)
		return -1;
	conf_value_clear_params(at);
	target->params = xcalloc(node->count + 1, sizeof(*target->params));
	for (i = 0; i < node->count; i++) {
		param = &target->params[i];
		if (conf_value_strings(
			setting, node->items[i], &param->values) == -1)
			return -1;
		param->name = xstrdup(node->keys[i]->text);
		target->param_count++;
	}
	return 0;
}

void
conf_value_clear_rules(void *at)
{
	struct conf_target *target =
	    target_of(at, offsetof(struct conf_target, query_rules));
	size_t i;

	for (i = 0; i < target->query_rule_count; i++) {
		free(target->query_rules[i].name);
		free(target->query_rules[i].regex);
		conf_strings_clear(&target->query_rules[i].values);
	}
	free(target->query_rules);
	target->query_rules = NULL;
	target->query_rule_count = 0;
}

static int
set_rule(struct conf_setting *setting, const struct conf_node *value,
    struct conf_query_rule *rule)
{
	setting->bad = value;
	if (value->kind != CONF_NODE_TEXT) {
		if (conf_value_strings(setting, value, &rule->values) == -1)
			return -1;
		setting->bad = value;
		/* No values would read as "any value" further on. */
		if (rule->values.count == 0)
			return err_set(setting->err, ERR_INVALID,
			    "lists no value: leave the name out of "
			    "query.allow to refuse it");
		return 0;
	}
	if (conf_node_is_null(value) || value->text[0] == '\0')
		return err_set(setting->err, ERR_INVALID,
		    "expected a list of values or a regex, found nothing");
	if (conf_pattern_check(value->text, setting->err) == -1)
		return -1;
	rule->regex = xstrdup(value->text);
	return 0;
}

int
conf_value_set_rules(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf_target *target =
	    target_of(at, offsetof(struct conf_target, query_rules));
	struct conf_query_rule *rule;
	size_t i;

	if (check_map(setting, node) == -1)
		return -1;
	conf_value_clear_rules(at);
	target->query_rules =
	    xcalloc(node->count + 1, sizeof(*target->query_rules));
	for (i = 0; i < node->count; i++) {
		rule = &target->query_rules[target->query_rule_count++];
		rule->name = xstrdup(node->keys[i]->text);
		if (set_rule(setting, node->items[i], rule) == -1)
			return -1;
	}
	return 0;
}

static bool
has_rule(const struct conf_target *target, const char *name)
{
	size_t i;

	for (i = 0; i < target->query_rule_count; i++)
		if (strcmp(target->query_rules[i].name, name) == 0)
			return true;
	return false;
}

void
conf_value_complete_rules(struct conf_target *target)
{
	size_t i, room = target->query_rule_count + target->query_allow.count;
	struct conf_query_rule *rule;

	target->query_rules = xrealloc(
	    target->query_rules, (room + 1) * sizeof(*target->query_rules));
	for (i = 0; i < target->query_allow.count; i++) {
		if (has_rule(target, target->query_allow.items[i]))
			continue;
		rule = &target->query_rules[target->query_rule_count++];
		memset(rule, 0, sizeof(*rule));
		rule->name = xstrdup(target->query_allow.items[i]);
	}
}
