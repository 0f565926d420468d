/*
 * Names in a folder of /proc, read without the 32 KB that readdir(3) takes.
 */
#ifndef PROXY_KERNEL_FOLDER_H
#define PROXY_KERNEL_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

struct folder {
	int fd;
	long len; /* of what is in the buffer */
	long at;
	uint64_t buffer[256];
};

/* Below the folder `at`; false with errno. */
bool folder_open(struct folder *folder, int at, const char *name);

/* Without "." and "..": valid until the next call; NULL at the end. */
const char *folder_next(struct folder *folder);

void folder_close(struct folder *folder);

#endif
