#include "auth/hasher.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "auth/bcrypt.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/base/thread.h"

/* Scrapes that need no check come first where CPU is short. */
#define NICE 10

/* What a check that is running at the end may still take: a usual one ends. */
#define LAST_CHECK_NS 100000000

struct job {
	TAILQ_ENTRY(job) link;
	struct peer *peer;
	uint64_t deadline_us; /* of the last that waits */
	unsigned char digest[AUTH_DIGEST_SIZE];
	char *hash;
	char password[BCRYPT_PASSWORD_MAX + 1];
	struct hash_wait *waits;
};

TAILQ_HEAD(job_list, job);

/* One who has something to check; gone with its last job. */
struct peer {
	TAILQ_ENTRY(peer) link;
	struct job_list jobs; /* never empty */
	unsigned count;
	char *name;
};

TAILQ_HEAD(peer_list, peer);

struct hasher {
	hasher_match_fn *match;
	pthread_t id;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	/* In turn.  What runs is the first's first. */
	struct peer_list peers;
	struct job *running;
	unsigned job_count;
	unsigned refs; /* the owner's and the thread's */
	bool has_thread;
	bool is_over; /* the thread's work */
	bool is_stopping;
};

struct hasher *
hasher_new(hasher_match_fn *match)
{
	struct hasher *hasher = xcalloc(1, sizeof(*hasher));
	pthread_condattr_t attr;

	hasher->match = match;
	hasher->refs = 1;
	pthread_mutex_init(&hasher->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&hasher->changed, &attr);
	pthread_condattr_destroy(&attr);
	TAILQ_INIT(&hasher->peers);
	return hasher;
}

static void
unref(struct hasher *hasher)
{
	bool is_last;

	pthread_mutex_lock(&hasher->lock);
	is_last = --hasher->refs == 0;
	pthread_mutex_unlock(&hasher->lock);
	if (!is_last)
		return;
	pthread_cond_destroy(&hasher->changed);
	pthread_mutex_destroy(&hasher->lock);
	free(hasher);
}

/* Peers and their jobs; under the lock. */

static struct peer *
find_peer(struct hasher *hasher, const char *name)
{
	struct peer *peer;

	TAILQ_FOREACH (peer, &hasher->peers, link)
		if (strcmp(peer->name, name) == 0)
			return peer;
	return NULL;
}

static struct peer *
add_peer(struct hasher *hasher, const char *name)
{
	struct peer *peer = xcalloc(1, sizeof(*peer));

	peer->name = xstrdup(name);
	TAILQ_INIT(&peer->jobs);
	TAILQ_INSERT_TAIL(&hasher->peers, peer, link);
	return peer;
}

static void
give_job(struct job *job, struct peer *peer)
{
	job->peer = peer;
	TAILQ_INSERT_TAIL(&peer->jobs, job, link);
	peer->count++;
}

static void
take_job(struct job *job)
{
	TAILQ_REMOVE(&job->peer->jobs, job, link);
	job->peer->count--;
}

/* Its peer's next turn comes after all others'. */
static void
remove_job(struct hasher *hasher, struct job *job)
{
	struct peer *peer = job->peer;

	take_job(job);
	hasher->job_count--;
	TAILQ_REMOVE(&hasher->peers, peer, link);
	if (peer->count > 0) {
		TAILQ_INSERT_TAIL(&hasher->peers, peer, link);
		return;
	}
	free(peer->name);
	free(peer);
}

static void
answer_job(struct job *job, enum hash_outcome outcome)
{
	struct hash_wait *wait, *next;

	for (wait = job->waits; wait != NULL; wait = next) {
		next = wait->next;
		wait->outcome = outcome;
		mailbox_post(wait->reply_to, &wait->message);
	}
	job->waits = NULL;
}

static void
free_job(struct job *job)
{
	explicit_bzero(job->password, sizeof(job->password));
	free(job->hash);
	free(job);
}

/* The thread's side. */

/* NULL at the end. */
static struct job *
begin_job(struct hasher *hasher)
{
	while (TAILQ_EMPTY(&hasher->peers) && !hasher->is_stopping)
		pthread_cond_wait(&hasher->changed, &hasher->lock);
	if (hasher->is_stopping)
		return NULL;
	hasher->running = TAILQ_FIRST(&TAILQ_FIRST(&hasher->peers)->jobs);
	return hasher->running;
}

static void *
run(void *arg)
{
	struct hasher *hasher = arg;
	struct job *job;

	pthread_setname_np(pthread_self(), "hash");
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	pthread_mutex_lock(&hasher->lock);
	while ((job = begin_job(hasher)) != NULL) {
		enum hash_outcome outcome = HASH_UNCHECKED;

		if (job->deadline_us > clock_now_us()) {
			pthread_mutex_unlock(&hasher->lock);
			outcome = hasher->match(job->hash, job->password)
				      ? HASH_MATCH
				      : HASH_NO_MATCH;
			pthread_mutex_lock(&hasher->lock);
		}
		hasher->running = NULL;
		remove_job(hasher, job);
		answer_job(job, outcome);
		free_job(job);
	}
	hasher->is_over = true;
	pthread_cond_broadcast(&hasher->changed);
	pthread_mutex_unlock(&hasher->lock);
	unref(hasher);
	return NULL;
}

