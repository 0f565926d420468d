/*
 * TLS over real sockets: bytes that left the socket with others are not
 * forgotten, nobody gets another connection's, what does not fit goes on
 * later, and each kind of end is told from the others.
 */
#include "tls/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include <cmocka.h>

#include "tls_talk.h"

static SSL_CTX *server_ctx, *client_ctx;

/* A server's side and a client that writes to memory, so that a test decides
 * how its bytes arrive. */
struct link {
	SSL *server;
	SSL *client;
	BIO *to_client;
	BIO *from_client;
	int fds[2]; /* the server's, the client's */
};

static void
make_pair(int fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int door = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	assert_int_equal(
	    bind(door, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(door, 1), 0);
	getsockname(door, (struct sockaddr *)&address, &len);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
	    connect(fds[1], (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fds[0] = accept4(door, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fds[0] >= 0);
	close(door);
}

static void
link_open(struct link *link, struct tls_intake *intake)
{
	make_pair(link->fds);
	link->server = SSL_new(server_ctx);
	assert_int_equal(
	    tls_socket_attach(link->server, link->fds[0], intake), 0);
	link->client = SSL_new(client_ctx);
	link->to_client = BIO_new(BIO_s_mem());
	link->from_client = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(link->to_client, -1); /* later, not never */
	SSL_set_bio(link->client, link->to_client, link->from_client);
	SSL_set_connect_state(link->client);
}

static void
link_close(struct link *link)
{
	SSL_free(link->server);
	SSL_free(link->client);
	close(link->fds[0]);
	close(link->fds[1]);
}

/* What the client has to say, sent in pieces of this size; 0: in one. */
static void
flush(struct link *link, size_t piece)
{
	char bytes[65536];
	int len;

	while ((len = BIO_read(link->from_client, bytes,
		    piece > 0 ? (int)piece : (int)sizeof(bytes))) > 0)
		assert_int_equal(
		    send(link->fds[1], bytes, (size_t)len, 0), len);
}

/* What has come back, to the client. */
static size_t
take_back(struct link *link)
{
	char bytes[65536];
	ssize_t len;
	size_t total = 0;

	while ((len = recv(link->fds[1], bytes, sizeof(bytes), MSG_DONTWAIT)) >
	       0) {
		BIO_write(link->to_client, bytes, (int)len);
		total += (size_t)len;
	}
	return total;
}

/* There is something to read for the server: bytes, an end, an error. */
static void
await(const struct link *link)
{
	struct pollfd fd = { .fd = link->fds[0], .events = POLLIN };

	assert_int_equal(poll(&fd, 1, 10000), 1);
}

/* One turn as the loop has it; what came is added to `text`. */
static enum tls_io
turn(struct link *link, char *text, size_t size)
{
	enum tls_io io;
	size_t used = strlen(text), len;

	do {
		io = tls_socket_read(
		    link->server, text + used, size - used - 1, &len);
		if (io == TLS_IO_DONE)
			used += len;
		text[used] = '\0';
	} while (io == TLS_IO_DONE && tls_socket_has_more(link->server));
	tls_socket_rest(link->server);
	return io;
}

static void
shake_hands(struct link *link, size_t piece)
{
	char text[64] = "";
	int i;

	for (i = 0; i < 100 && !SSL_is_init_finished(link->server); i++) {
		SSL_do_handshake(link->client);
		flush(link, piece);
		await(link);
		while (turn(link, text, sizeof(text)) == TLS_IO_DONE)
			continue;
		take_back(link);
	}
	assert_true(SSL_is_init_finished(link->server));
	assert_string_equal(text, "");
}

static void
say(struct link *link, const char *text)
{
	assert_int_equal(SSL_write(link->client, text, (int)strlen(text)),
	    (int)strlen(text));
}

static void
all_records_of_a_segment_are_read_in_one_turn(void **state)
{
	struct tls_intake *intake = *state;
	char text[64] = "";
	struct link link;

	link_open(&link, intake);
	shake_hands(&link, 0);
	say(&link, "one");
	say(&link, "two");
	say(&link, "three");
	flush(&link, 0);
	await(&link);
	assert_int_equal(turn(&link, text, sizeof(text)), TLS_IO_DONE);
	assert_string_equal(text, "onetwothree");
	assert_int_equal(turn(&link, text, sizeof(text)), TLS_IO_WANT_READ);
	link_close(&link);
}

static void
a_request_behind_the_handshake_is_read(void **state)
{
	struct tls_intake *intake = *state;
	char text[64] = "";
	struct link link;

	link_open(&link, intake);
	SSL_do_handshake(link.client);
	flush(&link, 0);
	await(&link);
	assert_int_equal(turn(&link, text, sizeof(text)), TLS_IO_WANT_READ);
	take_back(&link);
	SSL_do_handshake(link.client);
	say(&link, "early"); /* in the segment of its Finished */
	flush(&link, 0);
	await(&link);
	assert_int_equal(turn(&link, text, sizeof(text)), TLS_IO_DONE);
	assert_string_equal(text, "early");
	link_close(&link);
}

static void
bytes_one_by_one_make_the_same(void **state)
{
	struct tls_intake *intake = *state;
	char text[64] = "", bytes[256];
	struct link link;
	int len, i;

	link_open(&link, intake);
	shake_hands(&link, 1);
	say(&link, "slow");
	len = BIO_read(link.from_client, bytes, sizeof(bytes));
	for (i = 0; i < len; i++) {
		assert_string_equal(text, "");
		assert_int_equal(send(link.fds[1], bytes + i, 1, 0), 1);
		await(&link);
		assert_int_equal(turn(&link, text, sizeof(text)),
		    i == len - 1 ? TLS_IO_DONE : TLS_IO_WANT_READ);
	}
	assert_string_equal(text, "slow");
	link_close(&link);
}

static void
connections_do_not_get_each_others_bytes(void **state)
{
	struct tls_intake *intake = *state;
	char texts[2][64] = { "", "" };
	struct link links[2];
	int round, i;

	for (i = 0; i < 2; i++) {
		link_open(&links[i], intake);
		shake_hands(&links[i], 0);
	}
	for (round = 0; round < 4; round++) {
		for (i = 0; i < 2; i++) {
			say(&links[i], i == 0 ? "a" : "b");
			say(&links[i], i == 0 ? "A" : "B");
			flush(&links[i], 0);
		}
		await(&links[0]);
		await(&links[1]);
		for (i = 0; i < 2; i++)
			assert_int_equal(
			    turn(&links[i], texts[i], sizeof(texts[i])),
			    TLS_IO_DONE);
	}
	assert_string_equal(texts[0], "aAaAaAaA");
	assert_string_equal(texts[1], "bBbBbBbB");
	for (i = 0; i < 2; i++)
		link_close(&links[i]);
}

/* A client that never stops talking leaves the others their turn. */
static void
a_turn_has_an_end(void **state)
{
	struct tls_intake *intake = *state;
	const size_t size = 256 * 1024;
	char *said = malloc(size), *text = calloc(1, size + 1);
	size_t before, turns = 0;
	struct link link;
	enum tls_io io;

	link_open(&link, intake);
	shake_hands(&link, 0);
	memset(said, 'x', size);
	assert_int_equal(SSL_write(link.client, said, (int)size), (int)size);
	flush(&link, 0);
	do {
		before = strlen(text);
		if (!tls_socket_has_more(link.server))
			await(&link);
		io = turn(&link, text, size + 1);
		assert_true(io == TLS_IO_DONE || io == TLS_IO_WANT_READ);
		assert_true(strlen(text) - before <= 48 * 1024);
		turns++;
	} while (strlen(text) < size && turns < 1000);
	assert_int_equal(strlen(text), size);
	free(said);
	free(text);
	link_close(&link);
}

/* Reads what the server wrote; -1 until there is something. */
static int
hear(struct link *link, char *bytes, size_t size)
{
	take_back(link);
	return SSL_read(link->client, bytes, (int)size);
}

/* Each answer in pieces as the gate writes it, to a client that reads only
 * when the kernel takes no more. */
static void
what_does_not_fit_goes_on_later(void **state)
{
	static const size_t sizes[] = { 1, 16384, 16385, 57321, 131072,
		3000000 };
	struct tls_intake *intake = *state;
	char *sent, *moved, *heard;
	size_t i, j, at, size;
	struct link link;
	enum tls_io io;
	int len;

	link_open(&link, intake);
	shake_hands(&link, 0);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size = sizes[i];
		sent = malloc(size);
		heard = malloc(size);
		for (j = 0; j < size; j++)
			sent[j] = (char)(j * 31 + i);
		at = 0;
		for (j = 0; j < 100000; j++) {
			/* Another address each time. */
			moved = malloc(size);
			memcpy(moved, sent, size);
			io = tls_socket_write(link.server, moved, size, false);
			free(moved);
			if (io == TLS_IO_DONE)
				break;
			assert_int_equal(io, TLS_IO_WANT_WRITE);
			while ((len = hear(&link, heard + at, size - at)) > 0)
				at += (size_t)len;
		}
		/* All is on its way: nothing waits to be pushed out. */
		while (at < size) {
			char byte;

			while (at < size &&
			       (len = hear(&link, heard + at, size - at)) > 0)
				at += (size_t)len;
			if (at < size)
				recv(link.fds[1], &byte, 1, MSG_PEEK);
		}
		assert_memory_equal(sent, heard, size);
		free(sent);
		free(heard);
	}
	link_close(&link);
}

static void
close_notify_and_a_bare_end_leave_the_answer_its_way(void **state)
{
	struct tls_intake *intake = *state;
	char text[64], answer[64];
	struct link link;
	enum tls_io io;
	int i;

	for (i = 0; i < 2; i++) {
		text[0] = '\0';
		link_open(&link, intake);
		shake_hands(&link, 0);
		say(&link, "ask");
		if (i == 0)
			SSL_shutdown(link.client);
		flush(&link, 0);
		shutdown(link.fds[1], SHUT_WR);
		do {
			await(&link);
			io = turn(&link, text, sizeof(text));
		} while (io == TLS_IO_DONE || io == TLS_IO_WANT_READ);
		assert_int_equal(io, TLS_IO_CLOSED);
		assert_string_equal(text, "ask");
		assert_int_equal(
		    tls_socket_write(link.server, "answer", 6, false),
		    TLS_IO_DONE);
		recv(link.fds[1], answer, 1, MSG_PEEK); /* until it is there */
		take_back(&link);
		assert_int_equal(
		    SSL_read(link.client, answer, sizeof(answer)), 6);
		assert_memory_equal(answer, "answer", 6);
		link_close(&link);
	}
}

static void
an_end_in_the_handshake_fails(void **state)
{
	struct tls_intake *intake = *state;
	char text[64] = "";
	struct link link;

	link_open(&link, intake);
	SSL_do_handshake(link.client);
	flush(&link, 0);
	await(&link);
	assert_int_equal(turn(&link, text, sizeof(text)), TLS_IO_WANT_READ);
	shutdown(link.fds[1], SHUT_WR);
	await(&link);
	assert_int_equal(turn(&link, text, sizeof(text)), TLS_IO_FAILED);
	assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()),
	    SSL_R_UNEXPECTED_EOF_WHILE_READING);
	link_close(&link);
}

