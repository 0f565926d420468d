#include "proxy/fetch/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/dns.h>
#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/fetch/resolv_conf.h"

/* How long one family waits for the other once it has addresses (RFC 8305). */
#define OTHER_FAMILY_MS 50
/* How long a server may be silent before we ask whether it is there at all. */
#define SILENCE_MS 100

/* Freed by its callback, which evdns runs in every case. */
struct query {
	struct lookup_env *env;
	struct lookup *lookup; /* NULL once nobody cares */
	unsigned family;       /* 0: A, 1: AAAA */
};

struct lookup {
	struct lookup_env *env;
	struct resolv_conf conf;
	char *name;
	lookup_done_fn *done;
	void *arg;

	unsigned candidate;
	unsigned tries; /* of this candidate */
	struct evdns_base *dns;
	struct query *queries[2];
	int errors[2];
	struct event *timer; /* start, timeout, other family */
	struct event *silence;
	struct event *unreachable;
	int probe_fd;
	struct lookup_result result;
};

static void ask_server(struct lookup *lookup);

static void
set_timer(struct event *timer, unsigned ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	evtimer_add(timer, &tv);
}

static void
drop_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

/* Stops whatever is on its way to the present server. */
static void
stop_asking(struct lookup *lookup)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (lookup->queries[i] != NULL)
			lookup->queries[i]->lookup = NULL;
		lookup->queries[i] = NULL;
	}
	if (lookup->dns != NULL)
		evdns_base_free(lookup->dns, 1);
	lookup->dns = NULL;
	evtimer_del(lookup->timer);
	drop_event(&lookup->silence);
	drop_event(&lookup->unreachable);
	if (lookup->probe_fd != -1)
		close(lookup->probe_fd);
	lookup->probe_fd = -1;
}

void
lookup_cancel(struct lookup *lookup)
{
	stop_asking(lookup);
	event_free(lookup->timer);
	free(lookup->name);
	free(lookup);
}

static void
finish(struct lookup *lookup, enum resolve_result verdict)
{
	struct lookup_result result = lookup->result;
	lookup_done_fn *done = lookup->done;
	void *arg = lookup->arg;

	result.result = verdict;
	lookup_cancel(lookup);
	done(&result, arg);
}

/* What outweighs what when several names were asked for and none is there. */
static void
note_failure(struct lookup *lookup, enum resolve_result failure)
{
	if (failure > lookup->result.result)
		lookup->result.result = failure;
}

static void
next_candidate(struct lookup *lookup)
{
	char name[RESOLV_NAME_MAX];

	lookup->candidate++;
	lookup->tries = 0;
	if (resolv_conf_candidate(
		&lookup->conf, lookup->name, lookup->candidate, name) == -1)
		finish(lookup, lookup->result.result);
	else
		ask_server(lookup);
}

static const struct resolv_server *
server_of(const struct lookup *lookup)
{
	return &lookup->conf.servers[lookup->tries % lookup->conf.server_count];
}

static void
next_server(struct lookup *lookup, enum resolve_result failure)
{
	stop_asking(lookup);
	if (++lookup->tries <
	    lookup->conf.server_count * lookup->conf.attempts) {
		ask_server(lookup);
		return;
	}
	/* A broken answer may be that name's; silence is the server's. */
	if (failure != RESOLVE_SERVER_FAILURE) {
		finish(lookup, failure);
		return;
	}
	note_failure(lookup, failure);
	next_candidate(lookup);
}

static enum resolve_result
result_of(int error)
{
	switch (error) {
	case DNS_ERR_NONE:
		return RESOLVE_OK;
	case DNS_ERR_NOTEXIST:
		return RESOLVE_NXDOMAIN;
	case DNS_ERR_NODATA:
		return RESOLVE_NODATA;
	case DNS_ERR_TRUNCATED:
		return RESOLVE_TRUNCATED;
	default:
		/*
		 * DNS_ERR_TIMEOUT, too: evdns' own timeout is longer than
		 * ours, so it says that only for SERVFAIL.
		 */
		return RESOLVE_SERVER_FAILURE;
	}
}

static void
conclude(struct lookup *lookup)
{
	enum resolve_result a = result_of(lookup->errors[0]);
	enum resolve_result b = result_of(lookup->errors[1]);
	enum resolve_result worse = a > b ? a : b;

	if (lookup->result.addresses.count > 0) {
		finish(lookup, RESOLVE_OK);
		return;
	}
	if (worse == RESOLVE_TRUNCATED) {
		finish(lookup, worse);
		return;
	}
	if (worse == RESOLVE_SERVER_FAILURE) {
		next_server(lookup, worse);
		return;
	}
	stop_asking(lookup);
	note_failure(lookup, worse);
	next_candidate(lookup);
}

static void
take_addresses(struct lookup *lookup, unsigned family, int count, int ttl,
    const char *bytes)
{
	size_t size = family == 0 ? 4 : 16;
	uint32_t ttl_s = ttl > 0 ? (uint32_t)ttl : 0;
	int i;

	if (lookup->result.addresses.count == 0 || ttl_s < lookup->result.ttl_s)
		lookup->result.ttl_s = ttl_s;
	for (i = 0; i < count; i++)
		addresses_add(&lookup->result.addresses,
		    family == 0 ? AF_INET : AF_INET6, bytes + size * (size_t)i);
}

