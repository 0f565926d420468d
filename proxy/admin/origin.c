#include "proxy/admin/origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"

struct authority {
	char host[256]; /* without brackets */
	bool is_bracketed;
	int port; /* -1: none given */
};

/* Digits only, 1 to 65535; -1 for anything else. */
static int
parse_port(const char *text)
{
	size_t len = strspn(text, "0123456789");
	int port;

	if (len == 0 || len > 5 || text[len] != '\0')
		return -1;
	port = atoi(text);
	return port >= 1 && port <= 65535 ? port : -1;
}

/* host[:port] or [ipv6][:port]; user info and paths do not pass. */
static bool
parse_authority(const char *text, struct authority *authority)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *start = text, *end;
	size_t len;

	authority->is_bracketed = *text == '[';
	if (authority->is_bracketed) {
		start++;
		end = start + strspn(start, "0123456789abcdefABCDEF:.");
		if (*end != ']')
			return false;
	} else {
		for (end = start; *end != '\0'; end++)
			if (strchr(letters, *end) == NULL &&
			    strchr("-._", *end) == NULL)
				break;
	}
	len = (size_t)(end - start);
	if (len == 0 || len >= sizeof(authority->host))
		return false;
	memcpy(authority->host, start, len);
	authority->host[len] = '\0';
	if (authority->is_bracketed)
		end++;
	authority->port = -1;
	if (*end == '\0')
		return true;
	if (*end != ':')
		return false;
	authority->port = parse_port(end + 1);
	return authority->port != -1;
}

/* Four plain numbers: inet_pton() takes no short, octal or hex forms. */
static bool
is_ipv4(const struct authority *authority, struct in_addr *address)
{
	return !authority->is_bracketed &&
	       inet_pton(AF_INET, authority->host, address) == 1;
}

static bool
is_ipv6(const struct authority *authority, struct in6_addr *address)
{
	return authority->is_bracketed &&
	       inet_pton(AF_INET6, authority->host, address) == 1;
}

static bool
is_loopback(const struct authority *authority)
{
	struct in6_addr six;
	struct in_addr four;

	if (is_ipv4(authority, &four))
		return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
	if (is_ipv6(authority, &six))
		return IN6_IS_ADDR_LOOPBACK(&six);
	return !authority->is_bracketed &&
	       strcasecmp(authority->host, "localhost") == 0;
}

static bool
is_all_addresses(const struct conf_address *listen)
{
	return listen->host == NULL || *listen->host == '\0' ||
	       strcmp(listen->host, "0.0.0.0") == 0 ||
	       strcmp(listen->host, "::") == 0;
}

static bool
is_configured(
    const struct authority *authority, const struct conf_address *listen)
{
	int port = authority->port == -1 ? 80 : authority->port;
	struct in6_addr six;
	struct in_addr four;

	/* Port 0 became a real one that the configuration does not know. */
	if (listen->port != 0 && port != listen->port)
		return false;
	if (is_all_addresses(listen))
		return is_ipv4(authority, &four) || is_ipv6(authority, &six);
	return strcasecmp(authority->host, listen->host) == 0;
}

bool
origin_is_own_host(const char *host, const struct conf_address *listen)
{
	struct authority authority;

	if (listen->unix_path != NULL)
		return true;
	if (host == NULL || !parse_authority(host, &authority))
		return false;
	return is_loopback(&authority) || is_configured(&authority, listen);
}

static bool
is_own_origin(const char *origin, const struct conf_address *listen)
{
	if (strncmp(origin, "http://", 7) == 0)
		return origin_is_own_host(origin + 7, listen);
	if (strncmp(origin, "https://", 8) == 0)
		return origin_is_own_host(origin + 8, listen);
	return false;
}

const char *
origin_refusal(const char *host, const char *origin, const char *fetch_site,
    const struct conf_address *listen)
{
	if (!origin_is_own_host(host, listen))
		return "the Host header does not name this listener; use "
		       "localhost, 127.0.0.1 or the configured admin address\n";
	if (origin != NULL && !is_own_origin(origin, listen))
		return "requests from other web sites are refused\n";
	/* "none": typed by the user or a bookmark. */
	if (fetch_site != NULL && strcmp(fetch_site, "same-origin") != 0 &&
	    strcmp(fetch_site, "same-site") != 0 &&
	    strcmp(fetch_site, "none") != 0)
		return "requests from other web sites are refused; open the "
		       "address itself\n";
	return NULL;
}
