#include "proxy/diagnosis/journal_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/diagnosis/journal_folder.h"
#include "proxy/diagnosis/journal_io.h"

#define SEGMENTS 8
#define READ_BYTES ((size_t)262144)

/* A second, together. */
#define LOCK_TRIES 50
#define LOCK_PAUSE_NS 20000000

/* More lines than can be written twice at once. */
#define TWICE_MAX ((size_t)4096)

struct journal_disk {
	struct journal_folder folder;
	const struct journal_io *io;
	uint64_t max_size;
	int fd;            /* of the last segment; -1: none is open */
	bool may_continue; /* the last segment, which ends in a good line */
	bool is_new;       /* its name may not be on the disk yet */
	bool is_unsynced;  /* nothing of it has surely reached the disk */
	/* Segments whose lines have to be written again; 0, 0: none. */
	uint64_t doubtful;
	uint64_t doubtful_end;
	struct journal_place left; /* when the folder was closed */
	uint64_t dropped;
};

struct journal_disk *
journal_disk_new(
    const char *path, uint64_t max_size, const struct journal_io *io)
{
	struct journal_disk *disk = xcalloc(1, sizeof(*disk));

	disk->io = io;
	disk->max_size = max_size;
	disk->fd = -1;
	journal_folder_init(&disk->folder, path, io);
	return disk;
}

static void
close_segment(struct journal_disk *disk)
{
	if (disk->fd != -1)
		close(disk->fd);
	disk->fd = -1;
	disk->may_continue = false;
}

static void
close_all(struct journal_disk *disk)
{
	if (disk->folder.fd != -1)
		journal_folder_place(&disk->folder, &disk->left);
	close_segment(disk);
	journal_folder_close(&disk->folder);
}

void
journal_disk_free(struct journal_disk *disk)
{
	if (disk == NULL)
		return;
	close_all(disk);
	free(disk);
}

static struct journal_segment *
last_segment(const struct journal_disk *disk)
{
	return &disk->folder.segments[disk->folder.count - 1];
}

static int
fail(const struct journal_disk *disk, const char *verb, struct err *err)
{
	char name[JOURNAL_NAME_SIZE];

	journal_folder_name(last_segment(disk)->number, name);
	return journal_folder_fail(&disk->folder, verb, name, err);
}

/* Reading. */

/* Lines that were written again after a failed sync are there twice. */
struct once {
	journal_take_fn *take;
	void *arg;
	struct {
		uint64_t seq;
		size_t len;
		char end[16]; /* of the line: the crc */
	} seen[TWICE_MAX];
};

struct reading {
	struct journal_scan scan;
	struct once once;
	const atomic_bool *is_stopping;
	char bytes[READ_BYTES];
};

static void
take_once(const char *line, size_t len, uint64_t seq, void *arg)
{
	struct once *once = arg;
	size_t i = seq % TWICE_MAX;

	if (seq != 0) {
		const char *end = line + len - sizeof(once->seen[i].end);

		if (once->seen[i].seq == seq && once->seen[i].len == len &&
		    memcmp(once->seen[i].end, end, sizeof(once->seen[i].end)) ==
			0)
			return;
		once->seen[i].seq = seq;
		once->seen[i].len = len;
		memcpy(once->seen[i].end, end, sizeof(once->seen[i].end));
	}
	once->take(line, len, seq, once->arg);
}

/* What can not be read is as if it was not there. */
static void
read_segment(struct journal_disk *disk, struct journal_segment *segment,
    struct reading *reading)
{
	int fd = journal_folder_open_segment(&disk->folder, segment, O_RDONLY);
	ssize_t n = -1;

	disk->may_continue = false;
	if (fd == -1)
		return;
	journal_scan_begin(&reading->scan);
	while (!atomic_load(reading->is_stopping) &&
	       ((n = disk->io->read(fd, reading->bytes, READ_BYTES)) > 0 ||
		   (n == -1 && errno == EINTR)))
		if (n > 0)
			journal_scan_feed(
			    &reading->scan, reading->bytes, (size_t)n);
	disk->may_continue = journal_scan_end(&reading->scan) && n == 0;
	close(fd);
}

static void
read_all(struct journal_disk *disk, journal_take_fn *take, void *arg,
    const atomic_bool *is_stopping)
{
	struct reading *reading = xcalloc(1, sizeof(*reading));
	size_t i;

	reading->once.take = take;
	reading->once.arg = arg;
	reading->is_stopping = is_stopping;
	journal_scan_init(&reading->scan, take_once, &reading->once);
	for (i = 0; i < disk->folder.count; i++)
		read_segment(disk, &disk->folder.segments[i], reading);
	disk->dropped = reading->scan.dropped;
	free(reading);
}

int
journal_disk_read(struct journal_disk *disk, journal_take_fn *take, void *arg,
    const atomic_bool *is_stopping, struct err *err)
{
	static const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	int tries = LOCK_TRIES, result;
	bool is_taken;

	close_all(disk);
	/* The lock of a process that was killed can outlive it by a moment, and
	 * who begins a new record at once would not know the old one. */
	while ((result = journal_folder_open(&disk->folder, &is_taken, err)) ==
		   -1 &&
	       is_taken && --tries > 0 && !atomic_load(is_stopping))
		nanosleep(&pause, NULL);
	if (disk->folder.fd != -1)
		read_all(disk, take, arg, is_stopping);
	if (result == -1)
		close_all(disk);
	return result;
}

/* Writing. */

