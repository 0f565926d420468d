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
#include "auth/turns.h"
#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/log.h"
#include "proxy/base/thread.h"

/* Scrapes that need no check come first where CPU is short. */
#define NICE 10

/* What a check that is running at the end may still take: a usual one ends. */
#define LAST_CHECK_NS 100000000

struct job {
	struct turn turn; /* first: a turn is its job */
	TAILQ_ENTRY(job) link;
	uint64_t deadline_us; /* of the last that waits */
	unsigned char digest[AUTH_DIGEST_SIZE];
	char *hash;
	char password[BCRYPT_PASSWORD_MAX + 1];
	struct hash_wait *waits;
};

TAILQ_HEAD(job_list, job);

struct hasher {
	hasher_match_fn *match;
	pthread_t id;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	struct turns turns;
	struct job_list jobs; /* all of them */
	struct job *running;
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
	turns_init(&hasher->turns, HASHER_MAX, HASHER_PEER_MAX);
	TAILQ_INIT(&hasher->jobs);
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

/* Jobs; under the lock. */

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
end_job(struct hasher *hasher, struct job *job)
{
	turns_end(&hasher->turns, &job->turn);
	TAILQ_REMOVE(&hasher->jobs, job, link);
	explicit_bzero(job->password, sizeof(job->password));
	free(job->hash);
	free(job);
}

/* The thread's side. */

/* NULL at the end. */
static struct job *
begin_job(struct hasher *hasher)
{
	struct turn *turn;

	while (
	    (turn = turns_next(&hasher->turns)) == NULL && !hasher->is_stopping)
		pthread_cond_wait(&hasher->changed, &hasher->lock);
	if (hasher->is_stopping)
		return NULL;
	turns_begin(&hasher->turns, turn);
	hasher->running = (struct job *)turn;
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
		answer_job(job, outcome);
		end_job(hasher, job);
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
	struct job *job;

	TAILQ_FOREACH (job, &hasher->jobs, link)
		if (CRYPTO_memcmp(job->digest, digest, AUTH_DIGEST_SIZE) == 0)
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
	struct job *job;

	if (!have_thread(hasher))
		return NULL;
	job = xcalloc(1, sizeof(*job));
	if (!turns_add(&hasher->turns, &job->turn, name)) {
		free(job);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&hasher->jobs, job, link);
	memcpy(job->digest, digest, AUTH_DIGEST_SIZE);
	job->hash = xstrdup(hash);
	assert(strlen(password) < sizeof(job->password));
	strcpy(job->password, password);
	pthread_cond_broadcast(&hasher->changed);
	return job;
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
		turns_hasten(&hasher->turns, &job->turn, wait->peer);
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
	struct job *job, *next;

	for (job = TAILQ_FIRST(&hasher->jobs); job != NULL; job = next) {
		next = TAILQ_NEXT(job, link);
		answer_job(job, HASH_UNCHECKED);
		if (job != hasher->running)
			end_job(hasher, job);
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
