/*
 * One name, asked of the name servers through evdns.
 *
 * evdns alone blurs what went wrong: it treats SERVFAIL as silence, tries a
 * silent server again with probes of its own, and searches A and AAAA apart.
 * So it gets one server and one exact name at a time, and candidates, servers,
 * attempts and timeouts are counted here.
 */
#ifndef PROXY_FETCH_LOOKUP_H
#define PROXY_FETCH_LOOKUP_H

#include <stdint.h>

#include "proxy/fetch/addresses.h"
#include "proxy/fetch/report.h"

struct event_base;
struct lookup;
struct resolv_conf;

/* Shared by all lookups; goes after its last query has come back. */
struct lookup_env {
	struct event_base *base;
	unsigned outstanding; /* evdns callbacks still to come */
};

struct lookup_result {
	enum resolve_result result;
	char name_server[64];       /* that gave the answer, or none */
	struct addresses addresses; /* not sorted */
	uint32_t ttl_s;
};

/* From the loop; the lookup is gone when it runs. */
typedef void lookup_done_fn(const struct lookup_result *result, void *arg);

/* `conf` and `name` are copied. */
struct lookup *lookup_start(struct lookup_env *env,
    const struct resolv_conf *conf, const char *name, lookup_done_fn *done,
    void *arg);
void lookup_cancel(struct lookup *lookup);

#endif
