#include "conf/address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "conf/conf.h"
#include "conf/host.h"
#include "conf/text.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

static int
parse_unix(const char *path, struct conf_address *address, struct err *err)
{
	if (conf_unix_path_check(path, err) == -1)
		return -1;
	address->unix_path = xstrdup(path);
	return 0;
}

/* What to write instead of something without a colon, or with too many. */
static int
refuse_form(const char *text, struct err *err)
{
	struct in6_addr ipv6;
	const char *last = strrchr(text, ':');
	char quoted[CONF_QUOTED_SIZE];
	uint16_t port;

	conf_quote(text, quoted);
	if (inet_pton(AF_INET6, text, &ipv6) == 1)
		return err_set(err, ERR_INVALID,
		    "%s: an IPv6 address needs brackets and a port: write "
		    "\"[2001:db8::1]:8443\"",
		    quoted);
	if (last != NULL)
		return err_set(err, ERR_INVALID,
		    "%s is not an address: write host:port, [ipv6]:port, "
		    ":port or unix:/path",
		    quoted);
	if (conf_port_parse(text, &port, err) == 0)
		return err_set(err, ERR_INVALID,
		    "%s has no colon: write \":%s\"", quoted, text);
	if (text[0] == '/')
		return err_set(err, ERR_INVALID,
		    "%s has no scheme: write unix:%s", quoted, text);
	return err_set(err, ERR_INVALID,
	    "%s has no port: write host:port, e.g. \"127.0.0.1:8443\"", quoted);
}

static int
parse_tcp(const char *text, struct conf_address *address, struct err *err)
{
	const char *colon = strrchr(text, ':');
	size_t host_len;

	if (colon == NULL)
		return refuse_form(text, err);
	host_len = (size_t)(colon - text);
	if (text[0] == '[' && host_len >= 2 && text[host_len - 1] == ']')
		address->host = xstrndup(text + 1, host_len - 2);
	else if (memchr(text, ':', host_len) != NULL || text[0] == '[')
		return refuse_form(text, err);
	else
		address->host = xstrndup(text, host_len);
	if (text[0] == '[' || host_len > 0)
		if (conf_host_check(address->host, text[0] == '[', err) == -1)
			return -1;
	return conf_port_parse(colon + 1, &address->port, err);
}

int
conf_address_parse(
    const char *text, struct conf_address *address, struct err *err)
{
	int result = 0;

	memset(address, 0, sizeof(*address));
	address->text = xstrdup(text);
	if (strncmp(text, "unix:", 5) == 0)
		result = parse_unix(text + 5, address, err);
	else if (text[0] != '\0')
		result = parse_tcp(text, address, err);
	if (result == -1)
		conf_address_fini(address);
	return result;
}

void
conf_address_fini(struct conf_address *address)
{
	free(address->text);
	free(address->host);
	free(address->unix_path);
	memset(address, 0, sizeof(*address));
}
