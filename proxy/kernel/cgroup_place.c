#include "proxy/kernel/cgroup_place.h"

#include <stdio.h>
#include <string.h>

static const char *const controller_names[CGROUP_CONTROLLERS] = {
	[CGROUP_CPU] = "cpu",
	[CGROUP_MEMORY] = "memory",
};

/* Is `word` one of the items of `list`, which ends at `end`? */
static bool
has_word(const char *list, const char *end, const char *word)
{
	size_t len = strlen(word), item;

	while (list < end) {
		item = strcspn(list, ",:\n ");
		if (item == len && strncmp(list, word, len) == 0)
			return true;
		list += item;
		if (list >= end || *list != ',')
			return false;
		list++;
	}
	return false;
}

/*
 * "0::/path" is version 2; "9:cpu,memory:/path" is version 1 and comes first
 * where both are.
 */
static int
find_path(const char *cgroup, const char *controller, char *path, size_t size)
{
	int version = 0;
	const char *line, *names, *colon;

	for (line = cgroup; *line != '\0';
	     line += strcspn(line, "\n"), line += *line == '\n') {
		names = strchr(line, ':');
		colon = names != NULL ? strchr(names + 1, ':') : NULL;
		if (colon == NULL || colon[1] != '/' ||
		    strcspn(colon + 1, "\n") >= size)
			continue;
		if (colon == names + 1 && version == 0)
			version = 2;
		else if (has_word(names + 1, colon, controller))
			version = 1;
		else
			continue;
		snprintf(path, size, "%.*s", (int)strcspn(colon + 1, "\n"),
		    colon + 1);
		if (version == 1)
			break;
	}
	return version;
}

/* "\040" stands for a blank in mountinfo. */
static void
unescape(char *text)
{
	char *out = text;
	const char *in = text;

	while (*in != '\0') {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' &&
		    in[2] >= '0' && in[2] <= '7' && in[3] >= '0' &&
		    in[3] <= '7') {
			*out++ = (char)((in[1] - '0') * 64 + (in[2] - '0') * 8 +
					(in[3] - '0'));
			in += 4;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
}

struct mount {
	char root[256];
	char point[256];
	const char *type; /* up to a blank */
	const char *options;
};

/* "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"; fields in front of
 * the "-" vary in number. */
static bool
read_mount(const char *line, struct mount *mount)
{
	const char *end = line + strcspn(line, "\n");
	const char *dash = strstr(line, " - ");

	if (dash == NULL || dash > end ||
	    sscanf(line, "%*s %*s %*s %255s %255s", mount->root,
		mount->point) != 2)
		return false;
	unescape(mount->root);
	unescape(mount->point);
	mount->type = dash + 3;
	mount->options = mount->type + strcspn(mount->type, " \n");
	if (*mount->options == ' ') /* the source, then the options */
		mount->options += 1 + strcspn(mount->options + 1, " \n");
	if (*mount->options == ' ')
		mount->options++;
	return true;
}

static bool
is_hierarchy(const struct mount *mount, int version, const char *controller)
{
	const char *type = version == 2 ? "cgroup2 " : "cgroup ";

	if (strncmp(mount->type, type, strlen(type)) != 0)
		return false;
	return version == 2 ||
	       has_word(mount->options,
		   mount->options + strcspn(mount->options, "\n"), controller);
}

/* What is left of `path` below the root of the mount; NULL: not in it. */
static const char *
below_root(const char *path, const char *root)
{
	size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);
	const char *rest = path + len;

	if (strncmp(path, root, len) != 0 || (*rest != '/' && *rest != '\0') ||
	    strstr(rest, "/..") != NULL)
		return NULL;
	return strcmp(rest, "/") == 0 ? "" : rest;
}

static bool
find_mounted(
    struct cgroup_place *place, const char *controller, const char *mountinfo)
{
	struct mount mount;
	const char *line, *rest;
	int len;

	for (line = mountinfo; *line != '\0';
	     line += strcspn(line, "\n"), line += *line == '\n') {
		if (!read_mount(line, &mount) ||
		    !is_hierarchy(&mount, place->version, controller))
			continue;
		rest = below_root(place->path, mount.root);
		if (rest == NULL)
			continue;
		len = snprintf(
		    place->dir, sizeof(place->dir), "%s%s", mount.point, rest);
		if ((size_t)len >= sizeof(place->dir))
			continue;
		place->mount_len = strlen(mount.point);
		return true;
	}
	return false;
}

bool
cgroup_place_find(struct cgroup_place *place, enum cgroup_controller controller,
    const char *cgroup, const char *mountinfo)
{
	memset(place, 0, sizeof(*place));
	place->version = find_path(cgroup, controller_names[controller],
	    place->path, sizeof(place->path));
	if (place->version != 0 &&
	    find_mounted(place, controller_names[controller], mountinfo))
		return true;
	place->version = 0;
	return false;
}

/* Whether the first part of `path` is a mount of a version 1 hierarchy. */
static const char *
skip_hierarchy(const char *path, const char *mountinfo)
{
	static const char top[] = "/sys/fs/cgroup";
	size_t len = sizeof(top) - 1, part;
	struct mount mount;
	const char *line;

	if (strncmp(path, top, len) != 0 ||
	    (path[len] != '/' && path[len] != '\0'))
		return path;
	path += len;
	part = path[0] == '/' ? 1 + strcspn(path + 1, "/") : 0;
	for (line = mountinfo; part > 1 && *line != '\0';
	     line += strcspn(line, "\n"), line += *line == '\n')
		if (read_mount(line, &mount) &&
		    strncmp(mount.type, "cgroup", 6) == 0 &&
		    strncmp(mount.point, top, len) == 0 &&
		    strlen(mount.point) == len + part &&
		    strncmp(mount.point + len, path, part) == 0)
			return path[part] == '\0' ? "/" : path + part;
	return path[0] == '\0' ? "/" : path;
}

bool
cgroup_place_named(struct cgroup_place *place,
    enum cgroup_controller controller, const char *path, const char *mountinfo)
{
	size_t len;

	memset(place, 0, sizeof(*place));
	path = skip_hierarchy(path, mountinfo);
	len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= sizeof(place->path))
		return false;
	memcpy(place->path, path, len);
	for (place->version = 1; place->version <= 2; place->version++) {
		if (find_mounted(
			place, controller_names[controller], mountinfo))
			return true;
	}
	place->version = 0;
	return false;
}

bool
cgroup_place_up(struct cgroup_place *place)
{
	char *slash = strrchr(place->dir, '/');

	if (slash == NULL || (size_t)(slash - place->dir) < place->mount_len)
		return false;
	*slash = '\0';
	return true;
}
