/*
 * A scripted upstream for tests: a thread on loopback that serves canned
 * bytes, one reply after the other, and keeps the requests it read.
 */
#ifndef TESTS_UNIT_SCRIPTED_H
#define TESTS_UNIT_SCRIPTED_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/ssl.h>

enum then {
	THEN_CLOSE,
	THEN_RESET,
	THEN_KEEP, /* the next reply goes to the same connection */
	THEN_HANG  /* until the client closes */
};

struct reply {
	const char *bytes;
	size_t len; /* 0: strlen(bytes) */
	enum then then;
	bool is_deaf;    /* does not read the request first */
	bool is_sipping; /* takes whatever comes first instead */
	bool is_plain;   /* no handshake on a TLS server */
	bool is_hung_up; /* TLS: closes without close_notify */
};

#define REPLIES_MAX 16

struct scripted {
	int fd;
	unsigned port;
	struct reply replies[REPLIES_MAX];
	size_t count;
	SSL_CTX *ctx;
	pthread_t thread;
	char requests[REPLIES_MAX][4096];
	atomic_size_t request_count;
	unsigned accepted;
};

struct scripted_peer {
	int fd;
	SSL *ssl;
};

static inline ssize_t
scripted_read(struct scripted_peer *peer, char *bytes, size_t size)
{
	if (peer->ssl != NULL)
		return SSL_read(peer->ssl, bytes, (int)size);
	return read(peer->fd, bytes, size);
}

static inline void
scripted_write(struct scripted_peer *peer, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = peer->ssl != NULL
				? SSL_write(peer->ssl, bytes, (int)len)
				: send(peer->fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

/* How many bytes follow the head of `text`. */
static inline size_t
scripted_body_len(const char *text)
{
	const char *length = strstr(text, "\r\nContent-Length: ");

	return length == NULL ? 0 : strtoul(length + 18, NULL, 10);
}

/* False if the client closed instead. */
static inline bool
scripted_read_request(struct scripted *s, struct scripted_peer *peer)
{
	char *text = s->requests[s->request_count];
	size_t len = 0, left = 0;
	bool is_head = true;

	while ((is_head || left > 0) && len < sizeof(s->requests[0]) - 1 &&
	       scripted_read(peer, text + len, 1) > 0) {
		text[++len] = '\0';
		if (!is_head) {
			left--;
		} else if (len >= 4 &&
			   memcmp(text + len - 4, "\r\n\r\n", 4) == 0) {
			is_head = false;
			left = scripted_body_len(text);
		}
	}
	if (len > 0)
		s->request_count++;
	return len > 0;
}

static inline void
scripted_hang_up(struct scripted_peer *peer, const struct reply *reply)
{
	struct linger now = { 1, 0 };

	if (reply->then == THEN_RESET)
		setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (peer->ssl != NULL && reply->then != THEN_RESET &&
	    !reply->is_hung_up)
		SSL_shutdown(peer->ssl);
	SSL_free(peer->ssl);
	close(peer->fd);
	peer->ssl = NULL;
	peer->fd = -1;
}

static inline bool
scripted_accept(
    struct scripted *s, struct scripted_peer *peer, const struct reply *reply)
{
	peer->fd = accept(s->fd, NULL, NULL);
	if (peer->fd == -1)
		return false;
	s->accepted++;
	if (s->ctx == NULL || reply->is_plain)
		return true;
	peer->ssl = SSL_new(s->ctx);
	SSL_set_fd(peer->ssl, peer->fd);
	if (SSL_accept(peer->ssl) == 1)
		return true;
	/* The alert has been sent; that is all there is to serve. */
	SSL_free(peer->ssl);
	peer->ssl = NULL;
	shutdown(peer->fd, SHUT_WR);
	while (read(peer->fd, (char[64]){ 0 }, 64) > 0)
		;
	close(peer->fd);
	peer->fd = -1;
	return true;
}

static inline void *
scripted_run(void *arg)
{
	struct scripted *s = arg;
	struct scripted_peer peer = { -1, NULL };
	size_t i;

	for (i = 0; i < s->count; i++) {
		const struct reply *reply = &s->replies[i];
		char byte;

		if (peer.fd == -1 && !scripted_accept(s, &peer, reply))
			break;
		if (peer.fd == -1)
			continue;
		if (reply->is_sipping) {
			char bytes[4096];

			scripted_read(&peer, bytes, sizeof(bytes));
		} else if (!reply->is_deaf &&
			   !scripted_read_request(s, &peer)) {
			scripted_hang_up(&peer, reply);
			i--; /* the next client gets it */
			continue;
		}
		if (reply->bytes != NULL)
			scripted_write(&peer, reply->bytes,
			    reply->len != 0 ? reply->len
					    : strlen(reply->bytes));
		if (reply->then == THEN_KEEP)
			continue;
		if (reply->then == THEN_HANG)
			while (scripted_read(&peer, &byte, 1) > 0)
				;
		scripted_hang_up(&peer, reply);
	}
	if (peer.fd != -1) {
		SSL_free(peer.ssl);
		close(peer.fd);
	}
	return NULL;
}

static inline void
scripted_start(struct scripted *s, const struct reply *replies, size_t count,
    SSL_CTX *ctx, const char *unix_path)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(in);

	memset(s, 0, sizeof(*s));
	if (count > 0)
		memcpy(s->replies, replies, count * sizeof(*replies));
	s->count = count;
	s->ctx = ctx;
	if (unix_path != NULL) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", unix_path);
		s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(s->fd, (struct sockaddr *)&un, sizeof(un)) == -1)
			abort();
	} else {
		s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(s->fd, (struct sockaddr *)&in, sizeof(in)) == -1)
			abort();
		getsockname(s->fd, (struct sockaddr *)&in, &len);
		s->port = ntohs(in.sin_port);
	}
	if (listen(s->fd, 16) == -1 ||
	    pthread_create(&s->thread, NULL, scripted_run, s) != 0)
		abort();
}

/* All clients must have closed, or be about to. */
static inline void
scripted_stop(struct scripted *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

#endif
