#include "proxy/gate/routes.h"

#include <string.h>

#include "conf/conf.h"
#include "proxy/gate/request.h"

static const char first_path[] = "/metrics";

const struct conf_target *
routes_find_path(const struct conf *conf, const char *path, size_t len)
{
	size_t i;

	if (!request_path_is_plain(path, len))
		return NULL;
	for (i = 0; i < conf->target_count; i++) {
		const struct conf_target *target = &conf->targets[i];

		if (strlen(target->path) == len &&
		    memcmp(target->path, path, len) == 0)
			return target;
	}
	if (len == sizeof(first_path) - 1 && memcmp(path, first_path, len) == 0)
		return &conf->targets[0];
	return NULL;
}

const struct conf_target *
routes_find_name(const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < conf->target_count; i++)
		if (strcmp(conf->targets[i].name, name) == 0)
			return &conf->targets[i];
	return NULL;
}
