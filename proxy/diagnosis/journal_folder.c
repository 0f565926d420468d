#include "proxy/diagnosis/journal_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

#define PREFIX "journal-"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define SUFFIX ".ndjson"
#define DIGITS ((size_t)10)
#define LOCK "lock"

/* Names with higher numbers are not ours: there is always one more. */
#define NUMBER_MAX UINT64_C(9999900000)

/* Files of others may have any name, but not any number of ours. */
#define LISTED_MAX ((size_t)10000)

/* Of a name that somebody else has made since we looked. */
#define CREATE_TRIES 16

void
journal_folder_init(struct journal_folder *folder, const char *path,
    const struct journal_io *io)
{
	*folder = (struct journal_folder){
		.io = io, .path = path, .fd = -1, .lock = -1
	};
}

int
journal_folder_fail(const struct journal_folder *folder, const char *verb,
    const char *name, struct err *err)
{
	char words[64];

	err_words(errno, words, sizeof(words));
	if (name == NULL)
		return err_set(
		    err, ERR_FILE, "%s %s: %s", verb, folder->path, words);
	return err_set(
	    err, ERR_FILE, "%s %s/%s: %s", verb, folder->path, name, words);
}

const char *
journal_folder_name(uint64_t number, char name[JOURNAL_NAME_SIZE])
{
	snprintf(name, JOURNAL_NAME_SIZE, PREFIX "%010" PRIu64 SUFFIX, number);
	return name;
}

/* False if it is not the name of a segment. */
static bool
read_name(const char *name, uint64_t *number)
{
	size_t i;

	if (strncmp(name, PREFIX, PREFIX_LEN) != 0)
		return false;
	name += PREFIX_LEN;
	*number = 0;
	for (i = 0; i < DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		*number = *number * 10 + (uint64_t)(name[i] - '0');
	}
	return strcmp(name + DIGITS, SUFFIX) == 0 && *number <= NUMBER_MAX;
}

static void
add(struct journal_folder *folder, uint64_t number, uint64_t size)
{
	if (folder->count == folder->room) {
		folder->room = folder->room * 2 + 16;
		folder->segments = xrealloc(folder->segments,
		    folder->room * sizeof(folder->segments[0]));
	}
	folder->segments[folder->count++] =
	    (struct journal_segment){ .number = number, .size = size };
	folder->bytes += size;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct journal_segment *)a)->number;
	uint64_t y = ((const struct journal_segment *)b)->number;

	return (x > y) - (x < y);
}

