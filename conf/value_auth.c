#include "conf/value_auth.h"

#include <stddef.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "conf/document.h"
#include "conf/network.h"
#include "conf/value.h"
#include "conf/value_map.h"
#include "proxy/base/alloc.h"

static struct conf_rule *
rule_of(void *at)
{
	return (
	    struct conf_rule *)(void *)((char *)at -
					offsetof(struct conf_rule, networks));
}

void
conf_value_clear_networks(void *at)
{
	struct conf_rule *rule = rule_of(at);

	conf_strings_clear(&rule->networks);
	free(rule->ranges);
	rule->ranges = NULL;
}

int
conf_value_set_networks(
    struct conf_setting *setting, const struct conf_node *node, void *at)
{
	struct conf_rule *rule = rule_of(at);
	struct conf_strings networks;
	struct conf_network *ranges;
	size_t i;

	if (conf_value_strings(setting, node, &networks) == -1)
		return -1;
	ranges = xcalloc(networks.count + 1, sizeof(*ranges));
	for (i = 0; i < networks.count; i++) {
		setting->bad = node->items[i];
		if (conf_network_parse(
			&ranges[i], networks.items[i], setting->err) == -1) {
			conf_strings_clear(&networks);
			free(ranges);
			return -1;
		}
	}
	conf_value_clear_networks(at);
	rule->networks = networks;
	rule->ranges = ranges;
	return 0;
}
