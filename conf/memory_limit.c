#include "conf/memory_limit.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/file.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

#define FILE_MAX_BYTES 65536
/* v1 writes "no limit" as the largest multiple of a page. */
#define NO_LIMIT (UINT64_C(1) << 60)

struct hierarchy {
	const char *folder; /* below ROOT/sys/fs/cgroup */
	const char *file;
};

static const struct hierarchy v2 = { "", "memory.max" };
static const struct hierarchy v1 = { "/memory", "memory.limit_in_bytes" };

/* 0: no number in it ("max"), or no such file. */
static uint64_t
read_limit(
    const char *root, const struct hierarchy *hierarchy, const char *cgroup)
{
	char *path = xasprintf("%s/sys/fs/cgroup%s%s/%s", root,
	    hierarchy->folder, cgroup, hierarchy->file);
	uint64_t limit = 0;
	struct err err;
	size_t len;
	char *text = conf_file_read(path, FILE_MAX_BYTES, &len, &err);

	free(path);
	if (text != NULL && isdigit((unsigned char)text[0])) {
		errno = 0;
		limit = strtoull(text, NULL, 10);
		if (errno != 0 || limit >= NO_LIMIT)
			limit = 0;
	}
	free(text);
	return limit;
}

/*
 * Walks from the cgroup up to the root.  In a container the path is the
 * host's under v1 and is not there; its own limit is then at the root.
 */
static uint64_t
least_limit(const char *root, const struct hierarchy *hierarchy, char *cgroup)
{
	uint64_t least = 0, limit;
	char *slash;

	if (strcmp(cgroup, "/") == 0)
		cgroup[0] = '\0';
	for (;;) {
		limit = read_limit(root, hierarchy, cgroup);
		if (limit != 0 && (least == 0 || limit < least))
			least = limit;
		slash = strrchr(cgroup, '/');
		if (slash == NULL)
			return least;
		*slash = '\0';
	}
}

/* "0::/path" is v2; "9:cpu,memory:/path" is v1. */
static const struct hierarchy *
judge_line(char *line, char **cgroup)
{
	char *controllers = strchr(line, ':');
	char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
	char *name, *rest;

	if (path == NULL)
		return NULL;
	*controllers++ = '\0';
	*path++ = '\0';
	*cgroup = path;
	if (controllers[0] == '\0')
		return &v2;
	for (name = strtok_r(controllers, ",", &rest); name != NULL;
	     name = strtok_r(NULL, ",", &rest))
		if (strcmp(name, "memory") == 0)
			return &v1;
	return NULL;
}

uint64_t
conf_memory_limit(const char *root)
{
	char *path = xasprintf("%s/proc/self/cgroup", root);
	const struct hierarchy *hierarchy;
	uint64_t least = 0, limit;
	struct err err;
	char *text, *line, *rest, *cgroup;
	size_t len;

	text = conf_file_read(path, FILE_MAX_BYTES, &len, &err);
	free(path);
	if (text == NULL)
		return 0;
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		hierarchy = judge_line(line, &cgroup);
		if (hierarchy == NULL)
			continue;
		limit = least_limit(root, hierarchy, cgroup);
		if (limit != 0 && (least == 0 || limit < least))
			least = limit;
	}
	free(text);
	return least;
}