static void
list(struct journal_folder *folder, DIR *dir)
{
	struct dirent *entry;
	uint64_t number;
	struct stat st;

	while (folder->count < LISTED_MAX && (entry = readdir(dir)) != NULL)
		if (read_name(entry->d_name, &number) &&
		    fstatat(folder->fd, entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			add(folder, number, (uint64_t)st.st_size);
	qsort(folder->segments, folder->count, sizeof(folder->segments[0]),
	    by_number);
}

static int
look_around(struct journal_folder *folder, struct err *err)
{
	/* Its position is its own: the other descriptor stays as it is. */
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		journal_folder_fail(folder, "read", NULL, err);
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (folder->segments == NULL)
		folder->segments = xcalloc(1, sizeof(folder->segments[0]));
	list(folder, dir);
	closedir(dir);
	return 0;
}

/* The name of a folder that is new is in its parent. */
static void
sync_parent(const struct journal_folder *folder)
{
	int parent = folder->io->open(
	    folder->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (parent == -1)
		return;
	folder->io->sync(parent);
	close(parent);
}

static void
close_one(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* Some filesystems have no locks: there the operator alone sees to it. */
static bool
has_no_locks(int error)
{
	return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP ||
	       error == EINVAL;
}

static int
take_lock(struct journal_folder *folder, bool *is_taken, struct err *err)
{
	folder->lock = folder->io->open(folder->fd, LOCK,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (folder->lock == -1)
		return journal_folder_fail(folder, "open", LOCK, err);
	if (flock(folder->lock, LOCK_EX | LOCK_NB) == 0 || has_no_locks(errno))
		return 0;
	*is_taken = errno == EWOULDBLOCK;
	if (*is_taken)
		return err_set(err, ERR_FILE,
		    "%s: another scrapegate writes there: each needs a "
		    "journal.path of its own",
		    folder->path);
	return journal_folder_fail(folder, "lock", LOCK, err);
}

int
journal_folder_open(
    struct journal_folder *folder, bool *is_taken, struct err *err)
{
	bool is_new = mkdir(folder->path, 0700) == 0;
	struct err other;
	int result;

	*is_taken = false;
	folder->fd = folder->io->open(
	    AT_FDCWD, folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (folder->fd == -1)
		return journal_folder_fail(folder, "open", NULL, err);
	if (is_new)
		sync_parent(folder);
	/* First: who holds the lock makes and deletes segments. */
	result = take_lock(folder, is_taken, err);
	if (*is_taken ||
	    look_around(folder, result == 0 ? err : &other) == -1) {
		journal_folder_close(folder);
		return -1;
	}
	return result;
}

void
journal_folder_close(struct journal_folder *folder)
{
	close_one(&folder->fd);
	close_one(&folder->lock);
	free(folder->segments);
	folder->segments = NULL;
	folder->count = folder->room = 0;
	folder->bytes = 0;
}

void
journal_folder_place(
    const struct journal_folder *folder, struct journal_place *place)
{
	struct stat st;

	*place = (struct journal_place){ 0 };
	if (fstat(folder->fd, &st) == 0) {
		place->dev = st.st_dev;
		place->ino = st.st_ino;
	}
	if (folder->count > 0) {
		place->number = folder->segments[folder->count - 1].number;
		place->size = folder->segments[folder->count - 1].size;
	}
}

bool
journal_folder_is_there(const struct journal_folder *folder)
{
	struct stat own, now;

	return fstat(folder->fd, &own) == 0 && stat(folder->path, &now) == 0 &&
	       own.st_dev == now.st_dev && own.st_ino == now.st_ino;
}

int
journal_folder_create(struct journal_folder *folder, struct err *err)
{
	char name[JOURNAL_NAME_SIZE];
	uint64_t number = 1;
	int fd, tries;

	if (folder->count > 0)
		number = folder->segments[folder->count - 1].number + 1;
	for (tries = 0; tries < CREATE_TRIES; tries++, number++) {
		fd = folder->io->open(folder->fd,
		    journal_folder_name(number, name),
		    O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW |
			O_CLOEXEC,
		    0600);
		if (fd != -1) {
			add(folder, number, 0);
			return fd;
		}
		if (errno != EEXIST)
			break;
	}
	return journal_folder_fail(folder, "create", name, err);
}

int
journal_folder_open_segment(
    struct journal_folder *folder, struct journal_segment *segment, int flags)
{
	char name[JOURNAL_NAME_SIZE];
	struct stat st;
	int fd;

	fd = folder->io->open(folder->fd,
	    journal_folder_name(segment->number, name),
	    flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	folder->bytes += (uint64_t)st.st_size - segment->size;
	segment->size = (uint64_t)st.st_size;
	return fd;
}

int
journal_folder_remove(
    struct journal_folder *folder, size_t index, struct err *err)
{
	struct journal_segment *segment = &folder->segments[index];
	char name[JOURNAL_NAME_SIZE];

	journal_folder_name(segment->number, name);
	if (folder->io->unlink(folder->fd, name) == -1 && errno != ENOENT)
		return journal_folder_fail(folder, "remove", name, err);
	folder->bytes -= segment->size;
	folder->count--;
	memmove(
	    segment, segment + 1, (folder->count - index) * sizeof(*segment));
	return 0;
}
