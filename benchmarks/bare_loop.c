/*
 * The floor under every server that answers over TLS: epoll, SSL_read,
 * SSL_write, one contiguous answer per coding, nothing else.  No parsing, no
 * deadlines, no limits: it measures what the kernel and OpenSSL cost here,
 * and is fit for nothing else.
 *
 * bare_loop PORT CERT KEY IDENTITY GZIP    (the last two: files, no heads)
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define EVENTS 64
#define REQUEST_MAX 16384

struct image {
	char *bytes;
	size_t len;
};

struct client {
	int fd;
	SSL *ssl;
	size_t len;
	char request[REQUEST_MAX];
	const struct image *image; /* being written, or NULL */
};

static struct image identity, gzip;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
load_image(struct image *image, const char *path, const char *coding)
{
	FILE *file = fopen(path, "rb");
	char head[256];
	long size;
	int head_len;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		die(path);
	size = ftell(file);
	rewind(file);
	head_len = snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
	    "%sVary: Accept, Accept-Encoding\r\nContent-Length: %ld\r\n"
	    "Age: 0\r\n\r\n",
	    coding, size);
	image->len = (size_t)head_len + (size_t)size;
	image->bytes = malloc(image->len);
	if (image->bytes == NULL)
		die("malloc");
	memcpy(image->bytes, head, (size_t)head_len);
	if (fread(image->bytes + head_len, 1, (size_t)size, file) !=
	    (size_t)size)
		die(path);
	fclose(file);
}

static SSL_CTX *
make_context(const char *cert, const char *key)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL ||
	    SSL_CTX_use_certificate_chain_file(context, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "cannot load %s and %s\n", cert, key);
		exit(1);
	}
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	return context;
}

static int
open_listener(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    listen(fd, 1024) == -1)
		die("listen");
	return fd;
}

static void
watch(int epoll, int how, struct client *client, unsigned events)
{
	struct epoll_event event = { .events = events, .data.ptr = client };

	if (epoll_ctl(epoll, how, client->fd, &event) == -1)
		die("epoll_ctl");
}

static void
accept_client(int epoll, int listener, SSL_CTX *context)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	struct client *client;

	if (fd == -1)
		return;
	client = calloc(1, sizeof(*client));
	if (client == NULL)
		die("calloc");
	client->fd = fd;
	client->ssl = SSL_new(context);
	SSL_set_fd(client->ssl, fd);
	SSL_set_accept_state(client->ssl);
	watch(epoll, EPOLL_CTL_ADD, client, EPOLLIN);
}

static void
drop(struct client *client)
{
	SSL_free(client->ssl);
	close(client->fd);
	free(client);
}

/* False if the client is gone. */
static int
answer(int epoll, struct client *client)
{
	int done = SSL_write(
	    client->ssl, client->image->bytes, (int)client->image->len);

	if (done > 0) {
		client->image = NULL;
		return 1;
	}
	if (SSL_get_error(client->ssl, done) != SSL_ERROR_WANT_WRITE)
		return 0;
	watch(epoll, EPOLL_CTL_MOD, client, EPOLLOUT);
	return 1;
}

static int
serve(int epoll, struct client *client)
{
	int len;

	ERR_clear_error();
	if (client->image != NULL) {
		if (!answer(epoll, client))
			return 0;
		if (client->image == NULL)
			watch(epoll, EPOLL_CTL_MOD, client, EPOLLIN);
		return 1;
	}
	len = SSL_read(client->ssl, client->request + client->len,
	    (int)(sizeof(client->request) - client->len - 1));
	if (len <= 0)
		return SSL_get_error(client->ssl, len) == SSL_ERROR_WANT_READ;
	client->len += (size_t)len;
	client->request[client->len] = '\0';
	if (strstr(client->request, "\r\n\r\n") == NULL)
		return client->len < sizeof(client->request) - 1;
	client->image = strstr(client->request, "gzip") ? &gzip : &identity;
	client->len = 0;
	return answer(epoll, client);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct client door;
	SSL_CTX *context;
	int epoll, i, count;

	if (argc != 6)
		return 2;
	load_image(&identity, argv[4], "");
	load_image(&gzip, argv[5], "Content-Encoding: gzip\r\n");
	signal(SIGPIPE, SIG_IGN);
	context = make_context(argv[2], argv[3]);
	door.fd = open_listener(atoi(argv[1]));
	epoll = epoll_create1(0);
	watch(epoll, EPOLL_CTL_ADD, &door, EPOLLIN);
	for (;;) {
		count = epoll_wait(epoll, events, EVENTS, -1);
		for (i = 0; i < count; i++) {
			struct client *client = events[i].data.ptr;

			if (client == &door)
				accept_client(epoll, door.fd, context);
			else if (!serve(epoll, client))
				drop(client);
		}
	}
}
