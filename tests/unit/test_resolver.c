/* The resolver against a name server of ours on loopback. */
#include "tests/unit/attempting.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/fetch/resolver.h"
#include "proxy/fetch/resolv_conf.h"

#define TYPE_A 1
#define TYPE_AAAA 28

enum behaviour {
	ANSWER,
	RCODE, /* value: the code */
	EMPTY,
	TRUNCATE,
	SILENCE,
	HALF /* answers A, is silent about AAAA */
};

static const struct zone {
	const char *name;
	enum behaviour behaviour;
	unsigned char rcode;
	unsigned ttl;
	const char *v4;
	const char *v6;
} zones[] = {
	{ "good.test", ANSWER, 0, 60, "127.0.0.1", NULL },
	{ "both.test", ANSWER, 0, 60, "127.0.0.1", "::1" },
	{ "brief.test", ANSWER, 0, 0, "127.0.0.1", NULL },
	{ "app.b.test", ANSWER, 0, 60, "127.0.0.2", NULL },
	{ "half.test", HALF, 0, 60, "127.0.0.1", NULL },
	{ "fail.test", RCODE, 2, 0, NULL, NULL },
	{ "refuse.test", RCODE, 5, 0, NULL, NULL },
	{ "fail.a.test", RCODE, 2, 0, NULL, NULL },
	{ "fail.b.test", ANSWER, 0, 60, "127.0.0.3", NULL },
	{ "none.test", EMPTY, 0, 0, NULL, NULL },
	{ "long.test", TRUNCATE, 0, 0, NULL, NULL },
	{ "silent.test", SILENCE, 0, 0, NULL, NULL },
};

static struct server {
	int fd;
	unsigned port;
	pthread_t thread;
	char asked[64][256]; /* names of the A queries */
	atomic_uint count;
	char conf[32]; /* path of resolv.conf */
	char hosts[32];
} server;

/* Held between the two answers for both.test: whoever asks must not take its
 * turn after the first and give up on the second. */
static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;

/* The name in a query as text; returns the offset behind it. */
static size_t
read_name(const unsigned char *packet, char *name)
{
	size_t at = 12;

	while (packet[at] != 0) {
		if (name[0] != '\0')
			strcat(name, ".");
		strncat(name, (const char *)packet + at + 1, packet[at]);
		at += packet[at] + 1u;
	}
	return at + 1;
}

static size_t
add_record(unsigned char *packet, size_t len, unsigned type, unsigned ttl,
    const void *ip, size_t ip_len)
{
	unsigned char fixed[12] = { 0xc0, 12, 0, (unsigned char)type, 0, 1, 0,
		0, (unsigned char)(ttl >> 8), (unsigned char)ttl, 0,
		(unsigned char)ip_len };

	memcpy(packet + len, fixed, 12);
	memcpy(packet + len + 12, ip, ip_len);
	packet[7]++;
	return len + 12 + ip_len;
}

/* The answer in place of the query; 0 for none. */
static size_t
make_answer(unsigned char *packet, const char *name, size_t end)
{
	unsigned type = packet[end + 1];
	size_t len = end + 4, i;
	unsigned char ip[16];

	packet[2] = 0x81;
	packet[3] = 0x83; /* NXDOMAIN unless we know it */
	memset(packet + 6, 0, 6);
	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		const struct zone *z = &zones[i];

		if (strcmp(z->name, name) != 0)
			continue;
		if (z->behaviour == SILENCE ||
		    (z->behaviour == HALF && type == TYPE_AAAA))
			return 0;
		packet[3] = (unsigned char)(0x80 | z->rcode);
		if (z->behaviour == TRUNCATE)
			packet[2] |= 2;
		if (type == TYPE_A && z->v4 != NULL) {
			inet_pton(AF_INET, z->v4, ip);
			len = add_record(packet, len, TYPE_A, z->ttl, ip, 4);
		}
		if (type == TYPE_AAAA && z->v6 != NULL) {
			inet_pton(AF_INET6, z->v6, ip);
			len =
			    add_record(packet, len, TYPE_AAAA, z->ttl, ip, 16);
		}
	}
	return len;
}

