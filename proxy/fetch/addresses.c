#include "proxy/fetch/addresses.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/base/alloc.h"

void
addresses_add(struct addresses *all, int family, const void *ip)
{
	char text[ADDRESS_SIZE];
	unsigned i;

	if (all->count == ADDRESSES_MAX ||
	    inet_ntop(family, ip, text, sizeof(text)) == NULL)
		return;
	for (i = 0; i < all->count; i++)
		if (strcmp(all->text[i], text) == 0)
			return;
	memcpy(all->text[all->count++], text, sizeof(text));
}

bool
address_is_literal(const char *host)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 ||
	       inet_pton(AF_INET6, host, bytes) == 1;
}

/* Connecting a datagram socket looks up the route and sends nothing. */
static bool
has_route(int family, const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_reachable;

	if (fd == -1)
		return false;
	is_reachable = connect(fd, sa, len) == 0;
	close(fd);
	return is_reachable;
}

static int
rank(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(9) };
	const unsigned char *b = v6.sin6_addr.s6_addr;

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return has_route(AF_INET, (struct sockaddr *)&v4, sizeof(v4))
			   ? 1
			   : 3;
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1 ||
	    !has_route(AF_INET6, (struct sockaddr *)&v6, sizeof(v6)))
		return 3;
	/* fc00::/7 and fe80::/10 */
	return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && b[1] >= 0x80) ? 2 : 0;
}

void
addresses_sort(struct addresses *all)
{
	struct addresses sorted = { .count = 0 };
	int ranks[ADDRESSES_MAX];
	unsigned i;
	int wanted;

	if (all->count < 2)
		return;
	for (i = 0; i < all->count; i++)
		ranks[i] = rank(all->text[i]);
	for (wanted = 0; wanted <= 3; wanted++)
		for (i = 0; i < all->count; i++)
			if (ranks[i] == wanted)
				memcpy(sorted.text[sorted.count++],
				    all->text[i], ADDRESS_SIZE);
	*all = sorted;
}

char *
addresses_pin(const struct addresses *all, const char *host, unsigned port)
{
	char list[ADDRESSES_MAX * (ADDRESS_SIZE + 3)] = "";
	size_t used = 0;
	unsigned i;

	for (i = 0; i < all->count; i++) {
		bool is_v6 = strchr(all->text[i], ':') != NULL;

		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%s%s%s", i > 0 ? "," : "", is_v6 ? "[" : "",
		    all->text[i], is_v6 ? "]" : "");
	}
	return xasprintf("%s:%u:%s", host, port, list);
}
