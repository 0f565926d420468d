#include "proxy/cache/key.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/load.h"
#include "proxy/base/alloc.h"
#include "proxy/base/hash.h"

void
key_init(struct key *key, const struct conf_target *target, const char *query,
    const char *accept, const char *identity)
{
	key->target = target;
	if (target != NULL && target->conf != NULL)
		conf_ref(target->conf);
	key->query = xstrdup(query);
	key->accept = xstrdup(accept);
	key->identity = xstrdup(identity);
	key->hash =
	    hash_bytes(hash_bytes((uintptr_t)target, query, strlen(query)),
		accept, strlen(accept));
	if (*identity != '\0')
		key->hash = hash_bytes(key->hash, identity, strlen(identity));
}

void
key_copy(struct key *key, const struct key *from)
{
	key_init(key, from->target, from->query, from->accept, from->identity);
}

void
key_fini(struct key *key)
{
	free(key->query);
	free(key->accept);
	free(key->identity);
	if (key->target != NULL)
		conf_unref(key->target->conf);
}

bool
key_is_equal(const struct key *a, const struct key *b)
{
	return a->hash == b->hash && a->target == b->target &&
	       strcmp(a->query, b->query) == 0 &&
	       strcmp(a->accept, b->accept) == 0 &&
	       strcmp(a->identity, b->identity) == 0;
}
