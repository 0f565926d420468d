#include "proxy/fetch/hosts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/base/alloc.h"
#include "proxy/fetch/addresses.h"
#include "proxy/fetch/small_file.h"

#define HOSTS_MAX ((size_t)256 << 10)

static const char blanks[] = " \t\r\v\f";

struct hosts {
	char *path;
	struct small_file file;
};

struct hosts *
hosts_new(const char *path)
{
	struct hosts *hosts = xcalloc(1, sizeof(*hosts));

	hosts->path = xstrdup(path);
	return hosts;
}

void
hosts_free(struct hosts *hosts)
{
	if (hosts == NULL)
		return;
	small_file_fini(&hosts->file);
	free(hosts->path);
	free(hosts);
}

static size_t
len_without_dot(const char *name, size_t len)
{
	return len > 0 && name[len - 1] == '.' ? len - 1 : len;
}

static bool
is_name(const char *word, size_t len, const char *name)
{
	size_t name_len = len_without_dot(name, strlen(name));

	len = len_without_dot(word, len);
	return len == name_len && strncasecmp(word, name, len) == 0;
}

/* True if one of the names after the address is `name`. */
static bool
names(const char *p, const char *end, const char *name)
{
	while (p < end) {
		size_t len;

		p += strspn(p, blanks);
		len = strcspn(p, " \t\r\v\f\n#");
		if (len == 0 || p >= end)
			return false;
		if (is_name(p, len, name))
			return true;
		p += len;
	}
	return false;
}

static bool
take_line(const char *line, const char *end, const char *name,
    struct addresses *found)
{
	unsigned char ip[16];
	char text[ADDRESS_SIZE];
	size_t len;
	int family;

	line += strspn(line, blanks);
	len = strcspn(line, " \t\r\v\f\n#");
	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(family, text, ip) != 1 || !names(line + len, end, name))
		return false;
	addresses_add(found, family, ip);
	return true;
}

bool
hosts_find_in(const char *text, const char *name, struct addresses *found)
{
	bool is_found = false;

	while (*text != '\0') {
		const char *end = text + strcspn(text, "\n");
		const char *hash = text + strcspn(text, "#\n");

		if (take_line(text, hash, name, found))
			is_found = true;
		text = *end == '\n' ? end + 1 : end;
	}
	return is_found;
}

bool
hosts_find(struct hosts *hosts, const char *name, struct addresses *found)
{
	if (small_file_refresh(&hosts->file, hosts->path, HOSTS_MAX) == -1)
		return false;
	return hosts_find_in(hosts->file.text, name, found);
}
