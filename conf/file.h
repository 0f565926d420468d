/*
 * Configuration files on disk and the paths in them.
 */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include <stddef.h>

struct err;

/*
 * The content, malloc'd and ended by NUL; NULL with err if it cannot be read
 * or is larger than `max` bytes.
 */
char *conf_file_read(
    const char *path, size_t max, size_t *len, struct err *err);

/*
 * The same, never waiting: what is no regular file (a FIFO, a device) is
 * refused.  For whoever must not be held up.
 */
char *conf_file_read_regular(
    const char *path, size_t max, size_t *len, struct err *err);

/* The folder of `path` with its slash, "" if it has none; malloc'd. */
char *conf_file_folder(const char *path);

/* `path` as seen from the file in `folder`; malloc'd. */
char *conf_file_join(const char *folder, const char *path);

#endif
