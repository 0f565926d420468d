/*
 * How much of a body a call reads at a stretch: a pause holds at once, and the
 * loop's other users have their turn while a fast peer sends.  The server is
 * played by the test: what it can send without waiting is sent before the
 * client reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/base/err.h"
#include "proxy/base/http_client.h"

#define BODY_LEN ((size_t)32 << 20)

/* What one read of libcurl's may bring, and what a turn of the loop. */
#define READ_MAX ((size_t)64 << 10)
#define TURN_MAX (((size_t)256 << 10) + READ_MAX)

struct scene {
	struct event_base *base;
	struct http_client *client;
	struct http_call *call;
	int listening;
	int peer;
	size_t sent; /* of head and body */
	size_t head_len;
	size_t seen;  /* of the body, by the hook */
	size_t pause; /* after so much of it; 0: never */
	bool is_done;
};

static int
on_head_line(void *arg, const char *bytes, size_t len)
{
	(void)bytes;
	((struct scene *)arg)->head_len += len;
	return 0;
}

static int
on_body(void *arg, const char *bytes, size_t len)
{
	struct scene *scene = arg;

	(void)bytes;
	scene->seen += len;
	if (scene->pause != 0 && scene->seen >= scene->pause)
		http_call_pause(scene->call);
	return 0;
}

static void
on_done(void *arg, const struct http_result *result)
{
	assert_int_equal(result->code, HTTP_FINE);
	((struct scene *)arg)->is_done = true;
}

static unsigned
listen_on_loopback(struct scene *scene)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	scene->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(scene->listening, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(scene->listening, 1), 0);
	getsockname(scene->listening, (struct sockaddr *)&in, &len);
	return ntohs(in.sin_port);
}

static void
start_call(struct scene *scene, unsigned port)
{
	static const char *const headers[] = { "Host: exporter.test" };
	struct http_hooks hooks = { .head_line = on_head_line,
		.body = on_body,
		.done = on_done,
		.arg = scene };
	char origin[64];
	struct http_request request = { .origin = origin,
		.target = "/metrics",
		.headers = headers,
		.header_count = 1,
		.pool = "pool",
		.may_connect = true };
	struct err err;

	snprintf(origin, sizeof(origin), "http://127.0.0.1:%u", port);
	scene->call = http_call_start(scene->client, &request, &hooks, &err);
	assert_non_null(scene->call);
}

/* All that the kernel takes. */
static void
send_much(struct scene *scene)
{
	static const char lines[65536] = { '\n' };
	ssize_t len;

	while (scene->sent < BODY_LEN) {
		size_t most = BODY_LEN - scene->sent;

		len = send(scene->peer, lines,
		    most < sizeof(lines) ? most : sizeof(lines),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (len <= 0)
			return;
		scene->sent += (size_t)len;
	}
}

static void
turn(struct scene *scene)
{
	assert_int_not_equal(
	    event_base_loop(scene->base, EVLOOP_ONCE | EVLOOP_NONBLOCK), -1);
}

/* Until the request is there; the answer's head and as much of its body as
 * there is room for are with the kernel then. */
static void
scene_open(struct scene *scene, size_t pause)
{
	char head[128], request[4096];
	struct err err;
	int len;

	memset(scene, 0, sizeof(*scene));
	scene->pause = pause;
	scene->base = event_base_new();
	scene->client = http_client_new(scene->base, &err);
	assert_non_null(scene->client);
	start_call(scene, listen_on_loopback(scene));
	turn(scene);
	scene->peer = accept(scene->listening, NULL, NULL);
	assert_true(scene->peer >= 0);
	while (recv(scene->peer, request, sizeof(request), MSG_DONTWAIT) <= 0)
		turn(scene);
	len = snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", BODY_LEN);
	assert_int_equal(send(scene->peer, head, (size_t)len, 0), len);
	send_much(scene);
	assert_true(scene->sent > 2 * TURN_MAX);
}

static void
scene_close(struct scene *scene)
{
	http_client_free(scene->client);
	event_base_free(scene->base);
	close(scene->peer);
	close(scene->listening);
}

static void
others_have_their_turn(void **state)
{
	struct scene scene;
	size_t before;

	(void)state;
	scene_open(&scene, 0);
	while (!scene.is_done) {
		before = scene.seen;
		turn(&scene);
		assert_true(scene.seen - before <= TURN_MAX);
		send_much(&scene);
	}
	assert_int_equal(scene.seen, BODY_LEN);
	scene_close(&scene);
}

/* What the client's socket, which libcurl has, still holds. */
static int
unread(const struct scene *scene)
{
	struct sockaddr_in client, in;
	socklen_t len = sizeof(client);
	int fd, bytes = 0;

	getpeername(scene->peer, (struct sockaddr *)&client, &len);
	for (fd = 3; fd < 256; fd++) {
		len = sizeof(in);
		if (getsockname(fd, (struct sockaddr *)&in, &len) == 0 &&
		    in.sin_family == AF_INET && in.sin_port == client.sin_port)
			break;
	}
	assert_int_equal(ioctl(fd, FIONREAD, &bytes), 0);
	return bytes;
}

/* What comes in a pause stays with the kernel, so that the peer stops. */
static void
a_pause_holds_at_once(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, 1);
	while (scene.seen == 0)
		turn(&scene);
	assert_true(scene.seen <= READ_MAX);
	assert_true(unread(&scene) > 0);
	turn(&scene);
	turn(&scene);
	assert_true(scene.seen <= READ_MAX);
	assert_true(unread(&scene) > 0);
	scene.pause = 0;
	http_call_resume(scene.call);
	while (!scene.is_done) {
		turn(&scene);
		send_much(&scene);
	}
	assert_int_equal(scene.seen, BODY_LEN);
	scene_close(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_have_their_turn),
		cmocka_unit_test(a_pause_holds_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
