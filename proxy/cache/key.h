/*
 * What scrapes must have in common to share one answer: the target, the
 * canonical query, the Accept header and, where the exporter is told who asks,
 * that: byte for byte as they go upstream.  Nothing else influences an answer's
 * bytes.
 */
#ifndef PROXY_CACHE_KEY_H
#define PROXY_CACHE_KEY_H

#include <stdbool.h>
#include <stdint.h>

struct conf_target;

struct key {
	/* Its configuration lives as long as the key; NULL: no target. */
	const struct conf_target *target;
	char *query;
	char *accept;
	char *identity; /* header lines, see auth/identity.h; "" none */
	uint64_t hash;
};

/* Copies the strings. */
void key_init(struct key *key, const struct conf_target *target,
    const char *query, const char *accept, const char *identity);
void key_copy(struct key *key, const struct key *from);
void key_fini(struct key *key);

bool key_is_equal(const struct key *a, const struct key *b);

#endif
