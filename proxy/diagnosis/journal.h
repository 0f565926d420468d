/*
 * The record on disk: lines of JSON, appended to files that outlive the
 * process (journal.md says what they look like).  What the lines say is the
 * owner's business.
 *
 * The owner's thread appends and never waits.  A thread of the journal's own
 * collects what comes within JOURNAL_GATHER_MS, writes it at once, tells that
 * it is acknowledged, and when nothing waits brings it to the disk (fsync).
 * Trouble with the disk stays here: lines wait in memory, bounded, and are
 * written when that works again; if there are too many the oldest are lost,
 * which is counted and said in the files, too.  One line in the log when it
 * starts, one when it ends.
 */
#ifndef PROXY_DIAGNOSIS_JOURNAL_H
#define PROXY_DIAGNOSIS_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct journal;
struct journal_io;
struct mailbox;

#define JOURNAL_GATHER_MS 50

/* What waits in memory while the disk is in trouble. */
#define JOURNAL_WAITING_MAX ((size_t)1024)
#define JOURNAL_WAITING_BYTES ((size_t)512 * 1024)

/* The most that is handed over at the start, beside `recover_max`. */
#define JOURNAL_RECOVER_BYTES ((size_t)1024 * 1024)

/* One line without what the journal adds; see journal_append(). */
#define JOURNAL_JSON_MAX ((size_t)16320)

struct journal_status {
	bool is_failing;
	char error[256];  /* why; "" if it is not */
	uint64_t written; /* lines that were acknowledged */
	uint64_t lost;    /* lines that were not and will never be */
	uint64_t waiting; /* lines in memory, not known to be on the disk */
	uint64_t acknowledged; /* the highest id */
	uint64_t bytes;        /* of all segments, as last seen */
	uint64_t segments;
	bool has_read;      /* what a process before has left; then: */
	uint64_t recovered; /* good lines */
	uint64_t dropped;   /* lines torn or rotten */
};

struct journal_options {
	const char *path; /* the folder; copied */
	uint64_t max_size;
	/*
	 * Once the files of a process before have been read: the newest lines
	 * of them, oldest first, at most `recover_max` and
	 * JOURNAL_RECOVER_BYTES, each as it stands in the file without its
	 * newline; then ready().  On the mailbox's thread; either may be NULL.
	 * None if another process writes there.
	 */
	struct mailbox *mailbox;
	size_t recover_max;
	void (*recovered)(const char *line, size_t len, void *arg);
	void (*ready)(const struct journal_status *status, void *arg);
	/* NULL, or on the journal's own thread: all ids up to this one. */
	void (*acknowledged)(uint64_t id, void *arg);
	void *arg;
	/* For tests; 0 otherwise. */
	const struct journal_io *io;
	unsigned retry_ms;
	unsigned gather_ms;
};

/*
 * The disk is not touched here, and its trouble is no error: NULL only if the
 * system has no thread left.
 */
struct journal *journal_new(
    const struct journal_options *options, struct err *err);

/*
 * Writes what is waiting, for as long as JOURNAL_STOP_MS if the disk hangs.
 * What was posted to the mailbox and not delivered by then is no concern: it
 * does not use the journal.
 */
#define JOURNAL_STOP_MS 2000
void journal_free(struct journal *journal);

/*
 * `json` is one object, not empty, on one line, of at most JOURNAL_JSON_MAX
 * bytes; anything else is counted as lost.  Ids rise.  Copied; from one
 * thread.
 */
void journal_append(
    struct journal *journal, const char *json, size_t len, uint64_t id);

/* From any thread. */
void journal_status(struct journal *journal, struct journal_status *status);

#endif