static void *
serve(void *arg)
{
	unsigned char packet[1024];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n;

	(void)arg;
	while ((n = recvfrom(server.fd, packet, 512, 0,
		    (struct sockaddr *)&from, &from_len)) > 1) {
		char name[256] = "";
		size_t end = read_name(packet, name);
		size_t len;
		unsigned type;
		bool is_pair;

		/* The probe of a silent server asks for the root. */
		if (packet[end + 1] == TYPE_A)
			snprintf(
			    server.asked[server.count++ % 64], 256, "%s", name);
		if (packet[end + 1] != TYPE_A && packet[end + 1] != TYPE_AAAA)
			continue;
		is_pair = strcmp(name, "both.test") == 0;
		type = packet[end + 1];
		len = make_answer(packet, name, end);
		if (is_pair && type == TYPE_A)
			pthread_mutex_lock(&turn_lock);
		if (len > 0)
			sendto(server.fd, packet, len, 0,
			    (struct sockaddr *)&from, from_len);
		if (is_pair && type == TYPE_AAAA)
			pthread_mutex_unlock(&turn_lock);
	}
	return NULL;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

static void
write_conf(unsigned port, const char *rest)
{
	char text[512];

	snprintf(text, sizeof(text), "nameserver 127.0.0.1:%u\n%s", port, rest);
	write_file(server.conf, text);
}

static int
set_up(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	(void)state;
	memset(&server, 0, sizeof(server));
	server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bind(server.fd, (struct sockaddr *)&in, sizeof(in));
	getsockname(server.fd, (struct sockaddr *)&in, &len);
	server.port = ntohs(in.sin_port);
	strcpy(server.conf, "/tmp/test_resolver_XXXXXX");
	strcpy(server.hosts, "/tmp/test_resolver_XXXXXX");
	close(mkstemp(server.conf));
	close(mkstemp(server.hosts));
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int
tear_down(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)server.port) };

	(void)state;
	sendto(server.fd, "", 1, 0, (struct sockaddr *)&in, sizeof(in));
	pthread_join(server.thread, NULL);
	close(server.fd);
	unlink(server.conf);
	unlink(server.hosts);
	return 0;
}

struct asking {
	struct event_base *base;
	struct resolver *resolver;
	struct resolver_answer answer;
	unsigned answers;
};

static void
asking_open(struct asking *a)
{
	memset(a, 0, sizeof(*a));
	a->base = event_base_new();
	a->resolver = resolver_new(a->base, server.conf, server.hosts);
}

static void
asking_close(struct asking *a)
{
	resolver_free(a->resolver);
	event_base_free(a->base);
}

static void
on_answer(const struct resolver_answer *answer, void *arg)
{
	struct asking *a = arg;

	a->answer = *answer;
	a->answers++;
}

static void
ask(struct asking *a, const char *name)
{
	a->answers = 0;
	resolver_ask(a->resolver, name, on_answer, a);
	assert_int_equal(a->answers, 0);
	while (a->answers == 0) {
		pthread_mutex_lock(&turn_lock);
		event_base_loop(a->base, EVLOOP_NONBLOCK);
		pthread_mutex_unlock(&turn_lock);
		usleep(500);
	}
}

