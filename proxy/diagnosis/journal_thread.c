/* The journal's own thread: waits for lines, and for the disk. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/base/alloc.h"
#include "proxy/base/clock.h"
#include "proxy/base/err.h"
#include "proxy/base/json.h"
#include "proxy/base/log.h"
#include "proxy/base/mailbox.h"
#include "proxy/diagnosis/journal_parts.h"

#define WAIT_MAX_MS 30000

/* What has been read, on its way to the owner. */
struct news {
	struct message message;
	struct journal_options options;
	struct journal_status status;
	struct journal_queue *lines;
	char line[JOURNAL_LINE_MAX];
};

/* What is written at once: `len` bytes, lines `begin` up to `end`. */
struct batch {
	size_t len;
	uint64_t begin;
	uint64_t end;
	uint64_t last_id;
	bool is_first; /* since the last sync */
};

/* Reading. */

struct gathering {
	struct journal_queue *lines; /* NULL: nobody wants them */
	uint64_t count;
	uint64_t seq_max;
};

static void
gather_line(const char *line, size_t len, uint64_t seq, void *arg)
{
	struct gathering *gathering = arg;

	gathering->count++;
	if (seq > gathering->seq_max)
		gathering->seq_max = seq;
	if (gathering->lines == NULL)
		return;
	while (!journal_queue_has_room(gathering->lines, len))
		journal_queue_pop(gathering->lines);
	journal_queue_push(gathering->lines, line, len, 0);
}

/* On the owner's thread; the journal may be gone. */
static void
deliver_news(struct message *message, void *owner)
{
	struct news *news = (struct news *)message;
	struct journal_queue *lines = news->lines;
	void *arg = news->options.arg;

	(void)owner;
	for (; lines != NULL &&
	       journal_queue_first(lines) != journal_queue_end(lines);
	     journal_queue_pop(lines)) {
		uint64_t number = journal_queue_first(lines);

		journal_queue_copy(lines, number, news->line);
		news->options.recovered(
		    news->line, journal_queue_at(lines, number)->len, arg);
	}
	if (news->options.ready != NULL)
		news->options.ready(&news->status, arg);
	journal_queue_free(lines);
	free(news);
}

static void
post_news(struct journal *journal, struct journal_queue *lines)
{
	struct news *news = xcalloc(1, sizeof(*news));

	news->message.deliver = deliver_news;
	news->options = journal->options;
	news->lines = lines;
	pthread_mutex_lock(&journal->lock);
	news->status = journal->status;
	if (journal->is_abandoned || journal->options.mailbox == NULL) {
		journal_queue_free(lines);
		free(news);
	} else
		mailbox_post(journal->options.mailbox, &news->message);
	pthread_mutex_unlock(&journal->lock);
}

static void
say_start(const struct journal *journal, const struct journal_status *status)
{
	char recovered[24], dropped[24];

	snprintf(recovered, sizeof(recovered), "%" PRIu64, status->recovered);
	snprintf(dropped, sizeof(dropped), "%" PRIu64, status->dropped);
	log_line(status->dropped > 0 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
	    "the journal has been read", "path", journal->path, "lines",
	    recovered, "dropped", dropped, NULL);
}

static void
note_facts(struct journal *journal)
{
	struct journal_disk_facts facts;

	journal_disk_facts(journal->disk, &facts);
	journal->status.bytes = facts.bytes;
	journal->status.segments = facts.segments;
	journal->status.dropped = facts.dropped;
}

/* Trouble. */

static void
note_trouble(struct journal *journal, const struct err *err)
{
	bool is_news;

	journal->wait_ms = journal->wait_ms == 0 ? journal->options.retry_ms
						 : journal->wait_ms * 2;
	if (journal->wait_ms > WAIT_MAX_MS)
		journal->wait_ms = WAIT_MAX_MS;
	journal->retry_us = clock_now_us() + (uint64_t)journal->wait_ms * 1000;
	pthread_mutex_lock(&journal->lock);
	is_news = !journal->status.is_failing;
	journal->status.is_failing = true;
	snprintf(journal->status.error, sizeof(journal->status.error), "%.255s",
	    err->text);
	pthread_mutex_unlock(&journal->lock);
	if (is_news)
		log_error("the journal cannot be written, what happens is "
			  "kept in memory",
		    "path", journal->path, "error", err->text, NULL);
}

