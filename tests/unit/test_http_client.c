/*
 * Whom a call dials: only what it is pinned to, whatever other calls of the
 * same client say of the same host.  The server's side is played by the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/base/err.h"
#include "proxy/base/http_client.h"

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nup 1\n"

struct dialler {
	char address[128]; /* the last that was dialled */
	unsigned dials;
	unsigned sends;
	unsigned ends;
	struct http_result result;
};

struct scene {
	struct event_base *base;
	struct http_client *client;
	unsigned port;
	int right; /* listens at 127.0.0.1:port */
	int wrong; /* and at 127.0.0.2:port */
};

static void
on_connecting(void *arg, const char *address)
{
	struct dialler *d = arg;

	d->dials++;
	snprintf(d->address, sizeof(d->address), "%s", address);
}

static void
on_sending(void *arg, const char *address, bool is_reused)
{
	(void)address;
	(void)is_reused;
	((struct dialler *)arg)->sends++;
}

static int
on_bytes(void *arg, const char *bytes, size_t len)
{
	(void)arg;
	(void)bytes;
	(void)len;
	return 0;
}

static void
on_done(void *arg, const struct http_result *result)
{
	struct dialler *d = arg;

	d->ends++;
	d->result = *result;
}

static int
listen_at(const char *ip, unsigned *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)*port) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, ip, &in.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	*port = ntohs(in.sin_port);
	return fd;
}

static void
scene_open(struct scene *scene)
{
	struct err err;

	memset(scene, 0, sizeof(*scene));
	scene->base = event_base_new();
	scene->client = http_client_new(scene->base, &err);
	assert_non_null(scene->client);
	scene->right = listen_at("127.0.0.1", &scene->port);
	scene->wrong = listen_at("127.0.0.2", &scene->port);
}

static void
scene_close(struct scene *scene)
{
	http_client_free(scene->client);
	event_base_free(scene->base);
	close(scene->right);
	close(scene->wrong);
}

static struct http_call *
dial(struct scene *scene, struct dialler *d, const char *addresses,
    bool may_connect)
{
	static const char *const headers[] = { "Host: exporter.test" };
	struct http_hooks hooks = { .connecting = on_connecting,
		.sending = on_sending,
		.head_line = on_bytes,
		.body = on_bytes,
		.done = on_done,
		.arg = d };
	char origin[64], pinned[128];
	struct http_request request = { .origin = origin,
		.target = "/metrics",
		.headers = headers,
		.header_count = 1,
		.pinned = pinned,
		.pool = "pool",
		.may_connect = may_connect };
	struct http_call *call;
	struct err err;

	memset(d, 0, sizeof(*d));
	snprintf(
	    origin, sizeof(origin), "http://exporter.test:%u", scene->port);
	snprintf(pinned, sizeof(pinned), "exporter.test:%u:%s", scene->port,
	    addresses);
	call = http_call_start(scene->client, &request, &hooks, &err);
	assert_non_null(call);
	return call;
}

static void
wait_for(struct scene *scene, const unsigned *count)
{
	while (*count == 0)
		event_base_loop(scene->base, EVLOOP_ONCE);
}

static void
read_request(int fd)
{
	char bytes[4096];

	assert_true(read(fd, bytes, sizeof(bytes)) > 0);
}

/* Returns the server's end of a connection that is kept. */
static int
leave_connection(struct scene *scene)
{
	struct dialler d;
	int fd;

	dial(scene, &d, "127.0.0.1", true);
	wait_for(scene, &d.sends);
	fd = accept(scene->right, NULL, NULL);
	read_request(fd);
	assert_int_equal(write(fd, GOOD, strlen(GOOD)), strlen(GOOD));
	wait_for(scene, &d.ends);
	assert_int_equal(d.result.code, HTTP_FINE);
	return fd;
}

