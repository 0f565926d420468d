/*
 * One configuration with all it needs to be served: certificates, tokens and
 * keys judged, an SSL_CTX for each worker, listening sockets open.  Built
 * beside the one in force and never changed after; either all of it can be had,
 * or none.
 *
 * Main thread.
 */
#ifndef PROXY_GENERATION_H
#define PROXY_GENERATION_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "proxy/gate/listener.h"
#include "proxy/policy.h"

struct conf;
struct auth_policy;
struct err;
struct material;
struct tls_server;
struct worker_door;

/* A listening socket of the gate. */
struct door {
	int fd;
	char text[LISTENER_TEXT_SIZE]; /* the real address */
};

struct generation {
	struct conf *conf;      /* a reference */
	struct tls_server *tls; /* NULL: plain HTTP */
	SSL_CTX **contexts;     /* one for each worker; NULL: plain HTTP */
	struct policy policy;
	struct auth_policy *auth; /* who may scrape */
	unsigned workers;
	struct door *doors; /* of conf->listen, in that order */
};

/*
 * For `conf`, whose files `material` holds.  Sockets of addresses that
 * `before` (NULL: none) listens on, too, are shared with it.  NULL with `err`,
 * having changed nothing; err->code is ERR_MISSING if a certificate does not
 * exist yet.
 */
struct generation *generation_new(struct conf *conf,
    const struct material *material, const struct generation *before,
    struct err *err);

/*
 * Would its certificates, tokens and keys do?  Opens nothing.  -1 with `err`;
 * ERR_MISSING if one does not exist yet.
 */
int generation_check(struct conf *conf, struct err *err);

/* Closes no socket. */
void generation_free(struct generation *generation);

/*
 * The sockets of `one` that `other` (NULL: none) lacks: their number, and a
 * malloc'd array whose names are those of `one`.
 */
size_t generation_extra_doors(const struct generation *one,
    const struct generation *other, struct worker_door **doors);

/*
 * Logs where it listens and `before` (NULL: none) did not, and TLS that comes
 * or goes.
 */
void generation_announce(
    const struct generation *generation, const struct generation *before);

/*
 * Closes the sockets that `next` (NULL: none) lacks; nobody accepts from them
 * any more.
 */
void generation_close_doors(
    struct generation *generation, const struct generation *next);

/*
 * What only a restart can change stays as in `was`: says so in the log for
 * each key that differs, and puts the old value into `conf`, which nobody else
 * has seen yet.  Without a crew its threads and memory may still be chosen.
 */
void generation_keep_fixed(
    struct conf *conf, const struct conf *was, bool has_crew);

#endif
