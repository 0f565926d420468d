#include "auth/pattern.h"

#include <stddef.h>

#include "conf/conf.h"
#include "conf/path.h"

bool
auth_paths_match(const struct conf_strings *patterns, const char *path,
    const char *other_path)
{
	size_t i;

	for (i = 0; i < patterns->count; i++)
		if (conf_path_matches(patterns->items[i], path) ||
		    (other_path != NULL &&
			conf_path_matches(patterns->items[i], other_path)))
			return true;
	return false;
}
