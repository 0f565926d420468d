/*
 * Small files of /proc and the cgroup file systems, as text: numbers, lines
 * of "key value", pressure.  Pure; what is not there or no number is false,
 * never 0.
 */
#ifndef PROXY_KERNEL_FLAT_H
#define PROXY_KERNEL_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number that the text is, white space behind it aside; "max" is none. */
bool flat_whole(const char *text, uint64_t *number);

/* The number behind the first line that begins with `key` and a blank. */
bool flat_value(const char *text, const char *key, uint64_t *number);

/* avg10 of the line `which` ("some" or "full") of a pressure file, in %. */
bool flat_pressure(const char *text, const char *which, double *avg10);

/* Room enough for the files that are read whole, which are short. */
#define FLAT_SIZE 4096

/*
 * From a descriptor that is kept, from its begin; at most size - 1 bytes,
 * ended by NUL.  The length, or -1 with errno.
 */
long flat_read(int fd, char *out, size_t size);

/* Opened below `folder`, read and closed; `folder` may be AT_FDCWD. */
long flat_load(int folder, const char *path, char *out, size_t size);

#endif
