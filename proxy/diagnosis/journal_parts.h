/*
 * Private to the journal: what its two threads share, and the thread's half.
 *
 * A line's life: it waits in the queue, is put into a batch (on its way until
 * the disk has said something), written and so acknowledged, and leaves the
 * queue when it has been synced.  If that fails all that is in the queue is
 * written again.
 */
#ifndef PROXY_DIAGNOSIS_JOURNAL_PARTS_H
#define PROXY_DIAGNOSIS_JOURNAL_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "proxy/diagnosis/journal.h"
#include "proxy/diagnosis/journal_disk.h"
#include "proxy/diagnosis/journal_line.h"
#include "proxy/diagnosis/journal_queue.h"

/* Lines that nobody will read, to be said where they are missing. */
struct journal_gap {
	uint64_t lost;
	uint64_t first_wall_us; /* when the first of them was given up */
	uint64_t last_wall_us;
	uint64_t seq;
};

struct journal {
	struct journal_options options;
	char *path;
	pthread_t id;
	atomic_bool is_stopping; /* set under the lock */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	unsigned refs; /* the owner's and the thread's */
	bool is_idle;  /* the thread waits for a line */
	bool is_over;
	bool is_abandoned; /* there is no owner to post to any more */
	struct journal_queue *queue;
	uint64_t sent_end;  /* lines before this one are on their way */
	uint64_t acked_end; /* and were so at least once with success */
	uint64_t uncertain; /* left the queue while on their way */
	struct journal_gap gap;
	struct journal_gap sent_gap; /* on its way; kept until it is synced */
	uint64_t busy_us; /* since when the disk has been asked; 0: it is not */
	struct journal_status status;

	/* The thread's own. */
	struct journal_disk *disk;
	uint64_t next_seq;
	uint64_t retry_us;
	unsigned wait_ms; /* before the next try */
	bool has_tried_last;
	char json[JOURNAL_LINE_MAX];
	char batch[JOURNAL_BATCH_MAX];
};

/* The thread: until is_stopping, and what is waiting then. */
void *journal_run(void *arg);

/* Under the lock: so many lines are gone. */
void journal_lose(struct journal *journal, uint64_t count);

/* The last of the two frees it. */
void journal_unref(struct journal *journal);

#endif
