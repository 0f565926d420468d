/*
 * The deadlines of a connection, made short: what each is counted from, and
 * that the default ones are those that are promised.  With real ones some take
 * minutes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/conf.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/gate/front.h"
#include "proxy/gate/guard.h"
#include "proxy/gate/stats.h"
#include "proxy/gate/tally.h"

#define LONG_MS 60000
#define SHORT_MS 150
/* Longer than this process may be kept from running. */
#define SAFE_MS 3000

struct stage {
	struct event_base *base;
	struct stats *stats;
	struct tally *tally;
	struct front *front;
	struct front_deadlines deadlines;
	int listener;
	int client;
	unsigned served;
};

static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

static void
sent(struct evhttp_request *req, void *connection)
{
	(void)req;
	connection_done(connection);
}

static void
handle(struct evhttp_request *req, struct connection *connection,
    enum reason refusal, void *arg)
{
	struct stage *stage = arg;

	assert_int_equal(refusal, REASON_OK);
	stage->served++;
	evhttp_request_set_on_complete_cb(req, sent, connection);
	evhttp_send_reply(req, 200, "OK", NULL);
}

static void
listen_on_loopback(struct stage *stage)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	stage->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(
	    bind(stage->listener, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(stage->listener, 8), 0);
}

static int
connect_client(const struct stage *stage)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	getsockname(stage->listener, (struct sockaddr *)&in, &len);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, len), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
open_stage(struct stage *stage, const struct front_deadlines *deadlines,
    unsigned connections_max)
{
	const struct conf_connections limits = { .max = connections_max };
	struct front_options options = {
		.limits = &guard_default_limits, .handle = handle, .arg = stage
	};
	struct err err;

	memset(stage, 0, sizeof(*stage));
	stage->deadlines = *deadlines;
	stage->base = event_base_new();
	stage->stats = stats_new(0);
	stage->tally = tally_new(&limits);
	options.base = stage->base;
	options.stats = stage->stats;
	options.tally = stage->tally;
	options.deadlines = &stage->deadlines;
	stage->front = front_new(&options, &err);
	assert_non_null(stage->front);
	listen_on_loopback(stage);
	assert_int_equal(
	    front_listen(stage->front, stage->listener, "x", &err), 0);
	stage->client = connect_client(stage);
}

static void
close_stage(struct stage *stage)
{
	close(stage->client);
	front_free(stage->front);
	assert_false(tally_is_full(stage->tally));
	tally_free(stage->tally);
	stats_free(stage->stats);
	event_base_free(stage->base);
	close(stage->listener);
}

/* One turn of the loop, not longer than a little. */
static void
turn(const struct stage *stage)
{
	const struct timeval little = { .tv_usec = 5000 };

	event_base_loopexit(stage->base, &little);
	event_base_dispatch(stage->base);
}

/* Has the gate closed the connection?  Reads what it has said. */
static bool
is_closed(int fd)
{
	char bytes[4096];
	ssize_t len;

	while ((len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		continue;
	return len == 0;
}

static void
run_ms(const struct stage *stage, unsigned ms)
{
	uint64_t end_us = clock_now_us() + (uint64_t)ms * 1000;

	while (clock_now_us() < end_us)
		turn(stage);
}

static uint64_t
run_until_closed(const struct stage *stage)
{
	uint64_t begin_us = clock_now_us();

	while (!is_closed(stage->client)) {
		assert_true(clock_now_us() - begin_us < 20000000);
		turn(stage);
	}
	return (clock_now_us() - begin_us) / 1000;
}

static void
say(const struct stage *stage, const char *text)
{
	assert_int_equal(send(stage->client, text, strlen(text), MSG_NOSIGNAL),
	    (ssize_t)strlen(text));
}

static void
ask(struct stage *stage)
{
	unsigned before = stage->served;

	say(stage, request);
	while (stage->served == before)
		turn(stage);
}

static void
test_defaults(void **state)
{
	(void)state;
	assert_int_equal(front_default_deadlines.handshake_ms, 5000);
	assert_int_equal(front_default_deadlines.head_ms, 5000);
	assert_int_equal(front_default_deadlines.idle_ms, 330000);
	assert_int_equal(front_default_deadlines.write_stall_ms, 10000);
}

static void
test_idle_from_the_start(void **state)
{
	const struct front_deadlines deadlines = { LONG_MS, LONG_MS, SHORT_MS,
		LONG_MS };
	struct stage stage;

	(void)state;
	open_stage(&stage, &deadlines, 8);
	assert_in_range(run_until_closed(&stage), SHORT_MS - 10, 10000);
	close_stage(&stage);
}

/* Each answer begins it anew; the client's pace does not wear it out. */
static void
test_idle_after_an_answer(void **state)
{
	const struct front_deadlines deadlines = { LONG_MS, LONG_MS, SAFE_MS,
		LONG_MS };
	struct stage stage;
	int i;

	(void)state;
	open_stage(&stage, &deadlines, 8);
	for (i = 0; i < 5; i++) {
		ask(&stage);
		run_ms(&stage, SAFE_MS / 4);
		assert_false(is_closed(stage.client));
	}
	assert_in_range(run_until_closed(&stage), 1, 10000);
	assert_int_equal(stage.served, 5);
	close_stage(&stage);
}

/* From its first byte; more of them do not push it away. */
static void
test_head(void **state)
{
	const struct front_deadlines deadlines = { LONG_MS, 4 * SHORT_MS,
		LONG_MS, LONG_MS };
	struct stage stage;
	uint64_t begin_us;

	(void)state;
	open_stage(&stage, &deadlines, 8);
	ask(&stage);
	run_ms(&stage, 5 * SHORT_MS); /* idle is not a head */
	assert_false(is_closed(stage.client));
	begin_us = clock_now_us();
	say(&stage, "GET /");
	while (!is_closed(stage.client)) {
		assert_true(clock_now_us() - begin_us < 20000000);
		run_ms(&stage, 20);
		send(stage.client, "a", 1, MSG_NOSIGNAL);
	}
	assert_in_range(
	    (clock_now_us() - begin_us) / 1000, 4 * SHORT_MS - 10, 10000);
	assert_int_equal(stage.served, 1);
	close_stage(&stage);
}

/* A head that ends in time leaves the connection as it was. */
static void
test_head_in_time(void **state)
{
	const struct front_deadlines deadlines = { LONG_MS, SAFE_MS, LONG_MS,
		LONG_MS };
	struct stage stage;
	int i;

	(void)state;
	open_stage(&stage, &deadlines, 8);
	for (i = 0; i < 3; i++) {
		say(&stage, "GET / HTTP/1.1\r\n");
		run_ms(&stage, SHORT_MS);
		say(&stage, "Host: x\r\n\r\n");
		while (stage.served == (unsigned)i)
			turn(&stage);
	}
	run_ms(&stage, SAFE_MS + SHORT_MS);
	assert_false(is_closed(stage.client));
	close_stage(&stage);
}

/* The only one there may be is idle: it makes room for another. */
static void
test_one_at_a_time(void **state)
{
	const struct front_deadlines deadlines = { LONG_MS, LONG_MS, LONG_MS,
		LONG_MS };
	struct stage stage;
	int first;

	(void)state;
	open_stage(&stage, &deadlines, 1);
	ask(&stage);
	first = stage.client;
	stage.client = connect_client(&stage);
	ask(&stage);
	assert_true(is_closed(first));
	close(first);
	assert_int_equal(front_connection_count(stage.front), 1);
	close_stage(&stage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_idle_from_the_start),
		cmocka_unit_test(test_idle_after_an_answer),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_head_in_time),
		cmocka_unit_test(test_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
