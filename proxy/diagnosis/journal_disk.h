/*
 * The journal's files: batches of lines go in, bounded by `max_size`; what was
 * written is read again after a start.
 *
 * A segment takes lines until it has an eighth of `max_size`; before there is
 * too much, the oldest goes as a whole.  No byte that was acknowledged is ever
 * changed.  After any failure everything is closed and the next call begins
 * anew: with the folder as it is then, and with a new segment, so that nothing
 * follows a torn line and no descriptor is asked again for what it has failed
 * to bring to the disk (the kernel tells that only once).
 *
 * Used by one thread; blocks as long as the disk does.
 */
#ifndef PROXY_DIAGNOSIS_JOURNAL_DISK_H
#define PROXY_DIAGNOSIS_JOURNAL_DISK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/journal_scan.h"

struct err;
struct journal_disk;
struct journal_io;

/* The most that is written at once. */
#define JOURNAL_BATCH_MAX ((size_t)65536)

/* A segment has room for a batch. */
#define JOURNAL_MAX_SIZE_MIN (JOURNAL_BATCH_MAX * 8)

struct journal_disk_facts {
	uint64_t bytes;
	uint64_t segments;
	uint64_t dropped; /* lines, by journal_disk_read() */
};

/* `path` and `io` are borrowed. */
struct journal_disk *journal_disk_new(
    const char *path, uint64_t max_size, const struct journal_io *io);
void journal_disk_free(struct journal_disk *disk);

/*
 * Opens the folder and hands on all good lines, oldest first and each once,
 * unless somebody else writes there for as long as a second.  -1 with `err` if
 * it can not be written; what can be read has been read then.  Ends early when
 * `is_stopping` is set.
 */
int journal_disk_read(struct journal_disk *disk, journal_take_fn *take,
    void *arg, const atomic_bool *is_stopping, struct err *err);

/* Whole lines, at most JOURNAL_BATCH_MAX bytes, with one write(2): all of them
 * or -1.  Of 0 bytes: could it write? */
int journal_disk_write(
    struct journal_disk *disk, const char *lines, size_t len, struct err *err);

/* It has no room for another batch: the next one begins a new segment, and this
 * one is not synced any more. */
bool journal_disk_is_full(const struct journal_disk *disk);

/*
 * Brings to the disk what was written since the last time.  After -1, of this
 * or of a write, all of that has to be written again, in the same order, before
 * the next sync.
 */
int journal_disk_sync(struct journal_disk *disk, struct err *err);

void journal_disk_facts(
    const struct journal_disk *disk, struct journal_disk_facts *facts);

#endif
