#include "proxy/gate/socket_name.h"

#include <string.h>

void
socket_name_of(int fd, struct socket_name *name)
{
	socklen_t len = sizeof(name->as);

	memset(name, 0, sizeof(*name));
	if (getsockname(fd, &name->as.any, &len) == -1)
		name->as.any.sa_family = AF_UNSPEC;
}

/*
 * IPv4 as IPv6 shows it, ::ffff:1.2.3.4, so that a client of [::] is found by
 * either; 0.0.0.0 as ::, which stands for all addresses just as well.
 */
static in_port_t
widen(const struct socket_name *name, struct in6_addr *address)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;

	if (name->as.any.sa_family == AF_INET6) {
		*address = name->as.in6.sin6_addr;
		return name->as.in6.sin6_port;
	}
	*address = any;
	if (name->as.in.sin_addr.s_addr != htonl(INADDR_ANY)) {
		address->s6_addr[10] = address->s6_addr[11] = 0xff;
		memcpy(&address->s6_addr[12], &name->as.in.sin_addr,
		    sizeof(name->as.in.sin_addr));
	}
	return name->as.in.sin_port;
}

/* No two listening sockets have a port and an address in common. */
static bool
covers_address(const struct socket_name *name, const struct socket_name *own)
{
	struct in6_addr wanted, address;

	return widen(name, &wanted) == widen(own, &address) &&
	       (IN6_IS_ADDR_UNSPECIFIED(&wanted) ||
		   IN6_ARE_ADDR_EQUAL(&wanted, &address));
}

bool
socket_name_covers(const struct socket_name *name, int fd)
{
	struct socket_name own;
	sa_family_t family = name->as.any.sa_family;

	socket_name_of(fd, &own);
	if (family == AF_UNSPEC || own.as.any.sa_family == AF_UNSPEC)
		return true;
	if (family != AF_UNIX && own.as.any.sa_family != AF_UNIX)
		return covers_address(name, &own);
	return family == own.as.any.sa_family &&
	       strcmp(name->as.un.sun_path, own.as.un.sun_path) == 0;
}
