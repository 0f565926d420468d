/*
 * IP addresses of one name, as text, in the order in which to dial them.
 */
#ifndef PROXY_FETCH_ADDRESSES_H
#define PROXY_FETCH_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#define ADDRESSES_MAX 16
#define ADDRESS_SIZE 46

struct addresses {
	unsigned count;
	char text[ADDRESSES_MAX][ADDRESS_SIZE];
};

/* `family` and network byte order as in inet_ntop(); repeats are left out. */
void addresses_add(struct addresses *all, int family, const void *ip);

bool address_is_literal(const char *host);

/*
 * What RFC 6724 comes to here: addresses without a route last, then global
 * IPv6, IPv4, and IPv6 of limited scope.  Asks the kernel, sends nothing.
 */
void addresses_sort(struct addresses *all);

/* "host:port:a,b" as libcurl takes it; the caller frees it. */
char *addresses_pin(
    const struct addresses *all, const char *host, unsigned port);

#endif
