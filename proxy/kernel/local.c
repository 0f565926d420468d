#include "proxy/kernel/local.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/kernel/listeners.h"

static socklen_t
fill_v4(struct sockaddr_storage *to, const struct listener_address *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(address->port) };

	memcpy(&in.sin_addr, address->ip + 12, sizeof(in.sin_addr));
	memcpy(to, &in, sizeof(in));
	return sizeof(in);
}

static socklen_t
fill_v6(struct sockaddr_storage *to, const struct listener_address *address)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6,
		.sin6_port = htons(address->port) };

	memcpy(&in.sin6_addr, address->ip, sizeof(in.sin6_addr));
	memcpy(to, &in, sizeof(in));
	return sizeof(in);
}

static bool
is_from(
    const struct sockaddr_storage *from, const struct listener_address *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (from->ss_family == AF_INET) {
		memcpy(&v4, from, sizeof(v4));
		return memcmp(&v4.sin_addr, address->ip + 12, 4) == 0;
	}
	memcpy(&v6, from, sizeof(v6));
	return memcmp(&v6.sin6_addr, address->ip, 16) == 0;
}

/*
 * A datagram to an own address comes from that address, and none goes out by
 * connect(2).  (bind(2) would succeed with addresses of others, too, where
 * ip_nonlocal_bind is set.)
 */
bool
local_has(const struct listener_address *address)
{
	struct sockaddr_storage to, from;
	socklen_t len = sizeof(from), to_len;
	bool is_own = false, is_v4 = listener_address_is_v4(address);
	int fd;

	if (listener_address_is_loopback(address))
		return true;
	if (address->family != LISTENER_TCP)
		return false;
	fd = socket(is_v4 ? AF_INET : AF_INET6,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return false;
	memset(&to, 0, sizeof(to));
	to_len = is_v4 ? fill_v4(&to, address) : fill_v6(&to, address);
	if (connect(fd, (const struct sockaddr *)&to, to_len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&from, &len) == 0)
		is_own = is_from(&from, address);
	close(fd);
	return is_own;
}