/*
 * More than the kernel takes stands between the client's first message and its
 * next bytes, which came together: a certificate of that size.
 */
static void
a_handshake_that_cannot_write_forgets_nothing(void **state)
{
	struct pair large = make((struct maker){
	    .cn = "gate", .san = "DNS:localhost", .ballast = 60000 });
	struct tls_intake *intake = *state;
	char text[64] = "";
	bool was_stuck = false;
	int small = 4096, i;
	struct link link;
	enum tls_io io;

	link_open(&link, intake);
	SSL_use_certificate(link.server, large.cert);
	SSL_use_PrivateKey(link.server, large.key);
	SSL_set_max_cert_list(link.client, 200000);
	setsockopt(link.fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(link.fds[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	SSL_do_handshake(link.client);
	/* What TLS 1.3 clients may send at any time, to no effect. */
	BIO_write(link.from_client, "\x14\x03\x03", 3);
	flush(&link, 0);
	BIO_write(link.from_client, "\x00\x01\x01", 3);
	await(&link);
	for (i = 0; i < 100000 && !SSL_is_init_finished(link.server); i++) {
		io = turn(&link, text, sizeof(text));
		assert_int_not_equal(io, TLS_IO_FAILED);
		was_stuck = was_stuck || io == TLS_IO_WANT_WRITE;
		take_back(&link);
		SSL_do_handshake(link.client);
		flush(&link, 0);
	}
	assert_true(was_stuck);
	say(&link, "well");
	flush(&link, 0);
	while (text[0] == '\0') {
		io = turn(&link, text, sizeof(text));
		assert_int_not_equal(io, TLS_IO_FAILED);
		take_back(&link);
	}
	assert_string_equal(text, "well");
	link_close(&link);
	pair_drop(&large);
}

static void
what_is_no_tls_fails(void **state)
{
	struct tls_intake *intake = *state;
	char text[64] = "";
	struct link link;

	link_open(&link, intake);
	assert_int_equal(
	    send(link.fds[1], "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	await(&link);
	assert_int_equal(turn(&link, text, sizeof(text)), TLS_IO_FAILED);
	link_close(&link);

	link_open(&link, intake);
	shake_hands(&link, 0);
	assert_int_equal(
	    send(link.fds[1], "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	await(&link);
	assert_int_equal(turn(&link, text, sizeof(text)), TLS_IO_FAILED);
	link_close(&link);
	assert_string_equal(text, "");
}

static void
a_reset_fails_both_ways(void **state)
{
	const struct linger now = { 1, 0 };
	struct tls_intake *intake = *state;
	char text[64] = "";
	struct link link;

	link_open(&link, intake);
	shake_hands(&link, 0);
	setsockopt(link.fds[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(link.fds[1]);
	await(&link);
	assert_int_equal(turn(&link, text, sizeof(text)), TLS_IO_FAILED);
	assert_int_equal(
	    tls_socket_write(link.server, "x", 1, false), TLS_IO_FAILED);
	link.fds[1] = dup(link.fds[0]);
	link_close(&link);
}

static int
set_up(void **state)
{
	struct pair pair =
	    make((struct maker){ .cn = "gate", .san = "DNS:localhost" });

	server_ctx = SSL_CTX_new(TLS_server_method());
	client_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_use_certificate(server_ctx, pair.cert);
	SSL_CTX_use_PrivateKey(server_ctx, pair.key);
	SSL_CTX_set_mode(server_ctx, SSL_MODE_RELEASE_BUFFERS);
	pair_drop(&pair);
	*state = tls_intake_new();
	return 0;
}

static int
tear_down(void **state)
{
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	tls_intake_free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_records_of_a_segment_are_read_in_one_turn),
		cmocka_unit_test(a_request_behind_the_handshake_is_read),
		cmocka_unit_test(bytes_one_by_one_make_the_same),
		cmocka_unit_test(connections_do_not_get_each_others_bytes),
		cmocka_unit_test(a_turn_has_an_end),
		cmocka_unit_test(what_does_not_fit_goes_on_later),
		cmocka_unit_test(
		    close_notify_and_a_bare_end_leave_the_answer_its_way),
		cmocka_unit_test(an_end_in_the_handshake_fails),
		cmocka_unit_test(a_handshake_that_cannot_write_forgets_nothing),
		cmocka_unit_test(what_is_no_tls_fails),
		cmocka_unit_test(a_reset_fails_both_ways),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
