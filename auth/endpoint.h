/*
 * Private to the backend: one thing that can be asked, and how it has fared
 * lately.  What a new configuration asks elsewhere starts afresh.
 */
#ifndef AUTH_ENDPOINT_H
#define AUTH_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "auth/backend.h"
#include "auth/backoff.h"

struct conf_auth;

/* Where every pod finds what it may know of its cluster. */
#define ENDPOINT_POD_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount/"

struct endpoint {
	TAILQ_ENTRY(endpoint) link;
	enum backend_kind kind;
	char *url;
	char *ca_file;    /* NULL: the system's authorities */
	char *token_file; /* NULL: none */
	unsigned jobs;    /* that want it; it stays as long */
	unsigned calls;   /* that are on their way */
	struct backoff backoff;
	char words[BACKEND_WORDS_SIZE]; /* why it failed */
	bool is_told_down;              /* and not yet that it is back */
	uint64_t next_line_us;          /* to the log */
	struct jwks *keys;              /* BACKEND_KEYS: the newest; or NULL */
	uint64_t fetched_us;            /* when they came */
};

TAILQ_HEAD(endpoint_list, endpoint);

/* "https://HOST:PORT" as a pod's environment has it; NULL outside of one. */
char *endpoint_in_cluster(void);

/*
 * The one that `conf` means; one that is new takes the place of those of its
 * kind that nobody wants any more.  NULL if there is none: then `words` (of
 * BACKEND_WORDS_SIZE) say what to set.  `in_cluster` may be NULL.
 */
struct endpoint *endpoint_get(struct endpoint_list *list,
    enum backend_kind kind, const struct conf_auth *conf,
    const char *in_cluster, char *words);

void endpoint_free_all(struct endpoint_list *list);

/*
 * It has failed of late: not to be asked now, or asked already whether it is
 * back.  Then `words` say why and until when.
 */
bool endpoint_is_resting(
    const struct endpoint *endpoint, uint64_t now_us, char *words);

/* Asked, and no answer that helps; says so in the log, at times. */
void endpoint_failed(
    struct endpoint *endpoint, const char *words, uint64_t now_us);

/* To be left alone for a while; `began_us` is when the call began. */
void endpoint_rest(struct endpoint *endpoint, uint64_t began_us,
    uint64_t now_us, unsigned retry_after_s);

void endpoint_succeeded(struct endpoint *endpoint);

#endif
