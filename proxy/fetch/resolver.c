#include "proxy/fetch/resolver.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/dns.h>
#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/fetch/hosts.h"
#include "proxy/fetch/lookup.h"
#include "proxy/fetch/resolv_conf.h"
#include "proxy/fetch/small_file.h"

#define RESOLV_CONF_MAX ((size_t)64 << 10)
#define TTL_MIN_S 1
#define TTL_MAX_S 300
#define KEPT_MAX 256

struct resolver_query {
	TAILQ_ENTRY(resolver_query) link;
	struct shared *shared;
	resolver_done_fn *done;
	void *arg;
};

/* One lookup under way and who waits for it. */
struct shared {
	LIST_ENTRY(shared) link;
	struct resolver *resolver;
	char *name;
	struct lookup *lookup;
	TAILQ_HEAD(, resolver_query) waiting;
};

struct kept {
	TAILQ_ENTRY(kept) link;
	char *name;
	uint64_t until_us;
	struct resolver_answer answer;
};

struct resolver {
	struct lookup_env env;
	char *resolv_conf_path;
	struct small_file resolv_conf_file;
	struct hosts *hosts;
	LIST_HEAD(, shared) lookups;
	TAILQ_HEAD(kept_list, kept) kept; /* oldest first */
	unsigned kept_count;
};

/* What evdns has to say is in the answer. */
static void
ignore_log(int is_warning, const char *text)
{
	(void)is_warning;
	(void)text;
}

struct resolver *
resolver_new(
    struct event_base *base, const char *resolv_conf, const char *hosts)
{
	struct resolver *resolver = xcalloc(1, sizeof(*resolver));

	evdns_set_log_fn(ignore_log);
	resolver->env.base = base;
	resolver->resolv_conf_path =
	    xstrdup(resolv_conf != NULL ? resolv_conf : "/etc/resolv.conf");
	resolver->hosts = hosts_new(hosts != NULL ? hosts : "/etc/hosts");
	LIST_INIT(&resolver->lookups);
	TAILQ_INIT(&resolver->kept);
	return resolver;
}

static void
forget(struct resolver *resolver, struct kept *kept)
{
	TAILQ_REMOVE(&resolver->kept, kept, link);
	resolver->kept_count--;
	free(kept->name);
	free(kept);
}

static void
free_shared(struct shared *shared)
{
	free(shared->name);
	free(shared);
}

void
resolver_cancel(struct resolver_query *query)
{
	struct shared *shared = query->shared;

	TAILQ_REMOVE(&shared->waiting, query, link);
	free(query);
	/* Without a lookup its answers are just being handed out. */
	if (TAILQ_EMPTY(&shared->waiting) && shared->lookup != NULL) {
		lookup_cancel(shared->lookup);
		LIST_REMOVE(shared, link);
		free_shared(shared);
	}
}

void
resolver_free(struct resolver *resolver)
{
	struct shared *shared;
	struct kept *kept;

	if (resolver == NULL)
		return;
	/* Cancelling a lookup's last query frees it. */
	while ((shared = LIST_FIRST(&resolver->lookups)) != NULL) {
		while (TAILQ_NEXT(TAILQ_FIRST(&shared->waiting), link) != NULL)
			resolver_cancel(TAILQ_FIRST(&shared->waiting));
		resolver_cancel(TAILQ_FIRST(&shared->waiting));
	}
	/* evdns hands a cancelled query back by way of the loop. */
	while (resolver->env.outstanding > 0 &&
	       event_base_loop(resolver->env.base, EVLOOP_NONBLOCK) == 0)
		;
	assert(resolver->env.outstanding == 0);
	while ((kept = TAILQ_FIRST(&resolver->kept)) != NULL)
		forget(resolver, kept);
	hosts_free(resolver->hosts);
	small_file_fini(&resolver->resolv_conf_file);
	free(resolver->resolv_conf_path);
	free(resolver);
}

static struct kept *
find_kept(struct resolver *resolver, const char *name)
{
	struct kept *kept;

	TAILQ_FOREACH (kept, &resolver->kept, link)
		if (strcasecmp(kept->name, name) == 0)
			return kept;
	return NULL;
}

/* RFC 6761: "localhost" and all below it. */
static bool
is_localhost(const char *name)
{
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--;
	return len >= 9 && strncasecmp(name + len - 9, "localhost", 9) == 0 &&
	       (len == 9 || name[len - 10] == '.');
}

