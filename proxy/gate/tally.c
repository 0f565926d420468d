#include "proxy/gate/tally.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"

struct tally_slot {
	unsigned count;
	char name[];
};

struct tally {
	atomic_uint count;
	atomic_uint max;
	pthread_mutex_t lock;
	unsigned limits[TALLY_LIMIT_COUNT]; /* 0: none */
	void *slots[TALLY_LIMIT_COUNT];     /* tsearch trees */
};

const char *
tally_limit_name(enum tally_limit limit)
{
	static const char *const names[] = {
		[TALLY_ADDRESS] = "max_per_address",
		[TALLY_LISTENER] = "max_per_listener",
	};

	return names[limit];
}

struct tally *
tally_new(const struct conf_connections *limits)
{
	struct tally *tally = xcalloc(1, sizeof(*tally));

	atomic_init(&tally->count, 0);
	atomic_init(&tally->max, 0);
	pthread_mutex_init(&tally->lock, NULL);
	tally_set_limits(tally, limits);
	return tally;
}

void
tally_free(struct tally *tally)
{
	if (tally == NULL)
		return;
	pthread_mutex_destroy(&tally->lock);
	free(tally);
}

void
tally_set_limits(struct tally *tally, const struct conf_connections *limits)
{
	atomic_store(&tally->max, limits->max);
	pthread_mutex_lock(&tally->lock);
	tally->limits[TALLY_ADDRESS] = limits->max_per_address;
	tally->limits[TALLY_LISTENER] = limits->max_per_listener;
	pthread_mutex_unlock(&tally->lock);
}

void
tally_add(struct tally *tally)
{
	atomic_fetch_add(&tally->count, 1);
}

void
tally_remove(struct tally *tally)
{
	atomic_fetch_sub(&tally->count, 1);
}

bool
tally_is_full(const struct tally *tally)
{
	return atomic_load(&tally->count) >= atomic_load(&tally->max);
}

bool
tally_is_over(const struct tally *tally)
{
	return atomic_load(&tally->count) > atomic_load(&tally->max);
}

/* Slots. */

static int
compare(const void *a, const void *b)
{
	const struct tally_slot *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* With its name for tfind(), and to be kept if there is none yet. */
static struct tally_slot *
new_slot(const char *name)
{
	size_t size = strlen(name) + 1;
	struct tally_slot *slot = xmalloc(sizeof(*slot) + size);

	slot->count = 0;
	memcpy(slot->name, name, size);
	return slot;
}

static struct tally_slot *
find_slot(void **tree, const char *name)
{
	struct tally_slot *wanted = new_slot(name);
	void *node = tsearch(wanted, tree, compare);
	struct tally_slot *slot;

	if (node == NULL)
		abort(); /* out of memory, as xmalloc() */
	slot = *(struct tally_slot **)node;
	if (slot != wanted)
		free(wanted);
	return slot;
}

static void
drop_if_empty(void **tree, struct tally_slot *slot)
{
	if (slot->count > 0)
		return;
	tdelete(slot, tree, compare);
	free(slot);
}

#define ADDRESS_SIZE INET6_ADDRSTRLEN

/* The network that one client can be expected to have; NULL for none. */
static const char *
client_of(const char *peer, char out[ADDRESS_SIZE])
{
	size_t len = strcspn(peer, "%");
	struct in6_addr v6;
	struct in_addr v4;

	if (len >= ADDRESS_SIZE)
		return NULL;
	memcpy(out, peer, len);
	out[len] = '\0';
	if (inet_pton(AF_INET, out, &v4) == 1)
		return out;
	if (inet_pton(AF_INET6, out, &v6) != 1)
		return NULL;
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		return inet_ntop(AF_INET, &v6.s6_addr[12], out, ADDRESS_SIZE);
	memset(&v6.s6_addr[8], 0, 8);
	return inet_ntop(AF_INET6, &v6, out, ADDRESS_SIZE);
}

enum tally_limit
tally_enter(struct tally *tally, struct tally_place *place, const char *peer,
    const char *listener)
{
	enum tally_limit broken = TALLY_NO_LIMIT;
	char address[ADDRESS_SIZE];
	const char *names[TALLY_LIMIT_COUNT] = {
		[TALLY_ADDRESS] = client_of(peer, address),
		[TALLY_LISTENER] = listener,
	};
	struct tally_slot *slot;
	int i;

	pthread_mutex_lock(&tally->lock);
	for (i = 0; i < TALLY_LIMIT_COUNT && broken == TALLY_NO_LIMIT; i++) {
		if (names[i] == NULL)
			continue;
		slot = find_slot(&tally->slots[i], names[i]);
		if (tally->limits[i] != 0 && slot->count >= tally->limits[i]) {
			broken = (enum tally_limit)i;
		} else {
			slot->count++;
			place->slots[i] = slot;
		}
	}
	pthread_mutex_unlock(&tally->lock);
	if (broken != TALLY_NO_LIMIT)
		tally_leave(tally, place);
	return broken;
}

void
tally_leave(struct tally *tally, struct tally_place *place)
{
	int i;

	pthread_mutex_lock(&tally->lock);
	for (i = 0; i < TALLY_LIMIT_COUNT; i++) {
		if (place->slots[i] == NULL)
			continue;
		place->slots[i]->count--;
		drop_if_empty(&tally->slots[i], place->slots[i]);
		place->slots[i] = NULL;
	}
	pthread_mutex_unlock(&tally->lock);
}
