#include "proxy/cache/key.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"

uint64_t
key_hash(uint64_t seed, const void *bytes, uint64_t len)
{
	const unsigned char *p = bytes;
	uint64_t hash = seed ^ 0xcbf29ce484222325U;

	for (; len > 0; p++, len--)
		hash = (hash ^ *p) * 0x100000001b3U;
	return hash;
}

void
key_init(struct key *key, const struct conf_target *target, const char *query,
    const char *accept)
{
	key->target = target;
	key->query = xstrdup(query);
	key->accept = xstrdup(accept);
	key->hash = key_hash(key_hash((uintptr_t)target, query, strlen(query)),
	    accept, strlen(accept));
}

void
key_copy(struct key *key, const struct key *from)
{
	key_init(key, from->target, from->query, from->accept);
}

void
key_fini(struct key *key)
{
	free(key->query);
	free(key->accept);
}

bool
key_is_equal(const struct key *a, const struct key *b)
{
	return a->hash == b->hash && a->target == b->target &&
	    strcmp(a->query, b->query) == 0 && strcmp(a->accept, b->accept) == 0;
}
