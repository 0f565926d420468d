#include "proxy/fetch/resolv_conf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>

#include "proxy/base/alloc.h"

static const char blanks[] = " \t\r";

static void
add_server(struct resolv_conf *conf, const char *text)
{
	struct resolv_server *s = &conf->servers[conf->server_count];
	char ip[INET6_ADDRSTRLEN] = "";
	int len = sizeof(s->address);
	struct sockaddr_in *v4 = (void *)&s->address;
	struct sockaddr_in6 *v6 = (void *)&s->address;

	if (conf->server_count == RESOLV_SERVERS_MAX ||
	    evutil_parse_sockaddr_port(
		text, (struct sockaddr *)&s->address, &len) != 0)
		return;
	s->len = (socklen_t)len;
	if (v4->sin_port == 0) /* at the same place in both */
		v4->sin_port = htons(53);
	if (s->address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip));
		snprintf(
		    s->text, sizeof(s->text), "%s:%u", ip, ntohs(v4->sin_port));
	} else {
		inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip));
		snprintf(s->text, sizeof(s->text), "[%s]:%u", ip,
		    ntohs(v6->sin6_port));
	}
	conf->server_count++;
}

static void
add_search(struct resolv_conf *conf, const char *domain)
{
	size_t len = strlen(domain);

	if (len > 0 && domain[len - 1] == '.')
		len--;
	if (len == 0 || len >= RESOLV_NAME_MAX ||
	    conf->search_count == RESOLV_SEARCH_MAX)
		return;
	memcpy(conf->search[conf->search_count], domain, len);
	conf->search[conf->search_count++][len] = '\0';
}

static void
set_option(struct resolv_conf *conf, const char *option)
{
	const struct {
		const char *name;
		unsigned *value;
		unsigned min, max;
	} options[] = {
		{ "ndots:", &conf->ndots, 0, 15 },
		{ "timeout:", &conf->timeout_s, 1, 30 },
		{ "attempts:", &conf->attempts, 1, 5 },
	};
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		size_t len = strlen(options[i].name);
		unsigned long value;

		if (strncmp(option, options[i].name, len) != 0)
			continue;
		value = strtoul(option + len, NULL, 10);
		if (value < options[i].min)
			value = options[i].min;
		if (value > options[i].max)
			value = options[i].max;
		*options[i].value = (unsigned)value;
	}
}

static void
take_line(struct resolv_conf *conf, char *line)
{
	char *rest, *word;
	const char *key = strtok_r(line, blanks, &rest);

	if (key == NULL || key[0] == '#' || key[0] == ';')
		return;
	/* The last of several lines counts. */
	if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0)
		conf->search_count = 0;
	while ((word = strtok_r(NULL, blanks, &rest)) != NULL) {
		if (strcmp(key, "nameserver") == 0)
			add_server(conf, word);
		else if (strcmp(key, "search") == 0 ||
			 strcmp(key, "domain") == 0)
			add_search(conf, word);
		else if (strcmp(key, "options") == 0)
			set_option(conf, word);
	}
}

void
resolv_conf_parse(struct resolv_conf *conf, const char *text, const char *host)
{
	const char *dot = strchr(host, '.');
	char *copy = xstrdup(text);
	char *rest, *line;

	memset(conf, 0, sizeof(*conf));
	conf->ndots = 1;
	conf->timeout_s = 5;
	conf->attempts = 2;
	if (dot != NULL)
		add_search(conf, dot + 1);
	for (line = strtok_r(copy, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		take_line(conf, line);
	if (conf->server_count == 0)
		add_server(conf, "127.0.0.1");
	free(copy);
}

static unsigned
count_dots(const char *name)
{
	unsigned dots = 0;

	for (; *name != '\0'; name++)
		if (*name == '.')
			dots++;
	return dots;
}

static int
write_name(
    char out[RESOLV_NAME_MAX], const char *name, size_t len, const char *domain)
{
	char *p;
	int n = snprintf(out, RESOLV_NAME_MAX, "%.*s%s%s", (int)len, name,
	    domain != NULL ? "." : "", domain != NULL ? domain : "");

	for (p = out; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	/* Too long to exist: ask for nothing that exists instead of a part. */
	if (n >= RESOLV_NAME_MAX)
		out[0] = '\0';
	return 0;
}

int
resolv_conf_candidate(const struct resolv_conf *conf, const char *name,
    unsigned nth, char out[RESOLV_NAME_MAX])
{
	size_t len = strlen(name);
	bool is_first = count_dots(name) >= conf->ndots;

	if (len > 0 && name[len - 1] == '.')
		return nth == 0 ? write_name(out, name, len - 1, NULL) : -1;
	if (nth > conf->search_count)
		return -1;
	if (nth == (is_first ? 0 : conf->search_count))
		return write_name(out, name, len, NULL);
	return write_name(out, name, len, conf->search[nth - is_first]);
}
