/*
 * Scrapers on kept connections, each asking again as soon as it has its
 * answer; every answer's time is kept, none is made up.  wrk corrects its
 * latencies for requests that it would have made had the server not been
 * slow: one pause of the machine becomes hundreds of slow scrapes, more of
 * them the faster the server is.
 *
 * scrapes PORT PATH CONNECTIONS SECONDS tls|plain gzip|identity
 *
 * Prints: answers, and microseconds at 50 %, 99 % and 99.9 % of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define CONNECTIONS_MAX 64
#define TIMES_MAX ((size_t)4 << 20)
#define HEAD_MAX 4096

static const char last_chunk[] = "\r\n0\r\n\r\n";
#define LAST_CHUNK_LEN (sizeof(last_chunk) - 1)

struct scraper {
	int fd;
	SSL *ssl; /* NULL: plain */
	uint64_t asked_ns;
	char head[HEAD_MAX];
	size_t head_len;
	bool is_in_body;
	bool is_chunked;
	size_t left; /* of a body with a length */
	char end[LAST_CHUNK_LEN];
};

static char request[1024];
static size_t request_len;
static uint32_t *times_ns;
static size_t count;

static void
die(const char *what)
{
	fprintf(stderr, "scrapes: %s\n", what);
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
ask(struct scraper *s)
{
	ssize_t len;

	s->head_len = 0;
	s->is_in_body = false;
	memset(s->end, 0, sizeof(s->end));
	s->asked_ns = now_ns();
	len = s->ssl != NULL ? SSL_write(s->ssl, request, (int)request_len)
			     : write(s->fd, request, request_len);
	if (len != (ssize_t)request_len)
		die("a request cannot be sent");
}

/* Returns how many bytes belong to the head. */
static size_t
take_head(struct scraper *s, const char *bytes, size_t len)
{
	size_t before = s->head_len, room = HEAD_MAX - 1 - before;
	const char *end, *length;

	if (len > room)
		len = room;
	memcpy(s->head + before, bytes, len);
	s->head_len += len;
	s->head[s->head_len] = '\0';
	end = strstr(s->head, "\r\n\r\n");
	if (end == NULL) {
		if (len == room)
			die("a head that is too long");
		return len;
	}
	s->head[end + 2 - s->head] = '\0';
	if (strncmp(s->head, "HTTP/1.1 200 ", 13) != 0)
		die(s->head);
	s->is_in_body = true;
	length = strcasestr(s->head, "\r\nContent-Length:");
	s->is_chunked = length == NULL;
	s->left = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
	return (size_t)(end + 4 - s->head) - before;
}

/* The peers are no enemies: a chunked body ends where its last chunk is. */
static bool
ends_chunked(struct scraper *s, const char *bytes, size_t len)
{
	size_t keep = len < LAST_CHUNK_LEN ? LAST_CHUNK_LEN - len : 0;
	size_t fresh = LAST_CHUNK_LEN - keep;

	memmove(s->end, s->end + fresh, keep);
	memcpy(s->end + keep, bytes + len - fresh, fresh);
	return memcmp(s->end, last_chunk, LAST_CHUNK_LEN) == 0;
}

/* True if the answer is whole. */
static bool
take(struct scraper *s, const char *bytes, size_t len)
{
	size_t head_len = s->is_in_body ? 0 : take_head(s, bytes, len);

	bytes += head_len;
	len -= head_len;
	if (!s->is_in_body || len == 0)
		return s->is_in_body && !s->is_chunked && s->left == 0;
	if (s->is_chunked)
		return ends_chunked(s, bytes, len);
	if (len > s->left)
		die("more than the answer's length");
	s->left -= len;
	return s->left == 0;
}

/* 0: nothing to read. */
static size_t
read_some(struct scraper *s, char *bytes, size_t size)
{
	ssize_t len = s->ssl != NULL ? SSL_read(s->ssl, bytes, (int)size)
				     : read(s->fd, bytes, size);

	if (len > 0)
		return (size_t)len;
	if (s->ssl != NULL
		? SSL_get_error(s->ssl, (int)len) == SSL_ERROR_WANT_READ
		: len < 0 && errno == EAGAIN)
		return 0;
	die("a connection was closed");
	return 0;
}

static void
on_readable(struct scraper *s)
{
	static char bytes[65536];
	size_t len;

	while ((len = read_some(s, bytes, sizeof(bytes))) > 0) {
		if (!take(s, bytes, len))
			continue;
		if (count < TIMES_MAX)
			times_ns[count++] = (uint32_t)(now_ns() - s->asked_ns);
		ask(s);
		return;
	}
}

static void
dial(struct scraper *s, int port, SSL_CTX *ctx)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	int on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		die("no connection");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (ctx != NULL) {
		s->ssl = SSL_new(ctx);
		SSL_set_fd(s->ssl, s->fd);
		if (SSL_connect(s->ssl) != 1)
			die("no handshake");
	}
	fcntl(s->fd, F_SETFL, O_NONBLOCK);
}

static void
scrape_until(struct scraper *scrapers, int connections, uint64_t end_ns)
{
	int epoll = epoll_create1(0), ready, i;
	struct epoll_event events[CONNECTIONS_MAX];

	for (i = 0; i < connections; i++) {
		struct epoll_event event = { .events = EPOLLIN,
			.data.ptr = &scrapers[i] };

		epoll_ctl(epoll, EPOLL_CTL_ADD, scrapers[i].fd, &event);
		ask(&scrapers[i]);
	}
	while (now_ns() < end_ns) {
		ready = epoll_wait(epoll, events, CONNECTIONS_MAX, 1000);
		for (i = 0; i < ready; i++)
			on_readable(events[i].data.ptr);
	}
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

int
main(int argc, char **argv)
{
	static struct scraper scrapers[CONNECTIONS_MAX];
	SSL_CTX *ctx = NULL;
	int connections, i;

	if (argc != 7)
		die("PORT PATH CONNECTIONS SECONDS tls|plain gzip|identity");
	connections = atoi(argv[3]);
	if (connections < 1 || connections > CONNECTIONS_MAX)
		die("too many connections");
	request_len = (size_t)snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n"
	    "Accept: text/plain;version=0.0.4\r\n%s\r\n",
	    argv[2], argv[1],
	    strcmp(argv[6], "gzip") == 0 ? "Accept-Encoding: gzip\r\n" : "");
	times_ns = malloc(TIMES_MAX * sizeof(*times_ns));
	if (times_ns == NULL || request_len >= sizeof(request))
		die("no memory, or a path that is too long");
	if (strcmp(argv[5], "tls") == 0)
		ctx = SSL_CTX_new(TLS_client_method());
	for (i = 0; i < connections; i++)
		dial(&scrapers[i], atoi(argv[1]), ctx);
	scrape_until(
	    scrapers, connections, now_ns() + (uint64_t)(atof(argv[4]) * 1e9));
	if (count == 0)
		die("no answer");
	qsort(times_ns, count, sizeof(*times_ns), compare);
	printf("%zu %.1f %.1f %.1f\n", count, times_ns[count / 2] / 1e3,
	    times_ns[count * 99 / 100] / 1e3,
	    times_ns[count * 999 / 1000] / 1e3);
	return 0;
}
