/*
 * A small exporter to try the gate with, and to break on purpose.
 *
 * It serves a believable /metrics: its counters count what this process does
 * and its process_* values are its own.  `--break=MODE` at start, or
 * `curl -X POST http://ADDRESS/break/MODE` while it runs, makes it fail in one
 * of the ways exporters fail in production.  The switch itself always works.
 *
 * One detached thread per connection, which owns its descriptor.  Shared are
 * only the atomics below.  Made for demonstrations and tests on loopback.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS 6
#define HEAD_MAX 8192
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"
#define CLOSE "Connection: close\r\n"
#define LITERAL(bytes) (bytes), sizeof(bytes) - 1

enum how {
	HOW_WELL,      /* the whole answer, and the connection stays */
	HOW_SAY,       /* these bytes instead, then close */
	HOW_HANG,      /* nothing, for as long as the peer waits */
	HOW_SLOW_HEAD, /* one byte a second */
	HOW_SLOW_BODY, /* the head at once, then one line a second */
	HOW_CUT,       /* half of it, then close */
	HOW_RESET
};

static const struct fault {
	const char *name;
	const char *help;
	enum how how;
	const char *bytes; /* HOW_SAY */
	size_t len;
} faults[] = {
	{ "none", "answers well", HOW_WELL, NULL, 0 },
	{ "hang", "accepts and never answers", HOW_HANG, NULL, 0 },
	{ "slow-headers", "one byte of the head a second", HOW_SLOW_HEAD, NULL,
	    0 },
	{ "slow-body", "one line of the body a second", HOW_SLOW_BODY, NULL,
	    0 },
	{ "cut-head", "closes in the middle of the head", HOW_SAY,
	    LITERAL("HTTP/1.1 200 OK\r\nContent-Ty") },
	{ "cut-body", "closes in the middle of the body", HOW_CUT, NULL, 0 },
	{ "reset", "resets the connection before it answers", HOW_RESET, NULL,
	    0 },
	{ "garbage", "talks like an SSH server", HOW_SAY,
	    LITERAL("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n") },
	{ "500", "500 with the collector's own error text", HOW_SAY,
	    LITERAL("HTTP/1.1 500 Internal Server Error\r\n" PLAIN CLOSE
		    "\r\ncollector \"disk\" failed: open /proc/diskstats: "
		    "permission denied\n") },
	{ "401", "wants credentials", HOW_SAY,
	    LITERAL("HTTP/1.1 401 Unauthorized\r\n" PLAIN CLOSE
		    "WWW-Authenticate: Basic realm=\"demo\"\r\n"
		    "\r\nUnauthorized\n") },
	{ "empty", "200 with an empty body", HOW_SAY,
	    LITERAL("HTTP/1.1 200 OK\r\n" PLAIN CLOSE
		    "Content-Length: 0\r\n\r\n") },
	{ "tls", "answers as a TLS port answers plain HTTP", HOW_SAY,
	    LITERAL("\x15\x03\x01\x00\x02\x02\x46") },
};

#define FAULT_COUNT (sizeof(faults) / sizeof(faults[0]))

static const double bucket_seconds[BUCKETS] = { 0.0001, 0.00025, 0.0005, 0.001,
	0.0025, 0.01 };

static double start_time; /* seconds since 1970; set before any thread */
static atomic_uint fault_now;
static atomic_uint_fast64_t connections_total;
static atomic_uint_fast64_t scrapes_total;
static atomic_uint_fast64_t sent_bytes_total;
static atomic_uint_fast64_t render_ns_total;
static atomic_uint_fast64_t render_buckets[BUCKETS + 1]; /* not cumulative */

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool
fault_choose(const char *name)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		if (strcmp(faults[i].name, name) == 0) {
			atomic_store(&fault_now, i);
			return true;
		}
	}
	return false;
}

/* Sending. */

static bool
send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		atomic_fetch_add(&sent_bytes_total, (uint64_t)n);
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
send_page(int fd, const char *status, const char *headers, const char *body)
{
	char page[2048];
	int n = snprintf(page, sizeof(page),
	    "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
	    strlen(body), body);

	return send_all(fd, page, (size_t)n);
}

/* False as soon as the peer has left or another fault was chosen. */
static bool
pause_one_second(int fd, unsigned fault)
{
	struct pollfd peer = { .fd = fd, .events = POLLRDHUP };

	for (int slice = 0; slice < 10; slice++) {
		if (poll(&peer, 1, 100) > 0 || atomic_load(&fault_now) != fault)
			return false;
	}
	return true;
}

