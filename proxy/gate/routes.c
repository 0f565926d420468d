#include "proxy/gate/routes.h"

#include <string.h>

#include "conf/conf.h"

static const char first_path[] = "/metrics";

const struct conf_target *
routes_find_path(const struct conf *conf, const char *path)
{
	size_t i;

	for (i = 0; i < conf->target_count; i++) {
		const struct conf_target *target = &conf->targets[i];

		if (strcmp(target->path, path) == 0)
			return target;
	}
	if (strcmp(path, first_path) == 0)
		return &conf->targets[0];
	return NULL;
}

const char *
routes_other_path(const struct conf_target *target, const char *path)
{
	if (strcmp(path, target->path) != 0)
		return target->path;
	return target->is_first ? first_path : NULL;
}
