/*
 * The transport under a client that takes nothing and asks for something
 * while nothing can be sent: it waits, and costs nothing while it does.
 */
#include "proxy/gate/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <cmocka.h>

#include "tls/socket.h"
#include "tls_talk.h"

#define BODY_BYTES (1 << 20)

struct peer {
	struct event_base *base;
	struct tls_intake *intake;
	struct bufferevent *bev;
	struct transport transport;
	SSL *server;
	SSL *client;
	int fds[2]; /* the server's, the client's */
	bool has_ended;
};

static SSL_CTX *server_ctx, *client_ctx;

static void
make_pair(int fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int door = socket(AF_INET, SOCK_STREAM, 0), small = 4096;

	assert_int_equal(
	    bind(door, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(door, 1), 0);
	getsockname(door, (struct sockaddr *)&address, &len);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(
	    connect(fds[1], (struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	fds[0] = accept4(door, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fds[0] >= 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	close(door);
}

static void
on_end(struct bufferevent *bev, short events, void *arg)
{
	struct peer *peer = arg;

	(void)bev;
	(void)events;
	peer->has_ended = true;
}

static void
turn(struct peer *peer)
{
	event_base_loop(peer->base, EVLOOP_NONBLOCK);
}

static void
peer_open(struct peer *peer)
{
	memset(peer, 0, sizeof(*peer));
	make_pair(peer->fds);
	peer->base = event_base_new();
	peer->intake = tls_intake_new();
	peer->bev = bufferevent_socket_new(peer->base, peer->fds[0], 0);
	bufferevent_setcb(peer->bev, NULL, NULL, on_end, peer);
	bufferevent_enable(peer->bev, EV_READ);
	peer->server = SSL_new(server_ctx);
	assert_int_equal(transport_start(&peer->transport, peer->bev,
			     peer->server, peer->intake, 65536),
	    0);
	peer->client = SSL_new(client_ctx);
	SSL_set_fd(peer->client, peer->fds[1]);
	while (SSL_connect(peer->client) != 1 ||
	       !SSL_is_init_finished(peer->server))
		turn(peer);
}

static void
peer_close(struct peer *peer)
{
	transport_stop(&peer->transport);
	bufferevent_free(peer->bev);
	SSL_free(peer->server);
	SSL_free(peer->client);
	tls_intake_free(peer->intake);
	event_base_free(peer->base);
	close(peer->fds[0]);
	close(peer->fds[1]);
}

/* Until the socket takes no more. */
static size_t
fill(struct peer *peer)
{
	struct evbuffer *output = bufferevent_get_output(peer->bev);
	size_t left, before;
	char *body = calloc(1, BODY_BYTES);
	int i;

	evbuffer_add(output, body, BODY_BYTES);
	free(body);
	do {
		before = evbuffer_get_length(output);
		for (i = 0; i < 20; i++) {
			turn(peer);
			usleep(1000);
		}
		left = evbuffer_get_length(output);
	} while (left < before);
	assert_true(left > 0);
	return left;
}

static double
cpu_seconds(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

static double
cost_of_waiting(struct peer *peer)
{
	struct timeval half = { 0, 500000 };
	double before = cpu_seconds();

	event_base_loopexit(peer->base, &half);
	event_base_dispatch(peer->base);
	return cpu_seconds() - before;
}

/* All that the server has for it; the transport goes on meanwhile. */
static size_t
take_all(struct peer *peer, size_t wanted)
{
	char bytes[16384];
	size_t total = 0;
	int len, idle = 0;

	while (total < wanted && idle < 2000 && !peer->has_ended) {
		turn(peer);
		len = SSL_read(peer->client, bytes, sizeof(bytes));
		if (len > 0) {
			total += (size_t)len;
			idle = 0;
		} else {
			idle++;
			usleep(500);
		}
	}
	return total;
}

static void
a_key_update_that_cannot_be_answered(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	fill(&peer);
	assert_int_equal(
	    SSL_key_update(peer.client, SSL_KEY_UPDATE_REQUESTED), 1);
	assert_int_equal(SSL_write(peer.client, "x", 1), 1);
	assert_true(cost_of_waiting(&peer) < 0.25);
	assert_int_equal(SSL_write(peer.client, "y", 1), 1);
	assert_true(cost_of_waiting(&peer) < 0.25);
	/* Either it was refused, or nothing is lost. */
	if (!peer.has_ended)
		assert_int_equal(take_all(&peer, BODY_BYTES), BODY_BYTES);
	peer_close(&peer);
}

static void
what_is_sent_while_nothing_is_taken(void **state)
{
	struct peer peer;

	(void)state;
	peer_open(&peer);
	fill(&peer);
	assert_int_equal(SSL_write(peer.client, "abc", 3), 3);
	assert_true(cost_of_waiting(&peer) < 0.25);
	assert_false(peer.has_ended);
	assert_int_equal(
	    evbuffer_get_length(bufferevent_get_input(peer.bev)), 3);
	assert_int_equal(take_all(&peer, BODY_BYTES), BODY_BYTES);
	peer_close(&peer);
}

static int
set_up(void **state)
{
	struct pair pair = make((struct maker){ .cn = "gate" });

	(void)state;
	server_ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(server_ctx, pair.cert);
	SSL_CTX_use_PrivateKey(server_ctx, pair.key);
	SSL_CTX_set_mode(server_ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	client_ctx = SSL_CTX_new(TLS_client_method());
	pair_drop(&pair);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_update_that_cannot_be_answered),
		cmocka_unit_test(what_is_sent_while_nothing_is_taken),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