static void
test_results(void **state)
{
	static const struct {
		const char *name;
		const char *conf;
		enum resolve_result result;
		const char *address; /* the first */
		unsigned count;
	} rows[] = {
		{ "good.test", "", RESOLVE_OK, "127.0.0.1", 1 },
		{ "GOOD.Test.", "", RESOLVE_OK, "127.0.0.1", 1 },
		{ "both.test", "", RESOLVE_OK, NULL, 2 },
		{ "half.test", "", RESOLVE_OK, "127.0.0.1", 1 },
		{ "nobody.test", "", RESOLVE_NXDOMAIN, NULL, 0 },
		{ "none.test", "", RESOLVE_NODATA, NULL, 0 },
		{ "fail.test", "", RESOLVE_SERVER_FAILURE, NULL, 0 },
		{ "refuse.test", "", RESOLVE_SERVER_FAILURE, NULL, 0 },
		{ "long.test", "", RESOLVE_TRUNCATED, NULL, 0 },
		{ "silent.test", "options timeout:1 attempts:1\n",
		    RESOLVE_TIMEOUT, NULL, 0 },
		/* The search list, and what ndots does to it. */
		{ "app", "search a.test b.test\n", RESOLVE_OK, "127.0.0.2", 1 },
		{ "app.", "search a.test b.test\n", RESOLVE_NXDOMAIN, NULL, 0 },
		{ "good.test", "search a.test\noptions ndots:5\n", RESOLVE_OK,
		    "127.0.0.1", 1 },
		{ "fail", "search a.test b.test\noptions attempts:1\n",
		    RESOLVE_OK, "127.0.0.3", 1 },
		{ "fail", "search a.test c.test\noptions attempts:1\n",
		    RESOLVE_SERVER_FAILURE, NULL, 0 },
		{ "none", "search test c.test\n", RESOLVE_NODATA, NULL, 0 },
	};
	char name_server[64];
	size_t i;

	(void)state;
	snprintf(name_server, sizeof(name_server), "127.0.0.1:%u", server.port);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asking a;

		print_message("  %s %s\n", rows[i].name, rows[i].conf);
		write_conf(server.port, rows[i].conf);
		asking_open(&a);
		ask(&a, rows[i].name);
		assert_int_equal(a.answer.result, rows[i].result);
		assert_int_equal(a.answer.addresses.count, rows[i].count);
		assert_string_equal(a.answer.name_server, name_server);
		if (rows[i].address != NULL)
			assert_string_equal(
			    a.answer.addresses.text[0], rows[i].address);
		/* Nothing goes on after the answer. */
		while (event_base_loop(a.base, EVLOOP_NONBLOCK) == 0)
			;
		assert_int_equal(
		    event_base_get_num_events(a.base, EVENT_BASE_COUNT_ADDED),
		    0);
		asking_close(&a);
	}
}

static unsigned
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	bind(fd, (struct sockaddr *)&in, sizeof(in));
	getsockname(fd, (struct sockaddr *)&in, &len);
	close(fd);
	return ntohs(in.sin_port);
}

static void
test_unreachable(void **state)
{
	char second[64];
	struct asking a;

	(void)state;
	write_conf(free_port(), "");
	asking_open(&a);
	ask(&a, "good.test");
	assert_int_equal(a.answer.result, RESOLVE_UNREACHABLE);
	asking_close(&a);

	/* The next server is asked then. */
	snprintf(
	    second, sizeof(second), "nameserver 127.0.0.1:%u\n", server.port);
	write_conf(free_port(), second);
	asking_open(&a);
	ask(&a, "good.test");
	assert_int_equal(a.answer.result, RESOLVE_OK);
	asking_close(&a);
}

static void
test_kept_answers(void **state)
{
	struct resolver_answer answer;
	struct asking a;
	uint64_t begin_us;

	(void)state;
	write_conf(server.port, "");
	asking_open(&a);
	assert_false(resolver_at_hand(a.resolver, "good.test", &answer));
	ask(&a, "good.test");
	assert_true(resolver_at_hand(a.resolver, "Good.test", &answer));
	assert_int_equal(answer.result, RESOLVE_OK);
	assert_string_equal(answer.addresses.text[0], "127.0.0.1");
	/* A TTL of 0 is a second for us; a failure is nothing. */
	begin_us = clock_now_us();
	ask(&a, "brief.test");
	assert_true(resolver_at_hand(a.resolver, "brief.test", &answer) ||
		    clock_now_us() - begin_us >= 1000000);
	ask(&a, "nobody.test");
	assert_true(answer.is_kept);
	resolver_forget(a.resolver, "BRIEF.test");
	resolver_forget(a.resolver, "brief.test");
	assert_false(resolver_at_hand(a.resolver, "brief.test", &answer));
	assert_false(resolver_at_hand(a.resolver, "nobody.test", &answer));
	asking_close(&a);
}

