#include "auth/guesses.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/hash.h"

/* Both kinds together, in sets of WAYS: where an entry may be follows from its
 * hash, and the one nearest to full makes room within its set. */
#define WAYS 8
#define SETS (GUESSES_MAX / WAYS)

#define MINUTE_US UINT64_C(60000000)

/*
 * A token bucket as one time (GCRA, as in ITU-T I.371): when it will be full
 * again.  A failure moves that on by what a token takes; the bucket is empty
 * where it lies a minute ahead.
 */
struct entry {
	uint64_t tag;     /* 0: no entry */
	uint64_t full_us; /* monotonic */
};

struct guesses {
	uint64_t key[2];
	pthread_mutex_t lock;  /* of all below */
	struct entry *entries; /* NULL before the first failure */
};

enum kind { KIND_ADDRESS, KIND_USER };

struct guesses *
guesses_new(uint64_t seed)
{
	struct guesses *guesses = xcalloc(1, sizeof(*guesses));

	pthread_mutex_init(&guesses->lock, NULL);
	guesses->key[0] = seed;
	guesses->key[1] = seed * 0x9e3779b97f4a7c15u + 1;
	return guesses;
}

void
guesses_free(struct guesses *guesses)
{
	if (guesses == NULL)
		return;
	free(guesses->entries);
	pthread_mutex_destroy(&guesses->lock);
	explicit_bzero(guesses, sizeof(*guesses));
	free(guesses);
}

static uint64_t
make_tag(const struct guesses *guesses, enum kind kind, const void *bytes,
    size_t len)
{
	uint64_t key[2] = { guesses->key[0], guesses->key[1] + (uint64_t)kind };
	uint64_t tag = hash_keyed(key, bytes, len);

	return tag == 0 ? 1 : tag;
}

/*
 * IPv4 as it is, IPv6 by its /64, which is what one customer gets; anything
 * else ("unix") as one peer.
 */
static uint64_t
address_tag(const struct guesses *guesses, const char *peer)
{
	char text[INET6_ADDRSTRLEN];
	size_t len = strcspn(peer, "%");
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, peer, &v4) == 1)
		return make_tag(guesses, KIND_ADDRESS, &v4, sizeof(v4));
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	memcpy(text, peer, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return make_tag(guesses, KIND_ADDRESS, peer, strlen(peer));
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		return make_tag(guesses, KIND_ADDRESS, v6.s6_addr + 12, 4);
	return make_tag(guesses, KIND_ADDRESS, v6.s6_addr, 8);
}

static uint64_t
user_tag(const struct guesses *guesses, const char *user)
{
	return make_tag(guesses, KIND_USER, user, strlen(user));
}

static struct entry *
find(const struct guesses *guesses, uint64_t tag)
{
	struct entry *set;
	size_t i;

	if (guesses->entries == NULL)
		return NULL;
	set = guesses->entries + tag % SETS * WAYS;
	for (i = 0; i < WAYS; i++)
		if (set[i].tag == tag)
			return &set[i];
	return NULL;
}

/* The entry of `tag`, if need be in place of the one nearest to full. */
static struct entry *
take(struct guesses *guesses, uint64_t tag)
{
	struct entry *entry = find(guesses, tag), *set;
	size_t i;

	if (entry != NULL)
		return entry;
	if (guesses->entries == NULL)
		guesses->entries =
		    xcalloc(GUESSES_MAX, sizeof(*guesses->entries));
	set = guesses->entries + tag % SETS * WAYS;
	entry = &set[0];
	for (i = 1; i < WAYS; i++)
		if (set[i].full_us < entry->full_us)
			entry = &set[i];
	*entry = (struct entry){ .tag = tag };
	return entry;
}

/* What one token takes to come back; a whole minute where nothing is limited,
 * for then failures are only remembered. */
static uint64_t
token_us(unsigned per_minute)
{
	if (per_minute == 0)
		return MINUTE_US;
	return per_minute < MINUTE_US ? MINUTE_US / per_minute : 1;
}

/* How far the bucket is from full, at most a minute. */
static uint64_t
debt_us(const struct entry *entry, uint64_t now_us)
{
	if (entry == NULL || entry->full_us <= now_us)
		return 0;
	return entry->full_us - now_us < MINUTE_US ? entry->full_us - now_us
						   : MINUTE_US;
}

/* Until one more token is there; 0: there is. */
static uint64_t
wait_us(const struct entry *entry, unsigned per_minute, uint64_t now_us)
{
	uint64_t needed_us = debt_us(entry, now_us) + token_us(per_minute);

	if (per_minute == 0 || needed_us <= MINUTE_US)
		return 0;
	return needed_us - MINUTE_US;
}

/* Until a minute after the address' bucket is full again: so long it counts as
 * one that has failed of late. */
static uint64_t
late_us(const struct entry *entry, uint64_t now_us)
{
	if (entry == NULL ||
	    (entry->full_us <= now_us && now_us - entry->full_us >= MINUTE_US))
		return 0;
	if (entry->full_us > now_us)
		return debt_us(entry, now_us) + MINUTE_US;
	return MINUTE_US - (now_us - entry->full_us);
}

/* Until one more may be tried. */
static uint64_t
closed_us(const struct guesses *guesses, const struct conf_auth *conf,
    const char *peer, const char *user, uint64_t now_us)
{
	const struct entry *address, *other;
	uint64_t us;

	if (guesses->entries == NULL)
		return 0;
	address = find(guesses, address_tag(guesses, peer));
	us = wait_us(address, conf->failed_logins_per_address, now_us);
	if (us > 0 || user == NULL)
		return us;
	other = find(guesses, user_tag(guesses, user));
	return clock_earlier(
	    wait_us(other, conf->failed_logins_per_user, now_us),
	    late_us(address, now_us));
}

bool
guesses_admit(struct guesses *guesses, const struct conf_auth *conf,
    const char *peer, const char *user, uint64_t now_us,
    unsigned *retry_after_s)
{
	uint64_t us;

	pthread_mutex_lock(&guesses->lock);
	us = closed_us(guesses, conf, peer, user, now_us);
	pthread_mutex_unlock(&guesses->lock);
	if (us == 0)
		return true;
	*retry_after_s = (unsigned)((us + 999999) / 1000000);
	return false;
}

static void
spend(struct entry *entry, unsigned per_minute, uint64_t now_us)
{
	uint64_t us = clock_earlier(
	    debt_us(entry, now_us) + token_us(per_minute), MINUTE_US);

	entry->full_us = clock_later(now_us, us);
}

void
guesses_failed(struct guesses *guesses, const struct conf_auth *conf,
    const char *peer, const char *user, uint64_t now_us)
{
	if (conf->failed_logins_per_address == 0 &&
	    conf->failed_logins_per_user == 0)
		return;
	pthread_mutex_lock(&guesses->lock);
	spend(take(guesses, address_tag(guesses, peer)),
	    conf->failed_logins_per_address, now_us);
	if (user != NULL && conf->failed_logins_per_user != 0)
		spend(take(guesses, user_tag(guesses, user)),
		    conf->failed_logins_per_user, now_us);
	pthread_mutex_unlock(&guesses->lock);
}

size_t
guesses_size(struct guesses *guesses)
{
	size_t size = sizeof(*guesses);

	pthread_mutex_lock(&guesses->lock);
	if (guesses->entries != NULL)
		size += GUESSES_MAX * sizeof(*guesses->entries);
	pthread_mutex_unlock(&guesses->lock);
	return size;
}
