/*
 * The exchange from inside, for the files that it is made of: exchange.c (its
 * life: the begin, waiting, the end), exchange_login.c (who asks),
 * exchange_route.c (what is served) and exchange_log.c (what is told of it).
 * Others see exchange.h.
 */
#ifndef PROXY_GATE_EXCHANGE_PARTS_H
#define PROXY_GATE_EXCHANGE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/gate/exchange.h"
#include "proxy/gate/stats.h"

struct answer;
struct auth_identity;
struct auth_policy;
struct conf_target;
struct known_head;
struct pour;
struct scrape;

struct exchange {
	TAILQ_ENTRY(exchange) link; /* while waiting */
	struct exchange_context *context;
	struct conf *conf;          /* a reference, as long as the exchange */
	struct auth_policy *policy; /* likewise: what it was let in by */
	uint64_t valid_until_us;    /* when that has to be asked again */
	struct auth_identity *identity; /* who asks, or NULL */
	char *path;                     /* plain, without the query */
	const char *name;               /* the path that rules know it by, */
	const char *other_name;         /* and the second one, or NULL */
	struct stats_targets *targets;
	struct connection *connection; /* NULL: the scraper has gone */
	struct evhttp_request *req;
	struct known_head *head; /* its headers, or NULL: evhttp has them */
	const struct conf_target *target; /* NULL: an endpoint of ours */
	struct scrape *scrape;            /* out on another thread, or NULL */
	bool is_back;      /* it is not any more, and ours to unref */
	struct pour *pour; /* the body of a stream, on its way, or NULL */
	uint64_t scraper;  /* identity and address, hashed; never 0 */
	uint64_t arrival_us;
	bool is_head;
	bool is_close;
	bool is_stand_in; /* evhttp got another request: the guard refused */
};

/* Of the request; NULL if there is none. */
const char *exchange_header(const struct exchange *x, const char *name);

/*
 * The one way an exchange ends.  `answer` is NULL if the scraper left before
 * there was one.  `req`, `connection` and the exchange are gone after.
 */
void exchange_finish(
    struct exchange *x, const struct answer *answer, enum cache_use use);

/* Ends it with a failure of the gate's own; `detail` may be NULL. */
void exchange_refuse(
    struct exchange *x, enum reason reason, const char *detail);

/* The same, with the seconds after which to try again; 0: the reason's own. */
void exchange_refuse_for(struct exchange *x, enum reason reason,
    const char *detail, unsigned retry_after_s);

/* Its line in the access log; status 0: the scraper left before an answer. */
void exchange_log(const struct exchange *x, int status, enum reason reason,
    enum cache_use use, uint64_t bytes);

/* What came back is for nobody: as if it had never been asked for. */
void exchange_drop_scrape(struct exchange *x);

/* Until it leaves the list of those that wait. */
void exchange_park(struct exchange *x);

/* By the policy that is in force; then serves, or refuses. */
void exchange_authenticate(struct exchange *x);

/* The scrape, about to be sent to another thread, brings the end back. */
void exchange_wait(struct exchange *x, struct scrape *scrape);

/* Serves who has been let in. */
void exchange_route(struct exchange *x);

/* Sets name and other_name. */
void exchange_name(struct exchange *x);

/* Is the path one of ours that a kubelet looks at? */
bool exchange_is_probe(const struct exchange *x);

#endif
