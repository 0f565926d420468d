/*
 * A small file of the kernel that is read again and again: from a descriptor
 * that is kept, or opened each time where descriptors are to be spared.  Then
 * it must still be the file it was, for a folder that was made anew under the
 * same name counts from zero.
 */
#ifndef PROXY_KERNEL_KEPT_FILE_H
#define PROXY_KERNEL_KEPT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kept_file {
	int fd;         /* -1: not kept */
	char *path;     /* NULL: not to be had */
	uint64_t inode; /* which it was */
};

void kept_file_init(struct kept_file *file);

/* On an initialized one; what cannot be opened is not to be had. */
void kept_file_open(struct kept_file *file, const char *dir, const char *name);

/* From now on it is opened each time. */
void kept_file_let_go(struct kept_file *file);

void kept_file_close(struct kept_file *file);

bool kept_file_is_there(const struct kept_file *file);

/* As flat_read(); ENODEV: it is no more, whatever has its name now. */
long kept_file_read(const struct kept_file *file, char *out, size_t size);

#endif