static void
note_success(struct journal *journal)
{
	char lost[24];
	bool is_news;

	journal->wait_ms = 0;
	pthread_mutex_lock(&journal->lock);
	is_news = journal->status.is_failing;
	journal->status.is_failing = false;
	journal->status.error[0] = '\0';
	note_facts(journal);
	snprintf(lost, sizeof(lost), "%" PRIu64, journal->status.lost);
	pthread_mutex_unlock(&journal->lock);
	if (is_news)
		log_info("the journal is written again", "path", journal->path,
		    "lost", lost, NULL);
}

static void
set_busy(struct journal *journal, uint64_t now_us)
{
	pthread_mutex_lock(&journal->lock);
	journal->busy_us = now_us;
	pthread_mutex_unlock(&journal->lock);
}

/*
 * Where the clock is: not all that is in the folder can always be read, and
 * another process may get it while the disk is in trouble here; whoever writes
 * there has other numbers.
 */
static uint64_t
first_seq(uint64_t seq_max)
{
	uint64_t now = clock_wall_us();

	return now > seq_max ? now : seq_max + 1;
}

static void
read_files(struct journal *journal)
{
	struct gathering gathering = { .lines = NULL };
	struct journal_status status;
	struct err err;
	int result;

	if (journal->options.recovered != NULL &&
	    journal->options.recover_max > 0)
		gathering.lines = journal_queue_new(
		    journal->options.recover_max, JOURNAL_RECOVER_BYTES);
	set_busy(journal, clock_now_us());
	result = journal_disk_read(journal->disk, gather_line, &gathering,
	    &journal->is_stopping, &err);
	journal->next_seq = first_seq(gathering.seq_max);
	pthread_mutex_lock(&journal->lock);
	journal->busy_us = 0;
	journal->status.recovered = gathering.count;
	journal->status.has_read = true;
	note_facts(journal);
	status = journal->status;
	pthread_mutex_unlock(&journal->lock);
	post_news(journal, gathering.lines);
	if (result == -1)
		note_trouble(journal, &err);
	else
		say_start(journal, &status);
}

/* Batches; under the lock. */

static bool
has_work(struct journal *journal)
{
	return journal->gap.lost > 0 || journal->sent_gap.lost > 0 ||
	       journal->sent_end < journal_queue_end(journal->queue);
}

static size_t
add_gap(struct journal *journal, char *out)
{
	struct journal_gap *gap = &journal->sent_gap;
	struct cJSON *root;
	char text[CLOCK_TEXT_SIZE], *json;
	size_t len;

	if (journal->gap.lost > 0) {
		if (gap->lost > 0)
			journal->gap.first_wall_us = gap->first_wall_us;
		journal->gap.lost += gap->lost;
		*gap = journal->gap;
		gap->seq = journal->next_seq++;
		journal->gap.lost = 0;
	}
	if (gap->lost == 0)
		return 0;
	root = json_object_new();
	json_add_number(root, "v", 1);
	json_add_string(root, "kind", "gap");
	json_add_string(root, "time", clock_text(gap->last_wall_us, text));
	json_add_string(root, "first", clock_text(gap->first_wall_us, text));
	json_add_number(root, "lost", (double)gap->lost);
	json = json_print(root);
	len = journal_line_seal(json, strlen(json), gap->seq, out);
	free(json);
	json_free(root);
	return len;
}

/* Takes as many lines as fit and have not been sent. */
static void
fill_batch(struct journal *journal, struct batch *batch)
{
	struct journal_queue *queue = journal->queue;
	struct journal_entry *entry;

	/* A gap waits for its sync: another batch does not tell it again. */
	batch->len = batch->is_first ? add_gap(journal, journal->batch) : 0;
	batch->begin = journal->sent_end;
	for (; journal->sent_end < journal_queue_end(queue);
	     journal->sent_end++) {
		entry = journal_queue_at(queue, journal->sent_end);
		if (batch->len + entry->len + JOURNAL_SEAL_MAX >
		    JOURNAL_BATCH_MAX)
			break;
		if (entry->seq == 0)
			entry->seq = journal->next_seq++;
		journal_queue_copy(queue, journal->sent_end, journal->json);
		batch->len += journal_line_seal(journal->json, entry->len,
		    entry->seq, journal->batch + batch->len);
		batch->last_id = entry->id;
	}
	batch->end = journal->sent_end;
}

/* A batch of lines.  False if all were written before. */
static bool
note_written(struct journal *journal, const struct batch *batch)
{
	uint64_t begin = batch->begin;

	if (begin == batch->end || batch->end <= journal->acked_end)
		return false;
	if (begin < journal->acked_end)
		begin = journal->acked_end;
	journal->status.written += batch->end - begin;
	journal->status.acknowledged = batch->last_id;
	journal->acked_end = batch->end;
	return true;
}

