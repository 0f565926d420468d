/*
 * Who listens where, from the texts of /proc/net: the socket's inode, by
 * which its process is found.  Pure, line by line: the files may be long.
 */
#ifndef PROXY_KERNEL_LISTENERS_H
#define PROXY_KERNEL_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum listener_family { LISTENER_NONE, LISTENER_TCP, LISTENER_UNIX };

/* An upstream's address.  IPv4 is IPv4-mapped. */
struct listener_address {
	enum listener_family family;
	unsigned char ip[16];
	uint16_t port;
	char path[108];
};

/* "127.0.0.1:9100", "[::1]:9100"; a path is a unix socket.  False: neither. */
bool listener_address_parse(struct listener_address *address, const char *text);

bool listener_address_is_v4(const struct listener_address *address);
bool listener_address_is_loopback(const struct listener_address *address);

/* How well a listening address serves connections to the one asked for. */
enum listener_match {
	LISTENER_OTHER,
	LISTENER_ALL_V6, /* [::], which mostly takes IPv4 as well */
	LISTENER_ALL_V4, /* 0.0.0.0 */
	LISTENER_EXACT
};

/* `bound` is 16 bytes, `is_v4`: it is of an IPv4 socket. */
enum listener_match listener_match(const struct listener_address *address,
    const unsigned char bound[16], bool is_v4, uint16_t port);

struct listener_found {
	enum listener_match match;
	uint64_t inode;
};

/*
 * A line of /proc/net/tcp or tcp6.  Keeps the best match so far in `found`;
 * false: from here on nobody listens any more, as the kernel sorts them.
 */
bool listener_take_tcp(struct listener_found *found,
    const struct listener_address *address, const char *line);

/* A line of /proc/net/unix. */
void listener_take_unix(struct listener_found *found,
    const struct listener_address *address, const char *line);

#endif