static void
test_shared_lookup(void **state)
{
	struct resolver_query *second;
	struct asking a;
	unsigned before;

	(void)state;
	write_conf(server.port, "");
	asking_open(&a);
	before = server.count;
	resolver_ask(a.resolver, "good.test", on_answer, &a);
	second = resolver_ask(a.resolver, "good.test", on_answer, &a);
	resolver_ask(a.resolver, "good.test", on_answer, &a);
	resolver_cancel(second);
	while (a.answers < 2)
		event_base_loop(a.base, EVLOOP_ONCE);
	assert_int_equal(a.answers, 2);
	assert_int_equal(server.count - before, 1);
	asking_close(&a);
}

static void
test_hosts_and_localhost(void **state)
{
	struct resolver_answer answer;
	struct asking a;

	(void)state;
	write_file(server.hosts, "10.1.2.3 Node # the node\n");
	asking_open(&a);
	assert_true(resolver_at_hand(a.resolver, "node.", &answer));
	assert_string_equal(answer.addresses.text[0], "10.1.2.3");
	assert_true(resolver_at_hand(a.resolver, "localhost", &answer));
	assert_true(answer.addresses.count >= 1);
	assert_true(resolver_at_hand(a.resolver, "x.LocalHost.", &answer));
	assert_false(resolver_at_hand(a.resolver, "notlocalhost", &answer));
	assert_false(resolver_at_hand(a.resolver, "other", &answer));
	write_file(server.hosts, "10.1.2.4 node\n10.9.9.9 localhost\n");
	assert_true(resolver_at_hand(a.resolver, "node", &answer));
	assert_string_equal(answer.addresses.text[0], "10.1.2.4");
	assert_true(resolver_at_hand(a.resolver, "localhost", &answer));
	assert_string_equal(answer.addresses.text[0], "10.9.9.9");
	asking_close(&a);
	write_file(server.hosts, "");
}

