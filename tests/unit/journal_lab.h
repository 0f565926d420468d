/*
 * A folder for a journal, and a disk that breaks on command.  For tests of the
 * journal; one folder and one disk a program.
 */
#ifndef TESTS_JOURNAL_LAB_H
#define TESTS_JOURNAL_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/diagnosis/journal_io.h"

static char lab_folder[] = "/tmp/journal_lab_XXXXXX";
static char lab_path[48]; /* of the journal, in it */

static inline int
lab_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level == 0 ? 0 : remove(path);
}

/* Also what is left of the test before. */
static inline void
lab_empty(void)
{
	assert_int_equal(
	    nftw(lab_folder, lab_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline int
lab_begin(void **state)
{
	(void)state;
	if (mkdtemp(lab_folder) == NULL)
		return -1;
	snprintf(lab_path, sizeof(lab_path), "%s/journal", lab_folder);
	return 0;
}

static inline int
lab_end(void **state)
{
	(void)state;
	lab_empty();
	return rmdir(lab_folder);
}

#define LAB_NAME_SIZE 320

/* Segments, oldest first: their names sort. */
static inline int
lab_segments(char names[][LAB_NAME_SIZE], int max)
{
	struct dirent **list;
	int count = scandir(lab_path, &list, NULL, alphasort), found = 0, i;

	for (i = 0; i < count; i++) {
		if (strncmp(list[i]->d_name, "journal-", 8) == 0 && found < max)
			snprintf(names[found++], LAB_NAME_SIZE, "%s/%s",
			    lab_path, list[i]->d_name);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return found;
}

static inline char *
lab_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *text = malloc(1 << 22);

	assert_non_null(f);
	assert_non_null(text);
	*len = fread(text, 1, (1 << 22) - 1, f);
	text[*len] = '\0';
	fclose(f);
	return text;
}

static inline void
lab_write(const char *path, const char *mode, const char *bytes, size_t len)
{
	FILE *f = fopen(path, mode);

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

/* The disk: from call `from` on, `count` calls of a kind fail so. */
enum lab_call {
	LAB_OPEN,
	LAB_READ,
	LAB_WRITE,
	LAB_SYNC,
	LAB_TRUNCATE,
	LAB_UNLINK,
	LAB_CALLS
};

static struct {
	atomic_long calls[LAB_CALLS];
	atomic_long from[LAB_CALLS];
	atomic_long count[LAB_CALLS];
	atomic_int error[LAB_CALLS];
	atomic_long short_write; /* 0, or the most that is written at once */
} lab_disk;

static inline void
lab_heal(void)
{
	int i;

	for (i = 0; i < LAB_CALLS; i++) {
		atomic_store(&lab_disk.calls[i], 0);
		atomic_store(&lab_disk.count[i], 0);
	}
	atomic_store(&lab_disk.short_write, 0);
}

static inline void
lab_break(enum lab_call call, long from, long count, int error)
{
	atomic_store(&lab_disk.calls[call], 0);
	atomic_store(&lab_disk.error[call], error);
	atomic_store(&lab_disk.from[call], from);
	atomic_store(&lab_disk.count[call], count);
}

static inline bool
lab_fails(enum lab_call call)
{
	long at = atomic_fetch_add(&lab_disk.calls[call], 1);
	long from = atomic_load(&lab_disk.from[call]);

	if (at < from || at - from >= atomic_load(&lab_disk.count[call]))
		return false;
	errno = atomic_load(&lab_disk.error[call]);
	return true;
}

static int
lab_open(int folder, const char *name, int flags, mode_t mode)
{
	return lab_fails(LAB_OPEN) ? -1 : openat(folder, name, flags, mode);
}

static ssize_t
lab_do_read(int fd, void *bytes, size_t len)
{
	return lab_fails(LAB_READ) ? -1 : read(fd, bytes, len);
}

static ssize_t
lab_do_write(int fd, const void *bytes, size_t len)
{
	long most = atomic_load(&lab_disk.short_write);

	if (lab_fails(LAB_WRITE))
		return -1;
	return write(
	    fd, bytes, most > 0 && len > (size_t)most ? (size_t)most : len);
}

static int
lab_sync(int fd)
{
	(void)fd;
	return lab_fails(LAB_SYNC) ? -1 : 0;
}

static int
lab_truncate(int fd, off_t len)
{
	return lab_fails(LAB_TRUNCATE) ? -1 : ftruncate(fd, len);
}

static int
lab_unlink(int folder, const char *name)
{
	return lab_fails(LAB_UNLINK) ? -1 : unlinkat(folder, name, 0);
}

static const struct journal_io lab_io __attribute__((unused)) = {
	.open = lab_open,
	.read = lab_do_read,
	.write = lab_do_write,
	.sync = lab_sync,
	.truncate = lab_truncate,
	.unlink = lab_unlink,
};

#endif