/* The askers' side, under the lock. */

static struct job *
find_job(struct hasher *hasher, const unsigned char *digest)
{
	struct peer *peer;
	struct job *job;

	TAILQ_FOREACH (peer, &hasher->peers, link)
		TAILQ_FOREACH (job, &peer->jobs, link)
			if (CRYPTO_memcmp(
				job->digest, digest, AUTH_DIGEST_SIZE) == 0)
				return job;
	return NULL;
}

static bool
have_thread(struct hasher *hasher)
{
	int error;

	if (hasher->has_thread)
		return true;
	error = thread_spawn(&hasher->id, run, hasher);
	if (error != 0) {
		log_error("passwords cannot be checked", "error",
		    strerror(error), NULL);
		return false;
	}
	hasher->has_thread = true;
	hasher->refs++;
	return true;
}

static struct job *
add_job(struct hasher *hasher, const unsigned char *digest, const char *hash,
    const char *password, const char *name)
{
	struct peer *peer = find_peer(hasher, name);
	struct job *job;

	if ((peer != NULL && peer->count == HASHER_PEER_MAX) ||
	    hasher->job_count == HASHER_MAX || !have_thread(hasher))
		return NULL;
	job = xcalloc(1, sizeof(*job));
	memcpy(job->digest, digest, AUTH_DIGEST_SIZE);
	job->hash = xstrdup(hash);
	assert(strlen(password) < sizeof(job->password));
	strcpy(job->password, password);
	give_job(job, peer != NULL ? peer : add_peer(hasher, name));
	hasher->job_count++;
	pthread_cond_broadcast(&hasher->changed);
	return job;
}

/* Who shares a check that stands behind others of its peer, and has a turn of
 * his own to give, gives it: what others wait for must not hold him up. */
static void
hasten(struct hasher *hasher, struct job *job, const char *name)
{
	if (job == TAILQ_FIRST(&job->peer->jobs) ||
	    find_peer(hasher, name) != NULL)
		return;
	take_job(job);
	give_job(job, add_peer(hasher, name));
}

static struct job *
join_job(struct hasher *hasher, const unsigned char *digest, const char *hash,
    const char *password, struct hash_wait *wait)
{
	struct job *job;

	if (hasher->is_stopping)
		return NULL;
	job = find_job(hasher, digest);
	if (job != NULL)
		hasten(hasher, job, wait->peer);
	else
		job = add_job(hasher, digest, hash, password, wait->peer);
	if (job == NULL)
		return NULL;
	wait->next = job->waits;
	job->waits = wait;
	if (job->deadline_us < wait->deadline_us)
		job->deadline_us = wait->deadline_us;
	return job;
}

bool
hasher_ask(struct hasher *hasher, const unsigned char digest[AUTH_DIGEST_SIZE],
    const char *hash, const char *password, struct hash_wait *wait)
{
	bool is_taken;

	pthread_mutex_lock(&hasher->lock);
	is_taken = join_job(hasher, digest, hash, password, wait) != NULL;
	pthread_mutex_unlock(&hasher->lock);
	return is_taken;
}

/* The end. */

static void
empty(struct hasher *hasher)
{
	struct peer *peer, *next_peer;
	struct job *job, *next;

	for (peer = TAILQ_FIRST(&hasher->peers); peer != NULL;
	     peer = next_peer) {
		next_peer = TAILQ_NEXT(peer, link);
		for (job = TAILQ_FIRST(&peer->jobs); job != NULL; job = next) {
			next = TAILQ_NEXT(job, link);
			answer_job(job, HASH_UNCHECKED);
			if (job == hasher->running)
				continue;
			remove_job(hasher, job);
			free_job(job);
		}
	}
}

/* Until its work is over, or for as long as anybody wants to wait. */
static bool
await_thread(struct hasher *hasher)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LAST_CHECK_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!hasher->is_over)
		if (pthread_cond_timedwait(
			&hasher->changed, &hasher->lock, &until) != 0)
			break;
	return hasher->is_over;
}

void
hasher_stop(struct hasher *hasher)
{
	bool had_thread, is_over;

	if (hasher == NULL)
		return;
	pthread_mutex_lock(&hasher->lock);
	hasher->is_stopping = true;
	pthread_cond_broadcast(&hasher->changed);
	had_thread = hasher->has_thread;
	hasher->has_thread = false;
	is_over = had_thread && await_thread(hasher);
	/* From here on the thread posts to nobody. */
	empty(hasher);
	pthread_mutex_unlock(&hasher->lock);
	if (is_over)
		pthread_join(hasher->id, NULL);
	else if (had_thread)
		pthread_detach(hasher->id);
}

void
hasher_free(struct hasher *hasher)
{
	if (hasher == NULL)
		return;
	hasher_stop(hasher);
	unref(hasher);
}