/* Cancelled after each turn that a lookup takes. */
static void
test_cancel(void **state)
{
	int turns, turn;

	(void)state;
	write_conf(server.port, "");
	for (turns = 0; turns < 8; turns++) {
		struct resolver_query *query;
		struct asking a;

		asking_open(&a);
		query = resolver_ask(a.resolver,
		    turns % 2 == 0 ? "silent.test" : "both.test", on_answer,
		    &a);
		for (turn = 0; turn < turns && a.answers == 0; turn++)
			event_base_loop(a.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		if (a.answers == 0)
			resolver_cancel(query);
		a.answers = 0;
		event_base_loop(a.base, EVLOOP_NONBLOCK);
		assert_int_equal(a.answers, 0);
		asking_close(&a);
	}
}

static void
test_free_while_asking(void **state)
{
	struct asking a;

	(void)state;
	write_conf(server.port, "");
	asking_open(&a);
	resolver_ask(a.resolver, "silent.test", on_answer, &a);
	resolver_ask(a.resolver, "silent.test", on_answer, &a);
	event_base_loop(a.base, EVLOOP_ONCE);
	asking_close(&a);
	assert_int_equal(a.answers, 0);
}

/* The whole way: what an attempt reports of a name. */
static void
test_attempts(void **state)
{
	struct client c;
	struct conf_target target;
	struct report view;
	struct attempt *attempt;

	(void)state;
	write_conf(server.port, "");
	client_open(&c);
	fetcher_set_resolver_files(c.fetcher, server.conf, server.hosts);
	target_init(&target, CONF_HTTP, "nobody.test", 1);
	client_fetch(&c, &target);
	assert_int_equal(c.report.end, ATTEMPT_FAILED);
	assert_int_equal(c.report.step, STEP_RESOLVE);
	assert_int_equal(c.report.resolve, RESOLVE_NXDOMAIN);
	assert_true(c.report.phases.us[PHASE_RESOLVE] > 0);
	assert_int_equal(c.report.curl_code, 0);

	target_init(&target, CONF_HTTP, "good.test", 1);
	client_fetch(&c, &target);
	assert_int_equal(c.report.resolve, RESOLVE_OK);
	assert_string_equal(c.report.address, "127.0.0.1:1");
	assert_int_equal(c.report.step, STEP_CONNECT);
	assert_true(c.report.phases.us[PHASE_RESOLVE] > 0);
	/* Nobody is at the kept address, so the name is asked for again. */
	client_fetch(&c, &target);
	assert_true(c.report.phases.us[PHASE_RESOLVE] > 0);
	assert_string_equal(c.report.address, "127.0.0.1:1");

	target_init(&target, CONF_HTTP, "silent.test", 1);
	attempt = client_start(&c, &target);
	do {
		event_base_loop(c.base, EVLOOP_ONCE);
		attempt_view(attempt, &view);
	} while (view.step < STEP_RESOLVE);
	assert_int_equal(view.step, STEP_RESOLVE);
	event_base_loop(c.base, EVLOOP_ONCE);
	attempt_cancel(attempt);
	client_close(&c);
}

static void
test_resolv_conf(void **state)
{
	static const struct {
		const char *text;
		const char *host;
		const char *name;
		const char *candidates; /* joined by spaces */
	} rows[] = {
		{ "", "box", "app", "app" },
		{ "", "box.corp.test", "app", "app.corp.test app" },
		{ "search a b.\n", "", "x.y", "x.y x.y.a x.y.b" },
		{ "domain d\nsearch a\n", "", "x", "x.a x" },
		{ "search a\ndomain d\n", "", "x", "x.d x" },
		{ "search a\noptions ndots:2\n", "", "X.y", "x.y.a x.y" },
		{ "search a\noptions ndots:0\n", "", "x", "x x.a" },
		{ "# search z\n; search y\n", "", "x", "x" },
		{ "search a\n", "", "x.", "x" },
	};
	struct resolv_conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char joined[512] = "", name[RESOLV_NAME_MAX];
		unsigned n;

		resolv_conf_parse(&conf, rows[i].text, rows[i].host);
		for (n = 0;
		     resolv_conf_candidate(&conf, rows[i].name, n, name) == 0;
		     n++) {
			strcat(joined, n > 0 ? " " : "");
			strcat(joined, name);
		}
		assert_string_equal(joined, rows[i].candidates);
	}
	resolv_conf_parse(&conf, "", "");
	assert_string_equal(conf.servers[0].text, "127.0.0.1:53");
	resolv_conf_parse(&conf,
	    "nameserver 10.0.0.2\nnameserver fd00::53\n"
	    "nameserver nonsense\noptions timeout:99 attempts:0 rotate\n",
	    "");
	assert_int_equal(conf.server_count, 2);
	assert_string_equal(conf.servers[0].text, "10.0.0.2:53");
	assert_string_equal(conf.servers[1].text, "[fd00::53]:53");
	assert_int_equal(conf.timeout_s, 30);
	assert_int_equal(conf.attempts, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_kept_answers),
		cmocka_unit_test(test_shared_lookup),
		cmocka_unit_test(test_hosts_and_localhost),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_free_while_asking),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_resolv_conf),
	};

	alarm(60); /* a test that hangs fails */
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
