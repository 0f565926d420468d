/*
 * Whom a call dials: only what it is pinned to, whatever other calls of the
 * same client say of the same host.  What a POST looks like, also repeated.
 * The server's side is played by the test.
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
#include <stdlib.h>
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
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1) {
		close(fd);
		return -1; /* somebody has that port */
	}
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
	/* A port that is free at both. */
	do {
		if (scene->right > 0)
			close(scene->right);
		scene->port = 0;
		scene->right = listen_at("127.0.0.1", &scene->port);
		scene->wrong = listen_at("127.0.0.2", &scene->port);
	} while (scene->wrong == -1);
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
dial_with(struct scene *scene, struct dialler *d, const char *addresses,
    bool may_connect, const char *body, size_t len)
{
	static const char *const headers[] = { "Host: exporter.test",
		"Content-Type: application/json" };
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
		.header_count = body != NULL ? 2 : 1,
		.body = body,
		.body_len = len,
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

static struct http_call *
dial(struct scene *scene, struct dialler *d, const char *addresses,
    bool may_connect)
{
	return dial_with(scene, d, addresses, may_connect, NULL, 0);
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

/* Reads a POST of `body` and checks all of it; the loop goes on meanwhile. */
static void
read_post(struct scene *scene, int fd, const char *body, size_t len)
{
	size_t size = len + 4096, used = 0;
	char *bytes = calloc(1, size + 1), *end = NULL;
	char length[64];

	while (end == NULL || (size_t)(bytes + used - end) < 4 + len) {
		ssize_t n = recv(fd, bytes + used, size - used, MSG_DONTWAIT);

		event_base_loop(scene->base, EVLOOP_NONBLOCK);
		assert_int_not_equal(n, 0);
		used += n > 0 ? (size_t)n : 0;
		end = strstr(bytes, "\r\n\r\n");
	}
	assert_int_equal((size_t)(bytes + used - end), 4 + len);
	assert_memory_equal(end + 4, body, len);
	*end = '\0';
	snprintf(length, sizeof(length), "\r\nContent-Length: %zu", len);
	assert_memory_equal(bytes, "POST /metrics HTTP/1.1\r\n", 24);
	assert_non_null(strstr(bytes, length));
	assert_non_null(strstr(bytes, "\r\nContent-Type: application/json"));
	assert_null(strstr(bytes, "urlencoded"));
	assert_null(strcasestr(bytes, "Expect"));
	assert_null(strcasestr(bytes, "Transfer-Encoding"));
	free(bytes);
}

/* From nothing to more than libcurl would send without asking first. */
static void
test_post(void **state)
{
	static const size_t sizes[] = { 0, 1, 700, 100000, 3 << 20 };
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *body = malloc(sizes[i] + 1);
		struct scene scene;
		struct dialler d;
		int fd;

		for (k = 0; k < sizes[i]; k++)
			body[k] = (char)k; /* NUL, too */
		scene_open(&scene);
		dial_with(&scene, &d, "127.0.0.1", true, body, sizes[i]);
		wait_for(&scene, &d.sends);
		fd = accept(scene.right, NULL, NULL);
		read_post(&scene, fd, body, sizes[i]);
		assert_int_equal(write(fd, GOOD, strlen(GOOD)), strlen(GOOD));
		wait_for(&scene, &d.ends);
		assert_int_equal(d.result.code, HTTP_FINE);
		close(fd);
		scene_close(&scene);
		free(body);
	}
}

/* The body is the call's own: whoever gave it may forget it at once. */
static void
test_post_copied(void **state)
{
	char body[] = "{\"kind\":\"TokenReview\"}";
	const char *same = "{\"kind\":\"TokenReview\"}";
	struct scene scene;
	struct dialler d;
	int fd;

	(void)state;
	scene_open(&scene);
	dial_with(&scene, &d, "127.0.0.1", true, body, strlen(body));
	memset(body, 'x', strlen(body));
	wait_for(&scene, &d.sends);
	fd = accept(scene.right, NULL, NULL);
	read_post(&scene, fd, same, strlen(same));
	close(fd);
	wait_for(&scene, &d.ends);
	/* No second time on a connection that was fresh. */
	assert_int_equal(d.dials, 1);
	assert_int_equal(d.result.code, HTTP_EMPTY_REPLY);
	scene_close(&scene);
}

/*
 * The kept connection dies with the request on it: once more, whole, and on a
 * fresh one.
 */
static void
test_post_repeated(void **state)
{
	static const struct {
		size_t len;
		bool is_read; /* else it is reset while it is sent */
	} rows[] = { { 20, true }, { 100000, true }, { 20, false },
		{ 3 << 20, false } };
	char *body = calloc(1, 3 << 20);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;
		struct dialler d;
		int fd;

		scene_open(&scene);
		fd = leave_connection(&scene);
		dial_with(&scene, &d, "127.0.0.1", true, body, rows[i].len);
		wait_for(&scene, &d.sends);
		assert_int_equal(d.dials, 0);
		if (rows[i].is_read)
			read_post(&scene, fd, body, rows[i].len);
		close(fd);
		wait_for(&scene, &d.dials);
		while (d.sends < 2)
			event_base_loop(scene.base, EVLOOP_ONCE);
		fd = accept(scene.right, NULL, NULL);
		read_post(&scene, fd, body, rows[i].len);
		assert_int_equal(write(fd, GOOD, strlen(GOOD)), strlen(GOOD));
		wait_for(&scene, &d.ends);
		assert_int_equal(d.result.code, HTTP_FINE);
		assert_int_equal(d.sends, 2);
		assert_int_equal(d.dials, 1);
		close(fd);
		scene_close(&scene);
	}
	free(body);
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
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_post_copied),
		cmocka_unit_test(test_post_repeated),
	};

	alarm(60); /* a test that hangs fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