static void
note_synced(struct journal *journal)
{
	while (journal_queue_first(journal->queue) < journal->sent_end)
		journal_queue_pop(journal->queue);
	journal->sent_gap.lost = 0;
	journal->uncertain = 0;
}

/* All that is still there has to be written again. */
static void
note_unsynced(struct journal *journal)
{
	journal_lose(journal, journal->uncertain);
	journal->uncertain = 0;
	journal->sent_end = journal_queue_first(journal->queue);
}

/* Not under the lock. */

static void
acknowledge(struct journal *journal, const struct batch *batch)
{
	bool is_news;

	pthread_mutex_lock(&journal->lock);
	is_news = note_written(journal, batch);
	pthread_mutex_unlock(&journal->lock);
	if (is_news && journal->options.acknowledged != NULL)
		journal->options.acknowledged(
		    batch->last_id, journal->options.arg);
}

/* Returns the end of what waits. */
static uint64_t
begin_batch(struct journal *journal, struct batch *batch)
{
	uint64_t end;

	pthread_mutex_lock(&journal->lock);
	fill_batch(journal, batch);
	journal->busy_us = clock_now_us();
	end = journal_queue_end(journal->queue);
	pthread_mutex_unlock(&journal->lock);
	return end;
}

/*
 * All that waits now is written before it is synced: a disk that is slow to
 * sync does not keep lines from the kernel, where they are safe from our end.
 */
static int
send_batches(struct journal *journal, struct err *err)
{
	struct batch batch = { .is_first = true };
	uint64_t end = begin_batch(journal, &batch);

	for (;;) {
		if (journal_disk_write(
			journal->disk, journal->batch, batch.len, err) == -1)
			return -1;
		if (batch.len == 0)
			return 0;
		acknowledge(journal, &batch);
		if (batch.end >= end || journal_disk_is_full(journal->disk))
			return journal_disk_sync(journal->disk, err);
		batch.is_first = false;
		begin_batch(journal, &batch);
	}
}

/* Returns whether there is more to do at once. */
static bool
send_some(struct journal *journal)
{
	struct err err;
	int result = send_batches(journal, &err);
	bool has_more;

	pthread_mutex_lock(&journal->lock);
	journal->busy_us = 0;
	if (result == 0)
		note_synced(journal);
	else
		note_unsynced(journal);
	has_more = result == 0 && has_work(journal);
	pthread_mutex_unlock(&journal->lock);
	if (result == 0)
		note_success(journal);
	else
		note_trouble(journal, &err);
	return has_more;
}

/* Waiting; under the lock. */

static void
wait_until(struct journal *journal, uint64_t us)
{
	struct timespec until = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000,
	};
	int error = 0;

	while (!atomic_load(&journal->is_stopping) && error != ETIMEDOUT)
		error = pthread_cond_timedwait(
		    &journal->changed, &journal->lock, &until);
}

/* False at the end: nothing is left, or what is left was tried once more. */
static bool
wait_for_work(struct journal *journal)
{
	if (journal->status.is_failing) {
		wait_until(journal, journal->retry_us);
	} else {
		journal->is_idle = true;
		while (
		    !atomic_load(&journal->is_stopping) && !has_work(journal))
			pthread_cond_wait(&journal->changed, &journal->lock);
		journal->is_idle = false;
		wait_until(
		    journal, clock_now_us() +
				 (uint64_t)journal->options.gather_ms * 1000);
	}
	if (!atomic_load(&journal->is_stopping))
		return true;
	if (journal->has_tried_last || !has_work(journal))
		return false;
	journal->has_tried_last = true;
	return true;
}

static bool
await_work(struct journal *journal)
{
	bool has_more;

	pthread_mutex_lock(&journal->lock);
	has_more = wait_for_work(journal);
	pthread_mutex_unlock(&journal->lock);
	return has_more;
}

void *
journal_run(void *arg)
{
	struct journal *journal = arg;

	pthread_setname_np(pthread_self(), "journal");
	read_files(journal);
	while (await_work(journal))
		while (send_some(journal))
			continue;
	pthread_mutex_lock(&journal->lock);
	journal->is_over = true;
	pthread_cond_broadcast(&journal->changed);
	pthread_mutex_unlock(&journal->lock);
	journal_unref(journal);
	return NULL;
}
