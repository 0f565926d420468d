/*
 * The address a socket is bound to: which of the listening ones did a
 * connection come through?  evhttp does not say, the kernel does.
 *
 * Pure but for one system call per socket; any thread.
 */
#ifndef PROXY_GATE_SOCKET_NAME_H
#define PROXY_GATE_SOCKET_NAME_H

#include <stdbool.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct socket_name {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} as;
};

/* Of no family if it cannot be told. */
void socket_name_of(int fd, struct socket_name *name);

/*
 * Was the connection `fd` accepted by a listening socket of this name?  If
 * that cannot be told, yes.
 */
bool socket_name_covers(const struct socket_name *name, int fd);

#endif