static bool
is_deleted(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* The folder may have been removed, or something mounted over it. */
static int
open_folder(struct journal_disk *disk, struct err *err)
{
	struct journal_place place;
	bool is_taken;

	if (disk->folder.fd != -1 && !journal_folder_is_there(&disk->folder))
		close_all(disk);
	if (disk->fd != -1 && is_deleted(disk->fd))
		close_all(disk);
	if (disk->folder.fd != -1)
		return 0;
	if (journal_folder_open(&disk->folder, &is_taken, err) == -1)
		return -1;
	/* Another process may have written there since, or it is another
	 * folder: what was doubtful may hold what is not ours. */
	journal_folder_place(&disk->folder, &place);
	if (memcmp(&place, &disk->left, sizeof(place)) != 0)
		disk->doubtful = disk->doubtful_end = 0;
	return 0;
}

/* The segment that is open stays, if there is one. */
static int
make_room(struct journal_disk *disk, size_t len, struct err *err)
{
	struct journal_folder *folder = &disk->folder;
	size_t kept = disk->fd != -1 ? 1 : 0;
	size_t most = JOURNAL_SEGMENTS_MAX - 1 + kept;

	while (folder->count > kept &&
	       (folder->bytes + len > disk->max_size || folder->count > most))
		if (journal_folder_remove(folder, 0, err) == -1)
			return -1;
	return 0;
}

static bool
is_full(const struct journal_disk *disk, size_t len)
{
	return last_segment(disk)->size + len > disk->max_size / SEGMENTS;
}

/* A process that ended well, or was killed, left it whole. */
static void
continue_segment(struct journal_disk *disk, size_t len)
{
	struct journal_segment *segment;
	uint64_t size;

	if (!disk->may_continue || disk->folder.count == 0 ||
	    is_full(disk, len))
		return;
	disk->may_continue = false;
	segment = last_segment(disk);
	size = segment->size;
	disk->fd = journal_folder_open_segment(
	    &disk->folder, segment, O_WRONLY | O_APPEND);
	if (disk->fd == -1)
		return;
	if (segment->size != size) {
		close_segment(disk);
		return;
	}
	disk->is_new = true; /* who knows how far the killed one got */
	disk->is_unsynced = false;
}

static int
open_segment(struct journal_disk *disk, size_t len, struct err *err)
{
	if (disk->fd != -1 && is_full(disk, len))
		close_segment(disk);
	if (disk->fd == -1)
		continue_segment(disk, len);
	if (make_room(disk, len, err) == -1)
		return -1;
	if (disk->fd != -1)
		return 0;
	disk->fd = journal_folder_create(&disk->folder, err);
	disk->is_new = disk->is_unsynced = true;
	return disk->fd == -1 ? -1 : 0;
}

static int
write_whole(struct journal_disk *disk, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = disk->io->write(disk->fd, bytes, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Of what is in the segment nothing has been synced, so all comes again. */
static void
note_doubtful(struct journal_disk *disk)
{
	uint64_t number = last_segment(disk)->number;

	if (!disk->is_unsynced)
		return;
	if (disk->doubtful == 0)
		disk->doubtful = number;
	disk->doubtful_end = number + 1;
}

/* Half a line would stay in the way of those who read the file. */
static void
take_back(struct journal_disk *disk)
{
	struct journal_segment *segment = last_segment(disk);
	struct err ignored;

	if (segment->size == 0) {
		journal_folder_remove(
		    &disk->folder, disk->folder.count - 1, &ignored);
		return;
	}
	note_doubtful(disk);
	if (disk->io->truncate(disk->fd, (off_t)segment->size) == -1)
		return; /* whoever reads it drops the line */
}

/* Their lines are in the segment that was written now. */
static void
drop_doubtful(struct journal_disk *disk)
{
	struct journal_folder *folder = &disk->folder;
	struct err ignored;
	uint64_t number;
	size_t i = 0;

	while (disk->doubtful != 0 && i + 1 < folder->count) {
		number = folder->segments[i].number;
		if (number < disk->doubtful || number >= disk->doubtful_end ||
		    journal_folder_remove(folder, i, &ignored) == -1)
			i++;
	}
	disk->doubtful = disk->doubtful_end = 0;
}

static int
write_lines(
    struct journal_disk *disk, const char *lines, size_t len, struct err *err)
{
	if (open_folder(disk, err) == -1)
		return -1;
	if (len == 0)
		return 0;
	if (open_segment(disk, len, err) == -1)
		return -1;
	if (write_whole(disk, lines, len) == -1) {
		fail(disk, "write", err);
		take_back(disk);
		return -1;
	}
	last_segment(disk)->size += len;
	disk->folder.bytes += len;
	return 0;
}

int
journal_disk_write(
    struct journal_disk *disk, const char *lines, size_t len, struct err *err)
{
	if (write_lines(disk, lines, len, err) == 0)
		return 0;
	close_all(disk);
	return -1;
}

/* Neither on some network filesystems, nor for their folders. */
static int
sync_one(const struct journal_disk *disk, int fd)
{
	if (disk->io->sync(fd) == 0 || errno == EINVAL || errno == ENOSYS ||
	    errno == EOPNOTSUPP)
		return 0;
	return -1;
}

bool
journal_disk_is_full(const struct journal_disk *disk)
{
	return is_full(disk, JOURNAL_BATCH_MAX);
}

int
journal_disk_sync(struct journal_disk *disk, struct err *err)
{
	drop_doubtful(disk);
	if (sync_one(disk, disk->fd) == 0 &&
	    (!disk->is_new || sync_one(disk, disk->folder.fd) == 0)) {
		disk->is_new = disk->is_unsynced = false;
		return 0;
	}
	fail(disk, "sync", err);
	note_doubtful(disk);
	close_all(disk);
	return -1;
}

void
journal_disk_facts(
    const struct journal_disk *disk, struct journal_disk_facts *facts)
{
	facts->bytes = disk->folder.bytes;
	facts->segments = disk->folder.count;
	facts->dropped = disk->dropped;
}
