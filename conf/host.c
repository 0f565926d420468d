#include "conf/host.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "conf/text.h"
#include "proxy/base/err.h"

#define HOST_MAX_BYTES 253

int
conf_port_parse(const char *text, uint16_t *port, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE];
	size_t len = strspn(text, "0123456789");
	unsigned number = 0;
	size_t i;

	for (i = 0; i < len && number <= UINT16_MAX; i++)
		number = number * 10 + (unsigned)(text[i] - '0');
	if (len == 0 || text[len] != '\0' || number > UINT16_MAX)
		return err_set(err, ERR_INVALID,
		    "port %s is not a number from 0 to 65535",
		    conf_quote(text, quoted));
	*port = (uint16_t)number;
	return 0;
}

static bool
is_name(const char *host)
{
	const char *p;

	for (p = host; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-_.", *p) == NULL)
			return false;
	return p > host && p - host <= HOST_MAX_BYTES && host[0] != '.';
}

int
conf_host_check(const char *host, bool is_ipv6, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE];
	struct in6_addr ipv6;
	struct in_addr ipv4;

	conf_quote(host, quoted);
	if (is_ipv6 && inet_pton(AF_INET6, host, &ipv6) != 1)
		return err_set(err, ERR_INVALID,
		    "%s in brackets is not an IPv6 address", quoted);
	if (is_ipv6)
		return 0;
	if (strcmp(host, "*") == 0)
		return err_set(err, ERR_INVALID,
		    "host \"*\" is written as nothing: \":8443\"");
	if (!is_name(host))
		return err_set(err, ERR_INVALID,
		    "host %s is not a name or an address", quoted);
	/* Digits and dots alone are meant as an address, never as a name. */
	if (host[strspn(host, "0123456789.")] == '\0' &&
	    inet_pton(AF_INET, host, &ipv4) != 1)
		return err_set(
		    err, ERR_INVALID, "host %s is not an IPv4 address", quoted);
	return 0;
}

bool
conf_host_is_loopback(const char *host)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (inet_pton(AF_INET, host, &ipv4) == 1)
		return ntohl(ipv4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &ipv6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&ipv6);
	return strcasecmp(host, "localhost") == 0;
}

int
conf_unix_path_check(const char *path, struct err *err)
{
	char quoted[CONF_QUOTED_SIZE];
	const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	const unsigned char *p;

	conf_quote(path, quoted);
	if (path[0] != '/')
		return err_set(err, ERR_INVALID,
		    "path %s of the unix socket is not absolute: write "
		    "unix:/run/NAME.sock",
		    quoted);
	for (p = (const unsigned char *)path; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return err_set(err, ERR_INVALID,
			    "path %s of the unix socket has a space or a byte "
			    "that is not printable ASCII",
			    quoted);
	if (strlen(path) > max)
		return err_set(err, ERR_INVALID,
		    "path %s of the unix socket is longer than %zu bytes",
		    quoted, max);
	return 0;
}
