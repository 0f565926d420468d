/*
 * A small local file's text, read again only when the file has changed
 * (another inode, size or time).  Contents are wiped when they go: some are
 * passwords.
 */
#ifndef PROXY_FETCH_SMALL_FILE_H
#define PROXY_FETCH_SMALL_FILE_H

#include <stddef.h>
#include <sys/stat.h>

/* All zero is a good start. */
struct small_file {
	char *text; /* terminated; NULL if it could not be read */
	size_t len;
	struct stat seen;
};

/*
 * Brings `text` up to date.  -1 with errno and no text if the file cannot be
 * read, EFBIG if it is longer than `max`.
 */
int small_file_refresh(struct small_file *file, const char *path, size_t max);

void small_file_fini(struct small_file *file);

#endif
