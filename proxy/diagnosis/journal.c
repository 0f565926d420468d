#include "proxy/diagnosis/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/log.h"
#include "proxy/base/thread.h"
#include "proxy/diagnosis/journal_io.h"
#include "proxy/diagnosis/journal_parts.h"

#define RETRY_MS 1000

/* From here on the disk is in trouble although it has not said so. */
#define HANGS_US (UINT64_C(5) * 1000000)

_Static_assert(JOURNAL_JSON_MAX == JOURNAL_LINE_MAX - JOURNAL_SEAL_MAX,
    "a line has room for what the journal adds");

static struct journal *
make(const struct journal_options *options)
{
	struct journal *journal = xcalloc(1, sizeof(*journal));
	pthread_condattr_t attr;

	journal->options = *options;
	journal->path = xstrdup(options->path);
	journal->options.path = journal->path;
	if (options->io == NULL)
		journal->options.io = &journal_io_system;
	if (options->retry_ms == 0)
		journal->options.retry_ms = RETRY_MS;
	if (options->gather_ms == 0)
		journal->options.gather_ms = JOURNAL_GATHER_MS;
	atomic_init(&journal->is_stopping, false);
	pthread_mutex_init(&journal->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&journal->changed, &attr);
	pthread_condattr_destroy(&attr);
	journal->refs = 1;
	journal->queue =
	    journal_queue_new(JOURNAL_WAITING_MAX, JOURNAL_WAITING_BYTES);
	journal->disk = journal_disk_new(
	    journal->path, options->max_size, journal->options.io);
	journal->next_seq = 1;
	return journal;
}

void
journal_unref(struct journal *journal)
{
	bool is_last;

	pthread_mutex_lock(&journal->lock);
	is_last = --journal->refs == 0;
	pthread_mutex_unlock(&journal->lock);
	if (!is_last)
		return;
	journal_disk_free(journal->disk);
	journal_queue_free(journal->queue);
	pthread_cond_destroy(&journal->changed);
	pthread_mutex_destroy(&journal->lock);
	free(journal->path);
	free(journal);
}

struct journal *
journal_new(const struct journal_options *options, struct err *err)
{
	struct journal *journal = make(options);
	int error;

	journal->refs++;
	error = thread_spawn(&journal->id, journal_run, journal);
	if (error == 0)
		return journal;
	err_set(err, ERR_SYSTEM, "thread journal: %s", strerror(error));
	journal->refs--;
	journal_unref(journal);
	return NULL;
}

/* Under the lock; false if the disk hangs. */
static bool
await_end(struct journal *journal)
{
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += JOURNAL_STOP_MS / 1000;
	while (!journal->is_over && error != ETIMEDOUT)
		error = pthread_cond_timedwait(
		    &journal->changed, &journal->lock, &until);
	return journal->is_over;
}

static void
say_unwritten(const struct journal *journal, uint64_t count)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, count);
	log_error("the journal ends without its last lines", "path",
	    journal->path, "lines", text, NULL);
}

/* Under the lock: those whose write has not returned, or is to be done again.
 */
static uint64_t
count_unwritten(const struct journal *journal)
{
	uint64_t written = journal->sent_end < journal->acked_end
			       ? journal->sent_end
			       : journal->acked_end;
	uint64_t first = journal_queue_first(journal->queue);

	return journal_queue_end(journal->queue) -
	       (written > first ? written : first);
}

void
journal_free(struct journal *journal)
{
	uint64_t unwritten;
	bool is_over;

	if (journal == NULL)
		return;
	pthread_mutex_lock(&journal->lock);
	atomic_store(&journal->is_stopping, true);
	pthread_cond_broadcast(&journal->changed);
	is_over = await_end(journal);
	journal->is_abandoned = true;
	unwritten = count_unwritten(journal);
	pthread_mutex_unlock(&journal->lock);
	if (is_over)
		pthread_join(journal->id, NULL);
	else
		pthread_detach(journal->id);
	if (unwritten > 0)
		say_unwritten(journal, unwritten);
	journal_unref(journal);
}

/* Lines; under the lock. */

void
journal_lose(struct journal *journal, uint64_t count)
{
	struct journal_gap *gap = &journal->gap;

	if (count == 0)
		return;
	gap->last_wall_us = clock_wall_us();
	if (gap->lost == 0)
		gap->first_wall_us = gap->last_wall_us;
	gap->lost += count;
	journal->status.lost += count;
}

static void
give_up_oldest(struct journal *journal)
{
	/* What is on its way may still arrive. */
	if (journal_queue_first(journal->queue) < journal->sent_end)
		journal->uncertain++;
	else
		journal_lose(journal, 1);
	journal_queue_pop(journal->queue);
	if (journal->sent_end < journal_queue_first(journal->queue))
		journal->sent_end = journal_queue_first(journal->queue);
}

void
journal_append(
    struct journal *journal, const char *json, size_t len, uint64_t id)
{
	pthread_mutex_lock(&journal->lock);
	if (journal_line_fits(json, len)) {
		while (!journal_queue_has_room(journal->queue, len))
			give_up_oldest(journal);
		journal_queue_push(journal->queue, json, len, id);
		if (journal->is_idle)
			pthread_cond_signal(&journal->changed);
	} else
		journal_lose(journal, 1);
	pthread_mutex_unlock(&journal->lock);
}

void
journal_status(struct journal *journal, struct journal_status *status)
{
	uint64_t now_us = clock_now_us();

	pthread_mutex_lock(&journal->lock);
	*status = journal->status;
	status->waiting = journal_queue_end(journal->queue) -
			  journal_queue_first(journal->queue);
	if (!status->is_failing && journal->busy_us != 0 &&
	    now_us > journal->busy_us + HANGS_US) {
		status->is_failing = true;
		snprintf(status->error, sizeof(status->error),
		    "%s: the disk has not answered for %" PRIu64 " s",
		    journal->path, (now_us - journal->busy_us) / 1000000);
	}
	pthread_mutex_unlock(&journal->lock);
}
