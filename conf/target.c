#include "conf/target.h"

#include <stddef.h>
#include <string.h>

#include "conf/conf.h"

int
conf_find_index(const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; conf != NULL && i < conf->target_count; i++)
		if (strcmp(conf->targets[i].name, name) == 0)
			return (int)i;
	return -1;
}

const struct conf_target *
conf_find_target(const struct conf *conf, const char *name)
{
	int i = conf_find_index(conf, name);

	return i != -1 ? &conf->targets[i] : NULL;
}
