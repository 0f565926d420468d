/*
 * The system calls by which the journal touches the disk, in a table so that
 * tests can break each of them.  All as in their manual pages.
 */
#ifndef PROXY_DIAGNOSIS_JOURNAL_IO_H
#define PROXY_DIAGNOSIS_JOURNAL_IO_H

#include <sys/types.h>

struct journal_io {
	int (*open)(int folder, const char *name, int flags, mode_t mode);
	ssize_t (*read)(int fd, void *bytes, size_t len);
	ssize_t (*write)(int fd, const void *bytes, size_t len);
	int (*sync)(int fd); /* fsync(2), of files and folders */
	int (*truncate)(int fd, off_t len);
	int (*unlink)(int folder, const char *name);
};

extern const struct journal_io journal_io_system;

#endif