static void
add_loopback(struct addresses *addresses)
{
	struct in_addr v4 = { .s_addr = htonl(INADDR_LOOPBACK) };

	addresses_add(addresses, AF_INET, &v4);
	addresses_add(addresses, AF_INET6, &in6addr_loopback);
}

bool
resolver_at_hand(
    struct resolver *resolver, const char *name, struct resolver_answer *answer)
{
	struct kept *kept;

	memset(answer, 0, sizeof(*answer));
	if (hosts_find(resolver->hosts, name, &answer->addresses)) {
		addresses_sort(&answer->addresses);
		return true;
	}
	if (is_localhost(name)) {
		add_loopback(&answer->addresses);
		addresses_sort(&answer->addresses);
		return true;
	}
	kept = find_kept(resolver, name);
	if (kept == NULL)
		return false;
	if (kept->until_us <= clock_now_us()) {
		forget(resolver, kept);
		return false;
	}
	*answer = kept->answer;
	answer->is_kept = true;
	return true;
}

void
resolver_forget(struct resolver *resolver, const char *name)
{
	struct kept *kept = find_kept(resolver, name);

	if (kept != NULL)
		forget(resolver, kept);
}

static void
keep(struct resolver *resolver, const char *name, uint32_t ttl_s,
    const struct resolver_answer *answer)
{
	struct kept *kept = find_kept(resolver, name);

	if (ttl_s < TTL_MIN_S)
		ttl_s = TTL_MIN_S;
	if (ttl_s > TTL_MAX_S)
		ttl_s = TTL_MAX_S;
	if (kept != NULL)
		forget(resolver, kept);
	if (resolver->kept_count == KEPT_MAX)
		forget(resolver, TAILQ_FIRST(&resolver->kept));
	kept = xcalloc(1, sizeof(*kept));
	kept->name = xstrdup(name);
	kept->until_us = clock_now_us() + (uint64_t)ttl_s * 1000000;
	kept->answer = *answer;
	TAILQ_INSERT_TAIL(&resolver->kept, kept, link);
	resolver->kept_count++;
}

static void
on_looked_up(const struct lookup_result *result, void *arg)
{
	struct shared *shared = arg;
	struct resolver_answer answer = { .result = result->result,
		.addresses = result->addresses };
	struct resolver_query *query;

	shared->lookup = NULL;
	/* Off the list: who asks from one of the callbacks asks anew. */
	LIST_REMOVE(shared, link);
	memcpy(answer.name_server, result->name_server,
	    sizeof(answer.name_server));
	addresses_sort(&answer.addresses);
	if (answer.result == RESOLVE_OK)
		keep(shared->resolver, shared->name, result->ttl_s, &answer);
	while ((query = TAILQ_FIRST(&shared->waiting)) != NULL) {
		resolver_done_fn *done = query->done;
		void *query_arg = query->arg;

		TAILQ_REMOVE(&shared->waiting, query, link);
		free(query);
		done(&answer, query_arg);
	}
	free_shared(shared);
}

static struct lookup *
start_lookup(struct resolver *resolver, const char *name, struct shared *shared)
{
	struct small_file *file = &resolver->resolv_conf_file;
	struct resolv_conf conf;
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) == -1)
		host[0] = '\0';
	small_file_refresh(file, resolver->resolv_conf_path, RESOLV_CONF_MAX);
	resolv_conf_parse(&conf, file->text != NULL ? file->text : "", host);
	return lookup_start(&resolver->env, &conf, name, on_looked_up, shared);
}

static struct shared *
find_shared(struct resolver *resolver, const char *name)
{
	struct shared *shared;

	LIST_FOREACH (shared, &resolver->lookups, link)
		if (strcasecmp(shared->name, name) == 0)
			return shared;
	return NULL;
}

struct resolver_query *
resolver_ask(struct resolver *resolver, const char *name,
    resolver_done_fn *done, void *arg)
{
	struct resolver_query *query = xcalloc(1, sizeof(*query));
	struct shared *shared = find_shared(resolver, name);

	if (shared == NULL) {
		shared = xcalloc(1, sizeof(*shared));
		shared->resolver = resolver;
		shared->name = xstrdup(name);
		TAILQ_INIT(&shared->waiting);
		shared->lookup = start_lookup(resolver, name, shared);
		LIST_INSERT_HEAD(&resolver->lookups, shared, link);
	}
	query->shared = shared;
	query->done = done;
	query->arg = arg;
	TAILQ_INSERT_TAIL(&shared->waiting, query, link);
	return query;
}