/* A kept connection dies while another call has pinned the host elsewhere. */
static void
test_foreign_pin(void **state)
{
	static const char *const others[] = { "127.0.0.2", "" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct scene scene;
		struct dialler a, b, again;
		struct http_call *call;
		int fd;

		scene_open(&scene);
		fd = leave_connection(&scene);
		dial(&scene, &a, "127.0.0.1", true);
		wait_for(&scene, &a.sends);
		read_request(fd);
		assert_int_equal(a.dials, 0);

		call = dial(&scene, &b, others[i], true);
		wait_for(&scene, others[i][0] != '\0' ? &b.dials : &b.ends);
		if (b.ends == 0)
			http_call_cancel(call);
		assert_int_equal(b.ends, others[i][0] == '\0');

		close(fd);
		while (a.ends == 0 && a.dials == 0)
			event_base_loop(scene.base, EVLOOP_ONCE);
		assert_string_equal(a.address, "");
		assert_int_equal(a.dials, 0);
		assert_true(a.result.needs_connect);

		/* Pinned again, it gets through. */
		dial(&scene, &again, "127.0.0.1", true);
		wait_for(&scene, &again.sends);
		assert_int_equal(again.dials, 1);
		assert_memory_equal(again.address, "127.0.0.1:", 10);
		scene_close(&scene);
	}
}

/* Without an address nobody is asked and nobody dialled. */
static void
test_no_address(void **state)
{
	struct scene scene;
	struct dialler d;
	int fd;

	(void)state;
	scene_open(&scene);
	dial(&scene, &d, "", true);
	wait_for(&scene, &d.ends);
	assert_int_equal(d.dials, 0);
	assert_true(d.result.needs_connect);
	fd = leave_connection(&scene);
	dial(&scene, &d, "", false);
	wait_for(&scene, &d.sends);
	assert_int_equal(d.dials, 0);
	read_request(fd);
	close(fd);
	scene_close(&scene);
}

/* What was sent is not sent again because some other address is foreign. */
static void
test_foreign_and_own(void **state)
{
	struct scene scene;
	struct dialler a, b;
	struct http_call *call;
	int fd;

	(void)state;
	scene_open(&scene);
	fd = leave_connection(&scene);
	dial(&scene, &a, "127.0.0.1", true);
	wait_for(&scene, &a.sends);
	read_request(fd);
	call = dial(&scene, &b, "127.0.0.2,127.0.0.1", true);
	wait_for(&scene, &b.dials);
	http_call_cancel(call);
	a.sends = 0;
	close(fd);
	wait_for(&scene, &a.sends);
	assert_memory_equal(a.address, "127.0.0.1:", 10);
	fd = accept(scene.right, NULL, NULL);
	read_request(fd);
	close(fd);
	wait_for(&scene, &a.ends);
	assert_int_not_equal(a.result.code, HTTP_FINE);
	assert_false(a.result.needs_connect);
	scene_close(&scene);
}

/* The socket of this process that is connected to `port`. */
static int
find_socket(unsigned port)
{
	struct sockaddr_in in;
	socklen_t len;
	int fd;

	for (fd = 0; fd < 1024; fd++) {
		len = sizeof(in);
		if (getpeername(fd, (struct sockaddr *)&in, &len) == 0 &&
		    in.sin_family == AF_INET && ntohs(in.sin_port) == port)
			return fd;
	}
	return -1;
}

static void
test_keepalive(void **state)
{
	static const struct {
		int level, option, value;
	} rows[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 15 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
	};
	struct scene scene;
	int server, fd;
	size_t i;

	(void)state;
	scene_open(&scene);
	server = leave_connection(&scene);
	fd = find_socket(scene.port);
	assert_int_not_equal(fd, -1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int value = 0;
		socklen_t len = sizeof(value);

		assert_int_equal(
		    getsockopt(fd, rows[i].level, rows[i].option, &value, &len),
		    0);
		assert_int_equal(value, rows[i].value);
	}
	close(server);
	scene_close(&scene);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_pin),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_foreign_and_own),
		cmocka_unit_test(test_keepalive),
	};

	alarm(60); /* a test that hangs fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
