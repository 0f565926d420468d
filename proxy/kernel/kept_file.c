#include "proxy/kernel/kept_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/base/alloc.h"
#include "proxy/base/file.h"
#include "proxy/kernel/flat.h"

#define PATH_SIZE 720

void
kept_file_init(struct kept_file *file)
{
	file->fd = -1;
	file->path = NULL;
	file->inode = 0;
}

static bool
find_inode(int fd, uint64_t *inode)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return false;
	*inode = st.st_ino;
	return true;
}

void
kept_file_open(struct kept_file *file, const char *dir, const char *name)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file->fd = file_open(AT_FDCWD, path);
	if (file->fd == -1)
		return;
	if (find_inode(file->fd, &file->inode))
		file->path = xstrdup(path);
	else
		kept_file_let_go(file);
}

void
kept_file_let_go(struct kept_file *file)
{
	if (file->fd != -1)
		close(file->fd);
	file->fd = -1;
}

void
kept_file_close(struct kept_file *file)
{
	kept_file_let_go(file);
	free(file->path);
	kept_file_init(file);
}

bool
kept_file_is_there(const struct kept_file *file)
{
	return file->path != NULL;
}

static long
read_anew(const struct kept_file *file, char *out, size_t size)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error;
	uint64_t inode;
	long len = -1;

	if (fd == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			errno = ENODEV;
		return -1;
	}
	if (!find_inode(fd, &inode))
		error = errno;
	else if (inode != file->inode)
		error = ENODEV;
	else {
		len = flat_read(fd, out, size);
		error = errno;
	}
	close(fd);
	errno = error;
	return len;
}

long
kept_file_read(const struct kept_file *file, char *out, size_t size)
{
	out[0] = '\0';
	if (file->fd != -1 || file->path == NULL)
		return flat_read(file->fd, out, size);
	return read_anew(file, out, size);
}
