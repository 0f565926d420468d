#include "auth/hasher.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "auth/bcrypt.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/base/thread.h"

/* Scrapes that need no check come first where CPU is short. */
#define NICE 10

struct job {
	struct message message;
	TAILQ_ENTRY(job) link;
	unsigned char digest[AUTH_DIGEST_SIZE];
	char *hash;
	char password[BCRYPT_PASSWORD_MAX + 1];
	struct hash_wait *waits;
};

TAILQ_HEAD(job_list, job);

struct hasher {
	hasher_match_fn *match;
	pthread_mutex_t lock;  /* of all below */
	struct thread *thread; /* NULL until the first question */
	struct job_list jobs;  /* in the thread's mailbox or running */
	unsigned job_count;
	bool is_nice;
	bool is_stopping;
};

struct hasher *
hasher_new(hasher_match_fn *match)
{
	struct hasher *hasher = xcalloc(1, sizeof(*hasher));

	hasher->match = match;
	pthread_mutex_init(&hasher->lock, NULL);
	TAILQ_INIT(&hasher->jobs);
	return hasher;
}

/* The thread's side. */

static bool
begin_job(struct hasher *hasher)
{
	bool is_first, is_stopping;

	pthread_mutex_lock(&hasher->lock);
	is_first = !hasher->is_nice;
	hasher->is_nice = true;
	is_stopping = hasher->is_stopping;
	pthread_mutex_unlock(&hasher->lock);
	if (is_first && !is_stopping)
		setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	return !is_stopping;
}

/* From here on nobody can join it. */
static struct hash_wait *
end_job(struct hasher *hasher, struct job *job)
{
	struct hash_wait *waits;

	pthread_mutex_lock(&hasher->lock);
	TAILQ_REMOVE(&hasher->jobs, job, link);
	hasher->job_count--;
	waits = job->waits;
	pthread_mutex_unlock(&hasher->lock);
	return waits;
}

static void
free_job(struct job *job)
{
	explicit_bzero(job->password, sizeof(job->password));
	free(job->hash);
	free(job);
}

static void
run_job(struct message *message, void *owner)
{
	struct job *job = (struct job *)message;
	struct hasher *hasher = owner;
	struct hash_wait *wait, *next;
	bool is_match;

	is_match = begin_job(hasher) && hasher->match(job->hash, job->password);
	for (wait = end_job(hasher, job); wait != NULL; wait = next) {
		next = wait->next;
		wait->is_match = is_match;
		mailbox_post(wait->reply_to, &wait->message);
	}
	free_job(job);
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
	struct err err;

	if (hasher->thread != NULL)
		return true;
	hasher->thread = thread_new("hash", hasher, &err);
	if (hasher->thread != NULL && thread_start(hasher->thread, &err) == 0)
		return true;
	thread_free(hasher->thread);
	hasher->thread = NULL;
	log_error("passwords cannot be checked", "error", err.text, NULL);
	return false;
}

static struct job *
add_job(struct hasher *hasher, const unsigned char *digest, const char *hash,
    const char *password)
{
	struct job *job;

	if (hasher->is_stopping || hasher->job_count == HASHER_QUEUE_MAX ||
	    !have_thread(hasher))
		return NULL;
	job = xcalloc(1, sizeof(*job));
	job->message.deliver = run_job;
	memcpy(job->digest, digest, AUTH_DIGEST_SIZE);
	job->hash = xstrdup(hash);
	assert(strlen(password) < sizeof(job->password));
	strcpy(job->password, password);
	TAILQ_INSERT_TAIL(&hasher->jobs, job, link);
	hasher->job_count++;
	mailbox_post(thread_mailbox(hasher->thread), &job->message);
	return job;
}

bool
hasher_ask(struct hasher *hasher, const unsigned char digest[AUTH_DIGEST_SIZE],
    const char *hash, const char *password, struct hash_wait *wait)
{
	struct job *job;

	pthread_mutex_lock(&hasher->lock);
	job = find_job(hasher, digest);
	if (job == NULL)
		job = add_job(hasher, digest, hash, password);
	if (job != NULL) {
		wait->next = job->waits;
		job->waits = wait;
	}
	pthread_mutex_unlock(&hasher->lock);
	return job != NULL;
}

void
hasher_stop(struct hasher *hasher)
{
	if (hasher == NULL)
		return;
	pthread_mutex_lock(&hasher->lock);
	hasher->is_stopping = true;
	pthread_mutex_unlock(&hasher->lock);
	if (hasher->thread == NULL)
		return;
	thread_stop(hasher->thread);
	thread_deliver(hasher->thread);
}

void
hasher_free(struct hasher *hasher)
{
	if (hasher == NULL)
		return;
	hasher_stop(hasher);
	thread_free(hasher->thread);
	pthread_mutex_destroy(&hasher->lock);
	free(hasher);
}