static void
on_answer(int error, char type, int count, int ttl, void *addresses, void *arg)
{
	struct query *query = arg;
	struct lookup *lookup = query->lookup;
	unsigned family = query->family;

	(void)type;
	query->env->outstanding--;
	free(query);
	if (lookup == NULL)
		return;
	lookup->queries[family] = NULL;
	lookup->errors[family] = error;
	if (error == DNS_ERR_NONE)
		take_addresses(lookup, family, count, ttl, addresses);
	if (lookup->queries[!family] == NULL)
		conclude(lookup);
	else if (lookup->result.addresses.count > 0)
		set_timer(lookup->timer, OTHER_FAMILY_MS);
}

static void
on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct lookup *lookup = arg;

	(void)fd;
	(void)events;
	if (lookup->dns == NULL)
		ask_server(lookup);
	else if (lookup->result.addresses.count > 0)
		finish(lookup, RESOLVE_OK);
	else
		next_server(lookup, RESOLVE_TIMEOUT);
}

/* An answer to the probe says nothing; a refusal does. */
static void
on_probe(evutil_socket_t fd, short events, void *arg)
{
	struct lookup *lookup = arg;
	char bytes[512];

	(void)events;
	if (recv(fd, bytes, sizeof(bytes), 0) == -1 && errno != EAGAIN &&
	    errno != EINTR)
		next_server(lookup, RESOLVE_UNREACHABLE);
}

/*
 * evdns' socket is not connected, so the kernel does not tell it that nobody
 * listens there.  Ours is: a question for the root's servers, which any name
 * server may answer as it likes, finds out.
 */
static void
on_silence(evutil_socket_t fd, short events, void *arg)
{
	static const char question[] = { 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		0, 2, 0, 1 };
	struct lookup *lookup = arg;

	(void)fd;
	(void)events;
	if (send(lookup->probe_fd, question, sizeof(question), MSG_NOSIGNAL) ==
	    -1)
		next_server(lookup, RESOLVE_UNREACHABLE);
}

static int
open_probe(struct lookup *lookup, const struct resolv_server *server)
{
	struct event_base *base = lookup->env->base;

	lookup->probe_fd = socket(server->address.ss_family,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (lookup->probe_fd == -1 ||
	    connect(lookup->probe_fd, (const struct sockaddr *)&server->address,
		server->len) == -1)
		return -1;
	lookup->unreachable = event_new(
	    base, lookup->probe_fd, EV_READ | EV_PERSIST, on_probe, lookup);
	event_add(lookup->unreachable, NULL);
	lookup->silence = evtimer_new(base, on_silence, lookup);
	set_timer(lookup->silence, SILENCE_MS);
	return 0;
}

static struct evdns_base *
open_dns(struct lookup *lookup, const struct resolv_server *server)
{
	struct evdns_base *dns = evdns_base_new(lookup->env->base, 0);

	if (dns == NULL)
		return NULL;
	/* Never on its own: see result_of(). */
	evdns_base_set_option(dns, "timeout", "3600");
	evdns_base_set_option(dns, "attempts", "1");
	evdns_base_set_option(dns, "initial-probe-timeout", "3600");
	evdns_base_set_option(dns, "randomize-case", "0");
	if (evdns_base_nameserver_sockaddr_add(dns,
		(const struct sockaddr *)&server->address, server->len,
		0) != 0) {
		evdns_base_free(dns, 0);
		return NULL;
	}
	return dns;
}

static void
send_query(struct lookup *lookup, unsigned family, const char *name)
{
	struct query *query = xcalloc(1, sizeof(*query));
	struct evdns_request *request;

	query->env = lookup->env;
	query->lookup = lookup;
	query->family = family;
	request = family == 0 ? evdns_base_resolve_ipv4(lookup->dns, name,
				    DNS_QUERY_NO_SEARCH, on_answer, query)
			      : evdns_base_resolve_ipv6(lookup->dns, name,
				    DNS_QUERY_NO_SEARCH, on_answer, query);
	if (request == NULL) { /* no such name can exist */
		lookup->errors[family] = DNS_ERR_NOTEXIST;
		free(query);
		return;
	}
	lookup->env->outstanding++;
	lookup->queries[family] = query;
}

static void
ask_server(struct lookup *lookup)
{
	const struct resolv_server *server = server_of(lookup);
	char name[RESOLV_NAME_MAX];

	snprintf(lookup->result.name_server, sizeof(lookup->result.name_server),
	    "%s", server->text);
	if (open_probe(lookup, server) == -1 ||
	    (lookup->dns = open_dns(lookup, server)) == NULL) {
		next_server(lookup, RESOLVE_UNREACHABLE);
		return;
	}
	resolv_conf_candidate(
	    &lookup->conf, lookup->name, lookup->candidate, name);
	send_query(lookup, 0, name);
	send_query(lookup, 1, name);
	if (lookup->queries[0] == NULL && lookup->queries[1] == NULL)
		conclude(lookup);
	else
		set_timer(lookup->timer, lookup->conf.timeout_s * 1000);
}

struct lookup *
lookup_start(struct lookup_env *env, const struct resolv_conf *conf,
    const char *name, lookup_done_fn *done, void *arg)
{
	struct lookup *lookup = xcalloc(1, sizeof(*lookup));

	lookup->env = env;
	lookup->conf = *conf;
	lookup->name = xstrdup(name);
	lookup->done = done;
	lookup->arg = arg;
	lookup->probe_fd = -1;
	lookup->result.result = RESOLVE_NXDOMAIN;
	lookup->timer = evtimer_new(env->base, on_timer, lookup);
	set_timer(lookup->timer, 0);
	return lookup;
}
