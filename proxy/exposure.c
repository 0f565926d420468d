#include "proxy/exposure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"

/* Of the host; most have two. */
#define ADDRESSES_MAX 8

/* An own address answers at once, unless a firewall drops the packets. */
#define WAIT_MS 1000

/* "[2001:db8::1]:9100, " */
#define ADDRESS_TEXT_SIZE (INET6_ADDRSTRLEN + 16)

struct address {
	struct sockaddr_storage at; /* port 0 */
	socklen_t len;
	char host[INET6_ADDRSTRLEN];
};

struct exposure {
	struct exposure_options options;
	const struct conf *conf;
	bool *is_wanted; /* by target */
	struct address addresses[ADDRESSES_MAX];
	size_t address_count;
	size_t target, address; /* being looked at */
	bool is_busy;
	int fd; /* connecting, or -1 */
	struct event *turn;
	struct event *connecting;
	char found[ADDRESSES_MAX * ADDRESS_TEXT_SIZE];
};

static bool
is_loopback(const struct sockaddr *at)
{
	const struct sockaddr_in6 *six = (const void *)at;
	const struct sockaddr_in *four = (const void *)at;

	if (at->sa_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* Nobody scrapes by a link-local address. */
static bool
is_of_use(const struct sockaddr *at)
{
	const struct sockaddr_in6 *six = (const void *)at;

	if (at == NULL ||
	    (at->sa_family != AF_INET && at->sa_family != AF_INET6))
		return false;
	if (at->sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr))
		return false;
	return !is_loopback(at);
}

static void
add_address(struct exposure *exposure, const struct sockaddr *at)
{
	struct address *address =
	    &exposure->addresses[exposure->address_count++];
	const struct sockaddr_in6 *six = (const void *)at;
	const struct sockaddr_in *four = (const void *)at;
	bool is_six = at->sa_family == AF_INET6;

	address->len = is_six ? sizeof(*six) : sizeof(*four);
	memset(&address->at, 0, sizeof(address->at));
	memcpy(&address->at, at, address->len);
	inet_ntop(at->sa_family,
	    is_six ? (const void *)&six->sin6_addr
		   : (const void *)&four->sin_addr,
	    address->host, sizeof(address->host));
}

/* Each time anew: a pod's address may come after its processes. */
static void
list_addresses(struct exposure *exposure)
{
	struct ifaddrs *all, *one;

	exposure->address_count = 0;
	if (getifaddrs(&all) == -1)
		return;
	for (one = all; one != NULL; one = one->ifa_next)
		if (exposure->address_count < ADDRESSES_MAX &&
		    is_of_use(one->ifa_addr))
			add_address(exposure, one->ifa_addr);
	freeifaddrs(all);
}

static const struct conf_url *
url_of(const struct exposure *exposure)
{
	return &exposure->conf->targets[exposure->target].url;
}

static bool
is_at(const struct conf_address *listen, uint16_t port, const char *host)
{
	return listen->host != NULL && listen->port == port &&
	       (listen->host[0] == '\0' || strcmp(listen->host, host) == 0);
}

/* What answers there would be we. */
static bool
is_own_listener(const struct conf *conf, uint16_t port, const char *host)
{
	size_t i;

	for (i = 0; i < conf->listen_count; i++)
		if (is_at(&conf->listen[i], port, host))
			return true;
	return is_at(&conf->admin_listen, port, host) ||
	       is_at(&conf->health_listen, port, host);
}

static void
go_on(struct exposure *exposure)
{
	static const struct timeval now = { 0, 0 };

	evtimer_add(exposure->turn, &now);
}

static void
hang_up(struct exposure *exposure)
{
	if (exposure->fd == -1)
		return;
	event_del(exposure->connecting);
	close(exposure->fd);
	exposure->fd = -1;
}

static void
add_found(struct exposure *exposure)
{
	const struct address *address = &exposure->addresses[exposure->address];
	bool is_six = address->at.ss_family == AF_INET6;
	size_t len = strlen(exposure->found);

	snprintf(exposure->found + len, sizeof(exposure->found) - len,
	    "%s%s%s%s:%u", len > 0 ? ", " : "", is_six ? "[" : "",
	    address->host, is_six ? "]" : "", url_of(exposure)->port);
}

static void
on_connected(evutil_socket_t fd, short events, void *arg)
{
	struct exposure *exposure = arg;
	int error = 0;
	socklen_t len = sizeof(error);

	if ((events & EV_WRITE) != 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
	    error == 0)
		add_found(exposure);
	hang_up(exposure);
	exposure->address++;
	go_on(exposure);
}

/* False if there is nothing to wait for. */
static bool
start_connect(struct exposure *exposure)
{
	static const struct timeval wait = { .tv_sec = WAIT_MS / 1000 };
	struct address *address = &exposure->addresses[exposure->address];
	uint16_t port = url_of(exposure)->port;

	if (is_own_listener(exposure->conf, port, address->host))
		return false;
	/* Both kinds have the port at the same place. */
	((struct sockaddr_in *)&address->at)->sin_port = htons(port);
	exposure->fd = socket(address->at.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (exposure->fd == -1)
		return false;
	if (connect(exposure->fd, (const struct sockaddr *)&address->at,
		address->len) == 0 ||
	    errno == EINPROGRESS) {
		event_assign(exposure->connecting, exposure->options.base,
		    exposure->fd, EV_WRITE, on_connected, exposure);
		event_add(exposure->connecting, &wait);
		return true;
	}
	close(exposure->fd);
	exposure->fd = -1;
	return false;
}

/* Targets that are on loopback by their own URL; a file or a unix socket has
 * no port. */
static bool
is_of_concern(const struct conf_url *url)
{
	return url->is_loopback &&
	       (url->scheme == CONF_HTTP || url->scheme == CONF_HTTPS);
}

static bool
find_next(struct exposure *exposure)
{
	size_t i;

	for (i = 0; i < exposure->conf->target_count; i++) {
		if (!exposure->is_wanted[i])
			continue;
		exposure->is_wanted[i] = false;
		if (!is_of_concern(&exposure->conf->targets[i].url))
			continue;
		exposure->target = i;
		exposure->address = 0;
		exposure->found[0] = '\0';
		return true;
	}
	return false;
}

/* One connection at a time, and one step for each turn of the loop. */
static void
step(evutil_socket_t fd, short events, void *arg)
{
	struct exposure *exposure = arg;
	const struct conf_target *target;

	(void)fd;
	(void)events;
	if (!exposure->is_busy) {
		exposure->is_busy = find_next(exposure);
		if (!exposure->is_busy)
			return;
		list_addresses(exposure);
	}
	while (exposure->address < exposure->address_count) {
		if (start_connect(exposure))
			return;
		exposure->address++;
	}
	exposure->is_busy = false;
	target = &exposure->conf->targets[exposure->target];
	go_on(exposure);
	exposure->options.judged(
	    exposure->options.arg, target->name, exposure->found);
}

struct exposure *
exposure_new(const struct exposure_options *options)
{
	struct exposure *exposure = xcalloc(1, sizeof(*exposure));

	exposure->options = *options;
	exposure->fd = -1;
	exposure->turn = evtimer_new(options->base, step, exposure);
	exposure->connecting =
	    event_new(options->base, -1, EV_WRITE, on_connected, exposure);
	return exposure;
}

void
exposure_free(struct exposure *exposure)
{
	if (exposure == NULL)
		return;
	hang_up(exposure);
	event_free(exposure->turn);
	event_free(exposure->connecting);
	free(exposure->is_wanted);
	free(exposure);
}

void
exposure_switch(struct exposure *exposure, const struct conf *conf)
{
	size_t i;

	hang_up(exposure);
	exposure->is_busy = false;
	exposure->conf = conf;
	free(exposure->is_wanted);
	exposure->is_wanted =
	    xcalloc(conf->target_count + 1, sizeof(*exposure->is_wanted));
	for (i = 0; i < conf->target_count; i++)
		exposure->is_wanted[i] = true;
	go_on(exposure);
}

void
exposure_check(struct exposure *exposure, size_t target)
{
	exposure->is_wanted[target] = true;
	if (!exposure->is_busy)
		go_on(exposure);
}