static void
send_by_line(int fd, unsigned fault, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t line_len = (size_t)(newline - text) + 1;

		if (!send_all(fd, text, line_len) ||
		    !pause_one_second(fd, fault))
			return;
		text += line_len;
	}
}

/* Answers, or breaks it; true if the connection may serve another request. */
static bool
send_broken(int fd, const char *head, const char *body, size_t len)
{
	static const struct linger drop = { .l_onoff = 1, .l_linger = 0 };
	unsigned fault = atomic_load(&fault_now);
	const struct fault *row = &faults[fault];
	size_t head_len = strlen(head);

	switch (row->how) {
	case HOW_WELL:
		return send_all(fd, head, head_len) && send_all(fd, body, len);
	case HOW_SAY:
		send_all(fd, row->bytes, row->len);
		break;
	case HOW_HANG:
		while (pause_one_second(fd, fault))
			;
		break;
	case HOW_SLOW_HEAD:
		while (*head != '\0' && send_all(fd, head++, 1) &&
		       pause_one_second(fd, fault))
			;
		break;
	case HOW_SLOW_BODY:
		if (send_all(fd, head, head_len))
			send_by_line(fd, fault, body, len);
		break;
	case HOW_CUT:
		if (send_all(fd, head, head_len))
			send_all(fd, body, len / 2);
		break;
	case HOW_RESET:
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop, sizeof(drop));
		break;
	}
	return false;
}

/* The metrics. */

static void
family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
value(FILE *out, const char *name, const char *type, const char *help,
    double number)
{
	family(out, name, type, help);
	fprintf(out, "%s %.17g\n", name, number);
}

static unsigned
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 3; /* ".", ".." and the descriptor of `dir` itself */
}

static void
render_process(FILE *out)
{
	struct rlimit limit = { 0 };
	unsigned long size = 0, resident = 0;
	FILE *statm = fopen("/proc/self/statm", "re");
	double page = (double)sysconf(_SC_PAGESIZE);

	if (statm != NULL) {
		if (fscanf(statm, "%lu %lu", &size, &resident) != 2)
			size = resident = 0;
		fclose(statm);
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	value(out, "process_cpu_seconds_total", "counter",
	    "Total user and system CPU time spent in seconds.",
	    (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9);
	value(out, "process_max_fds", "gauge",
	    "Maximum number of open file descriptors.", (double)limit.rlim_cur);
	value(out, "process_open_fds", "gauge",
	    "Number of open file descriptors.", open_fds());
	value(out, "process_resident_memory_bytes", "gauge",
	    "Resident memory size in bytes.", (double)resident * page);
	value(out, "process_start_time_seconds", "gauge",
	    "Start time of the process since unix epoch in seconds.",
	    start_time);
	value(out, "process_virtual_memory_bytes", "gauge",
	    "Virtual memory size in bytes.", (double)size * page);
}

static void
render_durations(FILE *out)
{
	const char *name = "demo_render_duration_seconds";
	uint64_t count = 0;

	family(out, name, "histogram", "Time taken to render one answer.");
	for (size_t i = 0; i < BUCKETS; i++) {
		count += atomic_load(&render_buckets[i]);
		fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
		    bucket_seconds[i], count);
	}
	count += atomic_load(&render_buckets[BUCKETS]);
	fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
	fprintf(out, "%s_sum %.9f\n", name,
	    (double)atomic_load(&render_ns_total) / 1e9);
	fprintf(out, "%s_count %" PRIu64 "\n", name, count);
}

static void
count_render(uint64_t ns)
{
	size_t i = 0;

	while (i < BUCKETS && (double)ns / 1e9 > bucket_seconds[i])
		i++;
	atomic_fetch_add(&render_buckets[i], 1);
	atomic_fetch_add(&render_ns_total, ns);
}

/* The caller frees the text. */
static char *
render(size_t *len)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	double load = 0;

	if (out == NULL)
		return NULL;
	getloadavg(&load, 1);
	family(out, "demo_exporter_build_info", "gauge",
	    "A metric with a constant '1' value.");
	fputs("demo_exporter_build_info{version=\"" SCRAPEGATE_VERSION
	      "\"} 1\n",
	    out);
	value(out, "demo_connections_total", "counter", "Connections accepted.",
	    (double)atomic_load(&connections_total));
	value(out, "demo_load1", "gauge", "1m load average.", load);
	render_durations(out);
	value(out, "demo_scrapes_total", "counter",
	    "Requests for /metrics, this one included.",
	    (double)atomic_load(&scrapes_total));
	value(out, "demo_sent_bytes_total", "counter", "Bytes sent.",
	    (double)atomic_load(&sent_bytes_total));
	render_process(out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	count_render(clock_ns(CLOCK_MONOTONIC) - start);
	return text;
}

/* One connection. */

static bool
serve_metrics(int fd, bool is_head)
{
	char head[256], *text;
	size_t len;
	bool is_reusable;

	atomic_fetch_add(&scrapes_total, 1);
	text = render(&len);
	if (text == NULL)
		return false;
	snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; "
	    "charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
	    len);
	is_reusable = send_broken(fd, head, text, is_head ? 0 : len);
	free(text);
	return is_reusable;
}

