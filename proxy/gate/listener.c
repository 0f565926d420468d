#include "proxy/gate/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proxy/base/err.h"

#define BACKLOG 1024

/* The kernel asks for more when so much waits to be sent.  By default it takes
 * megabytes and is silent until a third of them is gone: a client that takes
 * little would look like one that takes nothing. */
#define UNSENT_BYTES (128 << 10)

static int
fail(struct err *err, const struct conf_address *address, const char *why)
{
	return err_set(err, ERR_SYSTEM, "listen %s: %s", address->text, why);
}

static void
set_option(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

/* -1 with errno set. */
static int
bind_address(const struct addrinfo *ai)
{
	int fd = socket(
	    ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd == -1)
		return -1;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* Inherited by what is accepted; two records would wait 44 ms. */
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int
open_tcp(const struct conf_address *address, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list, *ai;
	const char *host = address->host[0] == '\0' ? NULL : address->host;
	char port[8];
	int error, fd = -1;

	snprintf(port, sizeof(port), "%u", (unsigned)address->port);
	error = getaddrinfo(host, port, &hints, &list);
	if (error != 0)
		return fail(err, address, gai_strerror(error));
	/* All addresses: IPv6 first, its socket takes IPv4 too (bindv6only
	 * is 0 everywhere); without IPv6 the IPv4 one. */
	for (ai = list; host == NULL && ai != NULL && fd == -1;
	     ai = ai->ai_next)
		if (ai->ai_family == AF_INET6)
			fd = bind_address(ai);
	if (fd == -1 && (host != NULL || errno == EAFNOSUPPORT ||
			    errno == EADDRNOTAVAIL || errno == 0))
		for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next)
			fd = bind_address(ai);
	error = errno;
	freeaddrinfo(list);
	return fd == -1 ? fail(err, address, strerror(error)) : fd;
}

/* A socket file that refuses connections was left by a process that died; one
 * whose backlog is full (EAGAIN) belongs to one that lives. */
static void
remove_stale(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd == -1)
		return;
	if (lstat(sun->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1 &&
	    errno == ECONNREFUSED)
		unlink(sun->sun_path);
	close(fd);
}

static int
open_unix(const struct conf_address *address, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct addrinfo ai = { .ai_family = AF_UNIX,
		.ai_addr = (struct sockaddr *)&sun,
		.ai_addrlen = sizeof(sun) };
	int fd;

	if (strlen(address->unix_path) >= sizeof(sun.sun_path))
		return fail(err, address, "path longer than 107 bytes");
	strcpy(sun.sun_path, address->unix_path);
	remove_stale(&sun);
	fd = bind_address(&ai);
	return fd == -1 ? fail(err, address, strerror(errno)) : fd;
}

static void
describe(int fd, const struct conf_address *address, char *text)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} name;
	socklen_t len = sizeof(name);
	char ip[INET6_ADDRSTRLEN];

	if (address->unix_path != NULL ||
	    getsockname(fd, &name.sa, &len) == -1) {
		snprintf(text, LISTENER_TEXT_SIZE, "%s", address->text);
	} else if (name.sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &name.in6.sin6_addr, ip, sizeof(ip));
		snprintf(text, LISTENER_TEXT_SIZE, "[%s]:%u", ip,
		    (unsigned)ntohs(name.in6.sin6_port));
	} else {
		inet_ntop(AF_INET, &name.in.sin_addr, ip, sizeof(ip));
		snprintf(text, LISTENER_TEXT_SIZE, "%s:%u", ip,
		    (unsigned)ntohs(name.in.sin_port));
	}
}

int
listener_open(const struct conf_address *address, char text[LISTENER_TEXT_SIZE],
    struct err *err)
{
	int fd;

	errno = 0;
	fd = address->unix_path != NULL ? open_unix(address, err)
					: open_tcp(address, err);
	if (fd != -1)
		describe(fd, address, text);
	return fd;
}
