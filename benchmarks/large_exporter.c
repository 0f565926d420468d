/*
 * An exporter with a large answer, as kube-state-metrics has it in a large
 * cluster: samples with many labels, and the same text every time.
 *
 *   large_exporter MEGABYTES
 *
 * Prints its port.  One connection at a time, one request after the other:
 *
 *   GET /ready      the text stands in memory and is written as it is
 *   GET /made       each line is put together when it is written, which is
 *                   what real exporters do at the least
 *
 * With Accept-Encoding: gzip it compresses, at zlib's usual level, which is
 * also Go's.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#define MEGABYTE ((size_t)1 << 20)
#define PIECE ((size_t)64 << 10)
#define LINE_MAX_BYTES 400

struct out {
	int fd;
	bool is_bad;
	bool is_gzip;
	z_stream z;
};

static char *text;
static size_t text_len;

static size_t
make_line(char *line, unsigned long number)
{
	static const char *const phases[] = { "Pending", "Running", "Succeeded",
		"Failed", "Unknown" };

	return (size_t)snprintf(line, LINE_MAX_BYTES,
	    "kube_pod_status_phase{namespace=\"shop-%lu\",pod=\"checkout-"
	    "%08lx-%05lx\",uid=\"%08lx-9d3b-4c55-8a0e-%012lx\",phase=\"%s\"} "
	    "%d\n",
	    number / 5 % 400, number / 5 * 2654435761UL & 0xffffffffUL,
	    number / 5 * 40503UL & 0xfffffUL,
	    number / 5 * 2246822519UL & 0xffffffffUL,
	    number / 5 * 3266489917UL & 0xffffffffffffUL, phases[number % 5],
	    number % 5 == 1);
}

static void
make_text(size_t len)
{
	unsigned long number = 0;

	text = malloc(len + LINE_MAX_BYTES);
	if (text == NULL)
		exit(1);
	while (text_len < len)
		text_len += make_line(text + text_len, number++);
}

static void
write_all(struct out *out, const char *bytes, size_t len)
{
	while (len > 0 && !out->is_bad) {
		ssize_t n = write(out->fd, bytes, len);

		if (n <= 0) {
			out->is_bad = true;
			return;
		}
		bytes += n;
		len -= (size_t)n;
	}
}

/* With its size line in front and its line end behind, by one write. */
static void
write_chunk(struct out *out, const char *bytes, size_t len)
{
	static char chunk[PIECE + 64];
	int head;

	if (len == 0)
		return;
	head = snprintf(chunk, sizeof(chunk), "%zx\r\n", len);
	memcpy(chunk + head, bytes, len);
	memcpy(chunk + head + len, "\r\n", 2);
	write_all(out, chunk, (size_t)head + len + 2);
}

static void
put_gzip(struct out *out, const char *bytes, size_t len, int flush)
{
	static char packed[PIECE];

	out->z.next_in = (unsigned char *)bytes;
	out->z.avail_in = (unsigned)len;
	do {
		out->z.next_out = (unsigned char *)packed;
		out->z.avail_out = sizeof(packed);
		deflate(&out->z, flush);
		write_chunk(out, packed, sizeof(packed) - out->z.avail_out);
	} while (out->z.avail_out == 0 && !out->is_bad);
}

static void
put(struct out *out, const char *bytes, size_t len)
{
	if (out->is_gzip)
		put_gzip(out, bytes, len, Z_NO_FLUSH);
	else
		write_chunk(out, bytes, len);
}

static void
put_ready(struct out *out)
{
	size_t at, len;

	if (!out->is_gzip) { /* as fast as anything can be */
		write_all(out, text, text_len);
		return;
	}
	for (at = 0; at < text_len && !out->is_bad; at += len) {
		len = text_len - at < PIECE ? text_len - at : PIECE;
		put(out, text + at, len);
	}
}

static void
put_made(struct out *out)
{
	static char piece[PIECE];
	unsigned long number = 0;
	size_t sent = 0, len = 0;

	while (sent + len < text_len && !out->is_bad) {
		if (len + LINE_MAX_BYTES > PIECE) {
			put(out, piece, len);
			sent += len;
			len = 0;
		}
		len += make_line(piece + len, number++);
	}
	put(out, piece, len);
}

static void
answer(int fd, const char *request)
{
	struct out out = { .fd = fd };
	bool is_ready = strncmp(request, "GET /ready", 10) == 0;
	char head[256];

	out.is_gzip = strcasestr(request, "accept-encoding: gzip") != NULL;
	if (out.is_gzip)
		deflateInit2(&out.z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16,
		    8, Z_DEFAULT_STRATEGY);
	snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n%s",
	    out.is_gzip ? "Content-Encoding: gzip\r\n" : "");
	write_all(&out, head, strlen(head));
	if (is_ready && !out.is_gzip)
		snprintf(head, sizeof(head), "Content-Length: %zu\r\n\r\n",
		    text_len);
	else
		snprintf(
		    head, sizeof(head), "Transfer-Encoding: chunked\r\n\r\n");
	write_all(&out, head, strlen(head));
	if (is_ready)
		put_ready(&out);
	else
		put_made(&out);
	if (out.is_gzip) {
		put_gzip(&out, NULL, 0, Z_FINISH);
		deflateEnd(&out.z);
	}
	if (!is_ready || out.is_gzip)
		write_all(&out, "0\r\n\r\n", 5);
}

static void
serve(int fd)
{
	char request[8192];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, request + len, sizeof(request) - 1 - len)) > 0) {
		len += (size_t)n;
		request[len] = '\0';
		if (strstr(request, "\r\n\r\n") != NULL) {
			answer(fd, request);
			len = 0;
		}
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (argc != 2)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	make_text(strtoul(argv[1], NULL, 10) * MEGABYTE);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, len) == -1 ||
	    listen(listener, 16) == -1 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) == -1)
		return 1;
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd == -1)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (fork() == 0) {
			close(listener);
			serve(fd);
			_exit(0);
		}
		close(fd);
	}
}