static void
serve_switch(int fd, const char *mode)
{
	char body[64];

	if (!fault_choose(mode)) {
		send_page(fd, "404 Not Found", PLAIN CLOSE,
		    "no such mode; see demo-exporter --help\n");
		return;
	}
	snprintf(body, sizeof(body), "now: %s\n", mode);
	send_page(fd, "200 OK", PLAIN CLOSE, body);
}

/* True if the connection may serve another request. */
static bool
serve_request(int fd, const char *head)
{
	char method[8], path[64];

	if (sscanf(head, "%7s %63[^ ?]", method, path) != 2)
		return false;
	if (strcmp(method, "POST") == 0) {
		serve_switch(
		    fd, strncmp(path, "/break/", 7) == 0 ? path + 7 : "");
		return false;
	}
	if (strcmp(path, "/metrics") == 0)
		return serve_metrics(fd, strcmp(method, "HEAD") == 0);
	if (strcmp(path, "/") == 0)
		send_page(fd, "200 OK", "Content-Type: text/html\r\n" CLOSE,
		    "<!DOCTYPE html><title>Demo exporter</title>"
		    "<a href=\"/metrics\">Metrics</a>\n");
	else
		send_page(fd, "404 Not Found", PLAIN CLOSE, "not found\n");
	return false;
}

static void *
serve_client(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char head[HEAD_MAX + 1];
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, head + len, HEAD_MAX - len, 0);
		const char *end;

		if (n <= 0)
			break;
		len += (size_t)n;
		head[len] = '\0';
		end = strstr(head, "\r\n\r\n");
		if (end == NULL && len < HEAD_MAX)
			continue;
		if (end == NULL || !serve_request(fd, head))
			break;
		len = 0; /* whoever pipelines is not our audience */
	}
	close(fd);
	return NULL;
}

static void
accept_client(int listener)
{
	int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	pthread_t thread;

	if (fd == -1) {
		poll(NULL, 0, 100); /* without descriptors it would spin */
		return;
	}
	atomic_fetch_add(&connections_total, 1);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (pthread_create(&thread, NULL, serve_client, (void *)(intptr_t)fd))
		close(fd);
	else
		pthread_detach(thread);
}

/* `address` is "IPV4:PORT".  Returns the listening socket, or -1. */
static int
listen_on(const char *address)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	unsigned port;
	char host[16], tail;
	int fd, on = 1;

	if (sscanf(address, "%15[0-9.]:%u%c", host, &port, &tail) != 2 ||
	    port > 65535 || inet_pton(AF_INET, host, &sin.sin_addr) != 1) {
		fprintf(stderr, "demo-exporter: --listen %s: want IPV4:PORT\n",
		    address);
		exit(2);
	}
	sin.sin_port = htons((uint16_t)port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 128) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1) {
		close(fd);
		return -1;
	}
	printf("listening on %s:%u\n", host, (unsigned)ntohs(sin.sin_port));
	fflush(stdout);
	return fd;
}

static int
usage(FILE *out, int code)
{
	fputs("usage: demo-exporter [--listen IPV4:PORT] [--break=MODE]\n\n"
	      "Serves /metrics (default 127.0.0.1:9464; port 0 takes a free\n"
	      "one).  Break it while it runs:\n"
	      "  curl -X POST http://127.0.0.1:9464/break/MODE\n\nModes:\n",
	    out);
	for (size_t i = 0; i < FAULT_COUNT; i++)
		fprintf(out, "  %-13s %s\n", faults[i].name, faults[i].help);
	return code;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "break", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *address = "127.0.0.1:9464";
	int listener, opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'h')
			return usage(stdout, 0);
		if (opt == 'l')
			address = optarg;
		else if (opt != 'b' || !fault_choose(optarg))
			return usage(stderr, 2);
	}
	if (optind < argc)
		return usage(stderr, 2);
	start_time = (double)clock_ns(CLOCK_REALTIME) / 1e9;
	listener = listen_on(address);
	if (listener == -1) {
		fprintf(stderr, "demo-exporter: cannot listen on %s: %s\n",
		    address, strerror(errno));
		return 1;
	}
	for (;;)
		accept_client(listener);
}
