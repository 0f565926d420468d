/*
 * Which listening socket a connection came through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/gate/socket_name.h"

/* A socket of `family` bound to `ip`, any port, that listens. */
static int
listen_at(int family, const char *ip, struct socket_name *name)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	int fd = socket(family, SOCK_STREAM, 0);
	int result;

	if (family == AF_INET) {
		inet_pton(AF_INET, ip, &in.sin_addr);
		result = bind(fd, (struct sockaddr *)&in, sizeof(in));
	} else {
		inet_pton(AF_INET6, ip, &in6.sin6_addr);
		result = bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	}
	if (result == -1 || listen(fd, 1) == -1) {
		close(fd);
		return -1;
	}
	socket_name_of(fd, name);
	return fd;
}

/* To `listening` over 127.0.0.1; the accepted end. */
static int
accept_one(int listening, const struct socket_name *name, int *client)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	/* The port is at the same place in both. */
	in.sin_port = name->as.in.sin_port;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
	    connect(*client, (struct sockaddr *)&in, sizeof(in)), 0);
	return accept(listening, NULL, NULL);
}

static void
test_covers(void **state)
{
	static const struct {
		int family;
		const char *ip;
	} rows[] = {
		{ AF_INET, "127.0.0.1" },
		{ AF_INET, "0.0.0.0" },
		{ AF_INET6, "::" },
		{ AF_INET6, "::ffff:127.0.0.1" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct socket_name name, other, elsewhere;
		int fd = listen_at(rows[i].family, rows[i].ip, &name);
		int other_fd, connection, client;

		if (fd == -1)
			continue; /* no IPv6 here */
		other_fd = listen_at(rows[i].family, rows[i].ip, &other);
		connection = accept_one(fd, &name, &client);
		assert_true(socket_name_covers(&name, connection));
		assert_false(socket_name_covers(&other, connection));
		memset(&elsewhere, 0, sizeof(elsewhere));
		elsewhere.as.in.sin_family = AF_INET;
		elsewhere.as.in.sin_port = name.as.in.sin_port;
		inet_pton(AF_INET, "127.0.0.2", &elsewhere.as.in.sin_addr);
		assert_false(socket_name_covers(&elsewhere, connection));
		close(fd);
		close(other_fd);
		close(connection);
		close(client);
	}
}

static void
test_unix(void **state)
{
	struct socket_name name, tcp;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	int tcp_fd, connection;
	char folder[] = "/tmp/socket_name.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	strcpy(sun.sun_path, folder);
	strcat(sun.sun_path, "/s");
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(
	    connect(client, (struct sockaddr *)&sun, sizeof(sun)), 0);
	connection = accept(fd, NULL, NULL);
	socket_name_of(fd, &name);
	assert_true(socket_name_covers(&name, connection));
	name.as.un.sun_path[strlen(folder) + 1] = 't';
	assert_false(socket_name_covers(&name, connection));
	tcp_fd = listen_at(AF_INET, "127.0.0.1", &tcp);
	assert_false(socket_name_covers(&tcp, connection));
	unlink(sun.sun_path);
	rmdir(folder);
	close(tcp_fd);
	close(connection);
	close(client);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
