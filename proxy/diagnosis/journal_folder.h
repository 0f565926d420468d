/*
 * The journal's folder: whose it is, and which segments are in it.
 *
 *   journal-0000000017.ndjson   a segment; the names sort by age
 *   lock                        held (flock(2)) by the one who writes
 *
 * Other files are left alone.  Used by one thread; blocks.
 */
#ifndef PROXY_DIAGNOSIS_JOURNAL_FOLDER_H
#define PROXY_DIAGNOSIS_JOURNAL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/journal_io.h"

struct err;

#define JOURNAL_NAME_SIZE 32

/* Whatever their size: each is a file that somebody has to open. */
#define JOURNAL_SEGMENTS_MAX ((size_t)64)

struct journal_segment {
	uint64_t number;
	uint64_t size;
};

struct journal_folder {
	const struct journal_io *io;
	const char *path;
	int fd; /* -1: not open */
	int lock;
	struct journal_segment *segments; /* the oldest first */
	size_t count;
	size_t room;
	uint64_t bytes; /* of all segments */
};

void journal_folder_init(struct journal_folder *folder, const char *path,
    const struct journal_io *io);

/*
 * Opens it, made before if its parent is there, and looks what is in it. Nobody
 * else writes there from now on.  -1 with `err`: `is_taken` if somebody else
 * does; where only that could not be made sure of, it is open to be read.
 */
int journal_folder_open(
    struct journal_folder *folder, bool *is_taken, struct err *err);

/* What has been learned is forgotten; the lock is given back. */
void journal_folder_close(struct journal_folder *folder);

/* Which folder, and what stands last in it: whoever has written there since has
 * changed that.  Comparable with memcmp(). */
struct journal_place {
	uint64_t dev;
	uint64_t ino;
	uint64_t number;
	uint64_t size;
};

void journal_folder_place(
    const struct journal_folder *folder, struct journal_place *place);

/* Still what its path leads to? */
bool journal_folder_is_there(const struct journal_folder *folder);

const char *journal_folder_name(uint64_t number, char name[JOURNAL_NAME_SIZE]);

/* A new segment, the last from now on.  A descriptor, or -1. */
int journal_folder_create(struct journal_folder *folder, struct err *err);

/* Of a regular file with its real size, or -1 with errno. */
int journal_folder_open_segment(
    struct journal_folder *folder, struct journal_segment *segment, int flags);

int journal_folder_remove(
    struct journal_folder *folder, size_t index, struct err *err);

/* "write PATH/NAME: WORDS" from errno; -1. */
int journal_folder_fail(const struct journal_folder *folder, const char *verb,
    const char *name, struct err *err);

#endif
