/*
 * Whole files in memory, bounded and never waiting.  What a file is for is the
 * caller's to say.
 */
#ifndef PROXY_BASE_FILE_H
#define PROXY_BASE_FILE_H

#include <stddef.h>

struct err;

/*
 * Opens for reading, below the folder `folder` or AT_FDCWD; a FIFO without a
 * writer holds nobody up.  -1 with errno.
 */
int file_open(int folder, const char *path);

/*
 * All that is to be read from `fd`, malloc'd and ended by NUL; NULL with errno,
 * EFBIG if it is more than `max` bytes.  Pipes and files below /proc, whose
 * size nobody knows before, are read as well.  No copy is left behind but the
 * one returned.
 */
char *file_read(int fd, size_t max, size_t *len);

/* Opened, read and closed. */
char *file_load(const char *path, size_t max, size_t *len);

/*
 * Why one of the above failed, from errno and in Go's words: "open PATH:
 * permission denied".  Returns -1.
 */
int file_fail(const char *path, struct err *err);

/* Frees what may be a secret; NULL is fine. */
void file_wipe(char *text, size_t len);

#endif
